"""Plans of dry runs: what posting would send, hold and leave out; kept beside the batch they read.

A plan is no promise: stock, maps and the ERP may have changed by the time somebody posts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from include.domain.money import ZERO


class Action(StrEnum):
    """What posting would do: send a document, hold an order, or leave one out."""

    SEND = "send"
    HOLD = "hold"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line of a plan; document, date and amounts are empty where nothing would be sent.

    Attributes:
        action: What posting would do.
        order_id_store: The store's id.
        order_number: The number people use.
        kind: Kind of document.
        sequence: Its number among those of its kind on the order.
        document_on: Its accounting date.
        line_count: Lines the ERP would hold.
        currency: ISO 4217 code of both amounts.
        total: What it would book.
        paid: Payments with it.
        reason: Why the order would be held or left out, in words.
    """

    action: Action
    order_id_store: str
    order_number: str
    kind: str = ""
    sequence: int = 0
    document_on: date | None = None
    line_count: int = 0
    currency: str = ""
    total: Decimal = ZERO
    paid: Decimal = ZERO
    reason: str = ""


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """The plan of one dry run.

    Attributes:
        channel: Channel id.
        flow: ``orders`` or ``quarantine_replay``.
        run_id: The run that planned.
        planned_at: When, aware.
        done: Orders whose documents are all in the ERP.
        rows: What would be done, in the order of posting; left out in a list of plans.
        plan_id: Number of the plan once it is kept.
        sends: Documents that would be sent.
        holds: Orders that would be held.
        skips: Orders that would be left out.
    """

    channel: str
    flow: str
    run_id: str
    planned_at: datetime
    done: int
    rows: tuple[PlanRow, ...] = ()
    plan_id: int = 0
    sends: int = 0
    holds: int = 0
    skips: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether posting would send nothing."""
        return not self.sends


_ROW = tuple(each.name for each in fields(PlanRow))
_READ = (
    "SELECT plan_id, channel, flow, run_id, planned_at, done, sends, holds, skips FROM landing_plan"
)


def keep(connection: Connection, plan: KeptPlan) -> int:
    """Keep a plan; a second one of the same run replaces the first.

    Args:
        connection: Open connection; the caller commits.
        plan: The plan with its rows.

    Returns:
        Its number.
    """
    named = {"channel": plan.channel, "flow": plan.flow, "run_id": plan.run_id}
    connection.execute(
        text(
            "DELETE FROM landing_plan WHERE channel = :channel AND flow = :flow"
            " AND run_id = :run_id"
        ),
        named,
    )
    counts = {
        name: sum(row.action is action for row in plan.rows)
        for name, action in (
            ("sends", Action.SEND),
            ("holds", Action.HOLD),
            ("skips", Action.SKIP),
        )
    }
    plan_id = int(
        connection.scalar(
            text(
                "INSERT INTO landing_plan (channel, flow, run_id, planned_at, done, sends, holds,"
                " skips) VALUES (:channel, :flow, :run_id, :planned_at, :done, :sends, :holds,"
                " :skips) RETURNING plan_id"
            ),
            {**named, "planned_at": plan.planned_at, "done": plan.done, **counts},
        )
        or 0
    )
    if plan.rows:
        connection.execute(
            text(
                f"INSERT INTO landing_plan_row (plan_id, position, {', '.join(_ROW)})"  # noqa: S608
                f" VALUES (:plan_id, :position, {', '.join(f':{name}' for name in _ROW)})"
            ),
            [
                {"plan_id": plan_id, "position": place, **asdict(row)}
                for place, row in enumerate(plan.rows, start=1)
            ],
        )
    return plan_id


def latest(connection: Connection, *, limit: int = 200) -> list[KeptPlan]:
    """Return plans without their rows, newest first.

    Args:
        connection: Open connection.
        limit: Most plans to return.
    """
    rows = connection.execute(
        text(f"{_READ} ORDER BY planned_at DESC, plan_id DESC LIMIT :limit"), {"limit": limit}
    )
    return [_plan(row) for row in rows]


def one(connection: Connection, plan_id: int) -> KeptPlan | None:
    """Return a plan with its rows, or ``None``.

    Args:
        connection: Open connection.
        plan_id: Its number.
    """
    found = connection.execute(
        text(f"{_READ} WHERE plan_id = :plan_id"), {"plan_id": plan_id}
    ).one_or_none()
    return None if found is None else _plan(found, _rows(connection, found.plan_id))


def of_run(connection: Connection, channel: str, flow: str, run_id: str) -> KeptPlan | None:
    """Return the plan of a run with its rows, or ``None``.

    Args:
        connection: Open connection.
        channel: Channel id.
        flow: ``orders`` or ``quarantine_replay``.
        run_id: The run.
    """
    found = connection.execute(
        text(f"{_READ} WHERE channel = :channel AND flow = :flow AND run_id = :run_id"),
        {"channel": channel, "flow": flow, "run_id": run_id},
    ).one_or_none()
    return None if found is None else _plan(found, _rows(connection, found.plan_id))


def _plan(row: Any, rows: Sequence[PlanRow] = ()) -> KeptPlan:
    return KeptPlan(**row._mapping, rows=tuple(rows))


def _rows(connection: Connection, plan_id: int) -> list[PlanRow]:
    rows = connection.execute(
        text(
            f"SELECT {', '.join(_ROW)} FROM landing_plan_row"  # noqa: S608
            " WHERE plan_id = :plan_id ORDER BY position"
        ),
        {"plan_id": plan_id},
    )
    return [PlanRow(**{**row._mapping, "action": Action(row.action)}) for row in rows]
