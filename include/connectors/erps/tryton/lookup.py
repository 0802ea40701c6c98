"""Finds documents in Tryton again, many at a time, and says how they stand there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from include.connectors.erps.tryton import stock
from include.connectors.erps.tryton.company import CompanyBook
from include.connectors.erps.tryton.documents import TAX_DIFFERENCE, mark_of
from include.connectors.erps.tryton.invoices import Invoice, Invoices
from include.connectors.erps.tryton.payments import Payments, order_marks
from include.connectors.erps.tryton.sale_records import Sale, SaleLine
from include.connectors.erps.tryton.sales import Sales
from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.money import ZERO

_BILLS = frozenset({DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE})
_ON_ORDER = frozenset({DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE})
_COUNTS = {
    "posted": RemoteState.POSTED,
    "paid": RemoteState.POSTED,
    "cancelled": RemoteState.VOID,
}
_PLACED_BY = {
    "": DocumentKind.SALES_ORDER,
    "c": DocumentKind.ORDER_CHANGE,
    "i": DocumentKind.INVOICE,
    "r": DocumentKind.CREDIT_NOTE,
}
_AT_A_TIME = 500


class Lookup:
    """Reads documents back.

    Args:
        book: The company's set-up.
        sales: Its sales.
        invoices: Its invoices.
        payments: Its payments.
    """

    def __init__(
        self, book: CompanyBook, sales: Sales, invoices: Invoices, payments: Payments
    ) -> None:
        self.book = book
        self.sales = sales
        self.invoices = invoices
        self.payments = payments

    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> dict[DocumentKey, tuple[RemoteDocument, ...]]:
        """Look documents up: sales by order number and web id, all else by its mark.

        A document counts once its last step is taken: a sale that is not confirmed and an invoice
        that is not posted are left out.

        Args:
            documents: Pairs of natural key and order number.

        Returns:
            Every match of each key, those that are not void first; a key without one left out.
        """
        found: dict[DocumentKey, tuple[RemoteDocument, ...]] = {}
        for at in range(0, len(documents), _AT_A_TIME):
            found |= self._find(documents[at : at + _AT_A_TIME])
        return found

    def _find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> dict[DocumentKey, tuple[RemoteDocument, ...]]:
        keys = [key for key, _ in documents]
        found: dict[DocumentKey, list[RemoteDocument]] = defaultdict(list)
        bills = self._bills([key for key in keys if key.kind in _BILLS or _is_void_of_bill(key)])
        on_order = {
            key.order_id_store: number
            for key, number in documents
            if key.kind in _ON_ORDER or (key.kind is DocumentKind.VOID and key.sequence == 1)
        }
        sales = self.sales.of_orders(on_order) if on_order else {}
        effects = self._effects(sales)
        moves = self._moves(keys, effects, [b.id for several in bills.values() for b in several])
        for key in keys:
            if key.kind in _BILLS or _is_void_of_bill(key):
                for bill in bills.get(mark_of(_bill_of(key)), ()):
                    if key.kind in _BILLS or bill.state == "cancelled":
                        paid = _paid(moves, bill)
                        self._settle(key, bill, paid)
                        found[key].append(self.bill(key, bill, paid))
            elif key.kind is DocumentKind.PAYMENT:
                found[key] += _payments(key, moves.get(mark_of(key), ()), self.code)
            else:
                one = self._order(key, sales.get(key.order_id_store, []), effects, moves)
                if one is not None:
                    found[key].append(one)
        return {
            key: tuple(sorted(ones, key=lambda one: (one.state is RemoteState.VOID, one.reference)))
            for key, ones in found.items()
            if ones
        }

    def begun(self, documents: Sequence[tuple[DocumentKey, str]]) -> frozenset[DocumentKey]:
        """Return the documents of which Tryton holds a part: a sale, a draft, money, an amendment.

        What left the warehouse for an invoice that is not posted cannot be unsaid, so each of them
        is finished as it was planned.

        Args:
            documents: Pairs of natural key and order number, of documents that were sent.
        """
        keys = {mark_of(key): key for key, _ in documents}
        if not keys:
            return frozenset()
        sales = self.sales.of_orders({key.order_id_store: number for key, number in documents})
        own = [sale for several in sales.values() for sale in several]
        marks = {invoice.mark for invoice in self.invoices.find(list(keys))}
        marks |= {move["description"] for move in self.payments.find(list(keys))}
        marks |= {row["description"] for row in self.amendments([sale.id for sale in own])}
        placed = {(sale.order, _PLACED_BY[sale.role], sale.sequence or 1) for sale in own}
        return frozenset(
            key
            for mark, key in keys.items()
            if mark in marks or (key.order_id_store, key.kind, key.sequence) in placed
        )

    def _settle(self, key: DocumentKey, bill: Invoice, paid: Decimal) -> None:
        """Reconcile a bill that is paid in full where its poster died just before it did."""
        if bill.state == "posted" and bill.total and paid == bill.total:
            lines = self.payments.lines_of(key.order_id_store, bill.party)
            self.payments.reconcile(bill.mark, lines)

    @property
    def code(self) -> str:
        """ISO 4217 code of the books."""
        return self.book.company.currency_code

    def bill(self, key: DocumentKey, bill: Invoice, paid: Decimal) -> RemoteDocument:
        """Return an invoice or a credit note as a document.

        Args:
            key: The invoice or credit note.
            bill: As Tryton holds it.
            paid: What was paid on it, in its currency.
        """
        sign = -1 if key.kind is DocumentKind.CREDIT_NOTE else 1
        return RemoteDocument(
            key=key,
            reference=bill.number or f"({bill.id})",
            state=_COUNTS[bill.state],
            total=sign * bill.total,
            currency=self.code,
            line_count=bill.line_count,
            paid=sign * paid,
        )

    def order(
        self, key: DocumentKey, sales: Iterable[Sale], paid: Decimal, *, is_void: bool
    ) -> RemoteDocument | None:
        """Return an order as its sales have it; ``None`` if there is none that counts.

        Args:
            key: The sales order, a change of it, or its void.
            sales: All sales of the order.
            paid: Its deposits, in its currency.
            is_void: Whether a void of it is in effect.
        """
        own = [sale for sale in sales if sale.is_order]
        alive = [sale for sale in own if sale.is_alive]
        cancelled = [sale for sale in own if sale.state == "cancelled"]
        if not alive and not cancelled:
            return None
        shown = alive or cancelled
        lines = [line for sale in shown for line in sale.lines if line.quantity]
        if is_void or not alive:
            state = RemoteState.VOID
        else:
            is_billed = all(line.billed >= line.quantity for line in lines)
            state = RemoteState.POSTED if is_billed else RemoteState.OPEN
        short = stock.short_lines(alive)
        return RemoteDocument(
            key=key,
            reference=shown[0].number,
            state=state,
            total=sum((sale.total for sale in shown), ZERO),
            currency=self.code,
            line_count=sum(line.key != TAX_DIFFERENCE for line in lines),
            paid=paid,
            back_ordered=sum(short.values(), ZERO),
            short=tuple((key, int(units)) for key, units in sorted(short.items())),
        )

    def amendments(self, sales: Sequence[int]) -> list[dict[str, Any]]:
        """Return the amendments of sales: what was done to them, by whose mark.

        Args:
            sales: Records.
        """
        if not sales:
            return []
        return self.sales.client.search(
            "sale.amendment", [["sale", "in", list(sales)]], ["description", "state", "sale"]
        )

    def unit_of(self, line: SaleLine) -> int | None:
        """Return the unit of a line's product.

        Args:
            line: Of a sale.
        """
        if line.product is None:
            return None
        rows = self.sales.client.read("product.product", [line.product], ["default_uom"])
        return int(rows[0]["default_uom"])

    def _bills(self, keys: Iterable[DocumentKey]) -> dict[str, list[Invoice]]:
        marks = list(dict.fromkeys(mark_of(_bill_of(key)) for key in keys))
        found: dict[str, list[Invoice]] = defaultdict(list)
        for bill in self.invoices.find(marks):
            if bill.state in _COUNTS:
                found[bill.mark].append(bill)
        return found

    def _moves(
        self, keys: Iterable[DocumentKey], effects: set[str], bills: Iterable[int]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the posted moves of payments by the mark of their document."""
        marks: dict[str, None] = {}
        for key in keys:
            if key.kind in _ON_ORDER or key.kind is DocumentKind.VOID:
                changes = max(changes_in(key.order_id_store, effects), default=0)
                marks |= dict.fromkeys(order_marks(key, changes))
            else:
                marks[mark_of(key)] = None
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for move in self.payments.find(list(marks), bills):
            if move["state"] == "posted":
                found[move["description"]].append(move)
        return found

    def _effects(self, sales: Mapping[str, Sequence[Sale]]) -> set[str]:
        """Return the marks of the amendments that are in effect."""
        ids = [sale.id for own in sales.values() for sale in own if sale.is_order]
        return {row["description"] for row in self.amendments(ids) if row["state"] == "validated"}

    def _order(
        self,
        key: DocumentKey,
        sales: Sequence[Sale],
        effects: set[str],
        moves: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> RemoteDocument | None:
        changes = changes_in(key.order_id_store, effects)
        void = DocumentKey(key.channel, key.order_id_store, DocumentKind.VOID)
        is_void = mark_of(void) in effects
        if key.kind is DocumentKind.ORDER_CHANGE and max(changes, default=0) < key.sequence:
            return None
        marks = order_marks(key, max(changes, default=0))
        paid = sum((_received(move) for mark in marks for move in moves.get(mark, ())), ZERO)
        found = self.order(key, sales, paid, is_void=is_void)
        if key.kind is DocumentKind.VOID and found and found.state is not RemoteState.VOID:
            return None
        return found


def changes_in(order: str, effects: Iterable[str]) -> list[int]:
    """Return the numbers of an order's changes among the marks of amendments.

    Args:
        order: The store's id of the order.
        effects: Marks of the amendments that are in effect.
    """
    prefix = f"{order}:{DocumentKind.ORDER_CHANGE}:"
    return [int(e.removeprefix(prefix)) for e in effects if e and e.startswith(prefix)]


def _is_void_of_bill(key: DocumentKey) -> bool:
    return key.kind is DocumentKind.VOID and key.sequence > 1


def _bill_of(key: DocumentKey) -> DocumentKey:
    if not _is_void_of_bill(key):
        return key
    return DocumentKey(key.channel, key.order_id_store, DocumentKind.INVOICE, key.sequence - 1)


def _received(move: Mapping[str, Any]) -> Decimal:
    """Return what a payment's move settled of its document."""
    return sum(
        (
            line["credit"] - line["debit"]
            for line in move["lines."]
            if line["party"] and str(line["description"]).startswith(f"{move['description']} ")
        ),
        ZERO,
    )


def _paid(moves: Mapping[str, Sequence[Mapping[str, Any]]], bill: Invoice) -> Decimal:
    """Return what was paid with a bill, and by payments on it later on."""
    origin = f"account.invoice,{bill.id}"
    own = [*moves.get(bill.mark, ())]
    own += [
        move
        for mark, several in moves.items()
        if mark != bill.mark and f":{DocumentKind.PAYMENT}:" in mark
        for move in several
        if move["origin"] == origin
    ]
    return sum(map(_received, own), ZERO)


def _payments(
    key: DocumentKey, moves: Sequence[Mapping[str, Any]], code: str
) -> list[RemoteDocument]:
    if not moves:
        return []
    return [
        RemoteDocument(
            key=key,
            reference=moves[0]["number"] or "",
            state=RemoteState.POSTED,
            total=ZERO,
            currency=code,
            line_count=0,
            paid=sum(map(_received, moves), ZERO),
        )
    ]
