"""A store server that is not ours: the official schema over plain dictionaries, other habits.

Written apart from the sandbox and unlike it wherever the contract leaves room: no cost figures, no
version header, its own page size, a search that may ignore what it is asked, faults without a code.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_client_schema,
    execute,
    get_named_type,
    get_nullable_type,
    parse,
    validate,
)

Node = dict[str, Any]
FOLDER = Path(__file__).resolve().parents[2] / "include/connectors/stores/shopify/schema"
TOKEN = "any-token-at-all"
BLANKS = {
    "Boolean": False,
    "Int": 0,
    "Float": 0.0,
    "String": "",
    "Decimal": "0",
    "DateTime": "2020-01-01T00:00:00Z",
    "UnsignedInt64": "0",
}


@dataclass
class Habits:
    """How this server differs from any other.

    Attributes:
        extensions: What stands beside every answer's data.
        headers: Sent with every answer.
        encoding: ``plain``, ``gzip`` or ``chunked``.
        delay: Seconds before an answer.
        page_limit: Most nodes in one page, whatever was asked for.
        search: ``parsed``, ``ignored`` or ``strict`` (the plain forms only, else an error).
        count: What ``ordersCount`` answers, given the true number.
        denied: Fields (``Type.field``) answered with ACCESS_DENIED.
        broken: Fields that fail in the server, without a code.
        unserved: Ids whose record the server fails to read.
        client: Client id and secret of the token grant, if it has one.
        refuse: Answers ``(status, body)`` given before anything is executed, one a call.
    """

    extensions: Node | None = None
    headers: Node = field(default_factory=dict)
    encoding: str = "plain"
    delay: float = 0.0
    page_limit: int = 250
    search: str = "parsed"
    count: Callable[[int], Node | None] = lambda number: {"count": number, "precision": "EXACT"}
    denied: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    unserved: frozenset[str] = frozenset()
    client: tuple[str, str] | None = None
    refuse: list[tuple[int, object]] = field(default_factory=list)


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """The official schema, with the default resolvers of graphql-core."""
    body = json.loads(gzip.decompress((FOLDER / "admin_2026-10.json.gz").read_bytes()))
    return build_client_schema(body["data"], assume_valid=True)


@dataclass
class ForeignStore:
    """The shop: orders as they would be answered, and what is asked of it.

    Attributes:
        orders: Order documents; lists stand for connections, what is absent is null or blank.
        shop: The shop's own facts.
        scopes: What the app may do.
        token: The access token that is accepted.
        habits: How the server behaves.
        asked: Name of every operation that was executed, in order.
        searches: Every search text that came in.
    """

    orders: list[Node]
    shop: Node = field(
        default_factory=lambda: {
            "name": "Else",
            "myshopifyDomain": "else.myshopify.com",
            "currencyCode": "USD",
            "ianaTimezone": "America/New_York",
        }
    )
    scopes: tuple[str, ...] = ("read_orders", "read_all_orders", "read_customers", "read_products")
    habits: Habits = field(default_factory=Habits)
    token: str = TOKEN
    asked: list[str] = field(default_factory=list)
    searches: list[str] = field(default_factory=list)

    def answer(self, asked: Node) -> Node:
        """Execute one request body."""
        document = parse(asked["query"])
        self.asked.append(document.definitions[0].name.value)  # type: ignore[union-attr]
        faults = validate(schema(), document)
        if faults:
            return {"errors": [{"message": fault.message} for fault in faults]}
        result = execute(
            schema(),
            document,
            root_value=self._root(),
            variable_values=asked.get("variables"),
            field_resolver=self._resolve,
        )
        answered: Node = {"data": result.data}
        if result.errors:  # type: ignore[union-attr]
            answered["errors"] = [error.formatted for error in result.errors]  # type: ignore[union-attr]
        if self.habits.extensions is not None:
            answered["extensions"] = self.habits.extensions
        return answered

    def _root(self) -> Node:
        return {
            "shop": self.shop,
            "currentAppInstallation": {"accessScopes": [{"handle": name} for name in self.scopes]},
            "orders": self._orders,
            "ordersCount": self._count,
            "node": lambda _, **asked: self._record(asked["id"]),
            "nodes": lambda _, ids: [self._record(found) for found in ids],
            "bulkOperations": [],
        }

    def _orders(self, _: object, query: str | None = None, **__: object) -> list[Node]:
        return self._found(query)

    def _count(self, _: object, query: str | None = None, **__: object) -> Node | None:
        return self.habits.count(len(self._found(query)))

    def _found(self, query: str | None) -> list[Node]:
        if query:
            self.searches.append(query)
        if not query or self.habits.search == "ignored":
            return self.orders
        matches = Search(query).predicate()
        return [order for order in self.orders if matches(order)]

    def _record(self, wanted: str) -> Node | None:
        for order in self.orders:
            if order["id"] == wanted:
                return {"__typename": "Order", **order}
            for refund in order.get("refunds") or ():
                if refund["id"] == wanted:
                    return {"__typename": "Refund", **refund}
        return None

    def _resolve(self, source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        name = f"{info.parent_type.name}.{info.field_name}"
        if name in self.habits.denied:
            raise GraphQLError(
                f"Access denied for {info.field_name} field.",
                extensions={"code": "ACCESS_DENIED"},
            )
        if name in self.habits.broken or (
            name == "Order.lineItems" and source["id"] in self.habits.unserved
        ):
            raise GraphQLError(f"{info.field_name} could not be read")
        value = source.get(info.field_name)
        if callable(value):
            value = value(info, **arguments)
        kind = get_nullable_type(info.return_type)
        named = get_named_type(info.return_type).name
        if named.endswith("Connection") and isinstance(value, list | None):
            return self._page(value or [], **arguments)
        if value is None and isinstance(info.return_type, GraphQLNonNull):
            if isinstance(kind, GraphQLList):
                return []
            if isinstance(kind, GraphQLEnumType) and named != "CurrencyCode":
                return next(iter(kind.values))
            return BLANKS.get(named, self._blank(named, source))
        return value

    def _blank(self, named: str, source: Node) -> Any:
        if named == "ID":
            return f"gid://else/Thing/{id(source)}"
        if named == "CurrencyCode":
            return self.shop["currencyCode"]
        if named == "MoneyBag":
            ours = source.get("currencyCode") or self.shop["currencyCode"]
            theirs = source.get("presentmentCurrencyCode") or ours
            return {
                "shopMoney": {"amount": "0", "currencyCode": ours},
                "presentmentMoney": {"amount": "0", "currencyCode": theirs},
            }
        return {}

    def _page(
        self, values: list[Node], first: int | None = None, after: str | None = None, **_: object
    ) -> Node:
        start = int(after.removeprefix("at-")) if after else 0
        stop = start + min(first or 250, self.habits.page_limit)
        part = values[start:stop]
        return {
            "nodes": part,
            "edges": [{"node": node, "cursor": f"at-{start}"} for node in part],
            "pageInfo": {
                "hasNextPage": stop < len(values),
                "hasPreviousPage": start > 0,
                "startCursor": f"at-{start}",
                "endCursor": f"at-{min(stop, len(values))}",
            },
        }


class Search:
    """The documented search syntax and nothing beside it: terms, AND, OR, parentheses, quotes."""

    TOKEN = re.compile(r"\s*(\(|\)|AND\b|OR\b|(\w+):(>=|<=|>|<|)('(?:[^'\\]|\\.)*'|[^\s()]+))")
    TIMES: ClassVar = {"created_at": "createdAt", "updated_at": "updatedAt"}

    def __init__(self, text: str) -> None:
        self.tokens: list[re.Match[str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = self.TOKEN.match(text, at)
            if found is None:
                raise GraphQLError(f"Invalid search at {text[at:]!r}")
            self.tokens.append(found)
            at = found.end()
        self.at = 0

    def predicate(self) -> Callable[[Node], bool]:
        matches = self._either()
        if self.at != len(self.tokens):
            raise GraphQLError("Invalid search: something is left over")
        return matches

    def _word(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def _either(self) -> Callable[[Node], bool]:
        parts = [self._both()]
        while self._word() == "OR":
            self.at += 1
            parts.append(self._both())
        return lambda order: any(part(order) for part in parts)

    def _both(self) -> Callable[[Node], bool]:
        parts = [self._one()]
        while self._word() == "AND":
            self.at += 1
            parts.append(self._one())
        return lambda order: all(part(order) for part in parts)

    def _one(self) -> Callable[[Node], bool]:
        token = self.tokens[self.at]
        self.at += 1
        if token[1] == "(":
            inside = self._either()
            if self._word() != ")":
                raise GraphQLError("Invalid search: a parenthesis is left open")
            self.at += 1
            return inside
        name, sign, value = token[2], token[3], token[4]
        if value.startswith("'"):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        if name in self.TIMES:
            limit, key = datetime.fromisoformat(value), self.TIMES[name]
            if sign == ">=":
                return lambda order: _time(order[key]) >= limit
            if sign == "<=":
                return lambda order: _time(order[key]) <= limit
        if name == "financial_status" and not sign:
            return lambda order: (order.get("displayFinancialStatus") or "").lower() == value
        if name == "name" and not sign:
            # Looks into names as a search box does.
            return lambda order: value.casefold() in order["name"].casefold()
        raise GraphQLError(f"Invalid search field {name}{sign}")


def _time(text: str) -> datetime:
    """Read a time as a careless server does: what is none is now, what has no zone is UTC."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime(2026, 11, 19, 12, tzinfo=UTC)


@contextmanager
def serve(store: ForeignStore) -> Iterator[str]:
    """Serve a store on a free port of 127.0.0.1 and yield its root."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(store.habits.delay)
            if store.habits.refuse:
                self._send(*store.habits.refuse.pop(0))
            elif self.path == "/admin/oauth/access_token" and store.habits.client:
                form = {key: value[0] for key, value in parse_qs(body.decode()).items()}
                known = (form.get("client_id"), form.get("client_secret")) == store.habits.client
                self._send(200 if known else 401, {"access_token": store.token} if known else {})
            elif self.path != "/admin/api/2026-10/graphql.json":
                self._send(404, {"errors": "Not Found"})
            elif self.headers.get("X-Shopify-Access-Token") != store.token:
                self._send(401, {"errors": "[API] Invalid API key or access token"})
            else:
                self._send(200, store.answer(json.loads(body)))

        def _send(self, status: int, answer: object) -> None:
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in store.habits.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            if store.habits.encoding == "gzip":
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            if store.habits.encoding == "chunked":
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for at in range(0, len(body), 777):
                    part = body[at : at + 777]
                    self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")
                return
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
