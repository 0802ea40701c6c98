"""The ERP port: the system that keeps the books."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

from include.domain.document import (
    Document,
    DocumentKey,
    PreparedDocument,
    RemoteDocument,
    StockNeed,
)


class Mappings(Protocol):
    """Store value to ERP value, per channel."""

    def require(self, kind: str, key: str) -> str:
        """Return the mapped ERP value.

        Args:
            kind: Kind of map, such as ``sku`` or ``payment``.
            key: The store's value.

        Raises:
            MappingMissing: There is no row; the error names it.
        """
        ...

    def get(self, kind: str, key: str) -> str | None:
        """Return the mapped ERP value, or ``None``.

        Args:
            kind: Kind of map.
            key: The store's value.
        """
        ...


class Erp(Protocol):
    """An ERP that documents are posted into."""

    def preflight(self) -> None:
        """Check that the ERP can be reached and holds the set-up the channel names.

        Raises:
            ConfigurationError: One message that names every missing thing.
        """
        ...

    def available(self, needs: Iterable[StockNeed]) -> Mapping[StockNeed, Decimal]:
        """Return units free to promise now; a need without item or map row is left out.

        Args:
            needs: Skus, each at a location of the store.
        """
        ...

    def unknown_skus(self, skus: Iterable[str]) -> frozenset[str]:
        """Return the skus that lead to no item of the ERP, mapped or not.

        Args:
            skus: The store's skus.
        """
        ...

    def first_open_on(self, day: date) -> date:
        """Return the day itself, or the first day of the next period that is open for posting.

        Args:
            day: A document's date.

        Raises:
            Refused: No later period is open.
            RemoteUnavailable: The ERP cannot be reached.
        """
        ...

    def prepare(self, document: Document) -> PreparedDocument:
        """Translate and check one document. No I/O, no effect.

        Args:
            document: What the plan says, amounts in its currency.

        Raises:
            MappingMissing: A mapping row is missing; the error names it.
            Refused: A value does not fit the ERP; the error names field and limit.
        """
        ...

    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> Mapping[DocumentKey, tuple[RemoteDocument, ...]]:
        """Look documents up in the ERP by our reference, open and posted alike.

        What the ERP keeps no document of its own for shows on the document it was done to: an order
        change on its order, once it or a later one is in effect; a void on the void document, a
        payment on the document it was added to. What is paid on an invoice counts its later
        payments, wherever the ERP keeps them. A sales order is open as long as anything of it is
        not billed.

        Args:
            documents: Pairs of natural key and order number.

        Returns:
            Every match of each key (two are a doubled document); a key without one is left out.
        """
        ...

    def begun(self, documents: Sequence[tuple[DocumentKey, str]]) -> frozenset[DocumentKey]:
        """Return the documents that the ERP holds in part: they are finished as they were planned.

        A poster may die between two calls of one document. An ERP that takes each document in one
        transaction, or a connector that brings about whatever the document says by then, has none.

        Args:
            documents: Pairs of natural key and order number, of documents that were sent.
        """
        ...

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        """Create the document, or return the one that already carries its reference.

        An order change, a void and a payment act on the document they are based on, once.

        Safe to call from several threads with different documents.

        Args:
            prepared: What ``prepare`` made of a document.

        Raises:
            Refused: The ERP said no for good; its words are in the error.
            RemoteUnavailable: It may work later, nothing was created.
            AmbiguousOutcome: The call broke off; the document may exist.
        """
        ...
