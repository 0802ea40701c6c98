"""Builds the sales order and the invoice of an order: net lines, our taxes, netted payments.

The store's total may hold what the books must not (tax a marketplace remits), and the books what
the total does not (cash rounding): each is named as an adjustment, never folded in silently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from include.domain.balance import taxes_of
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
    DocumentPayment,
    DocumentTax,
)
from include.domain.errors import Unbalanced
from include.domain.money import ZERO, Money
from include.domain.order import (
    ChargeKind,
    Order,
    PaymentTerms,
    TaxLine,
    Tender,
    TenderKind,
    TenderStatus,
)
from include.domain.policy import Policy

Adjustments = tuple[tuple[str, Decimal], ...]

TOLERATED = "rounding_within_tolerance"
"""Cause of a difference that the document itself carries, by policy ``tolerance``."""

_RECEIVED = (TenderKind.SALE, TenderKind.CAPTURE)
_GIVEN = (TenderKind.REFUND, TenderKind.CHANGE)


def sales_document(order: Order, policy: Policy) -> tuple[Document, Adjustments]:
    """Build the sales order of an order as it stands, without stock or payments.

    Args:
        order: The order as the store says it is now.
        policy: The channel's choices.

    Returns:
        The document, and the named differences between the store's current total and its own.
    """
    if is_called_off(order):
        return worthless_document(order, policy, "cancelled")
    lines = tuple(
        DocumentLine(
            line_id=line.line_id,
            kind=line.kind,
            sku=line.sku,
            title=line.title,
            quantity=line.current_quantity,
            net=line.current_price.shop - _included(order, line.taxes),
            discount=line.unit_price.shop * line.current_quantity - line.current_price.shop,
            taxes=_our_taxes(line.taxes, line.current_price.shop - _included(order, line.taxes)),
            location_id=line.location_id,
        )
        for line in order.lines
        if line.current_quantity > 0
    )
    charges = tuple(_charges(order))
    discrepancy = order.stated.refund_discrepancy.shop
    if discrepancy > ZERO:
        charges += (DocumentCharge("refund-kept", ChargeKind.FEE, "Kept on refund", discrepancy),)
    concession = -min(discrepancy, ZERO)
    marketplace = _marketplace_tax(order)
    rounding = sum(
        (c.current_price.shop for c in order.charges if c.kind is ChargeKind.ROUNDING), ZERO
    )
    exchange = _exchange_difference(order, order.stated.current_total.shop + rounding + discrepancy)
    if exchange:
        charges += (_exchange_charge(exchange),)
    adjustments = tuple(
        (cause, amount)
        for cause, amount in (
            ("tax_collected_by_marketplace", marketplace),
            ("cash_rounding", -rounding),
            ("refund_discrepancy", -discrepancy),
            ("exchange_difference", -exchange),
        )
        if amount
    )
    total = order.stated.current_total.shop - sum((amount for _, amount in adjustments), ZERO)
    gap = total - _worth(lines, charges) + concession
    if gap and abs(gap) <= policy.tolerance:
        charges += (
            DocumentCharge("tolerance", ChargeKind.ROUNDING, "Rounding within tolerance", gap),
        )
        adjustments += ((TOLERATED, gap),)
    return replace(
        _header(order, policy), total=total, lines=lines, charges=charges, concession=concession
    ), adjustments


def _worth(lines: tuple[DocumentLine, ...], charges: tuple[DocumentCharge, ...]) -> Decimal:
    parts: tuple[DocumentLine | DocumentCharge, ...] = (*lines, *charges)
    taxes = sum((tax.amount for part in parts for tax in part.taxes), ZERO)
    return sum((part.net for part in parts), ZERO) + taxes


def is_called_off(order: Order) -> bool:
    """Tell whether the order is cancelled and the buyer has all money back: worth nothing.

    What the store still states as its total (an unpaid order that was cancelled) nobody owes. What
    exchange rates left of the money is worth booking, so only the buyer's currency decides.

    Args:
        order: The canonical order.
    """
    stated = order.stated
    return order.cancelled_at is not None and (
        stated.received.presentment == stated.refunded.presentment
    )


def worthless_document(order: Order, policy: Policy, cause: str) -> tuple[Document, Adjustments]:
    """Build the sales order of an order nobody owes anything for any more.

    Nothing is left on it but what exchange rates left behind.

    Args:
        order: The canonical order.
        policy: The channel's choices.
        cause: Why it is worth nothing, the name of the difference.
    """
    exchange = exchange_left(order)
    charges = (_exchange_charge(exchange),) if exchange else ()
    called_off = order.stated.current_total.shop
    adjustments = ((cause, called_off), ("exchange_difference", -exchange))
    return (
        replace(_header(order, policy), total=exchange, charges=charges),
        tuple((cause, amount) for cause, amount in adjustments if amount),
    )


def _header(order: Order, policy: Policy) -> Document:
    shipping = next(
        (c for c in order.charges if c.kind is ChargeKind.SHIPPING and not c.removed), None
    )
    placed_on = order.placed_at.astimezone(policy.time_zone).date()
    terms = order.payment_terms
    return Document(
        key=DocumentKey(order.channel, order.order_id_store, DocumentKind.SALES_ORDER),
        order_number=order.number,
        document_on=placed_on,
        currency=order.currency,
        total=ZERO,
        lines=(),
        customer=order.customer,
        billing_address=order.billing_address,
        shipping_address=order.shipping_address,
        shipping_method=shipping.title if shipping else None,
        presentment_total=Money(order.stated.current_total.presentment, order.presentment_currency),
        purchase_order_number=order.purchase_order_number,
        placed_at=order.placed_at,
        payment_terms=terms.name if terms else None,
        due_on=_due_on(terms, placed_on, policy) if terms else None,
    )


def _due_on(terms: PaymentTerms, placed_on: date, policy: Policy) -> date | None:
    """Return when an order is due; ``None`` where that hangs on what has not happened yet."""
    if terms.due_at is not None:
        return terms.due_at.astimezone(policy.time_zone).date()
    if terms.due_in_days is not None:
        return placed_on + timedelta(days=terms.due_in_days)
    return None


def _exchange_charge(amount: Decimal) -> DocumentCharge:
    return DocumentCharge("exchange", ChargeKind.FX, "Exchange difference", amount)


def facts_digest(document: Document) -> str:
    """Return a digest of what a document books: lines, charges, taxes and total.

    Payments, stock and personal data are left out: they may change without another sale.

    Args:
        document: A sales order or an invoice.
    """
    facts = [
        str(Money(document.total, document.currency)),
        str(document.concession.normalize()),
        *(
            f"{line.line_id}|{line.kind}|{line.sku}|{line.quantity}|{line.net.normalize()}|"
            + _tax_facts(line.taxes)
            for line in document.lines
        ),
        *(
            f"{charge.kind}|{charge.net.normalize()}|" + _tax_facts(charge.taxes)
            for charge in document.charges
        ),
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def payments_of(order: Order, total: Decimal) -> tuple[DocumentPayment, ...]:
    """Return each successful payment less its own refunds and change.

    Tax that a marketplace remits is taken off the biggest payment: it never reaches us.

    Args:
        order: The canonical order.
        total: What the order is worth in the books.

    Raises:
        Unbalanced: More was given back than received.
    """
    good = _good_tenders(order)
    charges = [t for t in good if t.kind in _RECEIVED]
    left = {t.tender_id: t.amount.shop for t in charges}
    for back in (t for t in good if t.kind in _GIVEN):
        _take_back(back, charges, left, order)
    withheld = sum(left.values(), ZERO) - total
    marketplace = _marketplace_tax(order)
    if marketplace and withheld == marketplace:
        biggest = max(left, key=lambda tender_id: left[tender_id])
        left[biggest] -= marketplace
    return tuple(
        DocumentPayment(t.tender_id, t.gateway, left[t.tender_id], t.processed_at, t.method)
        for t in charges
        if left[t.tender_id]
    )


def _take_back(back: Tender, charges: list[Tender], left: dict[str, Decimal], order: Order) -> None:
    """Take a refund from the payment it names, then from its gateway's, then from any.

    In two currencies the shop money paid back may exceed what came in, by the rates alone.
    """
    amount = back.amount.shop
    by_closeness = sorted(
        charges,
        key=lambda t: (t.tender_id != back.parent_id, t.gateway != back.gateway),
    )
    for tender in by_closeness:
        taken = min(amount, max(left[tender.tender_id], ZERO))
        left[tender.tender_id] -= taken
        amount -= taken
    if amount and charges and order.currency != order.presentment_currency:
        left[by_closeness[0].tender_id] -= amount  # refunded at a dearer rate than it was paid
    elif amount:
        raise Unbalanced(
            f"order {order.number}: refund {back.tender_id} gives back "
            f"{Money(amount, order.currency)} more than was received",
            rule="refunds_within_payments",
            field="transactions",
        )


def _included(order: Order, taxes: tuple[TaxLine, ...]) -> Decimal:
    if not order.taxes_included:
        return ZERO
    return sum((tax.current_amount.shop for tax in taxes), ZERO)


def _our_taxes(taxes: tuple[TaxLine, ...], base: Decimal) -> tuple[DocumentTax, ...]:
    return tuple(
        DocumentTax(tax.title, tax.rate, base, tax.current_amount.shop, tax.jurisdiction)
        for tax in taxes
        if not tax.collected_by_marketplace and tax.current_amount.shop
    )


def _charges(order: Order) -> Iterator[DocumentCharge]:
    for charge in order.charges:
        net = charge.current_price.shop - _included(order, charge.taxes)
        taxes = _our_taxes(charge.taxes, net)
        if net or taxes:
            yield DocumentCharge(charge.charge_id, charge.kind, charge.title, net, taxes)


def _tax_facts(taxes: tuple[DocumentTax, ...]) -> str:
    return ",".join(f"{tax.title}:{tax.amount.normalize()}" for tax in taxes)


def _exchange_difference(order: Order, worth: Decimal) -> Decimal:
    """Return what was received in shop money beyond the order's worth, by exchange alone.

    A buyer who paid in another currency has settled the order in that currency; the rates of sale,
    capture and refund need not be the same.
    """
    if order.currency == order.presentment_currency or order.stated.outstanding.presentment:
        return ZERO
    if not any(t.kind in _RECEIVED for t in _good_tenders(order)):
        return ZERO
    return _money_kept(order) - worth


def exchange_left(order: Order) -> Decimal:
    """Return the shop money that rates left of an order whose buyer has all money back.

    Args:
        order: An order with nothing kept in the buyer's currency.
    """
    return ZERO if order.currency == order.presentment_currency else _money_kept(order)


def _good_tenders(order: Order) -> list[Tender]:
    return [t for t in order.tenders if t.status is TenderStatus.SUCCESS]


def _money_kept(order: Order) -> Decimal:
    good = _good_tenders(order)
    received = sum((t.amount.shop for t in good if t.kind in _RECEIVED), ZERO)
    return received - sum((t.amount.shop for t in good if t.kind in _GIVEN), ZERO)


def _marketplace_tax(order: Order) -> Decimal:
    return sum(
        (tax.current_amount.shop for tax in taxes_of(order) if tax.collected_by_marketplace), ZERO
    )
