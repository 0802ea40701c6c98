"""Books money in Tryton's ledger, and reconciles what an order owes with what was paid for it.

Money comes to the clearing account of its payment method and settles the receivable. A deposit on
an order lies on the receivable until an invoice uses it. Every line carries the order's id, so that
all that is open of one order is found together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from include.connectors.erps.tryton.company import CompanyBook
from include.connectors.erps.tryton.customers import Party
from include.connectors.erps.tryton.documents import PaymentPart, TrytonDocument, mark_of
from include.connectors.erps.tryton.rpc import TrytonClient
from include.domain.document import DocumentKey, DocumentKind
from include.domain.errors import Refused
from include.domain.money import ZERO

_WIZARD = "wizard.account.move.reconcile_lines"
# Documents whose payments are deposits: they lie on the order.
_ON_ORDER = frozenset({DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE, DocumentKind.VOID})
_USED = "deposit_used"
_NOTHING: Mapping[str, Decimal] = {}


@dataclass(frozen=True, slots=True)
class Settled:
    """A line of a receivable that belongs to an order.

    Attributes:
        id: Record of the line.
        mark: Mark of the document it belongs to.
        kind: The document's kind, or that a deposit was used.
        tender_id: The payment, if it is one.
        credit: What was received; negative: what was paid back or is owed.
        is_open: Whether it is not reconciled.
    """

    id: int
    mark: str
    kind: str
    tender_id: str
    credit: Decimal
    is_open: bool


class Payments:
    """Payments of a company.

    Args:
        client: The session.
        book: The company's set-up.
    """

    def __init__(self, client: TrytonClient, book: CompanyBook) -> None:
        self.client = client
        self.book = book
        self._wizards = threading.local()

    def lines_of(self, order: str, party: Party) -> list[Settled]:
        """Return every line of the party's receivable that belongs to an order.

        Args:
            order: The store's id of the order.
            party: Who it is booked on.
        """
        rows = self.client.search(
            "account.move.line",
            [
                ["account", "=", party.receivable],
                ["party", "=", party.id],
                ["description", "like", f"{order}:%"],
            ],
            ["description", "debit", "credit", "reconciliation"],
        )
        return [line for row in rows if (line := _settled(row, order)) is not None]

    def deposits(self, lines: Iterable[Settled]) -> dict[str, Decimal]:
        """Return what lies on an order by payment and is not used by an invoice yet.

        Args:
            lines: What ``lines_of`` returned.
        """
        found: dict[str, Decimal] = {}
        for line in lines:
            if line.tender_id and (line.kind in _ON_ORDER or line.kind == _USED):
                found[line.tender_id] = found.get(line.tender_id, ZERO) + line.credit
        return {tender_id: amount for tender_id, amount in found.items() if amount}

    def level(self, document: TrytonDocument, party: Party, lines: Sequence[Settled]) -> None:
        """Bring the deposits on an order to what a document says, once.

        Args:
            document: A sales order, an order change or a void.
            party: Who it is booked on.
            lines: What is booked of the order.
        """
        if self._is_booked(document.mark, lines):
            self.post(document.mark)
            return
        wanted = {payment.tender_id: payment for payment in document.payments}
        found = self.deposits(lines)
        methods = self._methods_of(document, found)
        gaps = [
            PaymentPart(tender_id, methods[tender_id], amount)
            for tender_id in dict.fromkeys((*found, *wanted))
            if (
                amount := (wanted[tender_id].amount if tender_id in wanted else ZERO)
                - found.get(tender_id, ZERO)
            )
        ]
        self._book(document, party, gaps)

    def pay(
        self,
        document: TrytonDocument,
        party: Party,
        lines: Sequence[Settled],
        *,
        invoice: int | None,
        owed: Mapping[tuple[int, int], Decimal] | None = None,
    ) -> None:
        """Book the payments of an invoice, a credit note or a payment document, once.

        Args:
            document: What they belong to.
            party: Who it is booked on.
            lines: What is booked of the order.
            invoice: The invoice they pay, if there is one.
            owed: Amounts passed on from one account to another, see ``owed_accounts``.
        """
        if self._is_booked(document.mark, lines):
            self.post(document.mark)
            return
        sign = -1 if document.key.kind is DocumentKind.CREDIT_NOTE else 1
        used: dict[str, Decimal] = {}
        if sign > 0:
            found = self.deposits(lines)
            for payment in document.payments:
                taken = min(max(found.get(payment.tender_id, ZERO), ZERO), payment.amount)
                if taken:
                    used[payment.tender_id] = taken
        if owed and self.find([document.mark]):
            self.post(document.mark)
            return
        self._book(
            document, party, document.payments, used=used, owed=owed, invoice=invoice, sign=sign
        )

    def post(self, mark: str) -> None:
        """Post the moves of a document that are still drafts.

        Args:
            mark: What the moves' descriptions hold.
        """
        drafts = [row["id"] for row in self.find([mark]) if row["state"] == "draft"]
        if drafts:
            self.client.press("account.move", "post", drafts)

    def find(self, marks: Sequence[str], invoices: Iterable[int] = ()) -> list[dict[str, Any]]:
        """Return the moves of payments.

        Args:
            marks: Marks of the documents they belong to.
            invoices: Invoices that they pay, with whatever document.
        """
        if not marks:
            return []
        by: list[Any] = ["OR", ["description", "in", list(marks)]]
        origins = [f"account.invoice,{invoice}" for invoice in invoices]
        if origins:
            own = ["description", "like", f"%:{DocumentKind.PAYMENT}:%"]
            by.append([["origin", "in", origins], own])
        return self.client.search(
            "account.move",
            [by, ["company", "=", self.book.company.id]],
            [
                *("description", "state", "number", "origin"),
                *("lines.debit", "lines.credit", "lines.party", "lines.description"),
            ],
        )

    def reconcile(self, mark: str, lines: Sequence[Settled]) -> None:
        """Reconcile what is open of an order where it comes to nothing: all of it, or its own.

        Args:
            mark: Mark of a document that was posted.
            lines: What is booked of the order, read afterwards.
        """
        still = [line for line in lines if line.is_open]
        own = [line for line in still if line.mark == mark]
        for group in (still, own):
            if len(group) > 1 and not sum((line.credit for line in group), ZERO):
                self._reconcile([line.id for line in group])
                return

    def _is_booked(self, mark: str, lines: Iterable[Settled]) -> bool:
        return any(line.mark == mark and line.tender_id for line in lines)

    def _methods_of(self, document: TrytonDocument, found: Mapping[str, Decimal]) -> dict[str, str]:
        """Return the method of each payment: of those that go, from where they were booked."""
        methods = {payment.tender_id: payment.method for payment in document.payments}
        unknown = set(found) - set(methods)
        if unknown:
            by_account = {m.debit_account: name for name, m in self.book.company.methods.items()}
            rows = self.client.search(
                "account.move.line",
                [
                    ["description", "in", sorted(unknown)],
                    ["account", "in", sorted(by_account)],
                ],
                ["description", "account"],
            )
            methods |= {row["description"]: by_account[row["account"]] for row in rows}
        lost = set(found) - set(methods)
        if lost:
            raise Refused(
                f"order {document.reference}: the payment method of {', '.join(sorted(lost))} is "
                "not known any more: pay it back in Tryton",
                rule="deposit_has_a_method",
                field="payment_method",
            )
        return methods

    def _book(
        self,
        document: TrytonDocument,
        party: Party,
        payments: Iterable[PaymentPart],
        *,
        used: Mapping[str, Decimal] = _NOTHING,
        owed: Mapping[tuple[int, int], Decimal] | None = None,
        invoice: int | None = None,
        sign: int = 1,
    ) -> None:
        """Create and post one move a journal, all of them or none."""
        day = document.accounting_on
        journals: dict[int, list[dict[str, Any]]] = {}
        for payment in payments:
            method = self.book.method(payment.method)
            rows = journals.setdefault(method.journal, [])
            amount = sign * payment.amount
            settles = f"{document.mark} {payment.tender_id}"
            rows.append(_line(party.receivable, -amount, settles, party.id))
            taken = used.get(payment.tender_id, ZERO)
            if taken:
                use = f"{document.web_id}:{_USED}:0 {payment.tender_id}"
                rows.append(_line(party.receivable, taken, use, party.id))
            if amount != taken:
                account = method.debit_account if amount > ZERO else method.credit_account
                rows.append(_line(account, amount - taken, payment.tender_id))
        for (earned, liability), amount in (owed or {}).items():
            rows = journals.setdefault(self.book.company.journal, [])
            rows.append(_line(earned, amount, document.mark))
            rows.append(_line(liability, -amount, document.mark))
        if not journals:
            return
        values = [
            {
                "journal": journal,
                "period": self.book.period(day),
                "date": day,
                "company": self.book.company.id,
                "description": document.mark,
                **({"origin": f"account.invoice,{invoice}"} if invoice else {}),
                "lines": [["create", rows]],
            }
            for journal, rows in journals.items()
        ]
        self.client.press("account.move", "post", self.client.create("account.move", values))

    def _reconcile(self, ids: list[int]) -> None:
        """Reconcile lines; a wizard's session serves a thread for all of its own."""
        context = {"active_model": "account.move.line", "active_ids": ids, "active_id": ids[0]}
        session = getattr(self._wizards, "session", None)
        if session is None:
            session = self._wizards.session = self.client.write_call(f"{_WIZARD}.create")[0]
        try:
            self.client.write_call(f"{_WIZARD}.execute", session, {}, "start", context=context)
        except Refused:
            self._wizards.session = None
            raise


