"""A copy that somebody makes in GP is found, and once it is voided the window is whole again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from include.domain.proof import WindowProof
from include.domain.verdict import Finding
from include.pipelines import proof
from include.staging import quarantine
from local.postgres import EmbeddedPostgres
from tests.integration.world import World, day, open_world

YESTERDAY = day(1)
COPY = "TWIN"


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=40) as opened:
        opened.whole(YESTERDAY)
        yield opened


def copy_of_an_invoice(world: World) -> tuple[str, str]:
    """Copy an invoice as a person in the client may; return the order and the invoice's number."""
    ((original, number),) = world.books(
        "select sopnumbe, cstponbr from sop10100 where soptype = 3 and docamnt > 0"
        " order by sopnumbe limit 1"
    )
    with world.gp.begin() as gp:
        gp.exec_driver_sql(
            f"create temporary table twin as select * from sop10100 where sopnumbe = '{original}'"
        )
        gp.exec_driver_sql(f"update twin set sopnumbe = '{COPY}', dex_row_id = 999999")
        gp.exec_driver_sql("insert into sop10100 overriding system value select * from twin")
    return str(number), str(original)


def void(world: World, sopnumbe: str) -> None:
    with world.gp.begin() as gp:
        gp.exec_driver_sql(f"update sop10100 set voidstts = 1 where sopnumbe = '{sopnumbe}'")


def prove_again(world: World) -> WindowProof:
    run = world.run(YESTERDAY, "again")
    selection = run.selection(world.house.settings, world.house.clock.now())
    ((batch,),) = world.ask("select max(batch_id) from landing_batch")
    return proof.prove(world.house, run, selection, int(str(batch)))


def unexplained(found: WindowProof) -> dict[str, str]:
    return {o.order_number: o.reason for o in found.orders if o.outcome == "unexplained"}


def test_a_copy_is_found_and_once_it_is_voided_nothing_is_unexplained(world: World) -> None:
    number, _ = copy_of_an_invoice(world)
    found = prove_again(world)
    assert (unexplained(found), found.doubled) == ({number: "doubled"}, 1)
    void(world, COPY)
    found = prove_again(world)
    assert (unexplained(found), found.doubled) == ({}, 0)


def test_a_copy_does_not_stand_in_for_the_document_that_was_sent(world: World) -> None:
    number, original = copy_of_an_invoice(world)
    void(world, original)
    assert unexplained(prove_again(world)) == {number: "voided"}


def test_a_document_that_nobody_sent_is_found_until_it_is_voided(world: World) -> None:
    skipped = next(o for o in prove_again(world).orders if o.outcome == "skipped")
    _, original = copy_of_an_invoice(world)
    with world.gp.begin() as gp:
        gp.exec_driver_sql(
            f"update sop10100 set cstponbr = '{skipped.order_number}' where sopnumbe = '{COPY}'"
        )
    assert original != COPY
    assert unexplained(prove_again(world)) == {skipped.order_number: "unknown_document"}
    void(world, COPY)
    assert unexplained(prove_again(world)) == {}


def test_a_posting_that_broke_off_is_in_doubt_unless_its_order_is_held_for_it(
    world: World,
) -> None:
    ((number, order_id),) = world.ask(
        "select order_number, order_id_store from erp_document where kind = 'invoice'"
        " order by order_number limit 1"
    )
    with world.house.engine.begin() as staging:
        staging.execute(
            text(
                "update erp_document set state = 'sending', remote_state = null"
                " where order_id_store = :order_id and kind = 'invoice'"
            ),
            {"order_id": order_id},
        )
    assert unexplained(prove_again(world)) == {number: "in_doubt"}
    busy = Finding(str(order_id), str(number), "erp_busy", "erp_available", "the ERP was busy")
    with world.house.engine.begin() as staging:
        quarantine.record(staging, world.house.channel, [busy], owner="owner", batch_id=1)
    found = prove_again(world)
    assert unexplained(found) == {}
    assert number in {o.order_number for o in found.orders if o.outcome == "held"}
