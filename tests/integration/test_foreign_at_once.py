"""Runs at the same time, and windows at awkward times, against the foreign store."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.domain.window import Window
from include.pipelines.house import House
from include.pipelines.runs import RunType
from local.postgres import EmbeddedPostgres
from tests.contract.foreign_orders import plain_order
from tests.contract.foreign_store import ForeignStore
from tests.integration.foreign_world import ForeignWorld, open_foreign_world
from tests.integration.test_foreign_window import DAY

HOUR = timedelta(hours=1)


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[ForeignWorld]:
    store = ForeignStore([plain_order(number) for number in range(1, 41)])
    with open_foreign_world(postgres_server, staging_url, store) as opened:
        yield opened


def beside(world: ForeignWorld, **settings: object) -> ForeignWorld:
    """The same world with connections of its own, as another worker has it."""
    house = world.house
    changed = house.settings.model_copy(update=settings)
    own = House(changed, house.engine, house.clock, house.open_store, house.open_erp)
    return replace(world, house=own)


def documents_in(world: ForeignWorld) -> list[tuple[object, ...]]:
    return world.books("select soptype, cstponbr from sales_documents order by 1, 2")


def test_runs_of_one_window_side_by_side_post_each_order_once(world: ForeignWorld):
    kinds = (RunType.BACKFILL, RunType.BACKFILL, RunType.MANUAL)
    with ThreadPoolExecutor(len(kinds)) as workers:
        found = list(
            workers.map(
                lambda job: beside(world).whole(DAY, f"r{job[0]}", job[1]), enumerate(kinds)
            )
        )
    assert [(proof.posted, proof.unexplained) for proof in found] == [(40, 0)] * 3
    documents = documents_in(world)
    assert len(documents) == len(set(documents)) == 80


def test_two_channels_at_once_do_not_mix_their_orders(world: ForeignWorld):
    with ThreadPoolExecutor(2) as workers:
        ours = workers.submit(beside(world).land, DAY, "a")
        theirs = workers.submit(beside(world, name="another").land, DAY, "b")
        first, second = ours.result()[1], theirs.result()[1]
    assert first != second
    with world.house.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "select b.channel, count(*) from landing_batch b join landing_order o using (batch_id)"
            " group by 1 order by 1"
        ).all()
    assert rows == [("another", 40), ("shopify_gp", 40)]


@pytest.mark.parametrize(
    ("zone", "placed_at", "booked_on"),
    [
        ("America/New_York", "2026-11-01T03:59:59Z", "2026-10-31"),
        ("America/New_York", "2026-11-01T05:30:00Z", "2026-11-01"),
        ("America/New_York", "2026-11-01T06:30:00Z", "2026-11-01"),
        ("America/New_York", "2026-11-02T04:59:59Z", "2026-11-01"),
        ("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08"),
        ("Pacific/Kiritimati", "2026-11-18T10:00:00Z", "2026-11-19"),
        ("Pacific/Pago_Pago", "2026-11-19T10:59:59Z", "2026-11-18"),
        ("Asia/Kathmandu", "2026-11-18T18:14:59Z", "2026-11-18"),
    ],
)
def test_documents_are_dated_by_the_calendar_of_the_shop(
    world: ForeignWorld, zone: str, placed_at: str, booked_on: str
):
    world.store.shop["ianaTimezone"] = zone
    world.store.orders[:] = [plain_order(1, createdAt=placed_at, updatedAt=placed_at)]
    start = datetime.fromisoformat(placed_at).astimezone(UTC).replace(minute=0, second=0)
    found = beside(world, time_zone=zone).whole(Window(start, start + HOUR))
    assert (found.in_store, found.posted) == (1, 1), found.orders
    ((day,),) = world.books("select docdate from sop30200 where soptype = 2 limit 1")
    assert str(day)[:10] == booked_on


def test_hours_over_the_change_of_clocks_own_each_order_once(world: ForeignWorld):
    start = datetime(2026, 11, 1, 3, tzinfo=UTC)
    world.store.orders[:] = []
    for quarter in range(5 * 4):
        at = (start + quarter * timedelta(minutes=15)).isoformat().replace("+00:00", "Z")
        world.store.orders.append(plain_order(quarter + 1, createdAt=at, updatedAt=at))
    found = [
        world.whole(Window(start + n * HOUR, start + (n + 1) * HOUR), f"h{n}") for n in range(5)
    ]
    assert [(proof.in_store, proof.posted) for proof in found] == [(4, 4)] * 5
    assert len(world.in_books()) == 20


def test_a_run_right_now_leaves_the_unsettled_minutes_to_the_next(world: ForeignWorld):
    now = world.clock.at
    world.store.orders[:] = [
        plain_order(1, createdAt=(now - HOUR).isoformat(), updatedAt=(now - HOUR).isoformat()),
        plain_order(2, createdAt=now.isoformat(), updatedAt=now.isoformat()),
    ]
    today = Window(now.replace(hour=0, minute=0), now.replace(hour=0, minute=0) + 24 * HOUR)
    first = world.whole(today, "now", RunType.MANUAL)
    assert (first.in_store, first.posted, first.is_complete) == (1, 1, True)
    assert first.window.end_at == now - timedelta(minutes=5)
    world.clock.at = today.end_at + HOUR
    live = world.whole(today, "live", RunType.SCHEDULED)
    assert (live.in_store, live.posted, live.is_complete) == (2, 2, True)
    assert world.in_books() == {"#1", "#2"}


def test_a_window_that_has_not_begun_is_proven_empty(world: ForeignWorld):
    tomorrow = Window(world.clock.at + 24 * HOUR, world.clock.at + 48 * HOUR)
    found = world.whole(tomorrow, kind=RunType.MANUAL)
    assert (found.in_store, found.is_complete) == (0, True)


def test_live_windows_take_updates_that_come_at_their_very_edges(world: ForeignWorld):
    edges = [DAY.start_at, DAY.start_at - timedelta(minutes=5), DAY.end_at - timedelta(minutes=5)]
    world.store.orders[:] = [
        plain_order(n, createdAt="2026-11-01T00:00:00Z", updatedAt=at.isoformat())
        for n, at in enumerate(edges, start=1)
    ]
    first = world.whole(DAY, "d1", RunType.SCHEDULED)
    second = world.whole(Window(DAY.end_at, DAY.end_at + 24 * HOUR), "d2", RunType.SCHEDULED)
    assert (first.in_store, second.in_store) == (2, 1)
    assert len(world.in_books()) == 3
