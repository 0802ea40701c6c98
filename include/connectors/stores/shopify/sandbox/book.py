"""An order as the shop keeps it: lines, shipping, taxes, payments, refunds, and their sums.

The sums follow the field descriptions of the Admin API 2026-10 schema: totals are before returns
and removals, `current` totals are after them, and what was removed is taken off unit by unit so
that returning every unit takes off exactly what was sold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from include.connectors.stores.shopify.sandbox.amounts import (
    NOTHING,
    ZERO,
    Currencies,
    Pair,
    rounded,
    total,
)


@dataclass(slots=True)
class Tax:
    """One tax on a line, a shipping line, a duty or a fee."""

    title: str
    rate: Decimal
    amount: Pair
    channel_liable: bool | None = False


@dataclass(slots=True)
class Discount:
    """One discount of the order; `index` is its position among them."""

    index: int
    kind: str  # "code", "manual" or "automatic"
    title: str
    value: Decimal
    percentage: bool
    target: str  # "LINE_ITEM" or "SHIPPING_LINE"
    method: str = "ACROSS"
    selection: str = "ALL"


@dataclass(slots=True)
class Allocation:
    """What one discount takes off one line or shipping line."""

    discount: Discount
    amount: Pair


@dataclass(slots=True)
class Line:
    """One line item, with what refunds and edits have since taken off it."""

    id: int
    title: str
    unit: Pair
    quantity: int
    sku: str | None = None
    variant_id: str | None = None
    product_id: str | None = None
    variant_title: str | None = None
    kind: str = "goods"  # goods, digital, gift_card, custom or tip
    grams: int = 0
    taxable: bool = True
    allocations: list[Allocation] = field(default_factory=list)
    taxes: list[Tax] = field(default_factory=list)
    duties: list[tuple[int, Pair]] = field(default_factory=list)
    added_by_edit: bool = False
    removed: int = 0
    refunded: int = 0
    fulfilled: int = 0

    @property
    def gross(self) -> Pair:
        """Quantity times unit price."""
        return self.unit.times(self.quantity)

    @property
    def discount(self) -> Pair:
        """Sum of the allocations."""
        return total([row.amount for row in self.allocations])

    @property
    def net(self) -> Pair:
        """Price after every discount."""
        return self.gross - self.discount

    @property
    def tax(self) -> Pair:
        """Sum of the taxes."""
        return total([row.amount for row in self.taxes])

    @property
    def gone(self) -> int:
        """Units removed or refunded."""
        return self.removed + self.refunded

    @property
    def current(self) -> int:
        """Units still ordered."""
        return self.quantity - self.gone

    def part(self, of: Pair, units: int, currencies: Currencies) -> Pair:
        """Return the share of `units` units that leave next, so that all shares sum to `of`.

        Args:
            of: An amount of the whole line.
            units: How many leave.
            currencies: Shop and presentment currency, for rounding.
        """

        def upto(count: int) -> Pair:
            return Pair(
                rounded(of.shop * count / self.quantity, currencies.shop),
                rounded(of.presentment * count / self.quantity, currencies.presentment),
            )

        return upto(self.gone + units) - upto(self.gone)

    def left(self, of: Pair, currencies: Currencies) -> Pair:
        """Return the share of `of` that belongs to the units still ordered.

        Args:
            of: An amount of the whole line.
            currencies: Shop and presentment currency, for rounding.
        """
        gone = self.gone
        if gone == 0:
            return of
        return of - Pair(
            rounded(of.shop * gone / self.quantity, currencies.shop),
            rounded(of.presentment * gone / self.quantity, currencies.presentment),
        )


@dataclass(slots=True)
class Shipping:
    """One shipping line."""

    id: int
    title: str
    code: str
    price: Pair
    allocations: list[Allocation] = field(default_factory=list)
    taxes: list[Tax] = field(default_factory=list)
    refunded: Pair = NOTHING
    refunded_tax: Pair = NOTHING

    @property
    def net(self) -> Pair:
        """Price after discounts."""
        return self.price - total([row.amount for row in self.allocations])

    @property
    def tax(self) -> Pair:
        """Sum of the taxes."""
        return total([row.amount for row in self.taxes])


@dataclass(slots=True)
class Payment:
    """One transaction of the order."""

    id: int
    kind: str
    status: str
    gateway: str
    amount: Pair
    at: datetime
    parent: Payment | None = None
    rounding: Pair | None = None
    location_id: str | None = None
    error: str | None = None


@dataclass(slots=True)
class RefundLine:
    """Units of one line that came back or were cancelled, and their price and tax."""

    id: int
    line: Line
    quantity: int
    restock: str
    subtotal: Pair
    tax: Pair
    location_id: str | None = None


@dataclass(slots=True)
class RefundShipping:
    """Shipping that was paid back."""

    id: int
    shipping: Shipping
    subtotal: Pair
    tax: Pair


@dataclass(slots=True)
class Refund:
    """One refund: lines, shipping, a discrepancy, and the transactions that paid it."""

    id: int
    at: datetime
    note: str | None = None
    lines: list[RefundLine] = field(default_factory=list)
    shipping: list[RefundShipping] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    adjustments: list[tuple[int, Pair, str]] = field(default_factory=list)


@dataclass(slots=True)
class Fulfillment:
    """One parcel: its lines with quantities, where it left from, its tracking number."""

    id: int
    at: datetime
    location_id: str
    lines: list[tuple[int, Line, int]]
    carrier: str = "UPS"
    tracking: str = ""


@dataclass(slots=True)
class Fee:
    """An additional fee on the order."""

    id: int
    name: str
    amount: Pair
    taxes: list[Tax] = field(default_factory=list)


@dataclass(slots=True)
class Terms:
    """Terms of payment, due in so many days or on days of their own."""

    id: int
    name: str
    days: int | None
    due: list[datetime | None]


@dataclass(slots=True)
class Company:
    """The company that bought, by one of its locations."""

    id: int
    name: str
    registration: str | None


@dataclass(slots=True)
class Order:
    """Everything the shop knows about one order."""

    id: int
    number: int
    name: str
    created_at: datetime
    currencies: Currencies
    updated_at: datetime
    processed_at: datetime | None = None
    closed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    customer_id: str | None = None
    email: str | None = None
    phone: str | None = None
    billing: dict[str, object] | None = None
    shipping_to: dict[str, object] | None = None
    note: str | None = None
    po_number: str | None = None
    tags: list[str] = field(default_factory=list)
    source: str = "web"
    test: bool = False
    taxes_included: bool = False
    edited: bool = False
    location_id: str | None = None
    lines: list[Line] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    shipping: list[Shipping] = field(default_factory=list)
    fees: list[Fee] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    misstated: Pair = NOTHING
    risk: str = "ACCEPT"  # the shop's recommendation
    terms: Terms | None = None
    company: Company | None = None
    on_hold: bool = False
    case: str = "ordinary"

    @property
    def gid(self) -> str:
        """The order's global id."""
        return f"gid://shopify/Order/{self.id}"

    @property
    def sold(self) -> list[Line]:
        """Every line but the tip."""
        return [line for line in self.lines if line.kind != "tip"]

    @property
    def tips(self) -> Pair:
        """Sum of the tips."""
        return total([line.net for line in self.lines if line.kind == "tip"])

    @property
    def duties(self) -> Pair:
        """Sum of the duties."""
        return total([amount for line in self.lines for _, amount in line.duties])

    @property
    def fee_total(self) -> Pair:
        """Sum of the additional fees."""
        return total([fee.amount for fee in self.fees])

    @property
    def subtotal(self) -> Pair:
        """Lines after discounts, before returns."""
        return total([line.net for line in self.sold])

    @property
    def tax(self) -> Pair:
        """All taxes before returns."""
        fees = [tax.amount for fee in self.fees for tax in fee.taxes]
        return total([line.tax for line in self.lines] + [row.tax for row in self.shipping] + fees)

    @property
    def shipping_net(self) -> Pair:
        """Shipping after discounts."""
        return total([row.net for row in self.shipping])

    @property
    def grand_total(self) -> Pair:
        """The order's price before returns."""
        return self._sum(self.subtotal, self.shipping_net, self.tax)

    @property
    def original_total(self) -> Pair:
        """The order's price when it was placed."""
        added = [line for line in self.lines if line.added_by_edit]
        extra = total([line.net for line in added])
        tax = NOTHING if self.taxes_included else total([line.tax for line in added])
        return self.grand_total - extra - tax

    @property
    def current_subtotal(self) -> Pair:
        """Lines after discounts and returns."""
        return total([line.left(line.net, self.currencies) for line in self.sold])

    @property
    def current_tax(self) -> Pair:
        """All taxes after returns."""
        lines = [line.left(line.tax, self.currencies) for line in self.lines]
        shipping = [row.tax - row.refunded_tax for row in self.shipping]
        fees = [tax.amount for fee in self.fees for tax in fee.taxes]
        if self.cancelled_at:
            fees = []
        return total(lines + shipping + fees)

    @property
    def current_shipping(self) -> Pair:
        """Shipping after discounts and refunds."""
        return total([row.net - row.refunded for row in self.shipping])

    @property
    def current_total(self) -> Pair:
        """The order's price after returns."""
        if self.cancelled_at:
            return NOTHING
        return self._sum(self.current_subtotal, self.current_shipping, self.current_tax)

    @property
    def received(self) -> Pair:
        """Payments that succeeded."""
        taken = ("SALE", "CAPTURE")
        return total(
            [row.amount for row in self.payments if row.kind in taken and row.status == "SUCCESS"]
        )

    @property
    def refunded(self) -> Pair:
        """Refunds that succeeded."""
        return total(
            [
                row.amount
                for row in self.payments
                if row.kind == "REFUND" and row.status == "SUCCESS"
            ]
        )

    @property
    def discrepancy(self) -> Pair:
        """Money refunded beyond (negative) or below (positive) what lines and shipping explain."""
        return total([amount for refund in self.refunds for _, amount, _ in refund.adjustments])

    @property
    def outstanding(self) -> Pair:
        """What is still to be paid (positive) or paid back (negative)."""
        if self.cancelled_at:
            return NOTHING
        open_amount = self.current_total - (self.received - self.refunded) + self.discrepancy
        if open_amount.presentment == 0:
            return NOTHING
        return open_amount

    @property
    def capturable(self) -> Pair:
        """What is authorized and not yet captured or voided."""
        open_amount = NOTHING
        for row in self.payments:
            if row.status != "SUCCESS":
                continue
            if row.kind == "AUTHORIZATION":
                open_amount += row.amount
            elif row.kind in ("CAPTURE", "VOID") and row.parent is not None:
                open_amount -= row.amount
        return open_amount

    @property
    def financial_status(self) -> str:
        """The status shown for payments, as the admin shows it."""
        received, refunded = self.received.presentment, self.refunded.presentment
        if refunded > 0:
            return "REFUNDED" if refunded >= received else "PARTIALLY_REFUNDED"
        if any(row.kind == "VOID" for row in self.payments):
            return "VOIDED"
        if self.capturable.presentment > 0:
            return "AUTHORIZED"
        if received > 0 and self.outstanding.presentment > 0:
            return "PARTIALLY_PAID"
        if received > 0 or self.grand_total.presentment == 0:
            return "PAID"
        return "VOIDED" if self.cancelled_at else "PENDING"

    @property
    def fulfillment_status(self) -> str:
        """The status shown for fulfillment."""
        shippable = [line for line in self.lines if line.kind != "tip"]
        done = sum(line.fulfilled for line in shippable)
        if done == 0:
            return "ON_HOLD" if self.on_hold else "UNFULFILLED"
        wanted = sum(max(line.current, line.fulfilled) for line in shippable)
        return "FULFILLED" if done >= wanted else "PARTIALLY_FULFILLED"

    def _sum(self, subtotal: Pair, shipping: Pair, tax: Pair) -> Pair:
        parts = [subtotal, shipping, self.tips, self.duties, self.fee_total]
        if not self.taxes_included:
            parts.append(tax)
        return total(parts)

    def tax_summary(self, *, current: bool) -> list[Tax]:
        """Sum the taxes by title and rate, before or after returns.

        Args:
            current: After returns.

        Returns:
            One entry a title, rate and liability, in the order of their first line.
        """
        sums: dict[tuple[str, Decimal, bool | None], Pair] = {}

        def add(tax: Tax, amount: Pair) -> None:
            key = (tax.title, tax.rate, tax.channel_liable)
            sums[key] = sums.get(key, NOTHING) + amount

        for line in self.lines:
            kept = line.left(line.tax, self.currencies) if current else line.tax
            left = kept
            for position, tax in enumerate(line.taxes, start=1):
                amount = tax.amount
                if current and line.gone:
                    amount = left
                    if position < len(line.taxes):
                        amount = line.left(tax.amount, self.currencies)
                left -= amount
                add(tax, amount)
        for row in self.shipping:
            left = row.tax - row.refunded_tax if current else row.tax
            for position, tax in enumerate(row.taxes, start=1):
                amount = tax.amount
                if current and row.refunded_tax != NOTHING:
                    share = ZERO if row.net.shop == 0 else row.refunded.shop / row.net.shop
                    amount = left
                    if position < len(row.taxes):
                        amount = tax.amount - self.currencies.share(tax.amount, share)
                left -= amount
                add(tax, amount)
        if not (current and self.cancelled_at):
            for fee in self.fees:
                for tax in fee.taxes:
                    add(tax, tax.amount)
        return [Tax(title, rate, amount, liable) for (title, rate, liable), amount in sums.items()]
