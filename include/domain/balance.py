"""Holds the parts of a canonical order against the totals the store states, to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from include.domain.errors import Unbalanced
from include.domain.money import Amount, Money, total_of
from include.domain.order import ChargeKind, Order, TaxLine, TenderKind, TenderStatus


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
    """Yield every tax line of the order, of lines and of charges."""
    for line in order.lines:
        yield from line.taxes
    for charge in order.charges:
        yield from charge.taxes


def ties(order: Order) -> tuple[Tie, ...]:
    """Return every pair of figures that must be equal in an order that can be booked.

    Cash rounding is not part of a total: it is the difference between the total and what was paid.

    Args:
        order: The canonical order.
    """
    stated = order.stated
    charges = [charge for charge in order.charges if charge.kind is not ChargeKind.ROUNDING]
    tax = total_of(tax.current_amount for tax in taxes_of(order))
    parts = total_of(line.current_price for line in order.lines).plus(
        total_of(charge.current_price for charge in charges)
    )
    original = total_of(
        line.unit_price.times(line.quantity).minus(total_of(d.amount for d in line.discounts))
        for line in order.lines
    ).plus(
        total_of(
            charge.price.minus(total_of(d.amount for d in charge.discounts))
            for charge in charges
            if not charge.removed
        )
    )
    if not order.taxes_included:
        parts = parts.plus(tax)
        original = original.plus(
            total_of(t.amount for line in order.lines for t in line.taxes)
        ).plus(total_of(t.amount for c in charges if not c.removed for t in c.taxes))
    shipping = total_of(
        charge.current_price for charge in charges if charge.kind is ChargeKind.SHIPPING
    )
    paid = [tender for tender in order.tenders if tender.status is TenderStatus.SUCCESS]
    received = total_of(
        t.amount for t in paid if t.kind in (TenderKind.SALE, TenderKind.CAPTURE)
    ).minus(total_of(t.amount for t in paid if t.kind is TenderKind.CHANGE))
    refunded = total_of(t.amount for t in paid if t.kind is TenderKind.REFUND)
    return (
        Tie(
            "current lines, charges and taxes against the current total",
            parts,
            stated.current_total,
        ),
        Tie("original lines, charges and taxes against the total", original, stated.original_total),
        Tie("current taxes against the current tax total", tax, stated.current_tax),
        Tie(
            "current shipping against the current shipping total", shipping, stated.current_shipping
        ),
        Tie("payments against the amount received", received, stated.received),
        Tie("refund payments against the amount refunded", refunded, stated.refunded),
    )


def require_balance(order: Order) -> None:
    """Refuse an order whose parts do not tie to its stated totals, to the cent.

    Args:
        order: The canonical order.

    Raises:
        Unbalanced: A tie does not hold; the message shows both sides in both currencies.
    """
    for tie in ties(order):
        if tie.parts != tie.stated:
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
                rule="order_totals_tie",
                field=tie.name,
            )
