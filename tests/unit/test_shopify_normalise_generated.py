"""Random orders of a model shop: whatever happened to them, their parts tie to what is stated.

The model keeps its own books unit by unit, and rounds the share of removed units up or down as it
likes: the normaliser has to follow, and has to notice every cent that is really missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.connectors.stores.shopify.normalise import normalise
from include.domain.balance import require_balance, ties
from include.domain.codec import from_document, to_document
from include.domain.errors import Unbalanced
from include.domain.money import total_of
from include.pipelines.checks import check_row
from tests.unit.check_rows import by_name
from tests.unit.shopify_orders import (
    PLACES,
    Node,
    connection,
    line,
    order,
    pair_bag,
    refund,
    shipping,
    transaction,
)

Pair = tuple[Decimal, Decimal]
ZERO = Decimal(0)
NOTHING: Pair = (ZERO, ZERO)
CURRENCIES = st.sampled_from(
    [("USD", "USD"), ("EUR", "EUR"), ("JPY", "JPY"), ("KWD", "KWD"), ("USD", "JPY"), ("CAD", "KWD")]
)


def plus(*pairs: Pair) -> Pair:
    return sum((p[0] for p in pairs), ZERO), sum((p[1] for p in pairs), ZERO)


def minus(left: Pair, right: Pair) -> Pair:
    return left[0] - right[0], left[1] - right[1]


@dataclass
class Model:
    """A shop's order under construction, with its own sums."""

    shop: str
    buyer: str
    included: bool
    lines: list[Node] = field(default_factory=list)
    refunds: list[Node] = field(default_factory=list)
    ships: list[Node] = field(default_factory=list)
    transactions: list[Node] = field(default_factory=list)
    original: Pair = NOTHING
    current: Pair = NOTHING
    tax_original: Pair = NOTHING
    tax_current: Pair = NOTHING
    shipping_current: Pair = NOTHING
    received: Pair = NOTHING
    refunded: Pair = NOTHING
    partial: int = 0

    def unit(self, code: str) -> Decimal:
        return Decimal(1).scaleb(-PLACES.get(code, 2))

    def bag(self, pair: Pair) -> Node:
        return pair_bag(pair[0], pair[1], self.shop, self.buyer)

    def amount(self, draw: st.DrawFn, most: int) -> Pair:
        ours = draw(st.integers(0, most)) * self.unit(self.shop)
        if self.buyer == self.shop:
            return ours, ours
        return ours, draw(st.integers(0, most)) * self.unit(self.buyer)

    def share(self, draw: st.DrawFn, of: Pair, part: int, whole: int) -> Pair:
        """A share of units, rounded up or down by the shop's whim, the same for one currency."""
        sides = []
        for amount, code in zip(of, (self.shop, self.buyer), strict=True):
            unit = self.unit(code)
            steps = amount * part / whole / unit
            floor = steps.to_integral_value(ROUND_DOWN)
            up = floor != steps and draw(st.booleans())
            sides.append((floor + (1 if up else 0)) * unit)
        if self.shop == self.buyer:
            return sides[0], sides[0]
        return sides[0], sides[1]

    def add_line(self, draw: st.DrawFn, number: int) -> None:
        quantity = draw(st.integers(1, 7))
        price = self.amount(draw, 20_000)
        gross = price[0] * quantity, price[1] * quantity
        allocations, net = [], gross
        for _ in range(draw(st.integers(0, 2))):
            off = self.share(draw, net, draw(st.integers(0, 3)), 10)
            net = minus(net, off)
            allocations.append({"allocatedAmountSet": self.bag(off), "discountApplication": None})
        taxes: list[Pair] = [
            self.share(draw, net, draw(st.integers(0, 25)), 100)
            for _ in range(draw(st.integers(0, 2)))
        ]
        refunded = draw(st.integers(0, quantity))
        removed = draw(st.integers(0, quantity - refunded))
        current = quantity - refunded - removed
        left, left_taxes = net, taxes
        if refunded:
            back = self.share(draw, net, refunded, quantity)
            taxed = self.share(draw, plus(*taxes), refunded, quantity)
            if refunded == quantity:
                back, taxed = net, plus(*taxes)
            left, remaining_tax = minus(net, back), minus(plus(*taxes), taxed)
            self.add_refund(number, refunded, back, taxed)
        else:
            remaining_tax = plus(*taxes)
        if removed:
            before = current + removed
            left = self.share(draw, left, current, before) if current else NOTHING
            if not current:
                remaining_tax = NOTHING
            elif not refunded:
                left_taxes = [self.share(draw, tax, current, before) for tax in taxes]
                remaining_tax = plus(*left_taxes)
            else:
                remaining_tax = self.share(draw, remaining_tax, current, before)
            self.partial += 1
        self.original = plus(self.original, net)
        self.current = plus(self.current, left)
        self.tax_original = plus(self.tax_original, *taxes)
        self.tax_current = plus(self.tax_current, remaining_tax)
        self.lines.append(
            line(
                number,
                "0",
                quantity,
                currentQuantity=current,
                originalUnitPriceSet=self.bag(price),
                discountAllocations=allocations,
                taxLines=[
                    {"title": f"Tax {i}", "rate": 0.1, "priceSet": self.bag(amount)}
                    for i, amount in enumerate(taxes)
                ],
            )
        )

    def add_refund(self, number: int, units: int, back: Pair, taxed: Pair) -> None:
        paid = back if self.included else plus(back, taxed)
        row = {
            "id": f"row-{number}",
            "lineItem": {"id": f"gid://shopify/LineItem/{number}"},
            "quantity": units,
            "restockType": "RETURN",
            "subtotalSet": self.bag(back),
            "totalTaxSet": self.bag(taxed),
        }
        self.refunds.append(
            refund(
                number,
                "0",
                totalRefundedSet=self.bag(paid),
                refundLineItems=connection([row]),
            )
        )
        self.pay(100 + number, "REFUND", paid)

    def add_shipping(self, draw: st.DrawFn, number: int) -> None:
        price = self.amount(draw, 3_000)
        tax = self.share(draw, price, 1, 10)
        removed = draw(st.booleans())
        if not removed:
            self.original = plus(self.original, price)
            self.current = plus(self.current, price)
            self.shipping_current = plus(self.shipping_current, price)
            self.tax_original = plus(self.tax_original, tax)
            self.tax_current = plus(self.tax_current, tax)
        self.ships.append(
            shipping(
                number,
                "0",
                isRemoved=removed,
                originalPriceSet=self.bag(price),
                discountedPriceSet=self.bag(price),
                currentDiscountedPriceSet=self.bag(price),
                taxLines=[{"title": "Tax 0", "rate": 0.1, "priceSet": self.bag(tax)}],
            )
        )

    def pay(self, number: int, kind: str, amount: Pair) -> None:
        self.transactions.append(transaction(number, kind, "0", amountSet=self.bag(amount)))
        if kind == "REFUND":
            self.refunded = plus(self.refunded, amount)
        else:
            self.received = plus(self.received, amount)

    def document(self) -> Node:
        on_top = NOTHING if self.included else self.tax_original
        now_on_top = NOTHING if self.included else self.tax_current
        zero = self.bag(NOTHING)
        found = order(self.lines, "0", ships=self.ships, transactions=self.transactions)
        found.update({key: zero for key in found if key.endswith("Set") and found[key] is not None})
        found.update(
            currencyCode=self.shop,
            presentmentCurrencyCode=self.buyer,
            taxesIncluded=self.included,
            totalCashRoundingAdjustment=None,
            totalPriceSet=self.bag(plus(self.original, on_top)),
            currentTotalPriceSet=self.bag(plus(self.current, now_on_top)),
            currentTotalTaxSet=self.bag(self.tax_current),
            currentShippingPriceSet=self.bag(self.shipping_current),
            totalReceivedSet=self.bag(self.received),
            totalRefundedSet=self.bag(self.refunded),
            refunds=self.refunds,
        )
        return found


