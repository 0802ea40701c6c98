"""Closes the gap between what is billed and what should be: credit note, invoice, payment.

Each part of the gap is positive. A credit note names the invoice that billed most of what it takes
back and says of every unit what became of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from include.domain.content import Content, Difference
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
)
from include.domain.errors import Unbalanced
from include.domain.ledger import LedgerEntry, OrderLedger
from include.domain.money import ZERO, Money, allocate
from include.domain.order import ChargeKind, Order, Refund, Restock
from include.domain.policy import InvoiceMoment, Policy
from include.domain.tendered import up_to

Fate = tuple[Restock, str | None]


def settling(
    order: Order,
    sale: Document,
    gap: Difference,
    ledger: OrderLedger,
    policy: Policy,
    *,
    on_order: bool,
) -> Iterator[Document]:
    """Yield the credit note, the invoice and the payment that close a gap.

    Args:
        order: The order as the store says it is now.
        sale: Its sales order.
        gap: What is still to be billed and what is to be taken back.
        ledger: What is posted.
        policy: The channel's choices.
        on_order: Whether the invoice bills the sales order, which is open, or stands alone.
    """
    invoices = ledger.all_posted(DocumentKind.INVOICE)
    less, more = gap.less, gap.more
    if less.lines or less.charges:
        number = ledger.next_sequence(DocumentKind.CREDIT_NOTE)
        yield replace(
            sale,
            key=replace(sale.key, kind=DocumentKind.CREDIT_NOTE, sequence=number),
            document_on=_credited_on(order, sale, ledger, policy),
            total=less.total,
            lines=tuple(_restocked(order, less.lines, ledger)),
            charges=less.charges,
            payments=less.payments,
            concession=ZERO,
            based_on=_named(less, invoices).key,
        )
    payments = more.payments
    if more.lines or more.charges:
        number = ledger.next_sequence(DocumentKind.INVOICE)
        own, payments = up_to(more.total, payments)
        invoice = replace(
            sale,
            key=replace(sale.key, kind=DocumentKind.INVOICE, sequence=number),
            total=more.total,
            lines=more.lines,
            charges=more.charges,
            payments=own,
            concession=more.concession,
            based_on=sale.key if on_order else None,
        )
        yield replace(
            invoice, document_on=_billed_on(order, invoice, policy, is_first=not invoices)
        )
    if payments:
        number = ledger.next_sequence(DocumentKind.PAYMENT)
        target, room = _first_open(ledger)
        own, _ = up_to(room, payments)
        yield replace(
            sale,
            key=replace(sale.key, kind=DocumentKind.PAYMENT, sequence=number),
            document_on=max(_day(payment.paid_at, policy) for payment in own),
            total=ZERO,
            lines=(),
            charges=(),
            payments=own,
            concession=ZERO,
            based_on=target,
        )


def _named(less: Content, invoices: list[LedgerEntry]) -> LedgerEntry:
    """Return the invoice that billed most of what is taken back, the oldest of equals."""
    wanted = {line.line_id for line in less.lines} | {c.charge_id for c in less.charges}

    def shared(entry: LedgerEntry) -> int:
        content = entry.content or Content()
        parts = {line.line_id for line in content.lines} | {c.charge_id for c in content.charges}
        return len(wanted & parts)

    return max(invoices, key=shared)


def _billed_on(order: Order, invoice: Document, policy: Policy, *, is_first: bool) -> date:
    """Return an invoice's date: of its payment where payment is the moment, else of the change."""
    if is_first and policy.invoice is InvoiceMoment.ON_PAYMENT:
        paid_on = [_day(payment.paid_at, policy) for payment in invoice.payments]
        return max(invoice.document_on, *paid_on) if paid_on else invoice.document_on
    return max(invoice.document_on, _day(order.updated_at, policy))


def _day(moment: datetime, policy: Policy) -> date:
    return moment.astimezone(policy.time_zone).date()


def _first_open(ledger: OrderLedger) -> tuple[DocumentKey, Decimal]:
    """Return the oldest invoice that is not paid yet, and how much of it is not.

    Later payments were each put on the oldest open invoice, as far as it was open.
    """
    invoices = ledger.all_posted(DocumentKind.INVOICE)
    later = sum((entry.paid for entry in ledger.all_posted(DocumentKind.PAYMENT)), ZERO)
    for entry in invoices:
        room = entry.total - entry.paid
        if room > later:
            return entry.key, room - later
        later -= max(room, ZERO)
    raise Unbalanced(
        f"the invoices of order {invoices[0].key.order_id_store} are paid in full and more money "
        "came: compare the payments on the order with those in the books",
        rule="payments_have_an_invoice",
        field="transactions",
    )


