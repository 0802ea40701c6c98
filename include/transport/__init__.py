"""HTTP for every connector: one session builder, retries, pacing, redaction, statuses as errors."""
