"""Reads the run that a task belongs to out of Airflow's context."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from airflow.sdk import get_current_context

from include.domain.errors import ConfigurationError
from include.domain.window import Window
from include.pipelines.runs import Run, RunType


def current_run() -> Run:
    """Return the run of the task that is being executed.

    Raises:
        ConfigurationError: The run has no data interval (it was triggered without a time), or the
            days that were chosen for it are none.
    """
    context = get_current_context()
    dag_run = context["dag_run"]
    params = context["params"]
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if params.get("first_day"):
        start, end = _midnight(params["first_day"]), _midnight(params["last_day"], days=1)
    if start is None or end is None:
        raise ConfigurationError(
            f"run {dag_run.run_id} has no data interval: trigger it with a logical date"
        )
    if params.get("first_day") and end <= start:
        raise ConfigurationError(
            f"last_day {params['last_day']} is before first_day {params['first_day']}"
        )
    kind = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    return Run(
        run_id=dag_run.run_id,
        run_type=RunType(kind) if kind in set(RunType) else RunType.MANUAL,
        interval=Window(_plain(start), _plain(end)),
        order_numbers=tuple(params.get("order_numbers") or ()),
        statuses=tuple(params.get("statuses") or ()),
    )


def _midnight(day: str, days: int = 0) -> datetime:
    at = datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC)
    return at + timedelta(days=days)


def _plain(at: datetime) -> datetime:
    """Return Airflow's pendulum time as a plain one, aware UTC.

    Pendulum's own ``astimezone`` takes the standard library's UTC but loses it in a subtraction.
    """
    return datetime.fromtimestamp(at.timestamp(), UTC)
