"""The held orders that people see: one, those that are looked for, their notes and their history.

Reads only; what people do about them is in ``desk``.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, text

from include.domain.gates import PERSONS_RULES
from include.domain.verdict import Severity

RELEASABLE = PERSONS_RULES | {
    "placed_at_plausible",
    "updated_after_placed",
    "updated_at_not_in_future",
}
"""Rules that a person may let an order pass: those of validation are about clocks, not money, and
releasing an order that waits for a person's word approves it, or accepts its risk."""
_MAP_ROW = re.compile(r"\(map '(\w+)', key (.+)\) and the order goes")


class AgeBucket(NamedTuple):
    """A stretch of age in whole days, both ends inside; no last day means everything older."""

    name: str
    first_day: int
    last_day: int | None


AGE_BUCKETS = (
    AgeBucket("0-1", 0, 1),
    AgeBucket("2-7", 2, 7),
    AgeBucket("8-30", 8, 30),
    AgeBucket("31-60", 31, 60),
    AgeBucket("60+", 61, None),
)


def bucket_of(first_seen_at: datetime, now: datetime) -> AgeBucket:
    """Return the bucket of a row's age.

    Args:
        first_seen_at: When it was found first, aware.
        now: The present, aware.
    """
    days = max((now - first_seen_at).days, 0)
    return next(b for b in AGE_BUCKETS if b.last_day is None or days <= b.last_day)


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """One row of quarantine as people see it.

    Attributes:
        quarantine_id: Number of the row.
        channel: Channel id.
        order_id_store: The store's id.
        order_number: The number people use.
        rule: Short name of the rule.
        reason_class: Class of the reason.
        severity: ``critical`` holds the order.
        field: Field that is wrong.
        message: What is wrong and what to do.
        remote: The remote system's own words.
        owner: Who has to act.
        tries: How often it was found.
        state: open or closed.
        first_seen_at: When it was found first.
        last_seen_at: When it was found last.
        closed_at: When it was closed.
        closed_by: Who closed it, or the run in which it passed.
        told_at: When its owner was told.
        replay_at: When a person asked for a replay that has not happened yet.
        released_at: When a person let this version pass the rule.
        released_by: Who let it pass.
        written_off: Why a person wrote it off.
        currency: Shop currency, if the order could be translated.
        amount: Total after returns in shop currency, likewise.
    """

    quarantine_id: int
    channel: str
    order_id_store: str
    order_number: str
    rule: str
    reason_class: str
    severity: Severity
    field: str
    message: str
    remote: str
    owner: str
    tries: int
    state: str
    first_seen_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    told_at: datetime | None
    replay_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    written_off: str | None
    currency: str | None
    amount: Decimal | None

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to act."""
        return self.state == "open"

    @property
    def missing_map_row(self) -> tuple[str, str] | None:
        """Return kind and key of the mapping row that the order waits for, if it does."""
        named = _MAP_ROW.search(self.message)
        if self.reason_class != "missing_mapping" or named is None:
            return None
        return named[1], str(ast.literal_eval(named[2]))

    @property
    def can_be_released(self) -> bool:
        """Tell whether a person may let the order pass the rule."""
        return self.is_open and self.rule in RELEASABLE and self.released_at is None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are looked for; an empty field filters nothing.

    Attributes:
        channels: Channel ids; ``None`` for all, empty for none.
        reason_classes: Classes of reason.
        owner: Owner, exactly.
        severity: Severity.
        bucket: Name of an age bucket.
        min_days: Least age in whole days.
        max_days: Greatest age in whole days.
        order_numbers: Order numbers, with or without their ``#``.
        words: Part of number, id, message, remote words, rule or field; case does not matter.
        state: open or closed; empty for both.
        marked: Only rows that a person asked to be replayed.
    """

    channels: tuple[str, ...] | None = None
    reason_classes: tuple[str, ...] = ()
    owner: str = ""
    severity: str = ""
    bucket: str = ""
    min_days: int | None = None
    max_days: int | None = None
    order_numbers: tuple[str, ...] = ()
    words: str = ""
    state: str = "open"
    marked: bool = False

    def values(self, now: datetime) -> dict[str, Any]:
        """Return the values that the query binds.

        Args:
            now: The present, aware.
        """
        bucket = next((b for b in AGE_BUCKETS if b.name == self.bucket), None)
        least = [d for d in (self.min_days, bucket.first_day if bucket else None) if d is not None]
        most = [d for d in (self.max_days, bucket.last_day if bucket else None) if d is not None]
        numbers = [n for given in self.order_numbers for n in (given, f"#{given}")]
        escaped = self.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return {
            "channels": None if self.channels is None else list(self.channels),
            "classes": list(self.reason_classes) or None,
            "owner": self.owner or None,
            "severity": self.severity or None,
            "until_at": now - timedelta(days=max(least)) if least else None,
            "after_at": now - timedelta(days=min(most) + 1) if most else None,
            "numbers": numbers or None,
            "words": f"%{escaped}%" if self.words else None,
            "state": self.state or None,
            "marked": self.marked,
        }


