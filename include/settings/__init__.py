"""Channel files (YAML and CSV) turned into validated, frozen settings."""
