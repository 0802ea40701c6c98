"""What was read of an order's lines and charges so far, before its last cents are decided."""

from __future__ import annotations

from dataclasses import dataclass, field

from include.connectors.stores.shopify.remainders import Remainder
from include.connectors.stores.shopify.values import Bags, Codes
from include.domain.order import Charge, OrderLine


@dataclass(slots=True)
class Draft:
    """What was read so far.

    Attributes:
        bags: Reads money in shop and presentment currency.
        taxes_included: Whether prices contain their taxes.
        lines: Lines, those that an edit shrank at their rounded worth.
        charges: Charges, likewise.
        partial: By line position: the remainder of its price and those of its taxes.
        duties: Duty charges with the units that stayed and were left before an edit.
    """

    bags: Bags
    taxes_included: bool
    lines: list[OrderLine] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    partial: dict[int, tuple[Remainder, list[Remainder]]] = field(default_factory=dict)
    duties: list[tuple[Charge, int, int]] = field(default_factory=list)

    @property
    def codes(self) -> Codes:
        """Shop and presentment currency."""
        return self.bags.codes
