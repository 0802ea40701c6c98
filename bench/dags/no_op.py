"""Five chained tasks that do nothing: what Airflow itself costs."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG, task


def _nothing(number: int) -> int:
    return number + 1


with DAG(
    dag_id="bench__no_op",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
) as no_op:
    passed = 0
    for name in ("one", "two", "three", "four", "five"):
        passed = task(_nothing, task_id=name)(passed)
