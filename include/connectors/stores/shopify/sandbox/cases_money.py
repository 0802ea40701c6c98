"""Awkward orders whose difficulty is in the money: currencies, taxes, discounts, tips, cards."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from include.connectors.stores.shopify.sandbox import amend, catalog, compose
from include.connectors.stores.shopify.sandbox.amounts import ZERO, Pair, rounded
from include.connectors.stores.shopify.sandbox.book import Fee, Line, Order
from include.connectors.stores.shopify.sandbox.catalog import ABROAD, DIGITAL, GIFT_CARDS, LOCATIONS
from include.connectors.stores.shopify.sandbox.maker import Maker

_STORE = LOCATIONS[1].location_id
_NICKEL = Decimal("0.05")


def tax_included(maker: Maker, at: datetime) -> Order:
    """Prices hold the tax already, shipping too."""
    order, place = maker.blank(at, place=ABROAD["DE"])
    order.taxes_included = True
    maker.goods(order, 3)
    compose.discount_order(order, "WELCOME10", Decimal(10), percent=True)
    compose.ship(order, maker.ids, "International")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def tax_included_refunded(maker: Maker, at: datetime) -> Order:
    """Prices hold the tax, and one unit came back with shipping."""
    order = tax_included(maker, at)
    units = [(order.lines[0], 1)]
    amend.refund(order, maker.ids, maker.later(order, 2.0), units, shipping=True)
    return order


def _abroad(maker: Maker, at: datetime, currency: str, country: str) -> Order:
    order, place = maker.blank(at, place=ABROAD[country], currency=currency)
    maker.goods(order, 3)
    compose.discount_order(order, "TRAIL15", Decimal(15), percent=True)
    compose.ship(order, maker.ids, "International")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def paid_in_cad(maker: Maker, at: datetime) -> Order:
    """Paid in Canadian dollars."""
    return _abroad(maker, at, "CAD", "CA")


def paid_in_eur(maker: Maker, at: datetime) -> Order:
    """Paid in euros, with tax on shipping."""
    return _abroad(maker, at, "EUR", "DE")


def paid_in_jpy(maker: Maker, at: datetime) -> Order:
    """Paid in yen, which have no decimals."""
    return _abroad(maker, at, "JPY", "JP")


def paid_in_kwd(maker: Maker, at: datetime) -> Order:
    """Paid in Kuwaiti dinars, which have three decimals."""
    return _abroad(maker, at, "KWD", "KW")


def tip(maker: Maker, at: datetime) -> Order:
    """A tip, which is a line and a total of the order at once."""
    order, place = maker.blank(at)
    maker.goods(order, 2)
    compose.ship(order, maker.ids, "Standard")
    order.lines.append(
        Line(
            id=maker.ids("LineItem"),
            title="Tip",
            unit=order.currencies.price(Decimal("6.50")),
            quantity=1,
            kind="tip",
            taxable=False,
        )
    )
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def gift_card_sold(maker: Maker, at: datetime) -> Order:
    """A gift card among goods: a liability, never taxed nor discounted."""
    order, place = maker.blank(at)
    maker.goods(order, 1)
    compose.sell(order, maker.ids, maker.chance.choice(GIFT_CARDS), 1)
    compose.discount_order(order, "WELCOME10", Decimal(10), percent=True)
    compose.ship(order, maker.ids, "Standard")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def gift_card_tender(maker: Maker, at: datetime) -> Order:
    """Paid with a gift card and a bank card."""
    order, place = maker.blank(at)
    maker.goods(order, 3)
    compose.ship(order, maker.ids, "Standard")
    compose.charge_taxes(order, place)
    card = order.currencies.price(min(Decimal("25.00"), order.grand_total.shop))
    compose.pay(order, maker.ids, "gift_card", at, card)
    rest = order.grand_total - card
    if rest.shop > 0:
        compose.pay(order, maker.ids, "shopify_payments", at, rest)
    return order


def duties(maker: Maker, at: datetime) -> Order:
    """Import duties paid at checkout, per line."""
    order, place = maker.blank(at, place=ABROAD["CA"])
    for line in maker.goods(order, 2):
        share = order.currencies.share(line.net, Decimal("0.085"))
        line.duties.append((maker.ids("Duty"), share))
    compose.ship(order, maker.ids, "International")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def additional_fee(maker: Maker, at: datetime) -> Order:
    """A state's delivery fee on top."""
    order, place = maker.paid(at, 2)
    order.payments.clear()
    fee = order.currencies.price(Decimal("0.29"))
    order.fees.append(Fee(maker.ids("AdditionalFee"), "Retail Delivery Fee", fee))
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def cash_rounding(maker: Maker, at: datetime) -> Order:
    """Cash in the store, rounded to five cents."""
    order = point_of_sale(maker, at)
    payment = order.payments[0]
    bag = next(
        price
        for price in (Decimal("0.11"), Decimal("0.13"))
        if (order.grand_total.shop + price) % _NICKEL
    )
    order.lines.append(
        Line(
            id=maker.ids("LineItem"),
            title="Paper bag",
            unit=order.currencies.price(bag),
            quantity=1,
            kind="custom",
            taxable=False,
            fulfilled=1,
        )
    )
    payment.amount = order.grand_total
    amount = payment.amount.shop
    paid = (amount / _NICKEL).to_integral_value() * _NICKEL
    difference = rounded(paid - amount, order.currencies.shop)
    payment.rounding = Pair(difference, difference)
    return order


