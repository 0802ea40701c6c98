"""The root fields of the API that an order pull and its preflight use."""

from __future__ import annotations

import bisect
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema

from include.connectors.stores.shopify.sandbox.call import Call
from include.connectors.stores.shopify.sandbox.contract import (
    access_denied,
    introspection,
    load_schema,
    type_scopes,
)
from include.connectors.stores.shopify.sandbox.mutations import bind
from include.connectors.stores.shopify.sandbox.paging import (
    bad_request,
    connection,
    decode,
    encode,
    page,
    size_of,
)
from include.connectors.stores.shopify.sandbox.search import Habits, NotSearched, compile_search
from include.connectors.stores.shopify.sandbox.settings import SUPPORTED_VERSIONS

_KEY = re.compile(r"^\| ([\w.{}]+) \|", re.MULTILINE)
_SORTS = {
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
    "PROCESSED_AT": "processed_at",
    "ORDER_NUMBER": "order_number",
    "TOTAL_PRICE": "total",
    "CURRENT_TOTAL_PRICE": "total",
    "FINANCIAL_STATUS": "financial_status",
    "FULFILLMENT_STATUS": "fulfillment_status",
    "PO_NUMBER": "po_number",
}

Found = list[tuple[Any, int, str]]


@lru_cache(maxsize=8)
def search_fields(root_field: str) -> frozenset[str]:
    """Return the search fields that the schema documents for a root field.

    Args:
        root_field: A field of the query root with a `query` argument, for example "orders".
    """
    root = next(t for t in introspection()["__schema"]["types"] if t["name"] == "QueryRoot")
    found = next(f for f in root["fields"] if f["name"] == root_field)
    argument = next(a for a in found["args"] if a["name"] == "query")
    return frozenset(_KEY.findall(argument["description"])) | {"test"}


def find(call: Call, path: list[str], args: dict[str, Any], sort: str) -> Found:
    """Search the index.

    Args:
        call: The request.
        path: Where in the answer the search stands, for its warnings.
        args: The field's arguments.
        sort: The sort key.

    Returns:
        Sort value, number and global id of every match, in ascending order.

    Raises:
        GraphQLError: A search field this sandbox does not know how to search.
    """
    query = args.get("query") or ""
    zone = ZoneInfo(str(call.shop.shop["ianaTimezone"]))
    habits = Habits(zone, call.shop.clock.now(), call.settings.inclusive_dates)
    try:
        search = compile_search(query, habits, search_fields("orders"))
    except NotSearched as refusal:
        raise GraphQLError(str(refusal), extensions={"code": "SANDBOX_NOT_SERVED"}) from refusal
    warnings = list(search.warnings)
    if call.fault("search_warning"):
        warnings.append(
            {
                "field": "updated_at",
                "message": "Invalid search field for this query.",
                "code": "invalid_field",
            }
        )
    if warnings:
        call.search.append(
            {"path": path, "query": query, "parsed": search.parsed, "warnings": warnings}
        )
    call.shop.asked_until(search.until)
    oldest = call.oldest()
    column = _SORTS.get(sort, "id")
    found = [
        (fields[column], fields["id"], gid)
        for gid, fields in call.shop.indexed()
        if search.matches(fields) and (oldest is None or fields["created_at"] >= oldest)
    ]
    found.sort()
    return found


def orders(_source: Any, info: GraphQLResolveInfo, **args: Any) -> dict[str, Any]:
    """Resolve `orders`: search, sort, and cut one page out."""
    call: Call = info.context
    sort = args.get("sortKey") or "PROCESSED_AT"
    size, from_end = size_of(args, call)
    rows = find(call, [str(info.path.key)], args, sort)
    if call.bulk:
        if call.settings.bulk_drops_when_sorted and _sorted_by_request(info) and args.get("query"):
            rows = [row for number, row in enumerate(rows) if number % 20 != 19]  # noqa: PLR2004
        return page([call.record(gid) for _, _, gid in rows], args, call)
    backwards = bool(args.get("reverse"))
    start, end = _bounds(rows, args, backwards)
    if backwards:
        rows.reverse()
        start, end = len(rows) - end, len(rows) - start
    if size is not None:
        if from_end:
            start = max(start, end - size)
        else:
            end = min(end, start + size)
    if call.fault("missing_page"):
        width = end - start
        start, end = min(start + width, len(rows)), min(end + width, len(rows))
    if end > call.settings.paging_cap:
        raise bad_request(
            f"Pagination is limited to the first {call.settings.paging_cap} objects. Narrow the "
            "query with a filter."
        )
    chosen = rows[start:end]
    if call.fault("order_moves"):
        _move(call, rows, end)
    return connection(
        [call.record(gid) for _, _, gid in chosen],
        [encode(number, _cursor_value(value)) for value, number, _ in chosen],
        before=start > 0,
        after=end < len(rows),
    )


