"""Rows encoded by us are read by PostgreSQL as what they were; what no column holds is refused."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from include.staging.checks import CHECK_COLUMNS
from include.staging.copying import ORDER_COLUMNS, UNFIT, encode, file_of
from include.staging.rows import CARRIED_CHECKS, LandedOrder
from local.postgres import EmbeddedPostgres

AT = datetime(2026, 11, 20, 12, 30, 59, 123456, tzinfo=UTC)
VALUES: dict[str, list[Any]] = {
    "text": [None, "", "plain", 'quote " \\ tab \t', "東京 😀", "x" * 70_000],
    "timestamptz": [
        None,
        AT,
        AT.astimezone(timezone(timedelta(hours=14))),
        datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1, 1, 2, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ],
    "boolean": [None, True, False],
    "integer": [None, 0, -1, 2**31 - 1, -(2**31)],
    "bigint": [None, 0, -1, 2**63 - 1, -(2**63)],
    "numeric": [
        None,
        *map(
            Decimal,
            [
                "0",
                "0.00",
                "1",
                "-1",
                "10000",
                "0.0001",
                "0.00001",
                "-0.5",
                "12345678.87654321",
                "9999.9999",
                "1E+5",
                "-1E-9",
                "100",
            ],
        ),
    ],
}
WRONG = [
    ("line_count", 2**31),
    ("current_total_minor", 2**63),
    ("max_tax_rate", Decimal("NaN")),
    ("max_tax_rate", Decimal("Infinity")),
    ("currency", "half of \ud83d"),
]


@pytest.fixture
def connection(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[Any]:
    url = staging_url.replace("+psycopg", "")
    with psycopg.connect(url, options="-c timezone=UTC") as opened:
        columns = ", ".join(f"{name} {kind}" for name, kind in ORDER_COLUMNS)
        opened.execute(f"CREATE TEMPORARY TABLE copied ({columns})")
        yield opened


def row_of(number: int, checks: dict[str, Any], totals: list[Any]) -> LandedOrder:
    return LandedOrder(
        f"order/{number:04}",
        f"#{number}",
        AT + timedelta(microseconds=number),
        bytes([number % 256]) * 16,
        b'{"raw": 1}',
        b'{"canonical": 1}',
        b"\x00" * 16,
        b"[]",
        tuple(totals),
        tuple(checks[column.name] for column in CARRIED_CHECKS),
        message="why",
    )


def test_every_kind_of_value_comes_back_as_it_was(connection: psycopg.Connection[Any]) -> None:
    rng = random.Random(7)
    given = []
    for number in range(300):
        checks = {c.name: rng.choice(VALUES[c.sql_type]) for c in CHECK_COLUMNS}
        totals = [rng.choice(VALUES["numeric"]) for _ in range(6)]
        given.append((checks, totals, row_of(number, checks, totals)))
    rows = [encode("channel", 7, row) for _, _, row in given]
    with connection.cursor() as cursor, cursor.copy("COPY copied FROM STDIN (FORMAT binary)") as c:
        c.write(file_of([row.order for row in rows]))
    cursor = connection.execute("SELECT * FROM copied ORDER BY order_id_store")
    names = [column.name for column in cursor.description or ()]
    for (checks, totals, row), found in zip(given, cursor, strict=True):
        read = dict(zip(names, found, strict=True))
        assert read["batch_id"] == 7
        assert read["order_number"] == row.order_number
        assert read["updated_at"] == row.updated_at
        assert read["digest"] == row.digest
        assert (read["verdict"], read["message"]) == (None, "why")
        assert {c.name: read[c.name] for c in CARRIED_CHECKS} == {
            c.name: checks[c.name] for c in CARRIED_CHECKS
        }
        assert [read[name] for name, _ in ORDER_COLUMNS[13:19]] == totals


@pytest.mark.parametrize(("column", "value"), WRONG)
def test_a_value_that_its_column_cannot_hold_is_refused(column: str, value: object) -> None:
    checks: dict[str, Any] = {c.name: None for c in CHECK_COLUMNS} | {column: value}
    with pytest.raises(UNFIT):
        encode("channel", 7, row_of(1, checks, [None] * 6))


@pytest.mark.parametrize("count", [len(CARRIED_CHECKS) - 1, len(CARRIED_CHECKS) + 1])
def test_a_row_with_more_or_fewer_figures_than_columns_is_refused(count: int) -> None:
    row = row_of(1, {c.name: None for c in CHECK_COLUMNS}, [None] * 6)
    with pytest.raises(ValueError, match=f"{count} check figures"):
        encode("channel", 7, row._replace(checks=(None,) * count))


def test_equal_numbers_are_written_alike_whichever_came_first() -> None:
    def written(spelled: str) -> bytes:
        checks: dict[str, Any] = {c.name: None for c in CHECK_COLUMNS}
        rate = checks | {"max_tax_rate": Decimal(spelled)}
        return encode("channel", 7, row_of(1, rate, [None] * 6)).order

    for spellings in (("0.0731", "0.07310", "731E-4"), ("0.000", "0", "-0.0"), ("1E+2", "100.00")):
        assert len({written(spelled) for spelled in spellings}) == 1, spellings


def test_an_order_without_a_document_leaves_none() -> None:
    row = LandedOrder("order/1", "#1", AT, b"digest", None, verdict="hold")
    encoded = encode("channel", 7, row)
    assert encoded.document is None
    assert not encoded.is_readable
