"""Lays proofs out as HTML: templates, and the words and figures they show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.domain.proof import Outcome, WindowProof
from include.domain.window import Window
from include.reporting.proof_export import amount
from include.staging.plans import Action, KeptPlan, PlanRow

from .ports import Shown, ShownChannel

PAGE_SIZE = 100
MOST_ROWS = 2_000
DAY = timedelta(days=1)
FLOWS = {"orders": "Orders of a window", "quarantine_replay": "Replay of held orders"}
OUTCOMES = {
    Outcome.UNEXPLAINED: (
        "Unexplained",
        "The store names these orders and nothing accounts for them. This must never be.",
    ),
    Outcome.HELD: (
        "Held back",
        "In quarantine until somebody acts; they go through by themselves once the cause is gone.",
    ),
    Outcome.SKIPPED: ("Skipped", "Left out by the channel's policy. Nothing is to be done."),
}
MONEY_ROWS = (
    ("In store", "in_store"),
    ("Staged", "staged"),
    ("Posted in ERP", "posted"),
    ("Adjusted by rule", "adjusted"),
    ("Held back", "held"),
    ("Skipped", "skipped"),
    ("Unexplained", "unexplained"),
    ("Invoiced", "invoiced"),
    ("Credited", "credited"),
    ("Paid in", "paid"),
    ("Paid back", "paid_back"),
)
LIFE_ROWS = (
    ("New", "new"),
    ("Changed after posting", "changed"),
    ("As they were", "unchanged"),
    ("Shipped", "shipped"),
    ("Edited", "edited"),
    ("Refunded", "refunded"),
    ("Cancelled", "cancelled"),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which windows a page or a download shows.

    Attributes:
        channel: This channel only, or every channel when empty.
        first_on: First day in UTC that a window may touch.
        last_on: Last day in UTC that a window may touch.
        page: Page of the list, from 1.
    """

    channel: str = ""
    first_on: date | None = None
    last_on: date | None = None
    page: int = 1

    @classmethod
    def read(cls, channel: str, first: str, last: str, page: str = "1") -> Filter:
        """Read the fields of the form; empty ones filter nothing.

        Raises:
            HTTPException: 400, a day is no date or the page no number; the detail says which.
        """
        if not page.isdecimal() or int(page) < 1:
            raise HTTPException(400, "The page must be a number from 1.")
        return cls(channel, _day(first, "first"), _day(last, "last"), int(page))

    def takes(self, proof: WindowProof) -> bool:
        """Tell whether the filter lets a window through."""
        if self.channel and proof.channel != self.channel:
            return False
        window = proof.window
        if self.first_on and window.end_at <= _midnight(self.first_on):
            return False
        return not (self.last_on and window.start_at >= _midnight(self.last_on) + DAY)

    def query(self, page: int | None = None) -> str:
        """Return the filter as a query string that begins with ``?``, or nothing."""
        fields = {
            "channel": self.channel,
            "first": self.first_on.isoformat() if self.first_on else "",
            "last": self.last_on.isoformat() if self.last_on else "",
            "page": str(page) if page and page > 1 else "",
        }
        given = {name: value for name, value in fields.items() if value}
        return f"?{urlencode(given)}" if given else ""


