"""The store port: an online shop that orders are pulled from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol, runtime_checkable

from include.domain.order import Order
from include.domain.window import Selection


@dataclass(frozen=True, slots=True)
class OrderHeader:
    """The cheap view of an order in the store's list.

    Attributes:
        order_id_store: The store's id.
        order_number: The number people use.
        created_at: When the store made the record, aware UTC.
        updated_at: The store's version, aware UTC.
        total: Current total in shop currency.
        currency: Shop currency.
        line_count: Number of lines with a current quantity, if the list tells.
        unit_count: Number of units on those lines, if the list tells; what is neither goods nor
            custom (a gift card, a tip) may be counted or not.
    """

    order_id_store: str
    order_number: str
    created_at: datetime
    updated_at: datetime
    total: Decimal
    currency: str
    line_count: int | None = None
    unit_count: int | None = None


@dataclass(frozen=True, slots=True)
class RawOrder:
    """One order document as the store sent it.

    Attributes:
        order_id_store: The store's id.
        order_number: The number people use.
        updated_at: The store's version, aware UTC.
        body: The document as JSON bytes, complete (every nested page folded in).
        document: The same, parsed, in any form that the store's ``normalise`` knows.
        fault: Why the store could not give the document whole, in words; empty when it did.
    """

    order_id_store: str
    order_number: str
    updated_at: datetime
    body: bytes
    document: object
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Documents of several orders as one answer of the store, not yet read.

    Attributes:
        headers: The orders that were asked for.
        body: The answer, as far as its reader needs it.
        context: What the reader has to know beside it; JSON values.
    """

    headers: tuple[OrderHeader, ...]
    body: bytes
    context: Mapping[str, Any]


class PageReader(NamedTuple):
    """Reads pages where there is no store: functions of a module, pure, found by their names.

    Attributes:
        read: Takes body, order ids and context of a page; yields one document an order, or
            ``None`` where the store is needed to complete it.
        normalise: Translates a document, as ``OrderStore.normalise`` does.
    """

    read: Callable[[bytes, Sequence[str], Mapping[str, Any]], Iterator[RawOrder | None]]
    normalise: Callable[[str, object], Order]


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What preflight learns about the store.

    Attributes:
        name: The store's own name.
        currency: Shop currency, ISO 4217.
        time_zone: IANA name.
        warnings: Things that limit the run without stopping it, in words.
    """

    name: str
    currency: str
    time_zone: str
    warnings: tuple[str, ...] = ()


class OrderStore(Protocol):
    """A store that orders are pulled from."""

    def preflight(self, selection: Selection) -> StoreFacts:
        """Check scopes, version, currency and access before anything is pulled.

        Args:
            selection: What the run owns.

        Raises:
            ConfigurationError: One message that names every missing thing.
        """
        ...

    def count(self, selection: Selection) -> int:
        """Return how many orders the store itself says the selection's fetch range holds.

        Args:
            selection: What the run owns.
        """
        ...

    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        """Yield the header of each order that the selection owns, once, both ends re-filtered.

        Args:
            selection: What the run owns.

        Raises:
            WindowError: The list is not complete by the store's own count.
            RemoteUnavailable: The store did not answer.
        """
        ...

    def fetch(self, headers: Sequence[OrderHeader]) -> Iterator[Sequence[RawOrder]]:
        """Yield the complete documents of the headers in batches, one per header.

        A single order that the store cannot give whole comes with its fault in words.

        Args:
            headers: What ``list_headers`` yielded, or a part of it.

        Raises:
            WindowError: So many orders are at fault that it is the store, not the orders.
            RemoteUnavailable: The store did not answer.
        """
        ...

    def normalise(self, channel: str, document: object) -> Order:
        """Translate one document into the canonical order. Pure.

        Args:
            channel: Channel id.
            document: One raw document: as ``fetch`` gave it, or its JSON parsed, as landing has it.

        Raises:
            ContractDrift: The document is not what the store's contract promises.
        """
        ...


@runtime_checkable
class PagedStore(OrderStore, Protocol):
    """A store whose answers can be read and translated in another process than fetches them."""

    @property
    def reader(self) -> PageReader:
        """How a page is read and translated where there is no store."""
        ...

    def fetch_pages(self, headers: Sequence[OrderHeader]) -> Iterator[Page]:
        """Yield the documents of the headers in pages, one place a header.

        Args:
            headers: What ``list_headers`` yielded, or a part of it.

        Raises:
            WindowError: The store answered something else than what was asked for.
            RemoteUnavailable: The store did not answer.
        """
        ...

    def read_page(self, page: Page, places: Sequence[int]) -> Sequence[RawOrder]:
        """Read orders of a page, with whatever is left of them at the store.

        Args:
            page: What ``fetch_pages`` yielded.
            places: Which of its orders, counted from 0.

        Raises:
            WindowError: So many orders are at fault that it is the store, not the orders.
            RemoteUnavailable: The store did not answer.
        """
        ...
