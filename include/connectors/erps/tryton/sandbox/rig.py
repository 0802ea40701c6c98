"""The rig of Tryton: a real server on a database of its own, behind a line that can be cut.

What people do in Tryton (counting stock, closing periods) is done over JSON-RPC by an
administrator of the rig's own; what is booked is read from Tryton's tables.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.sandbox import company as sandbox_company
from include.connectors.erps.tryton.sandbox.books import Books
from include.connectors.erps.tryton.sandbox.company import (
    GIFT_CARDS_OWED,
    SERVICES,
    USER,
    CompanySetup,
    count_stock,
    maps,
)
from include.connectors.erps.tryton.sandbox.line import Line, open_line
from include.connectors.erps.tryton.sandbox.server import prepare_database, serving
from include.domain.errors import ConfigurationError
from include.sandbox.assortment import Assortment
from include.sandbox.rig import Booked, Ground, RigFault
from include.transport.connection import ConnectionFacts, HttpRemote
from include.transport.session import Timeouts, build_session

DATABASE = "tryton"
ADMIN = "admin"
STRANGER = "nobody"
# One process works on one call at a time; two keep two processors busy.
SERVERS = 2
LONGEST_SLEEP = 0.05
FIRST_YEAR = 2025
# What the dump is made with; every rig gives its own database other passwords.
FIRST_PASSWORD = "counterfoil-sandbox"  # noqa: S105


class TrytonRig:
    """One company on a running server.

    Args:
        line: The line in front of the server.
        database: Name of the database.
        books: Its tables.
        password: Of the connector's user.
        admin: A session of an administrator, past the line.
        assortment: What the shop sells.
    """

    closes_periods = True

    def __init__(
        self,
        line: Line,
        database: str,
        *,
        books: Books,
        password: str,
        admin: TrytonClient,
        assortment: Assortment,
    ) -> None:
        self._line = line
        self._database = database
        self._password = password
        self.admin = admin
        self.books = books
        self.settings: Mapping[str, Any] = {
            "owed_accounts": {SERVICES["gift_card"][0]: GIFT_CARDS_OWED}
        }
        self.maps: Mapping[str, Mapping[str, str]] = maps(assortment)

    @property
    def remote(self) -> HttpRemote:
        """The server through the line, as the connector's user."""
        facts = ConnectionFacts(
            "sandbox_tryton",
            self._line.url,
            USER,
            SecretStr(self._password),
            {"database": self._database},
        )
        return HttpRemote(build_session(pool=16), facts, _now, _sleep)

    @property
    def connection(self) -> Mapping[str, Any]:
        """Fields of the Airflow connection."""
        return {
            "conn_type": "http",
            "host": self._line.url,
            "login": USER,
            "password": self._password,
            "extra": {"database": self._database},
        }

    def booked(self) -> list[Booked]:
        """Read Tryton's own tables."""
        return self.books.documents()

    def free_units(self, sku: str, location_id: str | None = None) -> Decimal:
        """Return units on the shelf that are not assigned."""
        context = {
            "locations": [self._storage(location_id)],
            "with_childs": True,
            "stock_assign": True,
        }
        product = self._product(sku)
        rows = self.admin.read("product.product", [product], ["quantity"], context=context)
        return Decimal(str(rows[0]["quantity"]))

    def set_stock(self, sku: str, units: Decimal, location_id: str | None = None) -> None:
        """Enter a stock count of one product: so many on the shelf, those assigned included."""
        company = int(self.admin.context["company"])
        storage = self._storage(location_id)
        count_stock(self.admin, company, storage, {self._product(sku): units})

    def finalise(self, order_number: str) -> None:
        """Do nothing: the connector posts its invoices itself."""

    def close_period(self, day: date) -> None:
        """Close the fiscal period of a day."""
        self._press_period(day, "open", "close")

    def open_period(self, day: date) -> None:
        """Open the fiscal period of a day again, and its journals that were closed with it."""
        self._press_period(day, "closed", "reopen")
        closed = self.admin.search(
            "account.journal.period",
            [
                ["period.start_date", "<=", day],
                ["period.end_date", ">=", day],
                ["state", "=", "closed"],
            ],
            ["id"],
        )
        if closed:
            ids = [row["id"] for row in closed]
            self.admin.press("account.journal.period", "reopen", ids)

    def fail(self, fault: RigFault, times: int = 1, after: int = 0) -> None:
        """Strike the next calls that change something."""
        self._line.strike(fault, times, after)

    def mend(self) -> None:
        """Take away what has not struck."""
        self._line.mend()

    def with_wrong_credentials(self) -> HttpRemote:
        """Return the server as someone reaches it whom it does not know."""
        own = self.remote
        return replace(own, facts=replace(own.facts, login=STRANGER))

    def _press_period(self, day: date, state: str, button: str) -> None:
        periods = self.admin.search(
            "account.period",
            [["start_date", "<=", day], ["end_date", ">=", day], ["state", "=", state]],
            ["id"],
        )
        if periods:
            self.admin.press("account.period", button, [row["id"] for row in periods])

    def _product(self, sku: str) -> int:
        (row,) = self.admin.search("product.product", [["code", "=", sku]], ["id"])
        return int(row["id"])

    def _storage(self, location_id: str | None) -> int:
        codes = self.maps["location"]
        code = codes[location_id] if location_id else next(iter(codes.values()))
        (row,) = self.admin.search(
            "stock.location",
            [["code", "=", code], ["type", "=", "warehouse"]],
            ["storage_location"],
        )
        return int(row["storage_location"])


