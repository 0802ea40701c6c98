"""Scenarios: what happens to an order after it was placed, before and after it is in the books."""

from __future__ import annotations

from decimal import Decimal

from include.domain.order import ChargeKind, Restock
from tests.conformance.scenario import scenario
from tests.conformance.stand import Stand

EDITS = "edits"


@scenario(EDITS)
def dearer_before_invoice(stand: Stand) -> None:
    """An addition to an order that is not billed changes the order."""
    bought = stand.simple(paid=False)
    stand.post(bought)
    more = stand.goods(2)
    bought.later().add(more.sku, more.price, 2, stand.rates)
    stand.post(bought)
    stand.require_all(bought, "sales_order")
    bought.later().pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(EDITS)
def cheaper_before_invoice(stand: Stand) -> None:
    """Units that an edit takes off an order that is not billed leave it."""
    bought = stand.simple(3, paid=False)
    stand.post(bought)
    bought.later().remove(bought.parts[0], 2)
    stand.post(bought)
    stand.require_all(bought, "sales_order")
    bought.later().remove(bought.parts[1], 3)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(EDITS)
def dearer_after_invoice(stand: Stand) -> None:
    """An addition to a billed order is billed by itself."""
    bought = stand.simple()
    stand.post(bought)
    more = stand.goods(2)
    bought.later().add(more.sku, more.price, 1, stand.rates)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice", "invoice")


@scenario(EDITS)
def cheaper_after_invoice(stand: Stand) -> None:
    """Units that an edit takes off a billed order are credited, and the money goes back."""
    bought = stand.simple()
    stand.post(bought)
    bought.later().remove(bought.parts[0], 1)
    bought.pay_back()
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice", "credit_note")


@scenario(EDITS)
def edited_after_the_day_was_closed(stand: Stand) -> None:
    """An edit after people finished the invoice is credited and billed beside it."""
    bought = stand.simple()
    stand.post(bought)
    stand.rig.finalise(bought.order_number)
    more = stand.goods(3)
    bought.later().remove(bought.parts[0], 1)
    bought.add(more.sku, more.price, 3, stand.rates)
    bought.pay()
    stand.post(bought)
    stand.require_all(bought)


@scenario(EDITS)
def paid_after_addition(stand: Stand) -> None:
    """An addition is billed at once, and its payment follows when it comes."""
    bought = stand.simple()
    stand.post(bought)
    more = stand.goods(2)
    bought.later().add(more.sku, more.price, 1, stand.rates)
    stand.post(bought)
    stand.require_all(bought)
    bought.later().pay()
    stand.post(bought)
    stand.require_all(bought)


CANCELS = "cancellations"


@scenario(CANCELS)
def cancelled_before_posting(stand: Stand) -> None:
    """An order that is cancelled before it is booked never is."""
    bought = stand.simple()
    bought.later().cancel()
    done = stand.post(bought)
    assert done.skipped == 1
    stand.require_nothing(bought)


@scenario(CANCELS)
def cancelled_before_invoice(stand: Stand) -> None:
    """An order that is cancelled before it is billed is struck out."""
    bought = stand.simple(paid=False)
    stand.post(bought)
    bought.later().cancel()
    stand.post(bought)
    stand.require_nothing(bought)
    stand.require_settled(bought)


@scenario(CANCELS)
def cancelled_with_a_deposit(stand: Stand) -> None:
    """An order with a payment on it that is cancelled leaves neither order nor payment."""
    bought = stand.simple()
    stand.post(bought, invoice="never")
    bought.later().cancel()
    stand.post(bought, invoice="never")
    net = stand.net(bought)
    left = (net.total, net.paid)
    assert not any(left), f"total and paid that are left in the books: {left}"
    stand.require_settled(bought, invoice="never")


@scenario(CANCELS)
def cancelled_gives_stock_back(stand: Stand) -> None:
    """What an order had taken from stock is free again when it is cancelled."""
    item = stand.own_item(8)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 5)
    stand.post(bought)
    free = stand.rig.free_units(item.sku)
    assert free == 3, f"{free} units are free after 5 of 8 were promised"
    bought.later().cancel()
    stand.post(bought)
    free = stand.rig.free_units(item.sku)
    assert free == 8, f"{free} units are free after the cancellation, not 8"


@scenario(CANCELS)
def cancelled_after_invoice(stand: Stand) -> None:
    """A billed order that is cancelled comes to nothing: struck out or credited in full."""
    bought = stand.simple()
    stand.post(bought)
    bought.later().cancel()
    stand.post(bought)
    net = stand.net(bought)
    left = (net.total, net.tax, net.paid, net.units)
    assert not any(left), f"total, tax, paid, units left: {left}"
    stand.require_settled(bought)


@scenario(CANCELS)
def cancelled_after_the_day_was_closed(stand: Stand) -> None:
    """An order that is cancelled after people finished its invoice is credited in full."""
    bought = stand.simple()
    stand.post(bought)
    stand.rig.finalise(bought.order_number)
    bought.later().cancel(restock=Restock.RETURNED)
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice", "credit_note")


