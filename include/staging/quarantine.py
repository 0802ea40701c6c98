"""Quarantine: orders held back, one open row an order and rule, with a reason and an owner.

A row closes by itself when its order passes, is counted when it is found again, and is never
dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, text

from include.domain.gates import PERSONS_RULES
from include.domain.verdict import Finding, Severity


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One open reason why an order is held back or noted.

    Attributes:
        quarantine_id: Number of the row.
        channel: Channel id.
        finding: The order, the rule and the words.
        owner: Who has to act.
        first_seen_at: When it was found first.
        last_seen_at: When it was found last.
        tries: How often it was found.
        batch_id: Batch it was last found in.
        told_at: When its owner was told, if that happened.
        replay_at: When a person asked for a replay that has not happened yet.
    """

    quarantine_id: int
    channel: str
    finding: Finding
    owner: str
    first_seen_at: datetime
    last_seen_at: datetime
    tries: int
    batch_id: int
    told_at: datetime | None = None
    replay_at: datetime | None = None


_RECORD = text(
    "INSERT INTO quarantine AS q (channel, order_id_store, order_number, rule, reason_class,"
    " severity, field, message, remote, owner, batch_id, version)"
    " SELECT :channel, f.order_id_store, f.order_number, f.rule, f.reason_class, f.severity,"
    "  f.field, f.message, f.remote, :owner, :batch_id, l.updated_at::text"
    " FROM unnest(CAST(:order_ids AS text[]), CAST(:numbers AS text[]), CAST(:rules AS text[]),"
    "  CAST(:classes AS text[]), CAST(:severities AS text[]), CAST(:fields AS text[]),"
    "  CAST(:messages AS text[]), CAST(:remotes AS text[]))"
    "  AS f (order_id_store, order_number, rule, reason_class, severity, field, message, remote)"
    " LEFT JOIN landing_order AS l"
    "  ON l.batch_id = :batch_id AND l.order_id_store = f.order_id_store"
    " WHERE NOT EXISTS (SELECT FROM quarantine AS w WHERE w.channel = :channel"
    "  AND w.order_id_store = f.order_id_store AND w.written_off IS NOT NULL"
    "  AND (w.severity = 'critical' OR w.rule = f.rule))"
    " ORDER BY f.order_id_store, f.rule"
    " ON CONFLICT (channel, order_id_store, rule) WHERE state = 'open' DO UPDATE SET"
    "  order_number = excluded.order_number, reason_class = excluded.reason_class,"
    "  severity = excluded.severity, field = excluded.field, message = excluded.message,"
    "  remote = excluded.remote, batch_id = excluded.batch_id, version = excluded.version,"
    # An order that waits for a person's word again was not covered by the one it had.
    "  released_at = CASE WHEN q.rule = ANY(:persons) THEN NULL ELSE q.released_at END,"
    "  released_by = CASE WHEN q.rule = ANY(:persons) THEN NULL ELSE q.released_by END,"
    "  last_seen_at = clock_timestamp(), tries = q.tries + 1"
)


def record(
    connection: Connection,
    channel: str,
    findings: Iterable[Finding],
    *,
    owner: str,
    batch_id: int,
) -> int:
    """Open a row for each finding, or count the open one up; an owner that a person set stays.

    What a person wrote off is not opened again: the order is left out until it is reopened.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        findings: What was found; of several for one order and rule the last stands.
        owner: Who has to act on new rows.
        batch_id: The batch it was found in.

    Returns:
        Rows written.
    """
    unique = {(finding.order_id_store, finding.rule): finding for finding in findings}
    if not unique:
        return 0
    kept = list(unique.values())
    return connection.execute(
        _RECORD,
        {
            "channel": channel,
            "owner": owner,
            "batch_id": batch_id,
            "persons": sorted(PERSONS_RULES),
            "order_ids": [finding.order_id_store for finding in kept],
            "numbers": [_writable(finding.order_number) for finding in kept],
            "rules": [finding.rule for finding in kept],
            "classes": [finding.reason_class for finding in kept],
            "severities": [finding.severity.value for finding in kept],
            "fields": [finding.field for finding in kept],
            "messages": [_writable(finding.message) for finding in kept],
            "remotes": [_writable(finding.remote) for finding in kept],
        },
    ).rowcount


def _writable(words: str) -> str:
    """Return words that PostgreSQL can hold: they may quote a value that has a NUL in it."""
    return words.replace("\x00", "\ufffd")


