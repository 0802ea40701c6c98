"""Writes landed orders as rows of PostgreSQL's binary COPY format.

Follows "COPY, Binary Format" of the PostgreSQL manual: a signature, rows of counted fields in
network byte order, a trailer. Pure, so that rows can be encoded where there is no database; most
values of a window repeat, so each kind of value keeps its last encodings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from struct import Struct
from struct import error as struct_error
from typing import Any, NamedTuple

from include.staging.rows import CARRIED_CHECKS, TOTALS, LandedOrder

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
UNFIT = (struct_error, OverflowError, UnicodeEncodeError)
"""What a value raises that no column of its kind can hold."""

# Column, and its kind on the wire. A binary json is its own bytes, so bytes go out as they are.
ORDER_COLUMNS = (
    ("batch_id", "bigint"),
    ("order_id_store", "text"),
    ("order_number", "text"),
    ("updated_at", "timestamptz"),
    ("digest", "bytea"),
    ("canonical", "bytea"),
    ("canonical_digest", "bytea"),
    ("lines", "bytea"),
    ("verdict", "text"),
    ("reason_class", "text"),
    ("rule", "text"),
    ("field", "text"),
    ("message", "text"),
    *((name, "numeric") for name in TOTALS),
    *((column.name, column.sql_type) for column in CARRIED_CHECKS),
    ("customer_id_store", "text"),
)
DOCUMENT_COLUMNS = (
    ("channel", "text"),
    ("order_id_store", "text"),
    ("updated_at", "timestamptz"),
    ("digest", "bytea"),
    ("order_number", "text"),
    ("document", "bytea"),
    ("batch_id", "bigint"),
)

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NULL = b"\xff\xff\xff\xff"
_GROUP = 10_000
_NEGATIVE = 0x4000
_length = Struct(">i").pack
_int4 = Struct(">ii").pack
_int8 = Struct(">iq").pack
_numeric_head = Struct(">ihhHh").pack
_fields = Struct(">h").pack


class EncodedOrder(NamedTuple):
    """One order as it is copied.

    Attributes:
        order_id_store: The store's id.
        updated_at: The store's version.
        digest: Digest of the raw document.
        is_readable: Whether the order could be translated.
        document: Row of ``landing_document``; ``None`` where no document is kept.
        order: Row of ``landing_order``.
    """

    order_id_store: str
    updated_at: datetime
    digest: bytes
    is_readable: bool
    document: bytes | None
    order: bytes


def encode(channel: str, batch_id: int, row: LandedOrder) -> EncodedOrder:
    """Encode an order that is ready to be landed.

    Args:
        channel: Channel id.
        batch_id: The batch it goes into.
        row: The order.

    Raises:
        struct.error: A number is larger than its column (also OverflowError); a text is no text
            (UnicodeEncodeError). See ``UNFIT``.
    """
    order_id, number = _text(row.order_id_store), _text(row.order_number)
    version, digest = _timestamptz(row.updated_at), _bytea(row.digest)
    batch = _bigint(batch_id)
    document = None
    if row.raw is not None:
        document = b"".join(
            (
                _DOCUMENT_FIELDS,
                _repeated(channel),
                order_id,
                version,
                digest,
                number,
                *_apart(row.raw),
                batch,
            )
        )
    order = b"".join(
        (
            _ORDER_FIELDS,
            batch,
            order_id,
            number,
            version,
            digest,
            *_apart(row.canonical),
            _bytea(row.canonical_digest),
            *_apart(row.lines),
            _repeated(row.verdict),
            _repeated(row.reason_class),
            _repeated(row.rule),
            _repeated(row.field),
            _text(row.message),
            *map(_numeric, row.totals),
            *(_checks(row.checks) if row.checks else (_NO_CHECKS,)),
            _text(row.customer_id_store),
        )
    )
    return EncodedOrder(
        row.order_id_store, row.updated_at, row.digest, row.is_readable, document, order
    )


def file_of(rows: Iterable[bytes]) -> bytes:
    """Put rows together into what one COPY takes.

    Args:
        rows: Encoded rows of one table.
    """
    return b"".join((SIGNATURE, *rows, TRAILER))


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    content = value.encode()
    return _length(len(content)) + content


def _bytea(value: bytes | None) -> bytes:
    return _NULL if value is None else _length(len(value)) + value


def _apart(value: bytes | None) -> tuple[bytes, bytes]:
    """Return length and content of a large value: joined only in its row, it is copied once."""
    return (_NULL, b"") if value is None else (_length(len(value)), value)


_repeated = lru_cache(maxsize=1 << 12)(_text)


@lru_cache(maxsize=1 << 12)
def _integer(value: int | None) -> bytes:
    return _NULL if value is None else _int4(4, value)


@lru_cache(maxsize=1 << 14)
def _bigint(value: int | None) -> bytes:
    return _NULL if value is None else _int8(8, value)


@lru_cache(maxsize=4)
def _boolean(value: bool | None) -> bytes:
    return _NULL if value is None else _length(1) + (b"\x01" if value else b"\x00")


def _timestamptz(value: datetime | None) -> bytes:
    return _NULL if value is None else _int8(8, (value - _EPOCH) // _MICROSECOND)


@lru_cache(maxsize=1 << 14)
def _numeric(value: Decimal | None) -> bytes:
    """Encode a decimal: groups of four digits, the place of the first, the sign, the scale.

    Equal numbers are written alike, with as few decimals as they need: 1.50 is remembered as 1.5.
    """
    if value is None:
        return _NULL
    if not value.is_finite():
        raise OverflowError("a number that is not finite has no place in a column")
    sign, digits, places = value.as_tuple()
    spare = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    scale = max(0, -int(places) - spare) if value else 0
    after = -(-scale // 4)
    numerator, denominator = value.as_integer_ratio()
    left = abs(numerator) * _GROUP**after // denominator
    groups = []
    while left:
        left, group = divmod(left, _GROUP)
        groups.append(group)
    weight = len(groups) - after - 1
    while groups and not groups[0]:
        del groups[0]
    count = len(groups)
    return _numeric_head(
        8 + 2 * count, count, weight if count else 0, _NEGATIVE if sign and count else 0, scale
    ) + b"".join(map(_fields, reversed(groups)))


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    "text": _repeated,
    "timestamptz": _timestamptz,
    "boolean": _boolean,
    "integer": _integer,
    "bigint": _bigint,
    "numeric": _numeric,
}


def _joined(kind: str) -> Callable[[Sequence[Any]], bytes]:
    """Return what writes neighbouring columns of a kind; together, too, they mostly repeat."""
    write_one = _WRITERS[kind]

    @lru_cache(maxsize=1 << 12)
    def write(values: Sequence[Any]) -> bytes:
        return b"".join(map(write_one, values))

    return write


def _packed(count: int) -> Callable[[Sequence[int | None]], bytes]:
    """Return what writes neighbouring bigints, which hardly repeat: all of them in one go."""
    lengths: list[int | None] = [8, 0] * count
    pack = Struct(">" + "iq" * count).pack
    one_by_one = _joined("bigint")

    def write(values: Sequence[int | None]) -> bytes:
        fields = lengths.copy()
        fields[1::2] = values
        try:
            return pack(*fields)
        except struct_error:  # one has no value; what is out of range is refused here too
            return one_by_one(values)

    return write


def _stretches() -> Iterator[tuple[int | slice, Callable[[Any], bytes]]]:
    """Yield the place of a check column, or of neighbours of one kind, and what writes it."""
    start = 0
    for kind, columns in groupby(CARRIED_CHECKS, lambda column: column.sql_type):
        end = start + len(list(columns))
        if kind == "timestamptz" or end == start + 1:
            yield from ((place, _WRITERS[kind]) for place in range(start, end))
        else:
            write = _packed(end - start) if kind == "bigint" else _joined(kind)
            yield slice(start, end), write
        start = end


_STRETCHES = tuple(_stretches())


def _checks(values: tuple[Any, ...]) -> list[bytes]:
    if len(values) != len(CARRIED_CHECKS):
        raise ValueError(f"{len(values)} check figures for {len(CARRIED_CHECKS)} columns")
    return [write(values[places]) for places, write in _STRETCHES]


_NO_CHECKS = _NULL * len(CARRIED_CHECKS)
_ORDER_FIELDS = _fields(len(ORDER_COLUMNS))
_DOCUMENT_FIELDS = _fields(len(DOCUMENT_COLUMNS))
