"""Terms of payment: read from the store, kept with the order, put on what GP gets."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.payloads import GpDocument
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.connectors.stores.shopify.normalise import normalise
from include.domain.codec import decode, encode, to_document
from include.domain.document import DocumentKind
from include.domain.errors import ContractDrift, MappingMissing
from include.domain.order import Order, PaymentTerms, TenderKind
from tests.integration.gp_company import ROWS, Maps
from tests.unit import orders_factory as canonical
from tests.unit import shopify_orders as raw
from tests.unit.planned_books import PlannedBooks

NOON = datetime(2026, 12, 18, 12, tzinfo=UTC)
NET_30 = PaymentTerms("Net 30", NOON, 30)


def stated(*due: str | None, days: int | None = 30, more: bool = False) -> dict[str, Any]:
    return {
        "paymentTermsName": "Net 30",
        "dueInDays": days,
        "paymentSchedules": {
            "nodes": [{"dueAt": at} for at in due],
            "pageInfo": {"hasNextPage": more},
        },
    }


def read(terms: Any) -> PaymentTerms | None:
    document = raw.order([raw.line(1, "10.00")], "10.00")
    document["paymentTerms"] = terms
    return normalise("shopify_gp", document).payment_terms


@pytest.mark.parametrize(
    ("terms", "due_at", "days"),
    [
        (stated("2026-12-18T12:00:00Z"), NOON, 30),
        (stated("2026-12-18T12:00:00Z", "2026-11-30T12:00:00Z"), NOON, 30),
        (stated("2026-12-18T12:00:00Z", None), None, 30),
        (stated(None, days=None), None, None),
        (stated(days=15), None, 15),
    ],
)
def test_an_order_is_due_with_the_last_part_of_its_money(
    terms: Any, due_at: datetime | None, days: int | None
) -> None:
    assert read(terms) == PaymentTerms("Net 30", due_at, days)


def test_an_order_without_terms_has_none_whenever_it_was_landed() -> None:
    assert read(None) is None
    document = raw.order([raw.line(1, "10.00")], "10.00")
    assert "paymentTerms" not in document
    assert normalise("shopify_gp", document).payment_terms is None


@pytest.mark.parametrize(
    "terms",
    [
        {"dueInDays": 30},
        stated("tomorrow"),
        {**stated(), "dueInDays": "30"},
        stated("2026-12-18T12:00:00Z", more=True),
    ],
)
def test_terms_of_another_shape_are_drift_that_names_them(terms: Any) -> None:
    with pytest.raises(ContractDrift) as drift:
        read(terms)
    assert drift.value.field.startswith("paymentTerms")


@pytest.mark.parametrize(
    "terms", [None, NET_30, PaymentTerms("On receipt"), PaymentTerms("Net 7", None, 7)]
)
def test_terms_are_staged_with_the_order_and_read_back(terms: PaymentTerms | None) -> None:
    order = canonical.order(payment_terms=terms)
    assert decode(encode(order)) == order
    assert ("payment_terms" in to_document(order)) is (terms is not None)


def bought(terms: PaymentTerms | None) -> Order:
    return canonical.order(canonical.line(sku="MUG"), payment_terms=terms)


@pytest.mark.parametrize(
    ("terms", "due_on"),
    [
        (NET_30, date(2026, 12, 18)),
        # Four in the morning in London is still the evening before in New York.
        (PaymentTerms("x", datetime(2026, 12, 18, 4, tzinfo=UTC)), date(2026, 12, 17)),
        (PaymentTerms("x", None, 10), date(2026, 11, 28)),
        (PaymentTerms("x"), None),
    ],
)
def test_documents_say_when_they_are_due_in_the_shops_time_zone(
    terms: PaymentTerms, due_on: date | None
) -> None:
    documents = PlannedBooks().post(bought(terms))
    assert [(d.payment_terms, d.due_on) for d in documents] == [(terms.name, due_on)] * 2


def header(order: Order, kind: DocumentKind, rows: dict[tuple[str, str], str]) -> Any:
    books = PlannedBooks()
    books.post(canonical.order(canonical.line(sku="MUG"), payment_terms=order.payment_terms))
    books.post(order)
    (document, *_) = books.all(kind)
    payload = Translator(DynamicsGpSettings(), Maps(rows)).prepare(document).payload
    assert isinstance(payload, GpDocument)
    return payload.header


MAPPED = {**ROWS, ("payment_terms", "Net 30"): "NET 30 DAYS", ("location", "A"): "MAIN"}


@pytest.mark.parametrize("kind", [DocumentKind.SALES_ORDER, DocumentKind.INVOICE])
def test_an_order_and_its_invoice_carry_gps_terms_and_the_stores_due_date(
    kind: DocumentKind,
) -> None:
    found = header(bought(NET_30), kind, MAPPED)
    assert ("NET 30 DAYS", date(2026, 12, 18)) == (found.PYMTRMID, found.DUEDATE)


def test_a_return_is_owed_by_nobody_and_has_no_terms() -> None:
    back = canonical.tender("10", "R1", kind=TenderKind.REFUND, parent="T1")
    refunded = canonical.order(
        canonical.line(sku="MUG", left=1),
        tenders=(canonical.tender("20"), back),
        payment_terms=NET_30,
    )
    found = header(refunded, DocumentKind.CREDIT_NOTE, MAPPED)
    assert (found.PYMTRMID, found.DUEDATE) == (None, None)


def test_terms_without_a_row_hold_the_order_and_name_the_row() -> None:
    with pytest.raises(MappingMissing) as held:
        header(bought(NET_30), DocumentKind.SALES_ORDER, ROWS)
    assert (held.value.kind, held.value.key) == ("payment_terms", "Net 30")


def test_an_order_without_terms_asks_for_no_row() -> None:
    found = header(bought(None), DocumentKind.SALES_ORDER, ROWS)
    assert (found.PYMTRMID, found.DUEDATE) == (None, None)
