"""Awkward orders whose difficulty is what happens to them: unpaid, cancelled, edited, refunded."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from include.connectors.stores.shopify.sandbox import amend, catalog, compose
from include.connectors.stores.shopify.sandbox.amounts import Currencies
from include.connectors.stores.shopify.sandbox.book import Company, Order, Terms
from include.connectors.stores.shopify.sandbox.catalog import ABROAD, SHOP_CURRENCY
from include.connectors.stores.shopify.sandbox.maker import Maker


def _unpaid(maker: Maker, at: datetime) -> Order:
    order, _ = maker.paid(at, 2)
    order.payments.clear()
    return order


def pending(maker: Maker, at: datetime) -> Order:
    """Bought by a company, to be paid by hand within thirty days."""
    order = _unpaid(maker, at)
    order.terms = Terms(maker.ids("PaymentTerms"), "Net 30", 30, [at + timedelta(days=30)])
    number = maker.ids("Company")
    order.company = Company(number, f"Outfitters {order.number} LLC", f"US {order.number:07d}")
    compose.pay(order, maker.ids, "manual", at, status="PENDING")
    return order


def authorized(maker: Maker, at: datetime) -> Order:
    """Authorized, not captured."""
    order = _unpaid(maker, at)
    compose.pay(order, maker.ids, "shopify_payments", at, kind="AUTHORIZATION")
    return order


def partially_paid(maker: Maker, at: datetime) -> Order:
    """A deposit was paid, the rest is open."""
    order = _unpaid(maker, at)
    deposit = order.currencies.share(order.grand_total, Decimal("0.4"))
    compose.pay(order, maker.ids, "manual", at, deposit)
    return order


def failed_then_paid(maker: Maker, at: datetime) -> Order:
    """The first card was declined."""
    order = _unpaid(maker, at)
    declined = compose.pay(order, maker.ids, "shopify_payments", at, status="FAILURE")
    declined.error = "CARD_DECLINED"
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def captured_in_parts(maker: Maker, at: datetime) -> Order:
    """One authorization, two captures."""
    order = _unpaid(maker, at)
    held = compose.pay(order, maker.ids, "shopify_payments", at, kind="AUTHORIZATION")
    first = order.currencies.share(order.grand_total, Decimal("0.35"))
    compose.pay(order, maker.ids, held.gateway, at, first, kind="CAPTURE", parent=held)
    rest = order.grand_total - first
    compose.pay(order, maker.ids, held.gateway, at, rest, kind="CAPTURE", parent=held)
    return order


def test_order(maker: Maker, at: datetime) -> Order:
    """Placed through the test gateway."""
    order = _unpaid(maker, at)
    order.test = True
    compose.pay(order, maker.ids, "bogus", at)
    return order


def cancelled_unpaid(maker: Maker, at: datetime) -> Order:
    """Cancelled while only authorized."""
    order = authorized(maker, at)
    amend.cancel(order, maker.ids, maker.later(order, 0.3), "FRAUD")
    return order


def cancelled_paid(maker: Maker, at: datetime) -> Order:
    """Cancelled and paid back in full."""
    order, _ = maker.paid(at, 2)
    amend.cancel(order, maker.ids, maker.later(order, 1.0))
    return order


def edited_added(maker: Maker, at: datetime) -> Order:
    """A line was added after the order was placed, and paid."""
    order, _ = maker.paid(at, 2)
    moment = maker.later(order, 0.5)
    amend.add(order, maker.ids, maker.chance.choice(catalog.GOODS), 1, moment)
    amend.settle(order, maker.ids, moment)
    return order


def edited_removed(maker: Maker, at: datetime) -> Order:
    """A line was taken off after the order was placed, and its money paid back."""
    order, _ = maker.paid(at, 3)
    moment = maker.later(order, 0.5)
    line = order.lines[-1]
    amend.remove(order, line, line.quantity, moment)
    amend.settle(order, maker.ids, moment)
    return order


def partly_refunded(maker: Maker, at: datetime) -> Order:
    """One unit came back and went into stock again."""
    order, _ = maker.paid(at, 2)
    amend.fulfill(order, maker.ids, maker.later(order, 1.0))
    line = order.lines[0]
    amend.refund(order, maker.ids, maker.later(order, 5.0), [(line, 1)], note="Wrong size")
    return order


def fully_refunded(maker: Maker, at: datetime) -> Order:
    """Everything came back, shipping was paid back too."""
    order, _ = maker.paid(at, 2)
    units = [(line, line.quantity) for line in order.lines]
    amend.refund(order, maker.ids, maker.later(order, 4.0), units, shipping=True)
    return order


def refund_with_shipping(maker: Maker, at: datetime) -> Order:
    """Nothing came back; shipping and one unit were paid back."""
    place = next(state for state in catalog.STATES if state.code == "NY")
    order, _ = maker.paid(at, 2, place=place)
    units = [(order.lines[0], 1)]
    amend.refund(
        order, maker.ids, maker.later(order, 2.0), units, restock="NO_RESTOCK", shipping=True
    )
    return order


def refund_discrepancy(maker: Maker, at: datetime) -> Order:
    """Five dollars as a courtesy, for no line."""
    order, _ = maker.paid(at, 2)
    amend.refund(
        order, maker.ids, maker.later(order, 2.0), beyond=Decimal("5.00"), note="Late parcel"
    )
    return order


def refund_twice(maker: Maker, at: datetime) -> Order:
    """Units of one discounted line came back one after the other."""
    order, place = maker.blank(at)
    line = compose.sell(order, maker.ids, maker.chance.choice(catalog.GOODS), 3)
    compose.discount_order(order, "TENOFF", Decimal(10), percent=False)
    compose.ship(order, maker.ids, "Standard")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    amend.refund(order, maker.ids, maker.later(order, 1.0), [(line, 1)])
    amend.refund(order, maker.ids, maker.later(order, 1.0), [(line, 1)])
    return order


def refund_other_rate(maker: Maker, at: datetime) -> Order:
    """Paid back in euros when the dollar stood elsewhere."""
    order, place = maker.blank(at, place=ABROAD["DE"], currency="EUR")
    maker.goods(order, 2)
    compose.ship(order, maker.ids, "International")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    later = Currencies(SHOP_CURRENCY, "EUR", order.currencies.rate * Decimal("0.983"))
    units = [(order.lines[0], 1)]
    amend.refund(order, maker.ids, maker.later(order, 3.0), units, currencies=later)
    return order


def partly_shipped(maker: Maker, at: datetime) -> Order:
    """One unit of each line has left."""
    order, _ = maker.paid(at, 3)
    amend.fulfill(order, maker.ids, maker.later(order, 2.0), share=1)
    return order


def touched_later(maker: Maker, at: datetime) -> Order:
    """An app set a tag the next day: a new version with the same money."""
    order, _ = maker.paid(at, 1)
    order.tags.append("reviewed")
    amend.touch(order, maker.later(order, 26.0))
    return order
