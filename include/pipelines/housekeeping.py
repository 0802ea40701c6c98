"""Housekeeping: forgets what is past its retention and builds the Data Docs, off the hot path."""

from __future__ import annotations

from pathlib import Path

from include.pipelines.house import House
from include.quality.data_docs import DataDocs, Keep, StoredValidation, build_data_docs
from include.staging import housekeeping, validation

DOCS_DAYS = 30


def purge(house: House, raw_days: int) -> housekeeping.Purged:
    """Remove raw documents, batches and logs that are past their retention.

    Args:
        house: Any channel; the staging database is shared.
        raw_days: Days that raw documents are kept for a replay.

    Returns:
        Rows removed, by table.
    """
    with house.engine.begin() as connection:
        return housekeeping.purge(connection, house.clock.now(), raw_days=raw_days)


def build_docs(house: House, folder: Path) -> DataDocs:
    """Render the kept validation results as pages a person can read, and prune old ones.

    Args:
        house: Any channel; all channels' windows are rendered.
        folder: Where the pages go.

    Returns:
        What was built.
    """
    with house.engine.connect() as connection:
        judged = validation.judged_windows(connection)
    stored = [StoredValidation(*window) for window in judged]
    return build_data_docs(stored, folder, keep=Keep(days=DOCS_DAYS), now=house.clock.now())
