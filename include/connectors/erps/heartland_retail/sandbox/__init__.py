"""A Heartland Retail account for tests and demonstrations, written from what is published."""
