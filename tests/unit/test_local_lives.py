"""The shop of `make run` lives along with the windows, against a real sandbox shop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import requests

from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import create_app
from include.connectors.stores.shopify.sandbox.timeline import Clock
from local import lives

UNTIL = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
FIRST = datetime(2026, 11, 18, tzinfo=UTC)


@pytest.fixture
def url() -> Iterator[str]:
    store = build_store(5, 3, 60, UNTIL, NOW, lively=True)
    store.clock = Clock(lambda: NOW)
    with serve_in_thread(create_app(store)) as address:
        yield address


def ask_about(url: str, start: datetime) -> None:
    """Ask the shop about a day, as a window does."""
    after = f"{start + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    query = "query ($q: String) { ordersCount(query: $q) { count } }"
    body = {"query": query, "variables": {"q": f"updated_at:<'{after}'"}}
    headers = {"X-Shopify-Access-Token": "shpat_sandbox"}
    answer = requests.post(
        f"{url}/admin/api/2026-10/graphql.json", json=body, headers=headers, timeout=20
    )
    assert "errors" not in answer.json()


def present(url: str) -> str:
    told = requests.get(f"{url}/__sandbox__/lives", timeout=20).json()
    return str(told["now"])


def test_a_shop_lives_as_far_as_windows_ask_and_in_real_time_afterwards(url: str) -> None:
    with lives.along_with_windows(lives.Shop(url), FIRST) as lived:
        assert lived.is_slow
        ask_about(url, FIRST)
        assert present(url) == "2026-11-19T00:10:00Z"
        ask_about(url, FIRST + timedelta(days=1))
    assert present(url) == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    assert [chapter.until.day for chapter in lived.chapters] == [19, 20]
    told = lives.describe(lived)
    assert told[1].startswith("    until 2026-11-19 00:10: ")
    assert " placed" in told[1]


def test_a_shop_that_has_lived_longer_goes_on_as_it_is(url: str) -> None:
    with lives.along_with_windows(lives.Shop(url), FIRST):
        ask_about(url, FIRST)
    with lives.along_with_windows(lives.Shop(url), FIRST) as again:
        assert not again.is_slow
    assert lives.describe(again) == []
    assert present(url) == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


def test_real_time_comes_back_when_a_job_breaks_off(url: str) -> None:
    with pytest.raises(RuntimeError), lives.along_with_windows(lives.Shop(url), FIRST):
        raise RuntimeError("stopped")
    assert present(url) == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


def test_without_a_sandbox_shop_nothing_lives_slowly() -> None:
    assert lives.shop_of({}, "shopify_gp") is None
    with lives.along_with_windows(None, FIRST) as lived:
        assert not lived.is_slow
    assert lives.shop_of({"shopify_gp_store": {"host": "http://127.0.0.1:1"}}, "shopify_gp")