class Summary(NamedTuple):
    """How many orders stand where.

    Attributes:
        orders: Orders.
        by_reason: Reasons; an order may have several.
        by_bucket: Orders by the age of the first of their reasons.
    """

    orders: int
    by_reason: dict[str, int]
    by_bucket: dict[str, int]


class Note(NamedTuple):
    """What a person noted on an order."""

    at: datetime
    author: str
    body: str


class AuditEntry(NamedTuple):
    """Who did what, when."""

    at: datetime
    actor: str
    action: str
    subject: str
    key: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


_WHERE = (
    "(CAST(:channels AS text[]) IS NULL OR q.channel = ANY(:channels))"
    " AND (CAST(:state AS text) IS NULL OR q.state = :state)"
    " AND (CAST(:classes AS text[]) IS NULL OR q.reason_class = ANY(:classes))"
    " AND (CAST(:owner AS text) IS NULL OR q.owner = :owner)"
    " AND (CAST(:severity AS text) IS NULL OR q.severity = :severity)"
    " AND (CAST(:until_at AS timestamptz) IS NULL OR q.first_seen_at <= :until_at)"
    " AND (CAST(:after_at AS timestamptz) IS NULL OR q.first_seen_at > :after_at)"
    " AND (CAST(:numbers AS text[]) IS NULL OR q.order_number = ANY(:numbers))"
    " AND (NOT :marked OR q.replay_at IS NOT NULL)"
    " AND (CAST(:words AS text) IS NULL OR q.order_number ILIKE :words"
    "  OR q.order_id_store ILIKE :words OR q.message ILIKE :words OR q.remote ILIKE :words"
    "  OR q.rule ILIKE :words OR q.field ILIKE :words)"
)
_SELECT = (
    "SELECT q.quarantine_id, q.channel, q.order_id_store, q.order_number, q.rule,"
    " q.reason_class, q.severity, q.field, q.message, q.remote, q.owner, q.tries, q.state,"
    " q.first_seen_at, q.last_seen_at, q.closed_at, q.closed_by, q.told_at, q.replay_at,"
    " q.released_at, q.released_by, q.written_off, coalesce(s.currency, l.currency) AS currency,"
    " coalesce(s.current_total, l.current_total) AS amount FROM quarantine AS q"
    " LEFT JOIN landing_order AS l ON l.batch_id = q.batch_id"
    "  AND l.order_id_store = q.order_id_store"
    " LEFT JOIN staged_order AS s ON s.channel = q.channel"
    "  AND s.order_id_store = q.order_id_store"
)


def find(
    connection: Connection, wanted: Wanted, now: datetime, *, limit: int = 100, offset: int = 0
) -> list[HeldOrder]:
    """Return rows, those that hold an order first, then the oldest first.

    Args:
        connection: Open connection.
        wanted: Which rows.
        now: The present, aware; ages are counted from it.
        limit: Most rows to return.
        offset: Rows to pass over.
    """
    rows = connection.execute(
        text(
            f"{_SELECT} WHERE {_WHERE}"
            " ORDER BY q.severity <> 'critical', q.first_seen_at, q.quarantine_id"
            " LIMIT :limit OFFSET :offset"
        ),
        {**wanted.values(now), "limit": limit, "offset": offset},
    )
    return [_held(row) for row in rows]


