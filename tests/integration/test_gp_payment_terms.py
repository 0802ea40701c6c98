"""Terms of payment in the sandbox company: what its documents say of when they are due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from include.connectors.erps.dynamics_gp import SETTINGS
from include.connectors.erps.dynamics_gp.connector import create
from include.domain.document import Document
from include.domain.errors import Refused
from include.domain.order import Customer
from local.postgres import EmbeddedPostgres
from tests.integration.gp_company import ROWS, Company, Maps, company, document, invoice

DUE = date(2026, 12, 18)


@pytest.fixture
def books(postgres_server: EmbeddedPostgres) -> Iterator[Company]:
    with company(postgres_server) as made:
        yield made


def on_terms(document: Document, due_on: date | None = DUE) -> Document:
    return replace(document, payment_terms="30 days", due_on=due_on)


def post(books: Company, *documents: Document, terms: str = "Net 30") -> None:
    erp = create(books.url, SETTINGS(), Maps({**ROWS, ("payment_terms", "30 days"): terms}))
    try:
        for each in documents:
            erp.post(erp.prepare(each))
    finally:
        erp.close()


def due(books: Company) -> list[tuple[str, date]]:
    rows = books.run("select pymtrmid, duedate from sales_documents order by soptype, sopnumbe")
    return [(row[0], row[1]) for row in rows]


def test_the_stores_due_date_stands_on_the_order_and_its_invoice(books: Company) -> None:
    post(books, on_terms(document()), on_terms(invoice()))
    assert due(books) == [("Net 30", DUE), ("Net 30", DUE)]


def test_a_day_that_the_store_does_not_know_yet_is_reckoned_by_gp(books: Company) -> None:
    post(books, on_terms(document(), due_on=None))
    assert due(books) == [("Net 30", date(2026, 12, 20))]


def test_terms_that_gp_does_not_know_refuse_the_document(books: Company) -> None:
    with pytest.raises(Refused, match="Payment terms do not exist"):
        post(books, on_terms(document()), terms="NEVER")
    assert due(books) == []


def test_an_order_without_terms_has_what_its_customer_has(books: Company) -> None:
    books.run("update rm00101 set pymtrmid = 'Net 15' where custnmbr = 'KNOWN'")
    post(books, document(customer=Customer("gid://shopify/Customer/77")))
    assert due(books) == [("Net 15", date(2026, 12, 5))]
