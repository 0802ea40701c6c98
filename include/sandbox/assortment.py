"""What the sandbox shop sells and how it is paid, in nobody's terms: what an ERP has to know of it.

The shop's catalogue is written by its vendor's rules, a company's set-up by another's. A rig turns
this into the set-up and the maps of its own ERP, so that neither side is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from include.connectors.stores.shopify.sandbox import catalog as shop

PLENTY = Decimal(50_000)
# Short of stock on purpose: back-orders have to be seen.
SHORT = {
    "HOM-BLK": Decimal(60),
    "TNT-2P": Decimal(60),
    "SHO-DCK-10": Decimal(60),
}


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


def shop_assortment() -> Assortment:
    """Return the assortment of the sandbox shop."""
    locations = {site.location_id: site.name for site in shop.LOCATIONS}
    first = next(iter(locations))
    items = []
    for variant in shop.VARIANTS:
        if variant.kind == "gift_card":
            continue
        stocked = variant.kind != "digital"
        units = dict.fromkeys(locations, PLENTY) | {first: SHORT.get(variant.sku, PLENTY)}
        items.append(
            Item(variant.sku, variant.title, variant.price, stocked, units if stocked else {})
        )
    places = (*shop.STATES, *shop.ABROAD.values())
    return Assortment(
        currency=shop.SHOP_CURRENCY,
        items=tuple(items),
        locations=locations,
        taxes={title: Decimal(rate) for place in places for title, rate in place.taxes},
        gateways=("shopify_payments", "paypal", "gift_card", "manual", "cash"),
        shipping=("Standard", "Express", "Local pickup", "International"),
    )
