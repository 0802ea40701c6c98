"""Runs a backfill through Airflow's REST API and shows how it goes.

The same request that the UI's Backfill dialog sends. Runs of the range that exist already are run
again (``reprocess_behavior`` completed): that is the point of a second `make run`, which must post
nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import requests

from local.airflow_api import AirflowApiError

if TYPE_CHECKING:
    from local.airflow_api import AirflowApi

POLL_SECONDS = 0.5
FINAL_STATES = ("success", "failed")
MAX_ACTIVE_RUNS = 2


@dataclass(frozen=True, slots=True)
class DayRun:
    """One DAG run of the backfill: its window and how it ended."""

    run_id: str
    start_at: datetime
    end_at: datetime
    state: str
    tasks: dict[str, str]

    @property
    def failed_tasks(self) -> list[str]:
        """Names of the tasks that failed themselves."""
        return [name for name, state in self.tasks.items() if state == "failed"]


class BackfillFailed(Exception):
    """The backfill could not be started or did not end in time."""


def last_complete_days(count: int, now_at: datetime) -> tuple[datetime, datetime]:
    """Work out the range of the last complete UTC days.

    Args:
        count: how many days.
        now_at: the present.

    Returns:
        First instant of the first day, and first instant of the last day: what Airflow calls from
        and to, both inclusive and both compared with the start of a window.
    """
    today = now_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=count), today - timedelta(days=1)


def run(
    api: AirflowApi,
    dag_id: str,
    from_at: datetime,
    to_at: datetime,
    *,
    tell: Callable[[str], None],
    check: Callable[[], None],
    seconds: float,
    at_once: int = MAX_ACTIVE_RUNS,
) -> list[DayRun]:
    """Start a backfill and follow it to its end.

    Args:
        api: Airflow, as a user who may trigger DAG runs.
        dag_id: the DAG; it may still be paused, and is unpaused once its runs exist.
        from_at: start of the first window.
        to_at: latest start of a window.
        tell: prints one line of progress.
        check: raises when the stack is no longer sound.
        seconds: how long the whole may take.
        at_once: how many windows may run at the same time; 1 runs them in order.

    Returns:
        The runs of the range in order of their windows, each in a final state.

    Raises:
        BackfillFailed: refused, or not finished in time.
        AirflowApiError: Airflow refused for another reason than an active backfill.
    """
    deadline = time.monotonic() + seconds
    body: dict[str, Any] = {
        "dag_id": dag_id,
        "from_date": from_at.isoformat(),
        "to_date": to_at.isoformat(),
        "reprocess_behavior": "completed",
        "max_active_runs": at_once,
    }
    backfill_id = _create(api, body, tell=tell, check=check, deadline=deadline)
    # Unpaused only now: unpausing starts the latest scheduled window, which would meet the
    # backfill's run of the same window.
    api.call("PATCH", f"/dags/{dag_id}", {"is_paused": False}, {"update_mask": "is_paused"})
    tell(f"backfill {backfill_id} of {dag_id}: windows {from_at:%Y-%m-%d} to {to_at:%Y-%m-%d}")
    told: dict[str, str] = {}
    while True:
        check()
        runs = list_runs(api, dag_id, from_at, to_at)
        for day in runs:
            line = _describe(day)
            if told.get(day.run_id) != line:
                told[day.run_id] = line
                tell(line)
        if runs and all(day.state in FINAL_STATES for day in runs):
            # So that a person may start the next one at once.
            close_finished(api, dag_id)
            return runs
        if time.monotonic() > deadline:
            raise BackfillFailed(f"{dag_id}: the backfill did not finish in {seconds:.0f} s")
        time.sleep(POLL_SECONDS)


def list_runs(api: AirflowApi, dag_id: str, from_at: datetime, to_at: datetime) -> list[DayRun]:
    """List the DAG runs whose windows start in a range.

    Args:
        api: Airflow, as any user.
        dag_id: the DAG.
        from_at: earliest start.
        to_at: latest start.

    Returns:
        The runs in order of their windows, with the state of every task.
    """
    query = {
        "logical_date_gte": from_at.isoformat(),
        "logical_date_lte": to_at.isoformat(),
        "order_by": "logical_date",
        "limit": 100,
    }
    found = api.call("GET", f"/dags/{dag_id}/dagRuns", query=query)["dag_runs"]
    return [
        DayRun(
            run_id=row["dag_run_id"],
            start_at=datetime.fromisoformat(row["data_interval_start"]),
            end_at=datetime.fromisoformat(row["data_interval_end"]),
            state=row["state"],
            tasks=_tasks(api, dag_id, row["dag_run_id"]),
        )
        for row in found
    ]


def reasons(api: AirflowApi, dag_id: str, runs: Sequence[DayRun]) -> list[str]:
    """Read from the logs why tasks failed.

    Args:
        api: Airflow, as any user.
        dag_id: the DAG.
        runs: runs of the DAG.

    Returns:
        One line for each failed task: its window, its name, the error in its last try.
    """
    told = []
    for day in runs:
        for name in day.failed_tasks:
            path = f"/dags/{dag_id}/dagRuns/{day.run_id}/taskInstances/{name}"
            tries = api.call("GET", path)["try_number"]
            content = api.call("GET", f"{path}/logs/{tries}")["content"]
            errors = [
                f"{error['exc_type']}: {error['exc_value']}"
                for line in content
                if isinstance(line, dict)
                for error in line.get("error_detail") or []
            ]
            what = errors[0] if errors else "see its log"
            told.append(f"{day.start_at:%Y-%m-%d} {name}: {what}")
    return told


def unpause_all(api: AirflowApi, channels: Collection[str]) -> None:
    """Let the schedules run of every DAG that is of no channel, or of one of these.

    Args:
        api: Airflow, as a user who may change DAGs.
        channels: Channels that are up.
    """
    for row in api.call("GET", "/dags", query={"paused": True, "limit": 1000})["dags"]:
        _, _, channel = row["dag_id"].partition("__")
        if channel and channel not in channels:
            continue
        api.call(
            "PATCH", f"/dags/{row['dag_id']}", {"is_paused": False}, {"update_mask": "is_paused"}
        )


def _create(
    api: AirflowApi,
    body: dict[str, Any],
    *,
    tell: Callable[[str], None],
    check: Callable[[], None],
    deadline: float,
) -> int:
    dag_id = body["dag_id"]
    waiting = False
    while True:
        try:
            return int(api.call("POST", "/backfills", body)["id"])
        except AirflowApiError as error:
            if error.status != requests.codes.conflict:
                raise
        check()
        if close_finished(api, dag_id):
            continue
        if not waiting:
            waiting = True
            tell(f"another backfill of {dag_id} is active; waiting for it")
            # A backfill left behind by a stopped stack cannot end while the DAG is paused.
            api.call("PATCH", f"/dags/{dag_id}", {"is_paused": False}, {"update_mask": "is_paused"})
        if time.monotonic() > deadline:
            raise BackfillFailed(f"{dag_id}: another backfill is still active")
        time.sleep(POLL_SECONDS)


def close_finished(api: AirflowApi, dag_id: str) -> bool:
    """Close the active backfill if all its runs have ended.

    Airflow itself notes that by a timer of thirty seconds and refuses the next backfill until then.
    Cancelling one that has no run left to start changes nothing but that note.

    Args:
        api: Airflow, as a user who may trigger DAG runs.
        dag_id: the DAG.

    Returns:
        Whether no backfill of the DAG is active any more.
    """
    rows = api.call("GET", "/backfills", query={"dag_id": dag_id, "order_by": "-id", "limit": 5})
    for row in rows["backfills"]:
        if row["completed_at"] is not None:
            continue
        from_at, to_at = (datetime.fromisoformat(row[key]) for key in ("from_date", "to_date"))
        if any(day.state not in FINAL_STATES for day in list_runs(api, dag_id, from_at, to_at)):
            return False
        api.call("PUT", f"/backfills/{row['id']}/cancel")
    return True


def _tasks(api: AirflowApi, dag_id: str, run_id: str) -> dict[str, str]:
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
    rows = api.call("GET", path, query={"limit": 100})["task_instances"]
    ordered = sorted(rows, key=lambda row: (row["start_date"] is None, row["start_date"] or ""))
    return {row["task_id"]: row["state"] or "waiting" for row in ordered}


def _describe(day: DayRun) -> str:
    busy = [
        f"{name} {state}"
        for name, state in day.tasks.items()
        if state not in ("success", "waiting", "skipped")
    ]
    done = sum(state in ("success", "skipped") for state in day.tasks.values())
    detail = f", {', '.join(busy)}" if busy else ""
    return f"  {day.start_at:%Y-%m-%d}  {day.state:<8} {done}/{len(day.tasks)} tasks{detail}"
