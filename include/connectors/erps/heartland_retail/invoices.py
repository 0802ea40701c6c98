"""Bills an order: fulfil, invoice, complete; one invoice for each location that ships.

What people invoiced meanwhile is taken for ours instead of billing it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from include.connectors.erps.heartland_retail.client import HeartlandClient, Row
from include.connectors.erps.heartland_retail.difference import Line, gaps
from include.connectors.erps.heartland_retail.held import (
    COMPLETE,
    PENDING,
    Goods,
    HeldBill,
    HeldOrder,
    Reader,
    billed_by_line,
    goods_on,
)
from include.connectors.erps.heartland_retail.orders import OrderDesk
from include.connectors.erps.heartland_retail.payloads import HeartlandInvoice, part_reference
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.domain.errors import Refused
from include.domain.money import ZERO

TAX, SHIPPING, DISCOUNT = "TaxLine", "ShippingLine", "DiscountLine"


@dataclass(frozen=True, slots=True)
class _Part:
    """One of a document's invoices, as far as it is open.

    Attributes:
        number: Which one.
        of: How many there are.
        place: Location that ships it.
        lines: Item lines that it still lacks.
        bill: The invoice, if it is there.
    """

    number: int
    of: int
    place: int
    lines: list[Line]
    bill: HeldBill | None


class InvoiceDesk:
    """The invoices of one account.

    Args:
        client: The account.
        settings: Its names and rules.
        reader: Reads documents back.
        orders: Its orders.
    """

    def __init__(
        self,
        client: HeartlandClient,
        settings: HeartlandRetailSettings,
        reader: Reader,
        orders: OrderDesk,
    ) -> None:
        self._client = client
        self._settings = settings
        self._reader = reader
        self._orders = orders

    def bill(self, invoice: HeartlandInvoice) -> None:
        """Bill what the document lists, or finish billing it.

        Raises:
            Refused: The order is not there, not open, or what is billed cannot be filled.
            AmbiguousOutcome: A call broke off; the next look-up tells.
        """
        if invoice.own_order is not None:
            self._orders.bring(invoice.own_order)
        order = self._orders.find(invoice.order_reference)
        if order is None or order.is_struck_out:
            raise Refused(
                f"invoice {invoice.reference}: order {invoice.order_reference} is "
                f"{'struck out' if order else 'not'} in Heartland: nothing can be billed from it",
                rule="order_is_there",
                field="order_id",
            )
        bills = self._reader.bills([order.id]).get(order.id, [])
        wanted = self._orders.wanted_lines(invoice.lines)
        own = self._own(invoice, bills)
        if not own and self._adopt(invoice, wanted, bills):
            self._orders.set_payments(order, invoice.payments, None)
            return
        if not _is_whole(own):
            order = self._orders.open(order)
        self._orders.set_payments(order, invoice.payments, None)
        if _is_whole(own):
            return
        if self._trim(own, wanted):
            bills = self._reader.bills([order.id]).get(order.id, [])
            own = self._own(invoice, bills)
        for part in self._parts(invoice, order, wanted, own, bills):
            self._finish(invoice, order, part)

    def _own(self, invoice: HeartlandInvoice, bills: Iterable[HeldBill]) -> list[HeldBill]:
        """Return the document's invoices; of two made at once for one part, the spare goes."""
        by_part: dict[int, list[HeldBill]] = {}
        for bill in bills:
            if bill.reference == invoice.reference:
                by_part.setdefault(bill.part, []).append(bill)
        own = []
        for found in by_part.values():
            best = min(found, key=lambda b: (b.status != COMPLETE, b.id))
            own.append(best)
            for bill in found:
                if bill.id != best.id and bill.status == PENDING:
                    status = {"status": self._settings.canceled_status}
                    self._client.update(f"sales/invoices/{bill.id}", status)
        return sorted(own, key=lambda b: b.part)

    def _trim(self, own: Sequence[HeldBill], wanted: Sequence[Line]) -> bool:
        """Take lines off that two callers at once put on twice; tell whether there were any."""
        left = _counted(wanted)
        removed = False
        for bill in sorted(own, key=lambda b: (b.status != COMPLETE, b.part)):
            for number, goods, qty in bill.items:
                if bill.status == COMPLETE or left[goods] >= qty:
                    left[goods] -= qty
                    continue
                self._client.delete(f"sales/invoices/{bill.id}/lines/{number}")
                removed = True
        return removed

    def _adopt(
        self, invoice: HeartlandInvoice, wanted: Sequence[Line], bills: Sequence[HeldBill]
    ) -> bool:
        """Take what people invoiced for the document, if it is just that.

        Raises:
            Refused: People billed some of it and something else.
        """
        theirs = [bill for bill in bills if not bill.reference]
        billed = _by_item(goods_on(theirs))
        asked = _by_item(_counted(wanted))
        if not theirs or not any(billed[item] for item in asked):
            return False
        whole = [bill for bill in theirs if bill.status == COMPLETE]
        worth = sum((bill.total for bill in whole), ZERO)
        if whole != theirs or billed != asked or worth != invoice.total:
            numbers = ", ".join(bill.number for bill in theirs)
            raise Refused(
                f"order {invoice.order_reference}: people made invoice {numbers} in Heartland, and "
                f"it is not what the store says is to be billed ({invoice.total}): complete it, or "
                "take it back there",
                rule="people_invoiced",
                field="order_id",
            )
        for number, bill in enumerate(whole, start=1):
            reference = part_reference(invoice.reference, number, len(whole))
            self._client.update(
                f"sales/invoices/{bill.id}",
                {"custom": {self._settings.reference_field: reference}},
            )
        return True

    def _parts(
        self,
        invoice: HeartlandInvoice,
        order: HeldOrder,
        wanted: Sequence[Line],
        own: Sequence[HeldBill],
        bills: Sequence[HeldBill],
    ) -> list[_Part]:
        """Return the document's invoices that are not complete, made or not."""
        by_place = self._placed(order, _without(wanted, goods_on(own)), bills)
        here = {bill.location_id: bill for bill in own if bill.status != COMPLETE}
        fresh = [place for place in by_place if place not in here]
        of = max((bill.of for bill in own), default=0) or len(by_place)
        taken = {bill.part for bill in own}
        free = [number for number in range(1, of + 1) if number not in taken]
        if len(free) != len(fresh):
            raise Refused(
                f"invoice {invoice.reference} is half made and its lines were distributed anew "
                "since: delete the pending invoices of the order in Heartland",
                rule="distribution_stands",
                field="ship_from_location_id",
            )
        numbers = dict(zip(fresh, free, strict=True))
        places = dict.fromkeys((*(p for p in here if p is not None), *by_place))
        parts = (
            _Part(
                number=here[place].part if place in here else numbers[place],
                of=of,
                place=place,
                lines=by_place.get(place, []),
                bill=here.get(place),
            )
            for place in places
        )
        return sorted(parts, key=lambda part: part.number)

    def _placed(
        self, order: HeldOrder, left: Iterable[Line], bills: Sequence[HeldBill]
    ) -> dict[int, list[Line]]:
        """Lay lines on what the order still ships, location by location; distribute what waits.

        Raises:
            Refused: The order does not hold them.
        """
        done = billed_by_line(order, bills)
        room = {line.id: line.qty - done[line.id] for line in order.lines}
        by_place: dict[int, list[Line]] = {}
        for line in left:
            units = line.qty
            for held in order.lines:
                taken = min(units, room[held.id])
                if held.goods != (line.item_id, line.unit) or taken <= 0:
                    continue
                place = held.location_id
                if place is None and line.location_id is not None:
                    place = line.location_id
                    values: Row = {"ship_from_location_id": place}
                    self._client.update(f"sales/orders/{order.id}/lines/{held.id}", values)
                if place is None:
                    continue
                room[held.id] -= taken
                units -= taken
                part = Line(line.item_id, taken, line.unit, line.original, ZERO, place)
                _merge(by_place.setdefault(place, []), part)
            if units:
                raise Refused(
                    f"order {order.reference} ({order.number}) has {line.qty - units} of "
                    f"{line.qty} units of item {line.item_id} left to bill at {line.unit}: people "
                    "changed or invoiced it in Heartland",
                    rule="order_holds_lines",
                    field="qty",
                )
        return by_place

    def _finish(self, invoice: HeartlandInvoice, order: HeldOrder, part: _Part) -> None:
        bill = part.bill
        if bill is None:
            bill = self._create(invoice, order, part)
        path = f"sales/invoices/{bill.id}"
        for line in part.lines:
            values = {"type": "ItemLine", "item_id": line.item_id, "qty": line.qty}
            self._client.create(f"{path}/lines", {**values, "unit_price": line.unit})
        self._set_values(invoice, bill, is_first=part.number == 1)
        try:
            self._client.update(path, {"status": COMPLETE})
        except Refused as error:
            raise Refused(
                f"order {invoice.order_reference} stays open: its invoice {bill.number} could not "
                f"be completed: {error.remote or error}",
                rule=error.rule,
                field=error.field,
                remote=error.remote,
            ) from error

    def _create(self, invoice: HeartlandInvoice, order: HeldOrder, part: _Part) -> HeldBill:
        total = sum((line.unit * line.qty for line in part.lines), ZERO)
        if part.number == 1:
            total += invoice.shipping + sum(invoice.taxes.values(), ZERO) - invoice.discount
        reference = part_reference(invoice.reference, part.number, part.of)
        self._client.create(
            "sales/invoices",
            {
                "type": "Invoice",
                "customer_id": order.customer_id,
                "order_id": order.id,
                "source_location_id": part.place,
                "station_id": self._settings.station_id,
                "total": total,
                "custom": {self._settings.reference_field: reference},
            },
        )
        # Read back: the shipping line came by itself, and another caller may have been first.
        own = self._own(invoice, self._reader.bills([order.id]).get(order.id, []))
        return next(bill for bill in own if bill.part == part.number)

    def _set_values(self, invoice: HeartlandInvoice, bill: HeldBill, *, is_first: bool) -> None:
        """Bring shipping, taxes and discount of an invoice in line."""
        path = f"sales/invoices/{bill.id}/lines"
        shipping = invoice.shipping if is_first else ZERO
        held = sum((v for (kind, _), v in bill.values.items() if kind == SHIPPING), ZERO)
        if held != shipping:
            for kind, number in bill.value_ids:
                if kind == SHIPPING:
                    self._client.delete(f"{path}/{number}")
            if shipping:
                own = {"type": SHIPPING, "description": "Shipping", "value": shipping}
                self._client.create(path, own)
        taxes = {name: v for (kind, name), v in bill.values.items() if kind == TAX}
        for name, amount in gaps(invoice.taxes if is_first else {}, taxes).items():
            self._client.create(path, {"type": TAX, "description": name, "value": amount})
        off = {name: v for (kind, name), v in bill.values.items() if kind == DISCOUNT}
        discount = {"Discount": -invoice.discount} if is_first and invoice.discount else {}
        for name, amount in gaps(discount, off).items():
            self._client.create(path, {"type": DISCOUNT, "description": name, "value": amount})


