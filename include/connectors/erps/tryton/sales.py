"""Sales of an order: placed, amended, brought to nothing; read back with their lines and stock.

A sale in Tryton has one warehouse and takes no new line once it is confirmed, so an order may be
several sales. Their web ids tell: the order's own id, ``/c2`` for what its second change added,
``/i2`` and ``/r1`` for what only an invoice bills or a credit note returns, ``@CODE`` for another
warehouse. Web shop and web id are unique in Tryton: a sale is never made twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from include.connectors.erps.tryton.company import CompanyBook
from include.connectors.erps.tryton.customers import Party
from include.connectors.erps.tryton.documents import (
    TAX_DIFFERENCE,
    Part,
    TaxPart,
    TrytonDocument,
)
from include.connectors.erps.tryton.rpc import TrytonClient
from include.domain.errors import MappingMissing, Refused
from include.domain.money import ZERO, minor_unit
from include.ports.erp import Mappings

_WEB_ID = re.compile(r"^(?P<order>.*?)(?:/(?P<role>[cir])(?P<number>\d+))?(?:@(?P<where>[^/@]+))?$")
ALIVE = frozenset({"confirmed", "processing", "done"})
_NOT_CONFIRMED = frozenset({"draft", "quotation"})
_ORDERS = 200
_FIELDS = (
    *("number", "state", "web_id", "reference", "total_amount", "warehouse"),
    *("party", "party.account_receivable", "invoice_address", "shipment_address"),
    *("shipments", "shipment_returns"),
    *(f"shipments.{name}" for name in ("state", "warehouse_storage", "warehouse_output")),
    *(f"shipments.moves.{name}" for name in ("state", "quantity", "origin")),
    *(f"shipment_returns.{name}" for name in ("state",)),
    *(f"lines.{name}" for name in ("type", "note", "product", "quantity", "unit_price", "taxes")),
    *(f"lines.moves.{name}" for name in ("state", "quantity")),
    *(f"lines.invoice_lines.{name}" for name in ("quantity", "invoice_state")),
)


@dataclass(frozen=True, slots=True)
class SaleLine:
    """A line of a sale.

    Attributes:
        id: Record.
        key: The store's line id, as the line's note holds it.
        product: Product record.
        quantity: Units; negative on a return.
        unit_price: Price of one.
        taxes: Tax records.
        shipped: Units that have left, or come back on a return.
        billed: Units on invoices that are not cancelled.
    """

    id: int
    key: str
    product: int | None
    quantity: Decimal
    unit_price: Decimal
    taxes: frozenset[int]
    shipped: Decimal
    billed: Decimal


@dataclass(frozen=True, slots=True)
class Move:
    """A stock move of a shipment: out of the warehouse, or from the shelf to its exit."""

    id: int
    state: str
    quantity: Decimal
    origin: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """A shipment to the customer.

    Attributes:
        id: Record.
        state: Tryton's state.
        is_picked_apart: Whether goods go from the shelf to an exit before they leave.
        moves: Its moves that are not cancelled.
    """

    id: int
    state: str
    is_picked_apart: bool
    moves: tuple[Move, ...]

    @property
    def outgoing(self) -> tuple[Move, ...]:
        """Moves that leave the warehouse; their origin is a line of the sale."""
        return tuple(m for m in self.moves if not m.origin.startswith("stock.move,"))

    @property
    def picking(self) -> tuple[Move, ...]:
        """Moves from the shelf to the exit; their origin is an outgoing move."""
        return tuple(m for m in self.moves if m.origin.startswith("stock.move,"))

    @property
    def reserving(self) -> tuple[Move, ...]:
        """The moves that reserve stock."""
        return self.picking if self.is_picked_apart and self.picking else self.outgoing

    @property
    def short(self) -> tuple[Move, ...]:
        """The moves that wait for stock."""
        if self.state not in ("draft", "waiting"):
            return ()
        return tuple(m for m in self.reserving if m.state in ("draft", "staging"))


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as Tryton holds it.

    Attributes:
        order: The store's id of the order.
        role: Why it is there: empty, ``c``, ``i`` or ``r``; with the document's sequence.
    """

    id: int
    number: str
    state: str
    order: str
    role: str
    sequence: int
    warehouse: int | None
    total: Decimal
    party: Party
    lines: tuple[SaleLine, ...]
    shipments: tuple[Shipment, ...]
    returns: tuple[tuple[int, str], ...]

    @property
    def is_alive(self) -> bool:
        """Whether it is confirmed, and not cancelled."""
        return self.state in ALIVE

    @property
    def is_order(self) -> bool:
        """Whether it is part of the sales order, not of a later document."""
        return self.role in ("", "c")


def web_id(order: str, role: str = "", sequence: int = 0, warehouse: str | None = None) -> str:
    """Return the web id of a sale.

    Args:
        order: The store's id of the order.
        role: ``c``, ``i``, ``r`` or nothing.
        sequence: Sequence of the document that brought it.
        warehouse: Code, where it is not the first sale of its kind.
    """
    spelled = f"{order}/{role}{sequence}" if role else order
    return f"{spelled}@{warehouse}" if warehouse else spelled


