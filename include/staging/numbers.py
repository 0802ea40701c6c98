"""The number under which the ERP knows an order: the one that its first document was sent under.

A store may rename an order afterwards. References of documents are made of the number, and later
documents name earlier ones by them, so they go on with the number that the ERP has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text


def posted_numbers(
    connection: Connection, channel: str, order_ids: Sequence[str]
) -> Mapping[str, str]:
    """Return the number that each order was posted under; one that was not is left out.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_ids: Store ids.
    """
    rows = connection.execute(
        text(
            "SELECT DISTINCT ON (order_id_store) order_id_store, order_number FROM erp_document"
            " WHERE channel = :channel AND order_id_store = ANY(:order_ids)"
            " AND state IN ('posted', 'sending')"
            " ORDER BY order_id_store, coalesce(posted_at, sending_at), kind DESC"
        ),
        {"channel": channel, "order_ids": list(order_ids)},
    )
    return {row.order_id_store: row.order_number for row in rows}
