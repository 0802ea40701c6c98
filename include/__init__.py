"""The bundle: everything the DAGs run lives below here, layer by layer."""
