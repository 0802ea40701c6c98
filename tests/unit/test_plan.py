"""The planner: what the ERP still lacks of an order, for each life an order can lead so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.document import Document, DocumentKey, DocumentKind, StockNeed
from include.domain.errors import Unbalanced
from include.domain.ledger import EMPTY_LEDGER, DocumentState, LedgerEntry, OrderLedger
from include.domain.order import (
    Charge,
    ChargeKind,
    FinancialStatus,
    LineKind,
    TenderKind,
    TenderStatus,
)
from include.domain.plan import ChangedAfterPosting, StockShort, plan
from include.domain.policy import InvoiceMoment, OnTestOrder, Policy, ShortStock, UnpaidOrders
from include.domain.sales import facts_digest
from tests.unit.orders_factory import PLACED, amount, line, order, shipping, tax, tender

POLICY = Policy(ZoneInfo("America/New_York"))
TEE = StockNeed("TEE-1", None)


def posted(*documents: Document) -> OrderLedger:
    return OrderLedger(
        {
            (document.key.kind, document.key.sequence): LedgerEntry(
                key=document.key,
                state=DocumentState.POSTED,
                total=document.total,
                currency=document.currency,
                digest=facts_digest(document),
                reference="ORD1",
                line_count=len(document.lines),
                paid=document.paid,
                back_ordered=Decimal(sum(part.back_ordered for part in document.lines)),
            )
            for document in documents
        }
    )


def kinds(documents: tuple[Document, ...]) -> list[DocumentKind]:
    return [document.key.kind for document in documents]


def test_a_paid_order_becomes_a_sales_order_and_an_invoice_that_carries_the_payment():
    sale, invoice = plan(order(line(), charges=(shipping(),)), EMPTY_LEDGER, POLICY, {}).documents
    assert (sale.key.kind, invoice.key.kind) == (DocumentKind.SALES_ORDER, DocumentKind.INVOICE)
    assert sale.total == invoice.total == Decimal("25.00")
    assert (sale.paid, invoice.paid) == (Decimal(0), Decimal("25.00"))
    assert invoice.based_on == sale.key


def test_a_second_plan_straight_after_posting_is_empty():
    bought = order(line(taxes=(tax("1.60"),)), charges=(shipping(),))
    first = plan(bought, EMPTY_LEDGER, POLICY, {})
    assert plan(bought, posted(*first.documents), POLICY, {}).documents == ()


def test_the_document_is_dated_by_the_shops_calendar():
    late = order(placed_at=PLACED.replace(hour=3, minute=0))
    assert plan(late, EMPTY_LEDGER, POLICY, {}).documents[0].document_on == date(2026, 11, 17)


def test_an_unpaid_order_is_posted_without_invoice_and_invoiced_once_it_is_paid():
    unpaid = order(tenders=(), financial_status=FinancialStatus.PENDING)
    (sale,) = plan(unpaid, EMPTY_LEDGER, POLICY, {}).documents
    assert sale.payments == ()
    paid = order()
    (invoice,) = plan(paid, posted(sale), POLICY, {}).documents
    assert (invoice.key.kind, invoice.paid) == (DocumentKind.INVOICE, Decimal("20.00"))


def test_an_authorization_is_no_payment_and_its_capture_counts_once():
    held = tender("20.00", "A1", kind=TenderKind.AUTHORIZATION)
    authorized = order(tenders=(held,), financial_status=FinancialStatus.AUTHORIZED)
    assert kinds(plan(authorized, EMPTY_LEDGER, POLICY, {}).documents) == ["sales_order"]
    captured = order(tenders=(held, tender("20.00", "C1", kind=TenderKind.CAPTURE, parent="A1")))
    assert plan(captured, EMPTY_LEDGER, POLICY, {}).documents[1].paid == Decimal("20.00")


def test_a_failed_payment_is_not_booked():
    bought = order(tenders=(tender("20.00", "F1", status=TenderStatus.FAILURE), tender("20.00")))
    payments = plan(bought, EMPTY_LEDGER, POLICY, {}).documents[1].payments
    assert [payment.tender_id for payment in payments] == ["T1"]


def test_two_tenders_stay_two_payments():
    bought = order(tenders=(tender("15.00"), tender("5.00", "T2", gateway="gift_card")))
    payments = plan(bought, EMPTY_LEDGER, POLICY, {}).documents[1].payments
    assert [(p.gateway, p.amount) for p in payments] == [
        ("shopify_payments", Decimal("15.00")),
        ("gift_card", Decimal("5.00")),
    ]


def test_policy_can_leave_unpaid_orders_out():
    waiting = order(tenders=(), financial_status=FinancialStatus.PENDING)
    policy = replace(POLICY, unpaid=UnpaidOrders.SKIP)
    assert plan(waiting, EMPTY_LEDGER, policy, {}).skipped == "unpaid"


def test_a_test_order_is_left_out_unless_policy_wants_it():
    trial = order(is_test=True)
    assert plan(trial, EMPTY_LEDGER, POLICY, {}).skipped == "test_order"
    wanted = plan(trial, EMPTY_LEDGER, replace(POLICY, test_orders=OnTestOrder.POST), {})
    assert len(wanted.documents) == 2


def test_cancelled_before_posting_leaves_nothing_to_post():
    tenders = (tender("20.00"), tender("20.00", "R1", kind=TenderKind.REFUND, parent="T1"))
    gone = order(
        line(left=0),
        tenders=tenders,
        cancelled_at=PLACED,
        financial_status=FinancialStatus.REFUNDED,
    )
    assert plan(gone, EMPTY_LEDGER, POLICY, {}).skipped == "cancelled"


def test_cancelled_with_money_kept_is_held_with_both_facts():
    with pytest.raises(Unbalanced, match=r"cancelled but 20\.00 USD"):
        plan(order(cancelled_at=PLACED), EMPTY_LEDGER, POLICY, {})


def test_cancelled_after_posting_is_held_for_a_person():
    bought = order()
    ledger = posted(*plan(bought, EMPTY_LEDGER, POLICY, {}).documents)
    with pytest.raises(ChangedAfterPosting, match="cancelled"):
        plan(order(cancelled_at=PLACED + timedelta(days=1)), ledger, POLICY, {})


def test_edited_after_posting_is_held_and_says_both_totals():
    ledger = posted(*plan(order(), EMPTY_LEDGER, POLICY, {}).documents)
    with pytest.raises(ChangedAfterPosting, match=r"20\.00 USD then and 30\.00 USD now"):
        plan(order(line(quantity=3)), ledger, POLICY, {})


def test_edited_before_posting_books_the_new_order():
    edited = order(line(quantity=3, left=2), line("L2", sku="CAP-1", quantity=1, left=0))
    (sale, _) = plan(edited, EMPTY_LEDGER, POLICY, {}).documents
    assert [(part.line_id, part.quantity) for part in sale.lines] == [("L1", 2)]


def test_refunded_before_posting_books_the_order_net_of_it():
    tenders = (tender("20.00"), tender("10.00", "R1", kind=TenderKind.REFUND, parent="T1"))
    halved = order(
        line(left=1), tenders=tenders, financial_status=FinancialStatus.PARTIALLY_REFUNDED
    )
    sale, invoice = plan(halved, EMPTY_LEDGER, POLICY, {}).documents
    assert (sale.total, invoice.paid) == (Decimal("10.00"), Decimal("10.00"))


def test_money_given_back_without_goods_is_a_concession_and_named():
    tenders = (tender("20.00"), tender("3.00", "R1", kind=TenderKind.REFUND, parent="T1"))
    given = order(
        tenders=tenders,
        financial_status=FinancialStatus.PARTIALLY_REFUNDED,
        refund_discrepancy=amount("-3.00"),
    )
    planned = plan(given, EMPTY_LEDGER, POLICY, {})
    sale = planned.documents[0]
    assert (sale.total, sale.concession) == (Decimal("17.00"), Decimal("3.00"))
    assert planned.adjustments == (("refund_discrepancy", Decimal("3.00")),)


def test_tax_that_a_marketplace_remits_is_neither_our_tax_nor_our_money():
    sold = order(line(taxes=(tax("1.60", marketplace=True),)))
    planned = plan(sold, EMPTY_LEDGER, POLICY, {})
    invoice = planned.documents[1]
    assert (invoice.total, invoice.paid) == (Decimal("20.00"), Decimal("20.00"))
    assert invoice.lines[0].taxes == ()
    assert planned.adjustments == (("tax_collected_by_marketplace", Decimal("1.60")),)


def test_prices_that_include_tax_are_booked_net():
    sold = order(line(price="10.80", quantity=1, taxes=(tax("0.80"),)), taxes_included=True)
    part = plan(sold, EMPTY_LEDGER, POLICY, {}).documents[0].lines[0]
    assert (part.net, part.taxes[0].base, part.taxes[0].amount) == (
        Decimal("10.00"),
        Decimal("10.00"),
        Decimal("0.80"),
    )


def test_cash_rounding_is_booked_and_named():
    rounding = Charge(
        "rounding", ChargeKind.ROUNDING, "Cash rounding", amount("-0.02"), amount("-0.02")
    )
    sold = order(line(quantity=1, price="10.02"), charges=(rounding,))
    planned = plan(sold, EMPTY_LEDGER, POLICY, {})
    assert planned.documents[1].total == planned.documents[1].paid == Decimal("10.00")
    assert planned.adjustments == (("cash_rounding", Decimal("0.02")),)


def test_a_free_order_is_booked_at_zero():
    free = order(line(price="0.00"))
    sale, invoice = plan(free, EMPTY_LEDGER, POLICY, {}).documents
    assert (sale.total, invoice.total, invoice.payments) == (Decimal(0), Decimal(0), ())


def test_short_stock_is_back_ordered_with_the_payment_as_deposit_and_no_invoice():
    (sale,) = plan(order(line(quantity=5)), EMPTY_LEDGER, POLICY, {TEE: Decimal(3)}).documents
    assert (sale.lines[0].quantity, sale.lines[0].back_ordered) == (5, 2)
    assert sale.paid == Decimal("50.00")


def test_a_back_ordered_order_gets_no_second_document():
    short = order(line(quantity=5))
    ledger = posted(*plan(short, EMPTY_LEDGER, POLICY, {TEE: Decimal(3)}).documents)
    assert plan(short, ledger, POLICY, {TEE: Decimal(99)}).documents == ()


def test_negative_stock_covers_nothing():
    (sale,) = plan(order(), EMPTY_LEDGER, POLICY, {TEE: Decimal(-4)}).documents
    assert sale.lines[0].back_ordered == 2


def test_two_lines_of_one_sku_share_its_stock():
    twice = order(line("L1", quantity=2), line("L2", quantity=2))
    (sale,) = plan(twice, EMPTY_LEDGER, POLICY, {TEE: Decimal(3)}).documents
    assert [part.back_ordered for part in sale.lines] == [0, 1]


def test_policy_can_hold_short_orders_or_ignore_stock():
    with pytest.raises(StockShort):
        plan(order(), EMPTY_LEDGER, replace(POLICY, short_stock=ShortStock.HOLD), {TEE: Decimal(1)})
    ignoring = replace(POLICY, short_stock=ShortStock.IGNORE)
    assert len(plan(order(), EMPTY_LEDGER, ignoring, {TEE: Decimal(0)}).documents) == 2


def test_without_automatic_invoicing_the_payment_is_a_deposit_on_the_order():
    policy = replace(POLICY, invoice=InvoiceMoment.NEVER)
    (sale,) = plan(order(), EMPTY_LEDGER, policy, {}).documents
    assert sale.paid == Decimal("20.00")


def test_more_money_than_the_order_is_worth_is_held_with_both_sides():
    with pytest.raises(Unbalanced, match=r"25\.00 USD against a total of 20\.00 USD"):
        plan(order(tenders=(tender("25.00"),)), EMPTY_LEDGER, POLICY, {})


def test_a_sold_gift_card_takes_no_stock():
    card = order(line(sku="GIFT", kind=LineKind.GIFT_CARD))
    planned = plan(card, EMPTY_LEDGER, POLICY, {StockNeed("GIFT", None): Decimal(0)})
    assert len(planned.documents) == 2


def test_the_key_is_the_same_whenever_the_order_is_planned():
    sale = plan(order(), EMPTY_LEDGER, POLICY, {}).documents[0]
    assert sale.key == DocumentKey(
        "shopify_gp", "gid://shopify/Order/1001", DocumentKind.SALES_ORDER, 1
    )


cents = st.integers(0, 99_999).map(lambda value: f"{Decimal(value) / 100:.2f}")


@given(
    st.lists(st.tuples(st.integers(1, 40), cents, cents), min_size=1, max_size=6),
    cents,
    st.dictionaries(st.integers(0, 5), st.integers(-2, 50)),
)
def test_any_order_is_booked_to_the_cent_and_planned_once(parts, freight, shelf):
    lines = [
        line(f"L{i}", sku=f"SKU-{i}", quantity=quantity, price=price, taxes=(tax(duty),))
        for i, (quantity, price, duty) in enumerate(parts)
    ]
    bought = order(*lines, charges=(shipping(freight),))
    stock = {StockNeed(f"SKU-{i}", None): Decimal(units) for i, units in shelf.items()}
    first = plan(bought, EMPTY_LEDGER, POLICY, stock)
    for document in first.documents:
        assert document.total == bought.stated.current_total.shop
    assert sum(d.paid for d in first.documents) == bought.stated.received.shop
    assert plan(bought, posted(*first.documents), POLICY, stock).documents == ()
