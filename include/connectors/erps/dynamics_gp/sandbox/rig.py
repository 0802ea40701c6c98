"""The rig of Dynamics GP: a sandbox company in PostgreSQL behind a wire that can be cut.

Faults strike the statement that posts a document, between client and server. What people do in
the GP client (posting batches, closing periods, counting stock) is done in the company's tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from include.connectors.erps.dynamics_gp.sandbox.company import install, seed
from include.connectors.erps.dynamics_gp.sandbox.shop_company import (
    company_catalog,
    item_number,
    maps,
    sku_of,
)
from include.connectors.erps.dynamics_gp.sandbox.wire import Strike, Wire, wire
from include.domain.document import DocumentKind, RemoteState
from include.sandbox.assortment import Assortment
from include.sandbox.rig import Booked, Ground, RigFault

DATABASE = "gp"
LATE_SECONDS = 0.3
STRANGER = "nobody_of_the_company"
PORT = 5432
# Every statement that posts a document starts its calls with the name of a procedure.
WRITES = '[["ta'
_STRIKES = {
    RigFault.UNAVAILABLE: Strike.AWAY,
    RigFault.THROTTLED: Strike.FULL,
    RigFault.LOST_CALL: Strike.LOSE_CALL,
    RigFault.LOST_ANSWER: Strike.LOSE_ANSWER,
    RigFault.CUT_ANSWER: Strike.CUT_ANSWER,
    RigFault.SLOW: Strike.LATE_ANSWER,
}
_KINDS = {2: DocumentKind.SALES_ORDER, 3: DocumentKind.INVOICE, 4: DocumentKind.CREDIT_NOTE}
_DOCUMENTS = text("""
select h.place, h.soptype, h.sopnumbe, split_part(h.cstponbr, '/', 1) order_number, h.voidstts,
    h.docamnt, h.taxamnt, nullif(h.address1, '') street,
    (select coalesce(sum(p.amntpaid), 0) from sop10103 p
        where p.soptype = h.soptype and p.sopnumbe = h.sopnumbe)
    + (select coalesce(sum(a.apptoamt), 0) from rm20201 a
        where h.soptype = 3 and a.aptodcty = 1 and a.aptodcnm = h.sopnumbe) paid
from sales_documents h where h.soptype in (2, 3, 4) order by h.dex_row_id
""")
_LINES = text("""
select l.soptype, l.sopnumbe, l.itemnmbr, sum(l.quantity - l.qtycance) units,
    sum(l.qtytbaor) back_ordered
from (select * from sop10200 union all select * from sop30300) l
    join iv00101 i on i.itemnmbr = l.itemnmbr and i.itemtype = 1
where l.noninven = 0 and l.quantity > l.qtycance group by 1, 2, 3
""")
_BATCHES = text("""
select distinct bachnumb from sop10100 where soptype in (3, 4) and voidstts = 0
    and split_part(cstponbr, '/', 1) = :number
