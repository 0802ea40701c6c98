"""What the sandbox shop sells and how it is paid, in nobody's terms: what an ERP has to know of it.

The shop's catalogue is written by its vendor's rules, a company's set-up by another's. A rig turns
this into the set-up and the maps of its own ERP, so that neither side is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is sold.

    Attributes:
        sku: The shop's stock keeping unit.
        title: What it is called.
        price: Price in the shop's currency, before tax.
        stocked: Whether it is kept in stock; a download is not.
        units: Units on hand by location id.
    """

    sku: str
    title: str
    price: Decimal
    stocked: bool
    units: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Assortment:
    """Everything of a shop that an ERP's set-up has to answer.

    Attributes:
        currency: ISO 4217 code.
        items: What is sold.
        locations: Location id to its name; the first one ships what names none.
        taxes: Title of each tax to its rate, a fraction.
        gateways: Payment gateways.
        shipping: Titles of shipping lines.
    """

    currency: str
    items: tuple[Item, ...]
    locations: Mapping[str, str]
    taxes: Mapping[str, Decimal]
    gateways: tuple[str, ...]
    shipping: tuple[str, ...]
