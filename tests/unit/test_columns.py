"""Rows kept by column give back what was put in, however odd, and keep numbers in few bytes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.domain.columns import Kind, Rows

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
