"""The rig of Heartland Retail: a sandbox account on a port, with hands at it and eyes on its books.

Faults strike calls that write. What people do in Heartland is done in the account's own records.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from include.connectors.erps.heartland_retail.sandbox.account import Account
from include.connectors.erps.heartland_retail.sandbox.books import Books
from include.connectors.erps.heartland_retail.sandbox.faults import Fault
from include.connectors.erps.heartland_retail.sandbox.running import serve_in_thread
from include.connectors.erps.heartland_retail.sandbox.server import Sandbox, create_app
from include.connectors.erps.heartland_retail.sandbox.setup import (
    COUNTER,
    STATION,
    fill,
    location_codes,
    maps,
)
from include.domain.errors import ConfigurationError
from include.sandbox.assortment import Assortment
from include.sandbox.rig import Booked, Ground, RigFault
from include.transport.connection import ConnectionFacts, HttpRemote
from include.transport.session import build_session

TOKEN = "heartland-sandbox-token"  # noqa: S105  of a server that only tests can reach
CONNECTION = "heartland_sandbox"
FILE = "heartland.sqlite"
RETRY_AFTER_SECONDS = 0.2
_FAULTS = {
    RigFault.UNAVAILABLE: "http_503",
    RigFault.THROTTLED: "http_429",
    RigFault.LOST_CALL: "drop_before",
    RigFault.LOST_ANSWER: "drop_after",
    RigFault.CUT_ANSWER: "cut_body",
    RigFault.SLOW: "late",
}


class HeartlandRig:
    """One sandbox account for one shop.

    Args:
        sandbox: The account behind its server.
        url: Where it listens.
        assortment: What the shop sells.
    """

    closes_periods = False

    def __init__(self, sandbox: Sandbox, url: str, assortment: Assortment) -> None:
        self.sandbox = sandbox
        self.url = url
        self._codes = location_codes(assortment)
        self._default = next(iter(assortment.locations))
        self.maps: Mapping[str, Mapping[str, str]] = maps(assortment)
        self.settings: Mapping[str, Any] = {
            "currency": assortment.currency,
            "station_id": STATION,
            "default_location": self._codes[self._default],
            "counter_address": dict(COUNTER),
        }
        self.remote: HttpRemote = self._remote(TOKEN)
        self.connection: Mapping[str, Any] = {
            "conn_type": "http",
            "host": url,
            "schema": "",
            "login": "",
            "password": TOKEN,
            "port": None,
            "extra": "",
        }
        self._books = Books(sandbox, {row: sku for sku, row in self.maps["sku"].items()})

    def booked(self) -> list[Booked]:
        """Read every document from the account's records."""
        with self.sandbox.account.lock:
            return list(self._books.documents())

    def free_units(self, sku: str, location_id: str | None = None) -> Decimal:
        """Return units free to promise at a location, the default one unless named."""
        with self.sandbox.account.lock:
            level = self.sandbox.stock.level(self._place(sku, location_id))
        if level is None:
            return Decimal(0)
        return Decimal(level["qty_on_hand"]) - Decimal(level["qty_committed"])

    def set_stock(self, sku: str, units: Decimal, location_id: str | None = None) -> None:
        """Count the stock of one item: so many units are on hand."""
        with self.sandbox.account.change():
            place = self._place(sku, location_id)
            stock = self.sandbox.stock
            stock.move(place, on_hand=units - stock.on_hand(place))

    def finalise(self, order_number: str) -> None:
        """Do nothing: an invoice of Heartland is history as soon as it is complete."""

    def close_period(self, day: date) -> None:
        """Do nothing: the account knows no periods."""

    def open_period(self, day: date) -> None:
        """Do nothing: the account knows no periods."""

    def fail(self, fault: RigFault, times: int = 1, after: int = 0) -> None:
        """Let the next calls that write fail; ``after`` of them go through first."""
        self.sandbox.faults.add(Fault(_FAULTS[fault], times, after))

    def mend(self) -> None:
        """Take away the faults that have not struck."""
        self.sandbox.faults.clear()

    def with_wrong_credentials(self) -> HttpRemote:
        """Return the remote as someone would reach it with a wrong token."""
        return self._remote("not-the-token")

    def _remote(self, token: str) -> HttpRemote:
        facts = ConnectionFacts(CONNECTION, self.url, password=token)  # type: ignore[arg-type]
        return HttpRemote(build_session(pool=32), facts, lambda: datetime.now(UTC), time.sleep)

    def _place(self, sku: str, location_id: str | None) -> tuple[int, int]:
        public_id = self.maps["sku"].get(sku, sku)
        code = self._codes[location_id or self._default]
        account = self.sandbox.account
        items = [i["id"] for i in account.all("items") if i["public_id"] == public_id]
        sites = [s["id"] for s in account.all("locations") if s["public_id"] == code]
        if not items or not sites:
            raise ConfigurationError(f"the sandbox account has no {sku} at {code}")
        return items[0], sites[0]


@contextmanager
def open_rig(ground: Ground) -> Iterator[HeartlandRig]:
    """Bring up an account on a port, filled unless the folder holds one already.

    Args:
        ground: What it stands on.
    """
    ground.folder.mkdir(parents=True, exist_ok=True)
    account = Account(ground.folder / FILE)
    try:
        if account.is_empty():
            fill(account, ground.assortment)
        sandbox = Sandbox(account, TOKEN)
        sandbox.retry_after_seconds = RETRY_AFTER_SECONDS
        with serve_in_thread(create_app(sandbox), sandbox.wires, ground.port) as url:
            yield HeartlandRig(sandbox, url, ground.assortment)
    finally:
        account.close()
