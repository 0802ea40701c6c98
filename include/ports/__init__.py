"""Ports: what the use cases ask of a store, an ERP and a clock."""
