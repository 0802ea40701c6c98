"""The document ledger: one entry for each document that was sent to the ERP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from include.domain.content import Content
from include.domain.document import DocumentKey, DocumentKind, RemoteState


class DocumentState(StrEnum):
    """Life of a ledger entry.

    ``sending`` (committed before the call) → ``posted``; or ``refused`` (the ERP said no, or it
    never arrived and its order needs it no more) until it is sent again. ``sending`` found later:
    look it up first. What is planned and not yet sent, or held before it could be, has no entry.
    """

    SENDING = "sending"
    POSTED = "posted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the ledger knows of one document.

    Attributes:
        key: Natural key.
        state: Where it stands.
        total: Amount of the document in shop currency.
        currency: ISO 4217 code.
        digest: Digest of the payload that was sent.
        order_version: The order's ``updated_at`` that it was planned from, ISO text.
        reference: The ERP's number, once known.
        line_count: Lines sent.
        paid: Payments sent.
        back_ordered: Units that waited for stock.
        remote_state: Where the ERP last showed it: open, posted or void.
        content: What it books, part by part.
        document_on: Its day, in the shop's time zone.
        based_on: The document it continues, changes, credits or voids.
    """

    key: DocumentKey
    state: DocumentState
    total: Decimal
    currency: str
    digest: str = ""
    order_version: str = ""
    reference: str | None = None
    line_count: int = 0
    paid: Decimal = Decimal(0)
    back_ordered: Decimal = Decimal(0)
    remote_state: RemoteState | None = None
    content: Content | None = None
    document_on: date | None = None
    based_on: DocumentKey | None = None


@dataclass(frozen=True, slots=True)
class OrderLedger:
    """All ledger entries of one order.

    Attributes:
        entries: By kind and sequence.
    """

    entries: Mapping[tuple[DocumentKind, int], LedgerEntry]

    def posted(self, kind: DocumentKind) -> LedgerEntry | None:
        """Return the posted entry of a kind, the newest sequence first.

        Args:
            kind: Kind of document.
        """
        found = [e for (k, _), e in self.entries.items() if k is kind]
        found = [e for e in found if e.state is DocumentState.POSTED]
        return max(found, key=lambda entry: entry.key.sequence, default=None)

    def all_posted(self, kind: DocumentKind) -> list[LedgerEntry]:
        """Return the posted entries of a kind that were not voided, by sequence.

        Args:
            kind: Kind of document.
        """
        found = [e for (k, _), e in self.entries.items() if k is kind]
        found = [e for e in found if e.state is DocumentState.POSTED and not self.is_void(e.key)]
        return sorted(found, key=lambda entry: entry.key.sequence)

    def is_void(self, key: DocumentKey) -> bool:
        """Tell whether a void of the document is posted, or the ERP shows it void.

        Args:
            key: The document that may be void.
        """
        entry = self.entries.get((key.kind, key.sequence))
        if entry is not None and entry.remote_state is RemoteState.VOID:
            return True
        number = {DocumentKind.SALES_ORDER: 1, DocumentKind.INVOICE: key.sequence + 1}.get(key.kind)
        void = self.entries.get((DocumentKind.VOID, number)) if number else None
        return void is not None and void.state is DocumentState.POSTED

    def not_posted(self) -> list[LedgerEntry]:
        """Return the entries of documents that were sent and are not known to be posted."""
        return [e for e in self.entries.values() if e.state is not DocumentState.POSTED]

    def next_sequence(self, kind: DocumentKind) -> int:
        """Return the sequence of the next document of a kind.

        Args:
            kind: Kind of document.
        """
        taken = [
            e.key.sequence
            for (k, _), e in self.entries.items()
            if k is kind and e.state is DocumentState.POSTED
        ]
        return max(taken, default=0) + 1


EMPTY_LEDGER = OrderLedger({})
