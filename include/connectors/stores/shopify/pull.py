"""The two-step pull: a cheap list of ids in a window, then whole orders by id, in batches.

The list is held against the store's own count. Whole orders come from the record, not from the
search index; every nested connection is read to its end and folded into the same ``nodes``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from include.connectors.stores.shopify.client import (
    AccessDenied,
    FieldsFailed,
    QueryTooCostly,
    ShopifyClient,
)
from include.connectors.stores.shopify.settings import PAGE_CAP, ShopifySettings
from include.domain.errors import ConfigurationError, RemoteUnavailable, WindowError
from include.domain.money import ZERO, quantise
from include.domain.window import Basis, Selection, Window
from include.ports.clock import Clock
from include.ports.store import OrderHeader, RawOrder

logger = logging.getLogger(__name__)

_NUMBERS_A_QUERY = 50
_STATUSES = {
    "pending",
    "authorized",
    "partially_paid",
    "paid",
    "partially_refunded",
    "refunded",
    "voided",
    "expired",
}
_QUICK_ATTEMPTS = 2
_REHYDRATIONS = 3
_NESTED_PAGES = 400
_LIST_PAGES = 5_000
_FEW_FAULTS = 10
_BEYOND_MEASURE = Decimal(10) ** 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUL = "\x00"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Access:
    """Which parts of an order the app may read.

    Attributes:
        customers: Scope for customers and companies.
        personal: Approval for protected customer data: names, streets, e-mails, phones.
        products: Scope for products and variants.
        locations: Scope for locations.
    """

    customers: bool = True
    personal: bool = True
    products: bool = True
    locations: bool = True

    @classmethod
    def of(cls, scopes: Iterable[str]) -> Access:
        """Tell from the granted scopes; a write scope includes reading.

        Args:
            scopes: Handles such as ``read_orders``.
        """
        readable = {scope.replace("write_", "read_", 1) for scope in scopes}
        return cls(
            customers="read_customers" in readable,
            products="read_products" in readable,
            locations=bool(readable & {"read_locations", "read_inventory", "read_markets_home"}),
        )

    @property
    def flags(self) -> dict[str, bool]:
        """The boolean variables of the hydration documents."""
        return {
            "withCustomers": self.customers,
            "withPersonal": self.personal,
            "withProducts": self.products,
            "withLocations": self.locations,
        }

    def less(self, denied: AccessDenied) -> Access:
        """Return this access without what the store denies.

        Args:
            denied: The refusal; the fields it names decide, else the most delicate part goes first.

        Raises:
            AccessDenied: What is denied cannot be left out.
        """
        named = {part for path in denied.fields for part in path}
        for part, fields in _DENIABLE.items():
            if getattr(self, part) and (not named or named & fields):
                return replace(self, **{part: False})
        raise denied


_DENIABLE = {
    "personal": frozenset(
        {
            "email",
            "phone",
            "displayName",
            "firstName",
            "lastName",
            "defaultEmailAddress",
            "defaultPhoneNumber",
            "billingAddress",
            "shippingAddress",
        }
    ),
    "customers": frozenset({"customer", "purchasingEntity"}),
    "products": frozenset({"variant", "product"}),
    "locations": frozenset({"location", "retailLocation"}),
}


# -- searching -----------------------------------------------------------------------------------


def quoted(value: str) -> str:
    """Return a value as one quoted term of Shopify's search syntax.

    Unquoted, a timestamp loses its time and zone, and a ``#`` or blank ends the term.

    Args:
        value: Any text.
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _stamp(at: datetime) -> str:
    return quoted(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def between(field: str, start_at: datetime, end_at: datetime) -> str:
    """Return the search term for a closed range of one time field.

    Args:
        field: ``created_at`` or ``updated_at``.
        start_at: First instant, aware; rounded down to the second.
        end_at: Last instant, aware; rounded up to the second.
    """
    if end_at.microsecond:
        end_at = end_at.replace(microsecond=0) + timedelta(seconds=1)
    return f"{field}:>={_stamp(start_at)} AND {field}:<={_stamp(end_at)}"


def search_of(selection: Selection) -> str:
    """Return the search text for a selection by time; both ends closed, re-filtered later.

    Args:
        selection: Window, basis and statuses.

    Raises:
        ConfigurationError: A status is none that the store can search by.
    """
    window = selection.window
    text = between("updated_at", window.start_at, window.end_at)
    if selection.basis is Basis.CREATED_OR_UPDATED:
        created = between("created_at", window.start_at, window.end_at)
        text = f"({created}) OR ({text})"
        if selection.statuses:
            text = f"({text})"
    return text + _status_term(selection.statuses)


def _status_term(statuses: Sequence[str]) -> str:
    unknown = sorted(set(statuses) - _STATUSES)
    if unknown:
        raise ConfigurationError(
            f"orders cannot be selected by status {', '.join(unknown)}; "
            f"the statuses are: {', '.join(sorted(_STATUSES))}"
        )
    if not statuses:
        return ""
    terms = " OR ".join(f"financial_status:{status}" for status in statuses)
    return f" AND ({terms})"


def _spellings(number: str) -> tuple[str, ...]:
    """Return how the store may spell an order number: people leave the # out, or put one in."""
    bare = number.removeprefix("#")
    return (number, bare if number.startswith("#") else f"#{number}")


def _is_number(asked: str, number: str) -> bool:
    """Tell whether a number that a person typed is an order's; no store tells A-1 from a-1."""
    return number.strip().casefold() in map(str.casefold, _spellings(asked))


def _numbers(selection: Selection) -> list[str]:
    stripped = (number.strip() for number in selection.order_numbers)
    return list(dict.fromkeys(number for number in stripped if number.strip("#")))


def _number_searches(selection: Selection) -> Iterator[str]:
    numbers = _numbers(selection)
    for at in range(0, len(numbers), _NUMBERS_A_QUERY):
        terms = " OR ".join(
            f"name:{quoted(spelling)}"
            for number in numbers[at : at + _NUMBERS_A_QUERY]
            for spelling in _spellings(number)
        )
        yield f"({terms}){_status_term(selection.statuses)}"


# -- listing -------------------------------------------------------------------------------------


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
            return sum(self.count_search(search) for search in _number_searches(selection))
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
        missing = _numbers(selection)
        if not missing:
            raise ConfigurationError("the order numbers that were given are all blank")
        seen: set[str] = set()
        for search in _number_searches(selection):
            # A search by name also matches neighbours; only the exact names are wanted.
            for node in self._read(search):
                header = _header(node, selection.window)
                asked = [n for n in missing if _is_number(n, header.order_number)]
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
            after = _next_cursor(page, cursors, _LIST_PAGES)
            if after is None:
                return


def _next_cursor(page: Document, cursors: set[str], cap: int) -> str | None:
    """Return the cursor of the next page, or ``None`` at the end; never loop.

    Raises:
        WindowError: The store gives the same cursor twice, none, or more pages than can be.
    """
    info = page["pageInfo"]
    if not info["hasNextPage"]:
        return None
    cursor = info["endCursor"]
    if not cursor or cursor in cursors:
        raise WindowError("the store says there is another page but gives no new cursor to it")
    cursors.add(cursor)
    if len(cursors) > cap:
        raise WindowError(f"a list did not end after {cap} pages")
    return str(cursor)


def _at(text: str) -> datetime:
    """Read a time; the API speaks UTC, also where it leaves the offset out."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _version(document: Document) -> datetime:
    """Read the version of an order; one that is no time counts as the oldest there can be."""
    try:
        return _at(document["updatedAt"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return _EPOCH


def _printable(name: str) -> str:
    """Return a name that any database can hold."""
    return name.replace(_NUL, "\ufffd")


def _header(node: Document, window: Window) -> OrderHeader:
    """Read a header. What is no time or amount is the translation's to refuse, with the order."""
    money = node["currentTotalPriceSet"]["shopMoney"]
    try:
        created_at, updated_at = _at(node["createdAt"]), _at(node["updatedAt"])
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
        order_number=_printable(node["name"]),
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


# -- hydrating -----------------------------------------------------------------------------------

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


class _ChangedMeanwhile(Exception):
    """The order was changed between two pages of it; what was read belongs to two versions."""


class Hydrator:
    """Fetches whole orders by id, in batches that adapt to what the store can bear.

    Args:
        client: Talks to the store.
        settings: Batch sizes.
        clock: Measures how long a batch takes.
        access: What the app may read.
    """

    def __init__(
        self, client: ShopifyClient, settings: ShopifySettings, clock: Clock, access: Access
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._access = access
        self._size = settings.batch_start
        self._ceiling = settings.batch_max

    def batches(self, headers: Sequence[OrderHeader]) -> Iterator[list[RawOrder]]:
        """Yield the complete documents of the headers in batches, in order.

        An order that the store cannot give whole comes with its fault, and the others as they are.

        Args:
            headers: What to fetch, each order once.

        Raises:
            WindowError: So many orders are at fault that it is the store, not the orders.
            RemoteUnavailable: The store did not answer.
        """
        at = faults = 0
        while at < len(headers):
            wanted = headers[at : at + self._size]
            raws = self._sized(wanted)
            if raws is None:
                continue
            at += len(wanted)
            faulty = [raw for raw in raws if raw.fault]
            faults += len(faulty)
            if faults > max(_FEW_FAULTS, at // 100):
                raise WindowError(
                    f"{self._client.system} could not give {faults} of {at} orders whole, nothing "
                    f"of the window is used; the last: {faulty[-1].fault}"
                )
            yield raws

    def _sized(self, wanted: Sequence[OrderHeader]) -> list[RawOrder] | None:
        """Fetch one batch; on a sign that it was too much, make the next try smaller."""
        began_at = self._clock.now()
        single = len(wanted) == 1
        try:
            raws = self._fetch(wanted, attempts=None if single else _QUICK_ATTEMPTS)
        except RemoteUnavailable as error:
            if single:
                if isinstance(error, FieldsFailed):
                    return [_faulty(wanted[0], f"the store fails to read it: {error}")]
                raise
            self._size = max(1, len(wanted) // 2)
            if isinstance(error, QueryTooCostly):
                self._ceiling = self._size
            logger.info("%s: batches of %d orders from here", self._client.system, self._size)
            return None
        seconds = (self._clock.now() - began_at).total_seconds()
        if seconds < self._settings.grow_below_seconds:
            self._size = min(self._ceiling, self._size * 2)
        return raws

    def _fetch(self, wanted: Sequence[OrderHeader], attempts: int | None) -> list[RawOrder]:
        nodes = self._nodes([header.order_id_store for header in wanted], attempts)
        lost = [h.order_id_store for h, node in zip(wanted, nodes, strict=True) if not node]
        if lost:
            # Asked once more by themselves, in case the record was not readable for a moment.
            again = dict(zip(lost, self._nodes(lost, None), strict=True))
            nodes = [
                node or again[header.order_id_store]
                for header, node in zip(wanted, nodes, strict=True)
            ]
        return [self._raw(header, node) for header, node in zip(wanted, nodes, strict=True)]

    def _raw(self, header: OrderHeader, node: Document | None) -> RawOrder:
        if not node:
            return _faulty(header, "the store lists it and does not give it; was it deleted?")
        if node.get("id") != header.order_id_store:
            raise WindowError(
                f"{self._client.system} answered another record than order {header.order_id_store}"
            )
        try:
            return raw_order(self._whole(node))
        except (WindowError, FieldsFailed) as error:
            return _faulty(header, str(error), node)

    def _nodes(self, ids: Sequence[str], attempts: int | None) -> list[Document | None]:
        while True:
            try:
                nodes: list[Document | None] = self._client.execute(
                    "orders_hydrate", {"ids": list(ids), **self._access.flags}, attempts=attempts
                )["nodes"]
                break
            except AccessDenied as denied:
                self._access = self._access.less(denied)
                logger.warning(
                    "%s: going on without what is denied: %s", self._client.system, denied
                )
        if len(nodes) != len(ids):
            raise WindowError(
                f"{self._client.system} answered {len(nodes)} records to {len(ids)} ids"
            )
        return nodes

    def _whole(self, document: Document) -> Document:
        """Read what is left of nested connections, and refuse lists that were cut."""
        for _ in range(_REHYDRATIONS):
            try:
                self._complete(document)
            except _ChangedMeanwhile:
                fresh = self._nodes([document["id"]], None)[0]
                if fresh is None:
                    break
                document = fresh
                continue
            require_untruncated(document, self._client.system)
            return filled(document, self._access)
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
        granted: Mapping[str, bool] = self._access.flags
        while (after := _next_cursor(connection, cursors, _NESTED_PAGES)) is not None:
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


_PLAIN_LIST_CAP = 250
_PERSONAL_OF_CUSTOMER = (
    "displayName",
    "firstName",
    "lastName",
    "defaultEmailAddress",
    "defaultPhoneNumber",
)
_PERSONAL_OF_ADDRESS = ("name", "address1", "address2", "zip", "phone")


def require_untruncated(document: Document, system: str) -> None:
    """Refuse a document whose plain lists were cut off: they have no cursor to go on with.

    Args:
        document: One hydrated order.
        system: Name of the connection for the message.

    Raises:
        WindowError: A list is shorter than its count, or as long as a list may be.
    """
    for field, counter in (
        ("transactions", "transactionsCount"),
        ("fulfillments", "fulfillmentsCount"),
    ):
        counted = document[counter]
        if counted is not None and len(document[field]) < counted["count"]:
            raise WindowError(
                f"order {document['name']} of {system} has {counted['count']} {field} of which "
                f"only {len(document[field])} were given"
            )
    if len(document["refunds"]) >= _PLAIN_LIST_CAP:
        raise WindowError(
            f"order {document['name']} of {system} has {_PLAIN_LIST_CAP} refunds or more, which "
            "cannot be read to the end"
        )


def filled(document: Document, access: Access) -> Document:
    """Put ``null`` where the app may not read, so that every document has the same shape.

    Args:
        document: One order, complete.
        access: What the app may read.
    """
    if not access.customers:
        document.setdefault("customer", None)
        document.setdefault("purchasingEntity", None)
    if not access.personal:
        for owner, fields in (
            (document, ("email", "phone")),
            (document["customer"], _PERSONAL_OF_CUSTOMER),
            (document["billingAddress"], _PERSONAL_OF_ADDRESS),
            (document["shippingAddress"], _PERSONAL_OF_ADDRESS),
        ):
            if owner is not None:
                owner.update(dict.fromkeys(fields))
    if not access.products:
        for line in document["lineItems"]["nodes"]:
            line.setdefault("variant", None)
            line.setdefault("product", None)
    if not access.locations:
        document.setdefault("retailLocation", None)
        for fulfillment in document["fulfillments"]:
            fulfillment.setdefault("location", None)
        for refund in document["refunds"]:
            for line in refund["refundLineItems"]["nodes"]:
                line.setdefault("location", None)
    return document


def raw_order(document: Document, fault: str = "") -> RawOrder:
    """Return a complete document in the form that landing keeps.

    Args:
        document: One hydrated order, all pages folded in.
        fault: Why it is not whole, if it is not.
    """
    return RawOrder(
        order_id_store=document["id"],
        order_number=_printable(document["name"]),
        updated_at=_version(document),
        body=orjson.dumps(document),
        document=document,
        fault=fault,
    )


def _faulty(header: OrderHeader, fault: str, node: Document | None = None) -> RawOrder:
    """Return an order that the store lists and could not give whole."""
    document = node or {
        "id": header.order_id_store,
        "name": header.order_number,
        "updatedAt": header.updated_at.isoformat(),
    }
    return raw_order(document, f"order {header.order_number}: {fault}")
