"""Scenarios: what is sold, in every shape, is in the books to the cent and the unit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from include.domain.order import ChargeKind, LineKind, Restock
from tests.conformance.purchase import PLACED, Purchase
from tests.conformance.scenario import scenario
from tests.conformance.stand import Stand

NEW = "new orders"


@scenario(NEW)
def new_order(stand: Stand) -> None:
    """A paid order becomes an order and an invoice, with every tax, discount and charge."""
    bought = stand.purchase()
    first, second = stand.goods(0), stand.goods(1)
    bought.add(first.sku, first.price, 3, stand.rates, discount=Decimal("7.01"))
    bought.add(second.sku, second.price, 1, stand.rates)
    bought.add(first.sku, "19.99", 7, stand.rates[:1])
    stand.ship(bought)
    bought.pay()
    done = stand.post(bought)
    assert done.documents == 2, f"{done.documents} documents, not an order and an invoice"
    stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def guest(stand: Stand) -> None:
    """An order without a customer is booked all the same."""
    bought = stand.simple(is_guest=True)
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def unpaid_order(stand: Stand) -> None:
    """An order that is not paid is booked without money, and billed once it is."""
    bought = stand.simple(paid=False)
    stand.post(bought)
    stand.require_all(bought, "sales_order")
    bought.later().pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def people_bill(stand: Stand) -> None:
    """Where people bill, the order carries its payment and there is no invoice of ours."""
    bought = stand.simple()
    stand.post(bought, invoice="never")
    stand.require_all(bought, "sales_order", invoice="never")


@scenario(NEW)
def several_tenders(stand: Stand) -> None:
    """Card, gift card and cash on one order are three payments that add up."""
    bought = stand.simple(paid=False)
    bought.pay(bought.amount(Decimal("10.00")), "gift_card")
    bought.pay(bought.amount(Decimal("5.55")), "cash")
    bought.pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def cash_rounding(stand: Stand) -> None:
    """What coins round off is booked by its name, not lost."""
    for rounding in ("0.02", "-0.03"):
        bought = stand.simple(paid=False)
        bought.pay_cash(rounding)
        stand.post(bought)
        stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def every_charge(stand: Stand) -> None:
    """Tip, duty, gift wrap and fee stand beside the goods, and so does what has no sku."""
    bought = stand.simple(paid=False)
    for kind in (ChargeKind.TIP, ChargeKind.DUTY, ChargeKind.GIFT_WRAP, ChargeKind.FEE):
        bought.charge(kind, "3.21", title=kind.value)
    bought.add(None, "12.34", 1, stand.rates[:1], kind=LineKind.CUSTOM, stocked=False)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def gift_card_sold(stand: Stand) -> None:
    """A gift card that is sold is booked, as what it is worth."""
    bought = stand.simple(paid=False)
    bought.add("GIFT-50", "50.00", 1, kind=LineKind.GIFT_CARD, stocked=False)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def services_only(stand: Stand) -> None:
    """What is not kept in stock is sold without stock."""
    bought = stand.purchase()
    bought.add(stand.service.sku, stand.service.price, 2, stand.rates, stocked=False)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def taxes_included(stand: Stand) -> None:
    """Prices that contain their tax are booked net, and the tax beside them."""
    rates = [(title, rate) for title, rate in stand.assortment.taxes.items()][-2:-1]
    bought = stand.purchase(taxes_included=True)
    for at in (0, 1, 2):
        item = stand.goods(at)
        bought.add(item.sku, item.price, at + 1, rates)
    bought.charge(ChargeKind.SHIPPING, "5.95", rates)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def nothing_to_pay(stand: Stand) -> None:
    """An order that a discount makes free is booked, with its units and no money."""
    item = stand.goods(0)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 2, discount=item.price * 2)
    stand.post(bought)
    stand.require_all(bought)


@scenario(NEW)
def marketplace_tax(stand: Stand) -> None:
    """Tax that a marketplace remits never reaches our books."""
    item = stand.goods(0)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 2, stand.rates, marketplace=True)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def another_currency(stand: Stand) -> None:
    """A buyer who pays in another currency is booked in the shop's, and the rate's gain by name."""
    bought = stand.simple(rate=Decimal("0.92"))
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")
    bought.later().refund({0: 1}, paid_at_rate=Decimal("0.90"))
    stand.post(bought)
    stand.require_all(bought)


@scenario(NEW)
def earlier_day(stand: Stand) -> None:
    """An order of an earlier day that comes after one of a later day is booked like any other."""
    later = stand.simple(placed_at=PLACED + timedelta(days=1))
    stand.post(later)
    bought = stand.simple(placed_at=PLACED - timedelta(days=40))
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")
    bought.later().refund({0: 1})
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice", "credit_note")


@scenario(NEW)
def days_side_by_side(stand: Stand) -> None:
    """Orders of several days in one go are booked, in whatever sequence they come."""
    days = [3, 0, 4, 1, 2, 0]
    all_of_them = [stand.simple(placed_at=PLACED + timedelta(days=n - 20)) for n in days]
    stand.post(*all_of_them)
    for bought in all_of_them:
        stand.require_all(bought, "sales_order", "invoice")


@scenario(NEW)
def second_location(stand: Stand) -> None:
    """A line that another location ships is taken from that location's stock."""
    item = stand.own_item(50)
    place = list(stand.assortment.locations)[1]
    before = stand.rig.free_units(item.sku, place), stand.rig.free_units(item.sku)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 3, location_id=place)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought)
    after = stand.rig.free_units(item.sku, place), stand.rig.free_units(item.sku)
    assert after == (before[0] - 3, before[1]), f"free there and here: {before}, then {after}"


