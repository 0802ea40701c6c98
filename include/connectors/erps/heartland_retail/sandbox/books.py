"""Reads the account's books past its own API, to be compared with what the store says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal

from include.connectors.erps.heartland_retail.sandbox.invoices import total_of
from include.connectors.erps.heartland_retail.sandbox.schema import Row
from include.connectors.erps.heartland_retail.sandbox.server import Sandbox
from include.connectors.erps.heartland_retail.sandbox.setup import CHARGES, OPEN_CREDIT
from include.domain.document import DocumentKind, RemoteState
from include.sandbox.rig import Booked

_OWN = re.compile(r"(?P<order>.+?)/(?P<letter>[RCVS]?)(?P<number>\d+)(?: \d+of\d+)?")
_STATES = {"open": RemoteState.OPEN, "closed": RemoteState.POSTED, "canceled": RemoteState.VOID}


class Books:
    """The documents of an account.

    Args:
        sandbox: The account.
        skus: The shop's sku of items that carry another name.
    """

    def __init__(self, sandbox: Sandbox, skus: Mapping[str, str]) -> None:
        self._sandbox = sandbox
        self._account = sandbox.account
        self._skus = skus

    def documents(self) -> Iterator[Booked]:
        """Yield every document that counts: what is pending reserves and bills nothing."""
        tickets = [t for t in self._account.all("sales/tickets") if t["status"] == "complete"]
        changes = [t for t in tickets if _read(t)[1] in ("C", "V")]
        for order in self._account.all("sales/orders"):
            reference = _reference(order)
            number, letter, _ = _read(order)
            is_spare = reference.startswith("discarded ") or (number and letter != "S")
            if order["status"] in _STATES and not is_spare:
                own = [t for t in changes if _read(t)[0] == reference]
                yield self._order(order, own)
        bills = [i for i in self._account.all("sales/invoices") if i["status"] == "complete"]
        yield from self._merged(DocumentKind.INVOICE, bills)
        credits_ = [t for t in tickets if _read(t)[1] == "R"]
        yield from self._merged(DocumentKind.CREDIT_NOTE, credits_)

    def _order(self, order: Row, tickets: list[Row]) -> Booked:
        number = order["id"]
        lines = self._account.children("sales/orders/lines", number)
        given = [line for t in tickets for line in self._lines("sales/tickets", t)]
        units = self._units(lines)
        units.update(self._units(given))
        taxes = self._account.children("sales/orders/taxes", number)
        tax = sum((Decimal(t["value"]) for t in taxes), Decimal(0)) + _tax(given)
        paid = sum((_paid(p) for p in self._payments(order, "D")), Decimal(0))
        back = (p for t in tickets for p in self._given_back(t))
        address = self._account.get("customers/addresses", order.get("shipping_address_id") or 0)
        waiting = [line for line in lines if line["ship_from_location_id"] is None]
        is_void = (order.get("custom") or {}).get("ecommerce_change") == "void"
        return Booked(
            order_number=_read(order)[0] or _reference(order),
            kind=DocumentKind.SALES_ORDER,
            reference=order["public_id"],
            state=RemoteState.VOID if is_void else _STATES[order["status"]],
            total=self._sandbox.orders.total(order) + total_of(given),
            tax=tax,
            paid=paid + sum((_paid(p) for p in back), Decimal(0)),
            units={sku: Decimal(n) for sku, n in units.items() if n},
            back_ordered=sum((Decimal(line["qty"]) for line in waiting), Decimal(0)),
            street=address.get("line_1") if address else None,
        )

    def _merged(self, kind: DocumentKind, rows: list[Row]) -> Iterator[Booked]:
        """Yield each document once, whatever records it takes; a record too many as its own."""
        groups: dict[str, list[Row]] = {}
        for row in rows:
            reference = re.sub(r" \d+of\d+$", "", _reference(row))
            is_spare = any(_reference(own) == _reference(row) for own in groups.get(reference, ()))
            key = f"{reference}|{row['id']}" if is_spare or not reference else reference
            groups.setdefault(key, []).append(row)
        for group in groups.values():
            yield self._one(kind, group)

    def _one(self, kind: DocumentKind, group: list[Row]) -> Booked:
        path, sign = (
            ("sales/invoices", 1) if kind is DocumentKind.INVOICE else ("sales/tickets", -1)
        )
        lines = [line for row in group for line in self._lines(path, row)]
        number, _, sequence = _read(group[0])
        if kind is DocumentKind.INVOICE:
            order = self._account.get("sales/orders", group[0]["order_id"])
            assert order is not None
            number = number or _read(order)[0] or _reference(order)
            paid = sum((_paid(p) for p in self._payments(order, f"I{sequence}")), Decimal(0))
        else:
            paid = -sum((_paid(p) for row in group for p in self._given_back(row)), Decimal(0))
        units = self._units(lines)
        return Booked(
            order_number=number,
            kind=kind,
            reference="+".join(row["public_id"] for row in group),
            state=RemoteState.POSTED,
            total=sign * total_of(lines),
            tax=sign * _tax(lines),
            paid=paid,
            units={sku: Decimal(sign * n) for sku, n in units.items() if n},
        )

    def _lines(self, kind: str, row: Row) -> list[Row]:
        return self._account.children(f"{kind}/lines", row["id"])

    def _payments(self, order: Row, document: str) -> Iterator[Row]:
        """Yield the payments of an order that a document brought, or that settle it later."""
        for payment in self._account.children("sales/orders/payments", order["id"]):
            mark = (payment.get("custom") or {}).get("ecommerce_payment") or "D:"
            if mark.partition(":")[0].rpartition(".")[2] == document:
                yield payment

    def _given_back(self, ticket: Row) -> Iterator[Row]:
        for payment in self._account.children("sales/tickets/payments", ticket["id"]):
            kind = self._account.get("payment_types", payment["payment_type_id"])
            if kind is not None and kind["name"] != OPEN_CREDIT:
                yield payment

    def _units(self, lines: list[Row]) -> Counter[str]:
        units: Counter[str] = Counter()
        for line in lines:
            item = self._account.get("items", line.get("item_id") or 0)
            if item is None:
                continue
            public_id = item["public_id"]
            if public_id == CHARGES["not_restocked"]:
                public_id = line.get("description") or public_id
            elif not item["is_tracked"]:
                continue
            units[self._skus.get(public_id, public_id)] += line["qty"]
        return units


def _reference(row: Row) -> str:
    return str((row.get("custom") or {}).get("ecommerce_number") or "")


def _read(row: Row) -> tuple[str, str, str]:
    """Return order number, letter and sequence of what a record carries."""
    found = _OWN.fullmatch(_reference(row))
    return (found["order"], found["letter"], found["number"]) if found else ("", "", "")


def _tax(lines: list[Row]) -> Decimal:
    return sum((Decimal(x["value"]) for x in lines if x["type"] == "TaxLine"), Decimal(0))


def _paid(payment: Row) -> Decimal:
    return Decimal(payment["amount"])
