"""Whether two names of a time zone mean one calendar: the dates of documents depend on it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_A_YEAR = timedelta(days=366)
_STEP = timedelta(hours=1)


def same_calendar(one: str, other: str, now: datetime) -> bool:
    """Tell whether two zones show the same time over the past and the coming year.

    Zones have aliases (``US/Eastern``, ``Asia/Calcutta``), and different ones may agree for long:
    what counts is the offset from UTC, hour by hour.

    Args:
        one: IANA name.
        other: IANA name.
        now: The present, aware.

    Returns:
        Whether every moment has one date in both. A name that is not known here agrees with
        itself only.
    """
    if one == other:
        return True
    try:
        left, right = ZoneInfo(one), ZoneInfo(other)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    hours = int(2 * _A_YEAR / _STEP)
    moments = (now - _A_YEAR + at * _STEP for at in range(hours + 1))
    return all(
        moment.astimezone(left).utcoffset() == moment.astimezone(right).utcoffset()
        for moment in moments
    )