def point_of_sale(maker: Maker, at: datetime) -> Order:
    """Sold over the counter: no customer, no address, no shipping."""
    order, _ = maker.blank(at, guest=True)
    place = next(state for state in catalog.STATES if state.code == "ME")
    order.source, order.location_id = "pos", _STORE
    for line in maker.goods(order, 2, most=2):
        line.fulfilled = line.quantity
    compose.charge_taxes(order, place)
    payment = compose.pay(order, maker.ids, "cash", at)
    payment.location_id = _STORE
    return order


def digital_only(maker: Maker, at: datetime) -> Order:
    """Nothing to ship."""
    order, place = maker.blank(at)
    order.shipping_to = None
    compose.sell(order, maker.ids, DIGITAL, 1)
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "paypal", at)
    return order


def free_order(maker: Maker, at: datetime) -> Order:
    """A discount of everything: no payment at all."""
    order, place = maker.blank(at)
    maker.goods(order, 2, most=1)
    compose.discount_order(order, "ONTHEHOUSE", Decimal(100), percent=True)
    compose.ship(order, maker.ids, "Local pickup")
    compose.charge_taxes(order, place)
    return order


def layered_discounts(maker: Maker, at: datetime) -> Order:
    """A promotion on a line, a fixed amount off the order, and free shipping."""
    order, place = maker.blank(at)
    lines = maker.goods(order, 3, most=3)
    compose.discount_line(order, lines[0], "Clearance", Decimal(30), percent=True)
    compose.discount_order(order, "TENOFF", Decimal(10), percent=False)
    compose.ship(order, maker.ids, "Standard")
    compose.discount_shipping(order, "SHIPFREE")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def marketplace_tax(maker: Maker, at: datetime) -> Order:
    """The sales channel collects and remits the tax."""
    place = next(state for state in catalog.STATES if state.code == "WA")
    order, place = maker.blank(at, place=place)
    order.source = "tiktok"
    maker.goods(order, 2)
    compose.ship(order, maker.ids, "Standard")
    compose.charge_taxes(order, place, channel_liable=True)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def large_quantity(maker: Maker, at: datetime) -> Order:
    """More than a thousand units at a discount that does not divide evenly."""
    order, place = maker.blank(at)
    cheap = next(variant for variant in catalog.GOODS if variant.sku == "HRD-CRB")
    line = compose.sell(order, maker.ids, cheap, 1250)
    compose.discount_line(order, line, "Volume price", Decimal("7.3"), percent=True)
    compose.ship(order, maker.ids, "Express")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def _many_lines(maker: Maker, at: datetime, count: int) -> Order:
    order, place = maker.blank(at)
    for variant in maker.chance.choices(catalog.GOODS, k=count):
        compose.sell(order, maker.ids, variant, maker.chance.randint(1, 4))
    compose.discount_order(order, "WELCOME10", Decimal(10), percent=True)
    compose.ship(order, maker.ids, "Express", Decimal("39.00"))
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def many_lines(maker: Maker, at: datetime) -> Order:
    """More lines than a small page holds."""
    return _many_lines(maker, at, 64)


def very_many_lines(maker: Maker, at: datetime) -> Order:
    """More lines than the largest page holds."""
    return _many_lines(maker, at, 256)


def corrupt(maker: Maker, at: datetime) -> Order:
    """The parts do not tie to the stated total."""
    order, _ = maker.paid(at, 2)
    order.misstated = Pair(Decimal("0.07"), Decimal("0.07"))
    return order


def zero_price_line(maker: Maker, at: datetime) -> Order:
    """A free sample among paid goods."""
    order, place = maker.blank(at)
    maker.goods(order, 1)
    sample = next(variant for variant in catalog.GOODS if variant.sku == "ACC-STK")
    line = compose.sell(order, maker.ids, sample, 1)
    line.unit = Pair(ZERO, ZERO)
    compose.ship(order, maker.ids, "Standard")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order
