# ruff: noqa: SIM300 - fields of GP are in upper case and look like constants
"""eConnect's parameters: what fits, what does not, and that nothing is cut to fit."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.connectors.erps.dynamics_gp.econnect import generate, parameters
from include.connectors.erps.dynamics_gp.econnect.fields import Procedure
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateSopPaymentInsertRecord,
    TaSopHdrIvcInsert,
    TaSopLineIvcInsert,
    TaUpdateCreateCustomerRcd,
)
from include.domain.errors import Refused

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
FIELDS = SHARED / "schemas" / "dynamics_gp" / "econnect_fields.json"
CLASSES = [
    value
    for value in vars(parameters).values()
    if isinstance(value, type) and issubclass(value, Procedure) and value is not Procedure
]


def line(**changes: Any) -> TaSopLineIvcInsert:
    values: dict[str, Any] = {
        "SOPTYPE": 2,
        "SOPNUMBE": "ORDW000001",
        "CUSTNMBR": "W4711",
        "DOCDATE": date(2026, 11, 20),
        "ITEMNMBR": "MUG",
        "QUANTITY": Decimal(2),
    }
    return TaSopLineIvcInsert(**(values | changes))


@pytest.mark.skipif(
    not FIELDS.exists(), reason="the published field tables are not beside the repo"
)
def test_the_committed_classes_and_table_are_what_the_generator_writes() -> None:
    procedures = generate.read(FIELDS)
    assert generate.PARAMETERS.read_text() == generate.render_module(procedures)
    assert generate.SANDBOX_TABLE.read_text() == generate.render_table(procedures)


def test_every_published_parameter_of_the_two_big_procedures_is_there() -> None:
    assert len(fields(TaSopHdrIvcInsert)) == 115
    assert len(fields(TaSopLineIvcInsert)) == 94


def test_only_what_is_given_is_sent() -> None:
    assert list(line().values()) == [
        "SOPTYPE",
        "SOPNUMBE",
        "CUSTNMBR",
        "DOCDATE",
        "ITEMNMBR",
        "QUANTITY",
    ]


def test_a_missing_required_parameter_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="CUSTNMBR"):
        TaUpdateCreateCustomerRcd()  # type: ignore[call-arg]


def test_an_over_long_text_names_procedure_field_limit_and_length_but_not_the_text() -> None:
    with pytest.raises(Refused) as refused:
        line(ITEMNMBR="SECRET-" * 5)
    message = str(refused.value)
    assert "taSopLineIvcInsert: ITEMNMBR holds 30 characters, the value has 35" in message
    assert "SECRET" not in message
    assert refused.value.field == "ITEMNMBR"


@pytest.mark.parametrize("procedure", CLASSES, ids=lambda c: c.PROCEDURE)
def test_every_text_takes_its_limit_and_not_one_character_more(procedure: type[Procedure]) -> None:
    for name, rule in procedure.RULES.items():
        limit = getattr(rule, "limit", None)
        if limit is not None:
            assert rule.fault("x" * limit) is None, name
            assert rule.fault("x" * (limit + 1)) is not None, name


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a float": ({"UNITPRCE": 1.5}, "takes a Decimal, got float"),
    "six decimals": ({"UNITPRCE": Decimal("0.000001")}, "holds 5 decimals"),
    "fifteen digits": ({"UNITPRCE": Decimal(10) ** 14}, "holds 14 digits before the point"),
    "no number": ({"UNITPRCE": Decimal("NaN")}, "takes a finite number"),
    "infinity": ({"UNITPRCE": Decimal("Infinity")}, "takes a finite number"),
    "a smallint too large": ({"SOPTYPE": 40_000}, "holds -32768 to 32767, got 40000"),
    "a tinyint below zero": ({"CKCreditLimit": -1}, "holds 0 to 255"),
    "a truth value": ({"SOPTYPE": True}, "takes a whole number, got bool"),
    "text for a number": ({"QUANTITY": "2"}, "takes a Decimal, got str"),
    "a number for text": ({"ITEMNMBR": 7}, "takes text, got int"),
    "a NUL": ({"ITEMNMBR": "A\x00B"}, "NUL"),
    "text for a date": ({"DOCDATE": "2026-11-20"}, "takes a date, got str"),
    "a date before the calendar": ({"DOCDATE": date(1752, 12, 31)}, "starts with 1753-01-01"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_that_does_not_fit_is_refused(case: str) -> None:
    changes, words = REFUSED[case]
    with pytest.raises(Refused, match=re.escape(words)):
        line(**changes)


@given(st.decimals(min_value=0, max_value=99_999_999, places=5, allow_nan=False))
def test_any_price_of_five_decimals_fits_and_stays_the_same(price: Decimal) -> None:
    assert line(UNITPRCE=price).values()["UNITPRCE"] == price


def test_trailing_zeros_are_no_decimals() -> None:
    payment = TaCreateSopPaymentInsertRecord(
        SOPTYPE=2, SOPNUMBE="X", CUSTNMBR="Y", DOCAMNT=Decimal("1.5000000")
    )
    assert payment.DOCAMNT == Decimal("1.5")
