"""Orders that are billed in parts, and what else policy decides: one named case each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from include.domain.document import Document, DocumentKind, RemoteState, StockNeed
from include.domain.gates import NotApproved, PeriodClosed, in_open_periods, require_approval
from include.domain.ledger import EMPTY_LEDGER
from include.domain.money import ZERO
from include.domain.order import FinancialStatus, LineKind, Order, TenderKind
from include.domain.plan import OnHoldInStore, Unpaid, plan
from include.domain.policy import (
    Approval,
    ClosedPeriod,
    InvoiceMoment,
    OnHold,
    Policy,
    RouteBy,
    Routing,
    ShortStock,
    UnpaidOrders,
)
from tests.unit.orders_factory import PLACED, amount, line, order, shipping, tax, tender
from tests.unit.planned_books import PlannedBooks, in_work, kinds

ZONE = ZoneInfo("America/New_York")
SPLIT = Policy(ZONE, short_stock=ShortStock.SPLIT)
SHIPMENT = Policy(ZONE, invoice=InvoiceMoment.ON_SHIPMENT)
TEE = StockNeed("TEE-1", None)
NOBODY_PAID = {"tenders": (), "financial_status": FinancialStatus.PENDING}


def tees(quantity: int, handed: int = 0, *, left: int | None = None, **more: object) -> Order:
    """So many tees at ten with their tax, and freight; some of them handed over."""
    worth = Decimal(quantity if left is None else left) * Decimal("0.83")
    part = line(
        quantity=quantity, left=left, fulfilled=handed, taxes=(tax(str(worth)),) if worth else ()
    )
    return order(part, charges=(shipping(),), **more)


def facts(document: Document) -> tuple[str, int, Decimal, Decimal]:
    units = sum(part.quantity for part in document.lines)
    return (document.key.kind.value, units, document.total, document.paid)


# -- split: what stock covers ------------------------------------------------------------------


def test_what_stock_covers_is_billed_and_the_rest_as_it_arrives() -> None:
    books = PlannedBooks(SPLIT)
    sale, first = books.post(tees(5), {TEE: Decimal(2)})
    assert facts(sale) == ("sales_order", 5, Decimal("59.15"), Decimal("32.49"))
    assert [part.back_ordered for part in sale.lines] == [3]
    assert facts(first) == ("invoice", 2, Decimal("26.66"), Decimal("26.66"))
    assert (first.based_on, [charge.title for charge in first.charges]) == (sale.key, ["Standard"])
    assert books.post(tees(5), {TEE: ZERO}) == []
    change, second = books.post(tees(5), {TEE: Decimal(1)})
    assert facts(change) == ("order_change", 5, Decimal("59.15"), Decimal("21.66"))
    assert [part.back_ordered for part in change.lines] == [2]
    assert facts(second) == ("invoice", 1, Decimal("10.83"), Decimal("10.83"))
    assert (second.key.sequence, second.based_on, second.charges) == (2, sale.key, ())
    change, last = books.post(tees(5), {TEE: Decimal(9)})
    assert (facts(change)[3], facts(last)[1:]) == (ZERO, (2, Decimal("21.66"), Decimal("21.66")))
    assert not books.standing().is_open


def test_nothing_is_billed_while_nothing_can_be_sent() -> None:
    books = PlannedBooks(SPLIT)
    (sale,) = books.post(tees(2), {TEE: ZERO})
    assert (sale.key.kind, sale.paid) == (DocumentKind.SALES_ORDER, Decimal("26.66"))


def test_the_last_invoice_carries_what_rounding_left() -> None:
    thirds = order(line(quantity=3, price="3.33", taxes=(tax("0.80"),)))
    books = PlannedBooks(SPLIT)
    books.post(thirds, {TEE: Decimal(1)})
    books.post(thirds, {TEE: Decimal(1)})
    books.post(thirds, {TEE: Decimal(1)})
    taxes = [
        part.taxes[0].amount for made in books.all(DocumentKind.INVOICE) for part in made.lines
    ]
    assert taxes == [Decimal("0.27"), Decimal("0.26"), Decimal("0.27")]
    assert books.net().total == Decimal("10.79")


def test_the_rest_of_a_cancelled_order_is_cancelled_and_the_billed_part_credited() -> None:
    books = PlannedBooks(SPLIT)
    books.post(tees(5), {TEE: Decimal(2)})
    back = tender("59.15", "R1", kind=TenderKind.REFUND, parent="T1")
    gone = order(
        line(quantity=5, left=0),
        tenders=(tender("59.15"), back),
        cancelled_at=PLACED,
        financial_status=FinancialStatus.REFUNDED,
    )
    change, note = books.post(gone)
    assert facts(change) == ("order_change", 2, Decimal("26.66"), ZERO)
    assert facts(note) == ("credit_note", 2, Decimal("26.66"), Decimal("26.66"))
    assert books.net().total == books.net().paid == ZERO


def test_an_open_first_part_of_a_cancelled_order_is_voided_with_its_order() -> None:
    books = PlannedBooks(SPLIT)
    books.post(tees(5), {TEE: Decimal(2)}, in_work)
    back = tender("59.15", "R1", kind=TenderKind.REFUND, parent="T1")
    gone = order(
        line(quantity=5, left=0),
        tenders=(tender("59.15"), back),
        cancelled_at=PLACED,
        financial_status=FinancialStatus.REFUNDED,
    )
    assert [(v.key.kind.value, v.key.sequence) for v in books.post(gone, state=in_work)] == [
        ("void", 2),
        ("void", 1),
    ]


def test_an_order_grows_by_what_is_billed_again_after_a_return() -> None:
    """A credit note gives an order nothing back."""
    books = PlannedBooks(SHIPMENT)
    books.post(tees(3, 2))
    tenders = (tender("37.49"), tender("10.83", "R1", kind=TenderKind.REFUND, parent="T1"))
    (note,) = books.post(tees(3, 1, left=2, tenders=tenders))
    assert facts(note) == ("credit_note", 1, Decimal("10.83"), Decimal("10.83"))
    more = tees(4, 1, left=3, tenders=(*tenders, tender("10.83", "T2")))
    (change,) = books.post(more)
    assert facts(change)[:3] == ("order_change", 4, Decimal("48.32"))
    change, last = books.post(tees(4, 3, left=3, tenders=(*tenders, tender("10.83", "T2"))))
    assert (facts(change)[1], facts(last)[:2]) == (4, ("invoice", 2))
    assert not books.standing().is_open
    assert books.net().total == books.net().paid == Decimal("37.49")


# -- on shipment -------------------------------------------------------------------------------


def test_what_is_handed_over_is_billed_and_its_money_leaves_the_deposit() -> None:
    books = PlannedBooks(SHIPMENT)
    (sale,) = books.post(tees(3))
    assert facts(sale) == ("sales_order", 3, Decimal("37.49"), Decimal("37.49"))
    change, first = books.post(tees(3, 1))
    assert facts(change) == ("order_change", 3, Decimal("37.49"), Decimal("21.66"))
    assert facts(first) == ("invoice", 1, Decimal("15.83"), Decimal("15.83"))
    change, last = books.post(tees(3, 3))
    assert (facts(change)[3], facts(last)[1:]) == (ZERO, (2, Decimal("21.66"), Decimal("21.66")))


def test_goods_that_leave_unpaid_are_billed_and_their_payment_comes_later() -> None:
    books = PlannedBooks(SHIPMENT)
    books.post(tees(3, **NOBODY_PAID))
    (first,) = books.post(tees(3, 2, **NOBODY_PAID))
    assert facts(first) == ("invoice", 2, Decimal("26.66"), ZERO)
    change, paid = books.post(tees(3, 2))
    assert facts(change) == ("order_change", 3, Decimal("37.49"), Decimal("10.83"))
    assert (paid.key.kind, paid.based_on, paid.paid) == (
        DocumentKind.PAYMENT,
        first.key,
        Decimal("26.66"),
    )


def test_a_store_that_tells_of_whole_orders_only_is_billed_when_all_is_handed_over() -> None:
    books = PlannedBooks(SHIPMENT)
    books.post(order(line(quantity=2)))
    assert books.post(order(line(quantity=2), fulfillment_status="partially_fulfilled")) == []
    change, invoice = books.post(order(line(quantity=2), fulfillment_status="fulfilled"))
    assert (change.paid, invoice.total) == (ZERO, Decimal("20.00"))


def test_a_tip_goes_with_the_first_invoice() -> None:
    tip = line("TIP", sku=None, quantity=1, price="3.00", kind=LineKind.TIP, fulfilled=0)
    books = PlannedBooks(SHIPMENT)
    books.post(order(line(quantity=2, fulfilled=0), tip))
    _, invoice = books.post(order(line(quantity=2, fulfilled=1), tip))
    assert [part.line_id for part in invoice.lines] == ["L1", "TIP"]


def test_goods_the_erp_has_no_stock_for_are_billed_once_it_has() -> None:
    books = PlannedBooks(SHIPMENT)
    books.post(tees(2, **NOBODY_PAID), {TEE: Decimal(1)})
    (first,) = books.post(tees(2, 2, **NOBODY_PAID), {TEE: ZERO})
    assert facts(first)[:2] == ("invoice", 1)
    change, last = books.post(tees(2, 2, **NOBODY_PAID), {TEE: Decimal(1)})
    assert (change.is_back_ordered, facts(last)[:2]) == (False, ("invoice", 1))


def test_the_order_follows_its_goods_to_the_location_they_leave_from() -> None:
    books = PlannedBooks(SHIPMENT)
    books.post(order(line(quantity=2, fulfilled=0)))
    moved = order(replace(line(quantity=2, fulfilled=2), location_id="L9"))
    change, invoice = books.post(moved)
    assert {part.location_id for made in (change, invoice) for part in made.lines} == {"L9"}


def test_what_is_added_to_a_closed_order_is_named_until_it_is_handed_over() -> None:
    books = PlannedBooks(SHIPMENT)
    books.post(tees(2, 2))
    more = tees(3, 2)
    assert books.post(more) == []
    assert books.plan(more).adjustments == (("not_billed_yet", Decimal("10.83")),)
    (invoice,) = books.post(tees(3, 3))
    assert (invoice.based_on, invoice.total) == (None, Decimal("10.83"))


def test_another_policy_takes_nothing_back_of_what_is_billed_whole() -> None:
    books = PlannedBooks()
    books.post(tees(3))
    books.policy = SHIPMENT
    assert books.post(tees(3)) == []
    books.policy = Policy(ZONE, invoice=InvoiceMoment.NEVER)
    assert books.post(tees(3, 3)) == []


# -- what people and payments do ---------------------------------------------------------------


def test_an_invoice_that_a_person_voided_is_billed_again_under_a_new_key() -> None:
    books = PlannedBooks()
    books.post(order())

    def by_hand(document: Document) -> RemoteState:
        is_first = (document.key.kind, document.key.sequence) == (DocumentKind.INVOICE, 1)
        return RemoteState.VOID if is_first else RemoteState.OPEN

    (again,) = books.post(order(), state=by_hand)
    assert (again.key.sequence, again.based_on, again.paid) == (
        2,
        books.documents[0][0].key,
        Decimal("20.00"),
    )


def test_an_order_whose_payment_was_voided_keeps_no_open_sales_order() -> None:
    books = PlannedBooks()
    books.post(order(**NOBODY_PAID))
    voided = order(tenders=(), financial_status=FinancialStatus.VOIDED)
    assert books.plan(voided).adjustments == (("voided", Decimal("20.00")),)
    assert kinds(books.post(voided)) == ["void"]
    assert books.plan(voided).skipped == "voided"
    (invoice,) = books.post(order())
    assert (invoice.key.kind, invoice.based_on) == (DocumentKind.INVOICE, None)


def test_goods_that_were_billed_stay_billed_though_the_payment_was_voided() -> None:
    books = PlannedBooks(SHIPMENT)
    books.post(tees(2, 1, **NOBODY_PAID))
    voided = tees(2, 1, tenders=(), financial_status=FinancialStatus.VOIDED)
    assert books.post(voided) == []


def test_an_unpaid_order_is_held_where_policy_says_so_and_posted_once_it_is_paid() -> None:
    policy = Policy(ZONE, unpaid=UnpaidOrders.HOLD)
    with pytest.raises(Unpaid, match="is pending: policy holds it until it is paid in full"):
        plan(order(**NOBODY_PAID), EMPTY_LEDGER, policy, {})
    assert len(plan(order(), EMPTY_LEDGER, policy, {}).documents) == 2


def test_an_order_on_hold_in_the_store_waits_where_policy_says_so_until_it_is_released() -> None:
    held = order(fulfillment_status="on_hold")
    policy = Policy(ZONE, on_hold=OnHold.HOLD)
    with pytest.raises(OnHoldInStore, match="#1001 is on hold in the store") as caught:
        plan(held, EMPTY_LEDGER, policy, {})
    assert (caught.value.reason_class, caught.value.rule) == ("on_hold", "not_on_hold")
    assert len(plan(order(), EMPTY_LEDGER, policy, {}).documents) == 2
    assert len(plan(held, EMPTY_LEDGER, Policy(ZONE), {}).documents) == 2


def test_a_hold_that_comes_after_posting_keeps_nothing_back() -> None:
    books = PlannedBooks(Policy(ZONE, on_hold=OnHold.HOLD))
    books.post(order())
    assert books.post(order(fulfillment_status="on_hold")) == []


# -- tolerance ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cents", ["0.02", "-0.02"])
def test_a_tolerated_difference_is_a_named_charge_and_an_adjustment_of_the_plan(cents: str) -> None:
    total = Decimal(20) + Decimal(cents)
    bought = order(tenders=(tender(str(total)),))
    bought = replace(
        bought,
        stated=replace(bought.stated, current_total=amount(total), original_total=amount(total)),
    )
    made = plan(bought, EMPTY_LEDGER, Policy(ZONE, tolerance=Decimal("0.02")), {})
    assert made.adjustments == (("rounding_within_tolerance", Decimal(cents)),)
    assert made.adjusted == ZERO
    for document in made.documents:
        assert document.total == total
        assert [(c.title, c.net) for c in document.charges] == [
            ("Rounding within tolerance", Decimal(cents))
        ]


# -- routing -----------------------------------------------------------------------------------


def test_lines_go_to_the_first_location_that_has_them_and_stay_there() -> None:
    routing = Routing(RouteBy.FIRST_WITH_STOCK, ("A", "B"))
    policy = Policy(ZONE, routing=routing)
    books = PlannedBooks(policy)
    both = order(line(quantity=2), line("L2", quantity=2), **NOBODY_PAID)
    stock = {StockNeed("TEE-1", "A"): Decimal(3), StockNeed("TEE-1", "B"): Decimal(9)}
    (sale,) = books.post(both, stock)
    assert [part.location_id for part in sale.lines] == ["A", "B"]
    emptied = {StockNeed("TEE-1", "A"): ZERO, StockNeed("TEE-1", "B"): ZERO}
    (invoice,) = books.post(order(line(quantity=2), line("L2", quantity=2)), emptied)
    assert [part.location_id for part in invoice.lines] == ["A", "B"]


def test_what_no_location_has_whole_goes_where_most_of_it_is() -> None:
    policy = Policy(ZONE, routing=Routing(RouteBy.FIRST_WITH_STOCK, ("A", "B")))
    stock = {StockNeed("TEE-1", "A"): Decimal(1), StockNeed("TEE-1", "B"): Decimal(2)}
    (sale,) = plan(order(line(quantity=3)), EMPTY_LEDGER, policy, stock).documents
    assert [(part.location_id, part.back_ordered) for part in sale.lines] == [("B", 1)]


def test_a_fixed_location_is_everyones() -> None:
    policy = Policy(ZONE, routing=Routing(RouteBy.FIXED, ("A",)))
    bought = order(replace(line(), location_id="L9"), line("G", sku=None, kind=LineKind.GIFT_CARD))
    (sale, _) = plan(bought, EMPTY_LEDGER, policy, {}).documents
    assert [part.location_id for part in sale.lines] == ["A", None]


# -- approval and periods ----------------------------------------------------------------------


def approved(bought: Order, books: PlannedBooks, total: str | None) -> None:
    """Ask for approval of what is planned, as posting does."""
    policy = Policy(ZONE, approval=Approval.REQUIRED)
    wanted = books.plan(bought).documents
    require_approval(
        bought, wanted, books.ledger(), policy, None if total is None else Decimal(total)
    )


def test_an_approval_covers_an_order_up_to_the_total_it_had() -> None:
    books = PlannedBooks()
    with pytest.raises(NotApproved, match=r"over 20\.00 USD waits for approval"):
        approved(order(), books, None)
    approved(order(), books, "20.00")
    with pytest.raises(NotApproved, match=r"was approved up to 20\.00 USD and has become dearer"):
        approved(order(line(quantity=3)), books, "20.00")
    approved(order(line(quantity=1)), books, "20.00")


def test_what_takes_back_needs_no_approval_nor_does_what_was_posted_before() -> None:
    books = PlannedBooks()
    books.post(order())
    back = tender("10.00", "R1", kind=TenderKind.REFUND, parent="T1")
    approved(order(line(left=1), tenders=(tender("20.00"), back)), books, None)
    more = order(line(quantity=3), updated_at=PLACED + timedelta(days=1))
    with pytest.raises(NotApproved):
        approved(more, books, None)


def opened(day: date) -> date:
    return max(day, date(2026, 12, 1))


def test_a_document_of_a_closed_period_is_held_or_posted_on_the_first_open_day() -> None:
    wanted = PlannedBooks().plan(order()).documents
    with pytest.raises(PeriodClosed, match=r"its invoice is dated 2026-11-18.*November 2026"):
        in_open_periods(wanted, Policy(ZONE), opened)
    policy = Policy(ZONE, closed_period=ClosedPeriod.NEXT_OPEN)
    sale, invoice = in_open_periods(wanted, policy, opened)
    assert (sale.post_on, invoice.post_on) == (None, date(2026, 12, 1))
    assert invoice.document_on == date(2026, 11, 18)


def test_what_the_erp_back_ordered_by_itself_waits_for_stock_though_policy_ignores_it() -> None:
    books = PlannedBooks(Policy(ZONE, short_stock=ShortStock.IGNORE))
    bought = order(line(quantity=3))
    ordered, _ = books.plan(bought, {TEE: ZERO}).documents
    assert not ordered.is_back_ordered
    short = replace(ordered, lines=(replace(ordered.lines[0], back_ordered=3),))
    books.documents.append((short, bought.updated_at.isoformat()))
    (change,) = books.post(bought, {TEE: ZERO})
    assert (change.paid, change.lines[0].back_ordered) == (bought.stated.received.shop, 3)
    assert books.plan(bought, {TEE: Decimal(2)}).documents == ()
    assert books.plan(bought, {}).documents == ()
    assert kinds(books.post(bought, {TEE: Decimal(3)})) == ["order_change", "invoice"]
