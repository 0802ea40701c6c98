"""Looks documents up in GP by their references: in work, in history and among cash receipts."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

from include.connectors.erps.dynamics_gp.amend import Marks
from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.gateway import Gateway, Session
from include.connectors.erps.dynamics_gp.payloads import (
    INVOICE,
    ORDER,
    RETURN,
    receipt_number,
    reference_of,
    target_of,
)
from include.connectors.erps.dynamics_gp.records import HeldReceipt, SopDocument
from include.connectors.erps.dynamics_gp.shown import Shown, shows
from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.errors import OrderError
from include.domain.money import ZERO


class Finder:
    """Finds what GP holds of a channel's documents.

    Args:
        gateway: The way into the company database.
        translator: Knows the document ids.
        shown: Reads what is found.
    """

    def __init__(self, gateway: Gateway, translator: Translator, shown: Shown) -> None:
        self.gateway = gateway
        self.translator = translator
        self.shown = shown
        self.docids = tuple(map(translator.docid_of, (ORDER, INVOICE, RETURN)))

    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> Mapping[DocumentKey, tuple[RemoteDocument, ...]]:
        """Look documents up in SOP10100 and SOP30200 by their customer PO number.

        An order change is found once it, or a later one, is in effect, and shows the order as it
        stands; a void is found once its document is void; a payment on the document it is on.

        Args:
            documents: Pairs of natural key and order number.

        Returns:
            Every match of every key, documents that are not void first; keys without one left out.
        """
        wanted: dict[tuple[int, str, str], list[DocumentKey]] = {}
        payments: dict[str, list[DocumentKey]] = {}
        for key, number in documents:
            with suppress(OrderError):  # a reference that does not fit cannot be in GP
                if key.kind is DocumentKind.PAYMENT:
                    payments.setdefault(reference_of(replace(key, sequence=1), number), []).append(
                        key
                    )
                elif acted_on := target_of(key):
                    soptype, target = acted_on
                    docid = self.translator.docid_of(soptype)
                    place = (soptype, docid, reference_of(target, number))
                    wanted.setdefault(place, []).append(key)
        found: dict[DocumentKey, list[RemoteDocument]] = {}
        if not wanted and not payments:
            return {}
        with self.gateway.session() as session:
            rows = session.documents(sorted({ref for _, _, ref in wanted}), self.docids)
            rows = _with_receipts(session, rows, {number for _, number in documents})
            for row in rows:
                for key in wanted.get((row.soptype, row.docid, row.cstponbr), ()):
                    if shows(row, key):
                        found.setdefault(key, []).append(self.shown.document(key, row))
            self._find_payments(session, payments, found)
        return {
            key: tuple(sorted(matches, key=lambda m: (m.state is RemoteState.VOID, m.reference)))
            for key, matches in found.items()
        }

    def _find_payments(
        self,
        session: Session,
        payments: Mapping[str, Sequence[DocumentKey]],
        found: dict[DocumentKey, list[RemoteDocument]],
    ) -> None:
        rows = session.documents(sorted(payments), self.docids[:2], with_later=True)
        hits = [
            (row, key)
            for row in rows
            for key in payments.get(_order_number(row, payments), ())
            if key.sequence in Marks.read(row.mark).payments
        ]
        held = session.payments(sorted({row.sopnumbe for row, _ in hits}))
        for row, key in hits:
            found.setdefault(key, []).append(self.shown.document(key, row, held))
        numbers = {
            receipt_number(number, key.sequence): key
            for number, keys in payments.items()
            for key in keys
            if key not in found
        }
        received: dict[DocumentKey, list[HeldReceipt]] = {}
        for receipt in session.receipts(sorted(numbers)):
            base = (
                receipt.number if receipt.number in numbers else receipt.number.rpartition(".")[0]
            )
            received.setdefault(numbers[base], []).append(receipt)
        for key, receipts in received.items():
            found[key] = [self.shown.received(key, "", receipts)]
        for key, matches in found.items():
            if key.kind is DocumentKind.PAYMENT and len(matches) > 1:
                # A transfer in GP copies the mark: the money is on one of the documents.
                found[key] = [match for match in matches if match.paid] or matches[:1]


def _with_receipts(
    session: Session, rows: list[SopDocument], numbers: Container[str]
) -> list[SopDocument]:
    """Count the cash receipts of an order as paid on its first invoice that was left open."""
    open_: dict[str, SopDocument] = {}
    for row in sorted(rows, key=lambda row: row.sopnumbe):
        if row.soptype == INVOICE and row.in_history and row.paid < row.docamnt:
            open_.setdefault(_order_number(row, numbers), row)
    if not open_:
        return rows
    received: dict[int, Decimal] = {}
    for receipt in session.receipts(sorted(f"{number}/P" for number in open_), "%"):
        at = id(open_[receipt.number.rpartition("/P")[0]])
        received[at] = received.get(at, ZERO) + receipt.amount
    return [
        replace(row, paid=row.paid + received[id(row)]) if id(row) in received else row
        for row in rows
    ]


def _order_number(row: SopDocument, known: Container[str]) -> str:
    """Return the order's number of a reference that may name a later document of it."""
    return row.cstponbr if row.cstponbr in known else row.cstponbr.rpartition("/")[0]
