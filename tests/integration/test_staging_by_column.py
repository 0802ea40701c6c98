"""Rows that are read by column are those that PostgreSQL holds, however they are parted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from include.domain.columns import MOST_CODES, Column, Kind, Rows
from include.staging.by_column import Source, read_by_column

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(1969, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
KINDS = {
    "name": "text",
    "count": "integer",
    "cents": "bigint",
    "open": "boolean",
    "at": "timestamptz",
    "rate": "numeric",
}
ROWS: list[tuple[Any, ...]] = [
    ("", 0, 0, False, AT, None),
    ("a", -1, -(2**63), True, AT + timedelta(days=20_000), Decimal("0.0625")),
    ("b", 2**31 - 1, 2**63 - 1, True, datetime(2000, 1, 1, tzinfo=UTC), Decimal("0.10")),
    ("c", 200, 7, False, AT.astimezone(timezone(timedelta(hours=9))), None),
    ("d", 5, 5, True, AT, Decimal(1)),
]


@pytest.fixture
def connection(
    staging_url: str,
) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(staging_url.replace("+psycopg", "")) as opened:
        columns = ", ".join(f"{name} {kind}" for name, kind in KINDS.items())
        opened.execute(f"CREATE TEMPORARY TABLE kept (side text, {columns})")
        yield opened


def keep(connection: psycopg.Connection[Any], rows: list[tuple[Any, ...]], side: str = "x") -> None:
    connection.cursor().executemany(
        "INSERT INTO kept VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [(side, *row) for row in reversed(rows)],
    )


def read(connection: psycopg.Connection[Any], size: int = 100) -> tuple[Rows, list[int]]:
    rows, sizes = Rows(len(KINDS)), []
    source = Source("kept", "side = %(side)s", "name")
    for part in read_by_column(connection, KINDS, source, {"side": "x"}, size=size):
        sizes.append(len(part[0]))
        rows.append(part)
    return rows, sizes


@pytest.mark.parametrize(("size", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (6, [5])])
def test_rows_come_in_the_order_of_their_key_in_parts_of_any_size(
    connection: psycopg.Connection[Any], size: int, sizes: list[int]
) -> None:
    keep(connection, ROWS)
    keep(connection, ROWS, side="another")

    rows, found = read(connection, size)

    assert list(rows) == ROWS
    assert [[type(value) for value in row] for row in rows] == [
        [type(value) for value in row] for row in ROWS
    ]
    assert found == sizes


def test_no_rows_are_no_parts(connection: psycopg.Connection[Any]) -> None:
    rows, sizes = read(connection)

    assert (len(rows), sizes) == (0, [])


def test_numbers_flags_and_times_come_packed_in_as_few_bytes_as_they_need(
    connection: psycopg.Connection[Any],
) -> None:
    keep(connection, [("a", 1, 300, True, AT, None), ("b", 2, 70_000, False, AT, None)])
    source = Source("kept", "side = %(side)s", "name")

    (part,) = read_by_column(connection, KINDS, source, {"side": "x"}, size=9)

    packed = [(one.kind, one.kept.typecode) for one in part[1:5] if isinstance(one, Column)]
    assert packed == [(Kind.WHOLE, "b"), (Kind.WHOLE, "i"), (Kind.FLAG, "b"), (Kind.INSTANT, "q")]


def test_texts_and_rates_come_as_places_among_the_few_that_are_distinct(
    connection: psycopg.Connection[Any],
) -> None:
    rates = [Decimal("0.10"), None, Decimal("0.2")]
    rows = [(f"{n:05}", 1, 1, True, AT, rates[n % 3]) for n in range(2 * MOST_CODES)]
    keep(connection, rows)

    whole, _ = read(connection, 3 * MOST_CODES)
    parted, _ = read(connection, 700)

    assert list(whole) == list(parted) == rows
    for read_rows in (whole, parted):
        assert [read_rows.columns[at].kind for at in (0, 5)] == [Kind.ANYTHING, Kind.CODED]
        assert sorted(map(str, read_rows.columns[5].distinct)) == ["0.10", "0.2"]


def test_a_missing_value_is_missing_in_any_column(connection: psycopg.Connection[Any]) -> None:
    rows: list[tuple[Any, ...]] = [
        ("a", None, 2**40, None, AT, None),
        ("b", -3, None, True, None, Decimal(2)),
        ("c", None, None, False, None, None),
    ]
    keep(connection, rows)

    assert list(read(connection)[0]) == rows
    assert list(read(connection, 1)[0]) == rows