def close_passed(
    connection: Connection,
    channel: str,
    order_ids: Sequence[str],
    *,
    closed_by: str,
    still: Collection[tuple[str, str]] = (),
    reason_classes: Collection[str] | None = None,
    rules: Collection[str] = (),
    spared: Collection[str] = (),
) -> int:
    """Close the open rows of orders that pass now.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        order_ids: Orders that were judged.
        closed_by: The run in which they passed, or a person.
        still: Pairs of order id and rule that were found again and stay open.
        reason_classes: Close rows of these classes only: what validation finds is not for posting
            to close, nor the other way round. ``None`` closes all.
        rules: Rules whose rows are closed whatever their class.
        spared: Rules whose rows stay whatever their class.

    Returns:
        Rows closed.
    """
    if not order_ids:
        return 0
    return connection.execute(
        text(
            "UPDATE quarantine AS q SET state = 'closed', closed_at = clock_timestamp(),"
            " closed_by = :closed_by WHERE q.channel = :channel AND q.state = 'open'"
            " AND q.order_id_store = ANY(:order_ids)"
            " AND (CAST(:classes AS text[]) IS NULL OR q.reason_class = ANY(:classes)"
            "  OR q.rule = ANY(CAST(:rules AS text[])))"
            " AND q.rule <> ALL(CAST(:spared AS text[]))"
            " AND NOT EXISTS (SELECT FROM unnest(CAST(:still_ids AS text[]),"
            "  CAST(:still_rules AS text[])) AS s (order_id_store, rule)"
            "  WHERE s.order_id_store = q.order_id_store AND s.rule = q.rule)"
        ),
        {
            "channel": channel,
            "closed_by": closed_by,
            "order_ids": list(order_ids),
            "classes": None if reason_classes is None else list(reason_classes),
            "rules": list(rules),
            "spared": list(spared),
            "still_ids": [order_id for order_id, _ in still],
            "still_rules": [rule for _, rule in still],
        },
    ).rowcount


def open_in_batch(connection: Connection, batch_id: int) -> list[str]:
    """Return the translated orders of a batch that have an open row, by order id.

    Args:
        connection: Open connection.
        batch_id: The batch, landed.
    """
    return list(
        connection.scalars(
            text(
                "SELECT DISTINCT q.order_id_store FROM landing_batch AS b"
                " JOIN quarantine AS q ON q.channel = b.channel AND q.state = 'open'"
                " JOIN landing_order AS o ON o.batch_id = b.batch_id"
                "  AND o.order_id_store = q.order_id_store AND o.canonical_digest IS NOT NULL"
                " WHERE b.batch_id = :batch_id ORDER BY q.order_id_store"
            ),
            {"batch_id": batch_id},
        )
    )


def write_off(connection: Connection, quarantine_id: int, *, actor: str, reason: str) -> bool:
    """Close every open row of a row's order by hand, with a reason; it goes into the audit log.

    An order that was held is left out from then on, whatever is pulled of it: it may have been
    booked by hand. ``desk.reopen`` takes that back.

    Args:
        connection: Open connection; the caller commits.
        quarantine_id: One open row of the order.
        actor: Who closes it.
        reason: Why.

    Returns:
        Whether it was open.
    """
    closed = connection.execute(
        text(
            "WITH closed AS (UPDATE quarantine AS q SET state = 'closed',"
            "  closed_at = clock_timestamp(), closed_by = :actor, replay_at = NULL,"
            "  written_off = :reason FROM quarantine AS named"
            "  WHERE named.quarantine_id = :quarantine_id AND named.state = 'open'"
            "   AND q.channel = named.channel AND q.order_id_store = named.order_id_store"
            "   AND q.state = 'open' RETURNING q.quarantine_id, q.channel, q.order_id_store)"
            " INSERT INTO log_audit (actor, action, subject, key, after)"
            " SELECT :actor, 'closed', 'quarantine', jsonb_build_object('quarantine_id',"
            "  quarantine_id, 'channel', channel, 'order_id_store', order_id_store),"
            "  CAST(:after AS jsonb) FROM closed"
        ),
        {
            "quarantine_id": quarantine_id,
            "actor": actor,
            "reason": reason,
            "after": orjson.dumps({"reason": reason}).decode(),
        },
    )
    return closed.rowcount > 0


