"""Validation results, kept by batch, so that a page and a person can see what was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, text

from include.domain.window import Window


@dataclass(frozen=True, slots=True)
class ValidationLog:
    """What validating one batch came to.

    Attributes:
        batch_id: The batch.
        suite: Expectation suite.
        success: Whether the window as a whole may go on.
        evaluated: Orders looked at.
        held: Orders held back.
        warned: Orders with a warning only.
        seconds: How long it took.
        results: Result by expectation; JSON values only, no personal data.
        validated_at: When; filled in by the database.
    """

    batch_id: int
    suite: str
    success: bool
    evaluated: int
    held: int
    warned: int
    seconds: float
    results: Mapping[str, Any] = field(default_factory=dict)
    validated_at: datetime | None = None


def record(connection: Connection, log: ValidationLog) -> None:
    """Keep the results of one validation.

    Args:
        connection: Open connection; the caller commits.
        log: The results.
    """
    connection.execute(
        text(
            "INSERT INTO log_validation"
            " (batch_id, suite, success, evaluated, held, warned, seconds, results)"
            " VALUES (:batch_id, :suite, :success, :evaluated, :held, :warned, :seconds,"
            " CAST(:results AS jsonb))"
        ),
        {
            "batch_id": log.batch_id,
            "suite": log.suite,
            "success": log.success,
            "evaluated": log.evaluated,
            "held": log.held,
            "warned": log.warned,
            "seconds": log.seconds,
            "results": orjson.dumps(dict(log.results), default=str).decode(),
        },
    )


def latest(connection: Connection, batch_id: int) -> ValidationLog | None:
    """Return the newest results of a batch, or ``None``.

    Args:
        connection: Open connection.
        batch_id: The batch.
    """
    row = connection.execute(
        text(
            "SELECT batch_id, suite, success, evaluated, held, warned, seconds, results,"
            " validated_at FROM log_validation WHERE batch_id = :batch_id"
            " ORDER BY validation_id DESC LIMIT 1"
        ),
        {"batch_id": batch_id},
    ).one_or_none()
    return None if row is None else ValidationLog(*row)


class JudgedWindow(NamedTuple):
    """The kept results of one window.

    Attributes:
        channel: Channel id.
        window: The window that was judged.
        validated_at: When.
        results: Result by expectation.
    """

    channel: str
    window: Window
    validated_at: datetime
    results: Mapping[str, Any]


def judged_windows(connection: Connection, *, limit: int = 1000) -> list[JudgedWindow]:
    """Return the newest results of each window of every channel, latest validation first.

    Args:
        connection: Open connection.
        limit: Most windows to return.
    """
    rows = connection.execute(
        text(
            "SELECT * FROM (SELECT DISTINCT ON (b.channel, b.window_start, b.window_end)"
            " b.channel, b.window_start, b.window_end, v.validated_at, v.results"
            " FROM log_validation AS v JOIN landing_batch AS b USING (batch_id)"
            " ORDER BY b.channel, b.window_start, b.window_end, v.validation_id DESC) AS w"
            " ORDER BY validated_at DESC LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [
        JudgedWindow(
            row.channel, Window(row.window_start, row.window_end), row.validated_at, row.results
        )
        for row in rows
    ]
