"""Orders that the store warns of fraud for, on a whole window of a channel that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from include.connectors.stores.shopify.sandbox import amend
from include.pipelines.quarantine import ReplayOf, replay
from include.settings.channel import PolicySettings
from include.staging import desk, held_orders
from local.postgres import EmbeddedPostgres
from tests.integration.world import NOW, World, day, open_world

YESTERDAY = day(1)


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=30) as opened:
        yield opened


def held(world: World) -> dict[str, held_orders.HeldOrder]:
    wanted = held_orders.Wanted(reason_classes=("risk",), severity="critical")
    with world.house.engine.connect() as connection:
        rows = held_orders.find(connection, wanted, NOW, limit=500)
    return {row.order_number: row for row in rows}


def posted(world: World, number: str) -> bool:
    found = world.books("select 1 from sales_documents where cstponbr = :number", number=number)
    return bool(found)


def advise(world: World, number: str, recommendation: str) -> None:
    """Let the store think otherwise of an order, in a new version of it."""
    order = world.store.by_name(number)
    order.risk = recommendation
    amend.touch(order, NOW - timedelta(hours=1))
    world.store.put(order)


def test_a_risky_order_is_posted_once_a_person_accepts_it_or_the_store_does(world: World) -> None:
    chosen = PolicySettings.model_validate({"on_risk": "hold", "risk_from": "medium"})
    world.house.settings = world.house.settings.model_copy(update={"policy": chosen})
    proof = world.whole(YESTERDAY)
    waiting = held(world)
    assert proof.is_complete
    assert proof.held_by_reason["risk"] == len(waiting) > 1
    assert not any(posted(world, number) for number in waiting)
    first, second = sorted(waiting)[:2]
    assert all(row.can_be_released for row in waiting.values())

    with world.house.engine.begin() as connection:
        row = waiting[first].quarantine_id
        assert desk.release(connection, row, actor="ada", reason="rang the buyer")
    replay(world.house, "r2", ReplayOf(order_numbers=(first,)))
    assert posted(world, first)
    assert first not in held(world)

    advise(world, second, "ACCEPT")
    assert world.whole(YESTERDAY, "r3", order_numbers=(second,)).is_complete
    assert posted(world, second)
    assert second not in held(world)


def test_a_risk_that_grew_after_it_was_accepted_asks_again(world: World) -> None:
    chosen = PolicySettings.model_validate({"on_risk": "hold"})
    world.house.settings = world.house.settings.model_copy(update={"policy": chosen})
    world.whole(YESTERDAY)
    number, row = next(
        (number, row) for number, row in held(world).items() if row.rule == "risk_medium"
    )
    with world.house.engine.begin() as connection:
        assert desk.release(connection, row.quarantine_id, actor="ada", reason="looks fine")
    advise(world, number, "CANCEL")
    world.whole(YESTERDAY, "r2", order_numbers=(number,))
    assert not posted(world, number)
    again = held(world)[number]
    assert (again.rule, again.can_be_released) == ("risk_high", True)
