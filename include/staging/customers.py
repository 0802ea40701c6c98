"""Purchase history: what a customer of the store bought, what was booked of it, what is open.

Customers are known by the store's id alone: no name, address or mail is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, text

from include.staging.proof import KINDS

MOST_ORDERS = 500


class Found(NamedTuple):
    """A customer that a search names; no customer id means an order without one, a guest's."""

    channel: str
    customer_id_store: str | None
    order_number: str


class Sums(NamedTuple):
    """A customer's orders in one currency; test orders are left out."""

    currency: str
    orders: int
    first_order_at: datetime
    last_order_at: datetime
    current_total: Decimal
    received: Decimal
    refunded: Decimal
    outstanding: Decimal
    invoiced: Decimal
    credited: Decimal


class BoughtOrder(NamedTuple):
    """One order of a customer."""

    order_id_store: str
    order_number: str
    placed_at: datetime
    cancelled_at: datetime | None
    currency: str
    original_total: Decimal
    current_total: Decimal
    outstanding: Decimal
    financial_status: str
    fulfillment_status: str
    is_test: bool
    invoiced: Decimal
    credited: Decimal


class BookedDocument(NamedTuple):
    """One document of an order in the ERP."""

    order_id_store: str
    kind: str
    sequence: int
    reference: str
    total: Decimal
    paid: Decimal
    currency: str
    remote_state: str | None


class HeldReason(NamedTuple):
    """Why an order waits; the order itself may not be staged."""

    quarantine_id: int
    order_id_store: str
    order_number: str
    reason_class: str
    message: str
    first_seen_at: datetime


class History(NamedTuple):
    """A customer's purchase history.

    Attributes:
        sums: One entry a currency.
        orders: Newest first, at most ``MOST_ORDERS``.
        documents: Posted documents of these orders by store id.
        held: Open reasons that hold an order of the customer.
        is_redacted: Whether personal data of the customer was erased.
    """

    sums: Sequence[Sums]
    orders: Sequence[BoughtOrder]
    documents: dict[str, list[BookedDocument]]
    held: Sequence[HeldReason]
    is_redacted: bool


def find(connection: Connection, channels: Sequence[str], words: str) -> list[Found]:
    """Find customers by the store's customer id or by the number of one of their orders.

    Args:
        connection: Open connection.
        channels: Channel ids that may be looked into.
        words: The id, whole or the part after its last slash; or a number, with or without ``#``.

    Returns:
        One entry a channel and customer.
    """
    bare = words.strip().lstrip("#")
    rows = connection.execute(
        _FIND,
        {
            "channels": list(channels),
            "bare": bare,
            "whole": words.strip(),
            "ending": f"/{bare}",
        },
    )
    return [Found(*row) for row in rows]


def history(connection: Connection, channel: str, customer_id: str) -> History | None:
    """Return what a customer bought.

    Args:
        connection: Open connection.
        channel: Channel id.
        customer_id: The store's id, whole.

    Returns:
        The history; ``None`` when no order of the channel is this customer's.
    """
    values = {"channel": channel, "customer_id": customer_id}
    rows = connection.execute(
        text(
            f"SELECT {', '.join(BoughtOrder._fields)}, is_redacted"  # noqa: S608
            " FROM analyst.customer_orders WHERE channel = :channel"
            " AND customer_id_store = :customer_id"
            " ORDER BY placed_at DESC, order_id_store LIMIT :limit"
        ),
        {**values, "limit": MOST_ORDERS},
    ).all()
    held = [HeldReason(*row) for row in connection.execute(_HELD, values)]
    if not rows and not held:
        return None
    sums = connection.execute(
        text(
            f"SELECT {', '.join(Sums._fields)} FROM analyst.customers"  # noqa: S608
            " WHERE channel = :channel AND customer_id_store = :customer_id ORDER BY currency"
        ),
        values,
    )
    found = [Sums(*row) for row in sums]
    documents: dict[str, list[BookedDocument]] = {}
    for row in connection.execute(
        text(
            f"SELECT {', '.join(BookedDocument._fields)} FROM erp_document"  # noqa: S608
            " WHERE channel = :channel AND order_id_store = ANY(:order_ids) AND state = 'posted'"
            " ORDER BY order_id_store, array_position(CAST(:kinds AS text[]), kind), sequence"
        ),
        {
            "channel": channel,
            "order_ids": [row.order_id_store for row in rows],
            "kinds": [kind.value for kind in KINDS],
        },
    ):
        documents.setdefault(row.order_id_store, []).append(BookedDocument(*row))
    return History(
        sums=found,
        orders=[BoughtOrder(*row[:-1]) for row in rows],
        documents=documents,
        held=held,
        is_redacted=any(row.is_redacted for row in rows),
    )


# What validation holds is not staged: its customer is in the batch that it was last found in.
_FIND = text(
    "SELECT DISTINCT ON (channel, customer_id_store) channel, customer_id_store, order_number"
    " FROM (SELECT channel, customer_id_store, order_number, placed_at FROM staged_order"
    "  WHERE channel = ANY(:channels) UNION ALL"
    "  SELECT q.channel, l.canonical -> 'customer' ->> 'customer_id_store', q.order_number,"
    "   l.placed_at FROM quarantine AS q JOIN landing_order AS l ON l.batch_id = q.batch_id"
    "   AND l.order_id_store = q.order_id_store"
    "  WHERE q.channel = ANY(:channels) AND q.state = 'open'"
    "  AND l.canonical -> 'customer' ->> 'customer_id_store' IS NOT NULL) AS known"
    " WHERE order_number IN (:bare, '#' || :bare) OR customer_id_store = :whole"
    "  OR right(customer_id_store, length(:ending)) = :ending"
    " ORDER BY channel, customer_id_store, placed_at DESC"
)
_HELD = text(
    "SELECT q.quarantine_id, q.order_id_store, q.order_number, q.reason_class, q.message,"
    " q.first_seen_at FROM quarantine AS q"
    " LEFT JOIN staged_order AS s ON s.channel = q.channel"
    "  AND s.order_id_store = q.order_id_store"
    " LEFT JOIN landing_order AS l ON l.batch_id = q.batch_id"
    "  AND l.order_id_store = q.order_id_store AND s.order_id_store IS NULL"
    " WHERE q.channel = :channel AND q.state = 'open' AND q.severity = 'critical'"
    " AND coalesce(s.customer_id_store, l.canonical -> 'customer' ->> 'customer_id_store')"
    "  = :customer_id ORDER BY q.first_seen_at, q.quarantine_id"
)
