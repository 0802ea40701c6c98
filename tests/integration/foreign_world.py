"""A whole channel whose store is not our sandbox but the foreign store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy
from sqlalchemy import text

from include.connectors.erps.dynamics_gp.sandbox.company import install, seed
from include.connectors.erps.dynamics_gp.sandbox.shop_company import company_catalog
from include.domain.proof import WindowProof
from include.domain.window import Window
from include.pipelines import documents, orders, proof
from include.pipelines.house import House
from include.pipelines.runs import Run, RunType
from include.sandbox.shop import shop_assortment
from local.postgres import EmbeddedPostgres
from tests.contract.foreign_store import ForeignStore, serve
from tests.integration.world import NOW, TOKEN, FixedClock, open_house


@dataclass
class ForeignWorld:
    house: House
    store: ForeignStore
    clock: FixedClock
    gp_url: str

    def books(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the company's own tables."""
        engine = sqlalchemy.create_engine(self.gp_url, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def in_books(self) -> set[str]:
        """Numbers of the orders that the company holds a sales order of."""
        return {
            str(n) for (n,) in self.books("select cstponbr from sales_documents where soptype = 2")
        }

    def run(self, window: Window, run_id: str, kind: RunType, **narrowed: object) -> Run:
        return Run(run_id, kind, window, **narrowed)  # type: ignore[arg-type]

    def land(
        self, window: Window, run_id: str, kind: RunType = RunType.BACKFILL, **narrowed: object
    ) -> tuple[Run, int]:
        """Pull and land a window."""
        run = self.run(window, run_id, kind, **narrowed)
        selection = run.selection(self.house.settings, self.clock.now())
        return run, orders.pull(self.house, run, selection)

    def whole(
        self,
        window: Window,
        run_id: str = "r1",
        kind: RunType = RunType.BACKFILL,
        **narrowed: object,
    ) -> WindowProof:
        """Run the five steps of the DAG on one window."""
        run, batch = self.land(window, run_id, kind, **narrowed)
        orders.validate(self.house, batch)
        orders.load(self.house, batch)
        documents.post(self.house, orders.orders_to_post(self.house, batch, run), batch)
        selection = run.selection(self.house.settings, self.clock.now())
        return proof.prove(self.house, run, selection, batch)


@contextmanager
def open_foreign_world(
    server: EmbeddedPostgres, staging_url: str, store: ForeignStore, now: datetime = NOW
) -> Iterator[ForeignWorld]:
    """Bring up the company and staging, and serve the store."""
    name = f"{sqlalchemy.make_url(staging_url).database}_gp"
    server.create_database(name)
    gp_url = server.url(name)
    install(gp_url)
    seed(gp_url, company_catalog(shop_assortment()))
    store.token = TOKEN
    clock = FixedClock(now)
    try:
        with serve(store) as url:
            house = open_house(staging_url, gp_url, url, clock)
            yield ForeignWorld(house, store, clock, gp_url)
            house.engine.dispose()
            if "erp" in house.__dict__:
                house.erp.close()  # type: ignore[attr-defined]
    finally:
        server.drop_database(name)
