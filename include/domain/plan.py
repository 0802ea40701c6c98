"""The planner: what the ERP still lacks of an order.

A pure function of the order, what the ledger says is posted, the policy and the stock. Posting
carries a plan out; a second plan straight after is empty. A dry run is a plan that is printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from include.domain.content import Books, Content, Difference, difference
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
    DocumentPayment,
    RemoteState,
    StockNeed,
)
from include.domain.errors import OrderError, Unbalanced
from include.domain.ledger import OrderLedger
from include.domain.money import ZERO, Money, allocate
from include.domain.order import (
    ChargeKind,
    FinancialStatus,
    LineKind,
    Order,
    Refund,
    Restock,
)
from include.domain.policy import InvoiceMoment, OnTestOrder, Policy, ShortStock, UnpaidOrders
from include.domain.sales import (
    Adjustments,
    exchange_left,
    facts_digest,
    invoice_document,
    is_called_off,
    payments_of,
    sales_document,
)

Stock = Mapping[StockNeed, Decimal]
Payments = tuple[DocumentPayment, ...]
Fate = tuple[Restock, str | None]

UNPAID = frozenset(
    {
        FinancialStatus.PENDING,
        FinancialStatus.AUTHORIZED,
        FinancialStatus.PARTIALLY_PAID,
        FinancialStatus.EXPIRED,
    }
)


class ChangedAfterPosting(OrderError):
    """The order changed in the store after its documents were posted."""

    reason_class = "changed_after_posting"


class StockShort(OrderError):
    """Stock does not cover the order and the channel's policy is to hold it."""

    reason_class = "short_stock"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is still to be done for one order.

    Attributes:
        documents: Documents to post, in order; an invoice follows the order it is based on.
        skipped: Short reason when policy or the order's own life leaves nothing to post.
        adjusted: Store total less what the books get, with its cause in ``adjustments``.
        adjustments: Pairs of cause and amount that make up ``adjusted``.
    """

    documents: tuple[Document, ...] = ()
    skipped: str | None = None
    adjustments: Adjustments = ()

    @property
    def adjusted(self) -> Decimal:
        """Sum of the named differences between the store's total and the document's."""
        return sum((amount for _, amount in self.adjustments), ZERO)


SKIP_REASONS = {
    "test_order": "a test order of the store: policy leaves it out",
    "cancelled": "cancelled in the store before anything was posted",
    "refunded": "refunded in full before anything was posted",
    "voided": "its payment was voided before anything was posted",
    "unpaid": "not paid yet: policy waits for the payment",
    "empty": "nothing is left on it and no money was kept",
    "written_off": "a person wrote it off in quarantine: it is left out until it is reopened",
}


def plan(order: Order, ledger: OrderLedger, policy: Policy, stock: Stock) -> Plan:
    """Work out which documents the ERP still lacks of an order.

    Args:
        order: The order as the store says it is now, balanced.
        ledger: What is posted already.
        policy: The channel's choices.
        stock: Units free to promise; a need that is absent is not tracked.

    Returns:
        The documents to post now, or why there are none.

    Raises:
        StockShort: Stock is short and the policy is to hold.
        Unbalanced: Payments and total cannot both be right.
    """
    invoices = ledger.all_posted(DocumentKind.INVOICE)
    if not invoices and not ledger.all_posted(DocumentKind.SALES_ORDER):
        skipped = _skip_reason(order, policy)
        if skipped is not None:
            return Plan(skipped=skipped, adjustments=_left_by_rates(order, skipped))
        if ledger.entries and ledger.posted(DocumentKind.SALES_ORDER) is not None:
            return _revived(order, ledger, policy)
        return _first_documents(order, policy, stock)
    sale, adjustments = sales_document(order, policy)
    if invoices:
        documents = _after_invoice(order, sale, ledger, policy)
    else:
        documents = _before_invoice(order, sale, ledger, policy, stock)
    return Plan(documents, adjustments=adjustments)


def _first_documents(order: Order, policy: Policy, stock: Stock) -> Plan:
    sale, adjustments = sales_document(order, policy)
    sale = _allocate_stock(sale, policy, stock, Content())
    payments = payments_of(order, sale.total)
    if _may_invoice(order, sale, payments, policy):
        return Plan((sale, invoice_document(sale, payments, policy)), adjustments=adjustments)
    deposit = payments if _needs_deposit(order, sale, payments, policy) else ()
    return Plan((replace(sale, payments=deposit),), adjustments=adjustments)


def _is_settled(order: Order, sale: Document, payments: Payments) -> bool:
    paid = sum((payment.amount for payment in payments), ZERO)
    return paid == sale.total and order.financial_status not in UNPAID


def _may_invoice(order: Order, sale: Document, payments: Payments, policy: Policy) -> bool:
    return (
        policy.invoice is InvoiceMoment.ON_PAYMENT
        and not sale.is_back_ordered
        and _is_settled(order, sale, payments)
    )


def _needs_deposit(order: Order, sale: Document, payments: Payments, policy: Policy) -> bool:
    waits = sale.is_back_ordered or policy.invoice is InvoiceMoment.NEVER
    return waits and _is_settled(order, sale, payments)


def _before_invoice(
    order: Order, sale: Document, ledger: OrderLedger, policy: Policy, stock: Stock
) -> tuple[Document, ...]:
    """An order that is posted and not billed: change it, void it, or bill it."""
    payments = payments_of(order, sale.total)
    first = ledger.all_posted(DocumentKind.SALES_ORDER)[0]
    changes = ledger.all_posted(DocumentKind.ORDER_CHANGE)
    newest = changes[-1] if changes else first
    booked = _as_the_erp_holds_it(newest.content or Content(), newest.back_ordered, stock)
    if not sale.lines and not sale.total:
        return (_void(sale, first.key, 1),)
    sale = _allocate_stock(sale, policy, stock, booked)
    deposit = payments if _needs_deposit(order, sale, payments, policy) else ()
    wanted = replace(sale, payments=deposit)
    arrived = bool(newest.back_ordered) and not sale.is_back_ordered
    if facts_digest(wanted) != newest.digest or wanted.paid != booked.paid or arrived:
        sequence = ledger.next_sequence(DocumentKind.ORDER_CHANGE)
        key = replace(sale.key, kind=DocumentKind.ORDER_CHANGE, sequence=sequence)
        change = replace(wanted, key=key, based_on=first.key)
        if not _may_invoice(order, sale, payments, policy):
            return (change,)
        return (change, invoice_document(sale, payments, policy))
    if not _may_invoice(order, sale, payments, policy):
        return ()
    return (invoice_document(sale, payments, policy),)


def _after_invoice(
    order: Order, sale: Document, ledger: OrderLedger, policy: Policy
) -> tuple[Document, ...]:
    """A billed order: void what is whole and still open, else credit and bill the difference.

    Only a cancelled order is voided: it cannot come back, while one that was refunded or emptied
    by an edit can.
    """
    payments = payments_of(order, sale.total)
    invoices = ledger.all_posted(DocumentKind.INVOICE)
    credited = ledger.all_posted(DocumentKind.CREDIT_NOTE)
    gone = order.cancelled_at is not None and not sale.lines and not sale.total
    if gone and len(invoices) == 1 and not credited:
        billed = invoices[0]
        if billed.remote_state is RemoteState.OPEN:
            void = _void(sale, billed.key, billed.key.sequence + 1)
            ordered = ledger.all_posted(DocumentKind.SALES_ORDER)
            return (void, *(_void(sale, entry.key, 1) for entry in ordered))
    books = Books()
    for sign, entries in ((1, invoices), (-1, credited)):
        for entry in entries:
            books.add(entry.content or Content(), sign)
    for entry in ledger.all_posted(DocumentKind.PAYMENT):
        books.add(entry.content or Content())
    gap = difference(Content(sale.lines, sale.charges, payments, sale.concession), books)
    gap = _with_causes(order, gap, open_credit=max(books.paid - books.total, ZERO))
    return tuple(_settling(order, sale, gap, ledger, policy))


def _settling(
    order: Order, sale: Document, gap: Difference, ledger: OrderLedger, policy: Policy
) -> Iterator[Document]:
    """Yield the credit note, the further invoice and the payment that close a gap."""
    billed = ledger.all_posted(DocumentKind.INVOICE)[0]
    less, more = gap.less, gap.more
    if less.lines or less.charges:
        number = ledger.next_sequence(DocumentKind.CREDIT_NOTE)
        key = replace(sale.key, kind=DocumentKind.CREDIT_NOTE, sequence=number)
        yield replace(
            sale,
            key=key,
            document_on=_credited_on(order, sale, ledger, policy),
            total=less.total,
            lines=tuple(_restocked(order, less.lines, ledger)),
            charges=less.charges,
            payments=less.payments,
            concession=ZERO,
            based_on=billed.key,
        )
    payments = more.payments
    if more.lines or more.charges:
        number = ledger.next_sequence(DocumentKind.INVOICE)
        key = replace(sale.key, kind=DocumentKind.INVOICE, sequence=number)
        own, payments = _up_to(more.total, payments)
        yield replace(
            sale,
            key=key,
            document_on=order.updated_at.astimezone(policy.time_zone).date(),
            total=more.total,
            lines=more.lines,
            charges=more.charges,
            payments=own,
            concession=ZERO,
            based_on=None,
        )
    if payments:
        number = ledger.next_sequence(DocumentKind.PAYMENT)
        key = replace(sale.key, kind=DocumentKind.PAYMENT, sequence=number)
        target, room = _first_open(ledger)
        own, _ = _up_to(room, payments)
        paid_on = max(payment.paid_at for payment in own).astimezone(policy.time_zone).date()
        yield replace(_empty(sale), key=key, document_on=paid_on, payments=own, based_on=target)


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


def _up_to(limit: Decimal, payments: Payments) -> tuple[Payments, Payments]:
    """Split payments into those within a limit and the rest, in their order."""
    within, rest = [], []
    for payment in payments:
        taken = min(payment.amount, max(limit, ZERO))
        limit -= taken
        if taken:
            within.append(replace(payment, amount=taken))
        if taken < payment.amount:
            rest.append(replace(payment, amount=payment.amount - taken))
    return tuple(within), tuple(rest)


def _with_causes(order: Order, gap: Difference, *, open_credit: Decimal) -> Difference:
    """Give money that goes back beyond what is credited its cause: the same is billed again.

    A buyer who paid an addition by one card may get the refund on another, or owe it anew, or be
    paid back what an earlier credit note left open. Credit note and invoice then carry the amount
    once each, so that neither moves more than it is worth.
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


