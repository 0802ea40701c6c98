"""Random order lives: what buyers and shop staff do to the store's orders between two runs."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal

from include.connectors.stores.shopify.sandbox import amend, catalog, compose
from include.connectors.stores.shopify.sandbox.book import Order
from include.connectors.stores.shopify.sandbox.store import StoreState

EVENTS = (
    "touch",
    "pay",
    "pay",
    "hold",
    "unhold",
    "fulfil",
    "fulfil_part",
    "refund",
    "refund_line",
    "goodwill",
    "edit_up",
    "edit_down",
    "cancel",
)
CARD = "shopify_payments"
PAID_LATER = 0.15
AUTHORIZED = 0.22
HELD = 0.1
TRIED = 0.04
UNPAID_EDITS = 0.3


def place(store: StoreState, chance: random.Random, at: datetime) -> Order:
    """Have a buyer place an order: most are paid at once, some later, a few are held or a test."""
    maker = store.maker
    maker.chance, maker.until = chance, at
    order: Order = maker.ordinary(at)
    payment = chance.random()
    if payment < AUTHORIZED:
        order.payments.clear()
        if payment > PAID_LATER:
            compose.pay(order, store.ids, CARD, at, kind="AUTHORIZATION")
    order.on_hold = chance.random() < HELD
    order.test = chance.random() < TRIED
    store.put(order)
    return order


def live(  # noqa: PLR0912 - one branch for each thing that can happen
    store: StoreState, order: Order, chance: random.Random, at: datetime
) -> str:
    """Let one thing happen to an order; return what."""
    kind = chance.choice(EVENTS)
    open_lines = [line for line in order.lines if line.current > 0]
    line = chance.choice(open_lines) if open_lines else None
    is_paid = order.received.shop > order.refunded.shop
    is_waiting = order.capturable.presentment > 0
    owes = order.outstanding.presentment > 0
    later = chance.random() < UNPAID_EDITS
    if order.cancelled_at is not None or line is None:
        kind = "touch"
    if kind == "pay" and owes:
        pay(store, order, at)
    elif kind in ("hold", "unhold"):
        order.on_hold = kind == "hold"
        amend.touch(order, at)
    elif kind in ("fulfil", "fulfil_part"):
        order.on_hold = False
        amend.fulfill(order, store.ids, at, share=1 if kind == "fulfil_part" else None)
    elif kind == "refund" and is_paid:
        units = [(part, part.current) for part in open_lines]
        amend.refund(order, store.ids, at, units, shipping=True)
    elif kind == "refund_line" and is_paid and line is not None:
        restock = chance.choice(("RETURN", "NO_RESTOCK"))
        units = [(line, chance.randint(1, line.current))]
        amend.refund(order, store.ids, at, units, restock=restock)
    elif kind == "goodwill" and is_paid and not order.refunds and not owes:
        amend.refund(order, store.ids, at, beyond=Decimal("1.00"))
    elif kind == "edit_up" and not is_waiting:
        amend.add(order, store.ids, chance.choice(catalog.GOODS), 1, at)
        if not owes and not later:
            amend.settle(order, store.ids, at)
    elif kind == "edit_down" and line is not None and not is_waiting:
        amend.remove(order, line, 1, at)
        if not owes or order.outstanding.presentment < 0:
            amend.settle(order, store.ids, at)
    elif kind == "cancel":
        amend.cancel(order, store.ids, at)
    else:
        kind = "touch"
        amend.touch(order, at)
    store.put(order)
    return kind


def pay(store: StoreState, order: Order, at: datetime) -> None:
    """Collect what is owed: what was authorized is captured."""
    held = next((row for row in order.payments if row.kind == "AUTHORIZATION"), None)
    if held is not None and order.capturable.presentment > 0:
        compose.pay(order, store.ids, CARD, at, order.outstanding, kind="CAPTURE", parent=held)
    else:
        amend.settle(order, store.ids, at)
    amend.touch(order, at)


def end(store: StoreState, order: Order, at: datetime) -> None:
    """Bring a life to its end: what is owed is paid, what is held or open is sent."""
    if order.cancelled_at is None:
        order.on_hold = False
        if order.outstanding.presentment > 0:
            pay(store, order, at)
        amend.fulfill(order, store.ids, at)
    amend.touch(order, at)
    store.put(order)
