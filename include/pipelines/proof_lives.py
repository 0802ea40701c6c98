"""Counts what the orders of a window have been through, and their documents by kind.

Only of orders whose documents were read back from the ERP as they were sent: what the ledger says
of these is what the ERP holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from include.domain.document import DocumentKey, DocumentKind
from include.domain.ledger import DocumentState, LedgerEntry, OrderLedger
from include.domain.money import ZERO
from include.domain.order import Order
from include.domain.proof import ProofDocuments, ProofLives
from include.staging.proof import KINDS, SentDocument

SHIPPED = ("fulfilled", "partially_fulfilled", "partial")


@dataclass(frozen=True, slots=True)
class Booked:
    """One document that the ERP holds: what it books, and whether this run sent it."""

    kind: DocumentKind
    amount: Decimal
    paid: Decimal
    is_sent_now: bool


@dataclass(frozen=True, slots=True)
class Life:
    """What one order with documents has been through."""

    documents: tuple[Booked, ...]
    is_edited: bool = False
    is_cancelled: bool = False
    is_refunded: bool = False
    is_shipped: bool = False

    @property
    def is_new(self) -> bool:
        """Whether this run sent its first document."""
        return all(document.is_sent_now for document in self.documents)

    @property
    def is_changed(self) -> bool:
        """Whether it had documents and got further ones in this run."""
        return not self.is_new and any(document.is_sent_now for document in self.documents)


def life_of(
    order: Order | None,
    ledger: OrderLedger,
    sent: Mapping[DocumentKey, SentDocument],
    batch_id: int,
) -> Life | None:
    """Return what an order has been through.

    Args:
        order: The order as it is staged, if it is.
        ledger: Its documents, each read back from the ERP.
        sent: For which batch each was sent.
        batch_id: The run's own batch.

    Returns:
        Its life; ``None`` for an order without documents.
    """
    posted = [e for e in ledger.entries.values() if e.state is DocumentState.POSTED]
    if not posted:
        return None
    documents = tuple(
        Booked(entry.key.kind, *_moved(entry, ledger), _batch(sent, entry.key) == batch_id)
        for entry in posted
    )
    if order is None:
        return Life(documents)
    return Life(
        documents,
        is_edited=order.is_edited,
        is_cancelled=order.cancelled_at is not None,
        is_refunded=bool(order.refunds) and order.cancelled_at is None,
        is_shipped=order.fulfillment_status in SHIPPED,
    )


def _batch(sent: Mapping[DocumentKey, SentDocument], key: DocumentKey) -> int | None:
    return sent[key].batch_id if key in sent else None


def _moved(entry: LedgerEntry, ledger: OrderLedger) -> tuple[Decimal, Decimal]:
    """Return total and payments of a document; of a void, those of what it strikes out."""
    if entry.key.kind is not DocumentKind.VOID:
        return entry.total, entry.paid
    number = entry.key.sequence
    place = (DocumentKind.SALES_ORDER, 1) if number == 1 else (DocumentKind.INVOICE, number - 1)
    struck = ledger.entries.get(place)
    return (struck.total, struck.paid) if struck else (ZERO, ZERO)


def sum_lives(lives: Iterable[Life]) -> ProofLives:
    """Count lives.

    Args:
        lives: One for each order of the window that has documents.
    """
    known = list(lives)
    new = sum(life.is_new for life in known)
    changed = sum(life.is_changed for life in known)
    return ProofLives(
        new=new,
        changed=changed,
        unchanged=len(known) - new - changed,
        edited=sum(life.is_edited for life in known),
        cancelled=sum(life.is_cancelled for life in known),
        refunded=sum(life.is_refunded for life in known),
        shipped=sum(life.is_shipped for life in known),
    )


def sum_documents(lives: Iterable[tuple[str, Life]]) -> tuple[ProofDocuments, ...]:
    """Add documents up by currency and kind, in the order in which people read the kinds.

    Args:
        lives: Pairs of currency and life.
    """
    found: defaultdict[tuple[str, DocumentKind], list[Booked]] = defaultdict(list)
    for currency, life in lives:
        for document in life.documents:
            found[currency, document.kind].append(document)
    places = {kind: place for place, kind in enumerate(KINDS)}
    return tuple(
        ProofDocuments(
            kind=kind,
            currency=currency,
            documents=len(rows),
            amount=sum((row.amount for row in rows), ZERO),
            paid=sum((row.paid for row in rows), ZERO),
            sent=sum(row.is_sent_now for row in rows),
            sent_amount=sum((row.amount for row in rows if row.is_sent_now), ZERO),
        )
        for (currency, kind), rows in sorted(
            found.items(), key=lambda item: (item[0][0], places.get(item[0][1], len(KINDS)))
        )
    )
