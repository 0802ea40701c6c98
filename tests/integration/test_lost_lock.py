"""A poster that loses the connection of its lock is not alone any more and sends no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from include.domain.document import PreparedDocument, RemoteDocument
from include.domain.errors import RemoteUnavailable
from include.pipelines import documents, orders
from include.pipelines.house import House
from local.postgres import EmbeddedPostgres
from tests.integration.world import World, day, open_world


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=20) as opened:
        yield opened


class EndsTheLock:
    """The ERP; with the first document somebody ends the session that holds the lock."""

    def __init__(self, world: World) -> None:
        self._erp: Any = world.house.erp
        self._engine = world.house.engine
        self.sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._erp, name)

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        self.sent += 1
        with self._engine.connect() as connection:
            connection.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
                    " and database = (select oid from pg_database where datname = "
                    "current_database()) and pid <> pg_backend_pid()"
                )
            )
        remote: RemoteDocument = self._erp.post(prepared)
        return remote


def test_a_poster_without_its_lock_stops_and_the_next_one_goes_on(world: World) -> None:
    run = world.run(day(1))
    batch, _ = world.pull(run)
    orders.validate(world.house, batch)
    orders.load(world.house, batch)
    erp = EndsTheLock(world)
    own = world.house
    house = House(own.settings, own.engine, own.clock, own.open_store, lambda: erp)  # type: ignore[arg-type,return-value]
    todo = list(orders.orders_to_post(house, batch, run))

    with pytest.raises(RemoteUnavailable):
        documents.post(house, todo, batch)

    kinds = {kind for (kind,) in world.ask("select distinct kind from erp_document")}
    assert kinds == {"sales_order"}
    assert erp.sent == len(world.ask("select 1 from erp_document"))
    assert world.whole(day(1), "r2").is_complete
    assert world.ask("select 1 from erp_document where kind = 'invoice' limit 1")
