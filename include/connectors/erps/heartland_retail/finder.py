"""Finds documents in Heartland by their references, many at a time.

A document is found once it is whole: an order once it has been opened, an invoice or a return once
every part of it is complete. What is half made is finished by posting it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from include.connectors.erps.heartland_retail.held import (
    CLOSED,
    COMPLETE,
    Goods,
    HeldBill,
    HeldOrder,
    Reader,
    goods_on,
)
from include.connectors.erps.heartland_retail.payloads import (
    invoice_reference,
    mark_of,
    order_reference,
    ticket_reference,
)
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.connectors.erps.heartland_retail.tickets import OPEN_CREDIT
from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.money import ZERO

_ON_ORDER = (DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE, DocumentKind.VOID)


@dataclass(slots=True)
class _Seen:
    """What was read for a round of look-ups."""

    orders: dict[str, list[HeldOrder]] = field(default_factory=dict)
    bills: dict[int, list[HeldBill]] = field(default_factory=dict)
    tickets: dict[int, list[HeldBill]] = field(default_factory=dict)

    def under(self, base: str) -> Iterator[HeldOrder]:
        """Yield an order and those that its later invoices brought."""
        for reference, found in self.orders.items():
            if reference == base or reference.startswith(f"{base}/"):
                yield from found

    def tickets_of(self, order: HeldOrder) -> list[HeldBill]:
        """Return the tickets that give back what the order's invoices billed."""
        return self.tickets.get(order.id, [])


