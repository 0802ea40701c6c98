"""Rows kept by column give back what was put in, however odd, and keep numbers in few bytes."""

from __future__ import annotations

import random
from array import array
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.domain.columns import MOST_CODES, Column, Kind, Rows, narrowest

AT = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


def test_rows_come_back_as_they_were() -> None:
    rows = [
        (f"gid://order/{n}", n, n % 2 == 0, AT - timedelta(hours=n), Decimal(n) / 8, "USD", None)
        for n in range(3_000)
    ]
    kept = Rows(7, rows[:1_700])
    kept.extend(rows[1_700:])
    assert len(kept) == 3_000
    assert list(kept) == rows
    assert kept[17] == rows[17]
    assert kept[-1] == rows[-1]
    assert kept[5:8] == rows[5:8]
    assert [type(value) for value in kept[2]] == [type(value) for value in rows[2]]
    assert [column.kind for column in kept.columns] == [
        Kind.ANYTHING,  # as good as every id is another
        Kind.WHOLE,
        Kind.FLAG,
        Kind.INSTANT,
        Kind.ANYTHING,
        Kind.CODED,
        Kind.CODED,
    ]


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(300, id="two bytes"),
        pytest.param(-(2**31), id="four bytes"),
        pytest.param(2**63 - 1, id="eight bytes"),
        pytest.param(2**70, id="more than any column has"),
        pytest.param(None, id="a gap"),
        pytest.param(True, id="a flag"),
        pytest.param("1", id="a text"),
        pytest.param([1], id="a list"),
    ],
)
def test_a_value_that_the_column_was_not_made_for_is_kept_too(late: Any) -> None:
    kept = Rows(1, [(1,), (2,)])
    kept.extend([(3,), (late,)])
    kept.extend([(4,)])
    assert [value for (value,) in kept] == [1, 2, 3, late, 4]
    assert type(kept[3][0]) is type(late)


def test_times_without_a_zone_and_gaps_among_times_come_back() -> None:
    naive = AT.replace(tzinfo=None)
    kept = Rows(1, [(AT,)])
    kept.extend([(None,)])
    kept.extend([(naive,), (AT,)])
    assert [value for (value,) in kept] == [AT, None, naive, AT]


def test_columns_of_any_mixture_come_back() -> None:
    rng = random.Random(20261122)
    pool = [0, 1, -1, 200, 2**40, True, False, None, "", "USD", AT, Decimal("0.05")]
    for _ in range(300):
        choice = rng.sample(pool, rng.randint(1, 4))
        values = [(rng.choice(choice),) for _ in range(rng.randint(0, 40))]
        at = rng.randint(0, len(values))
        kept = Rows(1, values[:at])
        kept.extend(values[at:])
        assert [repr(value) for (value,) in kept] == [repr(value) for (value,) in values]


def test_small_numbers_take_one_byte() -> None:
    kept = Rows(1, [(n % 100,) for n in range(1_000)])
    assert kept.columns[0].kept.itemsize == 1


def whole(code: str, *values: int) -> Column:
    return Column(Kind.WHOLE, array(code, values))


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        pytest.param([whole("b", 1), whole("h", 300)], "h", id="a wider part later"),
        pytest.param([whole("i", 70_000), whole("b", 1)], "i", id="a narrower part later"),
        pytest.param([whole("q", 2**40)], "q", id="one part"),
    ],
)
def test_rows_that_come_by_column_stay_packed(parts: list[Column], code: str) -> None:
    rows = Rows(1)
    for part in parts:
        rows.append([part])

    assert [value for (value,) in rows] == [value for part in parts for value in part]
    assert (rows.columns[0].kind, rows.columns[0].kept.typecode) == (Kind.WHOLE, code)


def coded(code: str, places: list[int], *distinct: Any) -> Column:
    return Column(Kind.CODED, array(code, places), distinct)


def test_the_places_of_another_column_are_called_what_they_are_called_here() -> None:
    rows = Rows(1)
    for part in (
        coded("b", [0, -1, 1], "USD", "EUR"),
        coded("b", [-1, -1]),
        coded("h", [1, 0, -1, 0], "JPY", "USD"),
        coded("b", [0], "EUR"),
    ):
        rows.append([part])

    assert [value for (value,) in rows] == [
        *("USD", None, "EUR"),
        *(None, None),
        *("USD", "JPY", None, "JPY"),
        "EUR",
    ]
    assert (rows.columns[0].kind, sorted(rows.columns[0].distinct)) == (
        Kind.CODED,
        ["EUR", "JPY", "USD"],
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(coded("h", [0, 1], 1, 2), id="of another type"),
        pytest.param(
            coded("h", list(range(MOST_CODES)), *map(str, range(MOST_CODES))), id="too many"
        ),
    ],
)
def test_places_that_cannot_be_kept_together_are_kept_as_values(other: Column) -> None:
    rows = Rows(1)
    rows.append([coded("b", [0, -1], "USD")])
    rows.append([other])

    assert [value for (value,) in rows] == ["USD", None, *other]
    assert rows.columns[0].kind is Kind.ANYTHING


def test_a_part_that_is_packed_otherwise_is_kept_too() -> None:
    rows = Rows(1)
    for part in (whole("b", 1), Column(Kind.FLAG, array("b", [1])), [None, "a"], whole("b", 2)):
        rows.append([part])

    assert [value for (value,) in rows] == [1, True, None, "a", 2]
    assert [type(value) for (value,) in rows[:2]] == [int, bool]


def test_what_is_appended_is_not_changed_by_what_comes_later() -> None:
    first = whole("b", 1)
    rows = Rows(1)
    rows.append([first])
    rows.append([whole("h", 300)])

    assert list(first) == [1]


@pytest.mark.parametrize("columns", [[[1], [2, 3]], [[1]], []])
def test_columns_that_make_no_rows_are_refused(columns: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="are no rows"):
        Rows(2).append(columns)


@pytest.mark.parametrize(
    ("least", "most", "code"),
    [(-128, 127, "b"), (0, 128, "h"), (-129, 0, "h"), (0, 2**31 - 1, "i"), (-(2**63), 0, "q")],
)
def test_the_narrowest_array_that_holds_all_is_chosen(least: int, most: int, code: str) -> None:
    assert narrowest(Kind.WHOLE, least, most) == code


def test_no_array_holds_more_than_eight_bytes() -> None:
    with pytest.raises(OverflowError, match="no whole column"):
        narrowest(Kind.WHOLE, 0, 2**63)
