"""What becomes of ordinary orders in a lively shop: paid late, edited, exchanged, called off.

Each life has a source of chance of its own, taken from the order: a shop that is seeded further
repeats the lives of its earlier days. Delays are hours to two days, so that lives cross windows.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from include.connectors.stores.shopify.sandbox import amend, catalog, compose
from include.connectors.stores.shopify.sandbox.book import Order
from include.connectors.stores.shopify.sandbox.maker import Maker

Life = Callable[[Maker, Order, random.Random], None]
CARD = "shopify_payments"


def _next(
    maker: Maker, order: Order, chance: random.Random, hours: tuple[float, float]
) -> datetime:
    """Keep the order as it is, and return when the next thing happens to it."""
    maker.keep(order)
    return order.updated_at + timedelta(seconds=int(3600 * chance.uniform(*hours)))


def _pay(maker: Maker, order: Order) -> None:
    compose.pay(order, maker.ids, CARD, order.created_at)


def called_off(maker: Maker, order: Order, chance: random.Random) -> None:
    """Paid, then cancelled and paid back before anything was shipped."""
    _pay(maker, order)
    amend.cancel(order, maker.ids, _next(maker, order, chance, (6, 40)))


def called_off_unpaid(maker: Maker, order: Order, chance: random.Random) -> None:
    """Authorized, then cancelled."""
    compose.pay(order, maker.ids, CARD, order.created_at, kind="AUTHORIZATION")
    amend.cancel(order, maker.ids, _next(maker, order, chance, (6, 40)), "FRAUD")


def edited_then_captured(maker: Maker, order: Order, chance: random.Random) -> None:
    """Authorized; a unit is taken off a line; then what is left is captured."""
    held = compose.pay(order, maker.ids, CARD, order.created_at, kind="AUTHORIZATION")
    compose.sell(order, maker.ids, chance.choice(catalog.GOODS), 1)
    held.amount = order.grand_total
    line = order.lines[-1]
    amend.remove(order, line, 1, _next(maker, order, chance, (8, 30)))
    at = _next(maker, order, chance, (4, 20))
    compose.pay(order, maker.ids, CARD, at, order.current_total, kind="CAPTURE", parent=held)
    amend.touch(order, at)
    amend.fulfill(order, maker.ids, _next(maker, order, chance, (1, 9)))


def added_later(maker: Maker, order: Order, chance: random.Random) -> None:
    """Paid; a line is added and paid the next day."""
    _pay(maker, order)
    at = _next(maker, order, chance, (6, 36))
    amend.add(order, maker.ids, chance.choice(catalog.GOODS), 1, at)
    amend.settle(order, maker.ids, at)


def taken_off(maker: Maker, order: Order, chance: random.Random) -> None:
    """Paid; a unit is taken off and its money paid back."""
    _pay(maker, order)
    at = _next(maker, order, chance, (6, 36))
    amend.remove(order, order.lines[0], 1, at)
    amend.settle(order, maker.ids, at)


def exchanged(maker: Maker, order: Order, chance: random.Random) -> None:
    """Shipped; a unit comes back, another item goes out for it, the difference is settled."""
    _pay(maker, order)
    amend.fulfill(order, maker.ids, _next(maker, order, chance, (3, 12)))
    at = _next(maker, order, chance, (12, 40))
    amend.refund(order, maker.ids, at, [(order.lines[0], 1)], note="Exchanged")
    amend.add(order, maker.ids, chance.choice(catalog.GOODS), 1, at)
    amend.settle(order, maker.ids, at)


def brought_back(maker: Maker, order: Order, chance: random.Random) -> None:
    """Shipped; a unit comes back into stock and is paid back."""
    _pay(maker, order)
    amend.fulfill(order, maker.ids, _next(maker, order, chance, (3, 12)))
    at = _next(maker, order, chance, (12, 40))
    amend.refund(order, maker.ids, at, [(order.lines[0], 1)], note="Did not fit")


def arrived_broken(maker: Maker, order: Order, chance: random.Random) -> None:
    """Shipped; paid back in full with its shipping, nothing comes back."""
    _pay(maker, order)
    amend.fulfill(order, maker.ids, _next(maker, order, chance, (3, 12)))
    units = [(line, line.current) for line in order.lines]
    at = _next(maker, order, chance, (12, 40))
    amend.refund(order, maker.ids, at, units, restock="NO_RESTOCK", shipping=True)


def made_good(maker: Maker, order: Order, chance: random.Random) -> None:
    """Shipped late; five dollars are paid back for no line."""
    _pay(maker, order)
    amend.fulfill(order, maker.ids, _next(maker, order, chance, (12, 30)))
    at = _next(maker, order, chance, (4, 20))
    amend.refund(order, maker.ids, at, beyond=Decimal("5.00"), note="Late parcel")


# Of a thousand ordinary orders, how many lead each life; the others are paid and mostly shipped.
SHARES: dict[Life, int] = {
    called_off: 14,
    called_off_unpaid: 8,
    edited_then_captured: 10,
    added_later: 12,
    taken_off: 10,
    exchanged: 10,
    brought_back: 14,
    arrived_broken: 5,
    made_good: 7,
}


def choose(order: Order) -> tuple[Life, random.Random] | None:
    """Choose the life of an ordinary order, by the order alone.

    Args:
        order: The order, with its lines, before it is paid.

    Returns:
        The life with its source of chance; ``None`` for the usual course.
    """
    chance = random.Random(order.id)  # noqa: S311 - a made-up shop, no secret
    drawn = chance.randrange(1000)
    for life, share in SHARES.items():
        drawn -= share
        if drawn < 0:
            return life, chance
    return None
