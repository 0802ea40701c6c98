"""What the sandbox company calls the things that the sandbox shop sells.

The shop's catalogue and the company's set-up are written by different vendors' rules; this is the
one place that knows both. The channel's map files are written from it, so neither side is guessed.
"""

from __future__ import annotations

from decimal import Decimal

from include.connectors.erps.dynamics_gp.sandbox.company import Catalog, StockedItem
from include.connectors.stores.shopify.sandbox import catalog as shop

PLENTY = Decimal(50_000)
# Short of stock on purpose: back-orders have to be seen.
SHORT = {
    "HOM-BLK": Decimal(60),
    "TNT-2P": Decimal(60),
    "SHO-DCK-10": Decimal(60),
}
# The company numbered these before the shop did.
RENUMBERED = {
    "BTL-750": "1000-BOTTLE-750",
    "MUG-ENM": "1001-MUG-ENAMEL",
    "SKL-CST": "1002-SKILLET",
    "SPK-TIT": "1003-SPORK",
    "CHR-CMP": "1004-CHAIR",
    "DIG-MAP-NE": "9000-MAPS-NE",
}
SITES = {"MAIN": "Main warehouse", "STORE": "Portland store"}
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
CUSTOMER_CLASSES = {"*": "WEB", "CA": "WEB INTL", "DE": "WEB INTL", "JP": "WEB INTL"}
GUEST = "WEBGUEST"
_WORDS = {
    "HST": "HST",
    "DE VAT": "VAT",
    "JP Consumption Tax": "CT",
}
_COUNTRIES = {"US": "USA", "CA": "CAN", "DE": "DEU", "JP": "JPN"}


def tax_details() -> dict[str, tuple[str, Decimal]]:
    """Return the company's tax detail id and percentage of every tax title of the shop."""
    details: dict[str, tuple[str, Decimal]] = {}
    for place in (*shop.STATES, *shop.ABROAD.values()):
        for title, rate in place.taxes:
            word = _WORDS.get(title, "CITY" if "City" in title else "STATE")
            region = place.code if place.country in ("US", "CA") else ""
            parts = (_COUNTRIES[place.country], region, word)
            details[title] = ("-".join(filter(None, parts)), Decimal(rate) * 100)
    return details


def item_number(sku: str) -> str:
    """Return the company's item number of a sku."""
    return RENUMBERED.get(sku, sku)


def company_catalog() -> Catalog:
    """Return what the sandbox company has to know to book the sandbox shop's orders."""
    items = []
    for variant in shop.VARIANTS:
        if variant.kind == "gift_card":
            continue
        units = SHORT.get(variant.sku, PLENTY)
        items.append(
            StockedItem(
                number=item_number(variant.sku),
                description=variant.title,
                on_hand={} if variant.kind == "digital" else {"MAIN": units, "STORE": PLENTY},
                cost=(variant.price * Decimal("0.4")).quantize(Decimal("0.01")),
                service=variant.kind == "digital",
            )
        )
    methods = [value.split(":") for value in PAYMENTS.values()]
    return Catalog(
        items=items,
        sites=SITES,
        tax_details=dict(tax_details().values()),
        shipping_methods=tuple(SHIPPING.values()),
        cards={card: checkbook for kind, card, checkbook in methods if kind == "card"},
        checkbooks=tuple(checkbook for _, _, checkbook in methods),
        customer_classes=tuple(dict.fromkeys(CUSTOMER_CLASSES.values())),
        customers={GUEST: "Web guests"},
    )


def maps() -> dict[str, dict[str, str]]:
    """Return the rows of every map file: store value to ERP value, by kind."""
    return {
        "payment": PAYMENTS,
        "shipping": SHIPPING,
        "tax": {title: detail for title, (detail, _) in tax_details().items()},
        "sku": RENUMBERED,
        "location": {site.location_id: site.code for site in shop.LOCATIONS},
        "customer_class": CUSTOMER_CLASSES,
        "charge": CHARGES,
    }