def with_causes(order: Order, gap: Difference, *, open_credit: Decimal) -> Difference:
    """Give money that goes back beyond what is credited its cause: the same is billed again.

    A buyer who paid an addition by one card may get the refund on another, or owe it anew, or be
    paid back what an earlier credit note left open. Credit note and invoice then carry the amount
    once each, so that neither moves more than it is worth.

    Args:
        order: The order as the store says it is now.
        gap: What is still to be billed and what is to be taken back.
        open_credit: What the books owe the buyer already.

    Raises:
        Unbalanced: Money went back and nothing on the order says for what.
    """
    less, more = gap.less, gap.more
    beyond = less.paid - less.total
    if beyond <= ZERO:
        return gap
    if beyond > more.paid + open_credit + max(order.stated.outstanding.shop, ZERO):
        raise Unbalanced(
            f"order {order.number}: {Money(less.paid, order.currency)} was paid back and "
            "nothing on the order says for what: correct the refund in the store",
            rule="refund_has_a_cause",
            field="refunds",
        )
    moved = DocumentCharge(
        "payment-moved", ChargeKind.ADJUSTMENT, "Paid back, billed again", beyond
    )
    return Difference(
        more=replace(more, charges=(*more.charges, moved)),
        less=replace(less, charges=(*less.charges, moved)),
    )


def _credited_on(order: Order, sale: Document, ledger: OrderLedger, policy: Policy) -> date:
    """Return the day of the newest refund that is not booked yet, or of the order's last change."""
    fresh = _refunds_since(order, _newest_version(ledger))
    moment = fresh[-1].created_at if fresh else order.updated_at
    return max(sale.document_on, moment.astimezone(policy.time_zone).date())


def _newest_version(ledger: OrderLedger, line_id: str | None = None) -> datetime | None:
    """Return the order's version that invoices and credit notes last dealt with, if it is known.

    Args:
        ledger: What is posted.
        line_id: Only the documents that hold this line.
    """
    entries = ledger.all_posted(DocumentKind.INVOICE) + ledger.all_posted(DocumentKind.CREDIT_NOTE)
    versions = [
        datetime.fromisoformat(entry.order_version)
        for entry in entries
        if entry.order_version
        and (
            line_id is None
            or any(line.line_id == line_id for line in (entry.content or Content()).lines)
        )
    ]
    return max(versions, default=None)


def _refunds_since(order: Order, version: datetime | None) -> list[Refund]:
    """Return the refunds made after a version of the order, oldest first."""
    return sorted(
        (r for r in order.refunds if version is None or r.created_at > version),
        key=lambda refund: refund.created_at,
    )


def _restocked(
    order: Order, lines: tuple[DocumentLine, ...], ledger: OrderLedger
) -> Iterator[DocumentLine]:
    """Say of each credited unit what became of it, and where it went.

    Units that left by a refund are told by the refunds that no document has dealt with, the newest
    first; units beyond those were taken off by an edit.
    """
    for line in lines:
        fates = [
            (part.restock, part.location_id or line.location_id)
            for refund in _refunds_since(order, _newest_version(ledger, line.line_id))
            for part in refund.lines
            if part.line_id == line.line_id
            for _ in range(part.quantity)
        ]
        own = fates[-line.quantity :]
        own += [(Restock.CANCELLED, line.location_id)] * (line.quantity - len(own))
        yield from _by_fate(order, line, Counter(own))


def _by_fate(order: Order, line: DocumentLine, fates: Counter[Fate]) -> Iterator[DocumentLine]:
    weights = [Decimal(units) for units in fates.values()]
    nets = allocate(line.net, weights, order.currency)
    taxes = [allocate(tax.amount, weights, order.currency) for tax in line.taxes]
    for at, ((restock, location_id), units) in enumerate(fates.items()):
        own = tuple(
            replace(tax, amount=shares[at], base=nets[at])
            for tax, shares in zip(line.taxes, taxes, strict=True)
        )
        yield replace(
            line,
            quantity=units,
            net=nets[at],
            taxes=own,
            restock=restock,
            location_id=location_id,
        )