REFUNDS = "refunds"


@scenario(REFUNDS)
def refunded_before_posting(stand: Stand) -> None:
    """An order that is refunded in part before it is booked is booked as what is left of it."""
    bought = stand.simple(3)
    bought.later().refund({0: 1})
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(REFUNDS)
def refunded_before_invoice(stand: Stand) -> None:
    """A refund of an order that people bill changes the order and its payment."""
    bought = stand.simple(3)
    stand.post(bought, invoice="never")
    bought.later().refund({0: 1, 1: 2}, restock=Restock.CANCELLED)
    stand.post(bought, invoice="never")
    stand.require_all(bought, "sales_order", invoice="never")


@scenario(REFUNDS)
def refunded_after_invoice(stand: Stand) -> None:
    """A refund of everything is credited in full, shipping too."""
    bought = stand.simple()
    stand.post(bought)
    bought.later().refund(charges=bought.extras)
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice", "credit_note")


@scenario(REFUNDS)
def refunded_step_by_step(stand: Stand) -> None:
    """Partial refunds, one after the other, are one credit note each and add up."""
    bought = stand.simple(3)
    stand.post(bought)
    for step, units in enumerate(({0: 1}, {0: 1, 1: 1}, {1: 2}), start=1):
        bought.later().refund(units)
        stand.post(bought)
        stand.require_all(bought, "sales_order", "invoice", *["credit_note"] * step)


@scenario(REFUNDS)
def two_refunds_at_once(stand: Stand) -> None:
    """Two refunds between two runs, one with restock and one without, are credited together."""
    bought = stand.simple(3)
    stand.post(bought)
    bought.later().refund({0: 1}, restock=Restock.RETURNED)
    bought.later().refund({0: 1}, restock=Restock.NOT_RESTOCKED)
    stand.post(bought)
    stand.require_all(bought)


@scenario(REFUNDS)
def shipping_refunded(stand: Stand) -> None:
    """Shipping that is refunded by itself is credited by itself."""
    bought = stand.simple()
    stand.post(bought)
    bought.later().refund({}, charges=bought.extras)
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice", "credit_note")


@scenario(REFUNDS)
def goodwill(stand: Stand) -> None:
    """Money given back for nothing in particular lowers what was sold by just that."""
    bought = stand.simple()
    stand.post(bought)
    bought.later().refund({}, beyond="2.50")
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice", "credit_note")


@scenario(REFUNDS)
def goodwill_before_posting(stand: Stand) -> None:
    """Money given back before the order is booked lowers what is booked."""
    bought = stand.simple()
    bought.later().refund({}, beyond="2.50")
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(REFUNDS)
def refund_of_one_tender(stand: Stand) -> None:
    """A refund of an order paid by two means goes back the way it was paid."""
    bought = stand.simple(paid=False)
    bought.pay(bought.amount(Decimal("40.00")), "paypal")
    bought.pay()
    stand.post(bought)
    bought.later().refund({0: 1}, gateway="shopify_payments")
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice", "credit_note")


@scenario(REFUNDS)
def refunded_while_short(stand: Stand) -> None:
    """A refund of the units that wait for stock lets the rest be billed."""
    item = stand.own_item(2)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 5, stand.rates)
    bought.pay()
    stand.post(bought)
    assert stand.net(bought).back_ordered == 3
    bought.later().refund({0: 3}, restock=Restock.CANCELLED)
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


EXCHANGES = "exchanges"


def _exchange(stand: Stand, quantity: int) -> None:
    bought = stand.simple(paid=False)
    bought.pay()
    stand.post(bought)
    other = stand.goods(4)
    bought.later().refund({0: 2})
    bought.add(other.sku, other.price, quantity, stand.rates)
    if bought.owed.shop > 0:
        bought.pay()
    elif bought.owed.shop < 0:
        bought.pay_back()
    stand.post(bought)
    stand.require_all(bought)


@scenario(EXCHANGES)
def exchange_for_something_dearer(stand: Stand) -> None:
    """Goods exchanged for dearer ones: both are booked, and the money that was added."""
    _exchange(stand, 6)


@scenario(EXCHANGES)
def exchange_for_something_cheaper(stand: Stand) -> None:
    """Goods exchanged for cheaper ones: both are booked, and the money that went back."""
    _exchange(stand, 1)


@scenario(EXCHANGES)
def everything_at_once(stand: Stand) -> None:
    """Edits and refunds of several days in one go end in the same books as one by one."""
    bought = stand.simple(4)
    stand.post(bought)
    more = stand.goods(5)
    bought.later().remove(bought.parts[0], 1)
    bought.later().refund({1: 2}, restock=Restock.NOT_RESTOCKED)
    bought.later().add(more.sku, more.price, 2, stand.rates)
    bought.charge(ChargeKind.GIFT_WRAP, "4.00")
    owed = bought.owed
    if owed.shop > 0:
        bought.pay()
    else:
        bought.pay_back()
    stand.post(bought)
    stand.require_all(bought)
