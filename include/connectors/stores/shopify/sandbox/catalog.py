"""What the made-up shop sells, where, to whom and by which means: constants, no chance involved.

The ERP sandbox and the channel's mapping files are generated from the same constants, so that a
name is spelled once. `as_document()` is the same as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

SHOP_NAME = "Pine & Harbor Outfitters"
SHOP_DOMAIN = "pine-and-harbor.myshopify.com"
SHOP_CURRENCY = "USD"
SHOP_TIMEZONE = "America/New_York"
VENDOR = "Pine & Harbor"


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing that can be bought.

    Attributes:
        number: Running number, the source of its ids.
        product: Number of its product.
        sku: Stock keeping unit.
        title: Title of the product.
        option: Title of the variant ("Default Title" where there is one only).
        price: Price in the shop's currency, before tax.
        kind: "goods", "digital" or "gift_card".
        grams: Weight of one unit.
    """

    number: int
    product: int
    sku: str
    title: str
    option: str
    price: Decimal
    kind: str = "goods"
    grams: int = 0

    @property
    def variant_id(self) -> str:
        """The variant's global id."""
        return f"gid://shopify/ProductVariant/{45_100_000_000_000 + self.number * 32_768}"

    @property
    def product_id(self) -> str:
        """The product's global id."""
        return f"gid://shopify/Product/{8_700_000_000_000 + self.product * 32_768}"


_SIZES = ("S", "M", "L", "XL")
# title, sku stem, price, grams, options (empty: one variant)
_PRODUCTS: tuple[tuple[str, str, str, int, tuple[str, ...]], ...] = (
    ("Harbor Rain Jacket", "JKT-HBR", "189.00", 620, _SIZES),
    ("Ridgeline Down Vest", "VST-RDG", "149.00", 380, _SIZES),
    ("Merino Base Layer", "BSL-MER", "78.00", 210, _SIZES),
    ("Trailhead Shorts", "SHT-TRL", "54.00", 190, _SIZES),
    ("Canvas Work Pant", "PNT-CNV", "88.50", 540, _SIZES),
    ("Lighthouse Flannel", "FLN-LGT", "72.00", 330, _SIZES),
    ("Fisherman Sweater", "SWT-FSH", "128.00", 720, _SIZES),
    ("Organic Cotton Tee", "TEE-ORG", "29.95", 160, _SIZES),
    ("Summit Beanie", "BEA-SUM", "24.00", 70, ("Charcoal", "Rust")),
    ("Wool Hiking Socks", "SOC-HIK", "18.50", 90, ("M", "L")),
    ("Waxed Canvas Tote", "BAG-TOT", "64.00", 480, ("Olive", "Navy")),
    ("Day Pack 22L", "BAG-D22", "98.00", 690, ("Slate", "Moss")),
    ("Weekender Duffel", "BAG-WKD", "158.00", 1150, ("Slate", "Moss")),
    ("Trail Runner", "SHO-TRL", "118.00", 610, ("8", "9", "10", "11", "12")),
    ("Deck Boot", "SHO-DCK", "134.00", 980, ("8", "9", "10", "11", "12")),
    ("Insulated Bottle 750ml", "BTL-750", "34.00", 340, ()),
    ("Enamel Camp Mug", "MUG-ENM", "14.00", 150, ()),
    ("Cast Iron Skillet", "SKL-CST", "49.00", 2300, ()),
    ("Titanium Spork", "SPK-TIT", "12.50", 20, ()),
    ("Folding Camp Chair", "CHR-CMP", "69.00", 1900, ()),
    ("Two-Person Tent", "TNT-2P", "329.00", 2400, ()),
    ("Down Sleeping Bag", "SLB-DWN", "279.00", 1050, ()),
    ("Closed-Cell Sleeping Pad", "PAD-CCF", "45.00", 410, ()),
    ("LED Headlamp", "LMP-HED", "39.95", 85, ()),
    ("Camp Lantern", "LMP-CMP", "54.95", 420, ()),
    ("Fire Starter Kit", "FIR-KIT", "16.00", 120, ()),
    ("Multi-Tool", "TOL-MLT", "59.00", 240, ()),
    ("Pocket Knife", "TOL-KNF", "42.00", 95, ()),
    ("Paracord 15m", "COR-15M", "9.00", 110, ()),
    ("Compass", "NAV-CMP", "27.00", 60, ()),
    ("Waterproof Map Case", "NAV-MAP", "13.00", 80, ()),
    ("First Aid Kit", "AID-KIT", "32.00", 350, ()),
    ("Water Filter", "FLT-WTR", "44.00", 180, ()),
    ("Filter Cartridge", "FLT-CRT", "19.00", 60, ()),
    ("Dry Bag 10L", "DRY-10L", "22.00", 170, ()),
    ("Dry Bag 20L", "DRY-20L", "28.00", 230, ()),
    ("Trekking Poles", "POL-TRK", "84.00", 520, ()),
    ("Gaiters", "GTR-STD", "36.00", 210, ()),
    ("Sun Hat", "HAT-SUN", "31.00", 110, ()),
    ("Trucker Cap", "HAT-TRK", "26.00", 95, ()),
    ("Leather Belt", "BLT-LTH", "46.00", 260, ()),
    ("Work Gloves", "GLV-WRK", "23.00", 180, ()),
    ("Bandana", "BND-CTN", "8.00", 40, ()),
    ("Beard Balm", "CAR-BLM", "15.00", 75, ()),
    ("Pine Tar Soap", "CAR-SOP", "7.50", 130, ()),
    ("Cedar Candle", "HOM-CND", "24.00", 380, ()),
    ("Wool Blanket", "HOM-BLK", "139.00", 1600, ()),
    ("Field Notebook", "STA-NTB", "11.00", 140, ()),
    ("Brass Pen", "STA-PEN", "38.00", 45, ()),
    ("Enamel Pin", "ACC-PIN", "5.00", 10, ()),
    ("Iron-on Patch", "ACC-PTC", "4.50", 8, ()),
    ("Sticker Sheet", "ACC-STK", "3.25", 12, ()),
    ("Trail Mix 500g", "FOD-TMX", "9.75", 500, ()),
    ("Ground Coffee 340g", "FOD-COF", "16.50", 340, ()),
    ("Maple Syrup 250ml", "FOD-MPL", "14.25", 420, ()),
    ("Dog Leash", "PET-LSH", "29.00", 190, ()),
    ("Dog Bowl, folding", "PET-BWL", "17.00", 130, ()),
    ("Bulk Carabiner", "HRD-CRB", "1.15", 25, ()),
)


