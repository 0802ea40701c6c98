"""What the connector does to an account, seen from the account: states, people's work, pending."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from include.domain.document import DocumentCharge, DocumentKind, RemoteState, StockNeed
from include.domain.errors import ConfigurationError, MappingMissing, Refused
from include.domain.order import ChargeKind, Customer, LineKind, Restock
from tests.contract.heartland_account import (
    ANA,
    FIRST,
    HOME,
    SECOND,
    SKILLET,
    SOCKS,
    TEE,
    Account,
    change,
    credit_note,
    document,
    following,
    invoice,
    line,
    open_account,
    order,
    paid,
    shipping,
    void,
)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with open_account(tmp_path) as opened:
        yield opened


def free(account: Account, sku: str = SOCKS, place: str = FIRST) -> Decimal:
    return account.rig.free_units(sku, place)


# -- the order ------------------------------------------------------------------------------------


def test_an_order_is_open_distributed_and_commits_stock(account: Account) -> None:
    before = free(account), free(account, SKILLET, SECOND)
    here, there = line(tax="1.48"), line(SKILLET, 1, "49.00", line_id="L2", location_id=SECOND)
    found = account.post(order(here, there))
    assert (found.state, found.line_count, found.back_ordered) == (RemoteState.OPEN, 2, 0)
    assert free(account) == before[0] - 2
    assert free(account, SKILLET, SECOND) == before[1] - 1


def test_units_without_stock_wait_undistributed_and_commit_none(account: Account) -> None:
    before = free(account)
    found = account.post(order(line(quantity=5, net="92.50", back_ordered=3)))
    assert (found.back_ordered, found.line_count) == (3, 1)
    assert free(account) == before - 2
    sites = {x["qty"]: x["ship_from_location_id"] for x in account.rows("sales/orders/lines")}
    assert sites[3] is None
    assert sites[2] is not None


def test_where_people_distribute_a_line_it_stays(account: Account) -> None:
    first = order(line(quantity=2, net="37.00", back_ordered=2))
    account.post(first)
    (held,) = account.rows("sales/orders/lines")
    there = account.rows("locations")[1]["id"]
    path = f"sales/orders/{held['order_id']}/lines/{held['id']}"
    account.people("PUT", path, {"ship_from_location_id": there})
    before = free(account, SOCKS, SECOND)
    account.post(change(first, line(quantity=2, net="37.00")), invoice(first))
    assert free(account, SOCKS, SECOND) == before
    (bill,) = account.rows("sales/invoices")
    assert bill["source_location_id"] == there


def test_a_price_that_does_not_divide_into_cents_is_two_lines(account: Account) -> None:
    account.post(order(line(quantity=3, net="10.00"), charges=()))
    prices = {x["adjusted_unit_price"]: x["qty"] for x in account.rows("sales/orders/lines")}
    assert prices == {Decimal("3.33"): 2, Decimal("3.34"): 1}


def test_what_lowers_the_total_is_a_discount_and_charges_are_items(account: Account) -> None:
    charges = (
        shipping(),
        DocumentCharge("t", ChargeKind.TIP, "Tip", Decimal("2.00")),
        DocumentCharge("r", ChargeKind.ROUNDING, "Cash rounding", Decimal("-0.02")),
    )
    made = order(line(), charges=charges, concession=Decimal("1.00"))
    account.post(made, invoice(made, concession=Decimal("1.00"), payments=()))
    discounts = {d["description"]: d["amount"] for d in account.rows("sales/orders/discounts")}
    assert discounts == {"Cash rounding": Decimal("0.02"), "Concession": Decimal("1.00")}
    (billed,) = account.booked(DocumentKind.INVOICE)
    assert billed.total == made.total == Decimal("42.98")


def test_an_order_of_which_only_shipping_is_left_has_it_as_a_line(account: Account) -> None:
    made = document(DocumentKind.SALES_ORDER, charges=(shipping(),))
    account.post(made, invoice(made))
    assert account.find(made)[0].state is RemoteState.POSTED
    goods = order(number="#1002")
    left = change(goods, charges=(shipping(),))
    assert account.post(goods, left).total == Decimal("5.00")


def test_the_account_is_read_as_it_is_by_another_process(account: Account) -> None:
    made = order()
    first = account.post(made)
    account.erp = account.connector()
    assert account.find(made) == (first,)
    assert account.post(made) == first


# -- pending --------------------------------------------------------------------------------------


def require_field(account: Account, key: str = "gift_message") -> None:
    with account.state.change():
        (own,) = [f for f in account.rows("custom_fields") if f["key"] == key]
        account.state.put("custom_fields", own["id"], {"required": True})


def refused(account: Account, made: object) -> Refused:
    with pytest.raises(Refused) as caught:
        account.post(made)  # type: ignore[arg-type]
    return caught.value


def test_a_pending_order_is_refused_with_its_cause_and_reserves_nothing(account: Account) -> None:
    require_field(account)
    before = free(account)
    error = refused(account, order())
    assert error.rule == "pending_custom_field"
    assert error.field == "custom@gift_message"
    assert "#1001" in str(error)
    assert "custom_fields" in str(error)
    assert free(account) == before
    assert account.find(order()) == ()


def test_a_pending_order_that_is_mended_is_opened_by_posting_it_again(account: Account) -> None:
    require_field(account)
    refused(account, order())
    (held,) = account.rows("sales/orders")
    account.people("PUT", f"sales/orders/{held['id']}", {"custom": {"gift_message": "none"}})
    assert account.post(order()).state is RemoteState.OPEN
    assert len(account.rows("sales/orders")) == 1


def test_a_pending_order_that_people_opened_is_found(account: Account) -> None:
    require_field(account)
    refused(account, order())
    (held,) = account.rows("sales/orders")
    body = {"custom": {"gift_message": "none"}, "status": "open"}
    account.people("PUT", f"sales/orders/{held['id']}", body)
    (found,) = account.find(order())
    assert found.total == order().total


def test_an_order_without_an_address_is_pending_unless_the_counter_has_one(
    account: Account,
) -> None:
    nowhere = order(billing_address=None, shipping_address=None)
    account.erp = account.connector(counter_address=None)
    assert refused(account, nowhere).rule == "pending_missing_address"
    account.erp = account.connector()
    assert account.post(nowhere).state is RemoteState.OPEN


def test_a_refund_that_people_took_on_an_open_order_is_named(account: Account) -> None:
    made = order(payments=(paid("43.48"),))
    account.post(made)
    (held,) = account.rows("sales/orders")
    kind = account.rows("payment_types")[0]["id"]
    back = {"type": "CustomPayment", "amount": -5, "payment_type_id": kind}
    account.people("POST", f"sales/orders/{held['id']}/payments", back)
    assert account.rows("sales/orders")[0]["status"] == "pending"
    (shown,) = account.find(made)  # it was open: it is not lost, and its payments tell
    assert shown.paid == Decimal("38.48")
    assert refused(account, made).rule == "pending_refund"
    changed = change(made, line(quantity=1, net="18.50", tax="0.74"), payments=(paid("24.24"),))
    assert refused(account, changed).rule == "pending_refund"


def test_payments_beyond_the_total_are_named(account: Account) -> None:
    made = order(payments=(paid("43.48"), paid("10.00", "T2")))
    error = refused(account, made)
    assert error.rule == "pending_payment_mismatch"
    assert "53.48" in str(error)


def test_a_total_that_heartland_makes_otherwise_keeps_the_order_pending(account: Account) -> None:
    account.rig.sandbox.orders.surcharge = Decimal("0.50")
    error = refused(account, order())
    assert error.rule == "pending_total_mismatch"
    assert "43.98" in str(error)
    account.rig.sandbox.orders.surcharge = Decimal(0)
    assert account.post(order()).state is RemoteState.OPEN


def test_what_people_put_on_a_pending_order_is_brought_back_in_line(account: Account) -> None:
    made = order()
    account.post(made)
    (held,) = account.rows("sales/orders")
    path = f"sales/orders/{held['id']}"
    account.people("PUT", path, {"status": "pending"})
    own = account.rows("sales/orders/taxes")[0]
    account.people("POST", f"{path}/taxes", {"description": "Levy", "value": 1})
    assert own["order_id"] == held["id"]
    assert account.post(made).total == made.total  # brought back in line, and opened


def test_a_required_field_that_the_channel_knows_of_is_refused_before_anything_is_sent(
    account: Account,
) -> None:
    account.erp = account.connector(required_custom_fields=["gift_message"])
    with pytest.raises(Refused) as caught:
        account.erp.prepare(order())
    assert caught.value.field == "gift_message"
    account.erp = account.connector(
        required_custom_fields=["gift_message"], custom_fields={"gift_message": "-"}
    )
    account.post(order())
    assert account.rows("sales/orders")[0]["custom"]["gift_message"] == "-"


# -- invoices -------------------------------------------------------------------------------------


def test_an_invoice_moves_stock_and_closes_the_order(account: Account) -> None:
    made = order()
    before = account.rig.sandbox.stock.values()
    found = account.post(made, invoice(made))
    assert (found.state, found.paid) == (RemoteState.POSTED, made.total)
    (shown,) = account.find(made)
    assert (shown.state, shown.paid) == (RemoteState.POSTED, 0)
    moved = [
        (now["qty_on_hand"] - then["qty_on_hand"], now["qty_committed"])
        for then, now in zip(before, account.rig.sandbox.stock.values(), strict=True)
        if now != then
    ]
    assert moved == [(-2, 0)]


def test_lines_of_two_locations_are_two_invoices_and_one_document(account: Account) -> None:
    made = order(line(), line(SKILLET, 1, "49.00", line_id="L2", location_id=SECOND))
    found = account.post(made, invoice(made))
    assert len(account.rows("sales/invoices")) == 2
    assert found.total == made.total
    assert found.reference.count("+") == 1
    assert len(account.find(invoice(made))) == 1


def test_a_part_is_billed_and_the_rest_leaves_the_order_open(account: Account) -> None:
    made = order(line(quantity=5, net="92.51", tax="3.70", back_ordered=2))
    first = invoice(
        made,
        line(quantity=3, net="55.51", tax="2.22"),
        charges=made.charges,
        payments=(paid("62.73"),),
    )
    account.post(made, first)
    assert account.find(made)[0].state is RemoteState.OPEN
    arrived = change(made, line(quantity=5, net="92.51", tax="3.70"), payments=())
    rest = invoice(
        made, line(quantity=2, net="37.00", tax="1.48"), sequence=2, payments=(paid("38.48", "T2"),)
    )
    found = account.post(arrived, rest)
    assert (found.total, found.paid) == (Decimal("38.48"), Decimal("38.48"))
    assert account.find(first)[0].paid == Decimal("62.73")
    assert account.find(made)[0].state is RemoteState.POSTED


def test_a_line_that_cannot_be_filled_leaves_the_order_open_and_is_billed_later(
    account: Account,
) -> None:
    made = order()
    account.post(made)
    account.rig.set_stock(SOCKS, Decimal(1))
    error = refused(account, invoice(made))
    assert "stays open" in str(error)
    assert account.find(made)[0].state is RemoteState.OPEN
    assert account.find(invoice(made)) == ()
    account.rig.set_stock(SOCKS, Decimal(2))
    account.post(invoice(made))
    assert len(account.booked(DocumentKind.INVOICE)) == 1


def test_what_people_invoiced_shows_on_the_order_and_is_not_billed_again(
    account: Account,
) -> None:
    made = order(line(), charges=(), payments=(paid("37.00"),))
    account.post(made)
    account.people_invoice()
    (shown,) = account.find(made)
    assert (shown.state, shown.total, shown.paid) == (RemoteState.POSTED, made.total, made.total)
    assert account.find(invoice(made)) == ()
    found = account.post(invoice(made, payments=()))
    assert found.total == made.total
    assert len(account.rows("sales/invoices")) == 1
    assert account.find(invoice(made)) == (found,)


def test_something_else_than_people_invoiced_is_refused(account: Account) -> None:
    made = order(line(), charges=())
    account.post(made)
    number = account.people_invoice(units=1)
    error = refused(account, invoice(made))
    assert error.rule == "people_invoiced"
    assert f"I{number}" in str(error)


def test_an_invoice_of_its_own_brings_its_own_order(account: Account) -> None:
    made = order()
    further = following(
        made, DocumentKind.INVOICE, line(TEE, 1, "29.95"), sequence=2, based_on=None
    )
    later = following(
        made, DocumentKind.PAYMENT, payments=(paid("29.95", "T7"),), based_on=further.key
    )
    found = account.post(made, invoice(made), further)
    assert (found.total, found.paid) == (Decimal("29.95"), 0)
    paid_later = account.post(later)
    assert paid_later.paid == Decimal("29.95")
    assert account.find(further)[0].paid == Decimal("29.95")
    assert account.find(invoice(made))[0].paid == made.total
    assert len(account.booked(DocumentKind.SALES_ORDER)) == 1
    assert len(account.booked(DocumentKind.INVOICE)) == 2


# -- returns by state -----------------------------------------------------------------------------


def test_an_open_order_is_edited_in_lines_taxes_and_payments(account: Account) -> None:
    made = order(payments=(paid("43.48"),))
    wanted = change(
        made,
        line(quantity=1, net="18.50", tax="0.74"),
        line(TEE, 1, "29.95", line_id="L2"),
        payments=(paid("43.48"), paid("10.71", "T2")),
    )
    found = account.post(made, wanted)
    assert (found.total, found.paid) == (wanted.total, Decimal("54.19"))
    assert len(account.rows("sales/orders")) == 1
    assert account.rows("sales/tickets") == []
    assert account.find(change(made, sequence=2)) == ()


def test_a_later_change_contains_the_earlier(account: Account) -> None:
    made = order()
    second = change(made, line(quantity=3, net="55.50"), sequence=2)
    account.post(made, second)
    assert account.post(change(made, line(quantity=1, net="18.50"))).total == second.total


def test_a_change_of_what_people_invoiced_in_full_is_a_ticket(account: Account) -> None:
    made = order(line(tax="1.48"), charges=(), payments=(paid("38.48"),))
    account.post(made)
    account.people_invoice()
    left = free(account)
    wanted = change(
        made, line(quantity=1, net="18.50", tax="0.74"), charges=(), payments=(paid("19.24"),)
    )
    found = account.post(wanted)
    assert (found.total, found.paid) == (Decimal("19.24"), Decimal("19.24"))
    assert found.line_count == 1
    assert free(account) == left + 1
    (ticket,) = account.rows("sales/tickets")
    assert (ticket["type"], ticket["status"]) == ("Return", "complete")
    again = change(
        made, line(quantity=1, net="18.50"), charges=(), payments=(paid("18.50"),), sequence=2
    )
    assert account.post(again).total == Decimal("18.50")
    account.post(again)
    assert len(account.rows("sales/tickets")) == 2


def test_of_a_partly_invoiced_order_only_the_rest_is_edited_and_the_billed_part_comes_back(
    account: Account,
) -> None:
    made = order(line(quantity=4, net="74.00"), charges=(), payments=(paid("74.00"),))
    account.post(made)
    account.people_invoice(units=3)
    wanted = change(made, line(quantity=2, net="37.00"), charges=(), payments=(paid("37.00"),))
    found = account.post(wanted)
    assert (found.total, found.paid) == (Decimal("37.00"), Decimal("37.00"))
    (held,) = account.rows("sales/orders/lines")
    assert held["qty"] == 3
    (ticket,) = account.rows("sales/tickets/lines")
    assert ticket["qty"] == -1
    assert account.post(wanted) == found


def test_a_closed_order_that_became_dearer_is_refused(account: Account) -> None:
    made = order(line(), charges=())
    account.post(made)
    account.people_invoice()
    error = refused(account, change(made, line(quantity=3, net="55.50"), charges=()))
    assert error.rule == "closed_order_grew"


def test_a_credit_note_balances_stock_and_money(account: Account) -> None:
    made = order()
    account.post(made, invoice(made))
    left = free(account)
    back = credit_note(
        made,
        line(quantity=1, net="18.50", tax="0.74", restock=Restock.RETURNED),
        payments=(paid("10.00"),),
    )
    found = account.post(back)
    assert (found.total, found.paid, found.state) == (
        Decimal("19.24"),
        Decimal("10.00"),
        RemoteState.POSTED,
    )
    assert free(account) == left + 1
    (ticket,) = account.rows("sales/tickets")
    (bill,) = account.rows("sales/invoices")
    assert ticket["parent_transaction_id"] == bill["id"]
    money = sum(p["amount"] for p in account.rows("sales/tickets/payments"))
    assert money == Decimal("-19.24")


def test_goods_that_do_not_come_back_move_money_and_no_stock(account: Account) -> None:
    made = order()
    account.post(made, invoice(made))
    left = free(account)
    account.post(
        credit_note(
            made,
            line(quantity=1, net="18.50", restock=Restock.NOT_RESTOCKED),
            payments=(paid("18.50"),),
        )
    )
    assert free(account) == left
    (booked,) = account.booked(DocumentKind.CREDIT_NOTE)
    assert booked.units == {SOCKS: 1}


def test_goods_that_come_back_to_two_places_are_two_tickets_and_one_document(
    account: Account,
) -> None:
    made = order(line(), line(SKILLET, 1, "49.00", line_id="L2", location_id=SECOND))
    account.post(made, invoice(made))
    back = credit_note(
        made,
        line(quantity=2, restock=Restock.RETURNED),
        line(SKILLET, 1, "49.00", line_id="L2", location_id=SECOND, restock=Restock.RETURNED),
        payments=(paid("86.00"),),
    )
    found = account.post(back)
    assert (found.total, found.paid) == (Decimal("86.00"), Decimal("86.00"))
    assert len(account.rows("sales/tickets")) == 2
    assert account.find(back) == (found,)


def test_a_credit_that_is_not_paid_back_needs_a_payment_type_for_it(account: Account) -> None:
    made = order()
    account.post(made, invoice(made))
    account.erp = account.connector(open_credit_payment_type=None)
    back = credit_note(made, line(quantity=1, net="18.50", restock=Restock.RETURNED))
    assert refused(account, back).rule == "ticket_balances"


def test_a_void_takes_payments_off_and_frees_the_stock(account: Account) -> None:
    before = free(account)
    made = order(payments=(paid("43.48"),))
    found = account.post(made, void(made))
    assert found.state is RemoteState.VOID
    assert free(account) == before
    assert account.rows("sales/orders/payments") == []
    assert account.find(made)[0].state is RemoteState.VOID


def test_a_void_of_what_people_invoiced_is_a_ticket_over_all_of_it(account: Account) -> None:
    made = order(line(tax="1.48"), charges=(), payments=(paid("38.48"),))
    account.post(made)
    before = free(account)
    account.people_invoice()
    found = account.post(void(made))
    assert (found.state, found.total, found.paid) == (RemoteState.VOID, 0, 0)
    assert free(account) == before + 2


def test_an_order_that_people_struck_out_is_an_answer_and_not_made_again(account: Account) -> None:
    made = order()
    account.post(made)
    (held,) = account.rows("sales/orders")
    account.people("PUT", f"sales/orders/{held['id']}", {"status": "canceled"})
    assert account.post(made).state is RemoteState.VOID
    assert len(account.rows("sales/orders")) == 1
    assert refused(account, invoice(made)).rule == "order_is_there"


def test_the_void_of_an_invoice_is_refused_with_what_to_do(account: Account) -> None:
    billed = replace(order().key, kind=DocumentKind.INVOICE)
    with pytest.raises(Refused, match="return ticket"):
        account.erp.prepare(following(order(), DocumentKind.VOID, sequence=2, based_on=billed))


# -- people, stock, set-up ------------------------------------------------------------------------


def customers(account: Account) -> list[dict[str, object]]:
    return [c for c in account.rows("customers") if c["public_id"] != "WEBGUEST"]


def test_a_buyer_is_made_once_also_by_callers_at_once(account: Account) -> None:
    made = [order(number=f"#{n}") for n in range(1001, 1007)]
    threads = [threading.Thread(target=account.post, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(customers(account)) == 1
    assert len(account.rows("customers/addresses")) == 1
    assert len(account.booked(DocumentKind.SALES_ORDER)) == 6


def test_a_buyer_is_found_by_mail_and_marked_and_brought_up_to_date(account: Account) -> None:
    known = {"first_name": "A.", "last_name": "Prado", "email": "ana@example.com"}
    number = account.people("POST", "customers", known)
    account.post(order())
    (found,) = customers(account)
    assert found["id"] == number
    assert found["first_name"] == "Ana Maria"
    assert found["custom"] == {"ecommerce_customer_id": "77"}
    moved = replace(ANA, email="prado@example.com", name=None)
    account.post(order(number="#1002", customer=moved, billing_address=None, shipping_address=None))
    (found,) = customers(account)
    assert found["email"] == "prado@example.com"
    assert found["first_name"] == "Ana Maria"  # what the store no longer tells stays


def test_a_mail_address_of_two_customers_holds_the_order(account: Account) -> None:
    for name in ("Ana", "Maria"):
        own = {"first_name": name, "last_name": "Prado", "email": "ana@example.com"}
        account.people("POST", "customers", own)
    assert refused(account, order()).rule == "customer_is_one"


def test_guests_are_booked_on_their_customer_with_an_address_each(account: Account) -> None:
    for number, street in (("#1001", "1 Oak"), ("#1002", "2 Oak"), ("#1003", "1 Oak")):
        home = replace(HOME, line_1=street)
        account.post(
            order(number=number, customer=None, billing_address=home, shipping_address=home)
        )
    assert customers(account) == []
    assert len(account.rows("customers/addresses")) == 2
    account.erp = account.connector(guest_customer=None)
    with pytest.raises(Refused, match="guest_customer"):
        account.erp.prepare(order(customer=Customer(None)))


def test_what_does_not_fit_is_refused_with_the_name_of_the_field(account: Account) -> None:
    long = replace(HOME, line_1="Elm Street " * 30)
    with pytest.raises(Refused) as caught:
        account.erp.prepare(order(shipping_address=long))
    assert caught.value.field == "address.line_1"
    with pytest.raises(Refused) as caught:
        account.erp.prepare(order(number="#" + "1" * 240))
    assert caught.value.field == "ecommerce_number"


def test_a_missing_row_is_named(account: Account) -> None:
    for made, kind in (
        (order(payments=(paid("43.48", gateway="klarna"),)), "payment"),
        (order(shipping_method="Courier"), "shipping"),
        (order(line(sku=None, title="Odd thing")), "sku"),
        (order(line(location_id="gid://shopify/Location/9")), "location"),
    ):
        with pytest.raises(MappingMissing) as caught:
            account.erp.prepare(made)
        assert caught.value.kind == kind


def test_stock_is_what_is_available_and_unknown_items_are_left_out(account: Account) -> None:
    account.rig.set_stock(SOCKS, Decimal(7))
    account.post(order())
    needs = [StockNeed(SOCKS, None), StockNeed(SOCKS, SECOND), StockNeed("NO-SUCH", None)]
    digital = next(i for i in account.rows("items") if not i["is_tracked"])["public_id"]
    found = account.erp.available([*needs, StockNeed(str(digital), None)])
    assert found == {needs[0]: 5, needs[1]: 50_000}
    assert account.erp.unknown_skus([SOCKS, "NO-SUCH"]) == {"NO-SUCH"}


def test_preflight_names_everything_that_is_missing(account: Account) -> None:
    account.erp = account.connector(
        default_location="NOWHERE",
        station_id=7,
        open_credit_payment_type="Credit",
        reference_field="web_number",
    )
    with pytest.raises(ConfigurationError) as caught:
        account.erp.preflight()
    for words in ("NOWHERE", "station 7", "'Credit'", "'web_number'"):
        assert words in str(caught.value)
    require_field(account)
    account.erp = account.connector()
    with pytest.raises(ConfigurationError, match="gift_message"):
        account.erp.preflight()
    account.erp = account.connector(custom_fields={"gift_message": "-"})
    account.erp.preflight()


def test_a_payment_type_that_the_account_lost_is_refused_with_the_map(account: Account) -> None:
    maps = {**account.rig.maps, "payment": {"shopify_payments": "Gone"}}
    account.erp = account.connector(maps)
    error = refused(account, order(payments=(paid("43.48"),)))
    assert (error.rule, error.field) == ("payment_types_known", "payment_types")


def test_another_currency_is_refused(account: Account) -> None:
    with pytest.raises(Refused, match="EUR"):
        account.erp.prepare(replace(order(), currency="EUR"))


def test_a_prefix_keeps_two_stores_of_one_account_apart(account: Account) -> None:
    account.post(order())
    account.erp = account.connector(reference_prefix="B-")
    assert account.find(order()) == ()
    account.post(order())
    numbers = [b.order_number for b in account.booked()]
    assert sorted(numbers) == ["#1001", "B-#1001"]


def test_non_goods_are_items_of_the_charge_map(account: Account) -> None:
    gift = line(None, 1, "50.00", kind=LineKind.GIFT_CARD, title="Gift card")  # type: ignore[arg-type]
    account.post(document(DocumentKind.SALES_ORDER, gift))
    (held,) = account.rows("sales/orders/lines")
    item = account.state.get("items", held["item_id"])
    assert item["public_id"] == "GIFT-CARD-SOLD"


def test_many_documents_are_looked_up_in_few_calls(account: Account) -> None:
    made = order()
    account.post(made, invoice(made))
    kinds = (DocumentKind.SALES_ORDER, DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE)
    keys = [
        (replace(made.key, order_id_store=f"id-#{n}", kind=kind), f"#{n}")
        for n in range(1000, 1100)
        for kind in kinds
    ]
    log = account.rig.sandbox.log
    before = len(log)
    found = account.erp.find(keys)
    assert {key.kind for key in found} == {DocumentKind.SALES_ORDER, DocumentKind.INVOICE}
    assert {key.order_id_store for key in found} == {"id-#1001"}
    assert len(log) - before <= 12
