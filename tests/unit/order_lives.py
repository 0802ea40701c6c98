"""An order at a store, told event by event: what the tests of the planner hold the books against.

The shop below keeps an order the way a store does: what is left of each line, what was refunded,
what was paid. Whatever it does, its stated totals are worked out here and not by the planner.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from include.domain.money import ZERO, quantise
from include.domain.order import (
    FinancialStatus,
    Order,
    Refund,
    RefundLine,
    Restock,
    Tender,
    TenderKind,
)
from tests.unit.orders_factory import PLACED, amount, line, order, shipping, tax, tender

RATE = Decimal("0.08")


@dataclass
class Shop:
    """One order at a store; every event makes a new version."""

    prices: list[Decimal]
    freight: Decimal
    is_test: bool = False
    ordered: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    freight_left: Decimal = ZERO
    goodwill: Decimal = ZERO
    tenders: list[Tender] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    cancelled_at: datetime | None = None
    voided: bool = False
    hours: int = 0
    fulfilled: list[int] = field(default_factory=list)

    def now(self) -> datetime:
        return PLACED + timedelta(hours=self.hours)

    def line_worth(self, at: int, units: int) -> tuple[Decimal, Decimal]:
        net = self.prices[at] * units
        return net, quantise(net * RATE, "USD")

    def worth(self) -> Decimal:
        parts = (sum(self.line_worth(at, units)) for at, units in enumerate(self.left))
        return sum(parts, self.freight_left) - self.goodwill

    def received(self) -> Decimal:
        kinds = (TenderKind.SALE, TenderKind.CAPTURE)
        return sum((t.amount.shop for t in self.tenders if t.kind in kinds), ZERO)

    def given(self) -> Decimal:
        return sum((t.amount.shop for t in self.tenders if t.kind is TenderKind.REFUND), ZERO)

    def kept(self) -> Decimal:
        return self.received() - self.given()

    def version(self) -> Order:
        lines = [
            line(
                f"L{at}",
                sku=f"SKU-{at}",
                quantity=self.ordered[at],
                left=self.left[at],
                fulfilled=min(self.fulfilled[at], self.left[at]) if self.fulfilled else None,
                price=str(self.prices[at]),
                taxes=(tax(str(self.line_worth(at, self.left[at])[1])),),
            )
            for at in range(len(self.prices))
            if self.ordered[at]
        ]
        made = order(
            *lines,
            charges=(shipping(str(self.freight_left)),),
            tenders=tuple(self.tenders),
            refund_discrepancy=amount(-self.goodwill),
            updated_at=self.now(),
            refunds=tuple(self.refunds),
            cancelled_at=self.cancelled_at,
            is_test=self.is_test,
            financial_status=self.status(),
        )
        owed = amount(self.worth() - self.kept())
        return replace(made, stated=replace(made.stated, outstanding=owed))

    def hand_over(self, at: int, units: int) -> None:
        """Hand units over that are still on the order."""
        self.fulfilled = self.fulfilled or [0] * len(self.prices)
        self.fulfilled[at] = min(self.fulfilled[at] + units, self.left[at])

    def status(self) -> FinancialStatus:
        if self.voided and not self.received():
            return FinancialStatus.VOIDED
        if not self.received():
            held = any(t.kind is TenderKind.AUTHORIZATION for t in self.tenders)
            if self.worth() == ZERO and not held:
                return FinancialStatus.PAID
            return FinancialStatus.AUTHORIZED if held else FinancialStatus.PENDING
        if self.given():
            if self.given() == self.received():
                return FinancialStatus.REFUNDED
            if self.kept() >= self.worth():
                return FinancialStatus.PARTIALLY_REFUNDED
        return (
            FinancialStatus.PAID if self.kept() >= self.worth() else FinancialStatus.PARTIALLY_PAID
        )

    def pay(self, value: Decimal, kind: TenderKind = TenderKind.SALE) -> None:
        number = len(self.tenders) + 1
        made = tender(str(value), f"T{number}", kind=kind)
        self.tenders.append(replace(made, processed_at=self.now()))

    def pay_back(self, value: Decimal) -> None:
        """Give money back, to the payments in their order."""
        for paid in [t for t in self.tenders if t.kind in (TenderKind.SALE, TenderKind.CAPTURE)]:
            back = sum((t.amount.shop for t in self.tenders if t.parent_id == paid.tender_id), ZERO)
            share = min(value, paid.amount.shop - back)
            if share:
                number = len(self.tenders) + 1
                made = tender(
                    str(share), f"R{number}", kind=TenderKind.REFUND, parent=paid.tender_id
                )
                self.tenders.append(replace(made, processed_at=self.now()))
                value -= share
        assert value == ZERO

    def settle_overpaid(self) -> None:
        """Pay back what the order is no longer worth, as part of the event that lowered it.

        What was given before counts: nobody gets back more than was paid.
        """
        self.goodwill += min(self.worth(), ZERO)
        if self.kept() > self.worth():
            self.pay_back(self.kept() - self.worth())

    def refund(self, *parts: tuple[int, int, Restock]) -> None:
        rows = []
        for at, units, restock in parts:
            before = self.line_worth(at, self.left[at])
            self.left[at] -= units
            if self.fulfilled and restock is not Restock.CANCELLED:
                self.fulfilled[at] = max(self.fulfilled[at] - units, 0)
            after = self.line_worth(at, self.left[at])
            net, duty = before[0] - after[0], before[1] - after[1]
            rows.append(RefundLine(f"L{at}", units, restock, amount(net), amount(duty)))
        back = max(self.kept() - max(self.worth(), ZERO), ZERO)
        self.refunds.append(
            Refund(f"F{len(self.refunds) + 1}", self.now(), amount(back), lines=tuple(rows))
        )
        self.settle_overpaid()