def _variants() -> tuple[Variant, ...]:
    found: list[Variant] = []
    for product, (title, stem, price, grams, options) in enumerate(_PRODUCTS, start=1):
        for option in options or ("Default Title",):
            sku = f"{stem}-{option[:3].upper()}" if options else stem
            found.append(
                Variant(len(found) + 1, product, sku, title, option, Decimal(price), "goods", grams)
            )
    after = len(_PRODUCTS)
    found.append(
        Variant(
            len(found) + 1, after + 1, "DIG-MAP-NE", "Trail Maps Northeast (PDF)",
            "Default Title", Decimal("12.00"), "digital",
        )
    )  # fmt: skip
    found.extend(
        Variant(
            len(found) + 1 + index, after + 2, f"GIFT-{value}", "Gift Card", f"${value}.00",
            Decimal(value), "gift_card",
        )
        for index, value in enumerate((25, 50, 100))
    )  # fmt: skip
    return tuple(found)


VARIANTS = _variants()
GOODS = tuple(variant for variant in VARIANTS if variant.kind == "goods")
DIGITAL = next(variant for variant in VARIANTS if variant.kind == "digital")
GIFT_CARDS = tuple(variant for variant in VARIANTS if variant.kind == "gift_card")

# The odd ones out: known to the shop, but not to every book-keeper.
LONG_SKU = "PNH-LIMITED-EDITION-HOLIDAY-BUNDLE-2026-NAVY-XL"
UNKNOWN_SKU = "MYSTERY-BOX-01"
LONG_SKU_VARIANT = Variant(
    901, 901, LONG_SKU, "Holiday Bundle, limited edition", "Navy / XL", Decimal("240.00"), "goods",
    1800,
)  # fmt: skip
UNKNOWN_SKU_VARIANT = Variant(
    902, 902, UNKNOWN_SKU, "Mystery Box", "Default Title", Decimal("49.00"), "goods", 900
)

GATEWAYS = ("shopify_payments", "paypal", "gift_card", "manual", "cash")
UNKNOWN_GATEWAY = "klarna_pay_later"
SHIPPING = {
    "Standard": Decimal("5.95"),
    "Express": Decimal("14.50"),
    "Local pickup": Decimal("0.00"),
    "International": Decimal("28.00"),
}
UNKNOWN_SHIPPING = "Same-day courier"


