"""How GP's tables are asked: plain SQL that both servers read, in chunks of bound parameters.

GP's own names stand in upper case: its databases may compare names by case, PostgreSQL folds them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping

CHUNK = 400  # references in one look-up; SQL Server takes at most 2,100 parameters a batch


class Tables(ABC):
    """Tables of one company that can be asked.

    Attributes:
        system_prefix: Prefix of the tables that all companies share, such as ``DYNAMICS..``.
    """

    system_prefix: str

    @abstractmethod
    def rows(self, statement: str, values: Mapping[str, Any]) -> Sequence[RowMapping]:
        """Run one query in a transaction of its own.

        Args:
            statement: SQL that both servers read.
            values: Its bound parameters.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """


def casts(prefix: str, count: int, kind: str) -> str:
    """Return a list of cast parameters.

    Cast on our side: SQL Server would convert the column else, and could use no index of it.

    Args:
        prefix: Name of the parameters, before their numbers.
        count: How many there are, numbered from 0.
        kind: SQL type of the column.
    """
    return ", ".join(f"cast(:{prefix}{i} as {kind})" for i in range(count))


def pattern(text: str, rest: str = "/%") -> str:
    """Return a pattern of LIKE for what begins with a text; ``!`` escapes.

    Args:
        text: Taken as it is.
        rest: Pattern of what may follow.
    """
    return re.sub(r"([!%_\[])", r"!\1", text) + rest


def day_of(value: date | datetime) -> date:
    """Return the day of a date column: SQL Server's are times of day, too.

    Args:
        value: What the driver returns.
    """
    return value.date() if isinstance(value, datetime) else value