class Sales:
    """The sales of a web shop.

    Args:
        client: The session.
        book: The company's set-up.
        mappings: For the product that carries tax differences.
    """

    def __init__(self, client: TrytonClient, book: CompanyBook, mappings: Mappings) -> None:
        self.client = client
        self.book = book
        self.mappings = mappings

    def of_orders(self, orders: Mapping[str, str]) -> dict[str, list[Sale]]:
        """Return the sales of orders, each order's own first; an order without one is left out.

        Args:
            orders: The store's id of each order to its number.
        """
        rows: list[dict[str, Any]] = []
        ids = sorted(orders)
        for at in range(0, len(ids), _ORDERS):
            own = ids[at : at + _ORDERS]
            numbers = sorted({orders[order] for order in own})
            # The number leads to what changes and later documents added, too.
            rows += self._read(["OR", ["web_id", "in", own], ["reference", "in", numbers]])
        found: dict[str, list[Sale]] = {}
        for row in rows:
            sale = self._sale(row)
            if sale.order in orders:
                found.setdefault(sale.order, []).append(sale)
        return found

    def of_order(self, document: TrytonDocument) -> list[Sale]:
        """Return the sales of a document's order."""
        return self.of_orders({document.web_id: document.reference}).get(document.web_id, [])

    def place(
        self,
        document: TrytonDocument,
        parts: Sequence[Part],
        party: Party,
        *,
        role: str = "",
        origin: int | None = None,
        before_confirming: Callable[[], None] | None = None,
        must_tie: bool = False,
    ) -> bool:
        """Create and confirm the sales of parts, one a warehouse; those that are there go on.

        Args:
            document: What they are for.
            parts: What they sell; on a return what comes back.
            party: Who they are booked on.
            role: Why they are there, see the module.
            origin: The sale that goods come back from.
            before_confirming: Called once the sales are there and not confirmed yet.
            must_tie: The sales are the whole document: what Tryton makes of the taxes is
                brought to the document's total while they are drafts.

        Returns:
            Whether any of them was not confirmed before.

        Raises:
            Refused: Tryton said no.
        """
        values = self._values(document, parts, party, role, origin)
        states: dict[int, str] = {}
        try:
            states = dict.fromkeys(self.client.create("sale.sale", values), "draft")
        except Refused:
            ids = [row["web_id"] for row in values]
            rows = self.client.search(
                "sale.sale", [self._ours(), ["web_id", "in", ids]], ["state", "web_id"]
            )
            if len(rows) != len(values):
                raise
            states = {row["id"]: row["state"] for row in rows}
        is_fresh = any(state in _NOT_CONFIRMED for state in states.values())
        if must_tie and any(part.taxes for part in parts):
            self._tie(document, [sale for sale, state in states.items() if state == "draft"])
        if is_fresh and before_confirming is not None:
            before_confirming()
        self.advance(states)
        return is_fresh

    def advance(self, states: Mapping[int, str]) -> None:
        """Bring sales from wherever they are to processing."""
        drafts = [sale for sale, state in states.items() if state == "draft"]
        if drafts:
            self.client.press("sale.sale", "quote", drafts)
        quoted = [sale for sale, state in states.items() if state in _NOT_CONFIRMED]
        if quoted:
            self.client.press("sale.sale", "confirm", quoted)

    def process(self, sales: Iterable[Sale]) -> bool:
        """Process what a queue of the server has not yet; tell whether there was any."""
        waiting = [sale.id for sale in sales if sale.state == "confirmed"]
        if waiting:
            self.client.press("sale.sale", "process", waiting)
        return bool(waiting)

    def _tie(self, document: TrytonDocument, drafts: Sequence[int]) -> None:
        """Add the line that makes drafts tie to the store, if there has to be one."""
        rows = self.client.read("sale.sale", drafts, ["total_amount"])
        difference = document.total - sum((row["total_amount"] for row in rows), ZERO)
        if rows and difference:
            lines = [["create", [self.line_values(self._difference(difference))]]]
            self.client.write("sale.sale", [drafts[0]], {"lines": lines})

    def _difference(self, amount: Decimal) -> Part:
        product = self.mappings.require("charge", TAX_DIFFERENCE)
        return Part(TAX_DIFFERENCE, product, "Tax difference", 1, amount)

    def tax_difference(self, parts: Iterable[Part], taxes: Iterable[TaxPart], code: str) -> Decimal:
        """Return the store's taxes less those that Tryton works out line by line.

        Tryton rounds each tax of a line, and takes off what the rounding came to in whole cents.

        Args:
            parts: What is sold.
            taxes: What the store charged.
            code: ISO 4217 code of the currency.
        """
        cent = minor_unit(code)
        computed = ZERO
        for part in parts:
            net = part.quantity * part.unit_price
            exact = [net * self.book.tax(name).rate for name in part.taxes]
            rounded = [amount.quantize(cent, ROUND_HALF_EVEN) for amount in exact]
            beyond = sum(rounded, ZERO) - sum(exact, ZERO)
            computed += sum(rounded, ZERO) - beyond.quantize(cent, ROUND_HALF_EVEN)
        return sum((tax.amount for tax in taxes), ZERO) - computed

    def with_tax_difference(self, document: TrytonDocument) -> list[Part]:
        """Return the document's parts, and the line that makes a sale tie to the store."""
        parts = list(document.parts)
        difference = self.tax_difference(parts, document.taxes, document.currency)
        return [*parts, self._difference(difference)] if difference else parts

    def line_values(self, part: Part, sign: int = 1) -> dict[str, Any]:
        """Spell a part as a line of a sale."""
        product = self._product(part)
        return {
            "type": "line",
            "product": product.id,
            "quantity": float(sign * part.quantity),
            "unit": product.unit,
            "unit_price": part.unit_price,
            "taxes": [["add", sorted(self.book.tax(name).id for name in part.taxes)]],
            "note": part.key,
            "description": part.title,
        }

    def _product(self, part: Part) -> Any:
        found = self.book.products([part.product]).get(part.product)
        if found is None and part.is_goods:
            raise MappingMissing("sku", part.product, channel=self.client.name)
        return found or self.book.product(part.product)

    def _values(
        self,
        document: TrytonDocument,
        parts: Sequence[Part],
        party: Party,
        role: str,
        origin: int | None,
    ) -> list[dict[str, Any]]:
        self.book.products({part.product for part in parts})
        company = self.book.company
        default = self.book.settings.default_warehouse
        groups: dict[str, list[Part]] = {}
        for part in parts:
            if part.warehouse:
                groups.setdefault(part.warehouse, [])
        first = next(iter(groups), default)
        for part in parts:
            groups.setdefault(part.warehouse or first, []).append(part)
        sign = -1 if role == "r" else 1
        return [
            {
                "party": party.id,
                "invoice_address": party.invoice_address,
                "shipment_address": party.shipment_address,
                "company": company.id,
                "currency": company.currency,
                "warehouse": self.book.warehouse(code).id,
                "web_shop": company.shop,
                "web_id": web_id(
                    document.web_id, role, document.key.sequence, None if code == first else code
                ),
                "reference": document.reference,
                "sale_date": document.on,
                "payment_term": company.payment_term,
                "invoice_method": "manual",
                "shipment_method": "order",
                **({"origin": f"sale.sale,{origin}"} if origin else {}),
                "lines": [["create", [self.line_values(part, sign) for part in own]]],
            }
            for code, own in groups.items()
        ]

    def _ours(self) -> list[Any]:
        return ["web_shop", "=", self.book.company.shop]

    def _read(self, domain: list[Any]) -> list[dict[str, Any]]:
        return self.client.search("sale.sale", [self._ours(), domain], _FIELDS)

    def _sale(self, row: Mapping[str, Any]) -> Sale:
        parsed = _WEB_ID.match(row["web_id"] or "")
        order, role, number = parsed.group("order", "role", "number") if parsed else ("", "", "0")
        receivable = (row["party."] or {}).get("account_receivable")
        return Sale(
            id=row["id"],
            number=row["number"] or "",
            state=row["state"],
            order=order,
            role=role or "",
            sequence=int(number or 0),
            warehouse=row["warehouse"],
            total=row["total_amount"],
            party=Party(
                row["party"],
                row["invoice_address"],
                row["shipment_address"],
                receivable or self.book.company.receivable,
            ),
            lines=tuple(_line(line) for line in row["lines."] if line["type"] == "line"),
            shipments=tuple(_shipment(shipment) for shipment in row["shipments."]),
            returns=tuple((back["id"], back["state"]) for back in row["shipment_returns."]),
        )


def _line(row: Mapping[str, Any]) -> SaleLine:
    done = (m["quantity"] for m in row["moves."] if m["state"] == "done")
    billed = (i["quantity"] for i in row["invoice_lines."] if i["invoice_state"] != "cancelled")
    return SaleLine(
        id=row["id"],
        key=row["note"] or "",
        product=row["product"],
        quantity=_units(row["quantity"] or 0),
        unit_price=row["unit_price"] or ZERO,
        taxes=frozenset(row["taxes"]),
        shipped=sum(map(_units, done), ZERO),
        billed=sum(map(_units, billed), ZERO),
    )


def _shipment(row: Mapping[str, Any]) -> Shipment:
    return Shipment(
        id=row["id"],
        state=row["state"],
        is_picked_apart=row["warehouse_storage"] != row["warehouse_output"],
        moves=tuple(
            Move(m["id"], m["state"], _units(m["quantity"]), m["origin"] or "")
            for m in row["moves."]
            if m["state"] != "cancelled"
        ),
    )


def _units(quantity: float) -> Decimal:
    return Decimal(str(quantity))
