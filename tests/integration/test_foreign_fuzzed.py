"""A window of orders that nobody would expect never stops, and its good ones are posted."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from local.postgres import EmbeddedPostgres
from tests.contract.foreign_orders import plain_order
from tests.contract.foreign_store import ForeignStore
from tests.contract.fuzzed_orders import fuzzed, rich_order
from tests.integration.foreign_world import ForeignWorld, open_foreign_world
from tests.integration.test_foreign_window import AGES

GOOD = 25
ODD = 150


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[ForeignWorld]:
    with open_foreign_world(postgres_server, staging_url, ForeignStore([])) as opened:
        yield opened


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_good_orders_are_posted_whatever_stands_beside_them(world: ForeignWorld, seed: int):
    chance = random.Random(seed)
    good = [plain_order(10_000 + number) for number in range(GOOD)]
    odd = [
        fuzzed(
            chance.choice((plain_order, rich_order))(number), chance, chance.choice((1, 1, 2, 3))
        )
        for number in range(1, ODD + 1)
    ]
    world.store.orders[:] = chance.sample(good + odd, GOOD + ODD)
    found = world.whole(AGES)
    assert found.unexplained == 0, (seed, [o for o in found.orders if o.outcome == "unexplained"])
    assert {order["name"] for order in good} <= world.in_books(), seed
    assert all(o.message for o in found.orders), seed
    again = world.whole(AGES, "again")
    assert (again.posted, again.held) == (found.posted, found.held), seed
    later = {"updatedAt": "2026-11-20T20:00:00Z"}
    world.store.orders[:] = [
        order if order in good else fuzzed(order, chance, 1) | later for order in world.store.orders
    ]
    changed = world.whole(AGES, "changed")
    assert changed.unexplained == 0, (seed, changed.orders)
    assert {order["name"] for order in good} <= world.in_books(), seed
