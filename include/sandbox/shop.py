"""The sandbox shop as an ERP sees it: some items run short, so that back-orders are seen."""

from __future__ import annotations

from decimal import Decimal

from include.connectors.stores.shopify.sandbox import catalog as shop
from include.sandbox.assortment import Assortment, Item

PLENTY = Decimal(50_000)
SHORT = {
    "HOM-BLK": Decimal(60),
    "TNT-2P": Decimal(60),
    "SHO-DCK-10": Decimal(60),
}


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
