"""A small GP company for tests, the documents to post into it, and the maps between the two."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from include.connectors.erps.dynamics_gp import SETTINGS
from include.connectors.erps.dynamics_gp.connector import DynamicsGp, create
from include.connectors.erps.dynamics_gp.sandbox.company import (
    Catalog,
    StockedItem,
    install,
    seed,
)
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
    DocumentPayment,
    DocumentTax,
)
from include.domain.errors import MappingMissing
from include.domain.order import Address, ChargeKind, Customer, LineKind
from local.postgres import EmbeddedPostgres

DAY = date(2026, 11, 20)
BATCH = "SHOP20261120"
CATALOG = Catalog(
    items=[
        StockedItem("MUG", "Camp mug", {"MAIN": Decimal(100), "STORE": Decimal(5)}),
        StockedItem("TENT", "Tent", {"MAIN": Decimal(3)}),
        StockedItem("RARE", "One of a kind", {"MAIN": Decimal(1)}, back_orders=False),
        StockedItem("PDF", "Maps", {}, service=True),
    ],
    sites={"MAIN": "Main", "STORE": "Store", "BARE": "No stock"},
    tax_details={"USA-NY": Decimal(4), "USA-NYC": Decimal("4.875")},
    shipping_methods=("GROUND", "EXPRESS"),
    cards={"VISA": "WEB"},
    checkbooks=("WEB", "TILL"),
    customers={"WEBGUEST": "Web guests", "KNOWN": "Known customer"},
)
ROWS = {
    ("payment", "shopify_payments"): "card:VISA",
    ("payment", "cash"): "cash::TILL",
    ("payment", "cheque"): "check::TILL",
    ("payment", "odd"): "barter",
    ("tax", "NY State Tax"): "USA-NY",
    ("tax", "NY City Tax"): "USA-NYC",
    ("tax", "NY Other Tax"): "USA-NY",
    ("shipping", "Standard"): "GROUND",
    ("location", "gid://shopify/Location/2"): "STORE",
    ("sku", "MUG-OLD"): "MUG",
    ("charge", "tip"): "TIP",
    ("charge", "custom"): "CUSTOM",
    ("charge", "rounding"): "ROUNDING",
    ("charge", "adjustment"): "ADJUSTMENT",
    ("charge", "fx"): "EXCHANGE DIFF",
    ("charge", "shipping"): "SHIPPING",
    ("customer", "gid://shopify/Customer/77"): "KNOWN",
}


class Maps:
    """Mappings held in a dict."""

    def __init__(self, rows: dict[tuple[str, str], str] | None = None) -> None:
        self.rows = ROWS if rows is None else rows

    def get(self, kind: str, key: str) -> str | None:
        return self.rows.get((kind, key))

    def require(self, kind: str, key: str) -> str:
        if (kind, key) not in self.rows:
            raise MappingMissing(kind, key, channel="test")
        return self.rows[kind, key]


class Company(NamedTuple):
    """An installed and seeded company."""

    url: str
    engine: Engine

    def erp(self, **settings: Any) -> DynamicsGp:
        return create(self.url, SETTINGS(**settings), Maps())

    def run(self, statement: str, **values: Any) -> Any:
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else None

    def value(self, statement: str, **values: Any) -> Any:
        return self.run(statement, **values)[0][0]

    def stock(self, item: str, site: str = "MAIN") -> tuple[Decimal, Decimal, Decimal]:
        """On hand, allocated, back-ordered."""
        row = self.run(
            "select qtyonhnd, atyalloc, qtybkord from iv00102"
            " where itemnmbr = :item and locncode = :site and rcrdtype = 2",
            item=item,
            site=site,
        )[0]
        return (row[0], row[1], row[2])

    def call(self, *calls: tuple[str, dict[str, Any]]) -> tuple[int, list[int], str]:
        """Run calls in one transaction; roll back on an error state, as a client has to."""
        with self.engine.connect() as connection:
            row = connection.execute(
                text("select * from econnect(cast(:calls as jsonb))"),
                {"calls": json.dumps(calls, default=str)},
            ).one()
            if row.o_ierrorstate:
                connection.rollback()
            else:
                connection.commit()
        codes = [int(code) for code in row.oerrstring.split()]
        return row.o_ierrorstate, codes, row.procedure_failed or ""


@contextmanager
def company(server: EmbeddedPostgres, template: str | None = None) -> Iterator[Company]:
    name = f"gp_{uuid.uuid4().hex[:10]}"
    server.create_database(name, template)
    url = server.url(name)
    engine = create_engine(url, poolclass=NullPool)
    try:
        if template is None:
            install(url)
            seed(url, CATALOG)
        yield Company(url, engine)
    finally:
        engine.dispose()
        server.drop_database(name)


TAX = DocumentTax("NY State Tax", Decimal("0.04"), Decimal("28.00"), Decimal("1.12"))


def goods(
    sku: str | None = "MUG",
    quantity: int = 2,
    net: str = "28.00",
    taxes: tuple[DocumentTax, ...] = (),
    **more: Any,
) -> DocumentLine:
    return DocumentLine(
        more.pop("line_id", f"line-{sku}"),
        more.pop("kind", LineKind.GOODS),
        sku,
        more.pop("title", "Camp mug"),
        quantity,
        Decimal(net),
        taxes=taxes,
        **more,
    )


def charge(kind: ChargeKind, net: str, taxes: tuple[DocumentTax, ...] = ()) -> DocumentCharge:
    return DocumentCharge(f"charge-{kind}", kind, kind.value, Decimal(net), taxes)


def payment(amount: str, gateway: str = "shopify_payments") -> DocumentPayment:
    return DocumentPayment(
        "gid://shopify/OrderTransaction/5551234",
        gateway,
        Decimal(amount),
        datetime(2026, 11, 20, 12, tzinfo=UTC),
    )


ANN = Customer("gid://shopify/Customer/4711", name="Ann Example")
HOME = Address(
    name="Ann Example",
    line_1="1 Main Street",
    city="New York",
    region_code="NY",
    postal_code="10013",
    country_code="US",
    phone="+1 (212) 555-0100",
)


def document(
    number: int = 1001,
    kind: DocumentKind = DocumentKind.SALES_ORDER,
    lines: tuple[DocumentLine, ...] | None = None,
    charges: tuple[DocumentCharge, ...] = (),
    payments: tuple[DocumentPayment, ...] = (),
    **more: Any,
) -> Document:
    lines = (goods(),) if lines is None else lines
    concession = more.get("concession", Decimal(0))
    taxes = [tax for part in (*lines, *charges) for tax in part.taxes]
    total = sum((part.net for part in (*lines, *charges)), -concession)
    key = DocumentKey("shopify_gp", str(number), kind)
    if kind is DocumentKind.INVOICE:
        more.setdefault(
            "based_on", DocumentKey("shopify_gp", str(number), DocumentKind.SALES_ORDER)
        )
    return Document(
        key=more.pop("key", key),
        order_number=more.pop("order_number", f"#{number}"),
        document_on=more.pop("document_on", DAY),
        currency=more.pop("currency", "USD"),
        total=total + sum((tax.amount for tax in taxes), Decimal(0)),
        lines=lines,
        charges=charges,
        payments=payments,
        customer=more.pop("customer", ANN),
        shipping_address=more.pop("shipping_address", HOME),
        **more,
    )


def invoice(number: int = 1001, **more: Any) -> Document:
    return document(number, DocumentKind.INVOICE, **more)
