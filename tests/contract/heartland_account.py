"""A sandbox account with a connector on it, and documents to post: small, true to the cent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from include.connectors.erps.heartland_retail import SETTINGS
from include.connectors.erps.heartland_retail.connector import HeartlandRetail, create
from include.connectors.erps.heartland_retail.sandbox.rig import TOKEN, HeartlandRig, open_rig
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
    DocumentPayment,
    DocumentTax,
    RemoteDocument,
)
from include.domain.order import Address, ChargeKind, Customer, LineKind
from include.sandbox.rig import Booked, Ground
from include.sandbox.shop import shop_assortment
from include.staging.mapping import ChannelMappings

CHANNEL = "trial"
PLACED = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
TAX = "New York State Tax"
SOCKS, TEE, SKILLET = "SOC-HIK-M", "TEE-ORG-S", "SKL-CST"
HOME = Address(
    name="Ana Maria Prado",
    line_1="12 Elm Street",
    city="Albany",
    region_code="NY",
    postal_code="12207",
    country_code="US",
)
ANA = Customer("gid://shopify/Customer/77", "Ana Maria Prado", "ana@example.com")
FIRST, SECOND = "gid://shopify/Location/70000000001", "gid://shopify/Location/70000000002"


def line(
    sku: str = SOCKS,
    quantity: int = 2,
    net: str = "37.00",
    *,
    line_id: str = "L1",
    tax: str = "0",
    **more: Any,
) -> DocumentLine:
    taxes = (DocumentTax(TAX, Decimal("0.04"), Decimal(net), Decimal(tax)),) if Decimal(tax) else ()
    values: dict[str, Any] = {"kind": LineKind.GOODS, "title": f"Thing {sku}"} | more
    return DocumentLine(
        line_id=line_id, sku=sku, quantity=quantity, net=Decimal(net), taxes=taxes, **values
    )


def shipping(net: str = "5.00") -> DocumentCharge:
    return DocumentCharge("S1", ChargeKind.SHIPPING, "Standard", Decimal(net))


def paid(amount: str, tender: str = "T1", gateway: str = "shopify_payments") -> DocumentPayment:
    return DocumentPayment(tender, gateway, Decimal(amount), PLACED)


def document(
    kind: DocumentKind = DocumentKind.SALES_ORDER,
    *lines: DocumentLine,
    number: str = "#1001",
    sequence: int = 1,
    charges: tuple[DocumentCharge, ...] = (),
    payments: tuple[DocumentPayment, ...] = (),
    **more: Any,
) -> Document:
    parts: tuple[DocumentLine | DocumentCharge, ...] = (*lines, *charges)
    total = sum((p.net + sum((t.amount for t in p.taxes), Decimal(0)) for p in parts), Decimal(0))
    values: dict[str, Any] = {
        "customer": ANA,
        "billing_address": HOME,
        "shipping_address": HOME,
        "shipping_method": "Standard" if charges else None,
        "placed_at": PLACED,
    } | more
    return Document(
        key=DocumentKey(CHANNEL, f"id-{number}", kind, sequence),
        order_number=number,
        document_on=date(2026, 11, 18),
        currency="USD",
        total=total - values.get("concession", Decimal(0)),
        lines=lines,
        charges=charges,
        payments=payments,
        **values,
    )


def order(*lines: DocumentLine, **more: Any) -> Document:
    """A sales order; two pairs of socks with shipping unless lines are given."""
    more.setdefault("charges", (shipping(),))
    return document(DocumentKind.SALES_ORDER, *(lines or (line(tax="1.48"),)), **more)


def following(base: Document, kind: DocumentKind, *lines: DocumentLine, **more: Any) -> Document:
    """A document that acts on a sales order."""
    on = replace(base.key, kind=DocumentKind.SALES_ORDER, sequence=1)
    more = {"number": base.order_number, "based_on": on} | more
    return document(kind, *lines, **more)


def invoice(base: Document, *lines: DocumentLine, **more: Any) -> Document:
    """An invoice of a sales order: all of it unless lines are given."""
    if not lines:
        more.setdefault("charges", base.charges)
        more.setdefault("payments", (paid(str(base.total)),))
    return following(base, DocumentKind.INVOICE, *(lines or base.lines), **more)


def change(base: Document, *lines: DocumentLine, **more: Any) -> Document:
    """An order change."""
    more.setdefault("charges", base.charges)
    return following(base, DocumentKind.ORDER_CHANGE, *lines, **more)


def credit_note(base: Document, *lines: DocumentLine, **more: Any) -> Document:
    """A credit note on the order's first invoice."""
    on = replace(base.key, kind=DocumentKind.INVOICE, sequence=1)
    return following(base, DocumentKind.CREDIT_NOTE, *lines, **({"based_on": on} | more))


