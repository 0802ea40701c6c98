"""An ERP that takes nothing is the system's fault and says so; one busy document is an order's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.domain.errors import RemoteUnavailable
from local.postgres import EmbeddedPostgres
from tests.integration.world import World, day, open_world

YESTERDAY = day(1)
IN_USE = 2079


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=40) as opened:
        yield opened


def strike(world: World, times: int) -> None:
    """Let the company answer that documents are in use."""
    with world.gp.begin() as gp:
        gp.exec_driver_sql(
            f"select sandbox_fault_add('taSopHdrIvcInsert', 'error', {IN_USE}, times => {times})"
        )


def test_an_erp_that_takes_nothing_fails_the_step_though_some_orders_need_nothing_of_it(
    world: World,
) -> None:
    strike(world, times=9_999)
    with pytest.raises(RemoteUnavailable, match="in use"):
        world.whole(YESTERDAY)
    held = "select count(*) from quarantine where reason_class = 'erp_busy' and state = 'open'"
    ((waiting,),) = world.ask(held)
    assert int(str(waiting)) > 10
    with world.gp.begin() as gp:
        gp.exec_driver_sql("select sandbox_faults_clear()")
    found = world.whole(YESTERDAY, "r2")
    assert found.is_complete
    assert found.posted >= int(str(waiting))
    assert world.ask(held) == [(0,)]


def test_a_document_that_somebody_has_open_is_held_and_all_others_are_posted(world: World) -> None:
    strike(world, times=1)
    found = world.whole(YESTERDAY)
    assert found.is_complete
    assert found.held_by_reason["erp_busy"] == 1
    assert found.posted > 10


def test_a_document_that_somebody_keeps_open_fails_no_quiet_window(
    world: World,
) -> None:
    strike(world, times=1)
    world.whole(YESTERDAY)
    strike(world, times=9_999)
    with world.house.engine.begin() as connection:
        connection.exec_driver_sql(
            "update quarantine set state = 'closed', closed_at = now(), closed_by = 'test'"
            " where reason_class <> 'erp_busy'"
        )
    quiet = world.whole(day(30), "quiet")
    assert quiet.is_complete
    assert world.ask(
        "select tries from quarantine where reason_class = 'erp_busy' and state = 'open'"
    ) == [(2,)]
