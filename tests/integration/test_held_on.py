"""Orders that stay held over several runs: one row, one owner, one message."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from include.connectors.stores.shopify.sandbox import amend
from include.connectors.stores.shopify.sandbox.amounts import Pair
from include.connectors.stores.shopify.sandbox.book import Order
from include.domain.document import PreparedDocument, RemoteDocument
from include.domain.errors import Refused
from include.pipelines import quarantine as held_back
from include.ports.erp import Erp
from include.staging import desk, ledger, mapping, quarantine
from local.postgres import EmbeddedPostgres
from tests.integration.world import NOW, World, day, open_world

YESTERDAY = day(1)
AN_HOUR_AGO = NOW - timedelta(hours=1)


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=60) as opened:
        yield opened


class Refusing:
    """An ERP that says no to one order."""

    def __init__(self, erp: Erp, number: str) -> None:
        self._erp, self._number = erp, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._erp, name)

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        if prepared.document.order_number == self._number:
            raise Refused(f"order {self._number}: no", rule="no")
        return self._erp.post(prepared)


def paid_orders(world: World) -> list[Order]:
    return [
        order
        for order in world.store
        if order.case == "ordinary"
        and not order.refunds
        and order.cancelled_at is None
        and order.currencies.presentment == "USD"
        and sum(line.current for line in order.lines) > 1
        and not order.outstanding.shop
    ]


def rows_of(world: World, order: Order) -> list[tuple[object, ...]]:
    return world.ask(
        "select rule, state, owner, tries from quarantine where order_number = :n"
        " and severity = 'critical' order by quarantine_id",
        n=order.name,
    )


def waiting(world: World, limit: int = 1000) -> list[str]:
    with world.house.engine.connect() as connection:
        return ledger.waiting_orders(connection, world.house.channel, limit=limit)


def test_an_order_that_posting_finds_unbalanced_again_keeps_its_row_owner_and_age(
    world: World,
) -> None:
    order = paid_orders(world)[0]
    amend.remove(order, order.lines[0], 1, NOW - timedelta(hours=5))
    world.store.put(order)
    world.whole(YESTERDAY)
    ((held,),) = world.ask(
        "select quarantine_id from quarantine where order_number = :n and rule = 'payments_tie'",
        n=order.name,
    )
    with world.house.engine.begin() as connection:
        desk.assign(connection, [int(str(held))], owner="bob@example.com", actor="ada")
    told: list[held_back.Digest] = []
    held_back.tell_owners(world.house, told.append)
    assert "bob@example.com" in {digest.owner for digest in told}
    world.whole(YESTERDAY, "r2")
    assert rows_of(world, order) == [("payments_tie", "open", "bob@example.com", 2)]
    assert held_back.tell_owners(world.house, told.append) == 0


def test_a_newer_version_that_validation_holds_stays_held_and_no_older_one_is_posted(
    world: World,
) -> None:
    order = next(order for order in world.store if order.case == "unknown_gateway")
    world.whole(YESTERDAY)
    order.misstated = Pair(Decimal("0.07"), Decimal("0.07"))
    amend.touch(order, AN_HOUR_AGO)
    world.store.put(order)
    world.whole(YESTERDAY, "r2")
    assert [row[:2] for row in rows_of(world, order)] == [
        ("map_payment", "open"),
        ("totals_tie", "open"),
    ]
    gateway = order.payments[0].gateway
    with world.house.engine.begin() as connection:
        mapping.set_value(
            connection,
            world.house.channel,
            "payment",
            gateway,
            value="card:SHOPIFY PAY:SHOPIFY",
            actor="ada",
        )
    world.whole(day(30), "r3")
    assert world.books("select 1 from sop10100 where cstponbr = :n", n=order.name) == []
    assert ("totals_tie", "open") in [row[:2] for row in rows_of(world, order)]


def test_held_orders_come_before_those_that_nothing_happens_to(world: World) -> None:
    refused = paid_orders(world)[0]
    erp = world.house.erp
    world.house.__dict__["erp"] = Refusing(erp, refused.name)
    world.whole(YESTERDAY)
    world.house.__dict__["erp"] = erp
    held = [
        str(i)
        for (i,) in world.ask(
            "select order_id_store from quarantine where state = 'open' and severity = 'critical'"
            " and reason_class = 'missing_mapping'"
        )
    ]
    with world.house.engine.begin() as connection:
        connection.execute(
            text(
                "update quarantine set state = 'closed', closed_at = now(), closed_by = 'r1'"
                " where order_number = :n"
            ),
            {"n": refused.name},
        )
        connection.execute(text("update erp_document set updated_at = '2020-01-01'"))
    found = waiting(world)
    assert found[-1] == refused.gid, "begun and not posted: looked at, but last"
    assert set(waiting(world, len(held))) <= set(found[:-1])


def test_an_order_that_people_wrote_off_waits_for_nothing(world: World) -> None:
    order = paid_orders(world)[0]
    erp = world.house.erp
    world.house.__dict__["erp"] = Refusing(erp, order.name)
    world.whole(YESTERDAY)
    world.house.__dict__["erp"] = erp
    assert order.gid in waiting(world)
    ((row,),) = world.ask(
        "select quarantine_id from quarantine where order_number = :n and state = 'open'",
        n=order.name,
    )
    with world.house.engine.begin() as connection:
        quarantine.write_off(connection, int(str(row)), actor="ada", reason="booked by hand")
    assert order.gid not in waiting(world)
