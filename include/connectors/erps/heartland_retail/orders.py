"""Brings a sales order to what it should be: create, lines, taxes, discounts, payments, open.

Every step looks first and does what is missing, so that it goes on where a crash left it. The order
is made pending, without effect on stock; after it was made it is looked up once more, and of two
that were made at once the older one stays.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC

from include.connectors.erps.heartland_retail.client import HeartlandClient, Row
from include.connectors.erps.heartland_retail.difference import Edits, Line, gaps, line_edits
from include.connectors.erps.heartland_retail.held import (
    CLOSED,
    OPEN,
    OPENED_MARK,
    PENDING,
    HeldOrder,
    HeldPayment,
    Reader,
)
from include.connectors.erps.heartland_retail.names import Names
from include.connectors.erps.heartland_retail.payloads import (
    HeartlandOrder,
    WantedLine,
    WantedPayment,
)
from include.connectors.erps.heartland_retail.pending import refusal
from include.connectors.erps.heartland_retail.people import DISCARDED, People
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.connectors.erps.heartland_retail.turns import Turns
from include.domain.errors import Refused

log = logging.getLogger(__name__)

DEPOSIT = "D:"


class OrderDesk:
    """The sales orders of one account.

    Args:
        client: The account.
        settings: Its names and rules.
        names: Ids by name.
        reader: Reads documents back.
        people: Customers and addresses.
    """

    def __init__(
        self,
        client: HeartlandClient,
        settings: HeartlandRetailSettings,
        names: Names,
        reader: Reader,
        people: People,
    ) -> None:
        self._client = client
        self._settings = settings
        self._names = names
        self._reader = reader
        self._people = people
        self._turns = Turns()

    def alone(self, reference: str) -> AbstractContextManager[None]:
        """Let one caller of this process work on an order's documents at a time."""
        return self._turns.alone(reference)

    def find(self, reference: str) -> HeldOrder | None:
        """Return the order of a reference; the spare ones of two that were made at once go.

        Args:
            reference: What it is found by.
        """
        found = self._reader.orders([reference]).get(reference, [])
        if not found:
            return None
        best = min(found, key=lambda o: (o.is_struck_out, o.status == PENDING, o.id))
        for order in found:
            if order.id != best.id and order.status == PENDING:
                self._discard(order)
        return best

    def bring(self, order: HeartlandOrder) -> HeldOrder:
        """Make the order, or finish making it, and open it.

        Args:
            order: The order as it should stand.

        Returns:
            The order, open; closed or struck out where people went on from there.

        Raises:
            Refused: It stays pending, or Heartland said no; the message says why.
            AmbiguousOutcome: A call broke off; the next look-up tells.
        """
        held = self.find(order.reference) or self._create(order)
        if held.is_struck_out or held.status == CLOSED:
            return held
        if held.status == OPEN and (held.change or held.total == order.total):
            return self._opened(held)
        items = self._items(order.lines)
        self.set_header(held, order)
        edits = line_edits(self.lines(order.lines, items), held.lines, {})
        self.edit_lines(held, edits)
        self.set_amounts(held, order)
        self.set_payments(held, order.deposits, DEPOSIT)
        return self._opened(self.open(self._reader.order(held.id), order))

    def _opened(self, held: HeldOrder) -> HeldOrder:
        """Note that the order was open: it is whole, whatever people do to its status later."""
        if held.mark:
            return held
        self.mark(held, OPENED_MARK)
        return replace(held, mark=OPENED_MARK)

    def open(self, held: HeldOrder, order: HeartlandOrder | None = None) -> HeldOrder:
        """Open a pending order.

        Args:
            held: The order, freshly read.
            order: What it should add up to, if that is known.

        Raises:
            Refused: It stays pending; the message says why.
        """
        total = order.total if order else None
        if total is not None and held.total != total:
            raise refusal(held, total, self._settings)
        if held.status != PENDING:
            return held
        self._client.update(f"sales/orders/{held.id}", {"status": OPEN})
        opened = self._reader.order(held.id)
        if opened.status == PENDING:
            raise refusal(opened, total, self._settings)
        return opened

    def _create(self, order: HeartlandOrder) -> HeldOrder:
        customer = self._people.customer_id(order.person)
        values = self._header(order, customer)
        site = self._names.id_of("locations", self._settings.default_location)
        values |= {
            "customer_id": customer,
            "status": PENDING,
            "source_location_id": site,
            "station_id": self._settings.station_id,
        }
        if self._settings.sales_rep:
            values["sales_rep"] = self._settings.sales_rep
        if order.placed_at is not None:
            values["created_at"] = order.placed_at.astimezone(UTC).isoformat()
        self._client.create("sales/orders", values)
        held = self.find(order.reference)
        if held is None:
            raise Refused(
                f"order {order.reference} was made in Heartland and is not found by its custom "
                f"field {self._settings.reference_field}: check that the field is kept",
                rule="reference_kept",
                field=f"custom@{self._settings.reference_field}",
            )
        return held

    def _header(self, order: HeartlandOrder, customer_id: int) -> Row:
        billing, shipping = self._people.addresses(customer_id, order)
        method = order.shipping_method
        return {
            "billing_address_id": billing,
            "shipping_address_id": shipping,
            "shipping_charge": order.shipping_charge,
            "shipping_method_id": self._names.id_of("shipping_methods", method) if method else None,
            "custom": {**order.custom, self._settings.reference_field: order.reference},
        }

    def set_header(self, held: HeldOrder, order: HeartlandOrder) -> None:
        """Bring shipping, addresses and custom fields in line; the customer stays."""
        wanted = self._header(order, held.customer_id)
        own = held.row.get("custom") or {}
        if all(own.get(name) == value for name, value in wanted["custom"].items()):
            del wanted["custom"]
        for name in ("billing_address_id", "shipping_address_id", "shipping_method_id"):
            if wanted[name] is None:
                del wanted[name]  # what people added stays
        if order.shipping_charge == held.shipping_charge:
            del wanted["shipping_charge"]
        changed = {name: v for name, v in wanted.items() if held.row.get(name) != v}
        if changed:
            self._client.update(f"sales/orders/{held.id}", changed)

    def _items(self, lines: Iterable[WantedLine]) -> Mapping[str, int]:
        return self._names.require_items(line.item for line in lines)

    def lines(self, lines: Iterable[WantedLine], items: Mapping[str, int]) -> list[Line]:
        """Return lines in the account's ids."""
        return [
            Line(
                item_id=items[line.item],
                qty=line.qty,
                unit=line.unit,
                original=line.original,
                tax=line.tax,
                location_id=(
                    self._names.id_of("locations", line.location) if line.location else None
                ),
            )
            for line in lines
        ]

    def wanted_lines(self, lines: Iterable[WantedLine]) -> list[Line]:
        """Return lines in the account's ids, items looked up.

        Raises:
            Refused: The account lacks an item or a location.
        """
        wanted = list(lines)
        return self.lines(wanted, self._items(wanted))

    def edit_lines(self, held: HeldOrder, edits: Edits) -> None:
        """Carry out edits of an order's lines."""
        path = f"sales/orders/{held.id}/lines"
        for number, values in edits.change:
            self._client.update(f"{path}/{number}", values)
        for line in edits.add:
            self._client.create(path, line.values())
        # Last: an order whose lines are all billed closes, and takes no line after that.
        for number in edits.remove:
            self._client.delete(f"{path}/{number}")

    def set_amounts(self, held: HeldOrder, order: HeartlandOrder) -> None:
        """Bring taxes and discounts in line, by entries of the difference.

        Heartland's own clients only ever add such entries; a negative one takes back.
        """
        path = f"sales/orders/{held.id}"
        for name, amount in gaps(order.taxes, held.taxes).items():
            self._client.create(f"{path}/taxes", {"description": name, "value": amount})
        for name, amount in gaps(order.discounts, held.discounts).items():
            self._client.create(f"{path}/discounts", {"description": name, "amount": amount})

    def set_payments(
        self, held: HeldOrder, payments: Iterable[WantedPayment], under: str | None
    ) -> None:
        """Bring payments in line; each is known by its mark.

        Args:
            held: The order.
            payments: Payments that should be on it.
            under: Payments whose mark starts so and that are not wanted are taken off.
        """
        path = f"sales/orders/{held.id}/payments"
        by_mark: dict[str, HeldPayment] = {}
        for own in sorted(held.payments, key=lambda payment: payment.id):
            if own.mark and own.mark in by_mark:
                self._client.delete(f"{path}/{own.id}")  # two callers at once put it on twice
            elif own.mark:
                by_mark[own.mark] = own
        wanted = {payment.mark: payment for payment in payments}
        if under is not None:
            for mark, own in by_mark.items():
                if mark.startswith(under) and mark not in wanted:
                    self._client.delete(f"{path}/{own.id}")
        for mark, payment in wanted.items():
            found = by_mark.get(mark)
            if found is None:
                self._client.create(path, self.payment_values(payment))
            elif found.amount != payment.amount:
                self._client.update(f"{path}/{found.id}", {"amount": payment.amount})

    def payment_values(self, payment: WantedPayment, sign: int = 1) -> Row:
        """Return a payment as it is sent.

        Args:
            payment: The payment.
            sign: -1 for money that is paid back.
        """
        values: Row = {
            "type": "CustomPayment",
            "deposit": payment.deposit,
            "amount": sign * payment.amount,
            "payment_type_id": self._names.id_of("payment_types", payment.type_name),
            "custom": {self._settings.payment_field: payment.mark},
        }
        if payment.paid_at is not None:
            values["completed_at"] = payment.paid_at.astimezone(UTC).isoformat()
        return values

    def mark(self, held: HeldOrder, mark: str, **values: object) -> None:
        """Note on an order which change is in effect."""
        body = {"custom": {self._settings.change_field: mark}, **values}
        self._client.update(f"sales/orders/{held.id}", body)

    def _discard(self, order: HeldOrder) -> None:
        """Put a spare order out of the way: it is pending and holds nothing."""
        log.info("order %s was made twice at once: %d goes", order.reference, order.id)
        self._client.update(
            f"sales/orders/{order.id}",
            {
                "status": self._settings.canceled_status,
                "custom": {self._settings.reference_field: f"{DISCARDED}{order.reference}"},
            },
        )
