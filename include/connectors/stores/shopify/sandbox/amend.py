"""What happens to an order after it was placed: fulfilled, edited, refunded, cancelled, touched.

Used by the seed for its histories and by the control interface for tests. Each step moves the
order's `updated_at`, as any change at the shop does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from include.connectors.stores.shopify.sandbox.amounts import NOTHING, Currencies, Pair, total
from include.connectors.stores.shopify.sandbox.book import (
    Fulfillment,
    Line,
    Order,
    Refund,
    RefundLine,
    RefundShipping,
)
from include.connectors.stores.shopify.sandbox.catalog import LOCATIONS, Variant
from include.connectors.stores.shopify.sandbox.compose import Ids, pay, sell, tax_rows

MAIN, STORE = LOCATIONS


def touch(order: Order, at: datetime) -> None:
    """Move the order's version, as a tag or note set by an app does."""
    order.updated_at = max(at, order.updated_at)


def fulfill(
    order: Order, ids: Ids, at: datetime, *, share: int | None = None, location: str | None = None
) -> None:
    """Ship what is still open, or `share` units of each line."""
    rows: list[tuple[int, Line, int]] = []
    for line in order.lines:
        if line.kind == "tip":
            continue
        open_units = line.current - line.fulfilled
        units = open_units if share is None else min(share, open_units)
        if units > 0:
            line.fulfilled += units
            rows.append((ids("FulfillmentLineItem"), line, units))
    if rows:
        number = ids("Fulfillment")
        order.fulfillments.append(
            Fulfillment(number, at, location or MAIN.location_id, rows, "UPS", f"1Z{number}")
        )
    touch(order, at)


def refund(
    order: Order,
    ids: Ids,
    at: datetime,
    units: Sequence[tuple[Line, int]] = (),
    *,
    restock: str = "RETURN",
    shipping: bool = False,
    beyond: Decimal = Decimal(0),
    currencies: Currencies | None = None,
    note: str | None = None,
) -> Refund:
    """Refund units of lines, shipping, and money beyond what they explain.

    Args:
        order: The order to refund.
        ids: Where new ids come from.
        at: When.
        units: Lines with the quantity that came back.
        restock: RETURN, CANCEL or NO_RESTOCK.
        shipping: Whether all shipping is paid back.
        beyond: Money on top, in shop currency (a discrepancy in the customer's favour).
        currencies: Another rate of exchange than that of the sale, for the money paid back.
        note: Why.

    Returns:
        The refund, already part of the order.
    """
    result = Refund(ids("Refund"), at, note)
    owed = NOTHING
    for line, quantity in units:
        subtotal = line.part(line.net, quantity, order.currencies)
        tax = line.part(line.tax, quantity, order.currencies)
        place = MAIN.location_id if restock == "RETURN" else None
        result.lines.append(
            RefundLine(ids("RefundLineItem"), line, quantity, restock, subtotal, tax, place)
        )
        line.refunded += quantity
        owed += subtotal if order.taxes_included else subtotal + tax
    if shipping:
        for row in order.shipping:
            back, tax = row.net - row.refunded, row.tax - row.refunded_tax
            if back == NOTHING:
                continue
            result.shipping.append(RefundShipping(ids("RefundShippingLine"), row, back, tax))
            row.refunded += back
            row.refunded_tax += tax
            owed += back if order.taxes_included else back + tax
    if beyond:
        extra = order.currencies.price(beyond)
        result.adjustments.append((ids("OrderAdjustment"), -extra, "REFUND_DISCREPANCY"))
        owed += extra
    given = order.discrepancy
    unpaid = _pay_back(order, ids, at, result, owed=owed, rate=currencies)
    if unpaid.presentment > 0 > given.presentment:
        # What goodwill gave before is not paid out once more: this time the shop keeps it.
        kept = Pair(min(unpaid.shop, -given.shop), min(unpaid.presentment, -given.presentment))
        result.adjustments.append((ids("OrderAdjustment"), kept, "REFUND_DISCREPANCY"))
    order.refunds.append(result)
    touch(order, at)
    return result


def _pay_back(
    order: Order, ids: Ids, at: datetime, result: Refund, *, owed: Pair, rate: Currencies | None
) -> Pair:
    """Pay back what is owed as far as payments are left; return what is not covered."""
    for payment in [row for row in order.payments if row.kind in ("SALE", "CAPTURE")]:
        earlier = total([row.amount for row in order.payments if row.parent is payment])
        left = payment.amount - earlier
        if payment.status != "SUCCESS" or owed.presentment <= 0 or left.presentment <= 0:
            continue
        part = Pair(min(owed.shop, left.shop), min(owed.presentment, left.presentment))
        owed -= part
        if rate is not None:
            part = Pair(rate.price(part.presentment / rate.rate).shop, part.presentment)
        row = pay(order, ids, payment.gateway, at, part, kind="REFUND", parent=payment)
        result.payments.append(row)
    return owed


def cancel(order: Order, ids: Ids, at: datetime, reason: str = "CUSTOMER") -> None:
    """Cancel the order: pay back what was paid, void what was only authorized."""
    open_units = [(line, line.current) for line in order.lines if line.current > 0]
    if order.received.presentment > order.refunded.presentment:
        refund(order, ids, at, open_units, restock="CANCEL", shipping=True, note="Cancelled")
    else:
        for line, quantity in open_units:
            line.removed += quantity
        for row in order.shipping:
            row.refunded, row.refunded_tax = row.net, row.tax
        for payment in [row for row in order.payments if row.kind == "AUTHORIZATION"]:
            pay(order, ids, payment.gateway, at, payment.amount, kind="VOID", parent=payment)
    order.cancelled_at, order.cancel_reason, order.closed_at = at, reason, at
    touch(order, at)


def remove(order: Order, line: Line, quantity: int, at: datetime) -> None:
    """Edit the order: take units off a line."""
    line.removed += min(quantity, line.current)
    order.edited = True
    touch(order, at)


def add(order: Order, ids: Ids, variant: Variant, quantity: int, at: datetime) -> Line:
    """Edit the order: add a line, taxed as the order's other lines are."""
    taxed = next((line for line in order.lines if line.taxes), None)
    line = sell(order, ids, variant, quantity)
    line.added_by_edit = True
    if taxed is not None and line.taxable:
        rates = [(tax.title, str(tax.rate)) for tax in taxed.taxes]
        line.taxes = tax_rows(order, line.net, rates)
    order.edited = True
    touch(order, at)
    return line


def settle(order: Order, ids: Ids, at: datetime, gateway: str = "shopify_payments") -> None:
    """Collect what an edit left open, or pay back what it freed."""
    open_amount = order.outstanding
    if open_amount.presentment > 0:
        pay(order, ids, gateway, at, open_amount)
    elif open_amount.presentment < 0:
        result = Refund(ids("Refund"), at, "Order edited")
        _pay_back(order, ids, at, result, owed=-open_amount, rate=None)
        order.refunds.append(result)
    touch(order, at)
