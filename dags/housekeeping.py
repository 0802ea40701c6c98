"""Housekeeping: retention of raw documents and logs, Data Docs of validation. Once a day.

It is there without a channel, too: what is kept for a while goes when its time is up.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG, CronDataIntervalTimetable, task

from include.orchestration import alerts, documentation, steps
from include.orchestration.channels import each_channel

with DAG(
    dag_id="housekeeping",
    schedule=CronDataIntervalTimetable("30 3 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["housekeeping"],
    default_args=alerts.defaults(next(each_channel(), None)),
    doc_md=documentation.plain("housekeeping"),
) as housekeeping:
    task(task_id="tidy")(steps.tidy)()
