"""Every combination of the policy's choices, over lives of an order: what holds for all of them.

Sum of documents = sum of store events; a second plan is empty; versions that nobody saw, and plans
that broke off, end in the same books; refunds never exceed what remains; what policy forbids is
not posted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from include.domain.allocation import StockShort
from include.domain.document import Document, DocumentKind, StockNeed
from include.domain.errors import OrderError, Unbalanced
from include.domain.gates import NotApproved, PeriodClosed, in_open_periods, require_approval
from include.domain.money import ZERO, Amount
from include.domain.order import Order, Restock, TenderKind
from include.domain.plan import UNPAID, ChangedAfterPosting, Unpaid
from include.domain.policy import (
    Approval,
    ClosedPeriod,
    InvoiceMoment,
    OnTestOrder,
    Policy,
    RouteBy,
    Routing,
    ShortStock,
    UnpaidOrders,
    contradictions,
)
from tests.unit.order_lives import Shop
from tests.unit.planned_books import MOST_ROUNDS, PlannedBooks

ORDER, CHANGE, INVOICE = (
    DocumentKind.SALES_ORDER,
    DocumentKind.ORDER_CHANGE,
    DocumentKind.INVOICE,
)
ZONE = ZoneInfo("America/New_York")
PLACES = ("LOC-A", "LOC-B")
ROUTINGS = {
    RouteBy.STORE_LOCATION: Routing(),
    RouteBy.FIXED: Routing(RouteBy.FIXED, PLACES[:1]),
    RouteBy.FIRST_WITH_STOCK: Routing(RouteBy.FIRST_WITH_STOCK, PLACES),
}
OPENED_ON = date(2026, 11, 20)
OFF = Decimal("0.03")
ALL = 99


@dataclass
class Step:
    """One moment of a life: what the store says, and the units that were ever received."""

    version: Order
    received: int


@dataclass
class Life:
    """A life in the making."""

    shop: Shop
    received: int = ALL
    steps: list[Step] = field(default_factory=list)

    def seen(self) -> None:
        self.steps.append(Step(self.shop.version(), self.received))
        self.shop.hours += 20

    def pay(self, share: Decimal = Decimal(1)) -> None:
        owed = self.shop.worth() - self.shop.kept()
        if owed > ZERO:
            self.shop.pay((owed * share).quantize(Decimal("0.01")))
        self.seen()

    def hand_over(self, *units: int) -> None:
        for at, some in enumerate(units):
            self.shop.hand_over(at, some)
        self.seen()

    def receive(self, units: int = ALL) -> None:
        self.received = units
        self.seen()

    def refund(self, at: int, units: int, restock: Restock = Restock.RETURNED) -> None:
        self.shop.refund((at, units, restock))
        self.seen()

    def edit(self, at: int, units: int) -> None:
        self.shop.ordered[at] += max(units, 0)
        self.shop.left[at] += units
        if self.shop.fulfilled:
            self.shop.fulfilled[at] = min(self.shop.fulfilled[at], self.shop.left[at])
        self.seen()

    def cancel(self) -> None:
        shop = self.shop
        shop.cancelled_at = shop.now()
        shop.freight_left = ZERO
        left = [(at, units, Restock.CANCELLED) for at, units in enumerate(shop.left) if units]
        shop.refund(*left)
        shop.fulfilled = [0] * len(shop.prices)
        self.seen()

    def end(self) -> list[Step]:
        """Everything arrives, is paid and handed over: from here all ways lead to one end."""
        self.received = ALL
        if self.shop.cancelled_at is None:
            self.pay()
            self.hand_over(*([ALL] * len(self.shop.prices)))
        self.seen()
        return self.steps


def bought(*, paid: bool = True, received: int = ALL) -> Life:
    life = Life(
        Shop(
            prices=[Decimal("10.00"), Decimal("7.35"), Decimal("4.99")],
            freight=Decimal("5.00"),
            freight_left=Decimal("5.00"),
            ordered=[3, 2, 0],
            left=[3, 2, 0],
            fulfilled=[0, 0, 0],
        ),
        received,
    )
    if paid:
        life.pay()
    else:
        life.seen()
    return life


def plain() -> list[Step]:
    return bought().end()


def paid_late_and_handed_over_in_parts() -> list[Step]:
    life = bought(paid=False)
    life.pay()
    life.hand_over(1, 0)
    life.hand_over(1, 2)
    return life.end()


def paid_in_two_goes() -> list[Step]:
    life = bought(paid=False)
    life.pay(Decimal("0.4"))
    life.hand_over(2, 1)
    return life.end()


def handed_over_before_it_was_paid() -> list[Step]:
    life = bought(paid=False)
    life.hand_over(2, 0)
    life.hand_over(1, 2)
    return life.end()


def stock_that_comes_in_parts() -> list[Step]:
    life = bought(received=1)
    life.hand_over(1, 1)
    life.receive(2)
    life.hand_over(1, 1)
    return life.end()


def stock_that_comes_last() -> list[Step]:
    life = bought(received=0)
    life.receive(3)
    return life.end()


def added_to_after_a_part_was_billed() -> list[Step]:
    life = bought(received=2)
    life.hand_over(2, 1)
    life.edit(0, 2)
    life.edit(2, 1)
    return life.end()


def lowered_after_a_part_was_billed() -> list[Step]:
    life = bought(received=2)
    life.hand_over(1, 2)
    life.edit(0, -1)
    life.shop.settle_overpaid()
    life.seen()
    life.edit(1, -2)
    life.shop.settle_overpaid()
    life.seen()
    return life.end()


def returned_after_a_part_was_billed() -> list[Step]:
    life = bought(received=2)
    life.hand_over(1, 1)
    life.refund(0, 1)
    life.hand_over(1, 0)
    life.refund(1, 1, Restock.NOT_RESTOCKED)
    return life.end()


def what_was_not_sent_is_refunded() -> list[Step]:
    life = bought(received=2)
    life.hand_over(2, 2)
    life.refund(0, 1, Restock.CANCELLED)
    return life.end()


def cancelled_after_a_part_was_billed() -> list[Step]:
    life = bought(received=1)
    life.hand_over(1, 1)
    life.cancel()
    return life.end()


def cancelled_unpaid() -> list[Step]:
    life = bought(paid=False)
    life.cancel()
    return life.end()


def freight_and_goodwill() -> list[Step]:
    life = bought(received=2)
    life.hand_over(1, 0)
    life.shop.freight_left = ZERO
    life.shop.refund()
    life.seen()
    life.shop.goodwill += Decimal("4.00")
    life.shop.settle_overpaid()
    life.seen()
    return life.end()


def exchanged_after_all_was_billed() -> list[Step]:
    life = bought()
    life.hand_over(3, 2)
    life.shop.ordered[2] += 1
    life.shop.left[2] += 1
    life.refund(0, 1)
    return life.end()


def authorization_given_back() -> list[Step]:
    life = bought(paid=False)
    life.shop.pay(life.shop.worth(), TenderKind.AUTHORIZATION)
    life.seen()
    life.shop.tenders.clear()
    life.shop.voided = True
    life.seen()
    life.seen()
    return life.steps


def overpaid_until_its_refund() -> list[Step]:
    life = bought()
    life.hand_over(2, 2)
    life.edit(0, -1)
    life.shop.settle_overpaid()
    life.seen()
    return life.end()


def taken_back_whole() -> list[Step]:
    life = bought()
    life.hand_over(3, 2)
    life.shop.freight_left = ZERO
    life.shop.refund((0, 3, Restock.RETURNED), (1, 2, Restock.RETURNED))
    life.seen()
    return life.end()


def a_test_order() -> list[Step]:
    life = bought()
    life.shop.is_test = True
    life.steps.clear()
    life.seen()
    return life.end()


LIVES: tuple[Callable[[], list[Step]], ...] = (
    plain,
    paid_late_and_handed_over_in_parts,
    paid_in_two_goes,
    handed_over_before_it_was_paid,
    stock_that_comes_in_parts,
    stock_that_comes_last,
    added_to_after_a_part_was_billed,
    lowered_after_a_part_was_billed,
    returned_after_a_part_was_billed,
    what_was_not_sent_is_refunded,
    cancelled_after_a_part_was_billed,
    cancelled_unpaid,
    freight_and_goodwill,
    exchanged_after_all_was_billed,
    authorization_given_back,
    overpaid_until_its_refund,
    taken_back_whole,
    a_test_order,
)


def off_by_a_rounding(step: Step) -> Step:
    """The same moment at a store whose totals and payments are three cents beside the parts."""
    stated, off = step.version.stated, Amount(OFF, OFF)
    tenders = tuple(
        replace(t, amount=t.amount.plus(off)) if t.tender_id == "T1" else t
        for t in step.version.tenders
    )
    more = {
        "original_total": stated.original_total.plus(off),
        "current_total": stated.current_total.plus(off),
    }
    if any(t.kind is TenderKind.SALE for t in tenders):
        more["received"] = stated.received.plus(off)
    return replace(
        step, version=replace(step.version, tenders=tenders, stated=replace(stated, **more))
    )


def policies() -> Iterator[Policy]:
    """Every combination that is not refused."""
    for invoice, short, unpaid, test, by, closed, approval, tolerance in product(
        InvoiceMoment,
        ShortStock,
        UnpaidOrders,
        OnTestOrder,
        RouteBy,
        ClosedPeriod,
        Approval,
        (ZERO, Decimal("0.05")),
    ):
        made = Policy(ZONE, invoice, short, unpaid, test, closed, approval, tolerance, ROUTINGS[by])
        if not any(contradictions(made)):
            yield made


@dataclass
class Channel:
    """The books of one order under one policy, with its stock, its approvals and its periods."""

    policy: Policy
    is_closed: bool = True
    approved: Decimal | None = None
    books: PlannedBooks = field(init=False)

    def __post_init__(self) -> None:
        self.books = PlannedBooks(self.policy)

    def stock(self, step: Step) -> dict[StockNeed, Decimal]:
        """What is free: received less what the order was promised or billed."""
        orders = self.books.orders()
        promised = {
            (line.sku, line.location_id): line.quantity - line.back_ordered
            for line in (orders[-1].lines if orders else ())
        }
        share = {None: step.received, "LOC-A": step.received // 2, "LOC-B": step.received}
        return {
            StockNeed(f"SKU-{at}", place): Decimal(
                max(units - promised.get((f"SKU-{at}", place), 0), 0)
            )
            for at in range(3)
            for place, units in share.items()
        }

    def documents(self, step: Step) -> tuple[Document, ...]:
        ready = self.books.plan(step.version, self.stock(step))
        ledger = self.books.ledger()
        require_approval(step.version, ready.documents, ledger, self.policy, self.approved)
        opened = (lambda day: max(day, OPENED_ON)) if self.is_closed else (lambda day: day)
        return in_open_periods(ready.documents, self.policy, opened)

    def follow(self, step: Step, *, at_most: int = MOST_ROUNDS) -> OrderError | None:
        """Post what is planned, letting people do what policy asks of them; or say why not."""
        for _ in range(at_most):
            try:
                wanted = self.documents(step)
            except NotApproved:
                assert self.policy.approval is Approval.REQUIRED
                self.approved = step.version.stated.current_total.shop
                wanted = ()
            except PeriodClosed:
                assert self.policy.closed_period is ClosedPeriod.HOLD
                self.is_closed = False
                wanted = ()
            except OrderError as error:
                return error
            else:
                if not wanted:
                    return None
            taken = {document.key for document, _ in self.books.documents}
            for document in wanted[:1]:
                self.require_allowed(step, document)
                assert document.key not in taken
                self.books.documents.append((document, step.version.updated_at.isoformat()))
        assert at_most < MOST_ROUNDS, "there is still more to post"
        return None

    def require_allowed(self, step: Step, document: Document) -> None:
        """What policy forbids is not posted."""
        policy, version, kind = self.policy, step.version, document.key.kind
        assert document.total >= ZERO
        assert all(payment.amount > ZERO for payment in document.payments)
        assert document.paid <= document.total or kind is DocumentKind.PAYMENT
        assert not (version.is_test and policy.test_orders is OnTestOrder.SKIP)
        if kind is INVOICE:
            assert policy.invoice is not InvoiceMoment.NEVER
            assert document.lines or document.charges
        if kind is ORDER:
            assert (
                policy.unpaid is UnpaidOrders.POST_ORDER or version.financial_status not in UNPAID
            )
            assert policy.short_stock is not ShortStock.HOLD or not document.is_back_ordered
        if document.key.kind in (INVOICE, DocumentKind.CREDIT_NOTE) and self.is_closed:
            held = max(document.document_on, OPENED_ON)
            assert (document.post_on or document.document_on) == held
        if kind in (ORDER, CHANGE) and policy.routing.by is RouteBy.FIXED:
            assert {line.location_id for line in document.lines} <= {"LOC-A"}
        if policy.approval is Approval.REQUIRED and kind in (ORDER, INVOICE):
            assert self.approved is not None

    def require_true(self, step: Step) -> None:
        """The books say what the store says, in money and in units."""
        version, books, net = step.version, self.books, self.books.net()
        worth = version.stated.current_total.shop + version.stated.refund_discrepancy.shop
        kept = version.stated.received.shop - version.stated.refunded.shop
        units = {p.line_id: p.current_quantity for p in version.lines if p.current_quantity}
        orders, invoices = books.orders(), books.all(INVOICE)
        is_open = bool(orders) and books.standing().is_open
        credited = sum((d.total for d in books.all(DocumentKind.CREDIT_NOTE)), ZERO)
        deposit = orders[-1].paid if is_open else ZERO
        if is_open:
            assert orders[-1].total - credited == worth
            assert all(books.units().get(key, 0) <= units.get(key, 0) for key in units)
        elif invoices:
            gap = sum(
                amount for cause, amount in self.adjustments(step) if cause == "not_billed_yet"
            )
            assert net.total + gap == worth
        else:
            assert (net.total, net.paid) == (ZERO, ZERO)
        if invoices and is_open:
            assert net.paid + deposit == kept
            assert net.paid <= net.total or kept > worth
        elif invoices and not self.adjustments(step):
            assert net.paid == kept
        assert all(part.quantity >= 0 for part in net.lines.values())
        price = {part.line_id: part.unit_price.shop for part in version.lines}
        assert all(part.net == price[key] * part.quantity for key, part in net.lines.items())
        assert all(paid >= ZERO for _, paid in net.payments.values())
        if self.policy.invoice is InvoiceMoment.ON_SHIPMENT and is_open:
            handed = {p.line_id: p.fulfilled_quantity or 0 for p in version.lines}
            assert all(some <= handed[key] for key, some in books.units().items())

    def adjustments(self, step: Step) -> tuple[tuple[str, Decimal], ...]:
        found = self.books.plan(step.version, self.stock(step)).adjustments
        return tuple((cause, amount) for cause, amount in found if cause == "not_billed_yet")

    def end(self) -> tuple[object, ...]:
        """What has to be the same, whichever way led here."""
        orders, net = self.books.orders(), self.books.net()
        is_open = bool(orders) and self.books.standing().is_open
        waiting = orders[-1] if is_open else None
        return (
            net.total,
            net.paid + (waiting.paid if waiting else ZERO),
            self.books.units(),
            waiting and {line.line_id: line.quantity for line in waiting.lines},
        )


def require_held_by_policy(error: OrderError, policy: Policy, step: Step) -> None:
    """An order is held only for what its policy, or its contradicting facts, hold it for."""
    stated = step.version.stated
    overpaid = stated.received.shop - stated.refunded.shop > stated.current_total.shop
    if isinstance(error, StockShort):
        assert policy.short_stock is ShortStock.HOLD
    elif isinstance(error, Unpaid):
        assert policy.unpaid is UnpaidOrders.HOLD
        assert step.version.financial_status in UNPAID
    elif isinstance(error, Unbalanced):
        assert overpaid
    else:
        assert isinstance(error, ChangedAfterPosting)


def live(policy: Policy, steps: list[Step], only: Callable[[int], bool]) -> Channel:
    """Follow the chosen moments, the last one always; look at the books after each."""
    channel = Channel(policy)
    for at, step in enumerate(steps):
        if not only(at) and at != len(steps) - 1:
            continue
        error = channel.follow(step)
        if error is not None:
            require_held_by_policy(error, policy, step)
            continue
        channel.require_true(step)
        assert channel.documents(step) == ()
    return channel


def interrupted(policy: Policy, steps: list[Step]) -> Channel:
    """Every plan but the last breaks off after its first document."""
    channel = Channel(policy)
    for step in steps[:-1]:
        channel.follow(step, at_most=1)
    assert channel.follow(steps[-1]) is None
    channel.require_true(steps[-1])
    return channel


EVERY = tuple(policies())
SHARES = 12


def test_there_are_as_many_policies_as_choices_less_those_that_are_refused() -> None:
    choices = 3 * 4 * 3 * 2 * 3 * 2 * 2 * 2
    split_with_another_moment = 2 * 1 * 3 * 2 * 3 * 2 * 2 * 2
    stock_looked_at_and_ignored = 3 * 1 * 3 * 2 * 1 * 2 * 2 * 2
    assert len(EVERY) == choices - split_with_another_moment - stock_looked_at_and_ignored


@pytest.mark.parametrize("share", range(SHARES))
def test_every_policy_ends_a_life_in_books_that_are_true(share: int) -> None:
    """Each policy with one life by lot; each trio of moment, stock and unpaid meets every life."""
    lot = random.Random(share)
    for policy in EVERY[share::SHARES]:
        require_true_ends(policy, lot.choice(LIVES))


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_every_life_ends_in_books_that_are_true_whatever_is_billed_when(
    life: Callable[[], list[Step]],
) -> None:
    """Each life under every moment of billing and every way with short stock."""
    for invoice, short in product(InvoiceMoment, ShortStock):
        policy = Policy(ZONE, invoice, short)
        if not any(contradictions(policy)):
            require_true_ends(policy, life)


def require_true_ends(policy: Policy, life: Callable[[], list[Step]]) -> None:
    """Every way through a life, whatever of it was seen, ends in the same books."""
    steps = life()
    if policy.tolerance and all(step.version.stated.current_total.shop for step in steps):
        steps = [off_by_a_rounding(step) for step in steps]
    where = f"{life.__name__} under {policy}"
    try:
        ends = [
            live(policy, steps, only).end()
            for only in (lambda at: True, lambda at: at % 2 == 0, lambda at: False)
        ]
        ends.append(interrupted(policy, steps).end())
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error
    assert all(end == ends[0] for end in ends), (where, ends)
