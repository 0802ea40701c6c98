"""A sale as Tryton holds it, with its lines, shipments and what is billed of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from include.connectors.erps.tryton.customers import Party
from include.domain.money import ZERO

_WEB_ID = re.compile(r"^(?P<order>.*?)(?:/(?P<role>[cir])(?P<number>\d+))?(?:@(?P<where>[^/@]+))?$")
ALIVE = frozenset({"confirmed", "processing", "done"})
SALE_FIELDS = (
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


def sale_of(row: Mapping[str, Any], receivable: int) -> Sale:
    """Read a sale.

    Args:
        row: The fields of ``SALE_FIELDS``.
        receivable: The company's account, where the party has none of its own.
    """
    parsed = _WEB_ID.match(row["web_id"] or "")
    order, role, number = parsed.group("order", "role", "number") if parsed else ("", "", "0")
    own = (row["party."] or {}).get("account_receivable")
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
            own or receivable,
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
