"""The Tryton connector on a real Tryton server: what is in its own tables after every document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy

from include.domain.document import Document, DocumentKind, RemoteState
from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    Refused,
    RemoteUnavailable,
)
from include.domain.order import ChargeKind, Customer, LineKind, Restock
from include.sandbox.rig import RigFault
from local.postgres import EmbeddedPostgres
from tests.integration.tryton_company import (
    DAY,
    TrytonCompany,
    charge,
    document,
    goods,
    invoice,
    key,
    payment,
    sale,
    tax,
    tryton_company,
)

ZERO = Decimal(0)
SHIPPING = charge(ChargeKind.SHIPPING, "5.00")


@pytest.fixture(scope="module")
def company(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrytonCompany]:
    folder = tmp_path_factory.mktemp("tryton")
    with tryton_company(postgres_server, folder, "company") as made:
        yield made


def mug(quantity: int = 2, **more: Any) -> Any:
    net, amount = 14 * quantity, Decimal("0.56") * quantity
    return goods("MUG-ENM", quantity, f"{net}.00", tax(f"{net}.00", str(amount)), **more)


def change(of: Document, *lines: Any, sequence: int = 1, **more: Any) -> Document:
    number = of.key.order_id_store
    kind = DocumentKind.ORDER_CHANGE
    return document(number, kind, lines, sequence=sequence, based_on=of.key, **more)


def credit(of: Document, *lines: Any, **more: Any) -> Document:
    own = of.key.order_id_store
    return document(own, DocumentKind.CREDIT_NOTE, lines, based_on=of.key, **more)


def void(of: Document) -> Document:
    return document(of.key.order_id_store, DocumentKind.VOID, based_on=of.key)


def find(company: TrytonCompany, *documents: Document) -> list[Any]:
    found = company.usual.find([(one.key, one.order_number) for one in documents])
    assert all(len(matches) == 1 for matches in found.values())
    return [found[one.key][0] if one.key in found else None for one in documents]


def settled(company: TrytonCompany, order: Document) -> bool:
    return order.key.order_id_store not in company.rig.books.unsettled()


def test_an_order_is_shipped_billed_and_paid_to_the_cent(company: TrytonCompany) -> None:
    before, ledger = company.rig.books.on_hand("WH"), company.rig.books.ledger()
    order = sale(mug(2), charges=(SHIPPING,))
    bill = invoice(order, payment("34.12"))
    ordered, billed = company.post(order, bill)
    assert (ordered.total, ordered.line_count, ordered.state) == (
        Decimal("34.12"),
        2,
        RemoteState.OPEN,
    )
    assert (billed.total, billed.paid, billed.state) == (
        Decimal("34.12"),
        Decimal("34.12"),
        RemoteState.POSTED,
    )
    (held,) = company.booked(order, DocumentKind.INVOICE)
    assert (held.total, held.tax, held.paid, held.units) == (
        Decimal("34.12"),
        Decimal("1.12"),
        Decimal("34.12"),
        {"MUG-ENM": 2},
    )
    assert before["MUG-ENM"] - company.rig.books.on_hand("WH")["MUG-ENM"] == 2
    after = company.rig.books.ledger()
    gone = {c: v - ledger.get(c, ZERO) for c, v in after.items() if v != ledger.get(c, ZERO)}
    assert gone == {"1.9.1": Decimal("34.12"), "2.9.2": Decimal("-1.12"), "4.1.1": Decimal(-33)}
    assert settled(company, order)
    assert company.booked(order, DocumentKind.SALES_ORDER)[0].state is RemoteState.POSTED


def test_a_document_that_is_posted_again_is_the_one_that_is_there(company: TrytonCompany) -> None:
    order = sale(mug(1))
    bill = invoice(order, payment("14.56"))
    back = credit(bill, mug(1, restock=Restock.RETURNED), payments=(payment("14.56", "2"),))
    first = company.post(order, bill, back)
    again = company.post(order, bill, back, erp=company.erp())
    assert [one.reference for one in again] == [one.reference for one in first]
    assert len(company.booked(order)) == 3


def test_tryton_itself_refuses_a_second_sale_of_an_order(company: TrytonCompany) -> None:
    order = sale(mug(1))
    company.post(order)
    admin = company.rig.admin
    domain = [["web_id", "=", order.key.order_id_store]]
    fields = ["party", "invoice_address", "shipment_address", "company", "currency", "web_shop"]
    (row,) = admin.search("sale.sale", domain, fields)
    values = {name: row[name] for name in fields} | {"web_id": order.key.order_id_store}
    with pytest.raises(Refused):
        admin.create("sale.sale", [values])


def test_what_stock_does_not_cover_waits_and_is_billed_when_it_came(company: TrytonCompany) -> None:
    rig = company.rig
    rig.set_stock("NAV-CMP", Decimal(3))
    order = sale(goods("NAV-CMP", 5, "135.00"), payments=(payment("135.00"),))
    (held,) = company.post(order)
    assert (held.back_ordered, held.paid) == (2, Decimal("135.00"))
    assert held.short == ((order.lines[0].line_id, 2),)
    assert rig.free_units("NAV-CMP") == 0
    rig.set_stock("NAV-CMP", Decimal(30))
    company.post(change(order, goods("NAV-CMP", 5, "135.00"), payments=(payment("135.00"),)))
    assert find(company, order)[0].back_ordered == 0
    (billed,) = company.post(invoice(order, payment("135.00")))
    assert billed.paid == Decimal("135.00")
    assert rig.books.on_hand("WH")["NAV-CMP"] == 25
    assert settled(company, order)


def test_a_part_is_billed_and_shipped_and_the_rest_stays(company: TrytonCompany) -> None:
    rig = company.rig
    rig.set_stock("NAV-MAP", Decimal(2))
    order = sale(goods("NAV-MAP", 5, "65.00"), mug(1), payments=(payment("79.56"),))
    company.post(order)
    own = order.key.order_id_store
    lines = (goods("NAV-MAP", 2, "26.00"), mug(1))
    first = document(
        own, DocumentKind.INVOICE, lines, payments=(payment("40.56"),), based_on=order.key
    )
    company.post(first)
    assert rig.books.on_hand("WH")["NAV-MAP"] == 0
    assert company.booked(order, DocumentKind.SALES_ORDER)[0].back_ordered == 3
    rig.set_stock("NAV-MAP", Decimal(10))
    rest = document(
        own,
        DocumentKind.INVOICE,
        (goods("NAV-MAP", 3, "39.00"),),
        payments=(payment("39.00"),),
        sequence=2,
        based_on=order.key,
    )
    company.post(rest)
    assert rig.books.on_hand("WH")["NAV-MAP"] == 7
    assert settled(company, order)
    assert find(company, order, first, rest)[0].state is RemoteState.POSTED


def test_more_is_reserved_than_an_invoice_bills(company: TrytonCompany) -> None:
    company.rig.set_stock("AID-KIT", Decimal(9))
    order = sale(goods("AID-KIT", 4, "128.00"), mug(2))
    company.post(order)
    own = order.key.order_id_store
    part = (goods("AID-KIT", 1, "32.00"),)
    company.post(document(own, DocumentKind.INVOICE, part, based_on=order.key))
    assert company.rig.books.on_hand("WH")["AID-KIT"] == 8
    assert company.rig.free_units("AID-KIT") == 5
    assert find(company, order)[0].back_ordered == 0


def test_a_change_leaves_the_order_as_it_should_stand(company: TrytonCompany) -> None:
    rig = company.rig
    rig.set_stock("PAD-CCF", Decimal(20))
    order = sale(mug(3), goods("PAD-CCF", 4, "180.00"), payments=(payment("223.68"),))
    company.post(order)
    assert rig.free_units("PAD-CCF") == 16
    moved = replace(order.shipping_address, line_1="9 Elsewhere Rd")  # type: ignore[type-var]
    first = change(
        order,
        mug(1),
        goods("BTL-750", 2, "68.00"),
        payments=(payment("82.56"),),
        shipping_address=moved,
    )
    (changed,) = company.post(first)
    assert (changed.total, changed.line_count, changed.paid) == (
        Decimal("82.56"),
        2,
        Decimal("82.56"),
    )
    assert rig.free_units("PAD-CCF") == 20
    (held,) = company.booked(order, DocumentKind.SALES_ORDER)
    assert held.units == {"MUG-ENM": 1, "BTL-750": 2}
    assert held.street == "9 Elsewhere Rd"
    second = change(order, mug(1), sequence=2, payments=(payment("14.56"),))
    company.post(second)
    late = company.post(first)[0]
    assert late.total == Decimal("14.56")
    assert [one.total for one in find(company, order, first, second)] == [Decimal("14.56")] * 3
    company.post(invoice(replace(second, key=order.key, based_on=None), payment("14.56")))
    assert settled(company, order)


def test_a_change_below_what_is_billed_is_refused_with_words(company: TrytonCompany) -> None:
    order = sale(mug(3))
    company.post(order, invoice(order))
    with pytest.raises(Refused, match=r"shipped or billed in Tryton, the change leaves 1"):
        company.post(change(order, mug(1)))


def test_a_void_leaves_neither_order_nor_deposit_nor_reservation(company: TrytonCompany) -> None:
    company.rig.set_stock("FLT-WTR", Decimal(6))
    order = sale(goods("FLT-WTR", 4, "176.00"), payments=(payment("176.00"),))
    company.post(order)
    (gone,) = company.post(void(order))
    assert gone.state is RemoteState.VOID
    assert company.rig.free_units("FLT-WTR") == 6
    (held,) = company.booked(order)
    assert (held.state, held.total, held.paid) == (RemoteState.VOID, 0, 0)
    assert settled(company, order)
    assert [one.state for one in find(company, order, void(order))] == [RemoteState.VOID] * 2


def test_goods_come_back_only_where_the_shop_says_so(company: TrytonCompany) -> None:
    order = sale(mug(4))
    bill = invoice(order, payment("58.24"))
    company.post(order, bill)
    before = company.rig.books.on_hand("WH")["MUG-ENM"]
    back = credit(
        bill,
        mug(1, restock=Restock.RETURNED),
        mug(2, restock=Restock.NOT_RESTOCKED),
        payments=(payment("43.68", "2"),),
    )
    (credited,) = company.post(back)
    assert (credited.total, credited.paid) == (Decimal("43.68"), Decimal("43.68"))
    assert company.rig.books.on_hand("WH")["MUG-ENM"] == before + 1
    (held,) = company.booked(order, DocumentKind.CREDIT_NOTE)
    assert (held.total, held.tax, held.units) == (
        Decimal("43.68"),
        Decimal("1.68"),
        {"MUG-ENM": 3},
    )
    assert settled(company, order)


def test_an_addition_after_the_invoice_is_shipped_billed_and_paid_later(
    company: TrytonCompany,
) -> None:
    order = sale(mug(1))
    company.post(order, invoice(order, payment("14.56")))
    own = order.key.order_id_store
    before = company.rig.books.on_hand("WH")["SPK-TIT"]
    more = document(own, DocumentKind.INVOICE, (goods("SPK-TIT", 2, "25.00"),), sequence=2)
    (billed,) = company.post(more)
    assert (billed.total, billed.paid) == (25, 0)
    assert company.rig.books.on_hand("WH")["SPK-TIT"] == before - 2
    assert company.rig.books.unsettled()[own] == 25
    paid = document(own, DocumentKind.PAYMENT, payments=(payment("25.00", "3"),), based_on=more.key)
    company.post(paid)
    assert settled(company, order)
    ordered, later, money = find(company, order, more, paid)
    assert (ordered.total, later.paid, money.paid) == (Decimal("14.56"), 25, 25)


def test_a_gift_card_is_owed_until_it_is_redeemed(company: TrytonCompany) -> None:
    def owed() -> Decimal:
        return -company.rig.books.ledger().get("2.9.1", ZERO)

    before = owed()
    card = goods("GIFT-50", 1, "50.00", kind=LineKind.GIFT_CARD)
    order = sale(card)
    company.post(order, invoice(order, payment("50.00")))
    assert owed() == before + 50
    assert company.rig.books.ledger()["4.9.4"] == 0
    other = sale(mug(1))
    company.post(other, invoice(other, payment("14.56", gateway="gift_card")))
    assert owed() == before + 50 - Decimal("14.56")


def test_taxes_are_the_shops_however_tryton_would_round(company: TrytonCompany) -> None:
    odd = goods("MUG-ENM", 3, "41.99", tax("41.99", "1.71"))
    order = sale(odd)
    ordered, billed = company.post(order, invoice(order, payment("43.70")))
    assert (ordered.total, billed.total) == (Decimal("43.70"), Decimal("43.70"))
    assert [one.tax for one in company.booked(order)] == [Decimal("1.71")] * 2
    assert company.booked(order, DocumentKind.SALES_ORDER)[0].state is RemoteState.POSTED


def test_amounts_that_no_unit_price_ties_to_are_two_lines(company: TrytonCompany) -> None:
    order = sale(goods("HRD-CRB", 999, "1148.81"), goods("BND-CTN", 3, "20.00"))
    ordered, billed = company.post(order, invoice(order, payment("1168.81")))
    assert ordered.total == billed.total == Decimal("1168.81")
    assert company.booked(order, DocumentKind.INVOICE)[0].units == {"HRD-CRB": 999, "BND-CTN": 3}


def test_lines_leave_the_warehouse_of_their_location(company: TrytonCompany) -> None:
    first, second = list(company.rig.maps["location"])
    before = company.rig.free_units("TOL-KNF", second)
    here = goods("MUG-ENM", 1, "14.00", location_id=first)
    order = sale(here, goods("TOL-KNF", 2, "84.00", location_id=second))
    ordered, billed = company.post(order, invoice(order, payment("98.00")))
    assert ordered.total == billed.total == 98
    assert company.rig.free_units("TOL-KNF", second) == before - 2
    assert len(company.booked(order)) == 2


def test_a_closed_period_is_refused_and_the_first_open_day_is_booked(
    company: TrytonCompany,
) -> None:
    march = date(2026, 3, 10)
    company.rig.close_period(march)
    assert company.usual.first_open_on(march) == date(2026, 4, 1)
    order = sale(mug(1), document_on=march)
    late = invoice(order, payment("14.56"))
    company.post(order)
    with pytest.raises(Refused, match="period"):
        company.post(late)
    company.post(replace(late, post_on=date(2026, 4, 1)))
    admin = company.rig.admin
    mark = [["description", "=", f"{order.key.order_id_store}:invoice:1"]]
    (row,) = admin.search("account.invoice", mark, ["accounting_date", "move.period.name"])
    assert row["accounting_date"] == date(2026, 4, 1)
    assert row["move."]["period."]["name"] == "2026-04"


def test_an_invoice_that_comes_late_keeps_its_day_in_the_ledger(company: TrytonCompany) -> None:
    for day in (date(2026, 11, 20), date(2026, 11, 2)):
        order = sale(mug(1), document_on=day)
        company.post(order, invoice(order, payment("14.56")))
    mark = [["description", "=", f"{order.key.order_id_store}:invoice:1"]]
    (row,) = company.rig.admin.search("account.invoice", mark, ["invoice_date", "move.date"])
    assert row["move."]["date"] == date(2026, 11, 2)
    assert row["invoice_date"] >= date(2026, 11, 20)


def test_a_warning_is_acknowledged_only_from_the_list(company: TrytonCompany) -> None:
    term = {"name": "At once", "lines": [["create", [{"type": "remainder"}]]]}
    company.rig.admin.create("account.invoice.payment_term", [term])
    order = sale(mug(1), document_on=date(2026, 11, 3))
    bill = invoice(order, payment("14.56"))
    strict = company.erp(payment_term="At once", acknowledged_warnings=())
    company.post(order, erp=strict)
    with pytest.raises(Refused, match=r"Tryton warns \(invoice_payment_term\)") as refused:
        company.post(bill, erp=strict)
    assert refused.value.remote
    assert find(company, bill) == [None]
    company.post(bill, erp=company.erp(payment_term="At once"))
    assert settled(company, order)


@pytest.mark.parametrize("at", range(9))
def test_an_invoice_whose_poster_dies_at_any_call_is_made_once(
    company: TrytonCompany, at: int
) -> None:
    order = sale(mug(2), payments=(payment("20.00"),))
    company.post(order)
    before = company.rig.books.on_hand("WH")["MUG-ENM"]
    bill = invoice(order, payment("20.00"), payment("9.12", "2", "paypal"))
    fault = RigFault.LOST_ANSWER if at % 2 else RigFault.LOST_CALL
    company.rig.fail(fault, after=at)
    try:
        company.post(bill, erp=company.erp())
    except AmbiguousOutcome:
        company.rig.mend()
        company.post(bill, erp=company.erp())
    company.rig.mend()
    (held,) = company.booked(order, DocumentKind.INVOICE)
    assert (held.state, held.paid) == (RemoteState.POSTED, Decimal("29.12"))
    assert company.rig.books.on_hand("WH")["MUG-ENM"] == before - 2
    assert company.rig.books.unsettled().get(order.key.order_id_store, ZERO) == 0


@pytest.mark.parametrize("at", range(8))
def test_a_later_life_whose_poster_dies_at_any_call_is_made_once(
    company: TrytonCompany, at: int
) -> None:
    kept, gone = sale(mug(2), payments=(payment("29.12"),)), sale(mug(1))
    company.post(kept, gone)
    changed = change(kept, mug(1), goods("BTL-750", 1, "34.00"), payments=(payment("48.56"),))
    bill = invoice(replace(changed, key=kept.key, based_on=None), payment("48.56"))
    back = credit(bill, mug(1, restock=Restock.RETURNED), payments=(payment("14.56", "2"),))
    for one in (changed, void(gone), bill, back):
        company.rig.fail(RigFault.LOST_ANSWER, after=at)
        try:
            company.post(one, erp=company.erp())
        except AmbiguousOutcome:
            company.rig.mend()
            company.post(one, erp=company.erp())
        company.rig.mend()
    kinds = [b.kind for b in company.booked(kept)]
    assert sorted(kinds) == ["credit_note", "invoice", "sales_order"]
    (ordered,) = company.booked(kept, DocumentKind.SALES_ORDER)
    assert (ordered.total, ordered.paid) == (Decimal("48.56"), Decimal("48.56"))
    assert company.booked(gone)[0].state is RemoteState.VOID
    assert company.rig.books.unsettled().get(kept.key.order_id_store, ZERO) == 0


def test_a_document_that_was_only_begun_is_not_found(company: TrytonCompany) -> None:
    order = sale(mug(1))
    company.rig.fail(RigFault.LOST_CALL, after=2)
    with pytest.raises(AmbiguousOutcome):
        company.post(order, erp=company.erp())
    company.rig.mend()
    assert find(company, order) == [None]
    company.post(order)
    assert find(company, order)[0].total == Decimal("14.56")


def test_a_buyer_is_one_party_found_by_id_or_by_e_mail(company: TrytonCompany) -> None:
    admin = company.rig.admin
    known = {
        "name": "Bo Reed",
        "code": "C-BO",
        "contact_mechanisms": [["create", [{"type": "email", "value": "bo@example.com"}]]],
    }
    admin.create("party.party", [known])
    bo = Customer("gid://shopify/Customer/501", "Bo Reed", "Bo@Example.com")
    new = Customer("gid://shopify/Customer/502", "Cy Lane", "cy@example.com")
    orders = [sale(mug(1), customer=who) for who in (bo, new, new, None)]
    company.post(*orders)
    rows = admin.search(
        "sale.sale",
        [["web_id", "in", [one.key.order_id_store for one in orders]]],
        ["party.code"],
    )
    assert [row["party."]["code"] for row in rows] == ["C-BO", "WEB502", "WEB502", "WEBGUEST"]


def test_an_e_mail_address_of_several_parties_holds_the_order(company: TrytonCompany) -> None:
    twice = [
        {
            "name": "Di Moss",
            "code": f"C-DI-{n}",
            "contact_mechanisms": [["create", [{"type": "email", "value": "di@example.com"}]]],
        }
        for n in (1, 2)
    ]
    company.rig.admin.create("party.party", twice)
    who = Customer("gid://shopify/Customer/503", "Di Moss", "di@example.com")
    with pytest.raises(Refused, match=r"C-DI-1, C-DI-2.*customer map"):
        company.post(sale(mug(1), customer=who))


def test_a_session_that_ran_out_is_renewed(company: TrytonCompany) -> None:
    erp = company.erp()
    erp.preflight()
    engine = company.rig.books.engine
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("delete from ir_session"))
    assert company.post(sale(mug(1)), erp=erp)[0].total == Decimal("14.56")


def test_who_is_not_let_in_is_told_so(company: TrytonCompany) -> None:
    with pytest.raises(ConfigurationError, match="login or its password"):
        company.erp(company.rig.with_wrong_credentials()).preflight()


def test_a_database_that_is_not_there_is_named(company: TrytonCompany) -> None:
    own = company.rig.remote
    facts = replace(own.facts, extra={"database": "no_such_database"})
    with pytest.raises((ConfigurationError, RemoteUnavailable)):
        company.erp(replace(own, facts=facts)).preflight()


def test_everything_that_is_missing_is_named_at_once(company: TrytonCompany) -> None:
    wrong = company.erp(web_shop="Nowhere", guest_customer="NOBODY", default_warehouse="W9")
    with pytest.raises(ConfigurationError) as refused:
        wrong.preflight()
    for word in ("web shop Nowhere", "warehouse W9"):
        assert word in str(refused.value)


def test_another_currency_than_the_books_is_refused(company: TrytonCompany) -> None:
    with pytest.raises(Refused, match="in EUR, the books in USD"):
        company.post(replace(sale(mug(1)), currency="EUR"))


def test_the_day_of_a_document_is_its_day_in_tryton(company: TrytonCompany) -> None:
    order = sale(mug(1))
    company.post(order)
    domain = [["web_id", "=", order.key.order_id_store]]
    (row,) = company.rig.admin.search("sale.sale", domain, ["sale_date", "reference"])
    assert (row["sale_date"], row["reference"]) == (DAY, order.order_number)
    assert find(company, replace(order, key=key("gid://shopify/Order/0", order.key.kind))) == [None]