class Pages:
    """Renders the templates beside this file."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "money": money,
            "count": lambda value: f"{value:,}",
            "window": window_in_words,
            "at": at_in_words,
            "minute": lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M}",
            "reasons": ranked,
            "exact": lambda value: f"{value.normalize():f}",
            "plain": lambda name: name.replace("_", " "),
        }

    def windows(self, request: Request, readable: Sequence[Shown], wanted: Filter) -> Response:
        """Show the list of windows that a filter lets through.

        Args:
            request: The request.
            readable: Every window the user may read, newest first.
            wanted: The filter.
        """
        found = [shown for shown in readable if wanted.takes(shown.proof)]
        start = (wanted.page - 1) * PAGE_SIZE
        return self._render(
            request,
            "windows.html",
            title="Proof",
            filter=wanted,
            channels=sorted({shown.proof.channel for shown in readable}),
            nothing_proven=not readable,
            found=len(found),
            incomplete=sum(not shown.proof.is_complete for shown in found),
            held=sum(shown.proof.held for shown in found),
            orders=sum(shown.proof.in_store for shown in found),
            rows=found[start : start + PAGE_SIZE],
            older=wanted.query(wanted.page + 1) if len(found) > start + PAGE_SIZE else None,
            newer=(wanted.query(wanted.page - 1) or "./") if wanted.page > 1 else None,
        )

    def window(self, request: Request, shown: Shown) -> Response:
        """Show one window with its orders.

        Args:
            request: The request.
            shown: The window's proof with its orders.
        """
        proof = shown.proof
        groups = [
            (outcome, *words, [order for order in proof.orders if order.outcome is outcome])
            for outcome, words in OUTCOMES.items()
        ]
        return self._render(
            request,
            "window.html",
            title=f"Proof of {proof.channel}, {window_in_words(proof.window)}",
            proof=proof,
            proof_id=shown.proof_id,
            groups=[group for group in groups if group[-1]],
            money_rows=MONEY_ROWS,
            life_rows=LIFE_ROWS,
        )

    def plans(self, request: Request, kept: Sequence[KeptPlan]) -> Response:
        """Show a list of plans.

        Args:
            request: The request.
            kept: Plans without their rows, newest first.
        """
        return self._render(request, "plans.html", title="Plans", plans=kept, flows=FLOWS)

    def plan(self, request: Request, kept: KeptPlan) -> Response:
        """Show one plan.

        Args:
            request: The request.
            kept: The plan with its rows.
        """
        rows = {action: [r for r in kept.rows if r.action is action] for action in Action}
        sums: dict[tuple[str, str], list[PlanRow]] = {}
        for row in rows[Action.SEND]:
            sums.setdefault((row.kind, row.currency), []).append(row)
        return self._render(
            request,
            "plan.html",
            title=f"Plan of {kept.channel}, {at_in_words(kept.planned_at)}",
            plan=kept,
            flow=FLOWS.get(kept.flow, kept.flow),
            sends=rows[Action.SEND][:MOST_ROWS],
            more=max(len(rows[Action.SEND]) - MOST_ROWS, 0),
            aside=[row for row in kept.rows if row.action is not Action.SEND],
            sums=[
                (kind, currency, len(part), sum(row.total for row in part))
                for (kind, currency), part in sums.items()
            ],
        )

    def channels(self, request: Request, shown: Sequence[ShownChannel]) -> Response:
        """Show the channels, each with its policy.

        Args:
            request: The request.
            shown: The channels.
        """
        return self._render(request, "channels.html", title="Channels", channels=shown)

    def channel(self, request: Request, shown: ShownChannel) -> Response:
        """Show every setting of a channel.

        Args:
            request: The request.
            shown: The channel.
        """
        return self._render(request, "channel.html", title=shown.title, channel=shown)

    def note(self, request: Request, title: str, words: str, status: int = 200) -> Response:
        """Show a page that holds one message."""
        return self._render(request, "note.html", status, title=title, words=words)

    def trouble(self, request: Request, status: int, title: str, words: str) -> Response:
        """Say what is wrong: as a page to browsers, as JSON to programs."""
        if self.wants_html(request):
            return self.note(request, title, words, status)
        return JSONResponse({"detail": words}, status_code=status)

    def wants_html(self, request: Request) -> bool:
        """Tell a browser from a program by what it accepts."""
        return "text/html" in request.headers.get("accept", "")

    def _render(self, request: Request, name: str, status: int = 200, **context: Any) -> Response:
        base = request.scope.get("root_path", "")
        return HTMLResponse(
            self._templates.get_template(name).render(
                base=base, home=base.rpartition("/")[0], **context
            ),
            status_code=status,
        )


def money(value: Decimal, currency: str) -> str:
    """Spell an amount with the decimals of its currency and thousands apart."""
    places = len(amount(value, currency).partition(".")[2])
    return f"{value:,.{places}f}"


def at_in_words(at: datetime) -> str:
    """Spell an instant in UTC to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def window_in_words(window: Window) -> str:
    """Name a window: the day it is, or both its ends."""
    start, end = window.start_at, window.end_at
    if start == _midnight(start.date()) and end - start == DAY:
        return f"{start:%a %-d %b %Y}"
    if start.date() == end.date():
        return f"{start:%Y-%m-%d %H:%M} – {end:%H:%M}"  # noqa: RUF001 - a range takes an en dash
    return f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}"  # noqa: RUF001


def ranked(counts: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    """Order reasons by how often they occur."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _day(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise HTTPException(400, f"The {name} day must be a date like 2026-11-20.") from error


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
