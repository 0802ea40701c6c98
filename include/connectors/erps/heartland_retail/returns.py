"""Changes and voids by the state of the order: edited while open, by ticket once invoiced.

What is not invoiced is edited on the order. What people invoiced and is no longer wanted comes back
by a return ticket that balances stock and money.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from include.connectors.erps.heartland_retail.difference import Edits, gaps, line_edits
from include.connectors.erps.heartland_retail.held import (
    CLOSED,
    COMPLETE,
    VOID_MARK,
    Goods,
    HeldBill,
    HeldOrder,
    Reader,
    billed_by_line,
)
from include.connectors.erps.heartland_retail.names import Names
from include.connectors.erps.heartland_retail.orders import DEPOSIT, OrderDesk
from include.connectors.erps.heartland_retail.payloads import (
    HeartlandOrder,
    HeartlandVoid,
    TicketPart,
    WantedPayment,
)
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.connectors.erps.heartland_retail.tickets import TicketDesk
from include.domain.errors import Refused
from include.domain.money import ZERO, allocate


class ChangeDesk:
    """Changes and voids of one account.

    Args:
        settings: Its names and rules.
        names: Ids by name.
        reader: Reads documents back.
        orders: Its orders.
        tickets: Its return tickets.
    """

    def __init__(
        self,
        settings: HeartlandRetailSettings,
        names: Names,
        reader: Reader,
        orders: OrderDesk,
        tickets: TicketDesk,
    ) -> None:
        self._settings = settings
        self._names = names
        self._reader = reader
        self._orders = orders
        self._tickets = tickets

    def change(self, order: HeartlandOrder, reference: str) -> None:
        """Bring a posted order to what it should be.

        Args:
            order: The whole order as it should stand.
            reference: What the ticket of the change is found by, should one be needed.

        Raises:
            Refused: The order is not there any more, is closed and should grow, or stays pending.
            AmbiguousOutcome: A call broke off; the next look-up tells.
        """
        held = self._orders.find(order.reference)
        if held is None or held.is_struck_out:
            raise Refused(
                f"order {order.reference} is {'struck out' if held else 'not'} in Heartland: it "
                "cannot be changed",
                rule="order_is_there",
                field="status",
            )
        if held.change >= order.change:
            return
        bills = self._reader.bills([held.id]).get(held.id, [])
        done = billed_by_line(held, bills)
        edits = line_edits(self._orders.wanted_lines(order.lines), held.lines, done)
        if edits.take_back or held.status == CLOSED:
            self._change_billed(held, order, reference, bills)
        else:
            self._orders.set_header(held, order)
            self._orders.set_amounts(held, order)
            self._orders.set_payments(held, order.deposits, DEPOSIT)
            # Last: an order that is left with what is billed closes, and takes nothing after.
            self._orders.edit_lines(held, edits)
            self._orders.open(self._reader.order(held.id), order)
        self._orders.mark(held, str(order.change))

    def void(self, void: HeartlandVoid) -> None:
        """Strike out an order: cancel it, or give back what people invoiced of it.

        Raises:
            Refused: The order is not there.
            AmbiguousOutcome: A call broke off; the next look-up tells.
        """
        held = self._orders.find(void.order_reference)
        if held is None:
            raise Refused(
                f"order {void.order_reference} is not in Heartland: there is nothing to void",
                rule="order_is_there",
                field="status",
            )
        if held.is_struck_out:
            return
        bills = self._reader.bills([held.id]).get(held.id, [])
        nothing = replace(_nothing(held), adjustment_item=void.adjustment_item)
        if bills:
            self._change_billed(held, nothing, void.reference, bills)
            self._orders.mark(held, VOID_MARK)
            return
        self._orders.set_payments(held, (), DEPOSIT)
        self._orders.mark(held, VOID_MARK, status=self._settings.canceled_status)

    def _change_billed(
        self, held: HeldOrder, order: HeartlandOrder, reference: str, bills: Sequence[HeldBill]
    ) -> None:
        """Edit what is not invoiced, and give back by ticket what people invoiced too much."""
        if any(bill.status != COMPLETE for bill in bills):
            raise Refused(
                f"order {held.reference} has an invoice in Heartland that is not complete: "
                "complete or delete it, then the change goes through",
                rule="invoice_pending",
                field="order_id",
            )
        tickets = self._reader.tickets(bill.id for bill in bills)
        earlier = [t for t in tickets if t.reference != reference and t.status == COMPLETE]
        done = billed_by_line(held, bills)
        edits = _less_given_back(
            line_edits(self._orders.wanted_lines(order.lines), held.lines, done), earlier
        )
        left = order.total - (held.total + sum((t.total for t in earlier), ZERO))
        if held.status == CLOSED and (edits.add or edits.change or edits.remove or left > 0):
            raise Refused(
                f"order {held.reference} is invoiced in full in Heartland and the store added to "
                f"it: bill the addition there by hand (it should be worth {order.total})",
                rule="closed_order_grew",
                field="lines",
            )
        ticket = next((t for t in tickets if t.reference == reference), None)
        if ticket is None or ticket.status != COMPLETE:
            own = self._take_back(held, order, reference, edits, earlier)
            ticket = self._give_back_billed(own, order, edits, bills)
        if held.status != CLOSED:
            self._edit_amounts(held, order, ticket)
            self._orders.edit_lines(held, Edits(edits.add, edits.change, edits.remove))

    def _take_back(
        self,
        held: HeldOrder,
        order: HeartlandOrder,
        reference: str,
        edits: Edits,
        earlier: Sequence[HeldBill],
    ) -> TicketPart:
        """Return the ticket that takes back what is invoiced and no longer wanted."""
        goods = sum((unit * qty for (_, unit), qty in edits.take_back.items()), ZERO)
        less = {name: -amount for name, amount in gaps(order.taxes, held.taxes).items()}
        for ticket in earlier:
            for (kind, name), value in ticket.values.items():
                if kind == "TaxLine":
                    less[name] = less.get(name, ZERO) + value
        less = {name: amount for name, amount in less.items() if amount > 0}
        if held.status == CLOSED:
            taxes = less
        else:
            off = sum((x.unit * x.qty for x in held.lines), ZERO) - sum(
                (line.net for line in order.lines), ZERO
            )
            rest = max(off - goods, ZERO)
            currency = self._settings.currency
            taxes = {n: allocate(amount, [goods, rest], currency)[0] for n, amount in less.items()}
            if not goods:
                taxes = {}
        total = goods + sum(taxes.values(), ZERO)
        if held.status == CLOSED:
            total = held.total + sum((t.total for t in earlier), ZERO) - order.total
        payments, room = [], total
        wanted = {payment.mark: payment.amount for payment in order.deposits}
        given: dict[str, Decimal] = {}
        for back in (payment for ticket in earlier for payment in ticket.payments):
            given[back.mark] = given.get(back.mark, ZERO) + back.amount
        for payment in held.payments:
            if not payment.mark.startswith(DEPOSIT):
                continue
            left = payment.amount + given.get(payment.mark, ZERO)
            more = left - wanted.get(payment.mark, ZERO)
            taken = min(max(more, ZERO), room)
            if taken:
                room -= taken
                payments.append((payment, taken))
        return TicketPart(
            reference=reference,
            location=self._settings.default_location,
            lines=(),
            taxes={name: amount for name, amount in taxes.items() if amount},
            payments=tuple(
                WantedPayment(payment.mark, self._type_name(payment.type_id), taken)
                for payment, taken in payments
            ),
            total=total,
        )

    def _give_back_billed(
        self, part: TicketPart, order: HeartlandOrder, edits: Edits, bills: Sequence[HeldBill]
    ) -> HeldBill | None:
        lines = [(item, qty, unit, "") for (item, unit), qty in edits.take_back.items() if qty]
        beside = part.total - sum((unit * qty for _, qty, unit, _ in lines), ZERO)
        beside -= sum(part.taxes.values(), ZERO)
        if beside or (part.total and not lines):
            # Taxes alone need a line as well: a ticket without an item cannot be completed.
            if order.adjustment_item is None or beside < 0:
                raise Refused(
                    f"change {part.reference}: {beside} are to be given back beside goods on an "
                    "order that people invoiced: add the row adjustment to the charge map, or make "
                    "the return ticket in Heartland by hand",
                    rule="refund_without_goods",
                    field="lines",
                )
            items = self._names.require_items([order.adjustment_item])
            lines.append((items[order.adjustment_item], 1, beside, ""))
        if not lines:
            return None
        places = [b.location_id for b in bills if any(g in edits.take_back for g, _ in b.goods)]
        own = replace(part, location=self._place_name(places[0] if places else None))
        parents = [bill.id for bill in bills]
        self._tickets.make(own, lines, bills[0], parents)
        return self._tickets.find(part.reference, parents)

    def _edit_amounts(
        self, held: HeldOrder, order: HeartlandOrder, ticket: HeldBill | None
    ) -> None:
        """Bring taxes and deposits of a partly invoiced order in line, less what a ticket took."""
        taxes = dict(order.taxes)
        deposits = {payment.mark: payment for payment in order.deposits}
        taken: dict[str, Decimal] = {}
        for (kind, name), value in ticket.values.items() if ticket else ():
            if kind == "TaxLine":
                taxes[name] = taxes.get(name, ZERO) - value
        for payment in ticket.payments if ticket else ():
            taken[payment.mark] = taken.get(payment.mark, ZERO) - payment.amount
        for payment in held.payments:
            if payment.mark in taken:
                own = deposits.get(payment.mark) or WantedPayment(
                    payment.mark, self._type_name(payment.type_id), ZERO, deposit=True
                )
                amount = own.amount + taken[payment.mark]
                deposits[payment.mark] = replace(own, amount=amount)
        self._orders.set_amounts(held, replace(order, taxes=taxes))
        self._orders.set_payments(held, deposits.values(), DEPOSIT)

    def _type_name(self, number: int) -> str:
        return self._names.name_of("payment_types", number)

    def _place_name(self, number: int | None) -> str:
        if number is None:
            return self._settings.default_location
        return self._names.name_of("locations", number)


def _less_given_back(edits: Edits, tickets: Iterable[HeldBill]) -> Edits:
    """Take off what earlier tickets gave back already: their quantities are negative."""
    given: Counter[Goods] = Counter()
    for ticket in tickets:
        for goods, qty in ticket.goods:
            given[goods] += qty
    left = Counter({goods: qty + given[goods] for goods, qty in edits.take_back.items()})
    return replace(edits, take_back=Counter({g: n for g, n in left.items() if n > 0}))


def _nothing(held: HeldOrder) -> HeartlandOrder:
    taxes: Mapping[str, Decimal] = {}
    return HeartlandOrder(
        reference=held.reference,
        change=0,
        person=None,
        billing=None,
        shipping=None,
        shipping_charge=ZERO,
        shipping_method=None,
        lines=(),
        taxes=taxes,
        discounts={},
        deposits=(),
        total=ZERO,
        custom={},
    )