def void(base: Document) -> Document:
    return following(base, DocumentKind.VOID)


@dataclass
class Account:
    """An account, the connector on it, and people at their desks in Heartland."""

    rig: HeartlandRig
    erp: HeartlandRetail

    @property
    def state(self) -> Any:
        return self.rig.sandbox.account

    def connector(
        self, maps: Mapping[str, Mapping[str, str]] | None = None, **settings: Any
    ) -> HeartlandRetail:
        """Another connector on the same account."""
        return connect(self.rig, maps, **settings)

    def post(self, *documents: Document) -> RemoteDocument:
        """Prepare and post documents; returns what became of the last."""
        for one in documents:
            found = self.erp.post(self.erp.prepare(one))
        return found

    def find(self, one: Document) -> tuple[RemoteDocument, ...]:
        return self.erp.find([(one.key, one.order_number)]).get(one.key, ())

    def booked(self, kind: DocumentKind | None = None) -> list[Booked]:
        return [b for b in self.rig.booked() if kind in (None, b.kind)]

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Records of the account, whatever state they are in."""
        return [dict(row) for row in self.state.all(kind)]

    def ask(self, path: str, **parameters: Any) -> requests.Response:
        """Read as any program would."""
        return self.call("GET", path, params=parameters)

    def call(self, method: str, path: str, token: str = TOKEN, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        more = {"timeout": 10, "headers": headers} | more
        return requests.request(method, f"{self.rig.url}/api/{path}", **more)

    def people(self, method: str, path: str, body: Any = None) -> int:
        """What people do in Heartland's own screens; returns the id of what they made."""
        answer = self.call(method, path, json=body)
        assert answer.ok, answer.text
        tail = answer.headers.get("Location", "").rpartition("/")[2]
        return int(tail) if tail else 0

    def people_invoice(self, **quantities: int) -> int:
        """People invoice the newest order: everything that is distributed, or so many units."""
        found = self.rows("sales/orders")[-1]
        lines = [x for x in self.rows("sales/orders/lines") if x["order_id"] == found["id"]]
        site = lines[0]["ship_from_location_id"]
        body = {
            "customer_id": found["customer_id"],
            "order_id": found["id"],
            "source_location_id": site,
            "station_id": found["station_id"],
        }
        number = self.people("POST", "sales/invoices", body)
        path = f"sales/invoices/{number}"
        for own in lines:
            units = quantities.get("units", own["qty"])
            item = {"type": "ItemLine", "item_id": own["item_id"], "qty": units}
            self.people("POST", f"{path}/lines", item)
        for tax in self.rows("sales/orders/taxes"):
            if tax["order_id"] == found["id"] and not quantities:
                own = {"type": "TaxLine", "description": tax["description"]}
                own["value"] = float(tax["value"])
                self.people("POST", f"{path}/lines", own)
        self.people("PUT", path, {"status": "complete"})
        return number


def connect(
    rig: HeartlandRig, maps: Mapping[str, Mapping[str, str]] | None = None, **settings: Any
) -> HeartlandRetail:
    rows = {(kind, key): v for kind, m in (maps or rig.maps).items() for key, v in m.items()}
    own = SETTINGS.model_validate({**rig.settings, **settings})
    return create(rig.remote, own, ChannelMappings(CHANNEL, rows))


def no_database(name: str) -> str:
    raise AssertionError(f"the account keeps its own file and needs no database {name}")


@contextmanager
def open_account(folder: Path, **settings: Any) -> Iterator[Account]:
    """Bring up an account in a folder and a connector on it."""
    with open_rig(Ground(folder, no_database, shop_assortment())) as rig:
        yield Account(rig, connect(rig, **settings))
