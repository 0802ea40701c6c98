"""A local store whose answers are rendered before the clock starts, so that serving costs nothing.

A few hundred distinct orders come out of the Shopify sandbox, answered by the hydration document
itself. Thousands are made of them by putting other ids, numbers and times into their bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import sys
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import orjson

API_VERSION = "2026-10"
TOKEN = "shpat_bench"
PAGE_SIZE_CAP = 250
_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_MARGIN = timedelta(minutes=10)
_TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"')
_SHARED = rb"Customer|Product|ProductVariant|Location|Company|CompanyLocation"
_OWN_ID = re.compile(rb'"gid://shopify/(?!(?:' + _SHARED + rb')/)(\w+)/(\d+)"')
_SLOT = re.compile(
    rb'"gid://shopify/(?!(?:' + _SHARED + rb')/)(?P<kind>\w+)/(?P<id>\d+)"'
    rb'|"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"|(?P<name>"name":"#\d+")'
)
_ASKED_ID = re.compile(rb"gid://shopify/Order/(\d+)")
_ASKED_TIME = re.compile(rb"updated_at:(>=|<=)\\?'?([0-9TZ:-]+)")
_ASKED_PAGE = re.compile(rb'"first":(\d+)')
_ASKED_AFTER = re.compile(rb'"after":"(\d+)"')
_OPERATION = re.compile(rb"query (\w+)")


# -- rendering -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Material:
    """What the sandbox said: distinct orders, and the answers to the calls before the pull."""

    orders: list[bytes]
    canned: dict[str, bytes]

    def save(self, path: Path) -> None:
        path.write_bytes(
            orjson.dumps(
                {
                    "orders": [body.decode() for body in self.orders],
                    "canned": {name: body.decode() for name, body in self.canned.items()},
                }
            )
        )

    @classmethod
    def load(cls, path: Path) -> Material:
        kept = orjson.loads(path.read_bytes())
        return cls(
            [text.encode() for text in kept["orders"]],
            {name: text.encode() for name, text in kept["canned"].items()},
        )


def render_material(distinct: int, seed: int = 7) -> Material:
    """Ask the sandbox for distinct everyday orders, exactly as the connector would ask.

    Orders that the sandbox makes awkward on purpose stay out: each would be held, which costs less
    than staging it.
    """
    # Imported here: the serving process never needs graphql-core.
    from include.connectors.stores.shopify import documents
    from include.connectors.stores.shopify.access import Access
    from include.connectors.stores.shopify.sandbox.bulk import BulkOperations
    from include.connectors.stores.shopify.sandbox.call import Call
    from include.connectors.stores.shopify.sandbox.execution import Executor
    from include.connectors.stores.shopify.sandbox.seed import build_store
    from include.connectors.stores.shopify.sandbox.settings import DEFAULT_SCOPES, SandboxSettings

    day = date(2026, 11, 10)
    now = datetime.combine(day, time(12), UTC)
    store = build_store(seed, days=3, per_day=distinct // 2, until=day, now=now)
    store.clock.set(now)
    call = Call(
        store,
        SandboxSettings(bucket_size=1e9),
        frozenset(DEFAULT_SCOPES),
        bulk_operations=BulkOperations(),
    )
    executor = Executor()
    flags = Access.of(DEFAULT_SCOPES).flags

    def ask(name: str, variables: dict[str, Any]) -> dict[str, Any]:
        answer = executor.run(documents.minified(name), variables, None, call).body
        if answer.get("errors"):
            raise ValueError(f"the sandbox refused {name}: {answer['errors']}")
        data: dict[str, Any] = answer["data"]
        return data

    ids = [order.gid for order in store if order.case == "ordinary"][:distinct]
    bodies: list[bytes] = []
    for begin in range(0, len(ids), 25):
        nodes = ask("orders_hydrate", {"ids": ids[begin : begin + 25], **flags})["nodes"]
        bodies += [orjson.dumps(node) for node in nodes]
    canned = {
        operation: orjson.dumps(ask(name, variables))
        for operation, name, variables in (
            ("ShopFacts", "shop_facts", {}),
            ("BulkProbe", "bulk_probe", {}),
            ("PrivacyProbe", "privacy_probe", flags),
        )
    }
    return Material(bodies, canned)


def _template(body: bytes) -> tuple[bytes, list[tuple[str, Any]], datetime]:
    """Cut an order into a %-template, the slots in it, and the version its times refer to."""
    updated_at = datetime.strptime(orjson.loads(body)["updatedAt"], _STAMP).replace(tzinfo=UTC)
    slots: list[tuple[str, Any]] = []

    def slot(match: re.Match[bytes]) -> bytes:
        if match["kind"]:
            slots.append(("id", int(match["id"])))
            return b'"gid://shopify/%b/%%d"' % match["kind"]
        if match["time"]:
            at = datetime.strptime(match["time"].decode(), _STAMP).replace(tzinfo=UTC)
            slots.append(("time", at - updated_at))
            return b'"%b"'
        slots.append(("name", None))
        return b'"name":"#%d"'

    return _SLOT.sub(slot, body.replace(b"%", b"%%")), slots, updated_at


class Shop:
    """All orders of the shop as bytes, in the order of their versions."""

    def __init__(self, material: Material, orders: int, start_at: datetime) -> None:
        self.canned = material.canned
        self.order_ids: list[int] = []
        self.bodies: dict[int, bytes] = {}
        self.headers: list[bytes] = []
        self.stamps: list[str] = []
        templates = [_template(body) for body in material.orders]
        first_at = start_at + _MARGIN
        step = (timedelta(days=1) - 2 * _MARGIN) / max(orders, 1)
        for serial in range(orders):
            template, slots, _ = templates[serial % len(templates)]
            turn = serial // len(templates)
            self._add(template, slots, turn, 100_001 + serial, first_at + step * serial)

    def _add(
        self,
        template: bytes,
        slots: Sequence[tuple[str, Any]],
        turn: int,
        number: int,
        at: datetime,
    ) -> None:
        values: list[object] = []
        for kind, value in slots:
            if kind == "id":
                values.append(value + turn)
            elif kind == "time":
                values.append((at + value).strftime(_STAMP).encode())
            else:
                values.append(number)
        body = template % tuple(values)
        order_id = next(int(v) for (kind, _), v in zip(slots, values, strict=True) if kind == "id")
        document = orjson.loads(body)
        self.order_ids.append(order_id)
        self.bodies[order_id] = body
        self.stamps.append(document["updatedAt"])
        self.headers.append(
            orjson.dumps(
                {
                    "id": document["id"],
                    "name": document["name"],
                    "createdAt": document["createdAt"],
                    "updatedAt": document["updatedAt"],
                    "displayFinancialStatus": document["displayFinancialStatus"],
                    "currentSubtotalLineItemsQuantity": sum(
                        line["currentQuantity"] for line in document["lineItems"]["nodes"]
                    ),
                    "currentTotalPriceSet": {
                        "shopMoney": document["currentTotalPriceSet"]["shopMoney"]
                    },
                }
            )
        )

    @property
    def payload_bytes(self) -> int:
        """Bytes of all documents together."""
        return sum(map(len, self.bodies.values()))

    def answer(self, request: bytes) -> bytes:
        """Answer one posted GraphQL request from what is rendered."""
        found = _OPERATION.search(request)
        operation = found[1].decode() if found else ""
        if operation == "OrdersHydrate":
            # The ids stand in the variables, behind the query, which names no order.
            asked = [self.bodies.get(int(i), b"null") for i in _ASKED_ID.findall(request)]
            return self._framed(b'{"nodes":[' + b",".join(asked) + b"]}")
        if operation == "OrdersCount":
            first, last = self._range(request)
            return self._framed(
                b'{"ordersCount":{"count":%d,"precision":"EXACT"}}' % (last - first)
            )
        if operation == "OrdersWindow":
            return self._window(request)
        return self._framed(self.canned[operation])

    def _window(self, request: bytes) -> bytes:
        first, last = self._range(request)
        after = _ASKED_AFTER.search(request)
        size = _ASKED_PAGE.search(request)
        begin = int(after[1]) if after else first
        end = min(last, begin + min(PAGE_SIZE_CAP, int(size[1]) if size else PAGE_SIZE_CAP))
        more = b"true" if end < last else b"false"
        return self._framed(
            b'{"orders":{"nodes":['
            + b",".join(self.headers[begin:end])
            + b'],"pageInfo":{"hasNextPage":%b,"endCursor":"%d"}}}' % (more, end)
        )

    def _range(self, request: bytes) -> tuple[int, int]:
        bounds = {side: at.decode() for side, at in _ASKED_TIME.findall(request)}
        if set(bounds) != {b">=", b"<="}:
            raise ValueError("the page server answers windows by updated_at only")
        return (
            bisect_left(self.stamps, bounds[b">="]),
            bisect_right(self.stamps, bounds[b"<="]),
        )

    @staticmethod
    def _framed(data: bytes) -> bytes:
        return (
            b'{"data":' + data + b',"extensions":{"cost":{"requestedQueryCost":10,'
            b'"actualQueryCost":10,"throttleStatus":{"maximumAvailable":20000.0,'
            b'"currentlyAvailable":20000,"restoreRate":1000.0}}}}'
        )


# -- serving -------------------------------------------------------------------------------------


def serve(shop: Shop, listener: socket.socket) -> None:
    """Answer requests until the process is stopped; one thread a connection."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_converse, args=(shop, connection), daemon=True).start()


def _converse(shop: Shop, connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as reader:
        while request_line := reader.readline():
            length = 0
            while (header := reader.readline()) not in (b"\r\n", b""):
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = shop.answer(reader.read(length)) if b"graphql" in request_line else b"{}"
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                b"X-Shopify-API-Version: %b\r\nX-Request-Id: bench\r\nContent-Length: %d\r\n\r\n"
                % (API_VERSION.encode(), len(body))
                + body
            )


def main() -> None:
    """Render and serve; the first line printed says where, as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--material", type=Path, required=True)
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--start-at", type=datetime.fromisoformat, required=True)
    options = parser.parse_args()
    shop = Shop(Material.load(options.material), options.orders, options.start_at)
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    said = {"port": listener.getsockname()[1], "bytes": shop.payload_bytes}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    serve(shop, listener)


if __name__ == "__main__":
    main()
