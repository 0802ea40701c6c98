"""A Shopify sandbox to test against, and a client as plain as it gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import requests

from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings

UNTIL = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAY = "created_at:>='2026-11-19T00:00:00Z' AND created_at:<='2026-11-19T23:59:59Z'"
PAGE = """
query Page($first: Int, $after: String, $query: String, $reverse: Boolean) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT, reverse: $reverse) {
    nodes { id name updatedAt createdAt }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


class Shop:
    """A client as plain as it gets."""

    def __init__(self, url: str, token: str = "shpat_sandbox") -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["X-Shopify-Access-Token"] = token

    def post(self, query: str, /, version: str = "2026-10", **variables: Any) -> requests.Response:
        return self.session.post(
            f"{self.url}/admin/api/{version}/graphql.json",
            json={"query": query, "variables": variables},
            timeout=20,
        )

    def ask(self, query: str, /, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.post(query, **variables).json()
        return answer

    def control(self, verb: str, path: str, **body: Any) -> Any:
        answer = self.session.request(
            verb, f"{self.url}/__sandbox__/{path}", json=body or None, timeout=20
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, kind: str, **how: Any) -> None:
        self.control("POST", "faults", kind=kind, **how)

    def count(self, search: str) -> int:
        answer = self.ask("query C($q: String) { ordersCount(query: $q) { count } }", q=search)
        assert "search" not in answer["extensions"], answer["extensions"]["search"]
        return int(answer["data"]["ordersCount"]["count"])

    def every_id(self, query: str, first: int = 50) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            page = self.ask(PAGE, first=first, after=after, query=query)["data"]["orders"]
            found += [node["id"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]


@contextmanager
def sandbox(**settings: Any) -> Iterator[Shop]:
    chosen = {"bucket_size": 50_000.0, "restore_rate": 50_000.0, "hang_seconds": 0.5, **settings}
    store = build_store(7, 2, 90, UNTIL, NOW)
    store.clock.set(NOW)
    with serve_in_thread(create_app(store, SandboxSettings(**chosen))) as url:
        yield Shop(url)


def code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["extensions"]["code"])
