"""The sandbox company refuses what eConnect refuses: one broken document for each rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from local.postgres import EmbeddedPostgres
from tests.integration.gp_company import BATCH, Company, company

KEY = {"SOPTYPE": 2, "SOPNUMBE": "TEST0001", "CUSTNMBR": "KNOWN"}
Fresh = Callable[[], AbstractContextManager[Company]]
Calls = list[tuple[str, dict[str, Any]]]
LINE, TAX, PAYMENT, HEADER = (
    "taSopLineIvcInsert",
    "taSopLineIvcTaxInsert",
    "taCreateSopPaymentInsertRecord",
    "taSopHdrIvcInsert",
)
BATCH_CALL = (
    "taCreateUpdateBatchHeaderRcd",
    {
        "BACHNUMB": BATCH,
        "SERIES": 3,
        "BCHSOURC": "Sales Entry",
        "DOCAMT": 0,
        "ORIGIN": 1,
        "NUMOFTRX": 0,
    },
)


@pytest.fixture(scope="module")
def fresh(postgres_server: EmbeddedPostgres) -> Iterator[Fresh]:
    """Makes companies of a test's own, copied from one that is installed once."""
    with company(postgres_server) as made:
        template = make_url(made.url).database
        yield lambda: company(postgres_server, template)


@pytest.fixture(scope="module")
def books(fresh: Fresh) -> Iterator[Company]:
    with fresh() as made:
        made.run("insert into rm00101 (custnmbr, custname, hold) values ('HELD', 'On hold', 1)")
        made.run("insert into rm00301 values ('GONE', 1), ('THERE', 0)")
        made.run("insert into iv00101 (itemnmbr, inactive) values ('OLD', 1)")
        made.run("insert into dynamics.mc40200 values ('Z-EUR', 'Euro', 'EUR', 3)")
        assert made.call(BATCH_CALL)[0] == 0
        yield made


def sale(**changes: dict[str, Any]) -> Calls:
    """A true document of one line, one tax, one payment; keyword: call name to changed values."""
    names = {"line": LINE, "tax": TAX, "payment": PAYMENT, "header": HEADER}
    calls: dict[str, dict[str, Any]] = {
        "line": KEY
        | {
            "DOCDATE": "2026-11-20",
            "ITEMNMBR": "MUG",
            "QUANTITY": "2",
            "UNITPRCE": "14",
            "XTNDPRCE": "28",
            "LNITMSEQ": 16384,
            "LOCNCODE": "MAIN",
            "UOFM": "EACH",
            "CURNCYID": "Z-US$",
        },
        "tax": KEY
        | {"LNITMSEQ": 16384, "TAXDTLID": "USA-NY", "STAXAMNT": "1.12", "SALESAMT": "28"},
        "payment": KEY
        | {"DOCDATE": "2026-11-20", "DOCAMNT": "34.12", "PYMTTYPE": 3, "CARDNAME": "VISA"},
        "header": KEY
        | {
            "DOCID": "WEBORD",
            "DOCDATE": "2026-11-20",
            "BACHNUMB": BATCH,
            "SUBTOTAL": "28",
            "FREIGHT": "5",
            "TAXAMNT": "1.12",
            "DOCAMNT": "34.12",
            "PYMTRCVD": "34.12",
            "SHIPMTHD": "GROUND",
            "LOCNCODE": "MAIN",
            "CREATETAXES": 0,
            "CURNCYID": "Z-US$",
        },
    }
    for name, values in changes.items():
        calls[name] |= values
    return [
        (names[name], {k: v for k, v in values.items() if v is not None})
        for name, values in calls.items()
    ]


def untouched(books: Company) -> bool:
    tables = ("sop10100", "sop10200", "sop10103", "sop10105")
    return all(books.value(f"select count(*) from {table}") == 0 for table in tables)


