"""Each cause of a pending order is told from its data, with the field and what to do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from include.connectors.erps.heartland_retail.held import HeldLine, HeldOrder, HeldPayment
from include.connectors.erps.heartland_retail.pending import causes, refusal
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings

SETTINGS = HeartlandRetailSettings(
    station_id=1, default_location="L", required_custom_fields=("channel",)
)
TEN = Decimal(10)
GOOD = HeldOrder(
    id=1,
    number="S1",
    reference="#1001",
    mark="",
    status="pending",
    total=TEN,
    shipping_charge=Decimal(0),
    customer_id=1,
    lines=(HeldLine(1, 7, 1, TEN, Decimal(0), 1),),
    taxes={},
    discounts={},
    payments=(HeldPayment(1, "D:1", TEN, 1),),
    row={"shipping_address_id": 3, "custom": {"channel": "web"}},
)


def with_row(**values: Any) -> HeldOrder:
    return replace(GOOD, row=GOOD.row | values)


@pytest.mark.parametrize(
    ("held", "total", "rule", "field"),
    [
        (
            replace(GOOD, payments=(HeldPayment(1, "D:1", Decimal(9), 1),)),
            TEN,
            "pending_payment_mismatch",
            "payments",
        ),
        (
            replace(GOOD, payments=(*GOOD.payments, HeldPayment(2, "", Decimal(-1), 1))),
            TEN,
            "pending_refund",
            "payments",
        ),
        (GOOD, Decimal(11), "pending_total_mismatch", "total"),
        (replace(GOOD, lines=()), TEN, "pending_missing_product", "lines"),
        (
            replace(GOOD, lines=(replace(GOOD.lines[0], item_id=None),)),
            TEN,
            "pending_missing_product",
            "lines",
        ),
        (
            replace(GOOD, total=Decimal(-1), discounts={"All": TEN}, payments=()),
            Decimal(-1),
            "pending_wrong_discount",
            "discounts",
        ),
        (
            with_row(shipping_address_id=None),
            TEN,
            "pending_missing_address",
            "shipping_address_id",
        ),
        (with_row(custom={}), TEN, "pending_custom_field", "custom@channel"),
        (
            with_row(pending_reasons=[{"code": "custom_field", "field": "size"}]),
            TEN,
            "pending_custom_field",
            "custom@size",
        ),
    ],
)
def test_the_cause_names_rule_and_field(
    held: HeldOrder, total: Decimal, rule: str, field: str
) -> None:
    found = [(cause.rule, cause.field) for cause in causes(held, total, SETTINGS)]
    assert (rule, field) in found
    error = refusal(held, total, SETTINGS)
    assert "#1001 (S1)" in str(error)
    assert "next run" in str(error)


def test_an_order_in_which_nothing_is_wrong_has_no_cause() -> None:
    assert not list(causes(GOOD, TEN, SETTINGS))
    assert not list(causes(GOOD, None, SETTINGS))


def test_where_no_cause_is_seen_heartlands_own_words_are_told() -> None:
    held = with_row(pending_reasons=[{"code": "fraud", "message": "the fraud check is running"}])
    error = refusal(held, TEN, SETTINGS)
    assert error.rule == "pending"
    assert error.remote == "the fraud check is running"
    assert "the fraud check is running" in str(error)
    assert "by hand" in str(refusal(GOOD, TEN, SETTINGS))


def test_all_causes_are_told_at_once() -> None:
    held = replace(with_row(shipping_address_id=None, custom={}), lines=())
    words = str(refusal(held, TEN, SETTINGS))
    for part in ("shipping address", "custom field channel", "no item"):
        assert part in words
