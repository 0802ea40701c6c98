"""A store whose search index shows an update late: the next live run takes what this one missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests

from include.domain.window import Window
from include.pipelines.runs import RunType
from local.postgres import EmbeddedPostgres
from tests.integration.world import World, day, open_world

FIRST = day(1)
SECOND = Window(FIRST.end_at, FIRST.end_at + timedelta(days=1))


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=20) as opened:
        yield opened


def place_late(world: World) -> str:
    """Place an order half an hour before the day's end that the index does not show yet."""
    world.sandbox.settings.index_lag_seconds = 3600
    order = {"case": "ordinary", "at": (FIRST.end_at - timedelta(minutes=30)).isoformat()}
    answer = requests.post(f"{world.store_url}/__sandbox__/orders", json=order, timeout=10)
    name: str = answer.json()["name"]
    return name


def is_booked(world: World, number: str) -> bool:
    return bool(world.books("select 1 from sales_documents where cstponbr = :n", n=number))


def test_the_next_live_run_posts_what_the_index_showed_too_late(world: World) -> None:
    late = place_late(world)
    blind = world.whole(FIRST, "first", kind=RunType.SCHEDULED)
    assert blind.is_complete
    assert not is_booked(world, late)
    world.sandbox.settings.index_lag_seconds = 0
    following = world.whole(SECOND, "second", kind=RunType.SCHEDULED)
    assert following.is_complete
    assert is_booked(world, late)
    again = world.whole(FIRST, "first again", kind=RunType.SCHEDULED)
    assert again.is_complete
    assert again.in_store == blind.in_store + 1


def test_a_backfill_takes_the_days_that_were_chosen_and_no_hour_before_them(world: World) -> None:
    late = place_late(world)
    world.sandbox.settings.index_lag_seconds = 0
    world.whole(SECOND, "second")
    assert not is_booked(world, late)
