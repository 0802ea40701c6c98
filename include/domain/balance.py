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
    TaxLine,
    TenderKind,
    TenderStatus,
)

Pair = tuple[Decimal, Decimal]

RECEIVED = "payments against the amount received"
REFUNDED = "refund payments against the amount refunded"
UNITS_RULE = "units_listed"
_OF_CURRENT_PARTS = (
    "current taxes against the current tax total",
    "current shipping against the current shipping total",
)
_TIES = (
    "current lines, charges and taxes against the current total",
    "original lines, charges and taxes against the total",
    *_OF_CURRENT_PARTS,
    RECEIVED,
    REFUNDED,
)

# A member that is looked up on its class each time costs more than the sums it decides about.
_ROUNDING, _SHIPPING = ChargeKind.ROUNDING, ChargeKind.SHIPPING
_SUCCESS = TenderStatus.SUCCESS
_SALE, _CAPTURE, _REFUND, _CHANGE = (
    TenderKind.SALE,
    TenderKind.CAPTURE,
    TenderKind.REFUND,
    TenderKind.CHANGE,
)


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


class PartSums(NamedTuple):
    """What the parts of an order add up to, as pairs of shop and presentment money.

    Cash rounding is no part of a total: it is the difference between the total and what was paid.

    Attributes:
        lines: Prices of the lines that are left.
        charges: Prices of the charges that are left.
        shipping: The part of ``charges`` that is shipping.
        taxes: Taxes on the lines and charges that are left.
        original: Total before returns, with its taxes.
    """

    lines: Pair
    charges: Pair
    shipping: Pair
    taxes: Pair
    original: Pair


def sums_of(order: Order) -> PartSums:
    """Add up the parts of an order, in one walk.

    Args:
        order: The canonical order.
    """
    plus_tax = not order.taxes_included
    lines = lines_buyer = taxes = taxes_buyer = original = original_buyer = ZERO
    for line in order.lines:
        price = line.current_price
        lines += price.shop
        lines_buyer += price.presentment
        price, quantity = line.unit_price, line.quantity
        original += price.shop * quantity
        original_buyer += price.presentment * quantity
        for discount in line.discounts:
            amount = discount.amount
            original -= amount.shop
            original_buyer -= amount.presentment
        for tax in line.taxes:
            amount = tax.current_amount
            taxes += amount.shop
            taxes_buyer += amount.presentment
            if plus_tax:
                amount = tax.amount
                original += amount.shop
                original_buyer += amount.presentment
    charges = charges_buyer = shipping = shipping_buyer = ZERO
    removed = removed_buyer = ZERO
    for charge in order.charges:
        kind = charge.kind
        if kind is _ROUNDING:
            continue
        price = charge.current_price
        charges += price.shop
        charges_buyer += price.presentment
        if kind is _SHIPPING:
            shipping += price.shop
            shipping_buyer += price.presentment
        for tax in charge.taxes:
            amount = tax.current_amount
            taxes += amount.shop
            taxes_buyer += amount.presentment
        first, first_buyer = _first_charged(charge, plus_tax=plus_tax)
        if charge.removed:
            removed += first
            removed_buyer += first_buyer
        else:
            original += first
            original_buyer += first_buyer
    if removed or removed_buyer:
        # No store says whether its total before returns still holds a shipping line that an edit
        # removed: it counts if the total only ties with it.
        with_removed = (original + removed, original_buyer + removed_buyer)
        if with_removed == order.stated.original_total:
            original, original_buyer = with_removed
    return PartSums(
        (lines, lines_buyer),
        (charges, charges_buyer),
        (shipping, shipping_buyer),
        (taxes, taxes_buyer),
        (original, original_buyer),
    )


