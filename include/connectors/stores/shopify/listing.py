"""The first step of the pull: a cheap list of ids, held against the store's own count."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from decimal import Decimal

from include.connectors.stores.shopify.client import ShopifyClient
from include.connectors.stores.shopify.reading import Document, instant_of, next_cursor, printable
from include.connectors.stores.shopify.search import (
    is_number,
    number_searches,
    numbers_of,
    search_of,
)
from include.connectors.stores.shopify.settings import ShopifySettings
from include.domain.errors import WindowError
from include.domain.money import ZERO, quantise
from include.domain.window import Selection, Window
from include.ports.store import OrderHeader

logger = logging.getLogger(__name__)

_LIST_PAGES = 5_000
_BEYOND_MEASURE = Decimal(10) ** 12


class OrderList:
    """Lists the headers of a selection and holds the list against the store's own count.

    Args:
        client: Talks to the store.
        settings: Page size and splitting.
        sleep: Waits before an incomplete list is read again.
    """

    def __init__(
        self, client: ShopifyClient, settings: ShopifySettings, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._settings = settings
        self._sleep = sleep

    def count(self, selection: Selection) -> int:
        """Return the store's exact count of the selection's fetch range (both ends closed)."""
        if selection.order_numbers:
            return sum(self.count_search(search) for search in number_searches(selection))
        return self.count_search(search_of(selection))

    def count_search(self, search: str) -> int:
        """Return the store's count of a search; at least so many orders have to be listed."""
        return self._counted(search)[0]

    def _counted(self, search: str) -> tuple[int, bool]:
        """Return the store's count of a search, and whether the store says it is exact."""
        counted = self._client.execute("orders_count", {"query": search})["ordersCount"]
        if not counted:
            return 0, False
        return int(counted["count"]), counted.get("precision") == "EXACT"

    def headers(self, selection: Selection) -> Iterator[OrderHeader]:
        """Yield each order the selection owns once, slice by slice, each slice proven complete.

        Raises:
            WindowError: A slice stays short of the store's count, or cannot be split further.
        """
        if selection.order_numbers:
            yield from self._by_number(selection)
            return
        seen: set[str] = set()
        for part, expected, is_exact in self._slices(selection):
            search, where = search_of(part), str(part.window)
            listed = self._complete(search, expected, where)
            if not is_exact:
                listed = self._twice(search, listed, where)
            for node in listed:
                header = _header(node, part.window)
                if header.order_id_store in seen or not _wanted(part, header, node):
                    continue
                seen.add(header.order_id_store)
                yield header

    def _by_number(self, selection: Selection) -> Iterator[OrderHeader]:
        missing = numbers_of(selection)
        if not missing:
            raise WindowError("the order numbers that were given are all blank")
        seen: set[str] = set()
        for search in number_searches(selection):
            # A search by name also matches neighbours; only the exact names are wanted.
            for node in self._read(search):
                header = _header(node, selection.window)
                asked = [n for n in missing if is_number(n, header.order_number)]
                if asked and header.order_id_store not in seen and _has_status(selection, node):
                    missing = [number for number in missing if number not in asked]
                    seen.add(header.order_id_store)
                    yield header
        if missing:
            raise WindowError(
                f"{self._client.system} has no order {', '.join(missing)} that this app may read"
                + (f" with status {', '.join(selection.statuses)}" if selection.statuses else "")
            )

    def _slices(self, selection: Selection) -> Iterator[tuple[Selection, int, bool]]:
        """Split a selection until each part is well below the paging cap."""
        expected, is_exact = self._counted(search_of(selection))
        if expected <= self._settings.split_above:
            yield selection, expected, is_exact
            return
        try:
            halves = selection.window.halves()
        except ValueError as error:
            raise WindowError(
                f"{self._client.system} has {expected} orders in {selection.window}, more than can "
                "be paged through, and the window cannot be split further"
            ) from error
        for half in halves:
            yield from self._slices(Selection(half, selection.basis, (), selection.statuses))

    def _complete(self, search: str, expected: int, where: str) -> list[Document]:
        """Read a list; if it is short of the count, read it once more; then give up."""
        found = {node["id"]: node for node in self._read(search)}
        if len(found) < expected:
            expected = self.count_search(search)  # orders may have left the range meanwhile
        if len(found) < expected:
            logger.warning(
                "%s: %d of %d orders listed in %s, reading the list again",
                self._client.system,
                len(found),
                expected,
                where,
            )
            self._sleep(self._settings.relist_after_seconds)
            found.update((node["id"], node) for node in self._read(search))
            expected = self.count_search(search)
        if len(found) < expected:
            raise WindowError(
                f"{self._client.system} counts {expected} orders in {where} but lists only "
                f"{len(found)}, twice: nothing of the window is used"
            )
        return list(found.values())

    def _twice(self, search: str, listed: list[Document], where: str) -> list[Document]:
        """Hold a list against a second reading of it, where the store has no exact count."""
        logger.warning(
            "%s: gives no exact count of the orders in %s, the list is read twice instead",
            self._client.system,
            where,
        )
        found = {node["id"]: node for node in listed}
        found.update((node["id"], node) for node in self._read(search))
        if len(found) > len(listed):
            third = {node["id"] for node in self._read(search)}
            if lost := found.keys() - third:
                raise WindowError(
                    f"{self._client.system} gives no exact count of the orders in {where} and "
                    f"lists {len(lost)} of them at one time and not at another: nothing of the "
                    "window is used"
                )
        return list(found.values())

    def _read(self, search: str) -> Iterator[Document]:
        after: str | None = None
        cursors: set[str] = set()
        while True:
            page = self._client.execute(
                "orders_window",
                {"query": search, "first": self._settings.page_size, "after": after},
            )["orders"]
            yield from page["nodes"]
            after = next_cursor(page, cursors, _LIST_PAGES)
            if after is None:
                return


def _header(node: Document, window: Window) -> OrderHeader:
    """Read a header. What is no time or amount is the translation's to refuse, with the order."""
    money = node["currentTotalPriceSet"]["shopMoney"]
    try:
        created_at, updated_at = instant_of(node["createdAt"]), instant_of(node["updatedAt"])
    except (TypeError, ValueError, OverflowError):
        created_at = updated_at = window.start_at
    try:
        said = Decimal(money["amount"])
        total = quantise(said, money["currencyCode"])
        total = total if total == said else said
        if abs(total) >= _BEYOND_MEASURE:
            total = ZERO
    except (TypeError, ValueError, ArithmeticError):
        total = ZERO
    return OrderHeader(
        order_id_store=node["id"],
        order_number=printable(node["name"]),
        created_at=created_at,
        updated_at=updated_at,
        total=total,
        currency=money["currencyCode"],
        unit_count=node["currentSubtotalLineItemsQuantity"],
    )


def _has_status(selection: Selection, node: Document) -> bool:
    return not selection.statuses or (
        str(node["displayFinancialStatus"] or "").lower() in selection.statuses
    )


def _wanted(selection: Selection, header: OrderHeader, node: Document) -> bool:
    return selection.owns(header.created_at, header.updated_at) and _has_status(selection, node)