def _void(sale: Document, target: DocumentKey, number: int) -> Document:
    key = replace(sale.key, kind=DocumentKind.VOID, sequence=number)
    return replace(_empty(sale), key=key, based_on=target)


def _empty(sale: Document) -> Document:
    return replace(sale, total=ZERO, lines=(), charges=(), payments=(), concession=ZERO)


def _revived(order: Order, ledger: OrderLedger, policy: Policy) -> Plan:
    """An order that lives again after its sales order was voided is billed without one."""
    sale, adjustments = sales_document(order, policy)
    payments = payments_of(order, sale.total)
    if policy.invoice is InvoiceMoment.NEVER or not _is_settled(order, sale, payments):
        raise ChangedAfterPosting(
            f"order {order.number} lives again after its sales order was voided: it is billed "
            "without one as soon as it is paid and the channel bills by itself",
            rule="revived_after_void",
            field="lines",
        )
    invoice = invoice_document(sale, payments, policy)
    key = replace(invoice.key, sequence=ledger.next_sequence(DocumentKind.INVOICE))
    return Plan((replace(invoice, key=key, based_on=None),), adjustments=adjustments)


def _skip_reason(order: Order, policy: Policy) -> str | None:
    stated = order.stated
    if order.is_test and policy.test_orders is OnTestOrder.SKIP:
        return "test_order"
    # In the buyer's currency: what rates left of the shop money is no payment for anything.
    kept = stated.received.presentment - stated.refunded.presentment
    if order.cancelled_at is not None:
        if not is_called_off(order):
            kept = stated.received.shop - stated.refunded.shop
            raise Unbalanced(
                f"order {order.number} is cancelled but {Money(kept, order.currency)} of its "
                "payments was kept: refund it in the store, or undo the cancellation",
                rule="cancelled_with_money_kept",
                field="net_payment",
            )
        return "cancelled"
    if order.financial_status is FinancialStatus.VOIDED:
        return "voided"
    nothing_left = not stated.current_total.shop and not any(
        line.current_quantity > 0 for line in order.lines
    )
    if nothing_left and not kept:
        return "refunded" if order.refunds else "empty"
    if order.financial_status in UNPAID and policy.unpaid is UnpaidOrders.SKIP:
        return "unpaid"
    return None


