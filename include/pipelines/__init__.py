"""Use cases: pull, validate, load, plan and post, prove; on ports, staging and quality."""
