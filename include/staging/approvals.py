"""Approvals: who let which order be posted, up to which total. They stand in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection, text

from include.domain.gates import APPROVAL_RULE


def approved_totals(
    connection: Connection,
    channel: str,
    order_ids: Sequence[str],
    rules: Sequence[str] = (APPROVAL_RULE,),
) -> dict[str, Decimal]:
    """Return the highest total that was approved, in shop currency, of each order that ever was.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_ids: Store ids.
        rules: The rules of quarantine whose release counts as the approval that is asked about.
    """
    rows = connection.execute(
        text(
            "SELECT wanted.order_id_store, max((a.after ->> 'total')::numeric) AS total"
            " FROM unnest(CAST(:order_ids AS text[])) AS wanted (order_id_store)"
            " JOIN log_audit AS a ON a.key @> jsonb_build_object('channel',"
            "  CAST(:channel AS text), 'order_id_store', wanted.order_id_store)"
            " WHERE a.subject = 'quarantine' AND a.action = 'released'"
            "  AND a.after ->> 'rule' = ANY(:rules) AND a.after ->> 'total' IS NOT NULL"
            " GROUP BY wanted.order_id_store"
        ),
        {"channel": channel, "order_ids": list(order_ids), "rules": list(rules)},
    )
    return {row.order_id_store: row.total for row in rows}
