"""Rows kept by column: a number takes the bytes it needs, where an object would take thirty.

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
    CODED = "coded"
    ANYTHING = "anything"


_KINDS = {int: Kind.WHOLE, bool: Kind.FLAG, datetime: Kind.INSTANT}
MOST_CODES = 1 << 10
"""Distinct values of a coded column, at most."""
_GAP = -1
# Codes of arrays, the narrowest first: one, two, four and eight bytes a value.
_CODES = {Kind.WHOLE: "bhiq", Kind.INSTANT: "q", Kind.FLAG: "b", Kind.CODED: "bh"}
_PACKED = (Kind.WHOLE, Kind.INSTANT, Kind.FLAG)


def narrowest(kind: Kind, least: int, most: int) -> str:
    """Return the code of the narrowest array that holds numbers of a kind.

    Args:
        kind: What they stand for.
        least: The smallest of them.
        most: The largest of them.

    Raises:
        OverflowError: No array of that kind does.
    """
    for code in _CODES[kind]:
        half = 1 << (8 * array(code).itemsize - 1)
        if -half <= least and most < half:
            return code
    raise OverflowError(f"no {kind} column holds numbers from {least} to {most}")


class Column:
    """One column.

    Args:
        kind: How values are kept that are packed already.
        kept: The array of them.
        distinct: What places of a coded column stand for.

    Attributes:
        kind: How its values are kept.
        kept: An array of whole numbers, of microseconds since 1970, of 0 and 1, or of places in
            ``distinct`` (-1 where there is no value); or a list of anything.
        distinct: The values of a coded column.
    """

    def __init__(
        self,
        kind: Kind | None = None,
        kept: array[int] | None = None,
        distinct: Iterable[Any] = (),
    ) -> None:
        self.kind = kind
        self.kept: Any = [] if kept is None else kept
        self.distinct = list(distinct)
        self._codes = {None: _GAP, **{value: at for at, value in enumerate(self.distinct)}}
        self._type: type | None = None

    def extend(self, values: Sequence[Any]) -> None:
        """Append values.

        Args:
            values: At least one.
        """
        types = set(map(type, values))
        kind = _KINDS.get(types.pop(), Kind.CODED) if len(types) == 1 else Kind.CODED
        if self.kind is None:
            self.kind = kind
            self.kept = array(_CODES[kind][0])
        if self.kind is kind and self._packed(kind, values):
            return
        if self.kind is not Kind.ANYTHING:
            self.kept = list(self)
            self.kind = Kind.ANYTHING
            self.distinct, self._codes = [], {}
        self.kept.extend(values)

    def append(self, column: Column) -> None:
        """Append the values of another column, packed as they are where both are packed alike.

        Args:
            column: The other, with at least one value; it stays as it is.
        """
        if column.kind is Kind.CODED and self.kind in (None, Kind.CODED) and self._coded(column):
            return
        if column.kind not in _PACKED or self.kind not in (None, column.kind):
            self.extend(list(column))
            return
        if self.kind is None:
            self.kind, self.kept = column.kind, array(column.kept.typecode)
        codes = _CODES[column.kind]
        widest = codes[max(codes.index(one.kept.typecode) for one in (self, column))]
        if self.kept.typecode != widest:
            self.kept = array(widest, self.kept)
        # An array takes over another of its own width as it is, and any other value by value.
        self.kept.extend(column.kept if column.kept.typecode == widest else iter(column.kept))

    def _coded(self, column: Column) -> bool:
        """Append a coded column's places, as they are called here; tell whether that can be."""
        if self.kind is None:
            self.kind, self.kept = Kind.CODED, array(_CODES[Kind.CODED][0])
        try:
            # A gap's place is the last one.
            places = [*self._numbers(Kind.CODED, column.distinct), _GAP]
        except TypeError:
            return False
        return self._put(Kind.CODED, [places[place] for place in column.kept])

    def _packed(self, kind: Kind, values: Sequence[Any]) -> bool:
        """Append to the array; tell whether that can be."""
        try:
            packed = self._numbers(kind, values)
        except TypeError:  # a time without a zone, a value that is not hashable, a mixture
            return False
        return self._put(kind, packed)

    def _put(self, kind: Kind, packed: Sequence[int]) -> bool:
        """Append to the array, in wider places if need be; tell whether there are such."""
        count = len(self.kept)
        codes = _CODES[kind]
        for code in codes[codes.index(self.kept.typecode) :]:
            if code != self.kept.typecode:
                self.kept = array(code, self.kept)
            try:
                self.kept.extend(packed)
            except OverflowError:
                del self.kept[count:]
            else:
                return True
        return False

    def _numbers(self, kind: Kind, values: Sequence[Any]) -> Sequence[int]:
        if kind is Kind.INSTANT:
            return [(at - _EPOCH) // _MICROSECOND for at in values]
        if kind is Kind.CODED:
            types = {type(value) for value in values if value is not None}
            self._type = self._type or next(iter(types), None)
            if types - {self._type}:
                raise TypeError("1, 1.0 and True are equal, and not the same")
            unknown = set(values).difference(self._codes)
            if len(self.distinct) + len(unknown) > MOST_CODES:
                raise TypeError("as good as every value is another")
            for value in unknown:
                self._codes[value] = len(self.distinct)
                self.distinct.append(value)
            return [self._codes[value] for value in values]
        return values

    def __len__(self) -> int:
        return len(self.kept)

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: int) -> Any:
        value = self.kept[place]
        if self.kind is Kind.FLAG:
            return bool(value)
        if self.kind is Kind.INSTANT:
            return _EPOCH + timedelta(microseconds=value)
        if self.kind is Kind.CODED:
            return None if value == _GAP else self.distinct[value]
        return value


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

    def append(self, columns: Sequence[Column | Sequence[Any]]) -> None:
        """Append rows that come by column.

        Args:
            columns: One for each column, of one length: packed, or values as they are.

        Raises:
            ValueError: There are not as many columns, or they are not of one length.
        """
        counts = {len(column) for column in columns}
        if len(columns) != len(self.columns) or len(counts) != 1:
            raise ValueError(f"{len(columns)} columns of {sorted(counts)} values are no rows")
        if not (count := counts.pop()):
            return
        for column, values in zip(self.columns, columns, strict=True):
            if isinstance(values, Column):
                column.append(values)
            else:
                column.extend(values)
        self._count += count

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
