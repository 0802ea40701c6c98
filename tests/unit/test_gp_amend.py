"""Marks: what was done to a GP document, and which document shows what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.connectors.erps.dynamics_gp.amend import Marks, added_by
from include.connectors.erps.dynamics_gp.payloads import (
    INVOICE,
    ORDER,
    PAYMENT_BAND,
    RETURN,
    mark_of,
    target_of,
)
from include.domain.document import DocumentKey, DocumentKind

KEY = DocumentKey("shopify_gp", "1001", DocumentKind.SALES_ORDER)


@given(st.integers(0, 99), st.frozensets(st.integers(1, 99), max_size=8))
def test_marks_are_read_as_they_were_written(change: int, payments: frozenset[int]) -> None:
    marks = Marks(change, payments)
    assert Marks.read(str(marks)) == marks
    assert Marks.read(f"{marks}   ") == marks


@pytest.mark.parametrize("text", ["", "EDI 4711", "c", "p", "c1 x", "cash", "p1."])
def test_what_somebody_else_wrote_marks_nothing(text: str) -> None:
    assert Marks.read(text) == Marks()


@given(st.text(max_size=60), st.sampled_from([15, 20, 28]))
def test_a_mark_of_an_id_always_fits_and_is_always_the_same(store_id: str, limit: int) -> None:
    mark = mark_of(store_id, limit)
    assert 0 < len(mark) <= limit
    assert mark.isascii()
    assert "/" not in mark
    assert mark_of(store_id, limit) == mark


def test_a_mark_is_the_last_part_of_the_id_where_it_fits() -> None:
    assert mark_of("gid://shopify/LineItem/13579", 28) == "13579"
    assert len(mark_of("gid://shopify/OrderTransaction/1234567890123456", 15)) == 15


@pytest.mark.parametrize(
    ("kind", "sequence", "soptype", "shown_kind", "shown_sequence"),
    [
        (DocumentKind.SALES_ORDER, 1, ORDER, DocumentKind.SALES_ORDER, 1),
        (DocumentKind.ORDER_CHANGE, 3, ORDER, DocumentKind.SALES_ORDER, 1),
        (DocumentKind.INVOICE, 2, INVOICE, DocumentKind.INVOICE, 2),
        (DocumentKind.CREDIT_NOTE, 2, RETURN, DocumentKind.CREDIT_NOTE, 2),
        (DocumentKind.VOID, 1, ORDER, DocumentKind.SALES_ORDER, 1),
        (DocumentKind.VOID, 2, INVOICE, DocumentKind.INVOICE, 1),
        (DocumentKind.VOID, 4, INVOICE, DocumentKind.INVOICE, 3),
    ],
)
def test_every_key_has_one_place_where_it_shows(
    kind: DocumentKind,
    sequence: int,
    soptype: int,
    shown_kind: DocumentKind,
    shown_sequence: int,
) -> None:
    key = replace(KEY, kind=kind, sequence=sequence)
    assert target_of(key) == (soptype, replace(KEY, kind=shown_kind, sequence=shown_sequence))


@pytest.mark.parametrize("kind", [DocumentKind.PAYMENT, DocumentKind.SHIPMENT])
def test_what_has_no_document_has_no_place_of_its_own(kind: DocumentKind) -> None:
    assert target_of(replace(KEY, kind=kind)) is None


def test_payments_are_told_apart_by_their_number() -> None:
    assert added_by(2, 2 * PAYMENT_BAND + 1)
    assert not added_by(1, 2 * PAYMENT_BAND + 1)
    assert not added_by(1, 16384)