def _is_whole(own: Sequence[HeldBill]) -> bool:
    done = {bill.part for bill in own if bill.status == COMPLETE}
    return bool(own) and len(done) == own[0].of


def _counted(lines: Iterable[Line]) -> Counter[Goods]:
    units: Counter[Goods] = Counter()
    for line in lines:
        units[line.item_id, line.unit] += line.qty
    return units


def _by_item(goods: Counter[Goods]) -> Counter[int]:
    units: Counter[int] = Counter()
    for (item_id, _), qty in goods.items():
        units[item_id] += qty
    return units


def _without(wanted: Iterable[Line], there: Counter[Goods]) -> list[Line]:
    """Return what is left of lines once those that are there are taken off."""
    left = Counter(there)
    rest = []
    for line in wanted:
        taken = min(line.qty, left[line.item_id, line.unit])
        left[line.item_id, line.unit] -= taken
        if line.qty > taken:
            units = line.qty - taken
            rest.append(Line(line.item_id, units, line.unit, line.original, ZERO, line.location_id))
    return rest


def _merge(lines: list[Line], part: Line) -> None:
    for at, line in enumerate(lines):
        if (line.item_id, line.unit) == (part.item_id, part.unit):
            lines[at] = Line(
                line.item_id, line.qty + part.qty, line.unit, line.original, ZERO, line.location_id
            )
            return
    lines.append(part)
