"""A whole channel into Heartland for a test: store and account on ports, staging in PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from pydantic import SecretStr
from sqlalchemy import text

from include.connectors import registry
from include.connectors.erps.heartland_retail.connector import HeartlandRetail
from include.connectors.erps.heartland_retail.sandbox.rig import HeartlandRig, open_rig
from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState
from include.domain.proof import WindowProof
from include.domain.window import Window
from include.pipelines import documents, orders, proof
from include.pipelines.house import House
from include.pipelines.runs import Run, RunType
from include.sandbox.rig import Ground
from include.sandbox.shop import shop_assortment
from include.settings.channel import load_channel, load_seeds
from include.staging import engine as staging
from include.staging import mapping
from include.transport.connection import ConnectionFacts
from tests.integration.world import NOW, TOKEN, UNTIL, FixedClock

CHANNEL = "shopify_heartland"


@dataclass
class HeartlandWorld:
    house: House
    store: StoreState
    rig: HeartlandRig

    @property
    def erp(self) -> HeartlandRetail:
        assert isinstance(self.house.erp, HeartlandRetail)
        return self.house.erp

    def ask(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Ask staging."""
        with self.house.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def whole(self, window: Window, run_id: str = "r1") -> WindowProof:
        """Run the five steps of the DAG on one window."""
        run = Run(run_id, RunType.BACKFILL, window)
        selection = run.selection(self.house.settings, self.house.clock.now())
        batch = orders.pull(self.house, run, selection)
        orders.validate(self.house, batch)
        orders.load(self.house, batch)
        documents.post(self.house, orders.orders_to_post(self.house, batch, run), batch)
        return proof.prove(self.house, run, selection, batch)


@contextmanager
def open_world(
    staging_url: str,
    folder: Path,
    *,
    seed: int = 1,
    days: int = 1,
    per_day: int = 60,
    erp: dict[str, object] | None = None,
    **policy: object,
) -> Iterator[HeartlandWorld]:
    """Bring up store, account and staging."""
    settings = load_channel(CHANNEL)
    values = settings.model_dump(by_alias=True)
    values["policy"] |= policy
    values["erp"]["settings"] |= erp or {}
    settings = type(settings).model_validate(values)
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    shop = build_store(seed, days, per_day, UNTIL, NOW)
    app = create_app(shop, SandboxSettings(bucket_size=200_000, restore_rate=20_000))

    def new_database(name: str) -> str:
        raise AssertionError(f"the account keeps its own file and needs no database {name}")

    clock = FixedClock()
    with (
        serve_in_thread(app) as url,
        open_rig(Ground(folder, new_database, shop_assortment())) as rig,
    ):

        def open_store() -> object:
            connector = registry.store("shopify")
            facts = ConnectionFacts("store", url, password=SecretStr(TOKEN))
            own = registry.settings_of(connector, settings.store.settings, "test")
            return connector.create(requests.Session(), facts, own, clock=clock, sleep=time.sleep)

        def open_erp() -> object:
            connector = registry.erp("heartland_retail")
            with engine.begin() as connection:
                rows = ((row.kind, row.key, row.value) for row in load_seeds(CHANNEL))
                mapping.sync_seeds(connection, CHANNEL, rows)
                maps = mapping.load(connection, CHANNEL)
            own = registry.settings_of(connector, settings.erp.settings, "test")
            return connector.create(rig.remote, own, maps)

        try:
            yield HeartlandWorld(
                House(settings, engine, clock, open_store, open_erp),  # type: ignore[arg-type]
                shop,
                rig,
            )
        finally:
            engine.dispose()
