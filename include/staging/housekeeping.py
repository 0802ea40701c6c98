"""Housekeeping: what staging may forget, and when. Nothing that somebody still needs is removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

BATCH_DAYS = 14
LOG_DAYS = 365


class Purged(NamedTuple):
    """Rows removed, by table."""

    landing_document: int
    landing_order: int
    landing_batch: int
    log_validation: int


def purge(
    connection: Connection,
    now: datetime,
    *,
    raw_days: int,
    batch_days: int = BATCH_DAYS,
    log_days: int = LOG_DAYS,
) -> Purged:
    """Remove what is past its retention.

    Raw documents stay longer while their order has an open quarantine row or a document that is
    not posted. The orders of a batch go once the batch is done with; staged orders, the ledger,
    quarantine, proofs and the audit log are kept. Plans of dry runs go with the orders of a batch.

    Args:
        connection: Open connection; the caller commits.
        now: The present, aware UTC.
        raw_days: Days that raw documents are kept for a replay.
        batch_days: Days that the orders of a batch are kept.
        log_days: Days that validation results and batches without a proof are kept.

    Returns:
        Rows removed.
    """
    documents = connection.execute(
        text(
            "DELETE FROM landing_document AS d WHERE d.landed_at < :before"
            " AND NOT EXISTS (SELECT FROM quarantine AS q WHERE q.channel = d.channel"
            "  AND q.order_id_store = d.order_id_store AND q.state = 'open')"
            " AND NOT EXISTS (SELECT FROM erp_document AS e WHERE e.channel = d.channel"
            "  AND e.order_id_store = d.order_id_store AND e.state <> 'posted'"
            "  AND e.sending_at IS NOT NULL)"
        ),
        {"before": now - timedelta(days=raw_days)},
    ).rowcount
    orders = connection.execute(
        text(
            "DELETE FROM landing_order AS o USING landing_batch AS b"
            " WHERE b.batch_id = o.batch_id AND b.changed_at < :before"
        ),
        {"before": now - timedelta(days=batch_days)},
    ).rowcount
    connection.execute(
        text("DELETE FROM landing_plan WHERE planned_at < :before"),
        {"before": now - timedelta(days=batch_days)},
    )
    validations = connection.execute(
        text("DELETE FROM log_validation WHERE validated_at < :before"),
        {"before": now - timedelta(days=log_days)},
    ).rowcount
    batches = connection.execute(
        text(
            "DELETE FROM landing_batch AS b WHERE b.changed_at < :before"
            " AND NOT EXISTS (SELECT FROM proof_window AS p WHERE p.batch_id = b.batch_id)"
            " AND NOT EXISTS (SELECT FROM landing_order AS o WHERE o.batch_id = b.batch_id)"
        ),
        {"before": now - timedelta(days=log_days)},
    ).rowcount
    return Purged(documents, orders, batches, validations)
