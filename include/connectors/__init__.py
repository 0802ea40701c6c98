"""Connectors to stores and ERPs, one folder each; the registry finds them."""
