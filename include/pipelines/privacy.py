"""Honours a store's request to forget a customer: everywhere but in the books."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from include.pipelines.house import House
from include.staging import privacy

log = logging.getLogger(__name__)


def redact(
    connection: Connection,
    channel: str,
    *,
    actor: str,
    order_ids: Sequence[str] = (),
    customer_id: str = "",
) -> privacy.Redacted:
    """Erase the personal data of orders, or of all orders of a customer.

    Numbers, amounts and the store's id of the customer stay: the ledger and the ERP need them. A
    repeated request changes nothing.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        actor: Who asked for it.
        order_ids: Store ids of orders.
        customer_id: The store's id of a customer, whole or its number alone.

    Returns:
        What was erased.
    """
    found = list(order_ids)
    if customer_id:
        found += privacy.orders_of_customer(connection, channel, customer_id)
    return privacy.redact(connection, channel, sorted(set(found)), actor=actor)


def forget(
    house: House, *, actor: str, order_ids: Sequence[str] = (), customer_id: str = ""
) -> privacy.Redacted:
    """Erase and commit, all or nothing.

    Args:
        house: The channel.
        actor: Who asked for it.
        order_ids: Store ids of orders.
        customer_id: The store's id of a customer, whole or its number alone.

    Returns:
        What was erased.
    """
    with house.engine.begin() as connection:
        done = redact(
            connection, house.channel, actor=actor, order_ids=order_ids, customer_id=customer_id
        )
    log.info(
        "%d orders redacted: %d raw documents removed, %d canonical documents and %d texts changed",
        *done,
    )
    return done