class Finder:
    """Looks documents up.

    Args:
        reader: Reads documents back.
        settings: The currency of the account.
    """

    def __init__(self, reader: Reader, settings: HeartlandRetailSettings) -> None:
        self._reader = reader
        self._currency = settings.currency

    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> dict[DocumentKey, tuple[RemoteDocument, ...]]:
        """Return every match of every key, those that are not void first.

        Args:
            documents: Pairs of natural key and reference of the order.
        """
        seen = self._read(documents)
        found = {}
        for key, base in documents:
            matches = sorted(
                self._matches(key, base, seen), key=lambda m: m.state is RemoteState.VOID
            )
            if matches:
                found[key] = tuple(matches)
        return found

    def _read(self, documents: Sequence[tuple[DocumentKey, str]]) -> _Seen:
        bases = {order_reference(base, key) for key, base in documents}
        own = {
            invoice_reference(base, key.sequence)
            for key, base in documents
            if key.kind is DocumentKind.INVOICE
        }
        seen = _Seen(dict(self._reader.orders(bases | own)))
        with_later = {
            base
            for key, base in documents
            if key.kind in (DocumentKind.PAYMENT, DocumentKind.CREDIT_NOTE)
        }
        for order in self._reader.orders_under(with_later):
            there = seen.orders.setdefault(order.reference, [])
            if all(order.id != known.id for known in there):
                there.append(order)
        kinds = {key.kind for key, _ in documents}
        orders = [order for found in seen.orders.values() for order in found]
        if not kinds <= {DocumentKind.SALES_ORDER, DocumentKind.PAYMENT} or any(
            order.may_have_tickets for order in orders
        ):
            seen.bills = self._reader.bills(o.id for o in orders if o.was_open)
        with_tickets = (
            orders
            if DocumentKind.CREDIT_NOTE in kinds
            else [order for order in orders if order.may_have_tickets]
        )
        owner = {bill.id: o.id for o in with_tickets for bill in seen.bills.get(o.id, ())}
        for ticket in self._reader.tickets(owner):
            if ticket.parent_id in owner:
                seen.tickets.setdefault(owner[ticket.parent_id], []).append(ticket)
        return seen

    def _matches(self, key: DocumentKey, base: str, seen: _Seen) -> Iterator[RemoteDocument]:
        if key.kind in _ON_ORDER:
            for order in seen.orders.get(order_reference(base, key), ()):
                if _shows(order, key):
                    yield self.shown(key, order, seen.tickets_of(order))
        elif key.kind is DocumentKind.INVOICE:
            reference = invoice_reference(base, key.sequence)
            orders = [*seen.orders.get(base, ()), *seen.orders.get(reference, ())]
            bills = [
                b for o in orders for b in seen.bills.get(o.id, ()) if b.reference == reference
            ]
            paid = sum((order.paid(mark_of(key)) for order in orders), ZERO)
            yield from self._merged(key, bills, 1, paid)
        elif key.kind is DocumentKind.CREDIT_NOTE:
            reference = ticket_reference(base, key.kind, key.sequence)
            tickets = [
                ticket
                for order in seen.under(base)
                for ticket in seen.tickets_of(order)
                if ticket.reference == reference
            ]
            yield from self._merged(key, tickets, -1, _paid_back(tickets))
        elif key.kind is DocumentKind.PAYMENT:
            yield from self._payment(key, seen.under(base))

    def shown(
        self, key: DocumentKey, order: HeldOrder, tickets: Iterable[HeldBill] = ()
    ) -> RemoteDocument:
        """Return an order as it stands, net of the tickets that changed it once it was invoiced.

        Args:
            key: The document that shows on it.
            order: The order.
            tickets: The tickets that give back what its invoices billed.
        """
        own = [
            ticket
            for ticket in tickets
            if ticket.status == COMPLETE
            and ticket.reference[len(order.reference) + 1 :][:1] in "CV"
        ]
        goods: Counter[Goods] = Counter()
        for line in order.lines:
            goods[line.goods] += line.qty
        for given, qty in goods_on(own).items():
            goods[given] += qty
        state = RemoteState.POSTED if order.status == CLOSED else RemoteState.OPEN
        return RemoteDocument(
            key=key,
            reference=order.number,
            state=RemoteState.VOID if order.is_struck_out else state,
            total=order.total + sum((ticket.total for ticket in own), ZERO),
            currency=self._currency,
            line_count=sum(1 for qty in goods.values() if qty > 0),
            paid=order.paid("D") - _paid_back(own),
            back_ordered=sum(
                (Decimal(line.qty) for line in order.lines if line.location_id is None), ZERO
            ),
        )

    def _merged(
        self, key: DocumentKey, bills: Iterable[HeldBill], sign: int, paid: Decimal
    ) -> Iterator[RemoteDocument]:
        """Yield a document of several records as one; a record too many is a document too many."""
        parts: dict[int, list[HeldBill]] = {}
        of = 0
        for bill in sorted(bills, key=lambda b: b.id):
            if bill.status == COMPLETE:
                parts.setdefault(bill.part, []).append(bill)
                of = max(of, bill.of)
        if not parts or len(parts) < of:
            return
        yield self._one(key, [found[0] for _, found in sorted(parts.items())], sign, paid)
        for spare in (bill for found in parts.values() for bill in found[1:]):
            yield self._one(key, [spare], sign, ZERO)

    def _one(
        self, key: DocumentKey, bills: Sequence[HeldBill], sign: int, paid: Decimal
    ) -> RemoteDocument:
        return RemoteDocument(
            key=key,
            reference="+".join(bill.number for bill in bills),
            state=RemoteState.POSTED,
            total=sign * sum((bill.total for bill in bills), ZERO),
            currency=self._currency,
            line_count=len(goods_on(bills)),
            paid=paid,
        )

    def _payment(self, key: DocumentKey, orders: Iterable[HeldOrder]) -> Iterator[RemoteDocument]:
        own = f"P{key.sequence}."
        for order in orders:
            paid = [p.amount for p in order.payments if p.mark.startswith(own)]
            if paid:
                whole = sum(paid, ZERO)
                state = RemoteState.POSTED if order.status == CLOSED else RemoteState.OPEN
                yield RemoteDocument(key, order.number, state, whole, self._currency, 0, whole)


def _shows(order: HeldOrder, key: DocumentKey) -> bool:
    if key.kind is DocumentKind.VOID:
        return key.sequence == 1 and order.is_struck_out
    if not order.was_open:
        return False
    if key.kind is DocumentKind.ORDER_CHANGE:
        return order.is_struck_out or order.change >= key.sequence
    return True


def _paid_back(tickets: Iterable[HeldBill]) -> Decimal:
    return -sum(
        (
            payment.amount
            for ticket in tickets
            if ticket.status == COMPLETE
            for payment in ticket.payments
            if not payment.mark.endswith(OPEN_CREDIT)
        ),
        ZERO,
    )
