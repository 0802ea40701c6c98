"""Silence: notice when no orders come any more, in channels that run by a schedule."""

from __future__ import annotations

from airflow.sdk import DAG, CronTriggerTimetable, task

from include.orchestration import alerts, documentation, quarantine
from include.orchestration.channels import Channel, each_channel, refusals


def silence(channel: Channel) -> DAG:
    """Wire the DAG that notices, every hour, when no orders come any more."""
    with DAG(
        dag_id=f"silence__{channel.name}",
        schedule=CronTriggerTimetable("20 * * * *", timezone="UTC"),
        start_date=channel.start_at,
        catchup=False,
        max_active_runs=1,
        tags=["quarantine", channel.name],
        default_args=alerts.defaults(channel),
        doc_md=documentation.of("quarantine_silence", channel),
    ) as dag:
        task(task_id="listen")(quarantine.listen)(channel.name)
    return dag


for found in each_channel():
    if found.cron is not None:
        globals()[f"silence__{found.name}"] = silence(found)
for stand_in in refusals("silence"):
    globals()[stand_in.dag_id] = stand_in