@st.composite
def models(draw: st.DrawFn) -> Model:
    shop, buyer = draw(CURRENCIES)
    model = Model(shop, buyer, included=draw(st.booleans()))
    for number in range(1, draw(st.integers(1, 4)) + 1):
        model.add_line(draw, number)
    for number in range(draw(st.integers(0, 2))):
        model.add_shipping(draw, number)
    on_top = NOTHING if model.included else model.tax_original
    model.pay(1, "SALE", plus(model.original, on_top))
    return model


@given(models())
def test_the_parts_of_any_consistent_order_tie_to_the_cent_in_both_currencies(model: Model) -> None:
    found = normalise("shop", model.document())
    require_balance(found)
    for entry in found.lines:
        if not entry.current_quantity:
            assert not any(entry.current_price)


@given(models())
def test_whole_lines_are_never_touched_by_the_rounding_of_others(model: Model) -> None:
    found = normalise("shop", model.document())
    for entry in found.lines:
        if entry.quantity == entry.current_quantity:
            whole = entry.unit_price.times(entry.quantity)
            assert entry.current_price == whole.minus(total_of(d.amount for d in entry.discounts))
            assert all(tax.current_amount is tax.amount for tax in entry.taxes)


@given(models(), st.sampled_from(["totalPriceSet", "currentTotalPriceSet"]), st.integers(1, 500))
def test_a_missing_amount_beyond_rounding_is_always_seen(
    model: Model, key: str, extra: int
) -> None:
    document = model.document()
    unit = model.unit(model.shop)
    # Each price and each tax that was rounded may explain less than one minor unit, no more.
    explained = sum(1 + len(node["taxLines"]) for node in model.lines) + len(model.lines)
    # A total before returns may hold a removed shipping line, or may not: more than that is off.
    prices = [
        price
        for node in model.ships
        if node["isRemoved"]
        for price in (node["originalPriceSet"], *(tax["priceSet"] for tax in node["taxLines"]))
    ]
    gone = sum((Decimal(price["shopMoney"]["amount"]) for price in prices), ZERO)
    off = (extra + explained) * unit + gone
    stated = Decimal(document[key]["shopMoney"]["amount"]) + off
    theirs = Decimal(document[key]["presentmentMoney"]["amount"])
    document[key] = model.bag((stated, stated if model.buyer == model.shop else theirs))
    with pytest.raises(Unbalanced):
        require_balance(normalise("shop", document))


@given(models())
def test_the_staged_document_reads_back_as_the_same_order(model: Model) -> None:
    found = normalise("shop", model.document())
    assert from_document(to_document(found)) == found


@given(models())
def test_the_check_row_of_a_consistent_order_shows_no_broken_tie(model: Model) -> None:
    found = normalise("shop", model.document())
    row = by_name(check_row(found))
    assert row["broken_ties"] == 0
    assert row["first_broken_tie"] is None
    assert row["tie_difference_minor"] == 0
    assert row["fractional_amounts"] == 0
    scale = Decimal(1) / model.unit(model.shop)
    assert row["current_total_minor"] == found.stated.current_total.shop * scale


@given(models())
def test_ties_name_both_sides(model: Model) -> None:
    for tie in ties(normalise("shop", model.document())):
        assert tie.parts == tie.stated, tie.name
