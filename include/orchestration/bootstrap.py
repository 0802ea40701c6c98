"""The composition root: puts a channel together from its settings and its Airflow connections."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.connectors import registry
from include.domain.policy import OnRisk
from include.orchestration import connections
from include.pipelines.house import House
from include.settings.channel import ChannelSettings, load_channel, load_seeds
from include.staging import engine as staging
from include.staging import mapping
from include.transport.connection import HttpRemote

if TYPE_CHECKING:
    from pydantic import BaseModel
    from sqlalchemy import URL, Engine

    from include.ports.erp import Erp, Mappings
    from include.ports.store import OrderStore


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Return the present, aware UTC."""
        return datetime.now(UTC)


@contextmanager
def open_house(channel: str, *, dry_run: bool = False) -> Iterator[House]:
    """Open one channel for the length of a task.

    Args:
        channel: Channel id.
        dry_run: Whether the maps are read as their files say, and kept as they are.

    Yields:
        The channel; store and ERP are connected when first used.

    Raises:
        ConfigurationError: A setting or a connection is missing or wrong.
    """
    settings = load_channel(channel)
    with open_staging() as engine:
        yield House(
            settings=settings,
            engine=engine,
            clock=SystemClock(),
            open_store=lambda: open_store(settings),
            open_erp=lambda: open_erp(settings, maps_of(settings.name, engine, keep=not dry_run)),
        )


@contextmanager
def open_staging() -> Iterator[Engine]:
    """Open the staging database, which all channels share, for the length of a task.

    Yields:
        Its engine.

    Raises:
        ConfigurationError: The connection is wrong, or the database is another release's.
        RemoteUnavailable: The database cannot be reached.
    """
    url = connections.database_url(connections.STAGING)
    engine = staging.create(url.render_as_string(hide_password=False))
    try:
        with staging.translated():
            staging.ensure_ready(engine)
            yield engine
    finally:
        engine.dispose()


def open_store(settings: ChannelSettings) -> OrderStore:
    """Open the channel's store connector.

    Args:
        settings: The channel's settings.
    """
    session, facts = connections.http_session(settings.store.connection)
    connector = registry.store(settings.store.connector)
    own = store_settings(connector, settings)
    return connector.create(session, facts, own, clock=SystemClock(), sleep=time.sleep)


def store_settings(connector: registry.StoreConnector, settings: ChannelSettings) -> BaseModel:
    """Return a store's own settings, with what the channel expects and needs filled in.

    A connector whose settings have ``expected_currency`` and ``expected_time_zone`` holds the shop
    against them together with all else that it checks before a pull; one that has ``reads_risk``
    asks for the estimate of fraud where the channel acts on it.

    Args:
        connector: The channel's store connector.
        settings: The channel's settings.

    Raises:
        ConfigurationError: Names each wrong field and the rule.
    """
    expected: dict[str, object] = {
        "expected_currency": settings.currency,
        "expected_time_zone": settings.time_zone,
        "reads_risk": settings.domain_policy.on_risk is OnRisk.HOLD,
    }
    known = {
        name: value for name, value in expected.items() if name in connector.SETTINGS.model_fields
    }
    where = f"{settings.name}: store"
    return registry.settings_of(connector, known | settings.store.settings, where)


def maps_of(channel: str, engine: Engine, *, keep: bool) -> Mappings:
    """Return a channel's maps, seeds brought up to date.

    Args:
        channel: Channel id.
        engine: Staging database, which holds the maps.
        keep: Whether what changed stays in the database; a dry run leaves it as it was.
    """
    with engine.connect() as connection:
        rows = ((row.kind, row.key, row.value) for row in load_seeds(channel))
        mapping.sync_seeds(connection, channel, rows)
        maps = mapping.load(connection, channel)
        if keep:
            connection.commit()
        else:
            connection.rollback()
    return maps


def open_erp(settings: ChannelSettings, maps: Mappings) -> Erp:
    """Open the channel's ERP connector.

    Args:
        settings: The channel's settings.
        maps: Store value to ERP value.
    """
    connector = registry.erp(settings.erp.connector)
    own = registry.settings_of(connector, settings.erp.settings, f"{settings.name}: erp")
    return connector.create(_remote(connector.REMOTE, settings.erp.connection), own, maps)


def _remote(kind: registry.RemoteKind, conn_id: str) -> URL | HttpRemote:
    if kind is registry.RemoteKind.DATABASE:
        return connections.database_url(conn_id)
    session, facts = connections.http_session(conn_id)
    return HttpRemote(session, facts, SystemClock().now, time.sleep)
