"""Fills an empty account with what a shop needs: locations, items, payment types, custom fields.

It also says how the shop's words lead to the account's: what the maps of a channel hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from include.connectors.erps.heartland_retail.sandbox.account import Account
from include.connectors.erps.heartland_retail.sandbox.schema import Row
from include.connectors.erps.heartland_retail.sandbox.stock import Stock
from include.sandbox.assortment import Assortment

GUEST = "WEBGUEST"
OPEN_CREDIT = "On Account"
STATION = 100_001
# Items that are money and no goods, by what they are charged for.
CHARGES = {
    "tip": "TIP",
    "gift_card": "GIFT-CARD-SOLD",
    "custom": "CUSTOM",
    "fee": "FEE",
    "duty": "DUTY",
    "gift_wrap": "GIFT-WRAP",
    "cod_fee": "COD-FEE",
    "rounding": "ROUNDING",
    "adjustment": "ADJUSTMENT",
    "fx": "EXCHANGE-DIFF",
    "shipping": "SHIPPING",
    "not_restocked": "NOT-RESTOCKED",
}
# The account numbered these before the shop did.
RENUMBERED = {"BTL-750": "100750", "MUG-ENM": "100110", "SKL-CST": "100490"}
FIELDS = (
    ("sales.transaction", "ecommerce_number"),
    ("sales.transaction", "ecommerce_change"),
    ("sales.transaction", "gift_message"),
    ("payment", "ecommerce_payment"),
    ("customer", "ecommerce_customer_id"),
)
COUNTER: Mapping[str, str] = {
    "first_name": "Web",
    "last_name": "Counter",
    "line_1": "1 Harbor Street",
    "city": "Portland",
    "state": "ME",
    "postal_code": "04101",
    "country": "US",
}


def location_codes(assortment: Assortment) -> dict[str, str]:
    """Return the account's code of each location of the shop."""
    return {store_id: f"LOC{n}" for n, store_id in enumerate(assortment.locations, start=1)}


def maps(assortment: Assortment) -> dict[str, dict[str, str]]:
    """Return the rows of every map: store value to Heartland value, by kind."""
    skus = {item.sku for item in assortment.items}
    return {
        "payment": {gateway: _title(gateway) for gateway in assortment.gateways},
        "shipping": {title: f"{title} shipping" for title in assortment.shipping},
        "tax": {title: title for title in assortment.taxes},
        "sku": {sku: item for sku, item in RENUMBERED.items() if sku in skus},
        "location": location_codes(assortment),
        "charge": dict(CHARGES),
    }


def fill(account: Account, assortment: Assortment) -> None:
    """Set up an account that is empty.

    Args:
        account: The account.
        assortment: What the shop sells.
    """
    rows = maps(assortment)
    with account.change():
        places: dict[str, int] = {}
        for store_id, name in assortment.locations.items():
            code = rows["location"][store_id]
            values: Row = {"public_id": code, "name": name, "active": True}
            places[store_id] = account.add("locations", values)["id"]
        for number in places.values():
            account.add("stations", {"location_id": number, "name": "Web", "active": True})
        for name in (*rows["payment"].values(), OPEN_CREDIT):
            account.add("payment_types", {"name": name, "active": True})
        for name in rows["shipping"].values():
            account.add("shipping_methods", {"name": name, "active": True})
        for group, key in FIELDS:
            own = {"group_id": group, "key": key, "name": _title(key), "required": False}
            account.add("custom_fields", own)
        stock = Stock(account)
        for item in assortment.items:
            public_id = rows["sku"].get(item.sku, item.sku)
            number = _item(account, public_id, item.title, item.price, is_tracked=item.stocked)
            for store_id, units in item.units.items():
                stock.move((number, places[store_id]), on_hand=units)
        for public_id in CHARGES.values():
            _item(account, public_id, _title(public_id), Decimal(0), is_tracked=False)
        account.add(
            "customers",
            {
                "public_id": GUEST,
                "first_name": "Web",
                "last_name": "Guest",
                "email": None,
                "active": True,
                "custom": {},
            },
        )


def _item(
    account: Account, public_id: str, description: str, price: Decimal, *, is_tracked: bool
) -> int:
    row = account.add(
        "items",
        {
            "public_id": public_id,
            "description": description,
            "price": price,
            "active": True,
            "is_tracked": is_tracked,
        },
    )
    return int(row["id"])


def _title(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").title()
