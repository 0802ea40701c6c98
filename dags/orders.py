"""Orders: pull a window from the store, validate, load, post, prove. One DAG a channel.

``orders__<channel>`` posts. ``orders_dry_run__<channel>`` has the same wiring and prints the plan.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronDataIntervalTimetable, task

from include.orchestration import alerts, assets, documentation, forms, steps
from include.orchestration.channels import Channel, each_channel, refusals


def schedule_of(channel: Channel) -> CronDataIntervalTimetable | None:
    """Return the channel's schedule; there is none where policy imports by hand."""
    return CronDataIntervalTimetable(channel.cron, timezone="UTC") if channel.cron else None


def orders(channel: Channel) -> DAG:
    """Wire the DAG that brings a channel's orders into its ERP."""
    with DAG(
        dag_id=f"orders__{channel.name}",
        schedule=schedule_of(channel),
        start_date=channel.start_at,
        catchup=False,
        max_active_runs=1,
        params=forms.orders(by_hand=channel.cron is None),
        tags=["orders", channel.name],
        default_args=alerts.defaults(channel),
        doc_md=documentation.of("orders", channel),
    ) as dag:
        batch = task(task_id="pull", pool=channel.store_pool)(steps.pull)(channel.name)
        valid = task(task_id="validate")(steps.validate)(channel.name, batch)
        load = task(task_id="load", outlets=[assets.staged_orders(channel.name)])
        staged = load(steps.load)(channel.name, valid)
        outlets = [assets.posted_documents(channel.name)]
        post = task(task_id="post", pool=channel.erp_pool, outlets=outlets)
        posted = post(steps.post)(channel.name, staged)
        task(task_id="prove", pool=channel.store_pool)(steps.prove)(channel.name, posted)
    return dag


def orders_dry_run(channel: Channel) -> DAG:
    """Wire the DAG that shows what would be posted, and posts nothing."""
    with DAG(
        dag_id=f"orders_dry_run__{channel.name}",
        schedule=schedule_of(channel),
        start_date=channel.start_at,
        catchup=False,
        max_active_runs=1,
        params=forms.orders(by_hand=channel.cron is None),
        tags=["orders", "dry run", channel.name],
        default_args=alerts.defaults(channel),
        doc_md=documentation.of("orders_dry_run", channel),
    ) as dag:
        batch = task(task_id="pull", pool=channel.store_pool)(steps.pull)(channel.name)
        valid = task(task_id="validate")(steps.validate)(channel.name, batch, dry_run=True)
        task(task_id="plan", pool=channel.erp_pool)(steps.print_plan)(channel.name, valid)
    return dag


for found in each_channel():
    globals()[f"orders__{found.name}"] = orders(found)
    globals()[f"orders_dry_run__{found.name}"] = orders_dry_run(found)
for stand_in in refusals("orders", "orders_dry_run"):
    globals()[stand_in.dag_id] = stand_in
