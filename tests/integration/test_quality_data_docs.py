"""Data Docs are built from kept results alone, once for each window, and pruned."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.domain.window import Window
from include.quality.data_docs import Keep, StoredValidation, build_data_docs
from include.quality.runner import validate
from include.quality.suite import ORDERS_SUITE, read_suite
from include.staging.checks import CHECK_COLUMNS

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def statistics_of(broken: bool) -> dict[str, object]:
    suite = read_suite(ORDERS_SUITE)
    row: dict[str, object] = {column.name: 0 for column in CHECK_COLUMNS}
    row |= {
        "order_id_store": "gid://shopify/Order/1",
        "order_number": "#1",
        "placed_at": NOW - DAY,
        "updated_at": NOW - DAY,
        "currency": "USD",
        "presentment_currency": "USD",
        "financial_status": "pending",
        "line_count": 0 if broken else 1,
    }
    row |= dict.fromkeys(("first_broken_tie", "shipping_country", "min_tax_rate"))
    row |= dict.fromkeys(("max_tax_rate", "shipping_country_valid"))
    values = tuple(row[name] for name in suite.columns)
    outcome = validate(suite.columns, [values], store_count=1, channel="shopify_gp", now=NOW)
    kept: dict[str, object] = json.loads(json.dumps(outcome.statistics))
    return kept


@pytest.fixture(scope="module")
def clean() -> dict[str, object]:
    return statistics_of(broken=False)


def stored(
    statistics: dict[str, object], days_ago: int, channel: str = "shopify_gp", minutes: int = 0
) -> StoredValidation:
    start = NOW.replace(hour=0) - days_ago * DAY
    return StoredValidation(
        channel, Window(start, start + DAY), NOW + timedelta(minutes=minutes), statistics
    )


def pages(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.html"))


def test_a_page_shows_the_rule_that_was_broken_and_the_index_links_to_it(tmp_path: Path) -> None:
    broken = stored(statistics_of(broken=True), 1)

    docs = build_data_docs([broken], tmp_path, now=NOW)

    page = (tmp_path / broken.channel / broken.page).read_text(encoding="utf-8")
    assert "line_count" in page
    assert "Failed" in page
    index = docs.index.read_text(encoding="utf-8")
    assert f"{broken.channel}/{broken.page}" in index
    assert "1 rules broken" in index


def test_only_new_windows_are_rendered(tmp_path: Path, clean: dict[str, object]) -> None:
    build_data_docs([stored(clean, 2)], tmp_path, now=NOW)

    docs = build_data_docs([stored(clean, 1), stored(clean, 2)], tmp_path, now=NOW)

    assert (docs.built, docs.kept, docs.pruned) == (1, 2, 0)


def test_the_newest_windows_of_each_channel_stay(tmp_path: Path, clean: dict[str, object]) -> None:
    results = [stored(clean, day, channel) for day in (3, 1, 2) for channel in ("one", "two")]
    build_data_docs(results, tmp_path, now=NOW)

    docs = build_data_docs(results, tmp_path, keep=Keep(windows=2), now=NOW)

    assert (docs.built, docs.kept, docs.pruned) == (0, 4, 2)
    assert pages(tmp_path) == sorted(f"{r.channel}/{r.page}" for r in results[2:])


def test_windows_older_than_the_days_kept_go(tmp_path: Path, clean: dict[str, object]) -> None:
    build_data_docs([stored(clean, day) for day in (1, 40)], tmp_path, now=NOW)

    docs = build_data_docs(
        [stored(clean, day) for day in (1, 40)], tmp_path, keep=Keep(days=30), now=NOW
    )

    assert (docs.kept, docs.pruned) == (1, 1)


def test_a_replay_of_a_window_replaces_its_page(tmp_path: Path, clean: dict[str, object]) -> None:
    first, second = stored(clean, 1), stored(clean, 1, minutes=5)
    build_data_docs([first], tmp_path, now=NOW)

    docs = build_data_docs([second, first], tmp_path, now=NOW)

    assert (docs.built, docs.pruned) == (1, 1)
    assert pages(tmp_path) == [f"{second.channel}/{second.page}"]


def test_no_result_at_all_gives_an_index_that_says_so(tmp_path: Path) -> None:
    docs = build_data_docs([], tmp_path / "docs", now=NOW)

    assert "No window has been validated yet" in docs.index.read_text(encoding="utf-8")


def test_a_channel_cannot_lead_out_of_the_folder(tmp_path: Path, clean: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cannot name a folder"):
        build_data_docs([stored(clean, 1, channel="../elsewhere")], tmp_path, now=NOW)


def test_keeping_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one window"):
        Keep(windows=0)