def summary(connection: Connection, wanted: Wanted, now: datetime) -> Summary:
    """Count orders, their reasons, and orders by age.

    Args:
        connection: Open connection.
        wanted: Which rows.
        now: The present, aware.
    """
    rows = connection.execute(
        text(
            "SELECT q.order_id_store, q.channel, q.reason_class, q.first_seen_at"  # noqa: S608
            f" FROM quarantine AS q WHERE {_WHERE}"
        ),
        wanted.values(now),
    ).all()
    held_since: dict[tuple[str, str], datetime] = {}
    for row in rows:
        order = row.channel, row.order_id_store
        held_since[order] = min(held_since.get(order, row.first_seen_at), row.first_seen_at)
    ages = Counter(bucket_of(since, now).name for since in held_since.values())
    buckets = {bucket.name: ages[bucket.name] for bucket in AGE_BUCKETS}
    return Summary(len(held_since), Counter(row.reason_class for row in rows), buckets)


def choices(connection: Connection, channels: Sequence[str]) -> dict[str, list[str]]:
    """Return the reason classes and owners that open rows of channels name, each sorted.

    Args:
        connection: Open connection.
        channels: Channel ids.
    """
    rows = connection.execute(
        text(
            "SELECT DISTINCT reason_class, owner FROM quarantine WHERE state = 'open'"
            " AND channel = ANY(:channels)"
        ),
        {"channels": list(channels)},
    ).all()
    return {
        "reason_classes": sorted({row.reason_class for row in rows}),
        "owners": sorted({row.owner for row in rows}),
    }


def channels(connection: Connection) -> list[str]:
    """Return every channel that ever had a row.

    Args:
        connection: Open connection.
    """
    rows = connection.scalars(text("SELECT DISTINCT channel FROM quarantine ORDER BY 1"))
    return list(rows)


def one(connection: Connection, quarantine_id: int) -> HeldOrder | None:
    """Return one row, or ``None``.

    Args:
        connection: Open connection.
        quarantine_id: The row.
    """
    row = connection.execute(
        text(f"{_SELECT} WHERE q.quarantine_id = :quarantine_id"), {"quarantine_id": quarantine_id}
    ).one_or_none()
    return None if row is None else _held(row)


def rows_of_order(connection: Connection, channel: str, order_id: str) -> list[HeldOrder]:
    """Return every row of an order, open ones first, then the newest first.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_id: Store id.
    """
    rows = connection.execute(
        text(
            f"{_SELECT} WHERE q.channel = :channel AND q.order_id_store = :order_id"
            " ORDER BY q.state DESC, q.first_seen_at DESC, q.quarantine_id DESC"
        ),
        {"channel": channel, "order_id": order_id},
    )
    return [_held(row) for row in rows]


def notes(connection: Connection, channel: str, order_id: str) -> list[Note]:
    """Return what people noted on an order, newest first.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_id: Store id.
    """
    rows = connection.execute(
        text(
            "SELECT at, author, body FROM quarantine_note WHERE channel = :channel"
            " AND order_id_store = :order_id ORDER BY note_id DESC"
        ),
        {"channel": channel, "order_id": order_id},
    )
    return [Note(*row) for row in rows]


def audit(connection: Connection, channel: str, order_id: str) -> list[AuditEntry]:
    """Return what people did with an order and with the mapping rows it waited for, newest first.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_id: Store id.
    """
    found = [
        row.missing_map_row
        for row in rows_of_order(connection, channel, order_id)
        if row.missing_map_row
    ]
    rows = connection.execute(
        text(
            "SELECT at, actor, action, subject, key, before, after FROM log_audit"
            " WHERE key @> CAST(:key AS jsonb) OR (subject = 'map_value' AND actor <> 'seed'"
            "  AND key = ANY(CAST(:map_keys AS jsonb[]))) ORDER BY audit_id DESC"
        ),
        {
            "key": _json({"channel": channel, "order_id_store": order_id}),
            "map_keys": [
                _json({"channel": channel, "kind": kind, "key": key}) for kind, key in found
            ],
        },
    )
    return [AuditEntry(*row) for row in rows]


def _held(row: Any) -> HeldOrder:
    values = dict(row._mapping)
    return HeldOrder(**{**values, "severity": Severity(values["severity"])})


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
