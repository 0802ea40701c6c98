"""Which location a line is taken from, and which of its units stock covers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from include.domain.content import Content
from include.domain.document import Document, DocumentLine, StockNeed
from include.domain.errors import OrderError
from include.domain.ledger import EMPTY_LEDGER, OrderLedger
from include.domain.money import ZERO
from include.domain.order import LineKind, Order
from include.domain.policy import InvoiceMoment, Policy, RouteBy, ShortStock
from include.domain.standing import Standing, standing_of

Stock = Mapping[StockNeed, Decimal]


class StockShort(OrderError):
    """Stock does not cover the order and the channel's policy is to hold it."""

    reason_class = "short_stock"


def routed(sale: Document, standing: Standing, policy: Policy, stock: Stock) -> Document:
    """Give each line the location that its goods are taken from.

    A line keeps the location that its order was posted with. It follows the store to another one
    only where the store's shipments decide what is billed.

    Args:
        sale: The sales order with the locations that the store names.
        standing: What the books hold.
        policy: The channel's choices.
        stock: Units free to promise.
    """
    by, places = policy.routing.by, policy.routing.locations
    if by is RouteBy.STORE_LOCATION:
        return sale
    known = {line.line_id: line.location_id for line in standing.content.lines}
    left = dict(stock)
    lines = []
    for line in sale.lines:
        place = line.location_id
        if line.kind is LineKind.GOODS and line.line_id in known:
            place = known[line.line_id]
        elif line.kind is LineKind.GOODS:
            place = places[0] if by is RouteBy.FIXED else _first_with_stock(line, places, left)
            need = StockNeed(line.sku or "", place)
            left[need] = left.get(need, ZERO) - line.quantity
        lines.append(replace(line, location_id=place))
    return replace(sale, lines=tuple(lines))


def _first_with_stock(line: DocumentLine, places: tuple[str, ...], left: Stock) -> str:
    """Return the first place that has all units; without one, the place that has the most."""
    free = {place: left.get(StockNeed(line.sku or "", place), ZERO) for place in places}
    enough = [place for place in places if free[place] >= line.quantity]
    return enough[0] if enough else max(places, key=lambda place: free[place])


def allocated(sale: Document, standing: Standing, policy: Policy, stock: Stock) -> Document:
    """Cover each line from what it was promised before, then from free stock.

    Args:
        sale: The sales order.
        standing: What the books hold.
        policy: The channel's choices.
        stock: Units free to promise; a need that is absent is not tracked.

    Raises:
        StockShort: Stock is short and the policy is to hold.
    """
    if policy.short_stock is ShortStock.IGNORE:
        return _waiting(sale, standing, stock)
    left = dict(stock)
    before = {line.line_id: line for line in as_the_erp_holds_it(standing, stock).lines}
    lines = []
    for line in sale.lines:
        need = StockNeed(line.sku or "", line.location_id)
        old = before.get(line.line_id)
        if old is not None and has_moved(line, old, policy):
            old = replace(old, quantity=standing.units_invoiced(line.line_id), back_ordered=0)
        kept = min(standing.covered(old), line.quantity) if old else 0
        is_tracked = need in left or (old is not None and old.back_ordered > 0)
        if line.kind is LineKind.GOODS and is_tracked:
            free = left.get(need, ZERO)
            taken = int(max(ZERO, min(free, Decimal(line.quantity - kept))))
            left[need] = free - taken
            short = line.quantity - kept - taken
            if short and policy.short_stock is ShortStock.HOLD:
                raise StockShort(
                    f"line {line.sku} needs {line.quantity} and {kept + taken} can be promised: "
                    "policy holds the order until stock arrives",
                    rule="stock_covers_line",
                    field="quantity",
                )
            line = replace(line, back_ordered=short)  # noqa: PLW2901
        lines.append(line)
    return replace(sale, lines=tuple(lines))


def _waiting(sale: Document, standing: Standing, stock: Stock) -> Document:
    """Keep back-ordered what the ERP itself back-ordered, as far as stock does not cover it yet."""
    if not standing.back_ordered:
        return sale
    left = dict(stock)
    before = {line.line_id: line for line in as_the_erp_holds_it(standing, stock).lines}
    lines = []
    for line in sale.lines:
        old = before.get(line.line_id)
        if old is not None and old.back_ordered:
            need = StockNeed(line.sku or "", line.location_id)
            free = max(left.get(need, ZERO), ZERO)
            taken = int(min(free, Decimal(old.back_ordered)))
            left[need] = free - taken
            short = min(old.back_ordered - taken, line.quantity)
            line = replace(line, back_ordered=short)  # noqa: PLW2901
        lines.append(line)
    return replace(sale, lines=tuple(lines))


def has_moved(line: DocumentLine, old: DocumentLine, policy: Policy) -> bool:
    """Tell whether a line of an order has to be promised at another location than it was.

    Args:
        line: The line as it should stand.
        old: The line as the order holds it.
        policy: The channel's choices.
    """
    return (
        policy.invoice is InvoiceMoment.ON_SHIPMENT
        and line.kind is LineKind.GOODS
        and line.location_id != old.location_id
    )


def as_the_erp_holds_it(standing: Standing, stock: Stock) -> Content:
    """Return the order with what the ERP back-ordered beyond it: others took its stock before.

    The ERP tells the units and not the lines: those with the least stock left are taken for short,
    the first ones where nobody asked for stock.

    Args:
        standing: What the books hold.
        stock: Units free to promise.
    """
    booked = standing.content
    beyond = int(standing.back_ordered) - sum(line.back_ordered for line in booked.lines)
    needs = [StockNeed(line.sku or "", line.location_id) for line in booked.lines]
    goods = [at for at, line in enumerate(booked.lines) if line.kind is LineKind.GOODS]
    kept = [at for at in goods if needs[at] in stock] or goods
    lines = list(booked.lines)
    for at in sorted(kept, key=lambda place: stock.get(needs[place], ZERO)):
        line = lines[at]
        waiting = line.quantity - standing.units_invoiced(line.line_id) - line.back_ordered
        more = min(max(beyond, 0), max(waiting, 0))
        lines[at] = replace(line, back_ordered=line.back_ordered + more)
        beyond -= more
    return replace(booked, lines=tuple(lines))


def stock_needs(order: Order, policy: Policy) -> Iterator[StockNeed]:
    """Yield what the order needs from stock, wherever policy may take it from.

    Args:
        order: The canonical order.
        policy: The channel's choices.
    """
    for line in order.lines:
        if line.kind is LineKind.GOODS and line.sku and line.current_quantity > 0:
            yield StockNeed(line.sku, line.location_id)
            for place in policy.routing.locations:
                yield StockNeed(line.sku, place)


def stock_taken(
    document: Document, ledger: OrderLedger = EMPTY_LEDGER
) -> Iterator[tuple[StockNeed, int]]:
    """Yield the units that a sales order, or a change of it, is going to allocate.

    Args:
        document: A sales order or an order change.
        ledger: What is posted of the order: what it was promised before is not taken again.
    """
    standing = standing_of(ledger)
    before = {line.line_id: line for line in standing.content.lines}
    for line in document.lines:
        if line.kind is LineKind.GOODS and line.sku:
            old = before.get(line.line_id)
            promised = old.quantity - old.back_ordered if old else 0
            more = max(line.quantity - line.back_ordered - promised, 0)
            yield StockNeed(line.sku, line.location_id), more
