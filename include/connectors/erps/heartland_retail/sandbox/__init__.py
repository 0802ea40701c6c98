"""A Heartland Retail account for tests and demonstrations, written from what is published."""

from __future__ import annotations

LAID_OUT_BY = ("account.py", "schema.py", "setup.py")
