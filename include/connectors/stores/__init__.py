"""Store connectors, one folder each."""
