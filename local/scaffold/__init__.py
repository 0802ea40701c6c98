"""Writes the folder of a new connector from templates: ``python -m local.scaffold erp acme``."""