def _left_by_rates(order: Order, skipped: str) -> Adjustments:
    exchange = exchange_left(order) if skipped in ("cancelled", "refunded") else ZERO
    return (("exchange_difference", -exchange),) if exchange else ()


def _allocate_stock(sale: Document, policy: Policy, stock: Stock, booked: Content) -> Document:
    """Cover each line from what it was promised before, then from free stock."""
    if policy.short_stock is ShortStock.IGNORE:
        return sale
    left = dict(stock)
    before = {line.line_id: line for line in booked.lines}
    lines = []
    for line in sale.lines:
        need = StockNeed(line.sku or "", line.location_id)
        old = before.get(line.line_id)
        kept = min(old.quantity - old.back_ordered, line.quantity) if old else 0
        is_tracked = need in left or (old is not None and old.back_ordered > 0)
        if line.kind is LineKind.GOODS and is_tracked:
            free = left.get(need, ZERO)
            taken = int(max(ZERO, min(free, Decimal(line.quantity - kept))))
            left[need] = free - taken
            short = line.quantity - kept - taken
            if short and policy.short_stock is ShortStock.HOLD:
                raise StockShort(
                    f"line {line.sku} needs {line.quantity} and {kept + taken} can be promised: "
                    "policy holds the order until stock arrives",
                    rule="stock_covers_line",
                    field="quantity",
                )
            line = replace(line, back_ordered=short)  # noqa: PLW2901
        lines.append(line)
    return replace(sale, lines=tuple(lines))


