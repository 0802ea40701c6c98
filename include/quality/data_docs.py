"""Turns kept validation results into Data Docs, off the hot path, and prunes them.

The pages are Great Expectations' own rendering (which loads its style sheets from public hosts);
the index is ours. Pages that are there are not rendered again, so a run costs what is new.
"""

from __future__ import annotations

import html
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from include.domain.window import Window
from include.quality import gx

_CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]*").fullmatch
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class StoredValidation:
    """One validation as it was kept.

    Attributes:
        channel: Channel id.
        window: The window that was judged.
        validated_at: When, aware.
        statistics: ``ValidationOutcome.statistics`` of that run.
    """

    channel: str
    window: Window
    validated_at: datetime
    statistics: Mapping[str, Any]

    @property
    def page(self) -> str:
        """Name of the page, unique for window and time of validation."""
        times = (self.window.start_at, self.window.end_at, self.validated_at.astimezone(UTC))
        return "_".join(f"{at:{_STAMP}}" for at in times) + ".html"


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of the past stays readable, for each channel.

    Attributes:
        windows: Number of windows, the newest first.
        days: Age in days of a window's end after which it goes, or None for no limit.
    """

    windows: int = 120
    days: int | None = None

    def __post_init__(self) -> None:
        if self.windows < 1 or (self.days is not None and self.days < 1):
            raise ValueError(f"Data Docs keep at least one window and one day, got {self}")


@dataclass(frozen=True, slots=True)
class DataDocs:
    """What a build did.

    Attributes:
        index: The page to open.
        kept: Pages that the index lists.
        built: Pages rendered by this build.
        pruned: Pages removed by this build.
    """

    index: Path
    kept: int
    built: int
    pruned: int


def build_data_docs(
    results: Iterable[StoredValidation],
    out_dir: Path,
    *,
    keep: Keep | None = None,
    now: datetime | None = None,
) -> DataDocs:
    """Render the newest validation of each window that is kept, and remove all other pages.

    Args:
        results: Kept validations of any channels, in any order.
        out_dir: Folder of the Data Docs; made if absent. Nothing else may live in it.
        keep: How much stays; 120 windows a channel when absent.
        now: Time that ages are measured at, aware; the clock's when absent.

    Returns:
        The index and the counts.

    Raises:
        ValueError: A channel's name cannot be a folder's name.
    """
    keep = keep or Keep()
    kept = _kept(results, keep, now or datetime.now(UTC))
    wanted = {out_dir / stored.channel / stored.page: stored for stored in kept}
    built = 0
    for path, stored in wanted.items():
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, _page(stored))
            built += 1
    stale = [path for path in out_dir.glob("*/*.html") if path not in wanted]
    for path in stale:
        path.unlink()
    out_dir.mkdir(parents=True, exist_ok=True)
    index = out_dir / "index.html"
    _write(index, _index(kept))
    return DataDocs(index, len(kept), built, len(stale))


def _kept(results: Iterable[StoredValidation], keep: Keep, now: datetime) -> list[StoredValidation]:
    newest: dict[str, dict[Window, StoredValidation]] = defaultdict(dict)
    for stored in results:
        if not _CHANNEL(stored.channel):
            raise ValueError(f"{stored.channel!r} cannot name a folder of the Data Docs")
        known = newest[stored.channel].get(stored.window)
        if known is None or known.validated_at < stored.validated_at:
            newest[stored.channel][stored.window] = stored
    oldest = now - timedelta(days=keep.days) if keep.days is not None else None
    kept: list[StoredValidation] = []
    for channel in sorted(newest):
        of_channel = sorted(
            newest[channel].values(),
            key=lambda stored: (stored.window.end_at, stored.validated_at),
            reverse=True,
        )[: keep.windows]
        kept += [s for s in of_channel if oldest is None or s.window.end_at >= oldest]
    return kept


def _page(stored: StoredValidation) -> str:
    # Imported here: seconds of import that only this housekeeping task pays.
    gx.load()
    from great_expectations.core import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    said = stored.statistics
    results = [
        ExpectationValidationResult(
            success=result["success"],
            expectation_config=ExpectationConfiguration(**result["expectation_config"]),
            result=dict(result["result"]),
            exception_info=dict(result["exception_info"]),
        )
        for result in said["results"]
    ]
    passed = sum(bool(result.success) for result in results)
    suite_result = ExpectationSuiteValidationResult(
        success=said["success"],
        results=results,
        suite_name=said["suite"],
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(results) - passed,
            "success_percent": 100 * passed / len(results) if results else None,
        },
        meta={
            "run_id": {
                "run_name": f"{stored.channel} {stored.window}",
                "run_time": said["validated_at"],
            },
            "batch_spec": {},
            "active_batch_definition": {},
        },
    )
    document = ValidationResultsPageRenderer().render(suite_result)
    return str(DefaultJinjaPageView().render(document))


def _index(kept: list[StoredValidation]) -> str:
    rows = "".join(
        "<tr>"
        f"<td>{html.escape(stored.channel)}</td>"
        f'<td><a href="{stored.channel}/{stored.page}">{html.escape(str(stored.window))}</a></td>'
        f"<td>{int(stored.statistics['row_count'])}</td>"
        f"<td>{_verdict(stored)}</td>"
        f"<td>{stored.validated_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC</td></tr>\n"
        for stored in kept
    )
    body = rows or '<tr><td colspan="5">No window has been validated yet.</td></tr>'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Data Docs</title>'
        "<style>:root{color-scheme:light dark}body{font:15px system-ui,sans-serif;margin:2rem}"
        "th,td{padding:.3rem 1rem .3rem 0;text-align:left}</style></head><body>"
        "<h1>Data Docs</h1><table><thead><tr><th>Channel</th><th>Window</th><th>Orders</th>"
        f"<th>Result</th><th>Validated</th></tr></thead><tbody>\n{body}</tbody></table>"
        "</body></html>\n"
    )


def _verdict(stored: StoredValidation) -> str:
    broken = sum(not result["success"] for result in stored.statistics["results"])
    if stored.statistics["table_failures"]:
        return "window stopped"
    return f"{broken} rules broken" if broken else "all rules hold"


def _write(path: Path, text: str) -> None:
    """Write a page whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
