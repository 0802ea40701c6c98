"""The planner: what the ERP still lacks of an order, for each life an order can lead so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.allocation import StockShort
from include.domain.content import Books, content_of
from include.domain.document import (
    Document,
    DocumentKey,
    DocumentKind,
    RemoteState,
    StockNeed,
)
from include.domain.errors import Unbalanced
from include.domain.ledger import EMPTY_LEDGER, DocumentState, LedgerEntry, OrderLedger
from include.domain.money import Amount
from include.domain.order import (
    Charge,
    ChargeKind,
    FinancialStatus,
    LineKind,
    Order,
    Refund,
    RefundLine,
    Restock,
    TenderKind,
    TenderStatus,
)
from include.domain.plan import plan
from include.domain.policy import InvoiceMoment, OnTestOrder, Policy, ShortStock, UnpaidOrders
from include.domain.sales import facts_digest
from tests.unit.orders_factory import PLACED, amount, line, order, shipping, tax, tender

POLICY = Policy(ZoneInfo("America/New_York"))
TEE = StockNeed("TEE-1", None)


def posted(*documents: Document, state: RemoteState = RemoteState.POSTED) -> OrderLedger:
    """The ledger once these documents are in the ERP."""
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
                remote_state=state,
                content=content_of(document),
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


def refund_of(units: int, *, restock: Restock = Restock.RETURNED, number: int = 1) -> Refund:
    return Refund(
        f"R{number}",
        PLACED + timedelta(days=number),
        amount(10 * units),
        lines=(RefundLine("L1", units, restock, amount(10 * units), amount("0")),),
    )


def returned(left: int, *refunds: Refund, **changes: object) -> Order:
    """An order of five units at ten, of which some are left, the rest refunded."""
    back = (5 - left) * 10
    tenders = (tender("50.00"),)
    if back:
        tenders += (tender(f"{back}.00", "B1", kind=TenderKind.REFUND, parent="T1"),)
    return order(
        line(quantity=5, left=left),
        tenders=tenders,
        refunds=refunds,
        financial_status=FinancialStatus.PARTIALLY_REFUNDED,
        **changes,
    )


def billed(bought: Order, state: RemoteState = RemoteState.POSTED) -> OrderLedger:
    return posted(*plan(bought, EMPTY_LEDGER, POLICY, {}).documents, state=state)


def test_a_partial_refund_after_the_invoice_is_a_credit_note_with_its_restock_and_payment_back():
    ledger = billed(order(line(quantity=5)))
    (note,) = plan(returned(3, refund_of(2)), ledger, POLICY, {}).documents
    assert (note.key.kind, note.total, note.paid) == (
        DocumentKind.CREDIT_NOTE,
        Decimal("20.00"),
        Decimal("20.00"),
    )
    assert [(part.quantity, part.restock) for part in note.lines] == [(2, Restock.RETURNED)]
    assert note.based_on == DocumentKey(note.key.channel, note.key.order_id_store, "invoice", 1)


def test_units_that_were_not_restocked_stand_apart_on_the_credit_note():
    ledger = billed(order(line(quantity=5)))
    refunds = refund_of(1), refund_of(2, restock=Restock.NOT_RESTOCKED, number=2)
    (note,) = plan(returned(2, *refunds), ledger, POLICY, {}).documents
    assert [(part.quantity, part.restock, part.net) for part in note.lines] == [
        (1, Restock.RETURNED, Decimal("10.00")),
        (2, Restock.NOT_RESTOCKED, Decimal("20.00")),
    ]


def test_the_second_refund_is_a_second_credit_note():
    bought = order(line(quantity=5))
    first = plan(returned(4, refund_of(1)), billed(bought), POLICY, {}).documents
    ledger = posted(*plan(bought, EMPTY_LEDGER, POLICY, {}).documents, *first)
    again = returned(1, refund_of(1), refund_of(3, restock=Restock.NOT_RESTOCKED, number=2))
    (note,) = plan(again, ledger, POLICY, {}).documents
    assert (note.key.sequence, note.total) == (2, Decimal("30.00"))
    assert note.lines[0].restock is Restock.NOT_RESTOCKED


def test_cancelled_after_an_invoice_that_is_posted_is_credited_in_full():
    gone = returned(0, refund_of(5), cancelled_at=PLACED + timedelta(days=1))
    (note,) = plan(gone, billed(order(line(quantity=5))), POLICY, {}).documents
    assert (note.key.kind, note.total) == (DocumentKind.CREDIT_NOTE, Decimal("50.00"))


def test_cancelled_while_its_invoice_is_still_open_is_voided():
    gone = returned(0, refund_of(5), cancelled_at=PLACED + timedelta(days=1))
    ledger = billed(order(line(quantity=5)), RemoteState.OPEN)
    voids = plan(gone, ledger, POLICY, {}).documents
    assert [(void.key.kind, void.key.sequence, void.based_on.kind) for void in voids] == [
        (DocumentKind.VOID, 2, DocumentKind.INVOICE),
        (DocumentKind.VOID, 1, DocumentKind.SALES_ORDER),
    ]


def test_cancelled_before_its_invoice_the_sales_order_is_voided():
    unpaid = order(tenders=(), financial_status=FinancialStatus.PENDING)
    ledger = billed(unpaid, RemoteState.OPEN)
    gone = order(line(left=0), tenders=(), cancelled_at=PLACED)
    (void,) = plan(gone, ledger, POLICY, {}).documents
    assert (void.key.kind, void.key.sequence) == (DocumentKind.VOID, 1)


def test_edited_before_its_invoice_the_sales_order_is_changed_as_a_whole():
    unpaid = {"tenders": (), "financial_status": FinancialStatus.PENDING}
    ledger = billed(order(**unpaid))
    (change,) = plan(order(line(quantity=3), **unpaid), ledger, POLICY, {}).documents
    assert (change.key.kind, change.total) == (DocumentKind.ORDER_CHANGE, Decimal("30.00"))


def test_an_exchange_for_something_dearer_is_a_credit_note_and_an_invoice():
    ledger = billed(order(line("L1", quantity=1, price="10.00")))
    swapped = order(
        line("L1", quantity=1, left=0),
        line("L2", sku="CAP-1", quantity=1, price="16.00"),
        tenders=(tender("10.00"), tender("6.00", "T2")),
    )
    note, invoice = plan(swapped, ledger, POLICY, {}).documents
    assert (note.key.kind, note.total, note.paid) == ("credit_note", Decimal("10.00"), Decimal(0))
    assert (invoice.key.kind, invoice.key.sequence, invoice.total, invoice.paid) == (
        "invoice",
        2,
        Decimal("16.00"),
        Decimal("6.00"),
    )


def test_a_discount_given_after_the_invoice_is_credited_without_units():
    ledger = billed(order(line(quantity=2, price="10.00")))
    tenders = (tender("20.00"), tender("4.00", "B1", kind=TenderKind.REFUND, parent="T1"))
    cheaper = order(line(quantity=2, price="8.00"), tenders=tenders)
    (note,) = plan(cheaper, ledger, POLICY, {}).documents
    assert note.lines == ()
    assert [(part.kind, part.net) for part in note.charges] == [("adjustment", Decimal("4.00"))]


def test_a_goodwill_refund_after_the_invoice_is_credited_as_adjustment():
    ledger = billed(order())
    tenders = (tender("20.00"), tender("3.00", "R1", kind=TenderKind.REFUND, parent="T1"))
    given = order(tenders=tenders, refund_discrepancy=amount("-3.00"))
    (note,) = plan(given, ledger, POLICY, {}).documents
    assert (note.total, note.paid) == (Decimal("3.00"), Decimal("3.00"))


def test_shipping_refunded_after_the_invoice_is_credited_as_shipping():
    ledger = billed(order(line(), charges=(shipping("5.00"),)))
    tenders = (tender("25.00"), tender("5.00", "R1", kind=TenderKind.REFUND, parent="T1"))
    freed = order(line(), charges=(shipping("0.00"),), tenders=tenders)
    (note,) = plan(freed, ledger, POLICY, {}).documents
    assert [(part.kind, part.net) for part in note.charges] == [("shipping", Decimal("5.00"))]


def test_money_paid_back_for_nothing_that_the_order_shows_is_held():
    ledger = billed(order())
    tenders = (tender("20.00"), tender("3.00", "R1", kind=TenderKind.REFUND, parent="T1"))
    with pytest.raises(Unbalanced, match="nothing on the order says for what"):
        plan(order(tenders=tenders), ledger, POLICY, {})


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


def test_a_payment_at_another_rate_than_the_sale_leaves_an_exchange_difference_of_its_own():
    paid = replace(tender("20.00"), amount=Amount(Decimal("18.92"), Decimal("27.00")))
    sold = order(line(), tenders=(paid,), presentment_currency="CAD")
    planned = plan(sold, EMPTY_LEDGER, POLICY, {})
    invoice = planned.documents[1]
    assert invoice.total == invoice.paid == Decimal("18.92")
    assert [(part.kind, part.net) for part in invoice.charges] == [("fx", Decimal("-1.08"))]
    assert planned.adjustments == (("exchange_difference", Decimal("1.08")),)


def test_a_free_order_is_booked_at_zero():
    free = order(line(price="0.00"))
    sale, invoice = plan(free, EMPTY_LEDGER, POLICY, {}).documents
    assert (sale.total, invoice.total, invoice.payments) == (Decimal(0), Decimal(0), ())


def test_short_stock_is_back_ordered_with_the_payment_as_deposit_and_no_invoice():
    (sale,) = plan(order(line(quantity=5)), EMPTY_LEDGER, POLICY, {TEE: Decimal(3)}).documents
    assert (sale.lines[0].quantity, sale.lines[0].back_ordered) == (5, 2)
    assert sale.paid == Decimal("50.00")


def test_a_back_ordered_order_waits_for_stock_and_is_billed_once_it_is_there():
    short = order(line(quantity=5))
    ledger = posted(*plan(short, EMPTY_LEDGER, POLICY, {TEE: Decimal(3)}).documents)
    assert plan(short, ledger, POLICY, {TEE: Decimal(0)}).documents == ()
    change, invoice = plan(short, ledger, POLICY, {TEE: Decimal(2)}).documents
    assert (change.key.kind, change.is_back_ordered, change.paid) == (
        DocumentKind.ORDER_CHANGE,
        False,
        Decimal(0),
    )
    assert (invoice.key.kind, invoice.paid) == (DocumentKind.INVOICE, Decimal("50.00"))


def short_in_the_erp(ledger: OrderLedger, units: int) -> OrderLedger:
    """The ledger when the ERP back-ordered more of its newest document than was planned."""
    *_, (key, newest) = ledger.entries.items()
    short = replace(newest, back_ordered=newest.back_ordered + units)
    return OrderLedger({**ledger.entries, key: short})


def test_stock_that_others_took_before_the_order_came_makes_it_wait_and_moves_the_payment_once():
    bought = order(line(quantity=5), line("L2", sku="MUG-1", quantity=2))
    stock = {TEE: Decimal(0), StockNeed("MUG-1", None): Decimal(4)}
    promised = {need: Decimal(9) for need in stock}
    sale, _ = plan(bought, EMPTY_LEDGER, POLICY, promised).documents
    ledger = short_in_the_erp(posted(sale), 2)

    (change,) = plan(bought, ledger, POLICY, stock).documents
    assert change.key.kind is DocumentKind.ORDER_CHANGE
    assert [part.back_ordered for part in change.lines] == [2, 0]
    assert change.paid == bought.stated.received.shop

    waiting = posted(sale, change)
    assert plan(bought, waiting, POLICY, stock).documents == ()
    there = {**stock, TEE: Decimal(2)}
    assert kinds(plan(bought, waiting, POLICY, there).documents) == [
        DocumentKind.ORDER_CHANGE,
        DocumentKind.INVOICE,
    ]


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
    assert plan(bought, posted(*first.documents), POLICY, {}).documents == ()


THREE_LINES = st.lists(st.tuples(st.integers(0, 9), cents, cents), min_size=3, max_size=3)


@given(st.data())
def test_the_books_follow_any_life_to_the_cent_and_every_second_plan_is_empty(data: st.DataObject):
    """Each step changes the order at random; the sum of the documents is always the store's."""
    documents: list[Document] = []
    for _ in range(data.draw(st.integers(1, 6))):
        lines = [
            line(
                f"L{i}",
                sku=f"SKU-{i}",
                quantity=9,
                left=left,
                price=price,
                taxes=(tax(duty if left else "0.00"),),
            )
            for i, (left, price, duty) in enumerate(data.draw(THREE_LINES))
        ]
        freight = data.draw(cents)
        now = order(*lines, charges=(shipping(freight),), tenders=())
        worth = now.stated.current_total.shop
        is_paid = data.draw(st.booleans()) or any(d.key.kind == "invoice" for d in documents)
        status = FinancialStatus.PAID if is_paid else FinancialStatus.PENDING
        tenders = (tender(str(worth), "T1"),) if is_paid and worth else ()
        now = order(*lines, charges=(shipping(freight),), tenders=tenders, financial_status=status)
        for _ in range(4):
            wanted = plan(now, posted(*documents), POLICY, {}).documents
            if not wanted:
                break
            documents.append(wanted[0])
        assert plan(now, posted(*documents), POLICY, {}).documents == ()
        if not documents:
            continue
        books = Books()
        bills = [d for d in documents if d.key.kind in ("invoice", "credit_note")]
        for document in bills:
            books.add(content_of(document), 1 if document.key.kind == "invoice" else -1)
        for document in documents:
            if document.key.kind == "payment":
                books.add(content_of(document))
        if bills:
            assert books.total == worth
            assert books.paid == now.stated.received.shop
            assert all(part.quantity >= 0 for part in books.lines.values())
        elif documents[-1].key.kind != "void":
            assert documents[-1].total == worth
        if documents[-1].key.kind == "void":
            break
