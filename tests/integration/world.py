"""A whole channel for a test: a store on a port, company and staging in PostgreSQL, no fakes.

Nothing is patched. The store and the company are the sandboxes, reached as any other would be.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import requests
import sqlalchemy
from pydantic import SecretStr
from sqlalchemy import text

from include.connectors import registry
from include.connectors.erps.dynamics_gp.sandbox.company import install, seed
from include.connectors.erps.dynamics_gp.sandbox.shop_company import company_catalog
from include.connectors.stores.shopify.sandbox.faults import Fault
from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import Sandbox, create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState
from include.connectors.stores.shopify.sandbox.timeline import Clock
from include.domain.proof import WindowProof
from include.domain.window import Selection, Window
from include.pipelines import documents, orders, proof
from include.pipelines.house import House
from include.pipelines.runs import Run, RunType
from include.sandbox.shop import shop_assortment
from include.settings.channel import load_channel, load_seeds
from include.staging import engine as staging
from include.staging import mapping
from include.transport.connection import ConnectionFacts
from local.postgres import EmbeddedPostgres

UNTIL = date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
TOKEN = "shpat_sandbox"


class FixedClock:
    """A clock that stands still."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def day(number: int) -> Window:
    """The n-th complete day before the store's last one, 1 being the latest."""
    start = datetime.combine(UNTIL - timedelta(days=number), datetime.min.time(), tzinfo=UTC)
    return Window(start, start + timedelta(days=1))


@dataclass
class World:
    house: House
    store: StoreState
    sandbox: Sandbox
    store_url: str
    staging_url: str
    gp_url: str

    @property
    def gp(self) -> sqlalchemy.Engine:
        return sqlalchemy.create_engine(self.gp_url, poolclass=sqlalchemy.NullPool)

    def books(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Ask the company's own tables."""
        with self.gp.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def ask(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Ask staging."""
        with self.house.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def fault(self, kind: str, **more: object) -> None:
        """Switch on a fault of the store."""
        self.sandbox.faults.add(Fault(kind, **more))  # type: ignore[arg-type]

    def run(
        self, window: Window, run_id: str = "r1", kind: RunType = RunType.BACKFILL, **more: object
    ) -> Run:
        return Run(run_id, kind, window, **more)  # type: ignore[arg-type]

    def pull(self, run: Run) -> tuple[int, Selection]:
        selection = run.selection(self.house.settings, self.house.clock.now())
        return orders.pull(self.house, run, selection), selection

    def whole(self, window: Window, run_id: str = "r1", **more: object) -> WindowProof:
        """Run the five steps of the DAG on one window."""
        run = self.run(window, run_id, **more)  # type: ignore[arg-type]
        batch, selection = self.pull(run)
        orders.validate(self.house, batch)
        orders.load(self.house, batch)
        documents.post(self.house, orders.orders_to_post(self.house, batch, run), batch)
        return proof.prove(self.house, run, selection, batch)


def open_house(staging_url: str, gp_url: str, store_url: str, clock: FixedClock) -> House:
    """Put the channel together as the composition root does, without Airflow."""
    settings = load_channel("shopify_gp")
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)

    def open_store() -> object:
        connector = registry.store("shopify")
        facts = ConnectionFacts("store", store_url, password=SecretStr(TOKEN))
        wanted = {"reads_risk": True} | settings.store.settings
        own = registry.settings_of(connector, wanted, "test")
        return connector.create(requests.Session(), facts, own, clock=clock, sleep=time.sleep)

    def open_erp() -> object:
        connector = registry.erp("dynamics_gp")
        with engine.begin() as connection:
            rows = ((row.kind, row.key, row.value) for row in load_seeds("shopify_gp"))
            mapping.sync_seeds(connection, "shopify_gp", rows)
            maps = mapping.load(connection, "shopify_gp")
        own = registry.settings_of(connector, settings.erp.settings, "test")
        return connector.create(gp_url, own, maps)

    return House(settings, engine, clock, open_store, open_erp)  # type: ignore[arg-type]


@contextmanager
def open_world(
    server: EmbeddedPostgres,
    staging_url: str,
    *,
    seed_number: int = 1,
    days: int = 1,
    per_day: int = 80,
    sandbox: SandboxSettings | None = None,
    lively: bool = False,
) -> Iterator[World]:
    """Bring up store, company and staging for one test; a lively shop is in slow time."""
    name = f"{sqlalchemy.make_url(staging_url).database}_gp"
    server.create_database(name)
    gp_url = server.url(name)
    install(gp_url)
    seed(gp_url, company_catalog(shop_assortment()))
    shop = build_store(seed_number, days, per_day, UNTIL, NOW, lively=lively)
    if lively:
        shop.clock = Clock(lambda: NOW)
        shop.clock.slow_from(day(days).start_at)
    chosen = sandbox or SandboxSettings(bucket_size=200_000, restore_rate=20_000)
    try:
        app = create_app(shop, chosen)
        with serve_in_thread(app) as url:
            house = open_house(staging_url, gp_url, url, FixedClock())
            yield World(house, shop, app.state.sandbox, url, staging_url, gp_url)
            house.engine.dispose()
            if "erp" in house.__dict__:
                house.erp.close()  # type: ignore[attr-defined]
    finally:
        server.drop_database(name)
