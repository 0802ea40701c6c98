"""Reads the refunds of a Shopify order, and sums up what they took off its lines and charges."""

from __future__ import annotations

from dataclasses import dataclass, field

from include.connectors.stores.shopify import nodes
from include.connectors.stores.shopify.values import (
    SURPRISES,
    Bags,
    Drift,
    complete,
    drift_of,
    id_of,
    time,
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


def read_refunds(refunds: list[nodes.Refund], bags: Bags) -> Returned:
    """Read the refunds of an order.

    Args:
        refunds: ``Order.refunds``, each connection complete.
        bags: Reads money.

    Raises:
        Drift: A refund is not what the schema promises.
    """
    found: list[Refund] = []
    lines: dict[str, Taken] = {}
    charges: dict[str, Taken] = {}
    for index, node in enumerate(refunds):
        try:
            found.append(_refund(node, bags, lines, charges))
        except SURPRISES as error:
            raise drift_of(error, f"refunds[{index}]") from None
    return Returned(tuple(found), lines, charges)


def _refund(
    node: nodes.Refund, bags: Bags, lines: dict[str, Taken], charges: dict[str, Taken]
) -> Refund:
    created_at = node.created_at or node.processed_at
    if created_at is None:
        raise Drift("createdAt", "is missing")
    return Refund(
        refund_id=node.id,
        created_at=time(created_at, "createdAt"),
        total=bags.required(node.total_refunded_set, "totalRefundedSet"),
        lines=tuple(
            _line(row, index, bags, lines)
            for index, row in enumerate(complete(node.refund_line_items, "refundLineItems"))
        ),
        charges=tuple(_charges(node, bags, charges)),
        # The store states the difference from its own side: positive was kept, negative was given.
        adjustments=tuple(
            RefundAdjustment(
                reason=(row.reason or "refund_discrepancy").lower(),
                amount=NOTHING.minus(bags.required(row.amount_set, "amountSet")),
                tax=NOTHING.minus(bags.optional(row.tax_amount_set, "taxAmountSet")),
            )
            for row in complete(node.order_adjustments, "orderAdjustments")
        ),
        tender_ids=tuple(row.id for row in complete(node.transactions, "transactions")),
    )


def _line(
    node: nodes.RefundLineItem, index: int, bags: Bags, lines: dict[str, Taken]
) -> RefundLine:
    line_id = node.line_item.id
    try:
        restock = _RESTOCK.get(node.restock_type)
        if restock is None:
            raise Drift("restockType", f"is {node.restock_type!r}, which is no known restock type")
        subtotal = bags.required(node.subtotal_set, "subtotalSet")
        tax = bags.required(node.total_tax_set, "totalTaxSet")
    except SURPRISES as error:
        raise drift_of(error, f"refundLineItems.nodes[{index}]") from None
    lines[line_id] = lines.get(line_id, _NONE_TAKEN).plus(subtotal, tax, node.quantity)
    return RefundLine(line_id, node.quantity, restock, subtotal, tax, id_of(node.location))


def _charges(node: nodes.Refund, bags: Bags, charges: dict[str, Taken]) -> list[RefundCharge]:
    found = []
    for row in complete(node.refund_shipping_lines, "refundShippingLines"):
        charge_id = (row.shipping_line.id or None) if row.shipping_line else None
        amount = bags.required(row.subtotal_amount_set, "subtotalAmountSet")
        tax = bags.optional(row.tax_amount_set, "taxAmountSet")
        if charge_id is not None:
            charges[charge_id] = charges.get(charge_id, _NONE_TAKEN).plus(amount, tax)
        found.append(RefundCharge(ChargeKind.SHIPPING, amount, tax, charge_id))
    for duty in node.duties or ():
        charge_id = id_of(duty.original_duty)
        amount = bags.required(duty.amount_set, "amountSet")
        if charge_id is not None:
            charges[charge_id] = charges.get(charge_id, _NONE_TAKEN).plus(amount, NOTHING)
        found.append(RefundCharge(ChargeKind.DUTY, amount, NOTHING, charge_id))
    return found
