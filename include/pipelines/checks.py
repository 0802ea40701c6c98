"""The flat row that the expectation suites look at: one row an order, figures and flags only.

Money stands in whole minor units of its currency (cents; yen; fils), so that no rule ever compares
floats. Personal data is never in the row: flags say whether it is there and well formed.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from include.domain.balance import is_tolerated, taxes_of, ties
from include.domain.money import ZERO, Amount, exponent
from include.domain.order import ChargeKind, LineKind, Order, TenderKind, TenderStatus

Value = str | int | bool | datetime | Decimal | None

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+").fullmatch
_COUNTRY = re.compile("[A-Z]{2}").fullmatch


def check_row(
    order: Order, pulled_at: datetime | None = None, tolerance: Decimal = ZERO
) -> dict[str, Value]:
    """Return the row of figures and flags that the expectation suites judge.

    Args:
        order: The canonical order.
        pulled_at: When it was read, aware UTC; without it ``in_future`` is unknown.
        tolerance: By how much parts may miss a total before a tie counts as broken.

    Returns:
        One value for each of ``CHECK_COLUMNS``, in their order. Columns that end in ``_minor`` are
        whole minor units of the shop currency (of the presentment currency where the name says so),
        rounded half up; ``fractional_amounts`` tells when something was there to round.
    """
    stated = order.stated
    shop_scale = exponent(order.currency)
    buyer_scale = exponent(order.presentment_currency)
    lines = _line_figures(order)
    charges = _charge_figures(order)
    taxes = _tax_figures(order)
    balance = _tie_figures(order, tolerance)
    tenders = _tender_figures(order)
    shipping = order.shipping_address
    country = shipping.country_code if shipping else None
    email = order.customer.email if order.customer else None
    return {
        "channel": order.channel,
        "order_id_store": order.order_id_store,
        "order_number": order.number,
        "placed_at": order.placed_at,
        "updated_at": order.updated_at,
        "cancelled_at": order.cancelled_at,
        "currency": order.currency,
        "presentment_currency": order.presentment_currency,
        "financial_status": order.financial_status.value,
        "fulfillment_status": order.fulfillment_status,
        "program": order.program.value,
        "pii_state": order.pii_state.value,
        "is_test": order.is_test,
        "is_cancelled": order.cancelled_at is not None,
        "is_edited": order.is_edited,
        "taxes_included": order.taxes_included,
        "in_future": None if pulled_at is None else order.placed_at > pulled_at,
        "updated_before_placed": order.updated_at < order.placed_at,
        "line_count": len(order.lines),
        "charge_count": len(order.charges),
        "tender_count": len(order.tenders),
        "refund_count": len(order.refunds),
        "duplicate_line_ids": len(order.lines) - len({line.line_id for line in order.lines}),
        "quantity_total": lines.quantity,
        "current_quantity_total": lines.current_quantity,
        "original_total_minor": _minor(stated.original_total[0], shop_scale),
        "current_total_minor": _minor(stated.current_total[0], shop_scale),
        "current_subtotal_minor": _minor(stated.current_subtotal[0], shop_scale),
        "current_tax_minor": _minor(stated.current_tax[0], shop_scale),
        "current_shipping_minor": _minor(stated.current_shipping[0], shop_scale),
        "presentment_total_minor": _minor(stated.current_total[1], buyer_scale),
        "lines_total_minor": _minor(lines.price, shop_scale),
        "charges_total_minor": _minor(charges.price, shop_scale),
        "taxes_total_minor": _minor(taxes.amount, shop_scale),
        "marketplace_tax_minor": _minor(taxes.marketplace, shop_scale),
        "discount_minor": _minor(lines.discount + charges.discount, shop_scale),
        "rounding_minor": _minor(charges.rounding, shop_scale),
        "received_minor": _minor(stated.received[0], shop_scale),
        "refunded_minor": _minor(stated.refunded[0], shop_scale),
        "outstanding_minor": _minor(stated.outstanding[0], shop_scale),
        "refund_discrepancy_minor": _minor(stated.refund_discrepancy[0], shop_scale),
        "broken_ties": balance.broken,
        "first_broken_tie": balance.first_broken,
        "tie_difference_minor": _minor(balance.worst_shop, shop_scale),
        "presentment_tie_difference_minor": _minor(balance.worst_buyer, buyer_scale),
        "fractional_amounts": _fractional(
            (stated.original_total, stated.current_total, stated.current_tax),
            shop_scale,
            buyer_scale,
        ),
        "negative_quantities": lines.negative_quantities,
        "grown_quantities": lines.grown_quantities,
        "negative_prices": lines.negative_prices + charges.negative_prices,
        "over_discounted_lines": lines.over_discounted,
        "lines_without_sku": lines.without_sku,
        "lines_without_title": lines.without_title,
        "gift_card_lines": lines.gift_cards,
        "custom_lines": lines.custom,
        "max_sku_length": lines.sku_length,
        "max_title_length": lines.title_length,
        "has_customer": order.customer is not None,
        "has_billing_address": order.billing_address is not None,
        "has_shipping_address": shipping is not None,
        "requires_shipping": lines.requires_shipping,
        "has_shipping_charge": charges.ships,
        "shipping_country": country,
        "shipping_country_valid": None if country is None else _COUNTRY(country) is not None,
        "email_valid": None if email is None else _EMAIL(email) is not None,
        "gateway_count": tenders.gateways,
        "tenders_without_gateway": tenders.without_gateway,
        "pending_tenders": tenders.pending,
        "tax_line_count": taxes.tax_lines,
        "negative_taxes": taxes.negative,
        "min_tax_rate": taxes.min_rate,
        "max_tax_rate": taxes.max_rate,
    }


class _TieFigures(NamedTuple):
    broken: int
    first_broken: str | None
    worst_shop: Decimal
    worst_buyer: Decimal


def _tie_figures(order: Order, tolerance: Decimal) -> _TieFigures:
    broken, first_broken = 0, None
    worst_shop = worst_buyer = ZERO
    for tie in ties(order):
        name, parts, said = tie
        if parts != said and not is_tolerated(order, tie, tolerance):
            broken += 1
            first_broken = first_broken or name
            worst_shop = max(worst_shop, abs(parts[0] - said[0]))
            worst_buyer = max(worst_buyer, abs(parts[1] - said[1]))
    return _TieFigures(broken, first_broken, worst_shop, worst_buyer)


class _TenderFigures(NamedTuple):
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
        if tender.status is TenderStatus.PENDING and tender.kind is not TenderKind.VOID:
            pending += 1
    return _TenderFigures(len(gateways), without_gateway, pending)


class _LineFigures(NamedTuple):
    quantity: int
    current_quantity: int
    price: Decimal
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
    price = discount = ZERO
    negative_quantities = grown = negative_prices = over_discounted = 0
    without_sku = without_title = gift_cards = custom = sku_length = title_length = 0
    ships = False
    for line in order.lines:
        ordered, left = line.quantity, line.current_quantity
        quantity += ordered
        current_quantity += left
        price += line.current_price[0]
        if ordered < 0 or left < 0:
            negative_quantities += 1
        elif left > ordered:
            grown += 1
        if line.unit_price[0] < 0 or line.current_price[0] < 0:
            negative_prices += 1
        taken_off = ZERO
        for part in line.discounts:
            taken_off += part.amount[0]
            if part.amount[0] < 0:
                negative_prices += 1
        discount += taken_off
        if taken_off and taken_off > line.unit_price[0] * ordered:
            over_discounted += 1
        kind = line.kind
        if line.sku:
            sku_length = max(sku_length, len(line.sku))
        elif kind is LineKind.GOODS:
            without_sku += 1
        if kind is LineKind.GIFT_CARD:
            gift_cards += 1
        elif kind is LineKind.CUSTOM:
            custom += 1
        if line.title:
            title_length = max(title_length, len(line.title))
        else:
            without_title += 1
        if left > 0 and line.requires_shipping:
            ships = True
    return _LineFigures(
        quantity,
        current_quantity,
        price,
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


class _ChargeFigures(NamedTuple):
    price: Decimal
    discount: Decimal
    rounding: Decimal
    negative_prices: int
    ships: bool


def _charge_figures(order: Order) -> _ChargeFigures:
    price = discount = rounding = ZERO
    negative = 0
    ships = False
    for charge in order.charges:
        if charge.kind is ChargeKind.ROUNDING:
            rounding += charge.current_price[0]
            continue
        price += charge.current_price[0]
        if charge.price[0] < 0 or charge.current_price[0] < 0:
            negative += 1
        for part in charge.discounts:
            discount += part.amount[0]
            if part.amount[0] < 0:
                negative += 1
        if charge.kind is ChargeKind.SHIPPING and not charge.removed:
            ships = True
    return _ChargeFigures(price, discount, rounding, negative, ships)


class _TaxFigures(NamedTuple):
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
    for tax in taxes_of(order):
        count += 1
        current = tax.current_amount[0]
        amount += current
        if tax.collected_by_marketplace:
            marketplace += current
        if current < 0 or tax.amount[0] < 0:
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


@lru_cache(maxsize=1 << 15)
def _is_fractional(amount: Decimal, scale: int) -> bool:
    return bool(amount.scaleb(scale) % 1)


def _fractional(amounts: tuple[Amount, ...], shop_scale: int, buyer_scale: int) -> int:
    found = 0
    for amount in amounts:
        if _is_fractional(amount[0], shop_scale) or _is_fractional(amount[1], buyer_scale):
            found += 1
    return found
