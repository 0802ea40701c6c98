"""An order's later life in the sandbox company: changes, voids, returns, bills, payments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from include.connectors.erps.dynamics_gp.sandbox.wire import wire
from include.domain.document import Document, DocumentKey, DocumentKind, RemoteState
from include.domain.errors import AmbiguousOutcome, Refused, RemoteUnavailable
from include.domain.order import ChargeKind, LineKind, Restock
from local.postgres import EmbeddedPostgres
from tests.integration.gp_company import (
    BATCH,
    DAY,
    TAX,
    Company,
    charge,
    company,
    document,
    goods,
    invoice,
    payment,
)

Fresh = Callable[[], AbstractContextManager[Company]]
ROOT = Path(__file__).resolve().parents[2]
ORDER_KEY = DocumentKey("shopify_gp", "1001", DocumentKind.SALES_ORDER)
INVOICE_KEY = replace(ORDER_KEY, kind=DocumentKind.INVOICE)


@pytest.fixture(scope="module")
def fresh(postgres_server: EmbeddedPostgres) -> Iterator[Fresh]:
    with company(postgres_server) as made:
        template = make_url(made.url).database
        yield lambda: company(postgres_server, template)


@pytest.fixture
def books(fresh: Fresh) -> Iterator[Company]:
    with fresh() as made:
        yield made


def numbered(kind: DocumentKind, sequence: int = 1) -> DocumentKey:
    return replace(ORDER_KEY, kind=kind, sequence=sequence)


def change(sequence: int = 1, **more: Any) -> Document:
    return document(key=numbered(DocumentKind.ORDER_CHANGE, sequence), based_on=ORDER_KEY, **more)


def void_order() -> Document:
    return document(key=numbered(DocumentKind.VOID), lines=(), based_on=ORDER_KEY)


def void_invoice(sequence: int = 1) -> Document:
    return document(
        key=numbered(DocumentKind.VOID, sequence + 1),
        lines=(),
        based_on=numbered(DocumentKind.INVOICE, sequence),
    )


def credit(sequence: int = 1, **more: Any) -> Document:
    more.setdefault("based_on", INVOICE_KEY)
    return document(key=numbered(DocumentKind.CREDIT_NOTE, sequence), **more)


def paying(sequence: int, *payments: Any, on: DocumentKey = INVOICE_KEY) -> Document:
    return document(
        key=numbered(DocumentKind.PAYMENT, sequence), lines=(), payments=payments, based_on=on
    )


def back(
    sku: str = "MUG", quantity: int = 1, net: str = "14.00", restock: Restock = Restock.RETURNED
) -> Any:
    return replace(goods(sku, quantity, net), restock=restock)


def post(books: Company, *documents: Document, **settings: Any) -> list[Any]:
    erp = books.erp(**settings)
    remotes = [erp.post(erp.prepare(doc)) for doc in documents]
    for doc, remote in zip(documents, remotes, strict=True):
        again = erp.post(erp.prepare(doc))
        assert again.reference == remote.reference, "posting again has to be without effect"
    erp.close()
    return remotes


def find(books: Company, *keys: DocumentKey) -> dict[DocumentKey, Any]:
    erp = books.erp()
    found = erp.find([(key, "#1001") for key in keys])
    erp.close()
    assert all(len(matches) == 1 for matches in found.values())
    return {key: matches[0] for key, matches in found.items()}


def lines_of(books: Company) -> list[tuple[str, int, int, int]]:
    """Item, left to invoice, back-ordered, cancelled."""
    rows = books.run(
        "select itemnmbr, qtytoinv, qtytbaor, qtycance from sop10200 where soptype = 2"
        " order by lnitmseq"
    )
    return [(row[0], int(row[1]), int(row[2]), int(row[3])) for row in rows]


def returned(books: Company, item: str = "MUG") -> tuple[int, int, int]:
    """On hand, returned, damaged."""
    row = books.run(
        "select qtyonhnd, qtyrtrnd, qtydmged from iv00102"
        " where itemnmbr = :item and locncode = 'MAIN' and rcrdtype = 2",
        item=item,
    )[0]
    return (int(row[0]), int(row[1]), int(row[2]))


# -- order change -----------------------------------------------------------------------------


def test_a_change_leaves_the_order_as_it_should_stand_under_its_own_number(books: Company) -> None:
    (order,) = post(
        books, document(lines=(goods("MUG", 2, "28.00", (TAX,)), goods("TENT", 1, "100.00")))
    )
    (changed,) = post(
        books,
        change(
            lines=(
                goods("TENT", 2, "200.00"),
                goods(None, 1, "12.00", kind=LineKind.CUSTOM, title="Engraving", line_id="eng"),
            ),
            charges=(charge(ChargeKind.SHIPPING, "5.00"),),
        ),
    )
    assert changed.reference == order.reference
    assert (changed.total, changed.line_count) == (Decimal("217.00"), 2)
    assert lines_of(books) == [("MUG", 0, 0, 2), ("TENT", 2, 0, 0), ("CUSTOM", 1, 0, 0)]
    assert books.stock("MUG") == (100, 0, 0)
    assert books.stock("TENT") == (3, 2, 0)
    header = books.run("select subtotal, frtamnt, taxamnt, docamnt, docdate from sop10100")[0]
    assert header == (212, 5, 0, 217, DAY)
    assert books.run("select numoftrx, bchtotal from sy00500") == [(1, 217)]


def test_a_change_is_found_by_its_sequence_and_a_later_one_includes_it(books: Company) -> None:
    first, second, third = (numbered(DocumentKind.ORDER_CHANGE, n) for n in (1, 2, 3))
    post(books, document())
    assert set(find(books, ORDER_KEY, first)) == {ORDER_KEY}
    post(books, change(1, lines=(goods("MUG", 3, "42.00"),)))
    assert set(find(books, first, second)) == {first}
    post(books, change(2, lines=(goods("MUG", 1, "14.00"),)))
    found = find(books, ORDER_KEY, first, second, third)
    assert set(found) == {ORDER_KEY, first, second}
    assert {remote.total for remote in found.values()} == {Decimal(14)}
    assert lines_of(books) == [("MUG", 1, 0, 2)]
    erp = books.erp()
    late = erp.post(erp.prepare(change(1, lines=(goods("MUG", 3, "42.00"),))))
    assert (late.total, lines_of(books)) == (Decimal(14), [("MUG", 1, 0, 2)])


def test_a_line_that_was_taken_off_and_comes_back_is_the_same_line(books: Company) -> None:
    both = (goods("MUG", 2, "28.00"), goods("TENT", 1, "100.00"))
    post(books, document(lines=both), change(1, lines=both[:1]), change(2, lines=both))
    assert lines_of(books) == [("MUG", 2, 0, 0), ("TENT", 1, 0, 0)]
    assert books.stock("TENT") == (3, 1, 0)


def test_taxes_of_a_change_replace_what_the_order_had(books: Company) -> None:
    city = replace(TAX, title="NY City Tax", amount=Decimal("1.37"))
    freight = charge(ChargeKind.SHIPPING, "5.00", (replace(TAX, amount=Decimal("0.20")),))
    post(
        books,
        document(lines=(goods("MUG", 2, "28.00", (TAX,)),), charges=(freight,)),
        change(1, lines=(goods("MUG", 2, "28.00", (city,)),)),
    )
    assert books.run("select taxamnt, frttxamt, docamnt from sop10100") == [
        (Decimal("1.37"), 0, Decimal("29.37"))
    ]


def test_a_change_with_a_longer_line_is_back_ordered_where_stock_is_short(books: Company) -> None:
    post(books, document(lines=(goods("TENT", 1, "100.00"),)))
    (changed,) = post(books, change(lines=(goods("TENT", 5, "500.00", back_ordered=2),)))
    assert changed.back_ordered == 2
    assert lines_of(books) == [("TENT", 3, 2, 0)]
    assert books.stock("TENT") == (3, 3, 2)


def test_deposits_follow_the_change_new_modified_and_gone(books: Company) -> None:
    other = replace(payment("5.00", "cash"), tender_id="gid://shopify/OrderTransaction/9")
    rows = "select authcode, amntpaid from sop10103 order by seqnumbr"
    post(books, document(payments=(payment("28.00"),)))
    (changed,) = post(books, change(1, payments=(payment("20.00"), other)))
    assert changed.paid == 25
    assert books.run(rows) == [("5551234", 20), ("9", 5)]
    (changed,) = post(books, change(2, payments=(other,)))
    assert changed.paid == 5
    assert books.run(rows) == [("9", 5)]
    assert books.run("select pymtrcvd, deprecvd, acctamnt from sop10100") == [(5, 5, 23)]


def test_a_changed_order_is_billed_line_by_line_and_leaves_nothing_behind(books: Company) -> None:
    lines = (goods("TENT", 1, "100.00"), goods("RARE", 1, "9.00"))
    post(
        books,
        document(lines=(goods("MUG", 2, "28.00"), *lines)),
        change(lines=lines),
        invoice(lines=lines),
    )
    assert find(books, ORDER_KEY)[ORDER_KEY].state is RemoteState.POSTED
    assert books.stock("TENT") == (3, 1, 0)
    assert books.stock("RARE") == (1, 1, 0)
    assert books.stock("MUG") == (100, 0, 0)
    assert books.value("select sum(qtyprinv) from sop30300") == 2


def test_a_change_of_an_order_that_is_billed_in_full_is_refused_with_words(books: Company) -> None:
    post(books, document(), invoice())
    erp = books.erp()
    with pytest.raises(Refused, match="transferred in full and is in history: bill or credit"):
        erp.post(erp.prepare(change()))


def test_a_change_of_a_voided_or_missing_order_is_refused_with_words(books: Company) -> None:
    erp = books.erp()
    with pytest.raises(Refused, match="GP holds no WEBORD #1001"):
        erp.post(erp.prepare(change()))
    post(books, document(), void_order())
    with pytest.raises(Refused, match="is void in GP"):
        erp.post(erp.prepare(change()))


def test_a_change_below_what_is_invoiced_is_refused_with_words(books: Company) -> None:
    post(books, document(lines=(goods("MUG", 3, "42.00"),)), invoice())
    erp = books.erp()
    with pytest.raises(Refused, match=r"2\S* of MUG are invoiced"):
        erp.post(erp.prepare(change(lines=(goods("MUG", 1, "14.00"),))))
    (changed,) = post(books, change(lines=(goods("MUG", 2, "28.00"),)))
    assert (changed.total, changed.state) == (28, RemoteState.POSTED)


def test_a_line_that_a_person_added_stops_the_change(books: Company) -> None:
    post(books, document())
    books.run("insert into sop10200 (soptype, sopnumbe, lnitmseq, itemnmbr, quantity)"
              " values (2, 'ORDW000001', 99, 'GIFT', 1)")  # fmt: skip
    erp = books.erp()
    with pytest.raises(Refused, match="did not come from the store"):
        erp.post(erp.prepare(change(lines=(goods("MUG", 3, "42.00"),))))


# -- void -------------------------------------------------------------------------------------


def test_an_order_in_work_is_voided_with_its_deposit_and_its_allocation(books: Company) -> None:
    post(books, document(payments=(payment("28.00"),)))
    key = numbered(DocumentKind.VOID)
    assert find(books, key) == {}
    (gone,) = post(books, void_order())
    assert (gone.reference, gone.state, gone.total) == ("ORDW000001", RemoteState.VOID, 0)
    assert books.stock("MUG") == (100, 0, 0)
    assert books.value("select count(*) from sop10103") == 0
    found = find(books, key, ORDER_KEY)
    assert [remote.state for remote in found.values()] == [RemoteState.VOID] * 2


def test_voiding_an_invoice_gives_the_order_its_quantities_back(books: Company) -> None:
    lines = (goods("TENT", 3, "300.00"),)
    post(books, document(lines=lines), invoice(lines=lines, payments=(payment("300.00"),)))
    erp = books.erp()
    with pytest.raises(Refused, match="void its invoice first"):
        erp.post(erp.prepare(void_order()))
    (gone,) = post(books, void_invoice())
    assert (gone.reference, gone.state) == ("INVW000001", RemoteState.VOID)
    assert find(books, ORDER_KEY)[ORDER_KEY].state is RemoteState.OPEN
    assert lines_of(books) == [("TENT", 3, 0, 0)]
    assert books.stock("TENT") == (3, 3, 0)
    post(books, void_order())
    assert books.stock("TENT") == (3, 0, 0)
    assert books.value("select count(*) from sop10100") == 0
    assert books.run("select sum(numoftrx), sum(bchtotal) from sy00500") == [(0, 0)]
    keys = (numbered(DocumentKind.VOID, 1), numbered(DocumentKind.VOID, 2))
    assert set(find(books, *keys)) == set(keys)


def test_a_posted_invoice_is_not_voided_and_the_words_say_what_to_do(books: Company) -> None:
    post(books, document(), invoice())
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    erp = books.erp()
    with pytest.raises(Refused, match=r"INVW000001\S* is posted: a posted invoice is credited"):
        erp.post(erp.prepare(void_invoice()))
    assert find(books, numbered(DocumentKind.VOID, 2)) == {}
    assert find(books, INVOICE_KEY)[INVOICE_KEY].state is RemoteState.POSTED


def test_a_document_that_a_person_voided_is_the_answer_to_a_void(books: Company) -> None:
    post(books, document())
    assert books.call(("taSopVoidDocument", {"SOPTYPE": 2, "SOPNUMBE": "ORDW000001"}))[0] == 0
    (gone,) = post(books, void_order())
    assert gone.state is RemoteState.VOID


def test_a_void_out_of_step_with_its_target_is_refused(books: Company) -> None:
    odd = replace(void_order(), key=numbered(DocumentKind.VOID, 3))
    with pytest.raises(Refused, match="void n \\+ 1 is invoice n's"):
        books.erp().prepare(odd)


def test_a_partly_billed_order_is_not_voided(books: Company) -> None:
    post(books, document(lines=(goods("MUG", 3, "42.00"),)), invoice())
    erp = books.erp()
    with pytest.raises(Refused, match="90803"):
        erp.post(erp.prepare(void_order()))


# -- returns ----------------------------------------------------------------------------------


def billed(books: Company, *lines: Any, **more: Any) -> None:
    lines = lines or (goods("MUG", 3, "42.00"),)
    post(books, document(lines=lines, **more), invoice(lines=lines, **more))
    books.value("select gp_post_batch(:batch)", batch=BATCH)


def test_a_refund_becomes_a_return_that_names_its_invoice_and_pays_back(books: Company) -> None:
    billed(books, goods("MUG", 3, "42.00", (TAX,)), charges=(charge(ChargeKind.SHIPPING, "5.00"),))
    tax = replace(TAX, amount=Decimal("0.37"))
    (note,) = post(
        books,
        credit(
            lines=(replace(back(), taxes=(tax,)),),
            charges=(charge(ChargeKind.SHIPPING, "5.00"), charge(ChargeKind.ADJUSTMENT, "2.00")),
            payments=(payment("21.37"),),
        ),
    )
    assert (note.reference, note.state) == ("RTNW000001", RemoteState.OPEN)
    assert (note.total, note.line_count, note.paid) == (Decimal("21.37"), 2, Decimal("21.37"))
    row = books.run(
        "select soptype, docid, origtype, orignumb, cstponbr, custnmbr, subtotal, frtamnt, taxamnt,"
        " docamnt from sop10100"
    )[0]
    assert row[:6] == (4, "WEBRTN", 3, "INVW000001", "#1001", "W4711")
    assert row[6:] == tuple(map(Decimal, ("16.00", "5.00", "0.37", "21.37")))
    assert books.value("select pymttype from sop10103 where soptype = 4") == 6
    assert books.stock("MUG") == (97, 0, 0)
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    assert returned(books) == (97, 1, 0)
    key = numbered(DocumentKind.CREDIT_NOTE)
    assert find(books, key)[key].state is RemoteState.POSTED


@pytest.mark.parametrize(
    ("restock", "setting", "expected"),
    [
        (Restock.RETURNED, "returned", (97, 1, 0)),
        (Restock.CANCELLED, "returned", (97, 1, 0)),
        (Restock.LEGACY, "returned", (97, 1, 0)),
        (Restock.NOT_RESTOCKED, "returned", (97, 0, 1)),
        (Restock.RETURNED, "on_hand", (98, 0, 0)),
        (Restock.NOT_RESTOCKED, "on_hand", (97, 0, 1)),
    ],
)
def test_what_became_of_the_units_decides_where_gp_counts_them(
    restock: Restock, setting: str, expected: tuple[int, int, int], books: Company
) -> None:
    billed(books)
    post(books, credit(lines=(back(restock=restock),)), restocked_units=setting)
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    assert returned(books) == expected


def test_units_of_one_line_with_two_fates_are_two_lines_of_the_return(books: Company) -> None:
    billed(books)
    post(books, credit(lines=(back(), back(restock=Restock.NOT_RESTOCKED))))
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    assert returned(books) == (97, 1, 1)


def test_no_more_is_returned_than_was_invoiced_and_not_returned_before(books: Company) -> None:
    billed(books)
    post(books, credit(1, lines=(back("MUG", 2, "28.00"),)))
    erp = books.erp()
    with pytest.raises(Refused, match="90422 More is returned than was invoiced"):
        erp.post(erp.prepare(credit(2, lines=(back("MUG", 2, "28.00"),))))
    (note,) = post(books, credit(2, lines=(back("MUG", 1, "14.00"),)))
    assert note.reference == "RTNW000002"
    assert books.value("select cstponbr from sop10100 where sopnumbe = 'RTNW000002'") == "#1001/2"
    with pytest.raises(Refused, match="90422"):
        erp.post(erp.prepare(credit(3, lines=(back("TENT", 1, "1.00"),))))


def test_two_returns_at_once_cannot_take_back_the_same_unit(books: Company) -> None:
    billed(books, goods("MUG", 1, "14.00"))
    erp = books.erp()

    def attempt(sequence: int) -> object:
        try:
            return erp.post(erp.prepare(credit(sequence, lines=(back(),))))
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(4) as posters:
        results = list(posters.map(attempt, range(1, 5)))
    assert sum(not isinstance(result, Refused) for result in results) == 1
    assert books.value("select count(*) from sop10100 where soptype = 4") == 1


def test_a_refund_of_shipping_alone_is_a_return_of_one_line(books: Company) -> None:
    billed(books, charges=(charge(ChargeKind.SHIPPING, "5.00"),))
    (note,) = post(books, credit(lines=(), charges=(charge(ChargeKind.SHIPPING, "5.00", (TAX,)),)))
    assert (note.total, note.line_count) == (Decimal("6.12"), 1)
    row = books.run("select itemnmbr, noninven from sop10200 where soptype = 4")
    assert row == [("SHIPPING", 1)]


def test_exchange_differences_and_adjustments_are_lines_of_their_own(books: Company) -> None:
    billed(books)
    post(books, credit(lines=(back(),), charges=(charge(ChargeKind.FX, "0.31"),)))
    items = books.run("select itemnmbr from sop10200 where soptype = 4 order by lnitmseq")
    assert items == [("MUG",), ("EXCHANGE DIFF",)]
    post(books, credit(2, lines=(back(),), charges=(charge(ChargeKind.FX, "-0.31"),)))
    assert books.value("select trdisamt from sop10100 where sopnumbe = 'RTNW000002'") == Decimal(
        "0.31"
    )


def test_a_return_without_its_invoice_or_of_a_void_one_is_refused(books: Company) -> None:
    erp = books.erp()
    with pytest.raises(Refused, match="no invoice #1001"):
        erp.post(erp.prepare(credit(lines=(back(),))))
    post(books, document(), invoice(), void_invoice())
    with pytest.raises(Refused, match="is void in GP"):
        erp.post(erp.prepare(credit(lines=(back(),))))
    assert books.value("select sopnumbe from sop40300 where soptype = 4") == "RTNW000001"


# -- further invoices -------------------------------------------------------------------------


def test_what_is_added_after_the_bill_is_billed_without_an_order(books: Company) -> None:
    post(books, document(), invoice())
    more = (goods("TENT", 1, "100.00"),)
    bill = document(key=numbered(DocumentKind.INVOICE, 2), lines=more)
    (second,) = post(books, bill)
    assert second.reference == "INVW000002"
    row = books.run("select cstponbr, orignumb from sop10100 where sopnumbe = 'INVW000002'")
    assert row == [("#1001/2", "")]
    assert books.stock("TENT") == (3, 1, 0)
    (third,) = post(
        books, document(key=numbered(DocumentKind.INVOICE, 3), based_on=ORDER_KEY, lines=(goods(),))
    )
    assert books.value("select orignumb from sop10100 where cstponbr = '#1001/3'") == ""
    assert third.state is RemoteState.OPEN
    (note,) = post(books, credit(lines=(back("TENT", 1, "100.00"),)))
    assert note.total == 100


def test_the_rest_of_a_partly_billed_order_is_billed_from_it(books: Company) -> None:
    lines = (goods("MUG", 2, "28.00"), goods("TENT", 1, "100.00"))
    post(books, document(lines=lines), invoice(lines=lines[:1]))
    assert find(books, ORDER_KEY)[ORDER_KEY].state is RemoteState.OPEN
    key = numbered(DocumentKind.INVOICE, 2)
    post(books, document(key=key, based_on=ORDER_KEY, lines=lines[1:]))
    assert find(books, ORDER_KEY)[ORDER_KEY].state is RemoteState.POSTED
    assert books.stock("TENT") == (3, 1, 0)
    assert set(find(books, INVOICE_KEY, key)) == {INVOICE_KEY, key}


def test_a_first_bill_of_an_order_that_somebody_transferred_is_refused(books: Company) -> None:
    post(books, document(), invoice())
    books.run("update sop10100 set cstponbr = 'BY HAND'")
    erp = books.erp()
    with pytest.raises(Refused, match="ORDW000001 was transferred in full to another document"):
        erp.post(erp.prepare(invoice()))


# -- payments ---------------------------------------------------------------------------------


def test_money_that_comes_later_is_added_to_the_open_invoice_once(books: Company) -> None:
    post(books, document(), invoice(payments=(payment("8.00"),)))
    first, second = numbered(DocumentKind.PAYMENT, 1), numbered(DocumentKind.PAYMENT, 2)
    assert find(books, first) == {}
    cash = replace(payment("5.00", "cash"), tender_id="gid://shopify/OrderTransaction/8")
    (paid,) = post(books, paying(1, payment("5.00"), cash))
    assert (paid.reference, paid.paid, paid.total) == ("INVW000001", 10, 0)
    post(books, paying(2, payment("10.00")))
    assert books.run("select pymtrcvd, acctamnt, integrationid from sop10100") == [(28, 0, "p1.2")]
    assert books.run("select pymttype, amntpaid from sop10103 order by seqnumbr") == [
        (6, 8),
        (6, 5),
        (4, 5),
        (6, 10),
    ]
    found = find(books, first, second, INVOICE_KEY)
    assert found[first].paid == 10
    assert found[second].paid == 10
    assert found[INVOICE_KEY].paid == 28
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    assert find(books, first)[first].state is RemoteState.POSTED


def test_money_on_an_order_is_a_deposit_and_stays_through_a_change(books: Company) -> None:
    post(books, document())
    (paid,) = post(books, paying(1, payment("10.00"), on=ORDER_KEY))
    assert paid.reference == "ORDW000001"
    assert books.run("select pymttype from sop10103") == [(3,)]
    assert books.run("select deprecvd from sop10100") == [(10,)]
    post(books, change(1, lines=(goods("MUG", 1, "14.00"),), payments=(payment("10.00"),)))
    assert books.value("select integrationid from sop10100") == "c1 p1"
    keys = (numbered(DocumentKind.PAYMENT), numbered(DocumentKind.ORDER_CHANGE))
    assert set(find(books, *keys)) == set(keys)


def test_a_payment_on_a_voided_invoice_is_still_found(books: Company) -> None:
    post(books, document(), invoice(), paying(1, payment("28.00")), void_invoice())
    key = numbered(DocumentKind.PAYMENT)
    found = find(books, key)[key]
    assert (found.state, found.paid) == (RemoteState.VOID, 0)


RECEIPTS = (
    "select docnumbr, ortrxamt, curtrxam, cshrctyp, chekbkid, trxdscrn, docdate, glpostdt,"
    " bachnumb, custnmbr from rm10201 order by 1"
)


def test_a_payment_on_a_posted_invoice_becomes_a_cash_receipt_applied_to_it(books: Company) -> None:
    post(books, document(), invoice())
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    (paid,) = post(books, paying(1, payment("20.00")))
    assert (paid.reference, paid.state, paid.paid) == ("#1001/P1", RemoteState.OPEN, 20)
    assert books.run(RECEIPTS) == [
        ("#1001/P1", 20, 0, 2, "WEB", "5551234", DAY, DAY, BATCH, "W4711")
    ]
    applied = books.run("select aptodcnm, apfrdcnm, apptoamt from rm20201")
    assert applied == [("INVW000001", "#1001/P1", 20)]
    assert books.value("select curtrxam from rm20101 where rmdtypal = 1") == 8
    key = numbered(DocumentKind.PAYMENT)
    assert find(books, key)[key].paid == 20
    assert find(books, INVOICE_KEY)[INVOICE_KEY].paid == 20
    assert books.value("select gp_post_receipts(:batch)", batch=BATCH) == 1
    assert find(books, key)[key].state is RemoteState.POSTED
    erp = books.erp()
    assert erp.post(erp.prepare(paying(1, payment("20.00")))).reference == "#1001/P1"
    assert books.value("select count(*) from rm10201") == 0


def test_several_payments_are_receipts_of_their_own_and_what_is_not_owed_stays_on_account(
    books: Company,
) -> None:
    post(books, document(), invoice())
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    books.run("update rm20101 set curtrxam = 25 where rmdtypal = 1")
    money = (payment("20.00"), payment("7.00", "cash"), payment("1.00", "cheque"))
    (paid,) = post(books, replace(paying(1, *money), post_on=date(2026, 12, 1)))
    assert paid.paid == 28
    assert [(row[0], row[1], row[2], row[3], row[7], row[8]) for row in books.run(RECEIPTS)] == [
        ("#1001/P1", 20, 0, 2, date(2026, 12, 1), "SHOP20261201"),
        ("#1001/P1.2", 7, 2, 1, date(2026, 12, 1), "SHOP20261201"),
        ("#1001/P1.3", 1, 1, 0, date(2026, 12, 1), "SHOP20261201"),
    ]
    first, second = numbered(DocumentKind.PAYMENT), numbered(DocumentKind.PAYMENT, 2)
    assert find(books, first, second)[first].paid == 28
    assert second not in find(books, second)


def test_money_for_a_posted_invoice_is_received_once_however_many_post_it(books: Company) -> None:
    post(books, document(), invoice())
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    erp = books.erp()
    prepared = erp.prepare(paying(1, payment("20.00"), payment("8.00", "cash")))
    with ThreadPoolExecutor(6) as posters:
        answers = list(posters.map(lambda _: erp.post(prepared), range(6)))
    assert {(answer.reference, answer.paid) for answer in answers} == {("#1001/P1", 28)}
    assert books.run("select count(*), sum(ortrxamt) from rm10201") == [(2, 28)]
    assert books.value("select sum(apptoamt) from rm20201") == 28


def test_a_receipt_that_gp_refuses_leaves_nothing_behind(books: Company) -> None:
    post(books, document(), invoice())
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    books.run("update cm00100 set inactive = 1 where chekbkid = 'TILL'")
    erp = books.erp()
    with pytest.raises(Refused, match="91307 Checkbook does not exist"):
        erp.post(erp.prepare(paying(1, payment("20.00"), payment("8.00", "cash"))))
    assert books.run(RECEIPTS) == []
    assert books.value("select count(*) from sy00500 where bchsourc = 'RM_Cash'") == 0


def test_more_than_the_invoice_is_worth_is_refused_with_gps_words(books: Company) -> None:
    post(books, document(), invoice(payments=(payment("20.00"),)))
    erp = books.erp()
    with pytest.raises(Refused, match="90407 Payment received is more than"):
        erp.post(erp.prepare(paying(1, payment("9.00"))))
    assert books.value("select sum(amntpaid) from sop10103") == 20


def test_a_payment_of_nothing_or_on_nothing_is_refused(books: Company) -> None:
    erp = books.erp()
    with pytest.raises(Refused, match="payments and nothing else"):
        erp.prepare(paying(1))
    with pytest.raises(Refused, match="not on nothing"):
        erp.prepare(replace(paying(1, payment("1.00")), based_on=None))


def test_a_payment_whose_mark_was_copied_by_a_transfer_is_found_where_the_money_is(
    books: Company,
) -> None:
    post(books, document(), paying(1, payment("10.00"), on=ORDER_KEY))
    books.run(
        "insert into sop10100 (soptype, sopnumbe, docid, docdate, bachnumb, custnmbr, cstponbr,"
        " curncyid, docamnt, integrationid) select 3, 'BY HAND', 'WEBINV', docdate, bachnumb,"
        " custnmbr, cstponbr, curncyid, docamnt, integrationid from sop10100"
    )
    key = numbered(DocumentKind.PAYMENT)
    assert find(books, key)[key].reference == "ORDW000001"


@pytest.mark.parametrize("number", ["#100%", "#1_0!", "#[1-9]"])
def test_an_order_number_is_never_a_pattern(number: str, books: Company) -> None:
    plain = document(1001, order_number="#1009")
    odd = document(7, order_number=number)
    bill = invoice(7, order_number=number)
    money = replace(
        paying(1, payment("28.00"), on=bill.key),
        key=replace(bill.key, kind=DocumentKind.PAYMENT),
        order_number=number,
    )
    post(books, plain, invoice(1001, order_number="#1009"), odd, bill, money)
    erp = books.erp()
    found = erp.find([(money.key, number), (numbered(DocumentKind.PAYMENT), "#1009")])
    assert [match.reference for match in found.pop(money.key)] == ["INVW000002"]
    assert found == {}


def test_money_on_a_later_invoice_is_found_by_the_orders_number(books: Company) -> None:
    second = numbered(DocumentKind.INVOICE, 2)
    post(books, document(), invoice(), document(key=second, lines=(goods("TENT", 1, "100.00"),)))
    (paid,) = post(books, paying(1, payment("100.00"), on=second))
    assert paid.reference == "INVW000002"
    key = numbered(DocumentKind.PAYMENT)
    assert find(books, key)[key] == paid


def test_a_line_of_two_prices_is_changed_billed_and_returned_in_part(books: Company) -> None:
    books.run("update iv00102 set qtyonhnd = 9000")
    line = goods("MUG", 3000, "10000.07")
    less = goods("MUG", 2000, "6666.71")
    post(books, document(lines=(line,)), change(lines=(less,)), invoice(lines=(less,)))
    assert find(books, ORDER_KEY)[ORDER_KEY].state is RemoteState.POSTED
    assert books.stock("MUG") == (9000, 2000, 0)
    post(books, credit(lines=(back("MUG", 1999, "6660.00"),)))
    erp = books.erp()
    with pytest.raises(Refused, match="90422"):
        erp.post(erp.prepare(credit(2, lines=(back("MUG", 2, "6.71"),))))


# -- whatever it is, exactly once -------------------------------------------------------------

LATER = {
    "an order change": ((document(),), change(lines=(goods("MUG", 3, "42.00"),))),
    "a void of an order": ((document(),), void_order()),
    "a void of an invoice": ((document(), invoice()), void_invoice()),
    "a return": ((document(), invoice()), credit(lines=(back(),), payments=(payment("14.00"),))),
    "a further invoice": (
        (document(), invoice()),
        document(key=numbered(DocumentKind.INVOICE, 2), lines=(goods("TENT", 1, "100.00"),)),
    ),
    "a payment": ((document(), invoice()), paying(1, payment("28.00"))),
}
STATE = """
select 'header', soptype, sopnumbe, docamnt, pymtrcvd, voidstts, integrationid from sales_documents
union all
select 'line ' || itemnmbr, soptype, sopnumbe, qtytoinv, atyalloc, qtycance::int, '' from sop10200
union all select 'paid', soptype, sopnumbe, amntpaid, seqnumbr, 0, authcode from sop10103
union all select 'stock ' || itemnmbr, rcrdtype, locncode, atyalloc, qtyonhnd, 0, '' from iv00102
union all select 'batch', numoftrx, bachnumb, bchtotal, 0, 0, '' from sy00500
order by 1, 2, 3, 4, 5, 6, 7
"""


@pytest.fixture(params=LATER)
def later(request: pytest.FixtureRequest, books: Company) -> Document:
    before, wanted = LATER[request.param]
    post(books, *before)
    return wanted


def procedure_of(doc: Document) -> str:
    return "taSopVoidDocument" if doc.key.kind is DocumentKind.VOID else "taSopHdrIvcInsert"


def test_a_refusal_in_the_middle_leaves_everything_as_it_was(
    later: Document, books: Company
) -> None:
    before = books.run(STATE)
    books.run("select sandbox_fault_add(:p, 'error', 9539)", p=procedure_of(later))
    erp = books.erp()
    prepared = erp.prepare(later)
    with pytest.raises(Refused, match="9539"):
        erp.post(prepared)
    assert books.run(STATE) == before
    erp.post(prepared)
    assert books.run(STATE) != before


def test_a_connection_lost_in_the_middle_leaves_everything_as_it_was(
    later: Document, books: Company
) -> None:
    before = books.run(STATE)
    books.run("select sandbox_fault_add(:p, 'disconnect')", p=procedure_of(later))
    erp = books.erp()
    with pytest.raises(AmbiguousOutcome):
        erp.post(erp.prepare(later))
    assert books.run(STATE) == before
    assert erp.find([(later.key, "#1001")]) == {}
    erp.post(erp.prepare(later))


def test_an_answer_lost_after_the_effect_is_found_and_not_done_again(
    later: Document, books: Company, postgres_server: EmbeddedPostgres
) -> None:
    socket_file = Path(postgres_server.socket_dir) / ".s.PGSQL.5432"
    with wire(socket_file) as line:
        url = make_url(books.url).set(host="127.0.0.1", port=line.port, query={})
        erp = Company(url.render_as_string(hide_password=False), books.engine).erp()
        prepared = erp.prepare(later)
        line.swallow(procedure_of(later))
        with pytest.raises(AmbiguousOutcome):
            erp.post(prepared)
        assert line.swallowed == 1
        after = books.run(STATE)
        (found,) = erp.find([(later.key, "#1001")])[later.key]
        assert erp.post(prepared).reference == found.reference
        assert books.run(STATE) == after
        erp.close()


def test_many_posters_at_once_do_it_once(later: Document, books: Company) -> None:
    erps = [books.erp() for _ in range(2)]
    prepared = erps[0].prepare(later)
    with ThreadPoolExecutor(6) as posters:
        made = set(posters.map(lambda i: erps[i % 2].post(prepared).reference, range(6)))
    assert len(made) == 1
    after = books.run(STATE)
    for erp in erps:
        erp.post(prepared)
        erp.close()
    assert books.run(STATE) == after


CHANGER = """
import sys
from sqlalchemy import create_engine
from tests.integration.gp_company import Company, goods, payment
from tests.integration.test_gp_lives import change
books = Company(sys.argv[1], create_engine(sys.argv[1]))
erp = books.erp()
print("ready", flush=True)
for n in range(int(sys.argv[2]), 10_000):
    lines = (goods("MUG", 1 + n % 3, f"{14 * (1 + n % 3)}.00"), goods("TENT", 1, "100.00"))
    erp.post(erp.prepare(change(n, lines=lines[: 1 + n % 2], payments=(payment(f"{1 + n % 9}"),))))
    print(n, flush=True)
