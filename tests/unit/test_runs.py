"""What a run owns: live windows tile time, backfills own exactly the days that were chosen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from include.domain.window import Basis, Window
from include.pipelines.runs import Run, RunType
from include.settings.channel import load_channel

SETTINGS = load_channel("shopify_gp")
DAY = Window(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC))
LATER = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_scheduled_run_owns_what_was_updated_with_both_ends_held_back():
    owned = Run("r", RunType.SCHEDULED, DAY).selection(SETTINGS, DAY.end_at)
    assert owned.basis is Basis.UPDATED
    assert owned.window == DAY.shifted(timedelta(minutes=5))


def test_a_backfill_owns_what_was_created_or_updated_in_exactly_its_interval():
    owned = Run("r", RunType.BACKFILL, DAY).selection(SETTINGS, LATER)
    assert (owned.basis, owned.window) == (Basis.CREATED_OR_UPDATED, DAY)


def test_a_manual_run_owns_like_a_backfill():
    owned = Run("r", RunType.MANUAL, DAY).selection(SETTINGS, LATER)
    assert (owned.basis, owned.window) == (Basis.CREATED_OR_UPDATED, DAY)


def test_a_backfill_never_looks_at_the_unsettled_last_minutes():
    now = DAY.end_at + timedelta(minutes=2)
    owned = Run("r", RunType.BACKFILL, DAY).selection(SETTINGS, now)
    assert owned.window.end_at == now - timedelta(minutes=5)


def test_a_window_that_has_not_begun_is_empty():
    owned = Run("r", RunType.MANUAL, DAY).selection(SETTINGS, DAY.start_at - timedelta(days=1))
    assert owned.window.start_at == owned.window.end_at


instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(instants, st.integers(1, 96), st.integers(0, 50))
def test_consecutive_live_runs_own_every_update_exactly_once(at: datetime, hours: int, late: int):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    step = timedelta(hours=hours)
    runs = [
        Run(str(i), RunType.SCHEDULED, Window(start + i * step, start + (i + 1) * step))
        for i in range(-1, int((at - start) / step) + 3)
    ]
    owners = [
        run
        for run in runs
        if run.selection(SETTINGS, run.interval.end_at + timedelta(minutes=late)).owns(start, at)
    ]
    assert len(owners) == 1