""")


class GpRig:
    """One sandbox company for one shop.

    Args:
        url: The company's database.
        line: The wire in front of it.
        assortment: What the shop sells.
    """

    closes_periods = True
    # Goods that come back are on the shelf at once: nobody checks them in a sandbox.
    settings: Mapping[str, Any] = {"restocked_units": "on_hand"}

    def __init__(self, url: URL, line: Wire, assortment: Assortment) -> None:
        self._url = url
        self._line = line
        self._engine = create_engine(url, poolclass=NullPool)
        self.maps: Mapping[str, Mapping[str, str]] = maps(assortment)

    @property
    def remote(self) -> str:
        """URL that leads through the wire."""
        return self._through_the_wire(self._url.username)

    @property
    def connection(self) -> Mapping[str, Any]:
        """Fields of the Airflow connection, straight to the database."""
        host, port = _place(self._url)
        return {
            "conn_type": "postgres",
            "host": host,
            "port": port,
            "schema": self._url.database,
            "login": self._url.username or "",
            "password": self._url.password or "",
        }

    def booked(self) -> list[Booked]:
        """Read work and history."""
        with self._engine.connect() as connection:
            documents = connection.execute(_DOCUMENTS).all()
            lines = connection.execute(_LINES).all()
        units: dict[tuple[int, str], dict[str, Decimal]] = {}
        waiting: dict[tuple[int, str], Decimal] = {}
        for line in lines:
            place = (line.soptype, line.sopnumbe)
            units.setdefault(place, {})[sku_of(line.itemnmbr)] = line.units
            waiting[place] = waiting.get(place, Decimal(0)) + line.back_ordered
        return [
            Booked(
                order_number=row.order_number,
                kind=_KINDS[row.soptype],
                reference=row.sopnumbe,
                state=_state(row.place, row.voidstts),
                total=row.docamnt,
                tax=row.taxamnt,
                paid=row.paid,
                units=units.get((row.soptype, row.sopnumbe), {}),
                back_ordered=waiting.get((row.soptype, row.sopnumbe), Decimal(0)),
                street=row.street,
            )
            for row in documents
        ]

    def free_units(self, sku: str, location_id: str | None = None) -> Decimal:
        """Return on hand less allocated at a site."""
        with self._engine.connect() as connection:
            free = connection.scalar(
                text(
                    "select qtyonhnd - atyalloc from iv00102"
                    " where itemnmbr = :item and locncode = :site and rcrdtype = 2"
                ),
                {"item": item_number(sku), "site": self._site(location_id)},
            )
        return Decimal(free or 0)

    def set_stock(self, sku: str, units: Decimal, location_id: str | None = None) -> None:
        """Count one item at a site; the total over all sites follows."""
        values = {"item": item_number(sku), "site": self._site(location_id), "units": units}
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update iv00102 set qtyonhnd = :units"
                    " where itemnmbr = :item and locncode = :site and rcrdtype = 2"
                ),
                values,
            )
            connection.execute(
                text(
                    "update iv00102 t set qtyonhnd = (select sum(s.qtyonhnd) from iv00102 s"
                    "  where s.itemnmbr = t.itemnmbr and s.rcrdtype = 2)"
                    " where t.itemnmbr = :item and t.rcrdtype = 1"
                ),
                values,
            )

    def finalise(self, order_number: str) -> None:
        """Post the batches that hold the order's invoices and returns."""
        with self._engine.begin() as connection:
            for batch in connection.scalars(_BATCHES, {"number": order_number}).all():
                connection.execute(text("select gp_post_batch(:batch)"), {"batch": batch})

    def close_period(self, day: date) -> None:
        """Close the fiscal period of a day for sales."""
        self._set_period(day, closed=1)

    def open_period(self, day: date) -> None:
        """Open the fiscal period of a day for sales again."""
        self._set_period(day, closed=0)

    def fail(self, fault: RigFault, times: int = 1, after: int = 0) -> None:
        """Strike the next statements that post."""
        self._line.strike(_STRIKES[fault], WRITES, times, after, LATE_SECONDS)

    def mend(self) -> None:
        """Take away what has not struck."""
        self._line.mend()

    def with_wrong_credentials(self) -> str:
        """Return the URL with a login that the server does not know."""
        return self._through_the_wire(STRANGER)

    def _set_period(self, day: date, *, closed: int) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update sy40100 set closed = :closed"
                    " where series = 3 and :day between perioddt and perdendt"
                ),
                {"day": day, "closed": closed},
            )

    def _through_the_wire(self, login: str | None) -> str:
        url = URL.create(
            self._url.drivername,
            login,
            self._url.password,
            "127.0.0.1",
            self._line.port,
            self._url.database,
        )
        return url.render_as_string(hide_password=False)

    def _site(self, location_id: str | None) -> str:
        sites = self.maps["location"]
        return sites[location_id] if location_id else next(iter(sites.values()))


@contextmanager
def open_rig(ground: Ground) -> Iterator[GpRig]:
    """Install and seed the company where it is not, and put the wire in front of it.

    Args:
        ground: What it stands on.

    Yields:
        The rig.
    """
    own = ground.new_database(DATABASE)
    install(own)
    seed(own, company_catalog(ground.assortment))
    url = make_url(own)
    host, port = _place(url)
    target = Path(host) / f".s.PGSQL.{port}" if host.startswith("/") else (host, port)
    with wire(target, port=ground.port) as line:
        yield GpRig(url, line, ground.assortment)


def _place(url: URL) -> tuple[str, int]:
    """Return host, or socket folder, and port."""
    host = url.query.get("host", url.host or "127.0.0.1")
    return (host if isinstance(host, str) else host[0]), url.port or PORT


def _state(place: str, voided: int) -> RemoteState:
    if voided:
        return RemoteState.VOID
    return RemoteState.POSTED if place == "history" else RemoteState.OPEN
