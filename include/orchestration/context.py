"""Reads the run that a task belongs to out of Airflow's context."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import get_current_context

from include.domain.errors import ConfigurationError
from include.domain.window import Window
from include.pipelines.runs import Run, RunType


def current_run() -> Run:
    """Return the run of the task that is being executed.

    Raises:
        ConfigurationError: The run has no data interval (it was triggered without a time).
    """
    context = get_current_context()
    dag_run = context["dag_run"]
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if start is None or end is None:
        raise ConfigurationError(
            f"run {dag_run.run_id} has no data interval: trigger it with a logical date"
        )
    params = context["params"]
    kind = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    return Run(
        run_id=dag_run.run_id,
        run_type=RunType(kind) if kind in set(RunType) else RunType.MANUAL,
        interval=Window(_plain(start), _plain(end)),
        order_numbers=tuple(params.get("order_numbers") or ()),
        statuses=tuple(params.get("statuses") or ()),
    )


def _plain(at: datetime) -> datetime:
    """Return Airflow's pendulum time as a plain one, aware UTC.

    Pendulum's own ``astimezone`` takes the standard library's UTC but loses it in a subtraction.
    """
    return datetime.fromtimestamp(at.timestamp(), UTC)
