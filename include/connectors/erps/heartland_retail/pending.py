"""Why an order is pending: told from what the order holds, in the words of the vendor's help.

A pending order reserves no stock and waits for a person. Its cause is looked for in the data, since
the API does not say where it shows it; words that the account does show are passed on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from include.connectors.erps.heartland_retail.held import HeldOrder
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.domain.errors import Refused
from include.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why an order cannot open.

    Attributes:
        rule: Short name.
        field: What is wrong, in Heartland's terms.
        message: What it is and what to do.
    """

    rule: str
    field: str
    message: str


def causes(
    held: HeldOrder, total: Decimal | None, settings: HeartlandRetailSettings
) -> Iterator[Cause]:
    """Yield what keeps an order pending.

    Args:
        held: The order as Heartland holds it.
        total: What it should add up to, if that is known.
        settings: Which custom fields are required.
    """
    paid = sum((payment.amount for payment in held.payments), ZERO)
    if any(payment.amount < 0 for payment in held.payments):
        yield Cause(
            "pending_refund",
            "payments",
            "a refund was taken on an order that is not invoiced: take it off, the change of the "
            "order in the store lowers the payment",
        )
    if total is not None and held.total != total:
        yield Cause(
            "pending_total_mismatch",
            "total",
            f"Heartland makes its total {held.total} and the store {total}: look for a price rule "
            "or a tax that Heartland added",
        )
    if any(line.item_id is None for line in held.lines) or not held.lines:
        yield Cause(
            "pending_missing_product",
            "lines",
            "a line has no item, or there is none: add the item in Heartland",
        )
    if any(amount > held.total + amount for amount in held.discounts.values()):
        yield Cause(
            "pending_wrong_discount",
            "discounts",
            "a discount exceeds the order: correct it in the store",
        )
    if held.row.get("shipping_address_id") is None:
        yield Cause(
            "pending_missing_address",
            "shipping_address_id",
            "it has no shipping address: add one in Heartland or in the store, or set "
            "counter_address",
        )
    custom = held.row.get("custom") or {}
    for name in settings.required_custom_fields:
        if not custom.get(name):
            yield _custom_field(name)
    for reason in _shown(held):
        if reason.get("code") == "custom_field":
            yield _custom_field(str(reason.get("field")))
    if held.payments and paid != held.total:
        yield Cause(
            "pending_payment_mismatch",
            "payments",
            f"its payments are {paid} and its total is {held.total}: mend the payments, or the "
            "order in the store",
        )


def _custom_field(name: str) -> Cause:
    return Cause(
        "pending_custom_field",
        f"custom@{name}",
        f"the required custom field {name} is empty: fill it in Heartland, or give it a value in "
        "custom_fields",
    )


def refusal(held: HeldOrder, total: Decimal | None, settings: HeartlandRetailSettings) -> Refused:
    """Return why an order is pending, with all causes.

    Args:
        held: The order as Heartland holds it.
        total: What it should add up to, if that is known.
        settings: Which custom fields are required.
    """
    found = list(
        {cause.rule + cause.field: cause for cause in causes(held, total, settings)}.values()
    )
    words = "; ".join(str(reason.get("message", "")) for reason in _shown(held))
    if not found:
        found = [
            Cause("pending", "status", words or "Heartland does not say why: open it there by hand")
        ]
    told = "; ".join(cause.message for cause in found)
    return Refused(
        f"order {held.reference} ({held.number}) is pending in Heartland and reserves no stock: "
        f"{told}. Once it is mended the next run opens it",
        rule=found[0].rule,
        field=found[0].field,
        remote=words,
    )


def _shown(held: HeldOrder) -> list[dict[str, object]]:
    shown = held.row.get("pending_reasons")
    return [r for r in shown if isinstance(r, dict)] if isinstance(shown, list) else []
