"""Draws what a simulated channel wants booked and when: any choices that go together."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from include.domain.policy import (
    Approval,
    ClosedPeriod,
    InvoiceMoment,
    OnHold,
    OnTestOrder,
    RouteBy,
    ShortStock,
    UnpaidOrders,
)

USUAL = 0.5


def drawn(chance: random.Random, locations: list[str]) -> Mapping[str, Any]:
    """Return the ``policy`` of a channel file.

    What contradicts something drawn before it gives way to the default.

    Args:
        chance: Source of all randomness.
        locations: Store location ids.
    """
    invoice = _one(chance, InvoiceMoment)
    short_stock = _one(chance, ShortStock)
    if short_stock is ShortStock.SPLIT and invoice is not InvoiceMoment.ON_PAYMENT:
        short_stock = ShortStock.BACK_ORDER
    by = _one(chance, RouteBy)
    if by is RouteBy.FIRST_WITH_STOCK and short_stock is ShortStock.IGNORE:
        by = RouteBy.STORE_LOCATION
    order = chance.sample(locations, len(locations))
    named = {RouteBy.FIXED: order[:1], RouteBy.FIRST_WITH_STOCK: order}.get(by, [])
    return {
        "approval": chance.choices(list(Approval), (3, 1))[0],
        "invoice": invoice,
        "short_stock": short_stock,
        "routing": {"by": by, "locations": named},
        "unpaid": _one(chance, UnpaidOrders),
        "on_hold": _one(chance, OnHold),
        "test_orders": _one(chance, OnTestOrder),
        "closed_period": _one(chance, ClosedPeriod),
        "tolerance": chance.choice((Decimal(0), Decimal("0.05"))),
    }


def _one(chance: random.Random, choices: Any) -> Any:
    """Return the default, which each of these lists first, half of the time; else any."""
    known = list(choices)
    return known[0] if chance.random() < USUAL else chance.choice(known)


def spelled(policy: Mapping[str, Any]) -> str:
    """Return the choices in a line, for the message of a failure."""
    plain = {name: value for name, value in policy.items() if name != "routing"}
    return ", ".join(f"{k} {v}" for k, v in (*plain.items(), ("routing", policy["routing"]["by"])))
