"""Holds a canonical order against what the store states of it: totals to the cent, units to one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from include.domain.errors import ContractDrift, Unbalanced
from include.domain.money import NOTHING, ZERO, Amount, Money, quantise
from include.domain.order import (
    Charge,
    ChargeKind,
    Order,
    OrderLine,
    TaxLine,
    TenderKind,
    TenderStatus,
)

RECEIVED = "payments against the amount received"
REFUNDED = "refund payments against the amount refunded"
UNITS_RULE = "units_listed"


class Tie(NamedTuple):
    """Two figures that must be equal.

    Attributes:
        name: What is held against what.
        parts: Sum of the parts.
        stated: What the store says.
    """

    name: str
    parts: Amount
    stated: Amount


def taxes_of(order: Order) -> Iterator[TaxLine]:
    """Yield every tax line of the order, of lines and of charges.

    Args:
        order: The order.
    """
    for line in order.lines:
        yield from line.taxes
    for charge in order.charges:
        yield from charge.taxes


def ties(order: Order) -> tuple[Tie, ...]:
    """Return every pair of figures that must be equal in an order that can be booked.

    Cash rounding is not part of a total: it is the difference between the total and what was paid.
    An order that is cancelled and worth nothing has no current parts left to hold against parts
    of a total; its total and its payments still have to tie.

    Args:
        order: The canonical order.
    """
    stated = order.stated
    parts, tax, shipping = _current(order)
    found = [
        Tie(
            "current lines, charges and taxes against the current total",
            parts,
            stated.current_total,
        ),
        Tie(
            "original lines, charges and taxes against the total",
            _original(order),
            stated.original_total,
        ),
    ]
    if order.cancelled_at is None or stated.current_total != NOTHING:
        found += (
            Tie("current taxes against the current tax total", tax, stated.current_tax),
            Tie(
                "current shipping against the current shipping total",
                shipping,
                stated.current_shipping,
            ),
        )
    received, refunded = _payments(order)
    found += (
        Tie(RECEIVED, received, stated.received),
        Tie(REFUNDED, refunded, stated.refunded),
    )
    return tuple(found)


def _current(order: Order) -> tuple[Amount, Amount, Amount]:
    """Return the current total, tax and shipping as the parts add up to them."""
    shop = buyer = tax_shop = tax_buyer = ship_shop = ship_buyer = ZERO
    for line in order.lines:
        price = line.current_price
        shop += price[0]
        buyer += price[1]
        for tax in line.taxes:
            amount = tax.current_amount
            tax_shop += amount[0]
            tax_buyer += amount[1]
    for charge in order.charges:
        kind = charge.kind
        if kind is ChargeKind.ROUNDING:
            continue
        price = charge.current_price
        shop += price[0]
        buyer += price[1]
        if kind is ChargeKind.SHIPPING:
            ship_shop += price[0]
            ship_buyer += price[1]
        for tax in charge.taxes:
            amount = tax.current_amount
            tax_shop += amount[0]
            tax_buyer += amount[1]
    if not order.taxes_included:
        shop += tax_shop
        buyer += tax_buyer
    return Amount(shop, buyer), Amount(tax_shop, tax_buyer), Amount(ship_shop, ship_buyer)


def _original(order: Order) -> Amount:
    """Return the total before returns as the parts add up to it.

    A shipping line that an edit removed counts if the stated total only ties with it: no store
    says whether its total before returns still holds one.
    """
    plus_tax = not order.taxes_included
    shop = buyer = removed_shop = removed_buyer = ZERO
    for line in order.lines:
        price, quantity = line.unit_price, line.quantity
        off, off_buyer = _extras(line, plus_tax=plus_tax)
        shop += price[0] * quantity + off
        buyer += price[1] * quantity + off_buyer
    for charge in order.charges:
        if charge.kind is not ChargeKind.ROUNDING:
            off, off_buyer = _extras(charge, plus_tax=plus_tax)
            if charge.removed:
                removed_shop += charge.price[0] + off
                removed_buyer += charge.price[1] + off_buyer
            else:
                shop += charge.price[0] + off
                buyer += charge.price[1] + off_buyer
    if removed_shop or removed_buyer:
        with_removed = Amount(shop + removed_shop, buyer + removed_buyer)
        if with_removed == order.stated.original_total:
            return with_removed
    return Amount(shop, buyer)


def _extras(bearer: OrderLine | Charge, *, plus_tax: bool) -> tuple[Decimal, Decimal]:
    """Return what discounts (negative) and taxes on top add to the price of a line or charge."""
    shop = buyer = ZERO
    for discount in bearer.discounts:
        amount = discount.amount
        shop -= amount[0]
        buyer -= amount[1]
    if plus_tax:
        for tax in bearer.taxes:
            amount = tax.amount
            shop += amount[0]
            buyer += amount[1]
    return shop, buyer


def _payments(order: Order) -> tuple[Amount, Amount]:
    """Return what was received and refunded, without cash rounding.

    Where buyer and books use two currencies, the payment was converted at its own rate and not at
    the order's: shop money may differ from the stated amounts by that exchange difference alone,
    so the currency that was paid in is what has to tie.
    """
    received: list[Decimal] = [ZERO, ZERO]
    refunded: list[Decimal] = [ZERO, ZERO]
    for tender in order.tenders:
        if tender.status is not TenderStatus.SUCCESS:
            continue
        kind = tender.kind
        shop = tender.amount[0] - tender.rounding[0]
        buyer = tender.amount[1] - tender.rounding[1]
        if kind is TenderKind.SALE or kind is TenderKind.CAPTURE:
            received[0] += shop
            received[1] += buyer
        elif kind is TenderKind.REFUND:
            refunded[0] += shop
            refunded[1] += buyer
        elif kind is TenderKind.CHANGE:
            received[0] -= shop
            received[1] -= buyer
    if order.presentment_currency != order.currency:
        received[0] = order.stated.received[0]
        refunded[0] = order.stated.refunded[0]
    return Amount(*received), Amount(*refunded)


def is_tolerated(order: Order, tie: Tie, tolerance: Decimal) -> bool:
    """Tell whether a tie holds, or misses by no more than a channel lets pass.

    Money that moved is never tolerated: a payment is a fact, while a total may be rounded.

    Args:
        order: The canonical order.
        tie: One of its ties.
        tolerance: Most that parts and total may differ by, in shop currency; in the buyer's
            currency as much of it as of the order's total.
    """
    if tie.parts == tie.stated:
        return True
    if not tolerance or tie.name in (RECEIVED, REFUNDED):
        return False
    missed = tie.parts.minus(tie.stated)
    shop, buyer = order.stated.original_total
    allowed = tolerance
    if order.presentment_currency != order.currency:
        allowed = (
            quantise(tolerance * abs(buyer / shop), order.presentment_currency) if shop else ZERO
        )
    return abs(missed.shop) <= tolerance and abs(missed.presentment) <= allowed


def require_balance(order: Order, tolerance: Decimal = ZERO) -> None:
    """Refuse an order whose parts do not tie to its stated totals, to the cent.

    Args:
        order: The canonical order.
        tolerance: Most that parts and totals may differ by, in shop currency.

    Raises:
        Unbalanced: A tie does not hold; the message shows both sides in both currencies.
    """
    for tie in ties(order):
        if not is_tolerated(order, tie, tolerance):
            shop = (Money(tie.parts.shop, order.currency), Money(tie.stated.shop, order.currency))
            sides = f"{shop[0]} against {shop[1]}"
            if order.presentment_currency != order.currency:
                sides += (
                    f" ({Money(tie.parts.presentment, order.presentment_currency)} against "
                    f"{Money(tie.stated.presentment, order.presentment_currency)})"
                )
            raise Unbalanced(
                f"order {order.number}: {tie.name}: {sides}; compare the order in the store's "
                "admin and replay it once the store shows one truth",
                rule="totals_tie",
                field=tie.name,
            )


def require_units(order: Order, listed: int | None) -> None:
    """Refuse an order some of whose lines are missing, by the number of units the store lists.

    Money cannot tell when a line that is worth nothing is lost. Held against the list are orders
    that nobody has changed: what a store counts of units that were taken off or given back is not
    for sure, and no order may wait for that. Fewer units listed than there are (gift cards and tips
    may not count) is no loss.

    Args:
        order: The canonical order.
        listed: Units that are left, by the store's list for this version; ``None`` if it says none.

    Raises:
        ContractDrift: There are fewer units; the message shows both figures.
    """
    if listed is None or order.cancelled_at is not None or order.refunds:
        return
    if any(line.current_quantity != line.quantity for line in order.lines):
        return
    there = sum(line.quantity for line in order.lines)
    if listed > there:
        raise ContractDrift(
            f"order {order.number}: the store lists {listed} units of it and the lines of its "
            f"document add up to {there}; compare its lines in the store's admin, then replay it "
            "from the store",
            rule=UNITS_RULE,
            field="lines",
        )
