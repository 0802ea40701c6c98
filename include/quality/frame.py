"""Puts the check rows of a window into the pandas frame that Great Expectations judges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from include.domain.columns import Column, Kind, Rows

if TYPE_CHECKING:
    import pandas as pd


def frame_of(
    wanted: Collection[str],
    columns: Sequence[str],
    rows: Rows,
    *,
    bounded: Collection[str] = (),
) -> pd.DataFrame:
    """Build the frame: decimals as floats, times as seconds since 1970, so each rule is one pass.

    Rates are the only decimals, and times are only compared: as objects both are ten times slower.
    Whole numbers are held against bounds in one pass if they take eight bytes, else one by one.

    Args:
        wanted: Columns that go in, those that the suite reads.
        columns: Names of the columns of ``rows``.
        rows: One row an order; the frame shares their memory where it can.
        bounded: Columns whose values are held against bounds.
    """
    import pandas as pd

    series = {
        name: pd.Series(_values(column, is_bounded=name in bounded), copy=False)
        for name, column in zip(columns, rows.columns, strict=True)
        if name in wanted
    }
    return pd.DataFrame(series, copy=False)


def text_of(value: object) -> str | None:
    """Return a text that comes out of a frame, ``None`` where it is missing.

    Args:
        value: What the frame holds; pandas spells a missing text as NaN.
    """
    # NaN is the one value that differs from itself.
    return None if value is None or value != value else str(value)  # noqa: PLR0124


def _values(column: Column, *, is_bounded: bool) -> Any:
    import numpy as np
    import pandas as pd

    kept = column.kept
    if column.kind is Kind.WHOLE:
        whole = np.frombuffer(kept, dtype=kept.typecode)
        return whole.astype(np.int64) if is_bounded else whole
    if column.kind is Kind.FLAG:
        return np.frombuffer(kept, dtype=np.bool_)
    if column.kind is Kind.INSTANT:
        return np.frombuffer(kept, dtype=np.int64) / 1e6
    distinct = column.distinct if column.kind is Kind.CODED else kept
    first = next((value for value in distinct if value is not None), None)
    if column.kind is Kind.CODED:
        codes = np.frombuffer(kept, dtype=kept.typecode)
        if all(isinstance(value, str) for value in distinct):
            return pd.Categorical.from_codes(codes, categories=pd.Index(distinct, dtype="str"))
        # The last place is that of a gap, whose code is -1.
        return np.array(_plain([*distinct, None], first))[codes]
    return _plain(kept, first)


def _plain(values: Iterable[Any], first: Any) -> list[Any]:
    """Return decimals as floats and times as seconds, anything else as it is."""
    if isinstance(first, Decimal):
        return [float("nan") if value is None else float(value) for value in values]
    if isinstance(first, datetime):
        return [float("nan") if value is None else value.timestamp() for value in values]
    return list(values)
