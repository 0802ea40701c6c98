"""The world of a simulation: a shop's server, an ERP's rig, and staging between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
import sqlalchemy
from pydantic import SecretStr
from sqlalchemy import text

from include.connectors import registry
from include.connectors.stores.shopify.sandbox.faults import Fault
from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import Sandbox, create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState
from include.pipelines.house import House
from include.sandbox.rig import ErpRig, Ground, open_rig
from include.sandbox.shop import shop_assortment
from include.settings.channel import ChannelSettings
from include.staging import engine as staging
from include.staging.mapping import ChannelMappings
from include.transport.connection import ConnectionFacts
from local.postgres import EmbeddedPostgres
from tests.integration.world import NOW, TOKEN, UNTIL, FixedClock

CHANNEL = "simulated"


@dataclass
class World:
    """What a simulation works with."""

    connector: str
    house: House
    store: StoreState
    sandbox: Sandbox
    rig: ErpRig

    def ask(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Ask staging."""
        with self.house.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def fault(self, kind: str, **more: object) -> None:
        """Switch on a fault of the store."""
        self.sandbox.faults.add(Fault(kind, **more))  # type: ignore[arg-type]


def channel_into(connector: str, rig: ErpRig, policy: Mapping[str, Any]) -> ChannelSettings:
    """Describe a channel from the sandbox shop into a rig."""
    assortment = shop_assortment()
    return ChannelSettings.model_validate(
        {
            "name": CHANNEL,
            "title": "Simulated",
            "order_data_owner": "owner@example.com",
            "currency": assortment.currency,
            "time_zone": "America/New_York",
            "store": {"connector": "shopify", "connection": "store"},
            "erp": {"connector": connector, "connection": "erp", "settings": dict(rig.settings)},
            "policy": policy,
            "posting_threads": 1,
        }
    )


def _at_once(_seconds: float) -> None:
    """Wait for nobody: the shop's pauses are not what is simulated."""


def open_house(staging_url: str, settings: ChannelSettings, rig: ErpRig, store_url: str) -> House:
    """Put the channel together as the composition root does, without Airflow."""
    connector = settings.erp.connector
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    clock = FixedClock()

    def open_store() -> object:
        shop = registry.store("shopify")
        facts = ConnectionFacts("store", store_url, password=SecretStr(TOKEN))
        own = registry.settings_of(shop, settings.store.settings, "simulation")
        return shop.create(requests.Session(), facts, own, clock=clock, sleep=_at_once)

    def open_erp() -> object:
        erp = registry.erp(connector)
        rows = {(kind, key): v for kind, m in rig.maps.items() for key, v in m.items()}
        own = registry.settings_of(erp, settings.erp.settings, "simulation")
        return erp.create(rig.remote, own, ChannelMappings(CHANNEL, rows))

    return House(settings, engine, clock, open_store, open_erp)  # type: ignore[arg-type]


@contextmanager
def open_world(
    server: EmbeddedPostgres,
    staging_url: str,
    connector: str,
    seed: int,
    policy: Mapping[str, Any],
) -> Iterator[World]:
    """Bring up an empty shop, an ERP and staging; take them down again."""
    database = str(sqlalchemy.make_url(staging_url).database)
    made: list[str] = []

    def new_database(name: str) -> str:
        own = f"{database}_{name}"
        if own not in made:
            server.create_database(own)
            made.append(own)
        return server.url(own)

    shop = build_store(seed, 0, 0, UNTIL, NOW)
    app = create_app(shop, SandboxSettings(bucket_size=1e9, restore_rate=1e9))
    try:
        with (
            TemporaryDirectory() as folder,
            serve_in_thread(app) as url,
            open_rig(connector, Ground(Path(folder), new_database, shop_assortment())) as rig,
        ):
            house = open_house(staging_url, channel_into(connector, rig, policy), rig, url)
            try:
                yield World(connector, house, shop, app.state.sandbox, rig)
            finally:
                house.engine.dispose()
                close = getattr(house.__dict__.get("erp"), "close", None)
                if close is not None:
                    close()
    finally:
        for name in made:
            server.drop_database(name)
