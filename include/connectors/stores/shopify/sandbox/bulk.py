"""Bulk operations: a query run in the background, its result a file of JSON lines."""

from __future__ import annotations


class BulkOperations:
    """The bulk operations of one app in one shop."""

    def result(self, name: str) -> str | None:
        """Return the result file of an operation."""
        return None