def _first_charged(charge: Charge, *, plus_tax: bool) -> Pair:
    """Return what a charge came to before returns: less discounts, with taxes that are on top."""
    shop, buyer = charge.price.shop, charge.price.presentment
    for discount in charge.discounts:
        amount = discount.amount
        shop -= amount.shop
        buyer -= amount.presentment
    if plus_tax:
        for tax in charge.taxes:
            amount = tax.amount
            shop += amount.shop
            buyer += amount.presentment
    return shop, buyer


def _payments(order: Order) -> tuple[Pair, Pair]:
    """Return what was received and refunded, without cash rounding.

    Where buyer and books use two currencies, the payment was converted at its own rate and not at
    the order's: shop money may differ from the stated amounts by that exchange difference alone,
    so the currency that was paid in is what has to tie.
    """
    received = received_buyer = refunded = refunded_buyer = ZERO
    for tender in order.tenders:
        if tender.status is not _SUCCESS:
            continue
        kind = tender.kind
        amount, rounding = tender.amount, tender.rounding
        shop = amount.shop - rounding.shop
        buyer = amount.presentment - rounding.presentment
        if kind is _SALE or kind is _CAPTURE:
            received += shop
            received_buyer += buyer
        elif kind is _REFUND:
            refunded += shop
            refunded_buyer += buyer
        elif kind is _CHANGE:
            received -= shop
            received_buyer -= buyer
    if order.presentment_currency != order.currency:
        received = order.stated.received.shop
        refunded = order.stated.refunded.shop
    return (received, received_buyer), (refunded, refunded_buyer)


def _sides(order: Order, sums: PartSums) -> tuple[tuple[Pair, ...], tuple[Amount, ...]]:
    """Return what the parts come to, and what is stated of it, for each of ``_TIES``."""
    lines, charges, taxes = sums.lines, sums.charges, sums.taxes
    total = (lines[0] + charges[0], lines[1] + charges[1])
    if not order.taxes_included:
        total = (total[0] + taxes[0], total[1] + taxes[1])
    received, refunded = _payments(order)
    stated = order.stated
    return (
        (total, sums.original, taxes, sums.shipping, received, refunded),
        (
            stated.current_total,
            stated.original_total,
            stated.current_tax,
            stated.current_shipping,
            stated.received,
            stated.refunded,
        ),
    )


def ties(order: Order, sums: PartSums | None = None) -> tuple[Tie, ...]:
    """Return every pair of figures that must be equal in an order that can be booked.

    An order that is cancelled and worth nothing has no current parts left to hold against parts
    of a total; its total and its payments still have to tie.

    Args:
        order: The canonical order.
        sums: What ``sums_of`` says of the order, where that is known already.
    """
    parts, stated = _sides(order, sums or sums_of(order))
    is_void = order.cancelled_at is not None and order.stated.current_total == NOTHING
    return tuple(
        Tie(name, Amount(*there), said)
        for name, there, said in zip(_TIES, parts, stated, strict=True)
        if not (is_void and name in _OF_CURRENT_PARTS)
    )


def broken_ties(
    order: Order, tolerance: Decimal = ZERO, sums: PartSums | None = None
) -> tuple[Tie, ...]:
    """Return the ties that do not hold, without those that a channel lets pass.

    Args:
        order: The canonical order.
        tolerance: Most that parts and totals may differ by, in shop currency.
        sums: What ``sums_of`` says of the order, where that is known already.
    """
    sums = sums or sums_of(order)
    parts, stated = _sides(order, sums)
    if parts == stated:  # as of nearly every order: nothing has to be told apart or named
        return ()
    return tuple(tie for tie in ties(order, sums) if not is_tolerated(order, tie, tolerance))


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
    broken = broken_ties(order, tolerance)
    if broken:
        tie = broken[0]
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
    there = 0
    for line in order.lines:
        if line.current_quantity != line.quantity:
            return
        there += line.quantity
    if listed > there:
        raise ContractDrift(
            f"order {order.number}: the store lists {listed} units of it and the lines of its "
            f"document add up to {there}; compare its lines in the store's admin, then replay it "
            "from the store",
            rule=UNITS_RULE,
            field="lines",
        )
