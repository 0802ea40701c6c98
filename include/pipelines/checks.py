"""The flat row that the expectation suites look at: one row an order, figures and flags only.

Money stands in whole minor units of its currency (cents; yen; fils), so that no rule ever compares
floats. Personal data is never in the row: flags say whether it is there and well formed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from include.domain.balance import PartSums, broken_ties, sums_of
from include.domain.money import ZERO, Amount, exponent
from include.domain.order import (
    Charge,
    ChargeKind,
    LineKind,
    Order,
    OrderLine,
    TenderKind,
    TenderStatus,
)

Value = str | int | bool | datetime | Decimal | None

# A member that is looked up on its class each time costs more than what it decides.
_GOODS, _GIFT_CARD, _CUSTOM = LineKind.GOODS, LineKind.GIFT_CARD, LineKind.CUSTOM
_ROUNDING, _SHIPPING = ChargeKind.ROUNDING, ChargeKind.SHIPPING
_PENDING, _VOID = TenderStatus.PENDING, TenderKind.VOID
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+").fullmatch
_COUNTRY = re.compile("[A-Z]{2}").fullmatch


def check_row(
    order: Order, pulled_at: datetime | None = None, tolerance: Decimal = ZERO
) -> tuple[Value, ...]:
    """Return the row of figures and flags that the expectation suites judge.

    Args:
        order: The canonical order.
        pulled_at: When it was read, aware UTC; without it ``in_future`` is unknown.
        tolerance: By how much parts may miss a total before a tie counts as broken.

    Returns:
        One value for each of ``CARRIED_CHECKS``, in their order. Columns that end in ``_minor`` are
        whole minor units of the shop currency (of the presentment currency where the name says so),
        rounded half up; ``fractional_amounts`` tells when something was there to round.
    """
    stated = order.stated
    scale = exponent(order.currency)
    buyer_scale = exponent(order.presentment_currency)
    sums = sums_of(order)
    lines = _line_figures(order)
    charges = _charge_figures(order)
    taxes = _tax_figures(order)
    balance = _tie_figures(order, sums, tolerance)
    tenders = _tender_figures(order)
    shipping = order.shipping_address
    country = shipping.country_code if shipping else None
    email = order.customer.email if order.customer else None
    return (
        # what it is
        order.channel,
        order.placed_at,
        order.cancelled_at,
        order.currency,
        order.presentment_currency,
        str(order.financial_status),
        order.fulfillment_status,
        str(order.program),
        str(order.pii_state),
        order.is_test,
        order.cancelled_at is not None,
        order.is_edited,
        order.taxes_included,
        None if pulled_at is None else order.placed_at > pulled_at,
        order.updated_at < order.placed_at,
        # how many parts it has
        len(order.lines),
        len(order.charges),
        len(order.tenders),
        len(order.refunds),
        len(order.lines) - len({line.line_id for line in order.lines}),
        lines.quantity,
        lines.current_quantity,
        # money, as stated and as its parts add up
        _minor(stated.original_total.shop, scale),
        _minor(stated.current_total.shop, scale),
        _minor(stated.current_subtotal.shop, scale),
        _minor(stated.current_tax.shop, scale),
        _minor(stated.current_shipping.shop, scale),
        _minor(stated.current_total.presentment, buyer_scale),
        _minor(sums.lines[0], scale),
        _minor(sums.charges[0], scale),
        _minor(taxes.amount, scale),
        _minor(taxes.marketplace, scale),
        _minor(lines.discount + charges.discount, scale),
        _minor(charges.rounding, scale),
        _minor(stated.received.shop, scale),
        _minor(stated.refunded.shop, scale),
        _minor(stated.outstanding.shop, scale),
        _minor(stated.refund_discrepancy.shop, scale),
        balance.broken,
        balance.first_broken,
        _minor(balance.worst_shop, scale),
        _minor(balance.worst_buyer, buyer_scale),
        _is_fractional(stated.original_total, scale, buyer_scale)
        + _is_fractional(stated.current_total, scale, buyer_scale)
        + _is_fractional(stated.current_tax, scale, buyer_scale),
        # what is odd about its parts
        lines.negative_quantities,
        lines.grown_quantities,
        lines.negative_prices + charges.negative_prices,
        lines.over_discounted,
        lines.without_sku,
        lines.without_title,
        lines.gift_cards,
        lines.custom,
        lines.sku_length,
        lines.title_length,
        # who and where
        order.customer is not None,
        order.billing_address is not None,
        shipping is not None,
        lines.requires_shipping,
        charges.ships,
        country,
        None if country is None else _COUNTRY(country) is not None,
        None if email is None else _EMAIL(email) is not None,
        # payments and taxes
        tenders.gateways,
        tenders.without_gateway,
        tenders.pending,
        taxes.tax_lines,
        taxes.negative,
        taxes.min_rate,
        taxes.max_rate,
    )


class _TieFigures(NamedTuple):
    broken: int = 0
    first_broken: str | None = None
    worst_shop: Decimal = ZERO
    worst_buyer: Decimal = ZERO


_ALL_TIED = _TieFigures()


def _tie_figures(order: Order, sums: PartSums, tolerance: Decimal) -> _TieFigures:
    broken = broken_ties(order, tolerance, sums)
    if not broken:
        return _ALL_TIED
    missed = [tie.parts.minus(tie.stated) for tie in broken]
    return _TieFigures(
        len(broken),
        broken[0].name,
        max(abs(amount.shop) for amount in missed),
        max(abs(amount.presentment) for amount in missed),
    )


@dataclass(slots=True)
class _TenderFigures:
    gateways: int
    without_gateway: int
    pending: int


def _tender_figures(order: Order) -> _TenderFigures:
    pending = without_gateway = 0
    gateways = set()
    for tender in order.tenders:
        if tender.gateway:
            gateways.add(tender.gateway)
        else:
            without_gateway += 1
        if tender.status is _PENDING and tender.kind is not _VOID:
            pending += 1
    return _TenderFigures(len(gateways), without_gateway, pending)


@dataclass(slots=True)
class _LineFigures:
    quantity: int
    current_quantity: int
    discount: Decimal
    negative_quantities: int
    grown_quantities: int
    negative_prices: int
    over_discounted: int
    without_sku: int
    without_title: int
    gift_cards: int
    custom: int
    sku_length: int
    title_length: int
    requires_shipping: bool


def _line_figures(order: Order) -> _LineFigures:  # noqa: PLR0912 - one pass over the lines
    quantity = current_quantity = 0
    discount = ZERO
    negative_quantities = grown = negative_prices = over_discounted = 0
    without_sku = without_title = gift_cards = custom = sku_length = title_length = 0
    ships = False
    for line in order.lines:
        ordered, left = line.quantity, line.current_quantity
        quantity += ordered
        current_quantity += left
        if ordered < 0 or left < 0:
            negative_quantities += 1
        elif left > ordered:
            grown += 1
        if line.unit_price.shop < ZERO or line.current_price.shop < ZERO:
            negative_prices += 1
        if line.discounts:
            taken_off = ZERO
            for part in line.discounts:
                taken_off += part.amount.shop
                if part.amount.shop < ZERO:
                    negative_prices += 1
            discount += taken_off
            if taken_off and taken_off > line.unit_price.shop * ordered:
                over_discounted += 1
        kind = line.kind
        if line.sku:
            length = len(line.sku)
            sku_length = length if length > sku_length else sku_length
        elif kind is _GOODS:
            without_sku += 1
        if kind is _GIFT_CARD:
            gift_cards += 1
        elif kind is _CUSTOM:
            custom += 1
        if line.title:
            length = len(line.title)
            title_length = length if length > title_length else title_length
        else:
            without_title += 1
        if left > 0 and line.requires_shipping:
            ships = True
    return _LineFigures(
        quantity,
        current_quantity,
        discount,
        negative_quantities,
        grown,
        negative_prices,
        over_discounted,
        without_sku,
        without_title,
        gift_cards,
        custom,
        sku_length,
        title_length,
        ships,
    )


@dataclass(slots=True)
class _ChargeFigures:
    discount: Decimal
    rounding: Decimal
    negative_prices: int
    ships: bool


def _charge_figures(order: Order) -> _ChargeFigures:
    discount = rounding = ZERO
    negative = 0
    ships = False
    for charge in order.charges:
        if charge.kind is _ROUNDING:
            rounding += charge.current_price.shop
            continue
        if charge.price.shop < ZERO or charge.current_price.shop < ZERO:
            negative += 1
        for part in charge.discounts:
            discount += part.amount.shop
            if part.amount.shop < ZERO:
                negative += 1
        if charge.kind is _SHIPPING and not charge.removed:
            ships = True
    return _ChargeFigures(discount, rounding, negative, ships)


@dataclass(slots=True)
class _TaxFigures:
    amount: Decimal
    marketplace: Decimal
    tax_lines: int
    negative: int
    min_rate: Decimal | None
    max_rate: Decimal | None


def _tax_figures(order: Order) -> _TaxFigures:
    amount = marketplace = ZERO
    count = negative = 0
    low = high = None
    bearers: tuple[OrderLine | Charge, ...] = (*order.lines, *order.charges)
    for bearer in bearers:
        for tax in bearer.taxes:
            count += 1
            current = tax.current_amount.shop
            amount += current
            if tax.collected_by_marketplace:
                marketplace += current
            if current < ZERO or tax.amount.shop < ZERO:
                negative += 1
            rate = tax.rate
            if rate is not None:
                low = rate if low is None or rate < low else low
                high = rate if high is None or rate > high else high
    return _TaxFigures(amount, marketplace, count, negative, low, high)


@lru_cache(maxsize=1 << 15)
def _minor(amount: Decimal, scale: int) -> int:
    """Return whole minor units, rounded half away from zero without touching a context."""
    scaled = amount.scaleb(scale)
    whole = int(scaled)
    if whole == scaled:
        return whole
    rest = scaled - whole
    if abs(rest) * 2 >= 1:
        return whole + (1 if rest > 0 else -1)
    return whole


@lru_cache(maxsize=1 << 14)
def _is_fractional(amount: Amount, shop_scale: int, buyer_scale: int) -> bool:
    return bool(amount.shop.scaleb(shop_scale) % 1 or amount.presentment.scaleb(buyer_scale) % 1)
