"""Files of dry runs do not pile up: they go by age, channel by channel."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.pipelines.housekeeping import PLAN_DAYS, forget_plans
from include.staging import housekeeping

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def written(path: Path, days_ago: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a plan")
    at = (NOW - timedelta(days=days_ago)).timestamp()
    os.utime(path, (at, at))
    return path


def test_plans_go_when_their_age_is_past_and_newer_ones_of_every_channel_stay(
    tmp_path: Path,
) -> None:
    old = [
        written(tmp_path / channel / f"orders-old{suffix}", PLAN_DAYS + 1)
        for channel in ("a", "b")
        for suffix in (".csv", ".json")
    ]
    fresh = written(tmp_path / "a" / "orders-fresh.csv", PLAN_DAYS - 1)
    assert forget_plans(tmp_path, NOW) == 4
    assert not any(path.exists() for path in old)
    assert fresh.exists()
    assert forget_plans(tmp_path, NOW) == 0


def test_the_page_and_the_files_of_a_plan_are_kept_equally_long() -> None:
    assert PLAN_DAYS == housekeeping.BATCH_DAYS


def test_without_any_dry_run_there_is_nothing_to_forget(tmp_path: Path) -> None:
    assert forget_plans(tmp_path / "plans", NOW) == 0
