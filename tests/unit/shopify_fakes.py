"""A scripted store behind a requests session, a clock that only sleeping moves, small documents."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import orjson
import requests
from pydantic import SecretStr
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from include.connectors.stores.shopify.auth import StaticToken
from include.connectors.stores.shopify.client import ShopifyClient
from include.connectors.stores.shopify.connector import ShopifyStore, create
from include.connectors.stores.shopify.settings import API_VERSION, ShopifySettings
from include.transport.connection import ConnectionFacts
from include.transport.retry import Backoff

BASE = "https://shop.example"
TOKEN = "shpat_0123456789abcdef"


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


Reply = requests.Response | Exception


def reply(
    body: object = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    raw: bytes | None = None,
) -> requests.Response:
    """Build an HTTP answer; a dict becomes JSON."""
    content = raw if raw is not None else orjson.dumps(body)
    response = requests.Response()
    response.status_code = status
    response.headers.update(
        {"X-Shopify-API-Version": API_VERSION, "X-Request-Id": "req-1", **(headers or {})}
    )
    response.raw = HTTPResponse(BytesIO(content), preload_content=False)
    return response


def cost(
    requested: float = 10, available: float = 1990, rate: float = 100, maximum: float = 2000
) -> dict[str, Any]:
    return {
        "cost": {
            "requestedQueryCost": requested,
            "actualQueryCost": requested,
            "throttleStatus": {
                "maximumAvailable": maximum,
                "currentlyAvailable": available,
                "restoreRate": rate,
            },
        }
    }


def data(value: dict[str, Any], **figures: float) -> requests.Response:
    return reply({"data": value, "extensions": cost(**figures)})


def failure(code: str, message: str = "No.", **extensions: Any) -> requests.Response:
    error = {"message": message, "extensions": {"code": code}}
    return reply({"errors": [error], "extensions": extensions or cost()})


def throttled(requested: float, available: float, rate: float, status: int = 200) -> Reply:
    body = {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": cost(requested, available, rate),
    }
    return reply(body, status)


class Script(BaseAdapter):
    """Answers requests in turn, or by a function of the request; keeps what was sent."""

    def __init__(self, *replies: Reply | Callable[[dict[str, Any]], Reply]) -> None:
        super().__init__()
        self._replies: Iterator[Any] = iter(replies)
        self.always: Callable[[dict[str, Any]], Reply] | None = None
        self.requests: list[requests.PreparedRequest] = []
        self.timeouts: list[Any] = []

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        self.requests.append(request)
        self.timeouts.append(kwargs.get("timeout"))
        answer = self.always or next(self._replies)
        if callable(answer) and not isinstance(answer, requests.Response):
            body = request.body or b"{}"
            try:
                asked = orjson.loads(body)
            except orjson.JSONDecodeError:
                asked = {"form": body}
            answer = answer(asked)
        if isinstance(answer, Exception):
            raise answer
        answer.request = request
        answer.url = request.url
        return answer

    def close(self) -> None:
        """Nothing is open."""

    def posted(self, at: int = -1) -> dict[str, Any]:
        asked: dict[str, Any] = orjson.loads(self.requests[at].body or b"{}")
        return asked


def session_of(script: Script) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", script)
    session.mount("http://", script)
    return session


def client_of(
    script: Script, clock: FakeClock | None = None, auth: Any = None, **settings: Any
) -> ShopifyClient:
    clock = clock or FakeClock()
    return ShopifyClient(
        session_of(script),
        BASE,
        auth or StaticToken(SecretStr(TOKEN)),
        ShopifySettings(**settings),
        clock=clock,
        sleep=clock.sleep,
        backoff=Backoff(1.0, 30.0, random.Random(7)),
        system="shop_conn",
    )


def store_of(script: Script, clock: FakeClock | None = None, **settings: Any) -> ShopifyStore:
    clock = clock or FakeClock()
    return create(
        session_of(script),
        ConnectionFacts("shop_conn", BASE, password=SecretStr(TOKEN)),
        ShopifySettings(**settings),
        clock=clock,
        sleep=clock.sleep,
        rng=random.Random(7),
    )


def connection(nodes: list[Any] | None = None, cursor: str | None = None) -> dict[str, Any]:
    return {
        "nodes": nodes or [],
        "pageInfo": {"hasNextPage": cursor is not None, "endCursor": cursor},
    }


def order(number: int, **fields: Any) -> dict[str, Any]:
    """Return as much of a hydrated order as the pull looks at."""
    return {
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "updatedAt": "2026-11-20T10:00:00Z",
        "transactions": [],
        "transactionsCount": {"count": 0, "precision": "EXACT"},
        "fulfillments": [],
        "fulfillmentsCount": {"count": 0, "precision": "EXACT"},
        "refunds": [],
        "lineItems": connection(),
        "shippingLines": connection(),
        "localizedFields": connection(),
        **fields,
    }


def refund(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Refund/{number}",
        "refundLineItems": connection(),
        "refundShippingLines": connection(),
        "orderAdjustments": connection(),
        "transactions": connection(),
        **fields,
    }


def listed(
    number: int,
    updated: str = "2026-11-20T10:00:00Z",
    created: str = "2026-11-20T09:00:00Z",
    status: str | None = "PAID",
) -> dict[str, Any]:
    """Return one entry of the id list."""
    return {
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "createdAt": created,
        "updatedAt": updated,
        "displayFinancialStatus": status,
        "currentSubtotalLineItemsQuantity": 2,
        "currentTotalPriceSet": {"shopMoney": {"amount": "12.5", "currencyCode": "USD"}},
    }
