"""Money is exact, knows its currency's decimals, and loses no cent when it is split."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.money import (
    NOTHING,
    Amount,
    Money,
    allocate,
    exponent,
    minor_unit,
    quantise,
    total_of,
)

CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "EUR", "CLF"])
WEIGHTS = st.lists(st.decimals(0, 10**6, places=4), min_size=1, max_size=12)


@given(st.integers(-(10**12), 10**12), WEIGHTS, CURRENCIES)
def test_the_parts_of_an_allocation_sum_to_the_total(
    units: int, weights: list[Decimal], currency: str
) -> None:
    total = units * minor_unit(currency)
    parts = allocate(total, weights, currency)
    assert sum(parts) == total
    assert len(parts) == len(weights)
    assert all(part == quantise(part, currency) for part in parts)


@given(st.integers(-(10**9), 10**9), WEIGHTS, CURRENCIES)
def test_no_part_is_a_whole_minor_unit_off_its_exact_share(
    units: int, weights: list[Decimal], currency: str
) -> None:
    unit = minor_unit(currency)
    base = sum(weights)
    exact = [
        units * unit * (weight / base if base else Decimal(1) / len(weights)) for weight in weights
    ]
    for part, share in zip(allocate(units * unit, weights, currency), exact, strict=True):
        assert abs(part - share) < unit + Decimal("1e-12")


@given(st.integers(0, 10**9), WEIGHTS)
def test_a_part_without_weight_gets_nothing_unless_all_have_none(
    units: int, weights: list[Decimal]
) -> None:
    parts = allocate(units * minor_unit("USD"), weights, "USD")
    if any(weights):
        assert all(not part for part, weight in zip(parts, weights, strict=True) if not weight)


def test_a_cent_goes_to_the_largest_remainder() -> None:
    third = [Decimal(1)] * 3
    assert allocate(Decimal("10.00"), third, "USD") == [
        Decimal("3.34"),
        Decimal("3.33"),
        Decimal("3.33"),
    ]
    assert allocate(Decimal("-0.01"), third, "USD") == [Decimal("-0.01"), 0, 0]
    assert allocate(Decimal(100), [Decimal(2), Decimal(1)], "JPY") == [67, 33]
    assert allocate(Decimal("0.001"), [Decimal(0), Decimal(0)], "KWD") == [Decimal("0.001"), 0]


def test_an_allocation_that_makes_no_sense_is_refused_with_the_rule() -> None:
    with pytest.raises(ValueError, match="no weights"):
        allocate(Decimal(1), [], "USD")
    with pytest.raises(ValueError, match="negative"):
        allocate(Decimal(1), [Decimal(2), Decimal(-1)], "USD")
    with pytest.raises(ValueError, match=r"whole number of 0\.01"):
        allocate(Decimal("0.005"), [Decimal(1)], "USD")
    with pytest.raises(ValueError, match="whole number of 1"):
        allocate(Decimal("0.5"), [Decimal(1)], "JPY")


@pytest.mark.parametrize(
    ("currency", "places", "rounded"),
    [("USD", 2, "2.35"), ("JPY", 0, "2"), ("KWD", 3, "2.345"), ("CLF", 4, "2.3450")],
)
def test_each_currency_rounds_half_up_to_its_own_decimals(
    currency: str, places: int, rounded: str
) -> None:
    assert exponent(currency) == places
    assert str(quantise(Decimal("2.345"), currency)) == rounded


def test_an_amount_adds_up_side_by_side() -> None:
    left, right = Amount(Decimal("1.10"), Decimal("0.90")), Amount(Decimal("0.05"), Decimal("0.04"))
    assert left.plus(right) == (Decimal("1.15"), Decimal("0.94"))
    assert left.minus(right) == (Decimal("1.05"), Decimal("0.86"))
    assert left.times(3) == (Decimal("3.30"), Decimal("2.70"))
    assert total_of([left, right, NOTHING]) == left.plus(right)
    assert total_of([]) == NOTHING


def test_money_of_two_currencies_never_mixes_and_floats_are_no_money() -> None:
    with pytest.raises(ValueError, match="cannot mix USD with EUR"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "EUR")
    with pytest.raises(TypeError, match="finite Decimal"):
        Money(1.5, "USD")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="finite Decimal"):
        Money(Decimal("NaN"), "USD")
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(Decimal(1), "DOLLAR")


def test_money_is_written_with_the_decimals_of_its_currency() -> None:
    assert str(Money(Decimal("5"), "USD")) == "5.00 USD"
    assert str(Money(Decimal("500"), "JPY")) == "500 JPY"
    assert str(Money(Decimal("5") - Decimal("0.5"), "KWD")) == "4.500 KWD"
    assert str(Money(Decimal(1), "USD") - Money(Decimal("0.01"), "USD")) == "0.99 USD"
