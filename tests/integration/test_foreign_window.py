"""The whole window against a store server that is not ours, with habits that ours has not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.domain.errors import CounterfoilError, RateLimited
from include.domain.proof import WindowProof
from include.domain.window import Window
from include.pipelines import dry_run, orders
from include.pipelines.runs import RunType
from local.postgres import EmbeddedPostgres
from tests.contract.foreign_orders import bag, plain_order, recorded_orders, rest_orders, sale
from tests.contract.foreign_store import ForeignStore, Habits
from tests.integration.foreign_world import ForeignWorld, open_foreign_world

DAY = Window(datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
AGES = Window(datetime(2008, 1, 1, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[ForeignWorld]:
    store = ForeignStore([plain_order(number) for number in range(1, 4)])
    with open_foreign_world(postgres_server, staging_url, store) as opened:
        yield opened


def held(found: WindowProof) -> dict[str, str]:
    return {o.order_number: o.message for o in found.orders if o.outcome == "held"}


HABITS = {
    "plain": Habits(),
    "costs without figures": Habits(extensions={"cost": {}}),
    "extensions of another kind": Habits(extensions={"cost": None, "search": None, "trace": "1"}),
    "a small bucket": Habits(
        extensions={
            "cost": {
                "requestedQueryCost": 7,
                "throttleStatus": {
                    "maximumAvailable": 40,
                    "currentlyAvailable": 40,
                    "restoreRate": 2000.0,
                },
            }
        }
    ),
    "the version header": Habits(headers={"X-Shopify-API-Version": "2026-10"}),
    "gzip": Habits(encoding="gzip"),
    "chunked": Habits(encoding="chunked"),
    "slow": Habits(delay=0.2),
    "one order a page": Habits(page_limit=1),
    "a search that matches everything": Habits(search="ignored"),
    "a count that is at least so many": Habits(
        count=lambda number: {"count": number, "precision": "AT_LEAST"}
    ),
    "no count at all": Habits(count=lambda _: None),
    "scopes that are denied": Habits(denied=frozenset({"QueryRoot.currentAppInstallation"})),
    "scopes that are not served": Habits(broken=frozenset({"QueryRoot.currentAppInstallation"})),
    "no bulk operations": Habits(broken=frozenset({"QueryRoot.bulkOperations"})),
    "people denied": Habits(denied=frozenset({"MailingAddress.name", "Customer.displayName"})),
    "catalogue denied": Habits(denied=frozenset({"LineItem.variant", "LineItem.product"})),
    "customers denied": Habits(denied=frozenset({"Order.customer", "Order.purchasingEntity"})),
}


@pytest.mark.parametrize("habit", HABITS)
def test_the_window_is_posted_whatever_the_habits_of_the_server(world: ForeignWorld, habit: str):
    world.store.habits = HABITS[habit]
    found = world.whole(DAY)
    assert (found.in_store, found.posted, found.unexplained) == (3, 3, 0), found.orders
    assert world.in_books() == {"#1", "#2", "#3"}


def test_an_order_that_the_store_fails_to_read_is_held_and_its_neighbours_are_posted(
    world: ForeignWorld,
):
    world.store.habits.unserved = frozenset({"gid://shopify/Order/2"})
    found = world.whole(DAY)
    assert (found.posted, found.held, found.unexplained) == (2, 1, 0)
    assert held(found)["#2"].startswith("order #2: the store fails to read it")
    world.store.habits.unserved = frozenset()
    again = world.whole(DAY, "r2")
    assert (again.posted, again.held) == (3, 0)


def test_another_version_than_asked_for_stops_the_window(world: ForeignWorld):
    world.store.habits.headers = {"X-Shopify-API-Version": "2026-07"}
    with pytest.raises(CounterfoilError, match="served API version 2026-07"):
        world.whole(DAY)


def test_too_many_requests_without_a_word_of_how_long_are_waited_out(world: ForeignWorld):
    world.store.habits.refuse = [(429, {"errors": "Exceeded 2 calls per second"})] * 2
    assert world.whole(DAY).posted == 3
    assert not world.store.habits.refuse
    assert issubclass(RateLimited, CounterfoilError)


ODD: dict[str, dict[str, Any]] = {
    "created with a fraction": {"createdAt": "2026-11-19T10:00:00.123456Z"},
    "created far from UTC": {
        "createdAt": "2026-11-20T09:00:00+13:00",
        "updatedAt": "2026-11-20T09:00:00+13:00",
    },
    "no hash": {"name": "77"},
    "another script": {"name": "№ Ä-77/β"},
    "a quote": {"name": "O'Neil \\ 77"},
    "a guest": {"customer": None},
    "no addresses": {"customer": None, "billingAddress": None, "shippingAddress": None},
    "no name anywhere": {
        "customer": {"id": "gid://shopify/Customer/5"},
        "billingAddress": None,
        "shippingAddress": None,
    },
    "nothing counted": {"transactionsCount": None},
    "the channel unknown": {"sourceName": None},
    "paid in another currency": {
        "presentmentCurrencyCode": "CAD",
        "transactions": [sale(1, "57.26", amountSet=bag("57.26", "USD", "80", "CAD"))],
    },
}


def test_odd_but_lawful_orders_go_through(world: ForeignWorld):
    for number, (oddity, changes) in enumerate(ODD.items(), start=100):
        odd = plain_order(number, **changes)
        world.store.orders.append(_presented(odd) if "currency" in oddity else odd)
    found = world.whole(DAY)
    assert (found.posted, found.unexplained) == (3 + len(ODD), 0), found.orders
    assert world.in_books() == {order["name"] for order in world.store.orders}


def _presented(node: Any) -> Any:
    """The order with every amount shown in Canadian dollars at twice the figure."""
    if isinstance(node, dict):
        if "shopMoney" in node:
            ours = node["shopMoney"]["amount"]
            return bag(ours, "USD", str(float(ours) * 2), "CAD")
        return {key: _presented(value) for key, value in node.items()}
    return [_presented(value) for value in node] if isinstance(node, list) else node


HELD: dict[str, tuple[dict[str, Any], str]] = {
    "status missing": ({"displayFinancialStatus": None}, "status"),
    "no lines": ({"lineItems": []}, "no line"),
    "a number too long for the ERP": ({"name": "#" + "9" * 40}, "CSTPONBR"),
    "a number beyond any": ({"name": "#" + "9" * 6_000}, "order"),
    "a control character in its number": ({"name": "#7\x007"}, "NUL"),
    "no number": ({"name": ""}, "name"),
    "an unknown gateway": ({"transactions": [sale(1, "57.26", gateway="barter")]}, "barter"),
    "no gateway": ({"transactions": [sale(1, "57.26", gateway=None)]}, "payment map"),
    "a time before the calendar": ({"createdAt": "0001-01-01T00:00:00+14:00"}, "createdAt"),
    "a time without an offset": ({"createdAt": "2026-11-19T10:00:00"}, "createdAt"),
    "no time at all": ({"updatedAt": "yesterday"}, "updatedAt"),
    "an amount that is none": ({"currentTotalPriceSet": bag("NaN")}, "currentTotalPriceSet"),
    "an amount beyond measure": ({"currentTotalPriceSet": bag("1e40")}, "currentTotalPriceSet"),
}


def test_orders_that_cannot_be_booked_are_held_alone_each_with_a_word_on_why(world: ForeignWorld):
    words: dict[str, str] = {}
    for number, (changes, word) in enumerate(HELD.values(), start=100):
        world.store.orders.append(plain_order(number, **changes))
        words[world.store.orders[-1]["id"]] = word
    found = world.whole(DAY)
    assert (found.posted, found.held, found.unexplained) == (3, len(HELD), 0), found.orders
    assert world.in_books() == {"#1", "#2", "#3"}
    for order in found.orders:
        assert words[order.order_id_store] in order.message


def test_a_shop_with_other_books_than_the_channel_is_told_before_anything_is_pulled(
    world: ForeignWorld,
):
    world.store.shop["currencyCode"] = "EUR"
    with pytest.raises(CounterfoilError, match="keeps its books in EUR, channel"):
        world.whole(DAY)
    assert "OrdersHydrate" not in world.store.asked


@pytest.mark.parametrize(("zone", "is_taken"), [("US/Eastern", True), ("America/Chicago", False)])
def test_a_shop_with_another_calendar_than_the_channel_is_told_before_anything_is_pulled(
    world: ForeignWorld, zone: str, is_taken: bool
):
    world.store.shop["ianaTimezone"] = zone
    if is_taken:
        assert world.whole(DAY).posted == 3
        return
    with pytest.raises(CounterfoilError, match=r"calendar of America/Chicago, channel\.yaml dates"):
        world.whole(DAY)
    assert "OrdersHydrate" not in world.store.asked


def test_orders_in_a_currency_that_the_company_does_not_keep_are_held(world: ForeignWorld):
    world.store.shop["currencyCode"] = "EUR"
    world.store.orders[:] = [
        json.loads(json.dumps(order).replace('"USD"', '"EUR"')) for order in world.store.orders
    ]
    world.house.settings = world.house.settings.model_copy(update={"currency": "EUR"})
    found = world.whole(DAY)
    assert (found.held, found.unexplained) == (3, 0)
    assert set(held(found).values()) == {"the channel's settings name no GP currency id for EUR"}


def test_half_a_character_in_a_title_is_no_reason_to_refuse_anything(world: ForeignWorld):
    world.store.orders.append(plain_order(9))
    world.store.orders[-1]["lineItems"][0]["title"] = "Bottle \ud83d"
    found = world.whole(DAY)
    assert (found.posted, found.unexplained) == (4, 0), found.orders


def test_an_empty_window_is_proven_empty(world: ForeignWorld):
    found = world.whole(Window(DAY.start_at - timedelta(days=9), DAY.start_at - timedelta(days=8)))
    assert (found.in_store, found.is_complete) == (0, True)


def test_a_window_whose_only_order_is_held_is_complete(world: ForeignWorld):
    world.store.orders[:] = [plain_order(9, lineItems=[])]
    found = world.whole(DAY)
    assert (found.in_store, found.held, found.is_complete) == (1, 1, True)


def test_a_window_whose_only_order_cannot_be_read_is_complete(world: ForeignWorld):
    world.store.orders[:] = [plain_order(9, updatedAt="yesterday")]
    found = world.whole(DAY)
    assert (found.in_store, found.held, found.is_complete) == (1, 1, True)


def test_orders_that_others_recorded_are_each_posted_held_or_left_out(
    world: ForeignWorld, shared_dir: Path
):
    found = {
        order["id"]: order for _, order in (*recorded_orders(shared_dir), *rest_orders(shared_dir))
    }
    numbers = {order["name"] for order in found.values()}
    assert len(found) > 30
    world.store.orders[:] = [plain_order(1), *found.values()]
    proven = world.whole(AGES)
    assert proven.unexplained == 0, [o for o in proven.orders if o.outcome == "unexplained"]
    assert proven.in_store == len(found) + 1
    assert "#1" in world.in_books()
    for order in proven.orders:
        assert order.order_number in numbers
        assert order.message
        assert "Traceback" not in order.message


# -- what people narrow a run to -----------------------------------------------------------------


@pytest.mark.parametrize("typed", ["#2", "2", " 2 ", "#02"])
@pytest.mark.parametrize("spelt", ["#2", "2"])
def test_an_order_is_found_by_its_number_with_and_without_the_hash(
    world: ForeignWorld, typed: str, spelt: str
):
    world.store.orders[1]["name"] = spelt
    run = {"kind": RunType.MANUAL, "order_numbers": (typed,)}
    if typed == "#02":
        with pytest.raises(CounterfoilError, match="no order #02"):
            world.whole(DAY, **run)  # type: ignore[arg-type]
        return
    found = world.whole(DAY, **run)  # type: ignore[arg-type]
    assert (found.in_store, found.posted) == (1, 1)
    assert world.in_books() == {spelt}


@pytest.mark.parametrize("number", ["O'Neil \\ 7", 'a "b" (c)', "№ Ä-77/β", "x AND y:1 OR z"])
def test_a_number_of_any_characters_is_found(world: ForeignWorld, number: str):
    world.store.orders[1]["name"] = number
    found = world.whole(DAY, kind=RunType.MANUAL, order_numbers=(number,))
    assert (found.in_store, found.posted) == (1, 1)


def test_statuses_narrow_a_window_and_a_list_of_numbers(world: ForeignWorld):
    world.store.orders[0].update(displayFinancialStatus="PENDING")
    window = world.whole(DAY, "a", statuses=("paid",))
    assert (window.in_store, window.posted) == (2, 2)
    both = {"order_numbers": ("2", "#3"), "statuses": ("paid",)}
    assert world.whole(DAY, "b", **both).in_store == 2
    with pytest.raises(CounterfoilError, match=r"no order 1 .* with status paid"):
        world.whole(DAY, "c", order_numbers=("1",), statuses=("paid",))


@pytest.mark.parametrize(
    "narrowed",
    [
        {},
        {"order_numbers": ("2",)},
        {"statuses": ("paid",)},
        {"order_numbers": ("#2",), "statuses": ("paid", "refunded")},
    ],
)
def test_a_dry_run_shows_what_a_narrowed_run_would_post_and_posts_nothing(
    world: ForeignWorld, narrowed: dict[str, Any]
):
    _, batch = world.land(DAY, "dry", RunType.MANUAL, **narrowed)
    orders.validate(world.house, batch, dry_run=True)
    planned = dry_run.plan_batch(world.house, batch)
    shown = {prepared.document.order_number for prepared in planned.documents}
    assert shown == ({"#2"} if "order_numbers" in narrowed else {"#1", "#2", "#3"})
    assert world.in_books() == set()