RULES = {
    "a document type that is none": (90001, {"line": {"SOPTYPE": 9}}),
    "an item that does not exist": (90101, {"line": {"ITEMNMBR": "NOTHING"}}),
    "a customer that does not exist": (90104, {"line": {"CUSTNMBR": "NOBODY"}}),
    "a customer on hold": (90105, {"line": {"CUSTNMBR": "HELD"}}),
    "an inactive item": (90107, {"line": {"ITEMNMBR": "OLD"}}),
    "a site that does not exist": (90108, {"line": {"LOCNCODE": "MOON"}}),
    "a site the item is not assigned to": (90109, {"line": {"LOCNCODE": "BARE"}}),
    "a unit of measure outside the schedule": (90110, {"line": {"UOFM": "DOZEN"}}),
    "no quantity at all": (90111, {"line": {"QUANTITY": "0", "XTNDPRCE": "0"}}),
    "a price that does not multiply out": (90112, {"line": {"UNITPRCE": "13.99"}}),
    "a negative price": (90113, {"line": {"UNITPRCE": "-14", "XTNDPRCE": "-28"}}),
    "a currency that does not exist": (90114, {"line": {"CURNCYID": "GOLD"}}),
    "a line without currency": (9370, {"line": {"CURNCYID": ""}}),
    "a back-order of an item that allows none": (
        4776,
        {"line": {"ITEMNMBR": "RARE", "QUANTITY": "1", "QTYTBAOR": "1"}},
    ),
    "a shortage without an option": (
        90116,
        {"line": {"ITEMNMBR": "TENT", "QUANTITY": "4", "UNITPRCE": "7"}},
    ),
    "more fulfilled than allocated": (2905, {"line": {"QTYFULFI": "3"}}),
    "an inventory item as non-inventory": (90117, {"line": {"NONINVEN": 1, "ITEMDESC": "Mug"}}),
    "a non-inventory line without words": (90118, {"line": {"ITEMNMBR": "TIP", "NONINVEN": 1}}),
    "a tax on no line": (90201, {"tax": {"LNITMSEQ": 7}}),
    "a tax detail that does not exist": (90202, {"tax": {"TAXDTLID": "MARS"}}),
    "a payment type that is none": (90302, {"payment": {"PYMTTYPE": 9}}),
    "a payment of nothing": (90303, {"payment": {"DOCAMNT": "0"}}),
    "a checkbook that does not exist": (90304, {"payment": {"CHEKBKID": "PIGGY"}}),
    "a card that is not accepted": (90305, {"payment": {"CARDNAME": "DINERS"}}),
    "a check without number": (90306, {"payment": {"PYMTTYPE": 2, "CHEKBKID": "TILL"}}),
    "a document id that does not exist": (90401, {"header": {"DOCID": "STDORD"}}),
    "a header without its lines": (67, {"header": {"SOPNUMBE": "TEST0002"}}),
    "a header customer that does not exist": (90404, {"header": {"CUSTNMBR": "NOBODY"}}),
    "a subtotal that is not the lines": (67, {"header": {"SUBTOTAL": "27", "DOCAMNT": "33.12"}}),
    "an amount that is not its parts": (90405, {"header": {"DOCAMNT": "34.13"}}),
    "payments that do not add up": (90406, {"header": {"PYMTRCVD": "34.11"}}),
    "more paid than billed": (
        90407,
        {"payment": {"DOCAMNT": "40"}, "header": {"PYMTRCVD": "40"}},
    ),
    "a tax that is not its details": (90408, {"header": {"TAXAMNT": "1", "DOCAMNT": "34"}}),
    "a freight tax that is not its details": (90409, {"header": {"FRTTXAMT": "1"}}),
    "a shipping method that does not exist": (90410, {"header": {"SHIPMTHD": "PIGEON"}}),
    "a header site that does not exist": (90411, {"header": {"LOCNCODE": "MOON"}}),
    "a header currency that does not exist": (90412, {"header": {"CURNCYID": "GOLD"}}),
    "a batch that does not exist": (90413, {"header": {"BACHNUMB": "NOBATCH"}}),
    "an order that does not exist": (90415, {"header": {"ORIGTYPE": 2, "ORIGNUMB": "GHOST"}}),
    "an address that does not exist": (90416, {"header": {"PRSTADCD": "MOON"}}),
    "taxes to be calculated": (90417, {"header": {"CREATETAXES": 1}}),
    "a foreign currency without rate": (90418, {"header": {"CURNCYID": "Z-EUR"}}),
    "a negative amount": (90420, {"header": {"TRDISAMT": "-1", "DOCAMNT": "35.12"}}),
    "an inactive salesperson": (9539, {"header": {"SLPRSNID": "GONE"}}),
    "a salesperson that does not exist": (90421, {"header": {"SLPRSNID": "NOBODY"}}),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_company_refuses(rule: str, books: Company) -> None:
    expected, changes = RULES[rule]
    state, codes, _ = books.call(*sale(**changes))
    assert expected in codes
    assert state == codes[0]
    assert untouched(books)
    words = books.value(
        "select errordesc from dynamics.taerrorcode where errorcode = :code", code=expected
    )
    assert words


def test_the_company_takes_the_document_that_the_rules_are_broken_on(fresh: Fresh) -> None:
    with fresh() as books:
        assert books.call(BATCH_CALL, *sale())[0] == 0
        amounts = books.run("select docamnt, pymtrcvd, deprecvd from sop10100")[0]
        assert set(amounts) == {Decimal("34.12")}
        assert books.stock("MUG") == (100, 2, 0)
        assert 90102 in books.call(*sale())[1]
        header_again = books.call(sale()[-1])
        assert 90402 in header_again[1]


def test_every_code_that_a_procedure_names_has_words(books: Company) -> None:
    bodies = books.value(
        "select string_agg(prosrc, ' ') from pg_proc"
        " where proname like 'ta%' or proname = 'transfer_order'"
    )
    named = {int(code) for code in re.findall(r"\b(9\d{4})\b", bodies)}
    known = {row[0] for row in books.run("select errorcode from dynamics.taerrorcode")}
    assert named
    assert named <= known


def test_the_shortage_options_do_what_they_say(fresh: Fresh) -> None:
    with fresh() as books:
        line = sale(line={"ITEMNMBR": "TENT", "QUANTITY": "4", "UNITPRCE": "7", "QtyShrtOpt": 4})[0]
        assert books.call(line)[0] == 0
        assert books.run("select quantity, qtytoinv, qtytbaor, atyalloc from sop10200")[0] == (
            4,
            3,
            1,
            3,
        )
        assert books.stock("TENT") == (3, 3, 1)
        rare = line[1] | {"ITEMNMBR": "RARE", "LNITMSEQ": 32768}
        assert books.call((LINE, rare))[0] == 4776
        rare |= {"QtyShrtOpt": 6, "QUANTITY": "2", "XTNDPRCE": "14"}
        assert books.call((LINE, rare))[0] == 0
        row = books.run("select qtytoinv, qtycance, xtndprce from sop10200 where itemnmbr = 'RARE'")
        assert row[0] == (1, 1, 7)


def test_a_quantity_is_what_can_be_invoiced_and_the_total_counts_back_orders(fresh: Fresh) -> None:
    with fresh() as books:
        line = sale(
            line={"QUANTITY": "3", "QTYTBAOR": "2", "UNITPRCE": "19.99", "XTNDPRCE": "99.95"}
        )
        assert books.call(line[0])[0] == 0
        assert books.run("select quantity, qtytoinv, qtytbaor from sop10200")[0] == (5, 3, 2)


def test_a_parameter_that_the_procedure_does_not_have_is_an_error(books: Company) -> None:
    line = sale()[0]
    with pytest.raises(DBAPIError, match="@I_vCOLOUR is not a parameter"):
        books.call((LINE, line[1] | {"COLOUR": "red"}))


def test_a_missing_required_parameter_is_an_error(books: Company) -> None:
    line = sale()[0]
    del line[1]["DOCDATE"]
    with pytest.raises(DBAPIError, match="expects parameter '@I_vDOCDATE'"):
        books.call(line)


def test_an_over_long_text_is_an_error_and_never_cut(books: Company) -> None:
    with pytest.raises(DBAPIError, match="would be truncated"):
        books.call(*sale(header={"CSTPONBR": "#" + "1" * 20}))


def test_numbers_are_taken_and_given_back_while_nobody_took_a_later_one(fresh: Fresh) -> None:
    with fresh() as books:
        take = "select o_vsopnumber from taGetSopNumber(2, 'WEBORD', 1, '')"
        give = "select o_ierrorstate from taGetSopNumber(2, 'WEBORD', 0, :number)"
        first, second = books.value(take), books.value(take)
        assert (first, second) == ("ORDW000001", "ORDW000002")
        books.value(give, number=first)
        assert books.value(take) == "ORDW000003"
        books.value(give, number="ORDW000003")
        assert books.value(take) == "ORDW000003"


def test_posting_is_what_a_person_does_and_a_closed_period_stops_it(fresh: Fresh) -> None:
    with fresh() as books:
        changes = {"SOPTYPE": 3}
        bill = sale(
            line=changes,
            tax=changes,
            payment=changes | {"PYMTTYPE": 6},
            header=changes | {"DOCID": "WEBINV"},
        )
        assert books.call(BATCH_CALL, *bill)[0] == 0
        books.run("update sy40100 set closed = 1 where year1 = 2026 and periodid = 11")
        assert books.value("select gp_post_batch(:batch)", batch=BATCH) == 0
        books.run("update sy40100 set closed = 0")
        assert books.value("select gp_post_batch(:batch)", batch=BATCH) == 1
        assert books.value("select count(*) from sop30200") == 1
        assert books.value("select count(*) from sop30300") == 1
        assert books.stock("MUG") == (98, 0, 0)
        assert books.value("select count(*) from sy00500") == 0
        state, codes, _ = books.call(("taSopVoidDocument", {"SOPTYPE": 3, "SOPNUMBE": "TEST0001"}))
        assert (state, codes) == (90801, [90801])


def test_a_document_in_work_can_be_voided_and_gives_back_its_stock(fresh: Fresh) -> None:
    with fresh() as books:
        assert books.call(BATCH_CALL, *sale())[0] == 0
        void = ("taSopVoidDocument", {"SOPTYPE": 2, "SOPNUMBE": "TEST0001"})
        assert books.call(void)[0] == 90802
        books.run("select gp_open_document(2, 'TEST0001')")
        paid = (void[0], void[1] | {"RemovePayments": 1})
        assert books.call(paid)[0] == 2079
        books.run("select gp_close_document(2, 'TEST0001')")
        assert books.call(paid)[0] == 0
        assert books.stock("MUG") == (100, 0, 0)
        assert books.run("select voidstts from sop30200")[0] == (1,)


def test_tracking_numbers_and_distributions_are_checked(fresh: Fresh) -> None:
    with fresh() as books:
        track = (
            "taSopTrackingNum",
            {"SOPTYPE": 2, "SOPNUMBE": "TEST0001", "Tracking_Number": "1Z"},
        )
        assert books.call(track)[0] == 91001
        entry = KEY | {"DISTTYPE": 1, "ACTNUMST": "000-4100-00", "CRDTAMNT": "34.12"}
        assert books.call(("taSopDistribution", entry | {"DISTTYPE": 23}))[0] == 90901
        assert books.call(("taSopDistribution", entry | {"ACTNUMST": "9"}))[0] == 90902
        assert books.call(("taSopDistribution", entry | {"DEBITAMT": "1"}))[0] == 90903
        *parts, header = sale()
        one_sided = [BATCH_CALL, *parts, ("taSopDistribution", entry), header]
        assert books.call(*one_sided)[0] == 90904
        debit = KEY | {"DISTTYPE": 3, "ACTNUMST": "000-1100-00", "DEBITAMT": "34.12"}
        assert books.call(*one_sided[:-1], ("taSopDistribution", debit), header)[0] == 0
        assert books.call(track)[0] == 0


def test_customers_addresses_and_batches_are_checked(fresh: Fresh) -> None:
    with fresh() as books:
        customer = {"CUSTNMBR": "NEW", "CUSTNAME": "New", "CUSTCLAS": "WEB", "ADRSCODE": "PRIMARY"}
        name = "taUpdateCreateCustomerRcd"
        assert books.call((name, customer | {"CUSTCLAS": "GOLD"}))[0] == 90501
        assert books.call((name, {"CUSTNMBR": "NEW"}))[0] == 90502
        assert books.call((name, customer))[0] == 0
        kept = customer | {"CUSTNAME": "Other", "UpdateIfExists": 0}
        assert books.call((name, kept))[0] == 0
        assert books.value("select custname from rm00101 where custnmbr = 'NEW'") == "New"
        address = {"CUSTNMBR": "NOBODY", "ADRSCODE": "SHIP"}
        assert books.call(("taCreateCustomerAddress", address))[0] == 90601
        address = {"CUSTNMBR": "NEW", "ADRSCODE": "SHIP", "SHIPMTHD": "PIGEON"}
        assert books.call(("taCreateCustomerAddress", address))[0] == 90602
        wrong = BATCH_CALL[1] | {"SERIES": 2}
        assert books.call((BATCH_CALL[0], wrong))[0] == 90701
        wrong = BATCH_CALL[1] | {"CHEKBKID": "PIGGY"}
        assert books.call((BATCH_CALL[0], wrong))[0] == 90703
        assert books.call(BATCH_CALL)[0] == 0
        books.run("select gp_begin_posting(:batch)", batch=BATCH)
        assert books.call(BATCH_CALL)[0] == 90702
        state, codes, _ = books.call(*sale())
        assert (state, codes) == (90414, [90414])


def update(**changes: dict[str, Any]) -> Calls:
    """The same document again, as an update of what is held."""
    again = sale(**changes)
    flags = {LINE: "UpdateIfExists", HEADER: "UpdateExisting"}
    calls = [(name, p | ({flags[name]: 1} if name in flags else {})) for name, p in again]
    return [(name, p) for name, p in calls if name != PAYMENT]


def test_an_update_states_the_document_anew_and_gives_back_what_it_held(fresh: Fresh) -> None:
    with fresh() as books:
        assert books.call(BATCH_CALL, *sale())[0] == 0
        more = {
            "line": {"QUANTITY": "3", "XTNDPRCE": "42"},
            "header": {"SUBTOTAL": "42", "DOCAMNT": "48.12"},
        }
        assert books.call(*update(**more))[0] == 0
        assert books.stock("MUG") == (100, 3, 0)
        assert books.run("select subtotal, docamnt, acctamnt from sop10100") == [
            (42, Decimal("48.12"), 14)
        ]
        assert books.run("select numoftrx, bchtotal from sy00500") == [(1, Decimal("48.12"))]
        less = {"line": {"QUANTITY": "1", "QTYCANCE": "2", "XTNDPRCE": "14"}}
        less["header"] = {"SUBTOTAL": "14", "DOCAMNT": "20.12"}
        assert 90407 in books.call(*update(**less))[1]
        less["line"] |= {"ITEMNMBR": "TENT"}
        assert 2902 in books.call(*update(**less))[1]
        assert books.stock("MUG") == (100, 3, 0)


def test_what_is_open_at_work_in_history_or_anothers_is_not_updated(fresh: Fresh) -> None:
    with fresh() as books:
        assert books.call(BATCH_CALL, *sale())[0] == 0
        header = update()[-1]
        books.run("select gp_open_document(2, 'TEST0001')")
        assert books.call(update()[0])[1] == [2079]
        assert books.call(header)[1] == [2022]
        assert 90204 in books.call(sale()[1])[1]
        assert 90307 in books.call(sale()[2])[1]
        books.run("select gp_close_document(2, 'TEST0001')")
        books.run("select gp_begin_posting(:batch)", batch=BATCH)
        assert books.call(update()[0])[1] == [90121]
        assert 90414 in books.call(header)[1]
        books.run("select gp_end_posting(:batch)", batch=BATCH)
        assert 90425 in books.call((HEADER, header[1] | {"CUSTNMBR": "WEBGUEST"}))[1]
        void = {"SOPTYPE": 2, "SOPNUMBE": "TEST0001", "RemovePayments": 1}
        assert books.call(("taSopVoidDocument", void))[0] == 0
        assert books.call(update()[0])[1] == [90120]
        assert 90424 in books.call(header)[1]


def test_payments_are_modified_and_deleted_by_action(fresh: Fresh) -> None:
    with fresh() as books:
        assert books.call(BATCH_CALL, *sale())[0] == 0
        (row,) = books.run("select seqnumbr, docnumbr, pymttype from sop10103")
        held = KEY | {"SEQNUMBR": row[0], "DOCNUMBR": row[1], "PYMTTYPE": row[2]}
        assert 90308 in books.call((PAYMENT, held | {"Action": 4, "DOCAMNT": "1"}))[1]
        assert books.call((PAYMENT, held | {"Action": 3, "DOCAMNT": "0"}))[1] == [90303]
        assert books.call((PAYMENT, held | {"Action": 2, "SEQNUMBR": 7}))[1] == [90309]
        header = update(header={"PYMTRCVD": "30"})[-1]
        assert 90406 in books.call(header)[1]
        assert books.call((PAYMENT, held | {"Action": 3, "DOCAMNT": "30"}), header)[0] == 0
        assert books.run("select pymtrcvd, acctamnt from sop10100") == [(30, Decimal("4.12"))]
        gone = update(header={"PYMTRCVD": "0"})[-1]
        assert books.call((PAYMENT, held | {"Action": 2}), gone)[0] == 0
        assert books.run("select pymtrcvd, deprecvd from sop10100") == [(0, 0)]


def test_a_return_says_where_its_units_went(fresh: Fresh) -> None:
    with fresh() as books:
        changes: dict[str, Any] = {"SOPTYPE": 4}
        given = sale(
            line=changes | {"QTYRTRND": "1"},
            tax=changes,
            payment=changes | {"PYMTTYPE": 6},
            header=changes | {"DOCID": "WEBRTN"},
        )
        assert 90119 in books.call(BATCH_CALL, *given)[1]
        given[0][1]["QTYDMGED"] = "1"
        orphan = given[-1][1] | {"ORIGTYPE": 3, "ORIGNUMB": "GHOST"}
        assert 90415 in books.call(BATCH_CALL, *given[:-1], (HEADER, orphan))[1]
        assert books.call(BATCH_CALL, *given)[0] == 0
        assert books.value("select gp_post_batch(:batch)", batch=BATCH) == 1
        row = "select qtyonhnd, qtyrtrnd, qtydmged from iv00102 where itemnmbr = 'MUG'"
        assert books.run(row + " and locncode = 'MAIN'") == [(100, 1, 1)]
        assert books.run(row + " and rcrdtype = 1") == [(105, 1, 1)]


def test_an_internet_address_belongs_to_a_customer(books: Company) -> None:
    values = {"Master_Type": "CUS", "Master_ID": "NOBODY", "INET1": "a@example.com"}
    assert books.call(("taCreateInternetAddresses", values))[1] == [91201]
