"""Random order lives: what buyers and shop staff do to the store's orders between two runs."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal

from include.connectors.stores.shopify.sandbox import amend, catalog
from include.connectors.stores.shopify.sandbox.book import Order
from include.connectors.stores.shopify.sandbox.store import StoreState

EVENTS = ("touch", "fulfil", "refund", "refund_line", "goodwill", "edit_up", "edit_down", "cancel")


def place(store: StoreState, chance: random.Random, at: datetime) -> Order:
    """Have a buyer place an ordinary order."""
    maker = store.maker
    maker.chance, maker.until = chance, at
    order = maker.ordinary(at)
    store.put(order)
    return order


def live(store: StoreState, order: Order, chance: random.Random, at: datetime) -> str:
    """Let one thing happen to an order; return what."""
    kind = chance.choice(EVENTS)
    open_lines = [line for line in order.lines if line.current > 0]
    if order.cancelled_at is not None or not open_lines:
        kind = "touch"
    line = chance.choice(open_lines) if open_lines else None
    is_paid = order.received.shop > order.refunded.shop
    if kind == "fulfil":
        amend.fulfill(order, store.ids, at)
    elif kind == "refund" and is_paid:
        units = [(part, part.current) for part in open_lines]
        amend.refund(order, store.ids, at, units, shipping=True)
    elif kind == "refund_line" and is_paid and line is not None:
        restock = chance.choice(("RETURN", "NO_RESTOCK"))
        units = [(line, chance.randint(1, line.current))]
        amend.refund(order, store.ids, at, units, restock=restock)
    elif kind == "goodwill" and is_paid and not order.refunds:
        amend.refund(order, store.ids, at, beyond=Decimal("1.00"))
    elif kind == "edit_up":
        amend.add(order, store.ids, chance.choice(catalog.GOODS), 1, at)
        amend.settle(order, store.ids, at)
    elif kind == "edit_down" and line is not None:
        amend.remove(order, line, 1, at)
        amend.settle(order, store.ids, at)
    elif kind == "cancel":
        amend.cancel(order, store.ids, at)
    else:
        kind = "touch"
        amend.touch(order, at)
    store.put(order)
    return kind