@contextmanager
def open_rig(ground: Ground) -> Iterator[TrytonRig]:
    """Install Tryton and set the company up where it is not, and run the server.

    Args:
        ground: What it stands on.

    Yields:
        The rig.

    Raises:
        SandboxError: Tryton could not be installed or started.
    """
    url = ground.new_database(DATABASE)
    database = str(make_url(url).database)
    years = tuple(range(FIRST_YEAR, _now().year + 2))

    def fill(server: str) -> None:
        client = _client(server, database, ADMIN, FIRST_PASSWORD)
        CompanySetup(client, ground.assortment, years).run(FIRST_PASSWORD)

    kind = f"{_digest(Path(sandbox_company.__file__))}{ground.assortment!r}{years}"
    prepare_database(url, ground.folder, password=FIRST_PASSWORD, kind=kind, fill=fill)
    with ExitStack() as stack:
        servers = _serve(stack, url, ground.folder)
        admin, own = _passwords(ground.folder, lambda p: _client(servers[0], database, ADMIN, p))
        line = stack.enter_context(open_line(servers, ground.port))
        yield TrytonRig(
            line,
            database,
            books=Books(create_engine(url, poolclass=NullPool)),
            password=own,
            admin=_client(servers[0], database, ADMIN, admin),
            assortment=ground.assortment,
        )


def _serve(stack: ExitStack, url: str, folder: Path) -> list[str]:
    return [stack.enter_context(serving(url, folder / f"server-{at}")).url for at in range(SERVERS)]


def _passwords(folder: Path, open_client: Callable[[str], TrytonClient]) -> tuple[str, str]:
    """Give the database passwords of its own, once; return administrator's and connector's."""
    path = folder / "passwords.json"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps([secrets.token_urlsafe(18), secrets.token_urlsafe(18)]))
    admin, own = json.loads(path.read_text())
    try:
        _ = open_client(admin).context
    except ConfigurationError:
        client = open_client(FIRST_PASSWORD)
        for login, password in ((USER, own), (ADMIN, admin)):
            (row,) = client.search("res.user", [["login", "=", login]], ["id"])
            client.write("res.user", [row["id"]], {"password": password})
    return admin, own


def _client(url: str, database: str, login: str, password: str) -> TrytonClient:
    facts = ConnectionFacts("sandbox", url, login, SecretStr(password))
    session = build_session(Timeouts(read=120.0))
    return TrytonClient(HttpRemote(session, facts, _now, _sleep), database, timeout_seconds=120.0)


def _now() -> datetime:
    return datetime.now(UTC)


def _sleep(seconds: float) -> None:
    """Wait, but not as long as for a server that others use."""
    time.sleep(min(seconds, LONGEST_SLEEP))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
