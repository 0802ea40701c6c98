"""Reads whole orders out of an answer, without the store: what is not whole is left to `pull`.

Light to import, because pages are also read in a process of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from include.connectors.stores.shopify import nodes
from include.connectors.stores.shopify.access import Access
from include.domain.errors import WindowError
from include.ports.store import RawOrder

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUL = "\x00"
Document = dict[str, Any]


def next_cursor(page: Document, cursors: set[str], cap: int) -> str | None:
    """Return the cursor of the next page, or ``None`` at the end; never loop.

    Args:
        page: A page of a connection.
        cursors: Those that were given so far; the new one is added.
        cap: Most pages that there can be.

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


@lru_cache(maxsize=1 << 12)
def instant_of(text: str) -> datetime:
    """Read a time; the API speaks UTC, also where it leaves the offset out.

    Args:
        text: ISO 8601.

    Raises:
        ValueError: It is no time.
    """
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _version(text: Any) -> datetime:
    """Read the version of an order; one that is no time counts as the oldest there can be."""
    try:
        return instant_of(text)
    except (TypeError, ValueError, OverflowError):
        return _EPOCH


def printable(name: str) -> str:
    """Return a name that any database can hold.

    Args:
        name: The order's number.
    """
    return name.replace(_NUL, "\ufffd")


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
    if not access.terms:
        document.setdefault("paymentTerms", None)
    if not access.locations:
        document.setdefault("retailLocation", None)
        for fulfillment in document["fulfillments"]:
            fulfillment.setdefault("location", None)
        for refund in document["refunds"]:
            for line in refund["refundLineItems"]["nodes"]:
                line.setdefault("location", None)
    return document


def raw_order(document: Document) -> RawOrder:
    """Return a complete document in the form that landing keeps.

    Args:
        document: One hydrated order, all pages folded in; or what stands in for one, with a fault.
    """
    return RawOrder(
        order_id_store=document["id"],
        order_number=printable(document["name"]),
        updated_at=_version(document.get("updatedAt")),
        body=orjson.dumps(document),
        document=document,
        fault=document.get("fault", ""),
    )


# A text cannot hold this: its quotation marks are escaped.
_CURSOR = re.compile(rb'"endCursor":\s*"[^"\\]*"')
_NO_CURSOR = b'"endCursor":null'


class _Nodes(msgspec.Struct):
    nodes: list[msgspec.Raw]


_nodes = msgspec.json.Decoder(_Nodes)


def read(
    body: bytes, order_ids: Sequence[str], context: Mapping[str, Any]
) -> Iterator[RawOrder | None]:
    """Read the orders of a page that are whole as they stand, one by one. Pure.

    Each is parsed by itself: it is used while it is in the processor's cache, and gone before the
    collector of cycles would have to look at all of the page.

    Args:
        body: ``data`` of an answer to `orders_hydrate.graphql`.
        order_ids: The orders that were asked for, in this order.
        context: ``access``, as the fields of `Access`, that the answer was given under.

    Yields:
        One document an order; ``None`` where the store has to be asked for more, or where the
        answer is odd in any way.
    """
    access = Access(**context["access"])
    try:
        found = _nodes.decode(body).nodes
    except (msgspec.DecodeError, RecursionError):
        found = []
    if len(found) != len(order_ids):
        yield from [None] * len(order_ids)
        return
    for node, order_id in zip(found, order_ids, strict=True):
        yield _whole(bytes(node), order_id, access)


def _whole(json: bytes, order_id: str, access: Access) -> RawOrder | None:
    try:
        json.decode()  # msgspec passes over what nobody reads, and that is kept, too
        order = nodes.read_order(json)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if order.id != order_id or order.fault or not _is_counted(order):
        return None
    pages = [one.page_info if one is not None else None for one in _connections(order)]
    if any(page is None or page.has_next_page for page in pages):
        return None
    # Cursors change without the order changing.
    body, cursors = _CURSOR.subn(_NO_CURSOR, json)
    if cursors != sum(page is not None and page.end_cursor is not None for page in pages):
        return None
    if not access.is_full:
        return raw_order(filled(orjson.loads(body), access))
    return RawOrder(
        order_id_store=order_id,
        order_number=printable(order.name),
        updated_at=_version(order.updated_at),
        body=body,
        document=order,
    )


def _connections(order: nodes.Order) -> Iterator[nodes.Connection[Any] | None]:
    yield order.line_items
    yield order.shipping_lines
    yield order.localized_fields
    for refund in order.refunds or ():
        yield refund.refund_line_items
        yield refund.refund_shipping_lines
        yield refund.order_adjustments
        yield refund.transactions


def _is_counted(order: nodes.Order) -> bool:
    """Tell whether the plain lists are all there, as far as the store counts them."""
    return (
        order.refunds is not None
        and len(order.refunds) < _PLAIN_LIST_CAP
        and _are_all(order.transactions, order.transactions_count)
        and _are_all(order.fulfillments, order.fulfillments_count)
    )


def _are_all(members: Sequence[Any] | None, count: nodes.Count | msgspec.UnsetType | None) -> bool:
    """Tell whether a plain list is as long as the store counts it, where it counts it."""
    if members is None or isinstance(count, msgspec.UnsetType):
        return False
    return count is None or len(members) >= count.count
