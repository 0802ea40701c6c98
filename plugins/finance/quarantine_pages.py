"""Lays held orders out as HTML and CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import HTTPException, Request
from fastapi.responses import Response

from include.staging.held_orders import AGE_BUCKETS, HeldOrder, Summary, Wanted, bucket_of

from .pages import Pages
from .ports import History

PAGE_SIZE = 100
SEVERITIES = ("critical", "warning", "info")
STATES = {"open": "Open", "closed": "Closed", "all": "Open and closed"}
DONE = {
    "assigned": "The owner was changed. The new owner is told in the next digest.",
    "unchanged": "Nothing was changed: the rows are closed, or it was so already.",
    "noted": "The note was added.",
    "mapped": "The mapping row was added. Orders that wait for it go through in the next run, or "
    "at once by a replay.",
    "amended": "The field was filled in beside the store's order. It counts from the next run or "
    "replay on, as long as the store itself says nothing there.",
    "released": "The order may pass this rule in this version. Replay it, or wait for a run.",
    "written_off": "The order was written off. It is left out until somebody reopens it.",
    "reopened": "The write-off was taken back. The next pull or replay looks at the order again.",
    "replaying": "A replay was started: its orders are fetched from the store and tried again.",
    "marked": "The orders are marked. The replay DAG is paused, or could not be started: switch it "
    "on, or trigger it by hand with “Only those asked for on the Quarantine page”.",
}


@dataclass(frozen=True, slots=True)
class HeldFilter:
    """Which rows the list shows, as its form sends it; an empty field filters nothing."""

    channel: str = ""
    reason: str = ""
    owner: str = ""
    severity: str = ""
    age: str = ""
    words: str = ""
    state: str = "open"
    page: int = 1

    @classmethod
    def read(cls, fields: dict[str, str]) -> HeldFilter:
        """Read the fields of the form.

        Raises:
            HTTPException: 400, a field has a value that it cannot have.
        """
        page = fields.get("page") or "1"
        if not page.isdecimal() or int(page) < 1:
            raise HTTPException(400, "The page must be a number from 1.")
        allowed: dict[str, Iterable[str]] = {
            "severity": SEVERITIES,
            "age": [bucket.name for bucket in AGE_BUCKETS],
            "state": STATES,
        }
        for name, values in allowed.items():
            if fields.get(name) and fields[name] not in values:
                raise HTTPException(400, f"The {name} must be one of {', '.join(values)}.")
        return cls(
            channel=fields.get("channel", ""),
            reason=fields.get("reason", ""),
            owner=fields.get("owner", ""),
            severity=fields.get("severity", ""),
            age=fields.get("age", ""),
            words=fields.get("words", "").strip(),
            state=fields.get("state") or "open",
            page=int(page),
        )

    def wanted(self, channels: Sequence[str]) -> Wanted:
        """Return the search for somebody who may read these channels."""
        mine = [channel for channel in channels if self.channel in ("", channel)]
        return Wanted(
            channels=tuple(mine),
            reason_classes=(self.reason,) if self.reason else (),
            owner=self.owner,
            severity=self.severity,
            bucket=self.age,
            words=self.words,
            state="" if self.state == "all" else self.state,
        )

    def query(self, **changes: str) -> str:
        """Return the filter as a query string that begins with ``?``, or nothing."""
        fields = {
            "channel": self.channel,
            "reason": self.reason,
            "owner": self.owner,
            "severity": self.severity,
            "age": self.age,
            "words": self.words,
            "state": self.state if self.state != "open" else "",
            **changes,
        }
        given = {name: value for name, value in fields.items() if value}
        return f"?{urlencode(given)}" if given else ""


class QuarantinePages(Pages):
    """Renders the templates of the Quarantine page."""

    def __init__(self) -> None:
        super().__init__()
        self._templates.filters["told"] = _told

    def held(
        self,
        request: Request,
        *,
        rows: Sequence[HeldOrder],
        wanted: HeldFilter,
        summary: Summary,
        choices: dict[str, list[str]],
        editable: frozenset[str],
        now: datetime,
        done: str,
    ) -> Response:
        """Show the rows that a filter lets through.

        Args:
            request: The request.
            rows: One row more than a page holds, if there are more.
            wanted: The filter.
            summary: How many rows stand where, whatever their age.
            choices: What the form offers.
            editable: Channels whose orders the reader may act on.
            now: The present.
            done: What was just done, by its short name.
        """
        return self._render(
            request,
            "quarantine.html",
            title="Quarantine",
            filter=wanted,
            choices=choices,
            severities=SEVERITIES,
            states=STATES,
            buckets=[(bucket.name, summary.by_bucket[bucket.name]) for bucket in AGE_BUCKETS],
            reasons=summary.by_reason,
            orders=summary.orders,
            rows=[(row, _days(row, now), bucket_of(row.first_seen_at, now).name) for row in rows][
                :PAGE_SIZE
            ],
            editable=editable,
            done=DONE.get(done, ""),
            older=wanted.query(page=str(wanted.page + 1)) if len(rows) > PAGE_SIZE else None,
            newer=wanted.query(page=str(wanted.page - 1)) if wanted.page > 1 else None,
        )

    def order(
        self,
        request: Request,
        *,
        row: HeldOrder,
        history: History,
        examples: Sequence[tuple[str, str]],
        may_edit: bool,
        now: datetime,
        done: str,
    ) -> Response:
        """Show one order: why it is held, what was tried, who did what.

        Args:
            request: The request.
            row: The row that was opened.
            history: Everything known of its order.
            examples: A few rows of the map that it waits for.
            may_edit: Whether the reader may act on it.
            now: The present.
            done: What was just done, by its short name.
        """
        return self._render(
            request,
            "held_order.html",
            title=f"{row.order_number} in quarantine",
            row=row,
            open_rows=[(each, _days(each, now)) for each in history.rows if each.is_open],
            closed_rows=[each for each in history.rows if not each.is_open],
            history=history,
            examples=examples,
            may_edit=may_edit,
            done=DONE.get(done, ""),
        )

    def note(self, request: Request, title: str, words: str, status: int = 200) -> Response:
        """Show a page that holds one message."""
        return self._render(request, "quarantine_note.html", status, title=title, words=words)


def _days(row: HeldOrder, now: datetime) -> int:
    return max((now - row.first_seen_at).days, 0)


def _told(values: dict[str, Any] | None) -> str:
    """Spell what an audit entry changed."""
    return ", ".join(f"{name}: {value}" for name, value in (values or {}).items())