def _sorted_by_request(info: GraphQLResolveInfo) -> bool:
    """Tell a sort key that was asked for from the schema's default."""
    return any(
        argument.name.value == "sortKey"
        for node in info.field_nodes
        for argument in node.arguments or ()
    )


def _move(call: Call, rows: Found, end: int) -> None:
    """Update an order that the reader has not met yet, so that it leaves its place."""
    if end < len(rows):
        order = call.shop.order(rows[end][2])
        order.updated_at = call.shop.clock.now()
        call.shop.put(order)


def _cursor_value(value: Any) -> Any:
    if isinstance(value, str) and value.endswith("Z"):
        return int(datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() * 1000)
    return value


def _place(cursor: str, rows: Found) -> tuple[Any, int]:
    number, value = decode(cursor)
    if rows and isinstance(rows[0][0], str) and isinstance(value, int):
        value = datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value, int(number)


def _bounds(rows: Found, args: dict[str, Any], backwards: bool) -> tuple[int, int]:
    """Return the ascending slice between the cursors: a place in the order, not a row."""
    after, before = args.get("after"), args.get("before")
    if backwards:
        after, before = before, after
    start, end = 0, len(rows)
    if after:
        start = bisect.bisect_right(rows, _place(after, rows), key=lambda row: row[:2])
    if before:
        end = bisect.bisect_left(rows, _place(before, rows), key=lambda row: row[:2])
    return start, max(start, end)


def orders_count(_source: Any, info: GraphQLResolveInfo, **args: Any) -> dict[str, Any]:
    """Resolve `ordersCount`, exact unless it reaches its limit."""
    call: Call = info.context
    limit = args.get("limit", call.settings.count_cap)
    number = len(find(call, [str(info.path.key)], args, "ID"))
    if limit is not None and number > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": number, "precision": "EXACT"}


def _node(_source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
    return _readable(info, info.context.record(args["id"]))


def _nodes(_source: Any, info: GraphQLResolveInfo, **args: Any) -> list[Any]:
    return [_readable(info, info.context.record(gid)) for gid in args["ids"]]


def _readable(info: GraphQLResolveInfo, record: Any) -> Any:
    """Refuse a record of a type that the app has no scope for."""
    if record is not None:
        wanted, words = type_scopes(record["__typename"])
        if wanted and wanted.isdisjoint(info.context.granted):
            raise access_denied(info.field_name, words)
    return record


def _shop(_source: Any, info: GraphQLResolveInfo) -> Any:
    return info.context.shop.shop


def _installation(_source: Any, info: GraphQLResolveInfo) -> Any:
    return {
        "__typename": "AppInstallation",
        "id": "gid://shopify/AppInstallation/512",
        "accessScopes": [
            {"handle": scope, "description": scope.replace("_", " ")}
            for scope in info.context.settings.scopes
        ],
        "app": {"__typename": "App", "id": "gid://shopify/App/77", "title": "Counterfoil"},
    }


def _versions(_source: Any, _info: GraphQLResolveInfo) -> list[dict[str, Any]]:
    versions = [
        {"handle": handle, "displayName": handle, "supported": True}
        for handle in SUPPORTED_VERSIONS
    ]
    return [*versions, {"handle": "unstable", "displayName": "unstable", "supported": False}]


def _table(name: str) -> Any:
    def resolve(_source: Any, info: GraphQLResolveInfo, **args: Any) -> dict[str, Any]:
        rows = list(getattr(info.context.shop, name).values())
        return page(rows, args, info.context)

    return resolve


@lru_cache(maxsize=1)
def executable_schema() -> GraphQLSchema:
    """Return the schema with its root fields served by the shop."""
    schema = load_schema()
    query = schema.query_type
    assert query is not None
    kept = {
        "shop": _shop,
        "currentAppInstallation": _installation,
        "publicApiVersions": _versions,
        "node": _node,
        "nodes": _nodes,
    }
    for name, resolve in kept.items():
        query.fields[name].resolve = resolve
    guarded = {
        "orders": orders,
        "ordersCount": orders_count,
        "order": _node,
        "customer": _node,
        "product": _node,
        "productVariant": _node,
        "location": _node,
        "locations": _table("locations"),
        "customers": _table("customers"),
        "products": _table("products"),
        "productVariants": _table("variants"),
    }
    for name, resolve in guarded.items():
        query.fields[name].resolve = _behind(query.fields[name].resolve, resolve)
    bind(schema)
    return schema


def _behind(guard: Any, resolve: Any) -> Any:
    """Keep the scope check of the schema in front of a resolver."""
    check = getattr(guard, "check", None)
    if check is None:
        return resolve

    def guarded(source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
        check(info.context)
        return resolve(source, info, **args)

    return guarded
