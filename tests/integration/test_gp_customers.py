"""Customers in the sandbox company: found before created, changed with the store, never doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import make_url

from include.domain.document import Document
from include.domain.errors import MappingMissing, Refused
from include.domain.order import Customer, TaxId
from local.postgres import EmbeddedPostgres
from tests.integration.gp_company import HOME, Company, company, document, invoice

Fresh = Callable[[], AbstractContextManager[Company]]
ANN = Customer("gid://shopify/Customer/4711", name="Ann Example", email="Ann@Example.com")


@pytest.fixture(scope="module")
def fresh(postgres_server: EmbeddedPostgres) -> Iterator[Fresh]:
    with company(postgres_server) as made:
        template = make_url(made.url).database
        yield lambda: company(postgres_server, template)


@pytest.fixture
def books(fresh: Fresh) -> Iterator[Company]:
    with fresh() as made:
        yield made


def order(number: int = 1001, customer: Customer | None = ANN, **more: Any) -> Document:
    return document(number, customer=customer, **more)


def post(books: Company, *documents: Document, **settings: Any) -> None:
    erp = books.erp(**settings)
    for doc in documents:
        erp.post(erp.prepare(doc))
    erp.close()


def customers(books: Company) -> set[str]:
    known = ("WEBGUEST", "KNOWN")
    return {r[0] for r in books.run("select custnmbr from rm00101") if r[0] not in known}


def booked_on(books: Company) -> list[str]:
    return [r[0] for r in books.run("select custnmbr from sales_documents order by sopnumbe")]


def test_a_new_customer_comes_with_addresses_and_e_mail(books: Company) -> None:
    post(books, order())
    assert customers(books) == {"W4711"}
    codes = books.run("select adrscode from rm00102 where custnmbr = 'W4711' order by 1")
    assert codes == [("PRIMARY",), ("SHIP TO",)]
    assert books.run("select master_id, adrscode, inet1 from sy01200") == [
        ("W4711", "PRIMARY", "Ann@Example.com")
    ]


def test_a_customer_is_found_by_number_before_anything_else(books: Company) -> None:
    post(books, order(1), order(2, replace(ANN, email="other@example.com")))
    assert customers(books) == {"W4711"}


def test_a_customer_that_gp_knows_by_e_mail_is_not_created_again(books: Company) -> None:
    books.run("insert into sy01200 values ('CUS', 'KNOWN', 'PRIMARY', 'ann@example.COM')")
    post(books, order(), invoice(customer=ANN))
    assert customers(books) == set()
    assert booked_on(books) == ["KNOWN", "KNOWN"]
    assert books.value("select count(*) from sop30300 where soptype = 2") == 1


def test_an_e_mail_of_several_customers_is_left_to_a_person_and_not_repeated(
    books: Company,
) -> None:
    for number in ("KNOWN", "WEBGUEST"):
        books.run("insert into sy01200 values ('CUS', :n, 'PRIMARY', 'ann@example.com')", n=number)
    with pytest.raises(Refused, match=r"2 customers .* \(KNOWN, WEBGUEST\): add a row") as refused:
        post(books, order())
    assert "example.com" not in str(refused.value)
    assert booked_on(books) == []


def test_an_inactive_customer_is_not_matched_by_e_mail(books: Company) -> None:
    books.run("insert into sy01200 values ('CUS', 'KNOWN', 'PRIMARY', 'ann@example.com')")
    books.run("update rm00101 set inactive = 1 where custnmbr = 'KNOWN'")
    post(books, order())
    assert customers(books) == {"W4711"}


def test_matching_by_e_mail_can_be_switched_off(books: Company) -> None:
    books.run("insert into sy01200 values ('CUS', 'KNOWN', 'PRIMARY', 'ann@example.com')")
    post(books, order(), match_customers_by_email=False)
    assert booked_on(books) == ["W4711"]


def test_policy_decides_on_customers_that_gp_does_not_know(books: Company) -> None:
    with pytest.raises(MappingMissing) as missing:
        post(books, order(1), unknown_customers="hold")
    assert (missing.value.kind, missing.value.key) == ("customer", ANN.customer_id_store)
    post(books, order(2), unknown_customers="guest")
    post(books, order(3), unknown_customers="create")
    assert booked_on(books) == ["WEBGUEST", "W4711"]


def test_documents_that_follow_stay_with_the_customer_of_the_first(books: Company) -> None:
    post(books, order(), invoice(customer=replace(ANN, customer_id_store="gid://x/Customer/9")))
    assert booked_on(books) == ["W4711", "W4711"]
    assert customers(books) == {"W4711"}


def test_what_changed_in_the_store_is_carried_over_and_nothing_is_written_when_nothing_did(
    books: Company,
) -> None:
    post(books, order(1))
    books.run(
        "create table written as select 0 as n; create function count_it() returns trigger language"
        " plpgsql as 'begin update written set n = n + 1; return null; end';"
        "create trigger t after update on rm00101 for each statement execute function count_it()"
    )
    post(books, order(2))
    assert books.value("select n from written") == 0
    moved = replace(HOME, line_1="2 Other Street", neighbourhood=None)
    ann = replace(ANN, name="Ann Married", email="ann@new.example")
    post(books, order(3, ann, shipping_address=moved))
    assert books.value("select n from written") == 1
    row = books.run("select custname, address1 from rm00101 where custnmbr = 'W4711'")
    assert row == [("Ann Married", "2 Other Street")]
    codes = books.run("select adrscode, address1 from rm00102 order by 1")
    assert codes == [("PRIMARY", "2 Other Street"), ("SHIP TO", "2 Other Street")]
    assert books.value("select inet1 from sy01200") == "ann@new.example"


def test_an_older_order_brings_no_news_of_its_customer(books: Company) -> None:
    today = order(1).document_on
    post(books, order(1))
    old = replace(order(2, replace(ANN, name="Ann Maiden")), document_on=today - timedelta(days=1))
    post(books, old)
    assert books.value("select custname from rm00101 where custnmbr = 'W4711'") == "Ann Example"
    post(books, order(3, replace(ANN, name="Ann Married")))
    assert books.value("select custname from rm00101 where custnmbr = 'W4711'") == "Ann Married"


def test_customers_that_the_books_had_before_are_never_changed(books: Company) -> None:
    mapped = Customer("gid://shopify/Customer/77", name="Somebody Else", email="x@example.com")
    post(books, order(1, mapped))
    books.run("insert into sy01200 values ('CUS', 'WEBGUEST', 'PRIMARY', 'ann@example.com')")
    post(books, order(2), order(3, replace(ANN, name="Ann Married")))
    assert booked_on(books) == ["KNOWN", "WEBGUEST", "WEBGUEST"]
    names = books.run("select custnmbr, custname from rm00101 order by 1")
    assert names == [("KNOWN", "Known customer"), ("WEBGUEST", "Web guests")]


def test_carrying_changes_over_can_be_switched_off(books: Company) -> None:
    post(books, order(1), order(2, replace(ANN, name="Ann Married")), update_customers=False)
    assert books.value("select custname from rm00101 where custnmbr = 'W4711'") == "Ann Example"


def test_the_buyers_tax_registration_stands_on_every_document(books: Company) -> None:
    ann = replace(ANN, tax_ids=(TaxId("vat", "DE123456789"), TaxId("eori", "DE1")))
    post(books, order(1001, ann), invoice(customer=ann))
    rows = books.run("select soptype, txrgnnum from sales_documents order by 1")
    assert rows == [(2, "DE123456789"), (3, "DE123456789")]
    long = replace(ANN, tax_ids=(TaxId("vat", "X" * 26),))
    with pytest.raises(Refused, match="TXRGNNUM"):
        post(books, order(1002, long))


def test_an_address_that_became_shorter_loses_its_second_line(books: Company) -> None:
    long = replace(HOME, line_2="Flat 3")
    post(books, order(1, shipping_address=long), order(2))
    assert books.value("select address2 from rm00102 where adrscode = 'PRIMARY'") == ""


def test_the_same_new_customer_from_many_posters_is_created_once(books: Company) -> None:
    erps = [books.erp() for _ in range(2)]
    prepared = [erps[0].prepare(order(n)) for n in range(1, 13)]
    with ThreadPoolExecutor(6) as posters:
        list(posters.map(lambda i: erps[i % 2].post(prepared[i]), range(12)))
    assert customers(books) == {"W4711"}
    assert len(booked_on(books)) == 12


def test_two_accounts_of_one_e_mail_become_one_customer_whoever_is_first(books: Company) -> None:
    erps = [books.erp() for _ in range(2)]
    prepared = [
        erps[0].prepare(order(n, replace(ANN, customer_id_store=f"gid://shopify/Customer/{n}")))
        for n in range(1, 9)
    ]
    with ThreadPoolExecutor(8) as posters:
        list(posters.map(lambda i: erps[i % 2].post(prepared[i]), range(8)))
    assert len(customers(books)) == 1
    assert set(booked_on(books)) == customers(books)
    with books.engine.connect() as connection:
        locks = connection.exec_driver_sql(
            "select count(*) from pg_locks where locktype = 'advisory'"
        ).scalar_one()
    assert locks == 0


def test_nothing_personal_is_in_what_a_prepared_document_shows(books: Company) -> None:
    prepared = books.erp().prepare(order())
    assert "xample.com" not in repr(prepared.payload)
