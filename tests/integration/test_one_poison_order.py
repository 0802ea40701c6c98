"""One poison order among two thousand: all others are posted in the same run."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from include.pipelines import documents, orders, proof
from include.pipelines.runs import RunType
from local.postgres import EmbeddedPostgres
from tests.contract.foreign_orders import bag, plain_order
from tests.contract.foreign_store import ForeignStore
from tests.integration.foreign_world import ForeignWorld, open_foreign_world
from tests.integration.test_foreign_window import DAY

OTHERS = 2_000
POISON: dict[str, dict[str, Any]] = {
    "an amount beyond measure": {"currentTotalPriceSet": bag("1E+999999")},
    "a number that no key takes": {"name": "#\x00"},
    "a date that no calendar has": {"createdAt": "0001-01-01T00:00:00+14:00"},
}


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[ForeignWorld]:
    store = ForeignStore([plain_order(number) for number in range(1, OTHERS + 1)])
    with open_foreign_world(postgres_server, staging_url, store) as opened:
        yield opened


def test_all_others_are_posted_in_the_same_run(world: ForeignWorld) -> None:
    # One of each kind, and one that the server itself fails to read.
    for at, changes in enumerate(POISON.values(), start=1):
        world.store.orders.insert(at * 400, plain_order(100_000 + at, **changes))
    world.store.orders.insert(777, plain_order(200_000))
    world.store.habits.unserved = frozenset({"gid://shopify/Order/200000"})
    poison = len(POISON) + 1

    run, batch = timed("pull", lambda: world.land(DAY, "r1", RunType.BACKFILL))
    timed("validate", lambda: orders.validate(world.house, batch))
    timed("load", lambda: orders.load(world.house, batch))
    todo = orders.orders_to_post(world.house, batch, run)
    timed("post", lambda: documents.post(world.house, todo, batch))
    selection = run.selection(world.house.settings, world.clock.now())
    found = timed("prove", lambda: proof.prove(world.house, run, selection, batch))

    assert (found.in_store, found.posted, found.held) == (OTHERS + poison, OTHERS, poison)
    assert found.unexplained == 0
    assert len(world.in_books()) == OTHERS


def timed(step: str, work: Callable[[], Any]) -> Any:
    """Do one step and print what it took; nothing is asserted of it."""
    began = time.perf_counter()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{step:<9} {time.perf_counter() - began:6.1f} s, peak {peak} MB with store and test")
    return result
