"""Privacy: erase the personal data of a customer whom the store was asked to forget."""

from __future__ import annotations

from airflow.sdk import DAG, task

from include.orchestration import alerts, documentation, privacy
from include.orchestration.channels import Channel, each_channel, refusals


def privacy_redact(channel: Channel) -> DAG:
    """Wire the DAG that forgets a customer everywhere but in the books; people trigger it."""
    with DAG(
        dag_id=f"privacy_redact__{channel.name}",
        schedule=None,
        max_active_runs=1,
        params=privacy.redact_form(),
        tags=["privacy", channel.name],
        default_args=alerts.defaults(channel),
        doc_md=documentation.of("privacy_redact", channel),
    ) as dag:
        task(task_id="redact")(privacy.redact)(channel.name)
    return dag


for found in each_channel():
    globals()[f"privacy_redact__{found.name}"] = privacy_redact(found)
for stand_in in refusals("privacy_redact"):
    globals()[stand_in.dag_id] = stand_in
