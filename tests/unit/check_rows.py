"""Check rows by the names of their columns."""

from __future__ import annotations

from collections.abc import Sequence

from include.pipelines.checks import Value
from include.staging.rows import CARRIED_CHECKS


def by_name(row: Sequence[Value]) -> dict[str, Value]:
    """Return the figures of a check row, each under the name of its column."""
    return dict(zip((column.name for column in CARRIED_CHECKS), row, strict=True))