STOCK = "stock"


@scenario(STOCK)
def stock_is_taken(stand: Stand) -> None:
    """What is sold is no longer free to promise, by exactly its units."""
    item = stand.own_item(20)
    assert stand.rig.free_units(item.sku) == 20, "the rig counts another stock than it was given"
    bought = stand.purchase()
    bought.add(item.sku, item.price, 6, stand.rates)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")
    free = stand.rig.free_units(item.sku)
    assert free == 14, f"{free} units are free after 6 of 20 were sold"


@scenario(STOCK)
def back_order(stand: Stand) -> None:
    """A line short of stock waits as a back-order, and is billed when stock has come."""
    item = stand.own_item(3)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 5, stand.rates)
    bought.add(stand.goods(0).sku, stand.goods(0).price, 1, stand.rates)
    bought.pay()
    stand.post(bought)
    net = stand.require_books(bought, "sales_order")
    assert net.back_ordered == 2, f"{net.back_ordered} units wait for stock, not 2"
    stand.require_settled(bought)
    stand.rig.set_stock(item.sku, Decimal(30))
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")
    free = stand.rig.free_units(item.sku)
    assert free == 25, f"{free} units are free after 5 of 30 went to the order"


@scenario(STOCK)
def no_stock_at_all(stand: Stand) -> None:
    """An order of nothing that is in stock is booked, waits, and is billed later."""
    item = stand.own_item(0)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 2)
    bought.pay()
    stand.post(bought)
    net = stand.require_books(bought, "sales_order")
    assert net.back_ordered == 2, f"{net.back_ordered} units wait for stock, not 2"
    stand.rig.set_stock(item.sku, Decimal(2))
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(STOCK)
def hold_for_stock(stand: Stand) -> None:
    """Where the channel holds orders for stock, nothing is booked until it has come."""
    item = stand.own_item(1)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 2)
    bought.pay()
    stand.post(bought, short_stock="hold")
    assert stand.finding(bought).reason_class == "short_stock"
    stand.require_nothing(bought)
    stand.rig.set_stock(item.sku, Decimal(2))
    stand.post(bought, short_stock="hold")
    stand.require_all(bought, "sales_order", "invoice", short_stock="hold")


@scenario(STOCK)
def last_unit(stand: Stand) -> None:
    """Of two orders for the last unit one gets it and the other waits."""
    item = stand.own_item(1)
    both = [stand.purchase(), stand.purchase()]
    for bought in both:
        bought.add(item.sku, item.price, 1)
        bought.pay()
    stand.post(*both)
    for bought in both:
        stand.require_books(bought)
    waiting = sum(stand.net(bought).back_ordered for bought in both)
    assert waiting == 1, f"{waiting} units wait, and there was one for two orders"


@scenario(STOCK)
def billed_as_stock_covers(stand: Stand) -> None:
    """Where the channel splits orders, what stock covers is billed at once and the rest later."""
    item = stand.own_item(3)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 5, stand.rates)
    stand.ship(bought)
    bought.pay()
    stand.post(bought, short_stock="split")
    kinds = stand.net(bought).kinds
    assert kinds == ("invoice", "sales_order"), f"{kinds}"
    stand.require_settled(bought, short_stock="split")
    stand.rig.set_stock(item.sku, Decimal(40))
    stand.post(bought, short_stock="split")
    stand.require_all(bought, "sales_order", "invoice", "invoice", short_stock="split")


@scenario(STOCK)
def billed_as_handed_over(stand: Stand) -> None:
    """Where the channel bills what is handed over, each shipment is an invoice of its own."""
    item = stand.own_item(20)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 5, stand.rates, discount=Decimal("1.00"))
    bought.add(stand.goods(0).sku, stand.goods(0).price, 1, stand.rates)
    stand.ship(bought)
    bought.pay()
    stand.post(bought, invoice="on_shipment")
    stand.require_all(bought, "sales_order", invoice="on_shipment")
    bought.later().hand_over({0: 2})
    stand.post(bought, invoice="on_shipment")
    kinds = stand.net(bought).kinds
    assert kinds == ("invoice", "sales_order"), f"{kinds}"
    stand.require_settled(bought, invoice="on_shipment")
    bought.later().hand_over({0: 3, 1: 1})
    stand.post(bought, invoice="on_shipment")
    stand.require_all(bought, "sales_order", "invoice", "invoice", invoice="on_shipment")


RETURNS = "goods that come back"


def _sold(stand: Stand) -> tuple[Purchase, str]:
    item = stand.own_item(10)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 4, stand.rates)
    bought.pay()
    stand.post(bought)
    stand.rig.finalise(bought.order_number)
    return bought, item.sku


def _comes_back(stand: Stand, restock: Restock, free_after: int) -> None:
    bought, sku = _sold(stand)
    free = stand.rig.free_units(sku)
    assert free == 6, f"{free} units are free after 4 of 10 were sold"
    bought.later().refund({0: 3}, restock=restock)
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice", "credit_note")
    stand.rig.finalise(bought.order_number)
    free = stand.rig.free_units(sku)
    assert free == free_after, f"{free} units are free after the refund, not {free_after}"


@scenario(RETURNS)
def refund_with_restock(stand: Stand) -> None:
    """Units that come back are free to promise again."""
    _comes_back(stand, Restock.RETURNED, 9)


@scenario(RETURNS)
def refund_without_restock(stand: Stand) -> None:
    """Units that do not come back stay away, and the money goes back all the same."""
    _comes_back(stand, Restock.NOT_RESTOCKED, 6)
