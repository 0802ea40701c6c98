"""What Heartland holds: orders, invoices and tickets, read back in our own types."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from include.connectors.erps.heartland_retail.client import HeartlandClient, Row
from include.connectors.erps.heartland_retail.payloads import read_part
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.domain.money import ZERO

PENDING, OPEN, CLOSED, COMPLETE = "pending", "open", "closed", "complete"
VOID_MARK = "void"
OPENED_MARK = "0"
ORDER_PARTS = ("lines", "taxes", "discounts", "payments")
Goods = tuple[int, Decimal]


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A line of an order."""

    id: int
    item_id: int | None
    qty: int
    unit: Decimal
    tax: Decimal
    location_id: int | None

    @property
    def goods(self) -> Goods:
        """Item and price: what tells lines apart."""
        return self.item_id or 0, self.unit


@dataclass(frozen=True, slots=True)
class HeldPayment:
    """A payment of an order or a ticket; ``mark`` is empty where people took it."""

    id: int
    mark: str
    amount: Decimal
    type_id: int


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """A sales order with its parts."""

    id: int
    number: str
    reference: str
    mark: str
    status: str
    total: Decimal
    shipping_charge: Decimal
    customer_id: int
    lines: tuple[HeldLine, ...]
    taxes: Mapping[str, Decimal]
    discounts: Mapping[str, Decimal]
    payments: tuple[HeldPayment, ...]
    row: Row = field(repr=False)

    @property
    def change(self) -> int:
        """Sequence of the newest change in effect."""
        return int(self.mark) if self.mark.isdigit() else 0

    @property
    def was_open(self) -> bool:
        """Whether it is or was open: what is pending after that, people put there."""
        return self.status != PENDING or bool(self.mark)

    @property
    def may_have_tickets(self) -> bool:
        """Whether a change or void may have given something back by ticket."""
        return bool(self.mark) and self.mark != OPENED_MARK

    @property
    def is_struck_out(self) -> bool:
        """Whether it was voided, by us or by people."""
        return self.status not in (PENDING, OPEN, CLOSED) or self.mark == VOID_MARK

    def paid(self, document: str) -> Decimal:
        """Return what was paid under the mark of a document, or later for it.

        Args:
            document: The document's part of a payment's mark, see ``mark_of``.
        """
        return sum(
            (
                payment.amount
                for payment in self.payments
                if payment.mark.partition(":")[0].rpartition(".")[2] == document
                or (document == "D" and not payment.mark)
            ),
            ZERO,
        )


@dataclass(frozen=True, slots=True)
class HeldBill:
    """An invoice of an order, or a ticket; a ticket's amounts are negative where it gives back."""

    id: int
    number: str
    reference: str
    part: int
    of: int
    status: str
    total: Decimal
    location_id: int | None
    items: tuple[tuple[int, Goods, int], ...]
    values: Mapping[tuple[str, str], Decimal]
    value_ids: tuple[tuple[str, int], ...]
    payments: tuple[HeldPayment, ...]
    customer_id: int
    parent_id: int | None = None

    @property
    def goods(self) -> tuple[tuple[Goods, int], ...]:
        """Units by item and price, line by line."""
        return tuple((goods, qty) for _, goods, qty in self.items)


