"""Which ERP connectors bring a rig, and a stand on each of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from include.connectors import registry
from include.sandbox.rig import Ground, open_rig
from include.sandbox.shop import shop_assortment
from include.settings.channel import ChannelSettings
from include.staging import engine as staging
from local.postgres import EmbeddedPostgres
from tests.conformance import delivery, lives, refusals, sales  # noqa: F401 - they list scenarios
from tests.conformance.purchase import PRIVATE
from tests.conformance.scenario import Scenario
from tests.conformance.stand import CHANNEL, Stand


class Overheard(logging.Handler):
    """Everything that was logged, to look for what must not be in it."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def slips(self, words: Iterable[str]) -> list[str]:
        """The lines that hold one of the words."""
        found = [line for line in self.lines for word in words if word and word in line]
        return [line[:200] for line in found]


@contextmanager
def overhearing() -> Iterator[Overheard]:
    """Hear everything that is logged, also where another test has switched logging off."""
    overheard = Overheard()
    root = logging.getLogger()
    level, disabled = root.level, root.manager.disable
    root.addHandler(overheard)
    root.setLevel(logging.INFO)
    logging.disable(logging.NOTSET)
    try:
        yield overheard
    finally:
        root.removeHandler(overheard)
        root.setLevel(level)
        logging.disable(disabled)


def watched(tried: Scenario, stand: Stand) -> None:
    """Try a scenario; whatever it is about, nothing personal may be logged or told."""
    with overhearing() as overheard:
        try:
            tried.run(stand)
            told = [f"{finding.message} {finding.remote}" for finding in stand.findings()]
        finally:
            stand.tidy()
    slips = overheard.slips(PRIVATE)
    assert not slips, f"personal data in the log: {slips}"
    slips = [line for line in told for word in PRIVATE if word in line]
    assert not slips, f"personal data in a message: {slips}"


def rigged() -> list[str]:
    """Return the ERP connectors that bring a rig."""
    return [name for name in registry.names("erps") if has_rig(name)]


def is_on_request(connector: str) -> bool:
    """Tell whether an ERP takes so long to come up, or to answer, that it has to be asked for."""
    sandbox = import_module(f"include.connectors.erps.{connector}.sandbox")
    return bool(getattr(sandbox, "ON_REQUEST", False))


def has_rig(connector: str) -> bool:
    """Tell whether an ERP connector brings a rig."""
    folder = Path(registry.__file__).parent / "erps" / connector
    return (folder / "sandbox" / "rig.py").exists()


@contextmanager
def open_stand(connector: str, server: EmbeddedPostgres, folder: Path) -> Iterator[Stand]:
    """Bring up an ERP and a staging database for it.

    Args:
        connector: ERP connector.
        server: Where databases are made.
        folder: An empty folder of the stand's own.
    """
    mark = f"c{time.time_ns() % 10**9}"
    made: list[str] = []

    def new_database(name: str) -> str:
        own = f"{name}_{mark}"
        server.create_database(own)
        if own not in made:
            made.append(own)
        return server.url(own)

    assortment = shop_assortment()
    engine = staging.create(new_database("staging"))
    staging.ensure_ready(engine)
    try:
        with open_rig(connector, Ground(folder, new_database, assortment)) as rig:
            settings = ChannelSettings.model_validate(
                {
                    "name": CHANNEL,
                    "title": "Conformance",
                    "order_data_owner": "owner@example.com",
                    "currency": assortment.currency,
                    "time_zone": "America/New_York",
                    "store": {"connector": "shelf", "connection": "shelf"},
                    "erp": {"connector": connector, "connection": "erp"},
                    "posting_threads": 4,
                }
            )
            stand = Stand(connector, rig, assortment, engine, settings)
            try:
                yield stand
            finally:
                stand.close()
    finally:
        engine.dispose()
        for name in made:
            server.drop_database(name)
