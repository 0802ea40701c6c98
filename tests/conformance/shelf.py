"""A store that is a shelf of canonical orders: what is put on it is listed by the next pull."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import orjson

from include.domain.codec import from_document, to_document
from include.domain.order import Order
from include.domain.window import Selection
from include.ports.store import OrderHeader, RawOrder, StoreFacts

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


class Clock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


class Shelf:
    """A store of canonical orders: what is put on it is listed by the next pull."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def preflight(self, selection: Selection) -> StoreFacts:
        return StoreFacts("shelf", "USD", "America/New_York")

    def count(self, selection: Selection) -> int:
        return len(self.orders)

    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        for order in self.orders:
            yield OrderHeader(
                order.order_id_store,
                order.number,
                order.placed_at,
                order.updated_at,
                order.stated.current_total.shop,
                order.currency,
            )

    def fetch(self, headers: Sequence[OrderHeader]) -> Iterator[list[RawOrder]]:
        for order in self.orders:
            body = orjson.dumps(to_document(order))
            document = orjson.loads(body)
            yield [RawOrder(order.order_id_store, order.number, order.updated_at, body, document)]

    def normalise(self, channel: str, document: dict[str, object]) -> Order:
        return from_document(document)
