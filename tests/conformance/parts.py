"""What a purchase is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from include.domain.money import quantise
from include.domain.order import ChargeKind, LineKind

CURRENCY = "USD"

Rates = Sequence[tuple[str, Decimal]]


@dataclass
class Part:
    """A line: what was bought of one thing, and what is left of it."""

    line_id: str
    sku: str | None
    title: str
    price: Decimal
    quantity: int
    left: int
    rates: Rates = ()
    discount: Decimal = Decimal(0)
    kind: LineKind = LineKind.GOODS
    location_id: str | None = None
    stocked: bool = True
    marketplace: bool = False
    handed_over: int = 0

    def worth(self, units: int) -> Decimal:
        """Price of so many units after their share of the discount."""
        off = quantise(self.discount * units / self.quantity, CURRENCY) if self.quantity else 0
        return self.price * units - off


@dataclass
class Extra:
    """A charge beside the lines."""

    charge_id: str
    kind: ChargeKind
    title: str
    price: Decimal
    left: Decimal
    rates: Rates = ()
