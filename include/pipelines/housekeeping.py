"""Housekeeping: forgets what is past its retention and builds the Data Docs, off the hot path."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from include.quality.data_docs import DataDocs, Keep, StoredValidation, build_data_docs
from include.staging import housekeeping, validation

DOCS_DAYS = 30
PLAN_DAYS = housekeeping.BATCH_DAYS
"""A plan's files go when its page does."""


def purge(engine: Engine, now: datetime, raw_days: int) -> housekeeping.Purged:
    """Remove raw documents, batches and logs that are past their retention.

    Args:
        engine: The staging database, which all channels share.
        now: The present, aware.
        raw_days: Days that raw documents are kept for a replay.

    Returns:
        Rows removed, by table.
    """
    with engine.begin() as connection:
        return housekeeping.purge(connection, now, raw_days=raw_days)


def build_docs(engine: Engine, folder: Path, now: datetime) -> DataDocs:
    """Render the kept validation results as pages a person can read, and prune old ones.

    Args:
        engine: The staging database; all channels' windows are rendered.
        folder: Where the pages go.
        now: The present, aware.

    Returns:
        What was built.
    """
    with engine.connect() as connection:
        judged = validation.judged_windows(connection)
    stored = [StoredValidation(*window) for window in judged]
    return build_data_docs(stored, folder, keep=Keep(days=DOCS_DAYS), now=now)


def forget_plans(folder: Path, now: datetime, days: int = PLAN_DAYS) -> int:
    """Remove the files of dry runs that are past their retention.

    Args:
        folder: The folder with one folder of plans a channel; may be absent.
        now: The present, aware.
        days: Days that a file is kept after it was written.

    Returns:
        Files removed.
    """
    oldest = (now - timedelta(days=days)).timestamp()
    written = [path for path in folder.glob("*/*") if path.is_file()]
    stale = [path for path in written if path.stat().st_mtime < oldest]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)
