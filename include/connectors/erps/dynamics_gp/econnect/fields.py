"""What an eConnect parameter can hold, checked before any call.

SQL Server cuts a text that is too long for a procedure's char parameter and rounds a number that
has too many decimals, both in silence. So every value is held against its type here, and refused
with the procedure, the field, the limit and what was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Protocol

from include.domain.errors import Refused

Value = str | int | Decimal | date
EARLIEST_DATE = date(1753, 1, 1)  # datetime of SQL Server starts with the Gregorian calendar


class Rule(Protocol):
    """A parameter's type."""

    def fault(self, value: Value) -> str | None:
        """Say in words why the value does not fit, or ``None`` when it does.

        Args:
            value: What would be sent.
        """
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """``char(n)`` and ``varchar(n)``."""

    limit: int

    def fault(self, value: Value) -> str | None:
        """Refuse other types, over-long text and NUL; the text itself is never repeated."""
        if not isinstance(value, str):
            return f"takes text, got {type(value).__name__}"
        if len(value) > self.limit:
            return f"holds {self.limit} characters, the value has {len(value)}"
        if "\x00" in value:
            return "cannot hold a NUL character"
        return None


@dataclass(frozen=True, slots=True)
class Number:
    """``numeric(precision, scale)``."""

    precision: int
    scale: int

    def fault(self, value: Value) -> str | None:
        """Refuse floats, non-finite numbers, too many digits on either side of the point."""
        if not isinstance(value, Decimal):
            return f"takes a Decimal, got {type(value).__name__}"
        if not value.is_finite():
            return "takes a finite number"
        if value and value.quantize(Decimal(1).scaleb(-self.scale)) != value:
            return f"holds {self.scale} decimals, got {value}"
        whole = self.precision - self.scale
        if abs(value) >= Decimal(10) ** whole:
            return f"holds {whole} digits before the point, got {value}"
        return None


@dataclass(frozen=True, slots=True)
class Whole:
    """``tinyint``, ``smallint`` and ``int``."""

    low: int
    high: int

    def fault(self, value: Value) -> str | None:
        """Refuse other types and values out of range."""
        if not isinstance(value, int) or isinstance(value, bool):
            return f"takes a whole number, got {type(value).__name__}"
        if not self.low <= value <= self.high:
            return f"holds {self.low} to {self.high}, got {value}"
        return None


@dataclass(frozen=True, slots=True)
class Day:
    """``datetime``; eConnect uses the date of it."""

    def fault(self, value: Value) -> str | None:
        """Refuse anything but a date that SQL Server can hold."""
        if not isinstance(value, date):
            return f"takes a date, got {type(value).__name__}"
        if value < EARLIEST_DATE:
            return f"starts with {EARLIEST_DATE}, got {value}"
        return None


class Procedure:
    """Base of the generated parameter classes."""

    __slots__ = ()
    PROCEDURE: ClassVar[str] = ""
    RULES: ClassVar[Mapping[str, Rule]] = {}
    REQUIRED: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        """Hold every given value against its rule.

        Raises:
            Refused: Names the procedure, the field, its limit and the value's length or size.
        """
        for name, value in self.values().items():
            check(self.PROCEDURE, name, self.RULES[name], value)

    def values(self) -> dict[str, Value]:
        """Return the parameters that are given, by their published names without ``@I_v``."""
        found = {name: getattr(self, name) for name in self.RULES}
        return {name: value for name, value in found.items() if value is not None}


def check(procedure: str, name: str, rule: Rule, value: Value) -> None:
    """Hold one value against one rule.

    Args:
        procedure: Name of the procedure.
        name: The parameter, without ``@I_v``.
        rule: What it takes.
        value: What would be sent.

    Raises:
        Refused: Names the procedure, the field, its limit and the value's length or size.
    """
    fault = rule.fault(value)
    if fault is not None:
        raise Refused(
            f"{procedure}: {name} {fault}; values are never cut to fit",
            rule="econnect_parameter",
            field=name,
        )
