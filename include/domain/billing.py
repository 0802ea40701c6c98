"""What of an order may be billed by now, by policy and by what the store says.

Billing is by units: of each line so many are billable. Their share of the line's amounts is worked
out from all units billed so far, never from one invoice alone, so that the last invoice carries
what rounding left and the sums tie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from include.domain.content import Content
from include.domain.document import Document, DocumentLine
from include.domain.money import ZERO, quantise
from include.domain.order import LineKind, Order, OrderLine
from include.domain.policy import InvoiceMoment, Policy, ShortStock
from include.domain.standing import Standing

ALONG = frozenset({LineKind.TIP, LineKind.FEE})
"""Lines that are no goods to hand over: they are billed with the first invoice, like charges."""


class Billable(NamedTuple):
    """What may be billed of an order.

    Attributes:
        content: The billable part of the order, billed already or not.
        may_grow: Whether anything may be billed beyond what is.
    """

    content: Content
    may_grow: bool


def billable(
    order: Order, sale: Document, standing: Standing, policy: Policy, *, is_settled: bool
) -> Billable:
    """Work out the part of an order that may be billed by now.

    Args:
        order: The order as the store says it is now.
        sale: Its sales order, with what stock covers.
        standing: What the books hold.
        policy: The channel's choices.
        is_settled: Whether it is paid in full.
    """
    billed = {
        line.line_id: min(max(standing.units_billed(line.line_id), 0), line.quantity)
        for line in sale.lines
    }
    units = _units(order, sale, standing, policy, billed, is_settled=is_settled)
    if units is None:
        content = part_of(sale, billed, along=True) if standing.invoices else Content()
        return Billable(content, may_grow=False)
    goods = [line for line in sale.lines if line.kind not in ALONG]
    along = (
        bool(standing.invoices)
        or any(units[line.line_id] for line in goods)
        or all(units[line.line_id] == line.quantity for line in goods)
    )
    for line in sale.lines:
        if line.kind in ALONG:
            units[line.line_id] = line.quantity if along else 0
    return Billable(part_of(sale, units, along=along), may_grow=True)


def _units(
    order: Order,
    sale: Document,
    standing: Standing,
    policy: Policy,
    billed: Mapping[str, int],
    *,
    is_settled: bool,
) -> dict[str, int] | None:
    """Return the billable units by line, or None where nothing more may be billed."""
    if policy.invoice is InvoiceMoment.NEVER:
        return None
    covered = {line.line_id: line.quantity - line.back_ordered for line in sale.lines}
    if policy.invoice is InvoiceMoment.ON_SHIPMENT:
        shipped = {line.line_id: units_shipped(order, line) for line in order.lines}
        is_closed = bool(standing.invoices) and not standing.is_open
        # What a closed order has billed stays billed as long as it is on it: another policy may
        # have billed it, and a shipment that was taken back is no return.
        least = billed if is_closed else {}
        return {
            key: max(min(shipped.get(key, 0), units), least.get(key, 0))
            for key, units in covered.items()
        }
    whole = {line.line_id: line.quantity for line in sale.lines}
    if standing.invoices and not standing.is_open:
        return whole  # what an edit adds to a billed order is billed with it, as it always was
    if not is_settled:
        return None
    if policy.short_stock is ShortStock.SPLIT:
        return covered
    return None if sale.is_back_ordered else whole


def units_shipped(order: Order, line: OrderLine) -> int:
    """Return the units of a line that the store says were handed over and not taken back.

    Args:
        order: The order; its status decides where the store does not tell it by line.
        line: One of its lines.
    """
    if line.fulfilled_quantity is not None:
        return min(line.fulfilled_quantity, line.current_quantity)
    return line.current_quantity if order.fulfillment_status == "fulfilled" else 0


def part_of(sale: Document, units: Mapping[str, int], *, along: bool) -> Content:
    """Return the part of a sales order that some units of its lines make up.

    What lowers the total (a concession, rounding) is taken as far as the part can bear it.

    Args:
        sale: The whole order.
        units: Units of each line.
        along: Whether the charges go with it.
    """
    lines = tuple(
        _share(line, units[line.line_id], sale.currency)
        for line in sale.lines
        if units[line.line_id] > 0
    )
    if along and all(units[line.line_id] == line.quantity for line in sale.lines):
        return Content(lines, sale.charges, (), sale.concession)
    charges = tuple(charge for charge in sale.charges if charge.net >= ZERO) if along else ()
    worth = Content(lines, charges).total
    for charge in sale.charges if along else ():
        if charge.net < ZERO and worth + charge.net >= ZERO:
            charges += (charge,)
            worth += charge.net
    concession = min(sale.concession, worth) if along else ZERO
    return Content(lines, charges, (), concession)


def _share(line: DocumentLine, units: int, currency: str) -> DocumentLine:
    if units == line.quantity:
        return replace(line, back_ordered=0)

    def part(amount: Decimal) -> Decimal:
        return quantise(amount * units / line.quantity, currency)

    taxes = tuple(
        replace(tax, base=part(tax.base), amount=part(tax.amount))
        for tax in line.taxes
        if part(tax.amount)
    )
    return replace(
        line,
        quantity=units,
        net=part(line.net),
        discount=part(line.discount),
        taxes=taxes,
        back_ordered=0,
    )
