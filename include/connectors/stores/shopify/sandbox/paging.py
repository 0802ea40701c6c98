"""Cursor paging of lists, with the arguments and refusals of Shopify's connections."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, Protocol

from graphql import GraphQLError

BULK_HINT = (
    "To query larger amounts of data with fewer limits, bulk operations should be used instead.\n"
    "See https://shopify.dev/api/usage/bulk-operations/queries for usage details.\n"
)


class PageRules(Protocol):
    """What paging needs to know of the request."""

    bulk: bool

    def check_page(self, size: int, name: str) -> None:
        """Refuse a page that is too large."""


def bad_request(message: str) -> GraphQLError:
    """Return the error of a refused argument."""
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def encode(last_id: int | str, last_value: object) -> str:
    """Return an opaque cursor for a place in a sorted list."""
    text = json.dumps({"last_id": last_id, "last_value": last_value}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def decode(cursor: str) -> tuple[Any, Any]:
    """Return the place a cursor stands for.

    Raises:
        GraphQLError: It is none of our cursors.
    """
    try:
        found = json.loads(base64.b64decode(cursor, validate=True))
        return found["last_id"], found["last_value"]
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"Invalid cursor for current pagination sort: '{cursor}'.") from error


def size_of(args: dict[str, Any], rules: PageRules) -> tuple[int | None, bool]:
    """Return the page size asked for and whether it counts from the end.

    Raises:
        GraphQLError: No size, two sizes, or one beyond the limit.
    """
    first, last = args.get("first"), args.get("last")
    if rules.bulk:
        return None, False
    if first is None and last is None:
        raise bad_request("you must provide one of first or last")
    if first is not None and last is not None:
        raise bad_request("providing both first and last is not supported")
    name = "first" if first is not None else "last"
    size = first if first is not None else last
    assert size is not None
    rules.check_page(size, name)
    return size, name == "last"


def connection(
    nodes: Sequence[Any], cursors: Sequence[str], *, before: bool, after: bool
) -> dict[str, Any]:
    """Return one page as a connection.

    Args:
        nodes: The page's records.
        cursors: A cursor per record.
        before: Whether there are records before the page.
        after: Whether there are records after it.
    """
    return {
        "nodes": nodes,
        "edges": [
            {"node": node, "cursor": cursor} for node, cursor in zip(nodes, cursors, strict=True)
        ],
        "pageInfo": {
            "hasNextPage": after,
            "hasPreviousPage": before,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def page(nodes: Sequence[Any], args: dict[str, Any], rules: PageRules) -> dict[str, Any]:
    """Page a list that is held whole, such as the lines of an order.

    Args:
        nodes: All records of the list.
        args: The field's arguments.
        rules: The request's limits.

    Returns:
        The connection's fields.
    """
    size, from_end = size_of(args, rules)
    rows = list(enumerate(nodes))
    if args.get("reverse"):
        rows.reverse()
    start, end = 0, len(rows)
    if args.get("after"):
        place = int(decode(args["after"])[1])
        start = next((i + 1 for i, (n, _) in enumerate(rows) if n == place), len(rows))
    if args.get("before"):
        place = int(decode(args["before"])[1])
        end = next((i for i, (n, _) in enumerate(rows) if n == place), 0)
    if size is not None:
        if from_end:
            start = max(start, end - size)
        else:
            end = min(end, start + size)
    chosen = rows[start:end]
    return connection(
        [node for _, node in chosen],
        [encode(number, str(number)) for number, _ in chosen],
        before=start > 0,
        after=end < len(rows),
    )