"""


def test_a_poster_killed_while_it_changes_an_order_leaves_one_whole_version(books: Company) -> None:
    post(books, document())
    books.run(
        "select sandbox_fault_add('taSopHdrIvcInsert', 'delay', delay_ms => 10, times => 99999)"
    )
    done = 0
    for _ in range(3):
        poster = subprocess.Popen(
            [sys.executable, "-c", CHANGER, books.url, str(done + 1)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert poster.stdout is not None
        assert poster.stdout.readline().strip() == "ready"
        for _ in range(4):
            poster.stdout.readline()
        poster.send_signal(signal.SIGKILL)
        poster.wait()
        poster.stdout.close()
        row = books.run("select subtotal, docamnt, pymtrcvd, integrationid from sop10100")[0]
        worth = "select sum(xtndprce), sum(atyalloc) from sop10200"
        lines, allocated = books.run(worth)[0]
        assert row[0] == row[1] == lines
        assert row[2] == books.value("select sum(amntpaid) from sop10103")
        assert allocated == books.stock("MUG")[1] + books.stock("TENT")[1]
        assert books.run("select numoftrx, bchtotal from sy00500") == [(1, lines)]
        done = int(row[3].removeprefix("c"))
        assert numbered(DocumentKind.ORDER_CHANGE, done) in find(
            books, numbered(DocumentKind.ORDER_CHANGE, done)
        )
    assert done >= 12


@pytest.mark.parametrize("code", [2022, 2079])
def test_a_document_in_use_is_for_later(code: int, later: Document, books: Company) -> None:
    books.run("select sandbox_fault_add(:p, 'error', :code)", p=procedure_of(later), code=code)
    erp = books.erp()
    prepared = erp.prepare(later)
    with pytest.raises(RemoteUnavailable):
        erp.post(prepared)
    erp.post(prepared)


def test_a_batch_in_posting_is_waited_for(later: Document, books: Company) -> None:
    before = books.run(STATE)
    books.run("select gp_begin_posting(:batch)", batch=BATCH)
    erp = books.erp()
    with pytest.raises(RemoteUnavailable, match="being posted"):
        erp.post(erp.prepare(later))
    assert books.run(STATE) == before


# -- closed periods ---------------------------------------------------------------------------


def close_month(books: Company, *months: int) -> None:
    for month in months:
        books.run("update sy40100 set closed = 1 where year1 = 2026 and periodid = :m", m=month)


def test_the_first_open_day_is_the_day_itself_or_the_next_periods_first(books: Company) -> None:
    erp = books.erp()
    assert erp.first_open_on(DAY) == DAY
    close_month(books, 11)
    assert erp.first_open_on(DAY) == date(2026, 12, 1)
    close_month(books, 12)
    assert erp.first_open_on(DAY) == date(2027, 1, 1)
    books.run("update sy40100 set closed = 1")
    with pytest.raises(Refused, match="no fiscal period"):
        erp.first_open_on(DAY)


def test_a_document_posted_into_the_next_period_keeps_its_own_date(books: Company) -> None:
    close_month(books, 11)
    erp = books.erp()
    opened = erp.first_open_on(DAY)
    post(books, document(), invoice(post_on=opened))
    assert books.value("select gp_post_batch('SHOP20261201')") == 1
    row = books.run("select docdate, glpostdt, bachnumb from sop30200 where soptype = 3")
    assert row == [(DAY, opened, "SHOP20261201")]
