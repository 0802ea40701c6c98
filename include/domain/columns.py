"""Rows kept by column: a number takes its eight bytes, where an object would take five times that.

A large window's check rows are read and judged in this form; single rows are put together again
for the few orders that something is found about.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, overload

Row = tuple[Any, ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Kind(StrEnum):
    """How the values of a column are kept."""

    WHOLE = "whole"
    FLAG = "flag"
    INSTANT = "instant"
    ANYTHING = "anything"


_KINDS = {int: Kind.WHOLE, bool: Kind.FLAG, datetime: Kind.INSTANT}
_CODES = {Kind.WHOLE: "q", Kind.INSTANT: "q", Kind.FLAG: "b"}


class Column:
    """One column.

    Attributes:
        kind: How its values are kept.
        kept: Whole numbers as they are, instants as microseconds since 1970, flags as 0 and 1, all
            in an array; anything else, and a column with gaps, in a list.
    """

    def __init__(self) -> None:
        self.kind: Kind | None = None
        self.kept: Any = []

    def extend(self, values: Sequence[Any]) -> None:
        """Append values.

        Args:
            values: At least one.
        """
        types = set(map(type, values))
        kind = _KINDS.get(types.pop(), Kind.ANYTHING) if len(types) == 1 else Kind.ANYTHING
        if self.kind is None:
            self.kind = kind
            if kind is not Kind.ANYTHING:
                self.kept = array(_CODES[kind])
        if self.kind is kind is not Kind.ANYTHING:
            count = len(self.kept)
            try:
                self.kept.extend(_packed(kind, values))
            except (OverflowError, TypeError):  # beyond 64 bits, or a time without a zone
                del self.kept[count:]
            else:
                return
        self._take_anything()
        known: dict[Any, Any] = {}  # equal values are one object: most columns repeat
        self.kept.extend(known.setdefault(value, value) for value in values)

    def _take_anything(self) -> None:
        if self.kind is not Kind.ANYTHING:
            self.kept = [self[place] for place in range(len(self.kept))]
            self.kind = Kind.ANYTHING

    def __getitem__(self, place: int) -> Any:
        value = self.kept[place]
        if self.kind is Kind.FLAG:
            return bool(value)
        if self.kind is Kind.INSTANT:
            return _EPOCH + timedelta(microseconds=value)
        return value


def _packed(kind: Kind, values: Sequence[Any]) -> Iterable[int]:
    if kind is Kind.INSTANT:
        return [(at - _EPOCH) // _MICROSECOND for at in values]
    return values


class Rows(Sequence[Row]):
    """Rows that are kept by column.

    Args:
        width: Number of columns.
        rows: The first rows.
    """

    def __init__(self, width: int, rows: Iterable[Row] = ()) -> None:
        self.columns = tuple(Column() for _ in range(width))
        self._count = 0
        self.extend(list(rows))

    def extend(self, rows: Sequence[Row]) -> None:
        """Append rows.

        Args:
            rows: Each as wide as the others.
        """
        if not rows:
            return
        for column, values in zip(self.columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
        self._count += len(rows)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(self._count))]
        return tuple(column[place] for column in self.columns)

    def __iter__(self) -> Iterator[Row]:
        return (self[place] for place in range(self._count))
