"""Store connectors that are wrong on purpose, each in one way, and the scenario that names it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any

from include.domain.errors import ConfigurationError, CounterfoilError, RemoteUnavailable
from include.domain.order import Order
from include.domain.window import Basis, Selection
from include.ports.store import OrderHeader, OrderStore, RawOrder, StoreFacts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BrokenStore:
    """A defect.

    Attributes:
        words: What the connector does wrong.
        scenario: The scenario that has to fail.
        build: Breaks a connector.
    """

    words: str
    scenario: str
    build: Callable[[OrderStore], Any]


STORE_DEFECTS: dict[str, BrokenStore] = {}


def defect(words: str, scenario: str) -> Callable[[type], type]:
    """Put a broken connector on the list, by its class's name."""

    def put(build: type) -> type:
        STORE_DEFECTS[build.__name__] = BrokenStore(words, scenario, build)
        return build

    return put


class Around:
    """A connector around another; what it does not say is done as ever."""

    def __init__(self, store: OrderStore) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@defect("reads the first pages only", "pages_to_the_end")
class StopsEarly(Around):
    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        return islice(self.store.list_headers(selection), 6)


@defect("lists an order twice", "window_is_listed")
class ListsTwice(Around):
    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        for header in self.store.list_headers(selection):
            yield from (header, header)


@defect("takes the end of a window for a part of it", "both_ends_are_exact")
class IncludesTheEnd(Around):
    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        window = replace(selection.window, end_at=selection.window.end_at + timedelta(seconds=1))
        return self.store.list_headers(replace(selection, window=window))


@defect("loses the first second of a window", "both_ends_are_exact")
class LosesTheStart(Around):
    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        start = selection.window.start_at
        return (h for h in self.store.list_headers(selection) if h.updated_at > start)


@defect("looks at changes only, in a backfill too", "backfill_finds_what_was_changed_since")
class ForgetsCreation(Around):
    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        return self.store.list_headers(replace(selection, basis=Basis.UPDATED))


@defect("ignores the numbers it is asked for", "numbers_are_enough")
class IgnoresNumbers(Around):
    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        return self.store.list_headers(replace(selection, order_numbers=()))


@defect("loses a document", "documents_are_whole")
class LosesDocuments(Around):
    def fetch(self, headers: Sequence[OrderHeader]) -> Iterator[Sequence[RawOrder]]:
        return self.store.fetch(headers[1:])


@defect("keeps the first lines of a long order", "every_line_comes")
class KeepsFirstLines(Around):
    def normalise(self, channel: str, document: dict[str, object]) -> Order:
        order = self.store.normalise(channel, document)
        return replace(order, lines=order.lines[:10])


@defect("gives every order the time it was placed as its version", "change_moves_an_order")
class ForgetsVersions(Around):
    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        for header in self.store.list_headers(selection):
            yield replace(header, updated_at=header.created_at)


@defect("half reads a document that lacks a field", "drift_is_told")
class HalfReads(Around):
    def normalise(self, channel: str, document: dict[str, object]) -> Order:
        try:
            return self.store.normalise(channel, document)
        except CounterfoilError:
            return None  # type: ignore[return-value]


@defect("takes a wrong token for an outage", "wrong_token")
class TakesTokenForOutage(Around):
    def preflight(self, selection: Selection) -> StoreFacts:
        try:
            return self.store.preflight(selection)
        except ConfigurationError as error:
            raise RemoteUnavailable("the store is away") from error


@defect("logs who bought", "documents_are_whole")
class LogsBuyers(Around):
    def normalise(self, channel: str, document: dict[str, object]) -> Order:
        order = self.store.normalise(channel, document)
        buyer = order.customer or order.shipping_address
        log.info("read an order of %s", (order.customer and order.customer.email) or buyer)
        return order