class Reader:
    """Reads documents back, many references at a time.

    Args:
        client: The account.
        settings: Names of the custom fields, sizes of the look-ups.
    """

    def __init__(self, client: HeartlandClient, settings: HeartlandRetailSettings) -> None:
        self._client = client
        self._settings = settings

    def orders(self, references: Iterable[str]) -> dict[str, list[HeldOrder]]:
        """Return the orders of each reference, oldest first.

        Args:
            references: What the orders are found by.
        """
        field_name = f"custom@{self._settings.reference_field}"
        found: dict[str, list[HeldOrder]] = defaultdict(list)
        for part in self._chunks(sorted(set(references))):
            rows = self._client.rows(
                "sales/orders", where={field_name: {"$in": part}}, include=ORDER_PARTS
            )
            for row in rows:
                order = self._order(row)
                found[order.reference].append(order)
        return found

    def orders_under(self, bases: Iterable[str]) -> list[HeldOrder]:
        """Return the orders that later invoices of these orders brought.

        Args:
            bases: The orders' own references.
        """
        field_name = f"custom@{self._settings.reference_field}"
        found = []
        for part in self._chunks(sorted(set(bases))):
            where = {"$or": [{field_name: {"$like": f"{base}/%"}} for base in part]}
            rows = self._client.rows("sales/orders", where=where, include=ORDER_PARTS)
            orders = map(self._order, rows)
            found += [order for order in orders if order.reference.rpartition("/")[0] in part]
        return found

    def order(self, number: int) -> HeldOrder:
        """Return one order as it stands now.

        Args:
            number: Its id.
        """
        return self._order(self._client.get(f"sales/orders/{number}", include=ORDER_PARTS))

    def bills(self, order_ids: Iterable[int]) -> dict[int, list[HeldBill]]:
        """Return the invoices of each order, struck out ones left out.

        Args:
            order_ids: Ids.
        """
        found: dict[int, list[HeldBill]] = defaultdict(list)
        for part in self._chunks(sorted(set(order_ids))):
            rows = self._client.rows(
                "sales/invoices", where={"order_id": {"$in": part}}, include=("lines",)
            )
            for row in rows:
                bill = self._bill(row)
                if bill.status in (PENDING, COMPLETE):
                    found[int(row["order_id"])].append(bill)
        return found

    def tickets(self, parents: Iterable[int]) -> list[HeldBill]:
        """Return the tickets that give back what these invoices billed.

        Args:
            parents: Ids of invoices.
        """
        found: list[HeldBill] = []
        for part in self._chunks(sorted(set(parents))):
            rows = self._client.rows(
                "sales/tickets",
                where={"parent_transaction_id": {"$in": part}},
                include=("lines", "payments"),
            )
            bills = map(self._bill, rows)
            found += [bill for bill in bills if bill.status in (PENDING, COMPLETE)]
        return found

    def _chunks(self, values: Sequence[object]) -> Iterable[list[object]]:
        size = self._settings.lookup_size
        return (list(values[start : start + size]) for start in range(0, len(values), size))

    def _order(self, row: Row) -> HeldOrder:
        custom = row.get("custom") or {}
        return HeldOrder(
            id=int(row["id"]),
            number=str(row.get("public_id") or row["id"]),
            reference=str(custom.get(self._settings.reference_field) or ""),
            mark=str(custom.get(self._settings.change_field) or ""),
            status=str(row["status"]),
            total=_amount(row.get("total")),
            shipping_charge=_amount(row.get("shipping_charge")),
            customer_id=int(row["customer_id"]),
            lines=tuple(
                HeldLine(
                    id=int(line["id"]),
                    item_id=line.get("item_id"),
                    qty=int(line["qty"]),
                    unit=_amount(line.get("adjusted_unit_price")),
                    tax=_amount(line.get("total_tax")),
                    location_id=line.get("ship_from_location_id"),
                )
                for line in row.get("lines") or ()
            ),
            taxes=_summed(row.get("taxes") or (), "value"),
            discounts=_summed(row.get("discounts") or (), "amount"),
            payments=self._payments(row),
            row=row,
        )

    def _bill(self, row: Row) -> HeldBill:
        custom = row.get("custom") or {}
        own, part, of = read_part(str(custom.get(self._settings.reference_field) or ""))
        lines = row.get("lines") or ()
        values: dict[tuple[str, str], Decimal] = {}
        for line in lines:
            if line["type"] != "ItemLine":
                key = (str(line["type"]), str(line.get("description") or ""))
                values[key] = values.get(key, ZERO) + _amount(line.get("value"))
        return HeldBill(
            id=int(row["id"]),
            number=str(row.get("public_id") or row["id"]),
            reference=own,
            part=part,
            of=of,
            status=str(row["status"]),
            total=_amount(row.get("total")),
            location_id=row.get("source_location_id"),
            items=tuple(
                (
                    int(line["id"]),
                    (int(line["item_id"]), _amount(line.get("unit_price"))),
                    int(line["qty"]),
                )
                for line in lines
                if line["type"] == "ItemLine"
            ),
            values=values,
            value_ids=tuple(
                (str(x["type"]), int(x["id"])) for x in lines if x["type"] != "ItemLine"
            ),
            payments=self._payments(row),
            customer_id=int(row["customer_id"]),
            parent_id=row.get("parent_transaction_id"),
        )

    def _payments(self, row: Row) -> tuple[HeldPayment, ...]:
        return tuple(
            HeldPayment(
                id=int(payment["id"]),
                mark=str((payment.get("custom") or {}).get(self._settings.payment_field) or ""),
                amount=_amount(payment.get("amount")),
                type_id=int(payment["payment_type_id"]),
            )
            for payment in row.get("payments") or ()
        )


def goods_on(bills: Iterable[HeldBill]) -> Counter[Goods]:
    """Return units by item and price over several invoices or tickets.

    Args:
        bills: What Heartland holds.
    """
    units: Counter[Goods] = Counter()
    for bill in bills:
        for goods, qty in bill.goods:
            units[goods] += qty
    return units


def billed_by_line(order: HeldOrder, bills: Iterable[HeldBill]) -> Counter[int]:
    """Return how many units of each order line stand on invoices.

    An invoice names items, not lines: units are laid on the lines of the same item, price and
    location first, then of the same item and price, then of the same item.

    Args:
        order: The order.
        bills: Its invoices, complete or not.
    """
    left: Counter[tuple[int, Decimal, int | None]] = Counter()
    for bill in bills:
        for (item_id, unit), qty in bill.goods:
            left[item_id, unit, bill.location_id] += qty
    done: Counter[int] = Counter()
    for closeness in range(3):
        for line in order.lines:
            for key in left:
                if left[key] <= 0 or done[line.id] >= line.qty or key[0] != line.item_id:
                    continue
                if closeness < 2 and key[1] != line.unit:  # noqa: PLR2004  the last pass
                    continue
                if closeness < 1 and key[2] != line.location_id:
                    continue
                taken = min(left[key], line.qty - done[line.id])
                done[line.id] += taken
                left[key] -= taken
    return done


def _amount(value: object) -> Decimal:
    return Decimal(str(value)) if value is not None else ZERO


def _summed(rows: Iterable[Row], name: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        key = str(row.get("description") or "")
        sums[key] = sums.get(key, ZERO) + _amount(row.get(name))
    return sums
