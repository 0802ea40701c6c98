"""Two names of one time zone are one calendar; two calendars that differ at all are two."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.domain.zones import same_calendar

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("America/New_York", "America/New_York"),
        ("US/Eastern", "America/New_York"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("America/Toronto", "America/New_York"),
        ("Etc/UTC", "UTC"),
    ],
)
def test_names_of_one_calendar_are_equal(one: str, other: str) -> None:
    assert same_calendar(one, other, NOW)
    assert same_calendar(other, one, NOW)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("America/New_York", "America/Chicago"),
        ("America/Phoenix", "America/Denver"),
        ("Europe/London", "UTC"),
        ("Asia/Kathmandu", "Asia/Kolkata"),
        ("Pacific/Kiritimati", "Pacific/Honolulu"),
        ("Mars/Olympus", "UTC"),
        ("", "UTC"),
        ("../UTC", "UTC"),
    ],
)
def test_calendars_that_differ_at_any_time_of_the_year_are_two(one: str, other: str) -> None:
    assert not same_calendar(one, other, NOW)
    assert not same_calendar(other, one, NOW)


def test_a_name_that_is_not_known_here_agrees_with_itself() -> None:
    assert same_calendar("Mars/Olympus", "Mars/Olympus", NOW)
