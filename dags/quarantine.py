"""Quarantine: replay held orders, show what a replay would do, tell their owners once."""

from __future__ import annotations

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, task

from include.orchestration import alerts, assets, documentation, quarantine
from include.orchestration.channels import Channel, each_channel, refusals


def quarantine_replay(channel: Channel) -> DAG:
    """Wire the DAG that takes held orders through once more; people trigger it."""
    with DAG(
        dag_id=f"quarantine_replay__{channel.name}",
        schedule=None,
        max_active_runs=1,
        params=quarantine.replay_form(),
        tags=["quarantine", channel.name],
        default_args=alerts.defaults(channel),
        doc_md=documentation.of("quarantine_replay", channel),
    ) as dag:
        posted = [assets.posted_documents(channel.name)]
        task(task_id="replay", pool=channel.erp_pool, outlets=posted)(quarantine.replay)(
            channel.name
        )
    return dag


def quarantine_replay_dry_run(channel: Channel) -> DAG:
    """Wire the DAG that shows what a replay would post, and posts nothing; people trigger it."""
    with DAG(
        dag_id=f"quarantine_replay_dry_run__{channel.name}",
        schedule=None,
        max_active_runs=1,
        params=quarantine.replay_form(),
        tags=["quarantine", "dry run", channel.name],
        default_args=alerts.defaults(channel),
        doc_md=documentation.of("quarantine_replay_dry_run", channel),
    ) as dag:
        task(task_id="plan", pool=channel.erp_pool)(quarantine.plan_replay)(channel.name)
    return dag


def quarantine_digest(channel: Channel) -> DAG:
    """Wire the DAG that tells owners of newly held orders, after each run that posts."""
    with DAG(
        dag_id=f"quarantine_digest__{channel.name}",
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable("45 * * * *", timezone="UTC"),
            assets=[assets.posted_documents(channel.name)],
        ),
        start_date=channel.start_at,
        catchup=False,
        max_active_runs=1,
        tags=["quarantine", channel.name],
        default_args=alerts.defaults(channel),
        doc_md=documentation.of("quarantine_digest", channel),
    ) as dag:
        task(task_id="tell")(quarantine.tell)(channel.name)
    return dag


for found in each_channel():
    globals()[f"quarantine_replay__{found.name}"] = quarantine_replay(found)
    globals()[f"quarantine_replay_dry_run__{found.name}"] = quarantine_replay_dry_run(found)
    globals()[f"quarantine_digest__{found.name}"] = quarantine_digest(found)
for stand_in in refusals("quarantine_replay", "quarantine_replay_dry_run", "quarantine_digest"):
    globals()[stand_in.dag_id] = stand_in
