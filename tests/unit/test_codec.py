"""An order survives being staged: what is read back is the order that was written."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.codec import decode, encode, from_document, to_document
from include.domain.money import Amount
from include.domain.order import (
    Address,
    Charge,
    ChargeKind,
    Customer,
    Discount,
    FinancialStatus,
    LineKind,
    Order,
    OrderLine,
    OrderLink,
    PiiState,
    Refund,
    RefundAdjustment,
    RefundCharge,
    RefundLine,
    Restock,
    SalesProgram,
    StatedTotals,
    TaxId,
    TaxLine,
    Tender,
    TenderKind,
    TenderStatus,
)

TEXT = st.text(max_size=12)
MAYBE = st.none() | TEXT
FLAG = st.booleans()
COUNT = st.integers(-5, 10**6)
DECIMALS = st.decimals(-(10**9), 10**9, places=3) | st.integers(0, 10**6).map(Decimal)
AMOUNTS = st.builds(Amount, DECIMALS, DECIMALS) | DECIMALS.map(lambda d: Amount(d, d))
TIMES = st.datetimes(timezones=st.just(UTC)) | st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(timezone(timedelta(hours=-5))),
)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=2).map(tuple)


RATES = st.none() | st.decimals(0, 1, places=4)
TAXES = st.builds(TaxLine, TEXT, AMOUNTS, AMOUNTS, RATES, MAYBE, FLAG)
DISCOUNTS = st.builds(Discount, AMOUNTS, MAYBE)
LINES = st.builds(
    OrderLine,
    line_id=TEXT,
    kind=st.sampled_from(LineKind),
    sku=MAYBE,
    title=TEXT,
    quantity=COUNT,
    current_quantity=COUNT,
    unit_price=AMOUNTS,
    current_price=AMOUNTS,
    discounts=some(DISCOUNTS),
    taxes=some(TAXES),
    variant_id_store=MAYBE,
    product_id_store=MAYBE,
    variant_title=MAYBE,
    location_id=MAYBE,
    requires_shipping=FLAG,
    taxable=FLAG,
    marketplace_item_id=MAYBE,
    fulfilled_quantity=st.none() | st.integers(0, 10**6),
)
CHARGES = st.builds(
    Charge,
    charge_id=TEXT,
    kind=st.sampled_from(ChargeKind),
    title=TEXT,
    price=AMOUNTS,
    current_price=AMOUNTS,
    code=MAYBE,
    discounts=some(DISCOUNTS),
    taxes=some(TAXES),
    line_id=MAYBE,
    removed=FLAG,
)
TENDERS = st.builds(
    Tender,
    tender_id=TEXT,
    gateway=TEXT,
    kind=st.sampled_from(TenderKind),
    status=st.sampled_from(TenderStatus),
    amount=AMOUNTS,
    processed_at=TIMES,
    parent_id=MAYBE,
    is_test=FLAG,
    method=MAYBE,
    authorization_code=MAYBE,
    rounding=AMOUNTS,
)
REFUNDS = st.builds(
    Refund,
    refund_id=TEXT,
    created_at=TIMES,
    total=AMOUNTS,
    lines=some(
        st.builds(RefundLine, TEXT, COUNT, st.sampled_from(Restock), AMOUNTS, AMOUNTS, MAYBE)
    ),
    charges=some(st.builds(RefundCharge, st.sampled_from(ChargeKind), AMOUNTS, AMOUNTS, MAYBE)),
    adjustments=some(st.builds(RefundAdjustment, TEXT, AMOUNTS, AMOUNTS)),
    tender_ids=some(TEXT),
)
ADDRESSES = st.none() | st.builds(Address, *[MAYBE] * 12)
CUSTOMERS = st.none() | st.builds(
    Customer,
    customer_id_store=MAYBE,
    name=MAYBE,
    email=MAYBE,
    phone=MAYBE,
    company=MAYBE,
    tax_ids=some(st.builds(TaxId, TEXT, TEXT)),
    accepts_marketing=st.none() | FLAG,
)
ORDERS = st.builds(
    Order,
    channel=TEXT,
    order_id_store=st.text(min_size=1, max_size=8),
    number=st.text(min_size=1, max_size=8),
    placed_at=TIMES,
    updated_at=TIMES,
    currency=st.sampled_from(["USD", "JPY"]),
    presentment_currency=st.sampled_from(["USD", "JPY"]),
    taxes_included=FLAG,
    stated=st.builds(StatedTotals, *[AMOUNTS] * 15),
    lines=some(LINES),
    charges=some(CHARGES),
    tenders=some(TENDERS),
    refunds=some(REFUNDS),
    customer=CUSTOMERS,
    billing_address=ADDRESSES,
    shipping_address=ADDRESSES,
    cancelled_at=st.none() | TIMES,
    cancel_reason=MAYBE,
    closed_at=st.none() | TIMES,
    is_test=FLAG,
    is_edited=FLAG,
    program=st.sampled_from(SalesProgram),
    financial_status=st.sampled_from(FinancialStatus),
    fulfillment_status=TEXT,
    links=some(st.builds(OrderLink, TEXT, TEXT)),
    purchase_order_number=MAYBE,
    seller_order_id=MAYBE,
    marketplace_id=MAYBE,
    pii_state=st.sampled_from(PiiState),
)


@given(ORDERS)
def test_any_order_is_read_back_as_the_order_that_was_written(order: Order) -> None:
    assert from_document(to_document(order)) == order
    assert decode(encode(order)) == order


@given(ORDERS)
def test_any_json_library_may_write_the_document(order: Order) -> None:
    assert from_document(orjson.loads(orjson.dumps(to_document(order)))) == order


@given(ORDERS)
def test_the_same_order_is_always_the_same_bytes(order: Order) -> None:
    assert encode(order) == encode(decode(encode(order)))


@given(ORDERS)
def test_nothing_empty_is_written(order: Order) -> None:
    def check(value: object) -> None:
        assert value is not None
        if isinstance(value, dict):
            for entry in value.values():
                check(entry)
        elif isinstance(value, list):
            for entry in value:
                check(entry)
        else:
            assert type(value) in (str, int, bool)

    document = to_document(order)
    check(document)
    assert all(document[key] for key in ("charges", "tenders", "refunds") if key in document)


def small() -> Order:
    return Order(
        channel="shop",
        order_id_store="1",
        number="#1",
        placed_at=datetime(2026, 11, 18, 10, tzinfo=UTC),
        updated_at=datetime(2026, 11, 18, 12, tzinfo=timezone(timedelta(hours=2))),
        currency="USD",
        presentment_currency="USD",
        taxes_included=False,
        stated=StatedTotals(*[Amount(Decimal("5.00"), Decimal("5.00"))] * 5),
        lines=(),
    )


def test_times_are_utc_and_amounts_one_string_where_the_currency_is_one() -> None:
    document = to_document(small())
    assert document["placed_at"] == document["updated_at"] == "2026-11-18T10:00:00Z"
    assert document["stated"]["current_total"] == "5.00"
    assert "tip" not in document["stated"]
    assert "customer" not in document


def test_two_currencies_are_always_two_strings_even_where_the_figures_agree() -> None:
    document = to_document(replace(small(), presentment_currency="CAD"))
    assert document["stated"]["current_total"] == ["5.00", "5.00"]


def test_the_json_is_canonical() -> None:
    body = encode(small())
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()


def test_a_document_that_lacks_what_an_order_needs_is_refused() -> None:
    document = to_document(small())
    del document["stated"]
    with pytest.raises(KeyError):
        from_document(document)
    with pytest.raises(ValueError, match="teleported"):
        from_document({**to_document(small()), "program": "teleported"})
