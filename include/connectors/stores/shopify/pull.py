"""The second step of the pull: whole orders by id, in pages that adapt to what the store can bear.

Whole orders come from the record, not from the search index; every nested connection is read to
its end and folded into the same ``nodes``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TypeVar

import orjson

from include.connectors.stores.shopify.access import Access
from include.connectors.stores.shopify.client import (
    AccessDenied,
    FieldsFailed,
    QueryTooCostly,
    ShopifyClient,
    parse,
)
from include.connectors.stores.shopify.reading import (
    Document,
    filled,
    next_cursor,
    raw_order,
    require_untruncated,
)
from include.connectors.stores.shopify.settings import PAGE_CAP, ShopifySettings
from include.domain.errors import RemoteUnavailable, WindowError
from include.ports.clock import Clock
from include.ports.store import OrderHeader, Page, RawOrder

logger = logging.getLogger(__name__)

_QUICK_ATTEMPTS = 2
_REHYDRATIONS = 3
_NESTED_PAGES = 400
_FEW_FAULTS = 10

# Connection of an order or refund -> document that pages it, and the flag that document takes.
_ORDER_CONNECTIONS = {
    "lineItems": ("order_line_items", ("withProducts",)),
    "shippingLines": ("order_shipping_lines", ()),
    "localizedFields": ("order_localized_fields", ()),
}
_REFUND_CONNECTIONS = {
    "refundLineItems": ("refund_line_items", ("withLocations",)),
    "refundShippingLines": ("refund_shipping_lines", ()),
    "orderAdjustments": ("refund_adjustments", ()),
    "transactions": ("refund_transactions", ()),
}


_Answer = TypeVar("_Answer")


class _ChangedMeanwhile(Exception):
    """The order was changed between two pages of it; what was read belongs to two versions."""


class Hydrator:
    """Fetches whole orders by id, in pages that adapt to what the store can bear.

    Args:
        client: Talks to the store.
        settings: Batch sizes.
        clock: Measures how long a batch takes.
        access: What the app may read; narrowed by what the store denies.
    """

    def __init__(
        self, client: ShopifyClient, settings: ShopifySettings, clock: Clock, access: Access
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self.access = access
        self._size = settings.batch_start
        self._ceiling = settings.batch_max
        self._fetched = 0
        self._faults = 0

    def pages(self, headers: Sequence[OrderHeader]) -> Iterator[Page]:
        """Yield the answers that hold the documents of the headers, in order, not yet read.

        Args:
            headers: What to fetch, each order once.

        Raises:
            WindowError: The store answered something else than what was asked for.
            RemoteUnavailable: The store did not answer.
        """
        at = 0
        while at < len(headers):
            wanted = headers[at : at + self._size]
            page = self._sized(wanted)
            if page is not None:
                at += len(wanted)
                self._fetched += len(wanted)
                yield page

    def read(self, page: Page, places: Sequence[int]) -> list[RawOrder]:
        """Read orders of a page, and whatever of them is still left at the store.

        An order that the store cannot give whole comes with its fault, and the others as they are.

        Args:
            page: One of ``pages``.
            places: Which of its orders.

        Raises:
            WindowError: So many orders are at fault that it is the store, not the orders.
            RemoteUnavailable: The store did not answer.
        """
        wanted = [page.headers[place] for place in places]
        ids = [header.order_id_store for header in wanted]
        access = Access(**page.context["access"])
        nodes = (parse(page.body) or {}).get("nodes")
        if isinstance(nodes, list) and len(nodes) == len(page.headers):
            nodes = [nodes[place] for place in places]
        else:
            nodes, access = self._nodes(ids, None), self.access
        # Asked once more by themselves, in case the record was not readable for a moment.
        lost = [order_id for order_id, node in zip(ids, nodes, strict=True) if not node]
        again = dict(zip(lost, self._nodes(lost, None), strict=True)) if lost else {}
        raws = [
            self._raw(header, node, access)
            if node
            else self._raw(header, again[header.order_id_store], self.access)
            for header, node in zip(wanted, nodes, strict=True)
        ]
        faulty = [raw for raw in raws if raw.fault]
        self._faults += len(faulty)
        if self._faults > max(_FEW_FAULTS, self._fetched // 100):
            raise WindowError(
                f"{self._client.system} could not give {self._faults} of {self._fetched} orders "
                f"whole, nothing of the window is used; the last: {faulty[-1].fault}"
            )
        return raws

    def _sized(self, wanted: Sequence[OrderHeader]) -> Page | None:
        """Fetch one page; on a sign that it was too much, make the next try smaller."""
        began_at = self._clock.now()
        single = len(wanted) == 1
        ids = [header.order_id_store for header in wanted]
        try:
            body = self._granted(
                lambda: self._client.execute_unread(
                    "orders_hydrate",
                    {"ids": ids, **self.access.flags},
                    attempts=None if single else _QUICK_ATTEMPTS,
                )
            )
        except RemoteUnavailable as error:
            if single:
                if isinstance(error, FieldsFailed):
                    fault = _fault(wanted[0], f"the store fails to read it: {error}")
                    return self.page(wanted, [orjson.dumps(fault)])
                raise
            self._size = max(1, len(wanted) // 2)
            if isinstance(error, QueryTooCostly):
                self._ceiling = self._size
            logger.info("%s: batches of %d orders from here", self._client.system, self._size)
            return None
        seconds = (self._clock.now() - began_at).total_seconds()
        if seconds < self._settings.grow_below_seconds:
            self._size = min(self._ceiling, self._size * 2)
        return Page(tuple(wanted), body, {"access": asdict(self.access)})

    def page(self, headers: Sequence[OrderHeader], documents: Sequence[bytes]) -> Page:
        """Return documents that were got in another way as a page.

        Args:
            headers: The orders.
            documents: One document each, as JSON.
        """
        body = b'{"nodes":[' + b",".join(documents) + b"]}"
        return Page(tuple(headers), body, {"access": asdict(self.access)})

    def _raw(self, header: OrderHeader, node: Document | None, access: Access) -> RawOrder:
        if not node:
            return raw_order(
                _fault(header, "the store lists it and does not give it; was it deleted?")
            )
        if node.get("id") != header.order_id_store:
            raise WindowError(
                f"{self._client.system} answered another record than order {header.order_id_store}"
            )
        if "fault" in node:
            return raw_order(node)
        try:
            return raw_order(self._whole(node, access))
        except (WindowError, FieldsFailed) as error:
            return raw_order(_fault(header, str(error)))

    def _granted(self, ask: Callable[[], _Answer]) -> _Answer:
        """Ask; go on without what the store denies."""
        while True:
            try:
                return ask()
            except AccessDenied as denied:
                self.access = self.access.less(denied)
                logger.warning(
                    "%s: going on without what is denied: %s", self._client.system, denied
                )

    def _nodes(self, ids: Sequence[str], attempts: int | None) -> list[Document | None]:
        nodes: list[Document | None] = self._granted(
            lambda: self._client.execute(
                "orders_hydrate", {"ids": list(ids), **self.access.flags}, attempts=attempts
            )
        )["nodes"]
        if len(nodes) != len(ids):
            raise WindowError(
                f"{self._client.system} answered {len(nodes)} records to {len(ids)} ids"
            )
        return nodes

    def _whole(self, document: Document, access: Access) -> Document:
        """Read what is left of nested connections, and refuse lists that were cut."""
        for _ in range(_REHYDRATIONS):
            try:
                self._complete(document)
            except _ChangedMeanwhile:
                fresh = self._nodes([document["id"]], None)[0]
                if fresh is None:
                    break
                document, access = fresh, self.access
                continue
            require_untruncated(document, self._client.system)
            return filled(document, access)
        raise WindowError(
            f"order {document.get('name')} of {self._client.system} kept changing while its pages "
            "were read"
        )

    def _complete(self, document: Document) -> None:
        """Fold all pages in; cursors are dropped, they change without the order changing."""
        version = document["updatedAt"]
        for field, (name, flags) in _ORDER_CONNECTIONS.items():
            if document[field]["pageInfo"]["hasNextPage"]:
                self._rest_of(document, field, name, flags, version)
            document[field]["pageInfo"]["endCursor"] = None
        for refund in document["refunds"]:
            for field, (name, flags) in _REFUND_CONNECTIONS.items():
                if refund[field]["pageInfo"]["hasNextPage"]:
                    self._rest_of(refund, field, name, flags, None)
                refund[field]["pageInfo"]["endCursor"] = None

    def _rest_of(
        self,
        owner: Document,
        field: str,
        name: str,
        flags: Iterable[str],
        version: str | None,
    ) -> None:
        """Fold the remaining pages of one connection into its ``nodes``."""
        connection = owner[field]
        cursors: set[str] = set()
        granted: Mapping[str, bool] = self.access.flags
        while (after := next_cursor(connection, cursors, _NESTED_PAGES)) is not None:
            node = self._client.execute(
                name,
                {
                    "id": owner["id"],
                    "first": PAGE_CAP,
                    "after": after,
                    **{flag: granted[flag] for flag in flags},
                },
            )["node"]
            if not node or (version is not None and node["updatedAt"] != version):
                raise _ChangedMeanwhile
            page = node[field]
            connection["nodes"].extend(page["nodes"])
            connection["pageInfo"] = page["pageInfo"]


def _fault(header: OrderHeader, fault: str) -> Document:
    """Return what stands in for an order that the store lists and could not give whole.

    Nothing of a document that was cut short is kept: a replay would take it for the whole.
    """
    return {
        "id": header.order_id_store,
        "name": header.order_number,
        "updatedAt": header.updated_at.isoformat(),
        "fault": f"order {header.order_number}: {fault}",
    }
