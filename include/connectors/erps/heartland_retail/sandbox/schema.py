"""Which fields each resource takes, and the refusal of all others: 422 with details by field.

Names are those of the vendor's own clients and importers. What a field may hold is as narrow as
those programs show it; text is taken up to 255 characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
TEXT_LIMIT = 255
CENTS = Decimal("0.01")


class Invalid(Exception):
    """A request that is understood and refused: 422.

    Args:
        details: Messages by field.
        error: Kind of refusal, ``validation_error`` or ``payment_error``.
    """

    def __init__(self, details: Mapping[str, str], error: str = "validation_error") -> None:
        super().__init__("; ".join(f"{name} {said}" for name, said in details.items()))
        self.details = {name: [said] for name, said in details.items()}
        self.error = error


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a request may set.

    Attributes:
        kind: ``int``, ``money``, ``text``, ``flag``, ``time``, ``custom``, ``list``, or the path
            of the resource whose id it holds.
        required: Whether a new record needs it.
        choices: The only values it takes.
    """

    kind: str
    required: bool = False
    choices: tuple[str, ...] = ()


INT, MONEY, TEXT, FLAG, TIME = (Field(k) for k in ("int", "money", "text", "flag", "time"))
CUSTOM, LIST = Field("custom"), Field("list")
LOCATION = Field("locations")
VALUE_LINES = ("TaxLine", "ShippingLine", "DiscountLine")
_ITEM_LINE: dict[str, Field] = {
    "type": Field("text", choices=("ItemLine", *VALUE_LINES)),
    "item_id": Field("items"),
    "item_lookup": TEXT,
    "qty": INT,
    "unit_price": MONEY,
    "original_unit_price": MONEY,
    "description": TEXT,
    "value": MONEY,
}
_PAYMENT: dict[str, Field] = {
    "type": Field("text", True, ("CustomPayment", "Payments::ExternalPayment")),
    "deposit": FLAG,
    "amount": Field("money", True),
    "payment_type_id": Field("payment_types", True),
    "description": TEXT,
    "custom": CUSTOM,
    "completed_at": TIME,
    "created_at": TIME,
    "updated_at": TIME,
}
FIELDS: dict[str, dict[str, Field]] = {
    "customers": {
        "public_id": TEXT,
        "first_name": Field("text", True),
        "last_name": Field("text", True),
        "email": TEXT,
        "active": FLAG,
        "custom": CUSTOM,
    },
    "customers/addresses": {
        "first_name": Field("text", True),
        "last_name": Field("text", True),
        "line_1": TEXT,
        "line_2": TEXT,
        "city": TEXT,
        "state": TEXT,
        "postal_code": TEXT,
        "country": TEXT,
        "phone": TEXT,
    },
    "sales/orders": {
        "public_id": TEXT,
        "customer_id": Field("customers", True),
        "billing_address_id": Field("customers/addresses"),
        "shipping_address_id": Field("customers/addresses"),
        "shipping_charge": MONEY,
        "shipping_method_id": Field("shipping_methods"),
        "status": Field("text", choices=("pending", "open", "canceled")),
        "source_location_id": Field("locations", True),
        "station_id": Field("stations", True),
        "sales_rep": TEXT,
        "custom": CUSTOM,
        "created_at": TIME,
        "updated_at": TIME,
    },
    "sales/orders/lines": {
        "item_id": Field("items"),
        "item_lookup": TEXT,
        "qty": Field("int", True),
        "original_unit_price": MONEY,
        "adjusted_unit_price": MONEY,
        "ship_from_location_id": LOCATION,
        "total_tax": MONEY,
        "created_at": TIME,
        "updated_at": TIME,
    },
    "sales/orders/taxes": {"description": Field("text", True), "value": Field("money", True)},
    "sales/orders/discounts": {"description": Field("text", True), "amount": Field("money", True)},
    "sales/orders/payments": _PAYMENT,
    "sales/invoices": {
        "type": Field("text", choices=("Invoice",)),
        "customer_id": Field("customers", True),
        "order_id": Field("sales/orders", True),
        "source_location_id": LOCATION,
        "station_id": Field("stations", True),
        "total": MONEY,
        "status": Field("text", choices=("pending", "complete", "canceled")),
        "custom": CUSTOM,
    },
    "sales/invoices/lines": _ITEM_LINE | {"type": Field("text", True, _ITEM_LINE["type"].choices)},
    "sales/tickets": {
        "public_id": TEXT,
        "type": Field("text", choices=("Sale", "Return")),
        "parent_transaction_id": INT,
        "customer_id": Field("customers", True),
        "source_location_id": LOCATION,
        "station_id": Field("stations", True),
        "sales_rep": TEXT,
        "status": Field("text", choices=("pending", "complete", "canceled")),
        "affect_inventory": FLAG,
        "recalculate": FLAG,
        "custom": CUSTOM,
        "created_at": TIME,
        "completed_at": TIME,
        "item_lines": LIST,
        "tax_lines": LIST,
        "payments": LIST,
    },
    "sales/tickets/lines": _ITEM_LINE | {"type": Field("text", True, _ITEM_LINE["type"].choices)},
    "sales/tickets/payments": _PAYMENT,
}
CUSTOM_GROUPS = {
    "customers": "customer",
    "sales/orders": "sales.transaction",
    "sales/invoices": "sales.transaction",
    "sales/tickets": "sales.transaction",
    "sales/orders/payments": "payment",
    "sales/tickets/payments": "payment",
}


