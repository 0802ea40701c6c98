"""Held orders as CSV: one row for each reason why an order is held or noted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from include.reporting.proof_export import amount, instant
from include.staging.held_orders import HeldOrder, bucket_of

COLUMNS = (
    "channel",
    "order_number",
    "order_id_store",
    "severity",
    "reason_class",
    "rule",
    "field",
    "message",
    "remote",
    "owner",
    "state",
    "first_seen_at",
    "last_seen_at",
    "age",
    "tries",
    "currency",
    "amount",
    "closed_at",
    "closed_by",
    "written_off",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(rows: Iterable[HeldOrder], now: datetime) -> str:
    """Return held orders as CSV (RFC 4180); times in UTC, amounts in shop currency.

    Args:
        rows: The rows.
        now: The present, aware; ages are counted from it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = (
            row.channel,
            row.order_number,
            row.order_id_store,
            row.severity.value,
            row.reason_class,
            row.rule,
            row.field,
            row.message,
            row.remote,
            row.owner,
            row.state,
            instant(row.first_seen_at),
            instant(row.last_seen_at),
            bucket_of(row.first_seen_at, now).name,
            str(row.tries),
            row.currency or "",
            "" if row.amount is None or row.currency is None else amount(row.amount, row.currency),
            instant(row.closed_at) if row.closed_at else "",
            row.closed_by or "",
            row.written_off or "",
        )
        # Text that a spreadsheet would take for a formula is quoted (OWASP, CSV injection).
        writer.writerow(
            f"'{value}" if value.startswith(_FORMULA) and name != "amount" else value
            for name, value in zip(COLUMNS, values, strict=True)
        )
    return out.getvalue()
