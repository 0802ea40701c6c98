"""Reads rows from PostgreSQL by column, without an object for each number, time, flag or rate.

PostgreSQL puts a column's values into one array, and numpy reads the binary form that
``array_send`` gives it (PostgreSQL's arrayfuncs.c): twenty bytes in front, the second word of
which tells whether values are missing, then the length and the bytes of each value.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg

from include.domain.columns import MOST_CODES, Column, Kind, narrowest

_HEADER = 20
_GAPS = slice(4, 8)
_FORMS = {
    "integer": (Kind.WHOLE, ">i4"),
    "bigint": (Kind.WHOLE, ">i8"),
    "boolean": (Kind.FLAG, "i1"),
    "timestamptz": (Kind.INSTANT, ">i8"),
}
# Rates come as texts, too: few are distinct, and only those become decimals.
_MAKERS: dict[str, Callable[[str], Any]] = {"text": str, "numeric": Decimal}
# PostgreSQL counts microseconds from here, columns from 1970.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_SINCE_1970 = int(_EPOCH.timestamp()) * 1_000_000

Part = list[Column | list[Any]]


class Source(NamedTuple):
    """What is read.

    Attributes:
        table: Table or view.
        condition: SQL condition on it, with named parameters.
        key: Column that tells its rows apart and gives their order.
    """

    table: str
    condition: str
    key: str


def read_by_column(
    connection: psycopg.Connection[Any],
    columns: Mapping[str, str],
    source: Source,
    values: Mapping[str, object],
    *,
    size: int,
) -> Iterator[Part]:
    """Yield the rows of a source by column, a part of them at a time.

    Args:
        connection: Open connection.
        columns: PostgreSQL type of each column by its name: text, numeric, integer, bigint,
            boolean or timestamptz; the source's key is one of them, a text.
        source: Where they come from.
        values: Parameters of its condition.
        size: Most rows of one part.
    """
    key = list(columns).index(source.key)
    query = _query(columns, source, "")
    bound = {**values, "size": size}
    with connection.cursor(binary=True) as cursor:
        while (found := cursor.execute(query, bound).fetchone()) and found[key] is not None:
            yield [
                _column(kind, value) for kind, value in zip(columns.values(), found, strict=True)
            ]
            if len(found[key]) < size:
                return
            # The key's index leads there: what came before is not sorted again for every part.
            query = _query(columns, source, f" AND {source.key} > %(after)s")
            bound["after"] = found[key][-1]


def _query(columns: Mapping[str, str], source: Source, later: str) -> str:
    arrays = (
        f"array_send(array_agg({name}))" if kind in _FORMS else f"array_agg({name}::text)"
        for name, kind in columns.items()
    )
    return (
        f"SELECT {', '.join(arrays)} FROM (SELECT {', '.join(columns)} FROM {source.table}"  # noqa: S608 - names of ours
        f" WHERE {source.condition}{later} ORDER BY {source.key} LIMIT %(size)s) AS part"
    )


def _column(kind: str, found: Any) -> Column | list[Any]:
    return _packed(*_FORMS[kind], found) if kind in _FORMS else _coded(_MAKERS[kind], found)


def _coded(make: Callable[[str], Any], texts: Sequence[str | None]) -> Column | list[Any]:
    known = [text for text in dict.fromkeys(texts) if text is not None]
    if len(known) > MOST_CODES:
        return [None if text is None else make(text) for text in texts]
    places: dict[str | None, int] = {None: -1, **{text: at for at, text in enumerate(known)}}
    code = narrowest(Kind.CODED, -1, len(known))
    return Column(Kind.CODED, array(code, [places[text] for text in texts]), map(make, known))


def _packed(kind: Kind, form: str, sent: bytes) -> Column | list[Any]:
    # Imported here: a pull that brought nothing needs none of it.
    import numpy as np

    if any(sent[_GAPS]):
        return _with_gaps(kind, sent)
    found = np.frombuffer(sent, [("length", ">i4"), ("value", form)], offset=_HEADER)["value"]
    if kind is Kind.INSTANT:
        found = found + _SINCE_1970
    code = narrowest(kind, int(found.min()), int(found.max()))
    return Column(kind, array(code, found.astype(code).tobytes()))


def _with_gaps(kind: Kind, sent: bytes) -> list[Any]:
    """Return the values of an array some of which are missing."""
    values: list[Any] = []
    at = _HEADER
    while at < len(sent):
        length = int.from_bytes(sent[at : at + 4], "big", signed=True)
        at += 4
        if length < 0:
            values.append(None)
            continue
        number = int.from_bytes(sent[at : at + length], "big", signed=True)
        at += length
        if kind is Kind.INSTANT:
            values.append(_EPOCH + timedelta(microseconds=number))
        else:
            values.append(bool(number) if kind is Kind.FLAG else number)
    return values
