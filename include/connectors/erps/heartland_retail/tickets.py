"""Return tickets: made pending in one call, looked up once more, and completed.

Of two that were made at once the spare goes before it has an effect. A ticket balances stock and
money: what is credited and not yet paid back stands on the payment type for open credit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from include.connectors.erps.heartland_retail.client import HeartlandClient, Row
from include.connectors.erps.heartland_retail.held import (
    COMPLETE,
    PENDING,
    HeldBill,
    HeldOrder,
    Reader,
)
from include.connectors.erps.heartland_retail.names import Names
from include.connectors.erps.heartland_retail.orders import OrderDesk
from include.connectors.erps.heartland_retail.payloads import (
    HeartlandReturn,
    TicketPart,
    WantedPayment,
    part_reference,
    read_part,
)
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.domain.errors import Refused
from include.domain.money import ZERO

OPEN_CREDIT = "open-credit"
ItemLine = tuple[int, int, Decimal, str]


class TicketDesk:
    """The return tickets of one account.

    Args:
        client: The account.
        settings: Its names and rules.
        names: Ids by name.
        reader: Reads documents back.
        orders: Its orders.
    """

    def __init__(
        self,
        client: HeartlandClient,
        settings: HeartlandRetailSettings,
        names: Names,
        reader: Reader,
        orders: OrderDesk,
    ) -> None:
        self._client = client
        self._settings = settings
        self._names = names
        self._reader = reader
        self._orders = orders

    def give_back(self, wanted: HeartlandReturn) -> None:
        """Make and complete the tickets of a credit note, as far as they are not.

        Raises:
            Refused: Nothing was invoiced, or Heartland said no.
            AmbiguousOutcome: A call broke off; the next look-up tells.
        """
        references = {wanted.order_reference, wanted.invoice_reference}
        orders = [o for found in self._reader.orders(references).values() for o in found]
        bills = self._complete_bills(orders)
        named = [bill for bill in bills if bill.reference == wanted.invoice_reference]
        parent = min(named or bills, key=lambda bill: bill.id, default=None)
        if parent is None:
            raise Refused(
                f"return on {wanted.order_reference}: Heartland has no complete invoice of it",
                rule="invoice_is_there",
                field="parent_transaction_id",
            )
        for part in wanted.parts:
            items = self._names.require_items(line.item for line in part.lines)
            lines = [(items[x.item], x.qty, x.unit, x.note) for x in part.lines]
            self.make(part, lines, parent, [bill.id for bill in bills])

    def _complete_bills(self, orders: Iterable[HeldOrder]) -> list[HeldBill]:
        bills = self._reader.bills([order.id for order in orders])
        return [b for found in bills.values() for b in found if b.status == COMPLETE]

    def make(
        self, part: TicketPart, lines: Sequence[ItemLine], parent: HeldBill, parents: Iterable[int]
    ) -> None:
        """Make and complete one ticket, as far as it is not.

        Args:
            part: What it is found by, where goods come back to, taxes and money.
            lines: Item id, units, price and note of what comes back, positive.
            parent: The invoice it gives back.
            parents: Ids of all invoices of the order, to look it up by.

        Raises:
            Refused: Heartland said no, or it cannot balance.
            AmbiguousOutcome: A call broke off; the next look-up tells.
        """
        found = self.find(part.reference, parents)
        if found is None:
            self._client.create("sales/tickets", self._values(part, lines, parent))
            found = self.find(part.reference, parents)
        if found is None:
            raise Refused(
                f"ticket {part.reference} was made in Heartland and is not found by its custom "
                f"field {self._settings.reference_field}: check that the field is kept",
                rule="reference_kept",
                field=f"custom@{self._settings.reference_field}",
            )
        if found.status != COMPLETE:
            self._client.update(f"sales/tickets/{found.id}", {"status": COMPLETE})

    def find(self, reference: str, parents: Iterable[int]) -> HeldBill | None:
        """Return the ticket of a reference; the spare one of two that were made at once goes."""
        ours = [
            ticket
            for ticket in self._reader.tickets(parents)
            if part_reference(ticket.reference, ticket.part, ticket.of) == reference
        ]
        best = min(ours, key=lambda ticket: (ticket.status != COMPLETE, ticket.id), default=None)
        for ticket in ours:
            if best is not None and ticket.id != best.id and ticket.status == PENDING:
                status = {"status": self._settings.canceled_status}
                self._client.update(f"sales/tickets/{ticket.id}", status)
        return best

    def _values(self, part: TicketPart, lines: Sequence[ItemLine], parent: HeldBill) -> Row:
        paid = sum((payment.amount for payment in part.payments), ZERO)
        payments = [self._orders.payment_values(payment, sign=-1) for payment in part.payments]
        if paid != part.total:
            payments.append(self._open_credit(part, part.total - paid))
        return {
            "type": "Return",
            "status": PENDING,
            "parent_transaction_id": parent.id,
            "customer_id": parent.customer_id,
            "source_location_id": self._names.id_of("locations", part.location),
            "station_id": self._settings.station_id,
            "recalculate": False,
            "affect_inventory": True,
            "custom": {self._settings.reference_field: part.reference},
            "item_lines": [
                {"type": "ItemLine", "item_id": item, "qty": -qty, "unit_price": unit}
                | ({"description": note} if note else {})
                for item, qty, unit, note in lines
            ],
            "tax_lines": [
                {"type": "TaxLine", "description": name, "value": -amount}
                for name, amount in part.taxes.items()
            ],
            "payments": payments,
        }

    def _open_credit(self, part: TicketPart, amount: Decimal) -> Row:
        name = self._settings.open_credit_payment_type
        if name is None or amount < 0:
            raise Refused(
                f"return {part.reference} is worth {part.total} and its payments differ by "
                f"{amount}: a ticket has to balance, and the channel names no "
                "open_credit_payment_type",
                rule="ticket_balances",
                field="payments",
            )
        own = read_part(part.reference)[0].rpartition("/")[2]
        return self._orders.payment_values(
            WantedPayment(f"{own}:{OPEN_CREDIT}", name, amount), sign=-1
        )
