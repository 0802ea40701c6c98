"""Windows tile time: nothing between two of them, nothing in both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.window import Basis, Selection, Window

MOMENTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001
    datetime(2030, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
SPANS = st.timedeltas(timedelta(), timedelta(days=40))
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@given(MOMENTS, SPANS, MOMENTS)
def test_both_halves_together_are_exactly_the_window(
    start: datetime, span: timedelta, moment: datetime
) -> None:
    window = Window(start, start + span)
    if span <= timedelta(seconds=1):
        with pytest.raises(ValueError, match="too short"):
            window.halves()
        return
    first, second = window.halves()
    assert first.start_at == window.start_at
    assert first.end_at == second.start_at
    assert second.end_at == window.end_at
    assert (moment in window) == (moment in first) + (moment in second)


@given(MOMENTS, SPANS, st.timedeltas(timedelta(), timedelta(days=2)), MOMENTS)
def test_windows_that_tile_still_tile_when_each_is_shifted(
    start: datetime, span: timedelta, by: timedelta, moment: datetime
) -> None:
    one = Window(start, start + span).shifted(by)
    two = Window(start + span, start + span + span).shifted(by)
    assert one.end_at == two.start_at
    assert (moment in one) + (moment in two) <= 1


@given(MOMENTS, SPANS, MOMENTS, MOMENTS)
def test_a_window_cut_at_a_moment_holds_just_what_lies_before_it(
    start: datetime, span: timedelta, latest: datetime, moment: datetime
) -> None:
    window = Window(start, start + span)
    cut = window.until(latest)
    assert (moment in cut) == (moment in window and moment < latest)


@given(MOMENTS, SPANS, st.timedeltas(timedelta(), timedelta(days=2)), MOMENTS)
def test_widening_only_adds_the_overlap_before_the_start(
    start: datetime, span: timedelta, overlap: timedelta, moment: datetime
) -> None:
    window = Window(start, start + span)
    wide = window.widened(overlap)
    added = start - overlap <= moment < start
    assert (moment in wide) == (moment in window or (added and moment < wide.end_at))


def test_the_start_is_inside_and_the_end_is_not() -> None:
    window = Window(NOON, NOON + timedelta(hours=1))
    assert NOON in window
    assert NOON + timedelta(hours=1) not in window
    assert str(window) == "[2026-11-18T12:00:00Z, 2026-11-18T13:00:00Z)"


def test_an_empty_window_holds_nothing() -> None:
    assert NOON not in Window(NOON, NOON)


def test_ends_are_kept_in_utc_whatever_zone_they_came_in() -> None:
    eastern = timezone(timedelta(hours=-5))
    window = Window(NOON.astimezone(eastern), (NOON + timedelta(hours=1)).astimezone(eastern))
    assert window.start_at.tzinfo is UTC
    assert window == Window(NOON, NOON + timedelta(hours=1))


def test_a_window_that_ends_before_it_starts_or_has_no_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ends .* before it starts"):
        Window(NOON, NOON - timedelta(seconds=1))
    with pytest.raises(ValueError, match="aware"):
        Window(datetime(2026, 11, 18), NOON)  # noqa: DTZ001


def test_the_live_schedule_owns_by_update_and_a_backfill_by_either() -> None:
    window = Window(NOON, NOON + timedelta(hours=1))
    inside, before = NOON + timedelta(minutes=5), NOON - timedelta(days=1)
    live = Selection(window, Basis.UPDATED)
    backfill = Selection(window, Basis.CREATED_OR_UPDATED)
    assert live.owns(before, inside)
    assert not live.owns(inside, window.end_at)
    assert backfill.owns(inside, window.end_at)
    assert not backfill.owns(before, before)


def test_named_orders_are_owned_whatever_the_window() -> None:
    window = Window(NOON, NOON + timedelta(hours=1))
    named = Selection(window, Basis.UPDATED, order_numbers=("#1001",))
    assert named.owns(NOON - timedelta(days=90), NOON - timedelta(days=80))