def cleaned(kind: str, body: object, *, creating: bool) -> Row:
    """Return the values of a request in their own types.

    References are checked for their type only; whether the record exists is the account's to say.

    Args:
        kind: Resource path without ids.
        body: The parsed JSON.
        creating: Whether required fields have to be there.

    Raises:
        Invalid: A field is unknown, missing or of the wrong kind.
    """
    if not isinstance(body, dict):
        raise Invalid({"body": "must be an object"})
    fields = FIELDS[kind]
    faults: dict[str, str] = {}
    values: Row = {}
    for name, value in _without_at(body).items():
        field = fields.get(name)
        if field is None:
            faults[name] = "is not a field of this resource"
            continue
        if value is None:
            if field.required:
                faults[name] = "can't be blank"
            values[name] = None
            continue
        fault, own = _value(field, value)
        if fault:
            faults[name] = fault
        values[name] = own
    if creating:
        for name, field in fields.items():
            if field.required and values.get(name) in (None, ""):
                faults.setdefault(name, "can't be blank")
    if faults:
        raise Invalid(faults)
    return values


def _without_at(body: Row) -> Row:
    """Fold ``custom@key`` into ``custom``."""
    plain = {name: value for name, value in body.items() if not name.startswith("custom@")}
    own = {name[len("custom@") :]: v for name, v in body.items() if name.startswith("custom@")}
    if own:
        plain["custom"] = {**(plain.get("custom") or {}), **own}
    return plain


def _value(field: Field, value: object) -> tuple[str, object]:  # noqa: PLR0911  one test a kind
    kind = field.kind
    if kind == "money":
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return "is not a number", None
        amount = Decimal(value)
        if amount != amount.quantize(CENTS):
            return "has more than two decimals", None
        return "", amount.quantize(CENTS)
    if kind == "flag":
        return ("", value) if isinstance(value, bool) else ("is not true or false", None)
    if kind == "custom":
        if not isinstance(value, dict) or not all(
            isinstance(v, str | None) for v in value.values()
        ):
            return "must be an object of texts", None
        long = [name for name, v in value.items() if v and len(v) > TEXT_LIMIT]
        return (f"{long[0]} is too long" if long else ""), value
    if kind == "list":
        return ("", value) if isinstance(value, list) else ("must be a list", None)
    if kind in ("text", "time"):
        if not isinstance(value, str):
            return "is not a text", None
        if len(value) > TEXT_LIMIT:
            return f"is too long (maximum is {TEXT_LIMIT} characters)", None
        if field.choices and value not in field.choices:
            return f"is not one of {', '.join(field.choices)}", None
        return ("is not a time", None) if kind == "time" and not _is_time(value) else ("", value)
    if isinstance(value, bool) or not isinstance(value, int):
        return "is not a whole number", None
    return "", value


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
