"""Steps that put an order together: discounts, taxes, payments, in the order a checkout does them.

Each step changes the order it is given. Splits use largest remainders and every tax is rounded per
line, so that the parts of an order tie to its totals in both currencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count

from include.connectors.stores.shopify.sandbox.amounts import NOTHING, Pair
from include.connectors.stores.shopify.sandbox.book import (
    Allocation,
    Discount,
    Line,
    Order,
    Payment,
    Shipping,
    Tax,
)
from include.connectors.stores.shopify.sandbox.catalog import SHIPPING, Place, Variant

_HUNDRED = Decimal(100)


class Ids:
    """Hands out ids that are unique per kind of thing and the same on every run.

    Args:
        base: First id; ids of one kind never collide with those of another shop's seed.
    """

    def __init__(self, base: int = 0) -> None:
        self._base = base
        self._counters: dict[str, count[int]] = {}

    def __call__(self, kind: str) -> int:
        """Return the next id of a kind, for example "LineItem"."""
        if kind not in self._counters:
            start = 6_000_000_000_000 + (sum(map(ord, kind)) % 97) * 10_000_000_000
            self._counters[kind] = count(start + self._base, 32_768)
        return next(self._counters[kind])


def sell(order: Order, ids: Ids, variant: Variant, quantity: int) -> Line:
    """Add a line for a variant at its price in both currencies.

    Args:
        order: The order to add to.
        ids: Where the line's id comes from.
        variant: What is sold.
        quantity: How many.

    Returns:
        The line, for cases that change it further.
    """
    line = Line(
        id=ids("LineItem"),
        title=variant.title,
        unit=order.currencies.price(variant.price),
        quantity=quantity,
        sku=variant.sku,
        variant_id=variant.variant_id,
        product_id=variant.product_id,
        variant_title=None if variant.option == "Default Title" else variant.option,
        kind=variant.kind,
        grams=variant.grams,
        taxable=variant.kind != "gift_card",
    )
    order.lines.append(line)
    return line


def ship(order: Order, ids: Ids, title: str, price: Decimal | None = None) -> Shipping:
    """Add a shipping line, at its usual price unless one is given (in shop currency)."""
    amount = order.currencies.price(SHIPPING[title] if price is None else price)
    code = title.lower().replace(" ", "_")
    row = Shipping(ids("ShippingLine"), title, code, amount)
    order.shipping.append(row)
    return row


def _discount(order: Order, kind: str, title: str, value: Decimal, percent: bool) -> Discount:
    found = Discount(len(order.discounts), kind, title, value, percent, "LINE_ITEM")
    order.discounts.append(found)
    return found


def _value(order: Order, base: Pair, value: Decimal, percent: bool) -> Pair:
    if percent:
        return order.currencies.share(base, value / _HUNDRED)
    asked = order.currencies.price(value)
    return Pair(min(asked.shop, base.shop), min(asked.presentment, base.presentment))


def discount_line(
    order: Order, line: Line, title: str, value: Decimal, *, percent: bool
) -> Discount:
    """Take a percentage or a fixed amount (shop currency) off one line."""
    found = _discount(order, "automatic", title, value, percent)
    found.method, found.selection = "EACH", "EXPLICIT"
    line.allocations.append(Allocation(found, _value(order, line.net, value, percent)))
    return found


def discount_order(
    order: Order, title: str, value: Decimal, *, percent: bool, kind: str = "code"
) -> Discount:
    """Take a discount off the whole order, spread over its lines by their price."""
    found = _discount(order, kind, title, value, percent)
    lines = [line for line in order.sold if line.kind != "gift_card"]
    weights = [line.net for line in lines]
    whole = NOTHING
    for weight in weights:
        whole += weight
    shares = order.currencies.split(_value(order, whole, value, percent), weights)
    for line, share in zip(lines, shares, strict=True):
        line.allocations.append(Allocation(found, share))
    return found


def discount_shipping(order: Order, title: str) -> Discount:
    """Make shipping free by a discount of 100 %."""
    found = _discount(order, "code", title, _HUNDRED, True)
    found.target = "SHIPPING_LINE"
    for row in order.shipping:
        row.allocations.append(Allocation(found, row.net))
    return found


def tax_rows(
    order: Order,
    base: Pair,
    taxes: Sequence[tuple[str, str]],
    *,
    channel_liable: bool | None = False,
) -> list[Tax]:
    """Return the taxes on an amount, taken out of it where the order's prices include tax."""
    rates = [Decimal(rate) for _, rate in taxes]
    divisor = 1 + sum(rates, Decimal(0)) if order.taxes_included else Decimal(1)
    return [
        Tax(title, Decimal(rate), order.currencies.share(base, Decimal(rate) / divisor),
            channel_liable)
        for title, rate in taxes
    ]  # fmt: skip


def charge_taxes(order: Order, place: Place, *, channel_liable: bool | None = False) -> None:
    """Tax every taxable line after its discounts, and shipping where the place does."""
    for line in order.lines:
        if line.taxable and line.kind != "tip":
            line.taxes = tax_rows(order, line.net, place.taxes, channel_liable=channel_liable)
    if place.tax_on_shipping:
        for row in order.shipping:
            row.taxes = tax_rows(order, row.net, place.taxes, channel_liable=channel_liable)


def pay(
    order: Order,
    ids: Ids,
    gateway: str,
    at: datetime,
    amount: Pair | None = None,
    *,
    kind: str = "SALE",
    status: str = "SUCCESS",
    parent: Payment | None = None,
) -> Payment:
    """Add a transaction, for the whole outstanding amount unless one is given."""
    row = Payment(
        ids("OrderTransaction"), kind, status, gateway, amount or order.grand_total, at, parent
    )
    order.payments.append(row)
    return row


def authorize_and_capture(order: Order, ids: Ids, gateway: str, at: datetime) -> None:
    """Pay as most card payments are: an authorization and its capture."""
    authorization = pay(order, ids, gateway, at, kind="AUTHORIZATION")
    pay(order, ids, gateway, at, kind="CAPTURE", parent=authorization)
