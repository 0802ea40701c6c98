"""Reads the refunds of a Shopify order, and sums up what they took off its lines and charges."""

from __future__ import annotations

from dataclasses import dataclass, field

from include.connectors.stores.shopify.values import (
    SURPRISES,
    Drift,
    Node,
    drift_of,
    id_of,
    instant,
    money,
    nodes,
    optional_money,
    required_text,
    text,
)
from include.domain.money import NOTHING, Amount
from include.domain.order import (
    ChargeKind,
    Refund,
    RefundAdjustment,
    RefundCharge,
    RefundLine,
    Restock,
)

Codes = tuple[str, str]

_RESTOCK = {
    "RETURN": Restock.RETURNED,
    "CANCEL": Restock.CANCELLED,
    "NO_RESTOCK": Restock.NOT_RESTOCKED,
    "LEGACY_RESTOCK": Restock.LEGACY,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What all refunds together took off one line, shipping line or duty."""

    amount: Amount
    tax: Amount
    units: int = 0

    def plus(self, amount: Amount, tax: Amount, units: int = 0) -> Taken:
        """Return the sum with one more refund."""
        return Taken(self.amount.plus(amount), self.tax.plus(tax), self.units + units)


_NONE_TAKEN = Taken(NOTHING, NOTHING)


@dataclass(frozen=True, slots=True)
class Returned:
    """The refunds of an order.

    Attributes:
        refunds: As the canonical order carries them.
        lines: What was taken off each line, by line id.
        charges: What was taken off each shipping line and duty, by its id.
    """

    refunds: tuple[Refund, ...] = ()
    lines: dict[str, Taken] = field(default_factory=dict)
    charges: dict[str, Taken] = field(default_factory=dict)


def read_refunds(refunds: list[Node], codes: Codes) -> Returned:
    """Read the refunds of an order.

    Args:
        refunds: ``Order.refunds``, each connection complete.
        codes: Shop and presentment currency.

    Raises:
        Drift: A refund is not what the schema promises.
    """
    found: list[Refund] = []
    lines: dict[str, Taken] = {}
    charges: dict[str, Taken] = {}
    for index, node in enumerate(refunds):
        try:
            found.append(_refund(node, codes, lines, charges))
        except SURPRISES as error:
            raise drift_of(error, f"refunds[{index}]") from None
    return Returned(tuple(found), lines, charges)


def _refund(node: Node, codes: Codes, lines: dict[str, Taken], charges: dict[str, Taken]) -> Refund:
    return Refund(
        refund_id=required_text(node, "id"),
        created_at=instant(node.get("createdAt") or node["processedAt"]),
        total=money(node, "totalRefundedSet", *codes),
        lines=tuple(
            _line(row, index, codes, lines)
            for index, row in enumerate(nodes(node, "refundLineItems"))
        ),
        charges=tuple(_charges(node, codes, charges)),
        # The store states the difference from its own side: positive was kept, negative was given.
        adjustments=tuple(
            RefundAdjustment(
                reason=(text(row, "reason") or "refund_discrepancy").lower(),
                amount=NOTHING.minus(money(row, "amountSet", *codes)),
                tax=NOTHING.minus(optional_money(row, "taxAmountSet", *codes)),
            )
            for row in nodes(node, "orderAdjustments")
        ),
        tender_ids=tuple(required_text(row, "id") for row in nodes(node, "transactions")),
    )


def _line(node: Node, index: int, codes: Codes, lines: dict[str, Taken]) -> RefundLine:
    try:
        line_id = required_text(node["lineItem"], "id")
        quantity = node["quantity"]
        if type(quantity) is not int:
            raise Drift("quantity", f"is {quantity!r} where a whole number was promised")
        restock = node["restockType"]
        if restock not in _RESTOCK:
            raise Drift("restockType", f"is {restock!r}, which is no known restock type")
        subtotal = money(node, "subtotalSet", *codes)
        tax = money(node, "totalTaxSet", *codes)
        location_id = id_of(node, "location")
    except SURPRISES as error:
        raise drift_of(error, f"refundLineItems.nodes[{index}]") from None
    lines[line_id] = lines.get(line_id, _NONE_TAKEN).plus(subtotal, tax, quantity)
    return RefundLine(line_id, quantity, _RESTOCK[restock], subtotal, tax, location_id)


def _charges(node: Node, codes: Codes, charges: dict[str, Taken]) -> list[RefundCharge]:
    found = []
    for row in nodes(node, "refundShippingLines"):
        charge_id = id_of(row, "shippingLine")
        amount = money(row, "subtotalAmountSet", *codes)
        tax = optional_money(row, "taxAmountSet", *codes)
        if charge_id is not None:
            charges[charge_id] = charges.get(charge_id, _NONE_TAKEN).plus(amount, tax)
        found.append(RefundCharge(ChargeKind.SHIPPING, amount, tax, charge_id))
    for row in nodes(node, "duties"):
        charge_id = id_of(row, "originalDuty")
        amount = money(row, "amountSet", *codes)
        if charge_id is not None:
            charges[charge_id] = charges.get(charge_id, _NONE_TAKEN).plus(amount, NOTHING)
        found.append(RefundCharge(ChargeKind.DUTY, amount, NOTHING, charge_id))
    return found
