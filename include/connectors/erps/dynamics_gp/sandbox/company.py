"""Install the sandbox company into an empty database, and fill it with masters and stock."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

log = logging.getLogger(__name__)
SQL = Path(__file__).parent / "sql"
FIRST_NUMBER = "000001"


@dataclass(frozen=True, slots=True)
class StockedItem:
    """One item of the company.

    Attributes:
        number: ITEMNMBR.
        description: What GP calls it.
        on_hand: Units on hand by site; a service has none.
        back_orders: Whether it may be back-ordered.
        cost: Standard and current cost.
        service: Sold, but not kept in stock (ITEMTYPE 5).
    """

    number: str
    description: str
    on_hand: dict[str, Decimal]
    back_orders: bool = True
    cost: Decimal = Decimal(0)
    service: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the company sells, and the set-up documents refer to.

    Attributes:
        items: Inventory items with their stock.
        sites: Site codes and descriptions.
        tax_details: Tax detail ids with their percentage.
        shipping_methods: Shipping method ids.
        cards: Card names and the checkbook each is paid into.
        checkbooks: Checkbook ids.
        customer_classes: Customer class ids.
        customers: Customer numbers and names that exist before any order.
        document_ids: Document id and number prefix by SOPTYPE.
        currencies: GP currency id to ISO code and decimals; the first is the functional one.
        years: Fiscal years that are open.
    """

    items: Sequence[StockedItem]
    sites: dict[str, str] = field(default_factory=lambda: {"MAIN": "Main warehouse"})
    tax_details: dict[str, Decimal] = field(default_factory=dict)
    shipping_methods: Sequence[str] = ("GROUND",)
    cards: dict[str, str] = field(default_factory=dict)
    checkbooks: Sequence[str] = ("WEB",)
    customer_classes: Sequence[str] = ("WEB",)
    customers: dict[str, str] = field(default_factory=dict)
    document_ids: dict[tuple[int, str], str] = field(
        default_factory=lambda: {
            (2, "WEBORD"): "ORDW",
            (3, "WEBINV"): "INVW",
            (4, "WEBRTN"): "RTNW",
        }
    )
    currencies: dict[str, tuple[str, int]] = field(default_factory=lambda: {"Z-US$": ("USD", 2)})
    years: Sequence[int] = (2025, 2026, 2027)


def install(url: str) -> bool:
    """Create tables and procedures, once.

    Args:
        url: SQLAlchemy URL of a PostgreSQL database that exists.

    Returns:
        True when they were created, False when the company was there already.
    """
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(7420)"))
        if connection.scalar(text("select to_regclass('sop10100')")) is not None:
            return False
        for script in sorted(SQL.glob("*.sql")):
            connection.exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))
    log.info("sandbox company installed")
    return True


def seed(url: str, catalog: Catalog) -> None:
    """Add masters, set-up and stock; what is there already keeps its values.

    Args:
        url: SQLAlchemy URL of an installed company database.
        catalog: What to add.
    """
    with create_engine(url, poolclass=NullPool).begin() as connection:
        _seed_setup(connection, catalog)
        _seed_periods(connection, catalog.years)
        _seed_stock(connection, catalog)


def _add(connection: Connection, table: str, rows: Iterable[dict[str, object]]) -> None:
    rows = list(rows)
    if not rows:
        return
    columns = ", ".join(rows[0])
    values = ", ".join(f":{name}" for name in rows[0])
    # Table and columns are literals of this module.
    statement = f"insert into {table} ({columns}) values ({values}) on conflict do nothing"  # noqa: S608
    connection.execute(text(statement), rows)


def _seed_setup(connection: Connection, catalog: Catalog) -> None:
    _add(
        connection,
        "dynamics.mc40200",
        (
            {"curncyid": gp, "isocurrc": iso, "decplcur": places + 1}
            for gp, (iso, places) in catalog.currencies.items()
        ),
    )
    functional = next(iter(catalog.currencies))
    _add(connection, "mc40000", [{"funlcurr": functional}])
    _add(
        connection,
        "iv40700",
        ({"locncode": code, "locndscr": words} for code, words in catalog.sites.items()),
    )
    _add(connection, "iv40202", [{"uomschdl": "EACH", "uofm": "EACH"}])
    _add(connection, "sy03000", ({"shipmthd": method} for method in catalog.shipping_methods))
    _add(
        connection,
        "cm00100",
        ({"chekbkid": checkbook, "curncyid": functional} for checkbook in catalog.checkbooks),
    )
    _add(
        connection,
        "sy03100",
        ({"cardname": card, "chekbkid": book} for card, book in catalog.cards.items()),
    )
    _add(
        connection,
        "tx00201",
        ({"taxdtlid": detail, "txdtlpct": pct} for detail, pct in catalog.tax_details.items()),
    )
    _add(connection, "rm00201", ({"classid": name} for name in catalog.customer_classes))
    _add(
        connection,
        "rm00101",
        ({"custnmbr": number, "custname": name} for number, name in catalog.customers.items()),
    )
    _add(
        connection,
        "sop40200",
        ({"soptype": soptype, "docid": docid} for soptype, docid in catalog.document_ids),
    )
    _add(
        connection,
        "sop40300",
        (
            {"soptype": soptype, "docid": docid, "sopnumbe": prefix + FIRST_NUMBER}
            for (soptype, docid), prefix in catalog.document_ids.items()
        ),
    )
    _add(
        connection,
        "gl00105",
        [
            {"actindx": 1, "actnumst": "000-1100-00"},
            {"actindx": 2, "actnumst": "000-4100-00"},
        ],
    )


def _seed_periods(connection: Connection, years: Sequence[int]) -> None:
    firsts = [date(year, month, 1) for year in years for month in range(1, 13)]
    _add(
        connection,
        "sy40100",
        (
            {
                "year1": first.year,
                "periodid": first.month,
                "series": 3,
                "perioddt": first,
                "perdendt": (first + timedelta(days=31)).replace(day=1) - timedelta(days=1),
                "pername": f"Period {first.month}",
            }
            for first in firsts
        ),
    )


def _seed_stock(connection: Connection, catalog: Catalog) -> None:
    _add(
        connection,
        "iv00101",
        (
            {
                "itemnmbr": item.number,
                "itemdesc": item.description,
                "itemtype": 5 if item.service else 1,
                "stndcost": item.cost,
                "currcost": item.cost,
                "locncode": next(iter(catalog.sites)),
                "alwbkord": int(item.back_orders),
            }
            for item in catalog.items
        ),
    )
    _add(
        connection,
        "iv00102",
        (
            {"itemnmbr": item.number, "locncode": site, "rcrdtype": 2, "qtyonhnd": units}
            for item in catalog.items
            for site, units in item.on_hand.items()
        ),
    )
    _add(
        connection,
        "iv00102",
        (
            {
                "itemnmbr": item.number,
                "locncode": "",
                "rcrdtype": 1,
                "qtyonhnd": sum(item.on_hand.values(), Decimal(0)),
            }
            for item in catalog.items
            if not item.service
        ),
    )
