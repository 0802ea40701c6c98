"""A Tryton company for tests: one server a session, documents in few words."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.connectors.erps.tryton import SETTINGS
from include.connectors.erps.tryton.connector import Tryton, create
from include.connectors.erps.tryton.sandbox.rig import TrytonRig, open_rig
from include.connectors.erps.tryton.sandbox.server import SandboxError, install
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
    DocumentPayment,
    DocumentTax,
)
from include.domain.order import Address, ChargeKind, Customer, LineKind
from include.sandbox.rig import Booked, Ground
from include.sandbox.shop import shop_assortment
from include.staging.mapping import ChannelMappings
from local.postgres import EmbeddedPostgres

CHANNEL = "test"
DAY = date(2026, 11, 18)
TAX = "New York State Tax"
HOME = Address("Ada Ford", line_1="1 Harbor St", city="Portland", country_code="US")
_NUMBERS = itertools.count(7001)


@dataclass
class TrytonCompany:
    """A running company and a connector on it."""

    rig: TrytonRig
    _made: list[Tryton] = field(default_factory=list)

    def erp(self, remote: Any = None, **settings: Any) -> Tryton:
        """Make a connector, as the composition root does."""
        rows = {(kind, key): v for kind, m in self.rig.maps.items() for key, v in m.items()}
        own = SETTINGS(**{**self.rig.settings, **settings})
        return create(remote or self.rig.remote, own, ChannelMappings(CHANNEL, rows))

    @property
    def usual(self) -> Tryton:
        """The connector that most tests use."""
        if not self._made:
            self._made.append(self.erp())
        return self._made[0]

    def post(self, *documents: Document, erp: Tryton | None = None) -> list[Any]:
        """Post documents one after the other."""
        erp = erp or self.usual
        return [erp.post(erp.prepare(document)) for document in documents]

    def booked(self, document: Document, kind: DocumentKind | None = None) -> list[Booked]:
        """What Tryton's own tables hold of a document's order."""
        return [
            found
            for found in self.rig.booked()
            if found.order_number == document.order_number and (not kind or found.kind is kind)
        ]


@contextmanager
def tryton_company(server: EmbeddedPostgres, folder: Path, name: str) -> Iterator[TrytonCompany]:
    """Run a company on a database of its own; skip where Tryton cannot be installed.

    Args:
        server: Where the database is made.
        folder: An empty folder.
        name: Part of the database's name.
    """
    try:
        install()
    except SandboxError as error:
        pytest.skip(f"Tryton cannot be installed here: {error}")
    made: list[str] = []

    def new_database(asked: str) -> str:
        own = f"{asked}_{name}"
        if server.create_database(own):
            made.append(own)
        return server.url(own)

    try:
        with open_rig(Ground(folder, new_database, shop_assortment())) as rig:
            yield TrytonCompany(rig)
    finally:
        for own in made:
            server.drop_database(own)


def new_order() -> str:
    """The store's id of an order that is new."""
    return f"gid://shopify/Order/{next(_NUMBERS)}"


def key(order: str, kind: DocumentKind, sequence: int = 1) -> DocumentKey:
    return DocumentKey(CHANNEL, order, kind, sequence)


def tax(base: str, amount: str, title: str = TAX) -> DocumentTax:
    return DocumentTax(title, Decimal("0.04"), Decimal(base), Decimal(amount))


def goods(sku: str, quantity: int, net: str, *taxes: DocumentTax, **more: Any) -> DocumentLine:
    more.setdefault("line_id", f"gid://shopify/LineItem/{sku}")
    kind = more.pop("kind", LineKind.GOODS)
    return DocumentLine(
        kind=kind, sku=sku, title=sku, quantity=quantity, net=Decimal(net), taxes=taxes, **more
    )


def charge(kind: ChargeKind, net: str, *taxes: DocumentTax) -> DocumentCharge:
    return DocumentCharge(f"charge-{kind}", kind, "Standard", Decimal(net), taxes)


def payment(amount: str, tender: str = "1", gateway: str = "shopify_payments") -> DocumentPayment:
    paid_at = datetime(2026, 11, 18, 15, tzinfo=UTC)
    return DocumentPayment(
        f"gid://shopify/OrderTransaction/{tender}", gateway, Decimal(amount), paid_at
    )


def document(
    order: str,
    kind: DocumentKind,
    lines: tuple[DocumentLine, ...] = (),
    charges: tuple[DocumentCharge, ...] = (),
    payments: tuple[DocumentPayment, ...] = (),
    **more: Any,
) -> Document:
    """A document whose total is what its parts add up to."""
    parts: tuple[Any, ...] = (*lines, *charges)
    total = sum((part.net for part in parts), Decimal(0))
    total += sum((one.amount for part in parts for one in part.taxes), Decimal(0))
    total -= more.get("concession", Decimal(0))
    values: dict[str, Any] = {
        "customer": Customer("gid://shopify/Customer/77", "Ada Ford", "ada@example.com"),
        "billing_address": HOME,
        "shipping_address": HOME,
        "document_on": DAY,
    }
    return Document(
        key=key(order, kind, more.pop("sequence", 1)),
        order_number=f"#{order.rpartition('/')[2]}",
        currency="USD",
        total=total,
        lines=lines,
        charges=charges,
        payments=payments,
        **{**values, **more},
    )


def sale(*lines: DocumentLine, **more: Any) -> Document:
    """A sales order of its own order."""
    return document(new_order(), DocumentKind.SALES_ORDER, lines, **more)


def invoice(of: Document, *payments: DocumentPayment, **more: Any) -> Document:
    """The invoice that bills a sales order as it is."""
    own = replace(of.key, kind=DocumentKind.INVOICE)
    return replace(of, key=own, payments=payments, based_on=of.key, **more)