def _line(account: int, amount: Decimal, description: str, party: int | None = None) -> Any:
    """Spell a line of a move; a positive amount is a debit."""
    return {
        "account": account,
        "debit": max(amount, ZERO),
        "credit": max(-amount, ZERO),
        "description": description,
        **({"party": party} if party else {}),
    }


def _settled(row: Mapping[str, Any], order: str) -> Settled | None:
    """Read a line back; ``None`` where another order's id only begins alike."""
    mark, _, tender_id = row["description"].partition(" ")
    if not mark.startswith(f"{order}:"):
        return None
    kind = mark[len(order) + 1 :].partition(":")[0]
    return Settled(
        id=row["id"],
        mark=mark,
        kind=kind,
        tender_id=tender_id,
        credit=row["credit"] - row["debit"],
        is_open=row["reconciliation"] is None,
    )


def order_marks(key: DocumentKey, changes: int) -> list[str]:
    """Return the marks of the documents whose deposits lie on an order.

    Args:
        key: Key of any document of the order.
        changes: How many order changes there may be.
    """
    kinds = [(DocumentKind.SALES_ORDER, 1), (DocumentKind.VOID, 1)]
    kinds += [(DocumentKind.ORDER_CHANGE, number) for number in range(1, changes + 1)]
    return [mark_of(DocumentKey(key.channel, key.order_id_store, *pair)) for pair in kinds]