def _as_the_erp_holds_it(booked: Content, back_ordered: Decimal, stock: Stock) -> Content:
    """Add what the ERP back-ordered beyond the document: others took its stock before it came.

    The ERP tells the units and not the lines: those with the least stock left are taken for short.
    """
    beyond = int(back_ordered) - sum(line.back_ordered for line in booked.lines)
    needs = [StockNeed(line.sku or "", line.location_id) for line in booked.lines]
    goods = [
        at
        for at, line in enumerate(booked.lines)
        if line.kind is LineKind.GOODS and needs[at] in stock
    ]
    lines = list(booked.lines)
    for at in sorted(goods, key=lambda place: stock[needs[place]]):
        more = min(max(beyond, 0), lines[at].quantity - lines[at].back_ordered)
        lines[at] = replace(lines[at], back_ordered=lines[at].back_ordered + more)
        beyond -= more
    return replace(booked, lines=tuple(lines))


def stock_needs(order: Order) -> Iterator[StockNeed]:
    """Yield what the order needs from stock.

    Args:
        order: The canonical order.
    """
    for line in order.lines:
        if line.kind is LineKind.GOODS and line.sku and line.current_quantity > 0:
            yield StockNeed(line.sku, line.location_id)


def stock_taken(document: Document) -> Iterator[tuple[StockNeed, int]]:
    """Yield the units that a sales order is going to allocate.

    Args:
        document: A sales order.
    """
    for line in document.lines:
        if line.kind is LineKind.GOODS and line.sku:
            yield StockNeed(line.sku, line.location_id), line.quantity - line.back_ordered
