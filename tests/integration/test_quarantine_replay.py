"""Held orders at work: replayed, released, written off and reopened, on real parts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from include.connectors.stores.shopify.sandbox import amend
from include.connectors.stores.shopify.sandbox.catalog import STATES
from include.connectors.stores.shopify.sandbox.people import address
from include.domain.proof import WindowProof
from include.pipelines import documents, dry_run, orders
from include.pipelines.quarantine import Replayed, ReplayOf, Source, plan_replay, replay
from include.staging import amendments, desk, held_orders, mapping, plans, privacy, quarantine
from include.staging import orders as staged
from local.postgres import EmbeddedPostgres
from tests.integration.world import NOW, World, day, open_world

YESTERDAY = day(1)
CHANNEL = "shopify_gp"
_ADDRESS = address("Ada", "Abbott", STATES[0], random.Random(1))


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=60) as opened:
        yield opened


def add_klarna(world: World) -> None:
    with world.house.engine.begin() as connection:
        mapping.set_value(
            connection,
            CHANNEL,
            "payment",
            "klarna_pay_later",
            value="card:PAYPAL:PAYPAL",
            actor="ops",
        )
    world.house.__dict__.pop("erp", None)


def held(world: World, **wanted: object) -> list[held_orders.HeldOrder]:
    with world.house.engine.connect() as connection:
        return held_orders.find(connection, held_orders.Wanted(**wanted), NOW)  # type: ignore[arg-type]


def waiting_for_klarna(world: World) -> held_orders.HeldOrder:
    (row,) = held(world, words="klarna_pay_later")
    return row


def reason_of(found: WindowProof, number: str) -> str | None:
    return next((o.reason for o in found.orders if o.order_number == number), None)


@pytest.mark.parametrize("source", list(Source))
def test_a_replay_posts_what_passes_closes_it_and_leaves_the_rest_held(
    world: World, source: Source
) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    before = {row.order_number for row in held(world, severity="critical")}
    add_klarna(world)
    done = replay(world.house, "replay-1", ReplayOf(source=source))
    after = {row.order_number for row in held(world, severity="critical")}
    assert before - after == {waiting.order_number}
    assert done.documents >= 1
    assert done.closed >= 1
    assert done.held == len({row.order_number for row in held(world)})
    booked = world.books(
        "select soptype from sales_documents where cstponbr = :n and soptype = 2",
        n=waiting.order_number,
    )
    assert booked == [(2,)]
    again = replay(world.house, "replay-2", ReplayOf(source=source))
    assert (again.documents, again.closed) == (0, 0)
    assert world.whole(YESTERDAY, "r2").is_complete


def test_a_replay_is_narrowed_by_reason_by_age_and_by_number(world: World) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    add_klarna(world)
    nothing = Replayed()
    world.ask("select 1")
    assert replay(world.house, "a", ReplayOf(reason_classes=("duplicate",))) == nothing
    with world.house.engine.begin() as connection:
        connection.exec_driver_sql(
            f"update quarantine set first_seen_at = '{NOW - timedelta(days=9, hours=1)}'"
            f" where order_number = '{waiting.order_number}'"
        )
    assert replay(world.house, "b", ReplayOf(min_days=10, max_days=20)) == nothing
    assert replay(world.house, "c", ReplayOf(order_numbers=("4711",))) == nothing
    number = waiting.order_number.removeprefix("#")
    done = replay(world.house, "d", ReplayOf(order_numbers=(number,), min_days=9, max_days=9))
    assert (done.orders, done.closed, done.held) == (1, 1, 0)
    assert done.documents >= 1


def test_an_order_that_was_mended_in_the_store_passes_at_its_replay(world: World) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    order = world.store.by_name(waiting.order_number)
    for payment in order.payments:
        payment.gateway = "paypal"
    amend.touch(order, NOW - timedelta(hours=1))
    world.store.put(order)
    chosen = ReplayOf(order_numbers=(waiting.order_number,))
    assert replay(world.house, "replay", chosen).closed == 1


def test_an_order_the_store_no_longer_has_is_read_from_landing_and_blocks_nobody(
    world: World,
) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    with world.house.engine.begin() as connection:
        connection.exec_driver_sql(
            "update quarantine set order_number = '#999999'"
            f" where order_number = '{waiting.order_number}'"
        )
    add_klarna(world)
    done = replay(world.house, "replay", ReplayOf(reason_classes=("missing_mapping",)))
    assert done.missing == 0
    assert done.documents >= 1
    assert "klarna" not in str([row.message for row in held(world)])


def test_marked_orders_are_replayed_and_lose_their_mark(world: World) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    with world.house.engine.begin() as connection:
        assert desk.mark_replay(connection, [waiting.quarantine_id], actor="ada") == 1
    done = replay(world.house, "replay", ReplayOf(marked=True))
    assert (done.orders, done.held) == (1, 1)
    assert held(world, marked=True) == []
    with world.house.engine.connect() as connection:
        (asked,) = held_orders.audit(connection, CHANNEL, waiting.order_id_store)
    assert (asked.actor, asked.action) == ("ada", "replay asked")


def test_what_was_written_off_is_left_out_until_it_is_reopened(world: World) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    with world.house.engine.begin() as connection:
        quarantine.write_off(
            connection, waiting.quarantine_id, actor="ada", reason="booked by hand"
        )
    add_klarna(world)
    found = world.whole(YESTERDAY, "r2")
    (left_out,) = [o for o in found.orders if o.order_number == waiting.order_number]
    assert found.is_complete
    assert (left_out.outcome, left_out.reason) == ("skipped", "written_off")
    assert left_out.message == "written off by ada: booked by hand"
    assert (
        world.books("select 1 from sales_documents where cstponbr = :n", n=waiting.order_number)
        == []
    )
    with world.house.engine.begin() as connection:
        for expected in (True, False):
            assert expected is desk.reopen(
                connection, CHANNEL, waiting.order_id_store, actor="ada", reason="it was not"
            )
    again = world.whole(YESTERDAY, "r3")
    assert again.is_complete
    assert reason_of(again, waiting.order_number) is None


def test_an_order_written_off_by_validation_does_not_come_back(world: World) -> None:
    world.whole(YESTERDAY)
    (row,) = held(world, reason_classes=("unbalanced",), severity="critical")[:1]
    with world.house.engine.begin() as connection:
        quarantine.write_off(connection, row.quarantine_id, actor="ada", reason="a test")
    found = world.whole(YESTERDAY, "r2")
    assert found.is_complete
    assert reason_of(found, row.order_number) == "written_off"
    assert held(world, order_numbers=(row.order_number,)) == []


def test_a_rule_about_clocks_can_be_released_and_one_about_money_cannot(world: World) -> None:
    order = next(o for o in world.store if o.payments and not o.cancelled_at)
    world.whole(YESTERDAY)
    unbalanced = held(world, reason_classes=("unbalanced",))[0]
    with world.house.engine.begin() as connection:
        assert not desk.release(connection, unbalanced.quarantine_id, actor="ada", reason="no")
        connection.exec_driver_sql(
            "insert into quarantine (channel, order_id_store, order_number, rule, reason_class,"
            " severity, message, owner, batch_id, version) select channel, order_id_store,"
            " order_number, 'updated_at_not_in_future', 'value', 'critical', 'too late', 'ops',"
            f" 1, updated_at::text from staged_order where order_number = '{order.name}'"
        )
    (row,) = held(world, order_numbers=(order.name,))
    with world.house.engine.begin() as connection:
        for expected in (True, False):
            assert expected is desk.release(
                connection, row.quarantine_id, actor="ada", reason="our clock was wrong"
            )
    run = world.run(YESTERDAY, "r2")
    batch, _ = world.pull(run)
    with world.house.engine.connect() as connection:
        assert quarantine.released(connection, batch) == {
            (row.order_id_store, "updated_at_not_in_future")
        }
    orders.validate(world.house, batch)
    assert held(world, order_numbers=(order.name,)) == []


def test_a_dry_run_names_what_was_written_off(world: World) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    with world.house.engine.begin() as connection:
        quarantine.write_off(connection, waiting.quarantine_id, actor="ada", reason="by hand")
    batch, _ = world.pull(world.run(YESTERDAY, "dry"))
    orders.validate(world.house, batch, dry_run=True)
    planned = dry_run.plan_batch(world.house, batch)
    assert waiting.order_number in dict(planned.skipped)


@pytest.mark.parametrize("source", list(Source))
def test_a_dry_run_of_a_replay_shows_what_the_replay_then_posts_and_writes_only_landing(
    world: World, source: Source
) -> None:
    world.whole(YESTERDAY)
    add_klarna(world)
    waiting = waiting_for_klarna(world)
    books = world.books("select count(*) from sales_documents")
    rows = "select quarantine_id, state, tries, last_seen_at from quarantine order by 1"
    before = world.ask(rows)
    planned = plan_replay(world.house, "dry-1", ReplayOf(source=source))
    kept = dry_run.keep(world.house, "quarantine_replay", "dry-1", planned)
    assert {p.document.order_number for p in planned.documents} == {waiting.order_number}
    assert waiting.order_number not in dict(planned.held)
    assert planned.held, "what would stay held is named as well"
    assert world.ask(rows) == before
    assert world.books("select count(*) from sales_documents") == books
    with world.house.engine.connect() as connection:
        found = plans.of_run(connection, CHANNEL, "quarantine_replay", "dry-1")
        assert found is not None
        assert plans.one(connection, found.plan_id) == found
        (listed,) = plans.latest(connection)
    assert found.rows == kept.rows
    assert (listed.sends, listed.is_empty) == (len(planned.documents), False)
    done = replay(world.house, "replay-1", ReplayOf(source=source))
    assert done.documents == len(planned.documents)
    after = plan_replay(world.house, "dry-2", ReplayOf(source=source))
    assert after.documents == []


def test_a_dry_run_is_narrowed_as_the_replay_is(world: World) -> None:
    world.whole(YESTERDAY)
    add_klarna(world)
    what = ReplayOf(reason_classes=("unbalanced",))
    planned = plan_replay(world.house, "dry", what)
    assert planned.documents == []
    assert len(planned.held) == len(
        {row.order_number for row in held(world, reason_classes=("unbalanced",))}
    )


def test_an_order_that_is_gone_from_store_and_landing_stays_held_in_the_plan(world: World) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    world.store.remove(waiting.order_id_store)
    with world.house.engine.begin() as connection:
        connection.execute(
            text("DELETE FROM landing_document WHERE order_id_store = :order_id"),
            {"order_id": waiting.order_id_store},
        )
    planned = plan_replay(world.house, "dry", ReplayOf(order_numbers=(waiting.order_number,)))
    assert planned.held == [(waiting.order_number, "it is gone from the store and from landing")]


def fill_in(world: World, order_id: str, **filled: str) -> None:
    with world.house.engine.begin() as connection:
        for field, value in filled.items():
            amendments.amend(
                connection,
                CHANNEL,
                order_id,
                field=field.replace("__", "."),
                value=value,
                reason="asked on the phone",
                actor="ada",
            )


def address_in_books(world: World, number: str) -> list[tuple[object, ...]]:
    return world.books(
        "select address1, city from sop10100 where cstponbr = :n union"
        " select address1, city from sop30200 where cstponbr = :n",
        n=number,
    )


def test_what_a_person_filled_in_is_booked_and_the_stores_own_word_wins_over_it(
    world: World,
) -> None:
    order = next(o for o in world.store if o.case == "unknown_gateway")
    order.shipping_to = order.billing = None
    world.store.put(order)
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    assert waiting.order_id_store == order.gid
    place = {"shipping_address__line_1": "12 Quay St", "shipping_address__city": "Portland"}
    fill_in(world, order.gid, **place)
    add_klarna(world)
    planned = plan_replay(world.house, "dry", ReplayOf(order_numbers=(order.name,)))
    assert planned.documents[0].document.shipping_address is not None
    replay(world.house, "replay", ReplayOf(order_numbers=(order.name,)))
    assert address_in_books(world, order.name) == [("12 Quay St", "Portland")]
    assert world.whole(YESTERDAY, "r2").is_complete
    (raw,) = world.ask(
        "select count(*) from landing_document where cast(document as text) like '%12 Quay St%'"
    )
    assert raw == (0,), "the store's document stays as it came"
    with world.house.engine.connect() as connection:
        documents = staged.read_orders(connection, CHANNEL, [order.gid])
    assert documents[0][1]["shipping_address"]["line_1"] == "12 Quay St"
    order.shipping_to = {**_ADDRESS, "address1": "1 Store Rd"}
    amend.touch(order, NOW - timedelta(hours=1))
    world.store.put(order)
    world.whole(YESTERDAY, "r3")
    with world.house.engine.connect() as connection:
        documents = staged.read_orders(connection, CHANNEL, [order.gid])
        with pytest.raises(amendments.NotAmendable, match="own word"):
            amendments.amend(
                connection,
                CHANNEL,
                order.gid,
                field="shipping_address.line_1",
                value="elsewhere",
                reason="no",
                actor="ada",
            )
    assert documents[0][1]["shipping_address"]["line_1"] == "1 Store Rd"


def test_what_a_person_filled_in_is_forgotten_with_the_customer(world: World) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    fill_in(world, waiting.order_id_store, customer__company="Quay & Sons")
    with world.house.engine.begin() as connection:
        privacy.redact(connection, CHANNEL, [waiting.order_id_store], actor="ada")
    assert world.ask("select count(*) from order_amendment") == [(0,)]
    told = world.ask("select cast(after as text) from log_audit where subject = 'order_amendment'")
    assert "Quay" not in str(told)


def test_posting_does_not_touch_an_order_that_is_written_off(world: World) -> None:
    world.whole(YESTERDAY)
    waiting = waiting_for_klarna(world)
    with world.house.engine.begin() as connection:
        quarantine.write_off(connection, waiting.quarantine_id, actor="ada", reason="by hand")
    add_klarna(world)
    done = documents.post(world.house, [waiting.order_id_store], 1)
    assert (done.documents, done.skipped, done.held) == (0, 1, 0)
