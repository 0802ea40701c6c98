"""The ERP is asked about its periods once for each day."""

from __future__ import annotations

from datetime import date

import pytest

from include.domain.errors import Refused
from include.pipelines.periods import Periods

CLOSED, OPEN, NEVER = date(2026, 11, 18), date(2026, 12, 1), date(2031, 1, 1)


class Erp:
    """Knows its periods and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[date] = []

    def first_open_on(self, day: date) -> date:
        self.asked.append(day)
        if day == NEVER:
            raise Refused("no later period is open", rule="period_open")
        return max(day, OPEN)


def test_each_day_is_asked_for_once() -> None:
    erp = Erp()
    periods = Periods(erp)  # type: ignore[arg-type]
    assert [periods.first_open_on(day) for day in (CLOSED, OPEN, CLOSED, OPEN)] == [OPEN] * 4
    assert erp.asked == [CLOSED, OPEN]


def test_a_day_without_any_open_period_after_it_is_refused_every_time_and_asked_for_once() -> None:
    erp = Erp()
    periods = Periods(erp)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(Refused, match="no later period is open"):
            periods.first_open_on(NEVER)
    assert erp.asked == [NEVER]