def written_off(
    connection: Connection, channel: str, order_ids: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """Return which of the orders people wrote off.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_ids: Store ids.

    Returns:
        Who did it and why, by store id; the latest of each order.
    """
    rows = connection.execute(
        text(
            "SELECT DISTINCT ON (order_id_store) order_id_store, closed_by, written_off"
            " FROM quarantine WHERE channel = :channel AND order_id_store = ANY(:order_ids)"
            " AND written_off IS NOT NULL AND severity = 'critical'"
            " ORDER BY order_id_store, closed_at DESC"
        ),
        {"channel": channel, "order_ids": list(order_ids)},
    )
    return {row.order_id_store: (row.closed_by, row.written_off) for row in rows}


def released(connection: Connection, batch_id: int) -> set[tuple[str, str]]:
    """Return the rules that a person let orders of a batch pass, in the version it pulled.

    Args:
        connection: Open connection.
        batch_id: The batch, landed.

    Returns:
        Pairs of order id and rule.
    """
    rows = connection.execute(
        text(
            "SELECT q.order_id_store, q.rule FROM landing_batch AS b"
            " JOIN quarantine AS q ON q.channel = b.channel AND q.released_at IS NOT NULL"
            " JOIN landing_order AS o ON o.batch_id = b.batch_id"
            "  AND o.order_id_store = q.order_id_store AND o.updated_at::text = q.version"
            " WHERE b.batch_id = :batch_id"
        ),
        {"batch_id": batch_id},
    )
    return {(row.order_id_store, row.rule) for row in rows}


def untold(connection: Connection, channel: str) -> list[QuarantineRow]:
    """Return the open rows that hold an order and whose owner does not know of them yet.

    Args:
        connection: Open connection.
        channel: Channel id.
    """
    ids = connection.scalars(
        text(
            "SELECT DISTINCT order_id_store FROM quarantine WHERE channel = :channel"
            " AND state = 'open' AND severity = 'critical' AND told_at IS NULL"
        ),
        {"channel": channel},
    ).all()
    if not ids:
        return []
    rows = open_rows(connection, channel, list(ids), severity=Severity.CRITICAL)
    return [row for row in rows if row.told_at is None]


def mark_told(connection: Connection, quarantine_ids: Sequence[int]) -> None:
    """Note that the owners of rows were told of them.

    Args:
        connection: Open connection; the caller commits.
        quarantine_ids: The rows.
    """
    connection.execute(
        text(
            "UPDATE quarantine SET told_at = clock_timestamp()"
            " WHERE quarantine_id = ANY(:quarantine_ids) AND told_at IS NULL"
        ),
        {"quarantine_ids": list(quarantine_ids)},
    )


def open_rows(
    connection: Connection,
    channel: str,
    order_ids: Sequence[str] | None = None,
    *,
    severity: Severity | None = None,
    limit: int = 100_000,
) -> list[QuarantineRow]:
    """Return open rows, oldest first.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_ids: Rows of these orders only.
        severity: Rows of this severity only; ``CRITICAL`` gives the orders that are held.
        limit: Most rows to return.
    """
    rows = connection.execute(
        text(
            "SELECT quarantine_id, order_id_store, order_number, rule, reason_class, severity,"
            " field, message, remote, owner, first_seen_at, last_seen_at, tries, batch_id,"
            " told_at, replay_at FROM quarantine WHERE channel = :channel AND state = 'open'"
            " AND (CAST(:order_ids AS text[]) IS NULL OR order_id_store = ANY(:order_ids))"
            " AND (CAST(:severity AS text) IS NULL OR severity = :severity)"
            " ORDER BY first_seen_at, quarantine_id LIMIT :limit"
        ),
        {
            "channel": channel,
            "order_ids": None if order_ids is None else list(order_ids),
            "severity": None if severity is None else severity.value,
            "limit": limit,
        },
    )
    return [
        QuarantineRow(
            quarantine_id=row.quarantine_id,
            channel=channel,
            finding=Finding(
                order_id_store=row.order_id_store,
                order_number=row.order_number,
                reason_class=row.reason_class,
                rule=row.rule,
                message=row.message,
                severity=Severity(row.severity),
                field=row.field,
                remote=row.remote,
            ),
            owner=row.owner,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            tries=row.tries,
            batch_id=row.batch_id,
            told_at=row.told_at,
            replay_at=row.replay_at,
        )
        for row in rows
    ]
