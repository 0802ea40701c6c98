"""The channel that is measured: the product's own parts between the page server and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import SecretStr

from bench.pages import TOKEN
from include.connectors import registry
from include.domain.errors import ConfigurationError
from include.pipelines.house import House
from include.ports.erp import Erp
from include.settings.channel import load_channel
from include.staging import engine as staging
from include.transport.connection import ConnectionFacts
from include.transport.session import build_session

CHANNEL = "shopify_gp"


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Return the present, aware UTC."""
        return datetime.now(UTC)


@contextmanager
def open_house(store_url: str, database_url: str, erp: Erp | None = None) -> Iterator[House]:
    """Open the channel on the page server and a migrated staging database.

    Args:
        store_url: Where the page server listens.
        database_url: SQLAlchemy URL.
        erp: Where documents go, if any are posted.
    """
    settings = load_channel(CHANNEL)
    connector = registry.store(settings.store.connector)
    engine = staging.create(database_url)

    def open_erp() -> Erp:
        if erp is None:
            raise ConfigurationError("nothing is posted here")
        return erp

    try:
        yield House(
            settings=settings,
            engine=engine,
            clock=SystemClock(),
            open_store=lambda: connector.create(
                build_session(),
                ConnectionFacts("bench", store_url, password=SecretStr(TOKEN)),
                # The page server renders no bulk results: every order is hydrated by id.
                connector.SETTINGS.model_validate({"bulk_threshold": 1_000_000}),
                clock=SystemClock(),
            ),
            open_erp=open_erp,
        )
    finally:
        engine.dispose()
