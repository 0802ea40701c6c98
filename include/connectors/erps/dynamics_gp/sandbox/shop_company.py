"""The sandbox company's set-up for a shop: its own numbers for what the shop sells, and the maps.

Neither side is guessed: what the shop sells comes as an assortment, what the company calls it is
said here once, and the channel's map files are written from it.
"""

from __future__ import annotations

from decimal import Decimal

from include.connectors.erps.dynamics_gp.sandbox.company import Catalog, StockedItem
from include.sandbox.assortment import Assortment

# The company numbered these before the shop did.
RENUMBERED = {
    "BTL-750": "1000-BOTTLE-750",
    "MUG-ENM": "1001-MUG-ENAMEL",
    "SKL-CST": "1002-SKILLET",
    "SPK-TIT": "1003-SPORK",
    "CHR-CMP": "1004-CHAIR",
    "DIG-MAP-NE": "9000-MAPS-NE",
}
SITES = ("MAIN", "STORE")
SHIPPING = {
    "Standard": "GROUND",
    "Express": "EXPRESS",
    "Local pickup": "PICKUP",
    "International": "INTL",
}
PAYMENTS = {
    "shopify_payments": "card:SHOPIFY PAY:SHOPIFY",
    "paypal": "card:PAYPAL:PAYPAL",
    "gift_card": "cash::GIFT CARDS",
    "manual": "check::WEB",
    "cash": "cash::TILL",
}
TAXES = {
    "New York State Tax": "USA-NY-STATE",
    "New York City Tax": "USA-NY-CITY",
    "California State Tax": "USA-CA-STATE",
    "Texas State Tax": "USA-TX-STATE",
    "Austin City Tax": "USA-TX-CITY",
    "Washington State Tax": "USA-WA-STATE",
    "Seattle City Tax": "USA-WA-CITY",
    "Florida State Tax": "USA-FL-STATE",
    "Massachusetts State Tax": "USA-MA-STATE",
    "Illinois State Tax": "USA-IL-STATE",
    "Chicago City Tax": "USA-IL-CITY",
    "Maine State Tax": "USA-ME-STATE",
    "HST": "CAN-ON-HST",
    "DE VAT": "DEU-VAT",
    "JP Consumption Tax": "JPN-CT",
}
CHARGES = {
    "tip": "TIP",
    "gift_card": "GIFT CARD SOLD",
    "custom": "CUSTOM",
    "fee": "FEE",
    "duty": "DUTY",
    "gift_wrap": "GIFT WRAP",
    "cod_fee": "COD FEE",
    "rounding": "ROUNDING",
    "adjustment": "ADJUSTMENT",
    "fx": "EXCHANGE DIFF",
    "shipping": "SHIPPING",
}
PAYMENT_TERMS = {"Net 30": "Net 30", "Due on receipt": "Due on receipt"}
CUSTOMER_CLASSES = {"*": "WEB", "CA": "WEB INTL", "DE": "WEB INTL", "JP": "WEB INTL"}
GUEST = "WEBGUEST"


def item_number(sku: str) -> str:
    """Return the company's item number of a sku."""
    return RENUMBERED.get(sku, sku)


def sku_of(item: str) -> str:
    """Return the sku of the company's item number."""
    return next((sku for sku, number in RENUMBERED.items() if number == item), item)


def company_catalog(assortment: Assortment) -> Catalog:
    """Return what the company has to know to book a shop's orders.

    Args:
        assortment: What the shop sells.
    """
    sites = dict(zip(assortment.locations, SITES, strict=True))
    items = [
        StockedItem(
            number=item_number(item.sku),
            description=item.title,
            on_hand={sites[place]: units for place, units in item.units.items()},
            cost=(item.price * Decimal("0.4")).quantize(Decimal("0.01")),
            service=not item.stocked,
        )
        for item in assortment.items
    ]
    methods = [PAYMENTS[gateway].split(":") for gateway in assortment.gateways]
    return Catalog(
        items=items,
        sites={sites[place]: name for place, name in assortment.locations.items()},
        tax_details={TAXES[title]: rate * 100 for title, rate in assortment.taxes.items()},
        shipping_methods=tuple(SHIPPING[title] for title in assortment.shipping),
        cards={card: checkbook for kind, card, checkbook in methods if kind == "card"},
        checkbooks=tuple(checkbook for _, _, checkbook in methods),
        customer_classes=tuple(dict.fromkeys(CUSTOMER_CLASSES.values())),
        customers={GUEST: "Web guests"},
    )


def maps(assortment: Assortment) -> dict[str, dict[str, str]]:
    """Return the rows of every map of a channel into the company: store value to ERP value.

    Args:
        assortment: What the shop sells.
    """
    skus = {item.sku for item in assortment.items}
    return {
        "payment": {gateway: PAYMENTS[gateway] for gateway in assortment.gateways},
        "shipping": {title: SHIPPING[title] for title in assortment.shipping},
        "tax": {title: TAXES[title] for title in assortment.taxes},
        "sku": {sku: number for sku, number in RENUMBERED.items() if sku in skus},
        "location": dict(zip(assortment.locations, SITES, strict=True)),
        "customer_class": CUSTOMER_CLASSES,
        "payment_terms": PAYMENT_TERMS,
        "charge": CHARGES,
    }