@dataclass(frozen=True, slots=True)
class Place:
    """A state or country that is delivered to, with its taxes and a few of its towns.

    Attributes:
        code: Province code; empty where there is none.
        name: Province name.
        country: ISO 3166 country code.
        country_name: Country name.
        taxes: Titles and rates of the taxes charged.
        towns: Towns with a postal code.
        tax_on_shipping: Whether shipping is taxed.
    """

    code: str
    name: str
    country: str
    country_name: str
    taxes: tuple[tuple[str, str], ...]
    towns: tuple[tuple[str, str], ...]
    tax_on_shipping: bool = False


def _us(
    code: str,
    name: str,
    taxes: tuple[tuple[str, str], ...],
    towns: tuple[tuple[str, str], ...],
    *,
    on_shipping: bool = False,
) -> Place:
    return Place(code, name, "US", "United States", taxes, towns, on_shipping)


STATES = (
    _us("NY", "New York", (("New York State Tax", "0.04"), ("New York City Tax", "0.04875")),
        (("New York", "10013"), ("Brooklyn", "11201")), on_shipping=True),
    _us("CA", "California", (("California State Tax", "0.0725"),),
        (("San Francisco", "94110"), ("San Diego", "92103"))),
    _us("TX", "Texas", (("Texas State Tax", "0.0625"), ("Austin City Tax", "0.02")),
        (("Austin", "78704"),), on_shipping=True),
    _us("WA", "Washington", (("Washington State Tax", "0.065"), ("Seattle City Tax", "0.0385")),
        (("Seattle", "98103"),), on_shipping=True),
    _us("FL", "Florida", (("Florida State Tax", "0.06"),), (("Tampa", "33602"),),
        on_shipping=True),
    _us("MA", "Massachusetts", (("Massachusetts State Tax", "0.0625"),),
        (("Boston", "02118"), ("Salem", "01970"))),
    _us("IL", "Illinois", (("Illinois State Tax", "0.0625"), ("Chicago City Tax", "0.0125")),
        (("Chicago", "60614"),)),
    _us("ME", "Maine", (("Maine State Tax", "0.055"),), (("Portland", "04101"),)),
    _us("OR", "Oregon", (), (("Portland", "97214"),)),
    _us("NH", "New Hampshire", (), (("Concord", "03301"),)),
)  # fmt: skip

ABROAD = {
    "CA": Place("ON", "Ontario", "CA", "Canada", (("HST", "0.13"),), (("Toronto", "M5V 2T6"),)),
    "DE": Place("", "", "DE", "Germany", (("DE VAT", "0.19"),), (("Hamburg", "20095"),), True),
    "JP": Place("JP-13", "Tōkyō", "JP", "Japan", (("JP Consumption Tax", "0.1"),),
                (("Setagaya", "154-0004"),)),
    "KW": Place("", "", "KW", "Kuwait", (), (("Kuwait City", "13001"),)),
}  # fmt: skip
RATES = {
    "USD": Decimal(1),
    "CAD": Decimal("1.3725"),
    "EUR": Decimal("0.9184"),
    "JPY": Decimal("149.37"),
    "KWD": Decimal("0.30715"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A place that stock is kept and sold at.

    Attributes:
        code: Short code, also the name's first word.
        name: Name in the shop.
        number: Running number, the source of its id.
    """

    code: str
    name: str
    number: int

    @property
    def location_id(self) -> str:
        """The location's global id."""
        return f"gid://shopify/Location/{70_000_000_000 + self.number}"


LOCATIONS = (Site("MAIN", "MAIN Warehouse", 1), Site("STORE", "STORE Portland", 2))


def as_document() -> dict[str, object]:
    """Return the catalogue as plain data for mapping files and other systems' seeds."""
    return {
        "shop": {"name": SHOP_NAME, "domain": SHOP_DOMAIN, "currency": SHOP_CURRENCY,
                 "time_zone": SHOP_TIMEZONE},
        "skus": [
            {"sku": variant.sku, "title": variant.title, "option": variant.option,
             "price": str(variant.price), "kind": variant.kind, "grams": variant.grams}
            for variant in VARIANTS
        ],
        "unmapped": {"skus": [LONG_SKU, UNKNOWN_SKU], "gateways": [UNKNOWN_GATEWAY],
                     "shipping": [UNKNOWN_SHIPPING]},
        "gateways": list(GATEWAYS),
        "shipping": {title: str(price) for title, price in SHIPPING.items()},
        "taxes": [
            {"state": place.code or place.country, "country": place.country, "title": title,
             "rate": rate, "on_shipping": place.tax_on_shipping}
            for place in (*STATES, *ABROAD.values()) for title, rate in place.taxes
        ],
        "locations": [
            {"code": site.code, "name": site.name, "id": site.location_id} for site in LOCATIONS
        ],
        "currencies": {code: str(rate) for code, rate in RATES.items()},
    }  # fmt: skip
