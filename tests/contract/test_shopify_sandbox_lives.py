"""A lively shop: what a client sees of an order changes as the shop's time goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests

from include.connectors.stores.shopify.sandbox import lives
from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState
from include.connectors.stores.shopify.sandbox.timeline import Clock
from tests.contract.sandbox_shop import Shop

UNTIL = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
FIRST = datetime(2026, 11, 17, tzinfo=UTC)
DAY = timedelta(days=1)


def lively(days: int = 3, now: datetime = NOW) -> StoreState:
    store = build_store(5, days, 120, UNTIL, now, lively=True)
    store.clock = Clock(lambda: now)
    return store


@pytest.fixture
def shop() -> Iterator[Shop]:
    chosen = SandboxSettings(bucket_size=50_000, restore_rate=50_000)
    with serve_in_thread(create_app(lively(), chosen)) as url:
        yield Shop(url)


def window(start: datetime) -> str:
    ends = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (start, start + DAY))
    first, after = ends
    bounds = [f"{key}:>='{first}' AND {key}:<'{after}'" for key in ("created_at", "updated_at")]
    return f"({bounds[0]}) OR ({bounds[1]})"


def records(store: StoreState) -> dict[str, Any]:
    return {order.name: store.record(order.gid) for order in store}


def test_orders_come_about_and_change_as_the_clock_reaches_them() -> None:
    store = lively()
    store.clock.set(FIRST + DAY)
    before = records(store)
    assert 100 < len(before) <= 120
    assert all(found["updatedAt"] <= "2026-11-18T00:00:00Z" for found in before.values())
    store.clock.set(FIRST + 2 * DAY)
    after = records(store)
    changed = [name for name, found in before.items() if after[name] != found]
    assert len(changed) > 10
    assert {after[name]["updatedAt"][:10] for name in changed} == {"2026-11-18"}


def test_by_the_end_every_kind_of_life_has_been_led() -> None:
    store = lively(days=20)
    assert len(store) > 2000
    happened = sum((chapter.happened for chapter in store.timeline.chapters[1:]),
                   store.timeline.chapters[0].happened)  # fmt: skip
    kinds = {"placed", "fulfilled", "edited", "cancelled", "refunded", "exchanged", "paid"}
    assert kinds <= set(happened)
    led = {lives.choose(order) for order in store if order.case == "ordinary"}
    assert {chosen[0] for chosen in led if chosen} == set(lives.SHARES)


def test_a_shop_in_slow_time_lives_as_far_as_it_is_asked_about(shop: Shop) -> None:
    shop.control("POST", "lives", **{"from": FIRST.isoformat()})
    first = shop.count(window(FIRST))
    told = shop.control("GET", "lives")
    assert told["now"] == "2026-11-18T00:10:00Z"
    assert shop.count(window(FIRST)) == first, "asking again lets no time go on"
    second = shop.count(window(FIRST + DAY))
    told = shop.control("GET", "lives")
    assert told["now"] == "2026-11-19T00:10:00Z"
    lived = told["chapters"][-1]["happened"]
    assert lived["placed"] > 100
    assert second > lived["placed"], "orders of the day before changed in this one"


def test_slow_time_ends_where_it_meets_the_real_time(shop: Shop) -> None:
    shop.control("POST", "lives", **{"from": FIRST.isoformat()})
    shop.count(window(FIRST + 3 * DAY))
    assert shop.control("GET", "lives")["now"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


def test_no_time_goes_back(shop: Shop) -> None:
    shop.control("POST", "lives", **{"from": (FIRST + DAY).isoformat()})
    refused = requests.post(
        f"{shop.url}/__sandbox__/lives", json={"from": FIRST.isoformat()}, timeout=20
    )
    assert refused.status_code == 400
    assert "no time goes back" in refused.json()["error"]


def test_a_shop_that_is_seeded_again_later_has_led_the_same_lives() -> None:
    until = NOW + timedelta(days=2)
    first = lively()
    again = build_store(5, 5, 120, until.date(), until, crowd_days=3, lively=True)
    again.clock = Clock(lambda: NOW)
    told = records(first)
    assert {name: found for name, found in records(again).items() if name in told} == told


def test_who_changes_an_order_by_hand_decides_on_the_rest_of_its_life(shop: Shop) -> None:
    called_off = {order.name for order in lively() if order.cancelled_at}
    shop.control("POST", "lives", **{"from": (FIRST + DAY).isoformat()})
    rows = shop.control("GET", "orders")["orders"]
    name = next(r["name"] for r in rows if r["name"] in called_off and not r["cancelled"])
    shop.control("POST", f"orders/{name.lstrip('#')}/touch", note="Call first")
    shop.control("POST", "clock", now=NOW.isoformat())
    rows = shop.control("GET", "orders")["orders"]
    assert not next(row for row in rows if row["name"] == name)["cancelled"]
