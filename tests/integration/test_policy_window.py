"""A channel's policy at work on a whole window: approval, shipments, closed periods."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from include.connectors.stores.shopify.sandbox import amend
from include.pipelines import documents, orders
from include.pipelines.proof import prove
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


def choose(world: World, **policy: object) -> None:
    chosen = PolicySettings.model_validate(policy)
    world.house.settings = world.house.settings.model_copy(update={"policy": chosen})


def held(world: World, *reasons: str) -> list[held_orders.HeldOrder]:
    wanted = held_orders.Wanted(reason_classes=reasons, severity="critical")
    with world.house.engine.connect() as connection:
        return held_orders.find(connection, wanted, NOW, limit=500)


def count(world: World, soptype: int) -> int:
    return world.books(
        "select count(*) from sales_documents where soptype = :t and voidstts = 0", t=soptype
    )[0][0]  # type: ignore[return-value]


def test_nothing_is_posted_before_a_person_approved_it_and_a_dearer_edit_asks_again(
    world: World,
) -> None:
    choose(world, approval="required")
    proof = world.whole(YESTERDAY)
    waiting = held(world, "approval")
    assert proof.is_complete
    assert proof.held_by_reason["approval"] == len(waiting) > 0
    assert world.books("select 1 from sales_documents") == []
    assert all(row.can_be_released for row in waiting)
    with world.house.engine.begin() as connection:
        for row in waiting:
            assert desk.release(connection, row.quarantine_id, actor="ada", reason="looked at")
    assert world.whole(YESTERDAY, "r2").is_complete
    elsewhere = {row.order_id_store for row in held(world)} & {r.order_id_store for r in waiting}
    assert held(world, "approval") == []
    assert count(world, 2) == len(waiting) - len(elsewhere)

    first = next(row for row in waiting if row.order_id_store not in elsewhere)
    assert released(world, first) == [("ada", "order_approved", first.amount)]
    make_dearer(world, first.order_number)
    again = ReplayOf(order_numbers=(first.order_number,))
    post_afresh(world, first.order_number, first.order_id_store)
    (dearer,) = held(world, "approval")
    assert "has become dearer" in dearer.message
    with world.house.engine.begin() as connection:
        # Whoever still looks at the old total has not seen what they would approve.
        unseen = desk.release(
            connection, dearer.quarantine_id, actor="ada", reason="old", seen=first.amount
        )
        assert not unseen
        assert desk.release(
            connection, dearer.quarantine_id, actor="ada", reason="fine", seen=dearer.amount
        )
    assert replay(world.house, "r4", again).closed == 1
    assert released(world, first)[-1][2] == dearer.amount > first.amount


def released(world: World, row: held_orders.HeldOrder) -> list[tuple[object, ...]]:
    return world.ask(
        "select actor, after ->> 'rule', (after ->> 'total')::numeric from log_audit"
        " where action = 'released' and key ->> 'order_id_store' = :order order by audit_id",
        order=row.order_id_store,
    )


def make_dearer(world: World, number: str) -> None:
    order = world.store.by_name(number)
    line = next(line for line in order.lines if line.current)
    line.quantity += 1
    amend.settle(order, world.store.ids, NOW - timedelta(hours=1))
    world.store.put(order)


def post_afresh(world: World, number: str, order_id: str) -> None:
    """Pull and post one order by its number."""
    run = world.run(day(0), f"again {number}", order_numbers=(number,))
    batch, _ = world.pull(run)
    orders.validate(world.house, batch)
    orders.load(world.house, batch)
    documents.post(world.house, [order_id], batch)


def test_a_channel_that_bills_on_shipment_bills_what_was_handed_over_and_proves_it(
    world: World,
) -> None:
    choose(world, invoice="on_shipment")
    assert world.whole(YESTERDAY).is_complete
    assert count(world, 2) > count(world, 3) > 0
    ((ordered, paid),) = world.books(
        "select sum(docamnt), sum(pymtrcvd) from sop10100 where soptype = 2"
    )
    assert Decimal(0) < paid <= ordered  # type: ignore[operator]
    again = world.whole(YESTERDAY, "r2")
    assert (again.is_complete, again.unexplained) == (True, 0)


@pytest.mark.parametrize("choice", ["hold", "next_open"])
def test_documents_of_a_closed_period_wait_or_are_posted_on_the_next_open_day(
    world: World, choice: str
) -> None:
    choose(world, closed_period=choice)
    close(world, 1)
    assert world.whole(YESTERDAY).is_complete
    if choice == "hold":
        waiting = held(world, "closed_period")
        assert waiting
        assert "open the period of November 2026" in waiting[0].message
        assert count(world, 3) == 0
        close(world, 0)
        assert world.whole(YESTERDAY, "r2").is_complete
        assert held(world, "closed_period") == []
        assert count(world, 3) > 0
        return
    rows = world.books("select distinct bachnumb from sop10100 where soptype = 3")
    assert rows == [("SHOP20261201",)]
    ((dated,),) = world.books("select max(docdate)::text from sop10100 where soptype = 3")
    assert dated < "2026-12-01"  # type: ignore[operator]
    with world.gp.begin() as connection:
        connection.execute(text("select gp_post_batch('SHOP20261201')"))
    dates = world.books("select distinct glpostdt::text from sop30200 where soptype = 3")
    assert dates == [("2026-12-01",)]


def close(world: World, closed: int) -> None:
    with world.gp.begin() as connection:
        connection.execute(
            text(
                "update sy40100 set closed = :closed where series = 3 and perioddt = '2026-11-01'"
            ),
            {"closed": closed},
        )


def test_money_that_comes_after_gp_posted_the_invoice_is_received_and_proven(world: World) -> None:
    choose(world, invoice="on_shipment")
    world.whole(YESTERDAY)
    ((number, order_id),) = world.ask(
        "select order_number, order_id_store from staged_order where channel = 'shopify_gp'"
        " and financial_status = 'pending' and current_total > 0 and cancelled_at is null"
        " and order_id_store not in (select order_id_store from quarantine where state = 'open')"
        " order by 1 limit 1"
    )
    order = world.store.by_name(str(number))
    amend.fulfill(order, world.store.ids, NOW - timedelta(hours=3))
    world.store.put(order)
    post_afresh(world, str(number), str(order_id))
    assert invoice_of(world, str(number)) == [("work", order.outstanding.shop, 0)]
    post_batches(world)
    amend.settle(order, world.store.ids, NOW - timedelta(hours=1))
    world.store.put(order)
    post_afresh(world, str(number), str(order_id))
    ((place, billed, paid),) = invoice_of(world, str(number))
    assert (place, paid) == ("history", 0)
    assert world.books("select sum(ortrxamt), sum(curtrxam) from rm10201") == [(billed, 0)]
    run = world.run(YESTERDAY, "r9")
    batch, selection = world.pull(run)
    assert prove(world.house, run, selection, batch).is_complete


def invoice_of(world: World, number: str) -> list[tuple[object, ...]]:
    return world.books(
        "select place, docamnt, pymtrcvd from sales_documents where soptype = 3 and cstponbr = :n",
        n=number,
    )


def post_batches(world: World) -> None:
    with world.gp.begin() as connection:
        connection.execute(text("select gp_post_batch(bachnumb) from sy00500"))


def test_short_orders_are_billed_as_far_as_stock_goes_and_further_by_whatever_run_comes_next(
    world: World,
) -> None:
    choose(world, short_stock="split")
    have(world, 1)
    proof = world.whole(YESTERDAY)
    assert [o for o in proof.orders if o.outcome.value == "unexplained"] == []
    assert proof.is_complete
    parts = "select count(*) from sales_documents where soptype = 3 and origtype = 2"
    ((first,),) = world.books(parts)
    ((open_, waiting),) = world.books(
        "select count(*) filter (where qtyprinv > 0), count(*) filter (where qtytbaor > 0)"
        " from sop10200 where soptype = 2"
    )
    assert first > 0  # type: ignore[operator]
    assert open_ > 0  # type: ignore[operator]
    assert waiting > 0  # type: ignore[operator]
    have(world, 5000)
    world.whole(day(3), "another window")
    assert world.books("select 1 from sop10200 where soptype = 2 and qtytbaor > 0") == []
    assert world.books("select 1 from sop10200 where soptype = 2 and qtyprinv > 0") == []
    ((more,),) = world.books(parts)
    assert more > first  # type: ignore[operator]
    again = world.whole(YESTERDAY, "r3")
    assert (again.is_complete, again.back_ordered) == (True, 0)


def have(world: World, units: int) -> None:
    """Let the company have so many units of everything free, wherever it keeps it."""
    with world.gp.begin() as connection:
        connection.execute(
            text("update iv00102 set qtyonhnd = atyalloc + :units"), {"units": units}
        )
