"""Customers that GP knows by their tax registration: found, never doubled, kept up to date."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from include.domain.document import Document
from include.domain.errors import Refused
from include.domain.order import Customer, TaxId
from local.postgres import EmbeddedPostgres
from tests.integration.gp_company import Company, company, document, invoice

NUMBER = TaxId("tax_registration", "DE 123.456-789")
ANN = Customer(
    "gid://shopify/Customer/4711",
    name="Ann Example",
    email="ann@example.com",
    company="Example Works",
    tax_ids=(NUMBER,),
)


@pytest.fixture
def books(postgres_server: EmbeddedPostgres) -> Iterator[Company]:
    with company(postgres_server) as made:
        yield made


def order(number: int = 1001, customer: Customer = ANN) -> Document:
    return document(number, customer=customer)


def post(books: Company, *documents: Document, **settings: Any) -> None:
    erp = books.erp(**settings)
    try:
        for each in documents:
            erp.post(erp.prepare(each))
    finally:
        erp.close()


def booked_on(books: Company) -> list[str]:
    return [r[0] for r in books.run("select custnmbr from sales_documents order by sopnumbe")]


def registered(books: Company, number: str, customer: str = "KNOWN") -> None:
    books.run("update rm00101 set txrgnnum = :t where custnmbr = :c", t=number, c=customer)


@pytest.mark.parametrize("written", ["DE123456789", "de 123 456 789", "DE-123/456.789"])
def test_a_company_that_gp_knows_by_its_tax_registration_is_not_created_again(
    books: Company, written: str
) -> None:
    registered(books, written)
    post(books, order(), invoice(customer=ANN))
    assert booked_on(books) == ["KNOWN", "KNOWN"]
    assert books.value("select count(*) from rm00101 where custnmbr = 'W4711'") == 0
    assert books.value("select txrgnnum from rm00101 where custnmbr = 'KNOWN'") == written


def test_the_number_counts_before_the_registration_and_that_before_the_e_mail(
    books: Company,
) -> None:
    books.run("insert into sy01200 values ('CUS', 'WEBGUEST', 'PRIMARY', 'ann@example.com')")
    registered(books, "DE123456789")
    post(books, order(1))
    post(books, order(2, replace(ANN, tax_ids=())))
    post(books, order(3), match_customers_by_registration=False)
    assert booked_on(books) == ["KNOWN", "WEBGUEST", "WEBGUEST"]
    plain = replace(ANN, customer_id_store="gid://shopify/Customer/9", tax_ids=(), email=None)
    post(books, order(4, plain), order(5, replace(plain, tax_ids=(NUMBER,))))
    assert booked_on(books)[3:] == ["W9", "W9"]


def test_a_registration_of_several_customers_is_left_to_a_person_and_not_repeated(
    books: Company,
) -> None:
    registered(books, "DE123456789")
    registered(books, "DE123456789", "WEBGUEST")
    with pytest.raises(Refused, match=r"2 customers .* \(KNOWN, WEBGUEST\): add a row") as refused:
        post(books, order())
    assert "123" not in str(refused.value)
    assert (refused.value.rule, refused.value.field) == ("customer_known_once", "TXRGNNUM")
    assert booked_on(books) == []


def test_an_inactive_customer_is_not_matched_by_registration(books: Company) -> None:
    registered(books, "DE123456789")
    books.run("update rm00101 set inactive = 1 where custnmbr = 'KNOWN'")
    post(books, order())
    assert booked_on(books) == ["W4711"]


def test_a_new_customer_keeps_the_registration_and_a_changed_one_is_carried_over(
    books: Company,
) -> None:
    post(books, order(1))
    asked = "select txrgnnum from rm00101 where custnmbr = 'W4711'"
    assert books.value(asked) == "DE 123.456-789"
    post(books, order(2, replace(ANN, tax_ids=(TaxId("tax_registration", "DE987654321"),))))
    assert books.value(asked) == "DE987654321"


def test_of_two_registrations_the_preferred_kind_counts(books: Company) -> None:
    registered(books, "22.222/222")
    both = replace(ANN, tax_ids=(TaxId("vat", "11111111"), TaxId("company_number", "22222222")))
    post(books, order(1, both), tax_registration_kinds=("company_number", "vat"))
    assert booked_on(books) == ["KNOWN"]
    assert books.value("select txrgnnum from sales_documents") == "22222222"
    post(books, order(2, both), tax_registration_kinds=("eori",))
    post(books, order(3, both))
    rows = books.run("select custnmbr, txrgnnum from sales_documents order by sopnumbe")
    assert rows[1:] == [("W4711", ""), ("W4711", "11111111")]


def test_two_contacts_of_one_company_become_one_customer_whoever_is_first(books: Company) -> None:
    erps = [books.erp() for _ in range(2)]
    contacts = [
        replace(ANN, customer_id_store=f"gid://shopify/Customer/{n}", email=f"{n}@example.com")
        for n in range(1, 9)
    ]
    prepared = [erps[0].prepare(order(n, one)) for n, one in enumerate(contacts, start=1)]
    with ThreadPoolExecutor(8) as posters:
        list(posters.map(lambda i: erps[i % 2].post(prepared[i]), range(8)))
    for erp in erps:
        erp.close()
    made = books.run("select custnmbr from rm00101 where custnmbr like 'W_'")
    assert len(made) == 1
    assert set(booked_on(books)) == {made[0][0]}


def test_no_registration_is_in_what_a_prepared_document_shows(books: Company) -> None:
    prepared = books.erp().prepare(order())
    assert "456" not in repr(prepared.payload)
