"""A document that never reached the ERP ends when its order needs it no more; it may live again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from include.domain.document import DocumentKey, DocumentKind
from include.domain.verdict import Finding
from include.domain.window import Window
from include.pipelines import orders
from include.pipelines.house import House
from include.staging import ledger, quarantine
from include.staging.housekeeping import purge
from local.postgres import EmbeddedPostgres
from tests.contract.foreign_orders import bag, plain_order
from tests.contract.foreign_store import ForeignStore
from tests.integration.foreign_world import ForeignWorld, open_foreign_world
from tests.integration.test_foreign_window import DAY

CANCELLED = {
    "cancelledAt": "2026-11-19T20:00:00Z",
    "displayFinancialStatus": "VOIDED",
    "transactions": [],
    "transactionsCount": {"count": 0, "precision": "EXACT"},
    "totalReceivedSet": bag("0"),
    "netPaymentSet": bag("0"),
}


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[ForeignWorld]:
    store = ForeignStore([plain_order(1), plain_order(2)])
    with open_foreign_world(postgres_server, staging_url, store) as opened:
        yield opened


class Watched:
    """The ERP, noting what is looked up; it may hold a part of what was sent."""

    def __init__(self, erp: Any, *, holds_a_part: bool = False) -> None:
        self._erp = erp
        self._holds_a_part = holds_a_part
        self.looked_up: list[DocumentKey] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._erp, name)

    def find(self, documents: Sequence[tuple[DocumentKey, str]]) -> Any:
        self.looked_up += [key for key, _ in documents]
        return self._erp.find(documents)

    def begun(self, documents: Sequence[tuple[DocumentKey, str]]) -> frozenset[DocumentKey]:
        return frozenset(key for key, _ in documents) if self._holds_a_part else frozenset()


def watched(world: ForeignWorld, **how: bool) -> tuple[ForeignWorld, Watched]:
    house = world.house
    erp = Watched(house.erp, **how)
    own = House(house.settings, house.engine, house.clock, house.open_store, lambda: erp)  # type: ignore[arg-type,return-value]
    return replace(world, house=own), erp


def poster_died(world: ForeignWorld, *, refused: str = "", minutes_ago: int = 90) -> DocumentKey:
    """Leave what a poster leaves that dies between its commit and its call."""
    key = DocumentKey("shopify_gp", world.store.orders[0]["id"], DocumentKind.SALES_ORDER)
    entry = ledger.PlannedEntry(key, "#1", Decimal("10.00"), "USD")
    with world.house.engine.begin() as connection:
        ledger.mark_sending(connection, [entry], 1)
        if refused:
            ledger.mark_refused(connection, [(key, refused)])
        connection.execute(
            text("update erp_document set sending_at = sending_at - make_interval(mins => :m)"),
            {"m": minutes_ago},
        )
    return key


def change(world: ForeignWorld, at: str, **fields: Any) -> None:
    world.store.orders[0] = plain_order(1, updatedAt=at, **fields)


def entry(world: ForeignWorld) -> tuple[Any, ...]:
    with world.house.engine.connect() as connection:
        return tuple(
            connection.execute(
                text(
                    "select state, error, sending_at is null from erp_document"
                    " where order_number = '#1' and kind = 'sales_order'"
                )
            ).one()
        )


def waiting(world: ForeignWorld) -> list[str]:
    with world.house.engine.connect() as connection:
        return ledger.waiting_orders(connection, "shopify_gp")


def test_an_order_cancelled_before_its_document_arrived_ends_and_is_not_looked_up_again(
    world: ForeignWorld,
) -> None:
    key = poster_died(world)
    change(world, "2026-11-19T20:00:00Z", **CANCELLED)
    first, erp = watched(world)

    found = first.whole(DAY)

    assert (found.posted, found.skipped, found.unexplained) == (1, 1, 0), found.orders
    assert key in erp.looked_up
    assert entry(world) == ("refused", ledger.UNNEEDED, True)
    assert waiting(world) == []
    with world.house.engine.connect() as connection:
        assert ledger.unfinished(connection, "shopify_gp") == []


def test_a_call_that_broke_off_just_now_may_still_arrive_and_is_looked_up_again(
    world: ForeignWorld,
) -> None:
    key = poster_died(world, minutes_ago=5)
    change(world, "2026-11-19T20:00:00Z", **CANCELLED)

    world.whole(DAY)

    assert entry(world) == ("sending", None, False)
    with world.house.engine.connect() as connection:
        assert [e.key for e, _ in ledger.unfinished(connection, "shopify_gp")] == [key]


def test_an_order_that_lives_again_is_sent_anew(world: ForeignWorld) -> None:
    poster_died(world)
    change(world, "2026-11-19T20:00:00Z", **CANCELLED)
    world.whole(DAY)
    change(world, "2026-11-19T21:00:00Z")

    found = world.whole(DAY, "r2")

    assert (found.posted, found.unexplained) == (2, 0), found.orders
    assert entry(world) == ("posted", None, False)
    assert world.in_books() == {"#1", "#2"}


def test_what_the_erp_holds_in_part_is_not_given_up(world: ForeignWorld) -> None:
    key = poster_died(world)
    change(world, "2026-11-19T20:00:00Z", **CANCELLED)
    partly, _ = watched(world, holds_a_part=True)

    partly.whole(DAY)

    assert entry(world) == ("sending", None, False)
    assert waiting(world) == [key.order_id_store]


def test_an_order_that_still_needs_its_document_is_sent(world: ForeignWorld) -> None:
    poster_died(world)

    world.whole(DAY)

    assert entry(world)[0] == "posted"


def test_a_document_refused_before_its_order_was_cancelled_keeps_the_words_and_waits_no_more(
    world: ForeignWorld,
) -> None:
    key = poster_died(world, refused="the site is closed")
    assert entry(world) == ("refused", "the site is closed", False)
    change(world, "2026-11-19T20:00:00Z", **CANCELLED)

    world.whole(DAY)

    assert entry(world) == ("refused", "the site is closed", True)
    assert key.order_id_store not in waiting(world)


def test_an_order_that_was_written_off_while_it_was_sent_ends_too(world: ForeignWorld) -> None:
    _, batch = world.land(DAY, "r1")
    orders.validate(world.house, batch)
    orders.load(world.house, batch)
    key = poster_died(world)
    busy = Finding(key.order_id_store, "#1", "erp_busy", "erp_available", "it is busy")
    with world.house.engine.begin() as connection:
        quarantine.record(connection, "shopify_gp", [busy], owner="ada", batch_id=batch)
        (row,) = quarantine.open_rows(connection, "shopify_gp")
        quarantine.write_off(connection, row.quarantine_id, actor="ada", reason="booked by hand")

    world.whole(Window(DAY.end_at, DAY.end_at + timedelta(hours=1)), "r2")

    assert entry(world) == ("refused", ledger.UNNEEDED, True)
    assert waiting(world) == []
    assert world.in_books() == set()


def test_the_raw_document_of_such_an_order_goes_when_its_time_is_up(world: ForeignWorld) -> None:
    poster_died(world)
    change(world, "2026-11-19T20:00:00Z", **CANCELLED)
    world.whole(DAY)

    with world.house.engine.begin() as connection:
        connection.execute(
            text("update landing_document set landed_at = now() - interval '400 days'")
        )
        purge(connection, world.house.clock.now(), raw_days=90)

    with world.house.engine.connect() as connection:
        assert connection.scalar(text("select count(*) from landing_document")) == 0
