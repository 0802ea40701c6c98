"""What operations may choose in Airflow, and what each choice does: with real runs."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from local import backfill
from local.airflow_api import AirflowApi
from tests.e2e.running import DAG, Runner

pytestmark = pytest.mark.e2e

DRY_RUN = "orders_dry_run__shopify_gp"
PATIENCE_SECONDS = 180


def run_days(
    api: AirflowApi, dag_id: str, first: datetime, last: datetime, **choices: object
) -> list[backfill.DayRun]:
    """Start a backfill as the dialog does, and follow it to its end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not backfill.close_finished(api, dag_id):
        assert time.monotonic() < deadline, "another backfill does not end"
        time.sleep(0.2)
    body = {"dag_id": dag_id, "from_date": first.isoformat(), "to_date": last.isoformat()}
    started = api.call("POST", "/backfills", body | choices)["id"]
    while not is_over(api, dag_id, started):
        assert time.monotonic() < deadline, "the backfill does not end"
        time.sleep(0.2)
    return backfill.list_runs(api, dag_id, first, last)


def is_over(api: AirflowApi, dag_id: str, backfill_id: int) -> bool:
    """Airflow notes the end of a backfill late: the end of its runs is what counts."""
    row = api.call("GET", f"/backfills/{backfill_id}")
    span = (datetime.fromisoformat(row[key]) for key in ("from_date", "to_date"))
    return all(run.state in backfill.FINAL_STATES for run in backfill.list_runs(api, dag_id, *span))


def trigger(api: AirflowApi, at: datetime, **params: object) -> dict[str, Any]:
    """Trigger a single run as the dialog does, and follow it to its end."""
    body = {"logical_date": at.isoformat(), "conf": params}
    run_id = api.call("POST", f"/dags/{DAG}/dagRuns", body)["dag_run_id"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        run: dict[str, Any] = api.call("GET", f"/dags/{DAG}/dagRuns/{run_id}")
        if run["state"] in backfill.FINAL_STATES:
            return run
        assert time.monotonic() < deadline, run
        time.sleep(0.2)


def log_of(api: AirflowApi, dag_id: str, run_id: str, task: str) -> str:
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task}/logs/1"
    return json.dumps(api.call("GET", path)["content"])


def starts(api: AirflowApi, runs: list[backfill.DayRun]) -> list[str]:
    path = f"/dags/{DAG}/dagRuns"
    return [api.call("GET", f"{path}/{run.run_id}")["start_date"] for run in runs]


def test_days_run_backwards_one_by_one_and_the_schedule_stays_as_it_was(runner: Runner) -> None:
    api = runner.api("ops")
    first, last = runner.today() - timedelta(days=3), runner.today() - timedelta(days=1)
    next_run = api.call("GET", f"/dags/{DAG}")["next_dagrun_run_after"]
    before = runner.documents()
    choices = {"reprocess_behavior": "completed", "run_backwards": True, "max_active_runs": 1}
    runs = run_days(api, DAG, first, last, **choices)
    assert [run.state for run in runs] == ["success"] * 3
    assert starts(api, runs) == sorted(starts(api, runs), reverse=True)
    assert api.call("GET", f"/dags/{DAG}")["next_dagrun_run_after"] == next_run
    assert runner.documents() == before


def test_only_the_failed_day_runs_again_when_that_is_chosen(runner: Runner) -> None:
    api = runner.api("ops")
    first, last = runner.today() - timedelta(days=3), runner.today() - timedelta(days=1)
    runs = backfill.list_runs(api, DAG, first, last)
    before = starts(api, runs)
    api.call("PATCH", f"/dags/{DAG}/dagRuns/{runs[1].run_id}", {"state": "failed"})
    choices = {"reprocess_behavior": "failed", "max_active_runs": 3}
    again = run_days(api, DAG, first, last, **choices)
    assert [run.state for run in again] == ["success"] * 3
    after = starts(api, again)
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] > before[1]


def test_many_days_at_once_post_one_at_a_time(runner: Runner) -> None:
    api = runner.api("ops")
    first, last = runner.today() - timedelta(days=3), runner.today() - timedelta(days=1)
    before = runner.documents()
    choices = {"reprocess_behavior": "completed", "max_active_runs": 4}
    runs = run_days(api, DAG, first, last, **choices)
    assert [run.state for run in runs] == ["success"] * 3
    spans = []
    for run in runs:
        path = f"/dags/{DAG}/dagRuns/{run.run_id}/taskInstances/post"
        row = api.call("GET", path)
        spans.append((row["start_date"], row["end_date"]))
    for (_, ended), (started, _) in zip(sorted(spans), sorted(spans)[1:], strict=False):
        assert started >= ended
    assert runner.documents() == before


def test_a_single_run_fetches_just_the_orders_it_is_given(runner: Runner) -> None:
    api = runner.api("ops")
    ((number,),) = runner.rows(
        "counterfoil", "SELECT order_number FROM erp_document WHERE state = 'posted' LIMIT 1"
    )
    run = trigger(api, runner.today() - timedelta(minutes=7), order_numbers=[str(number)])
    assert run["state"] == "success"
    ((in_store, posted, unexplained),) = runner.rows(
        "counterfoil",
        "SELECT in_store, posted, unexplained FROM proof_window WHERE run_id = :run_id",
        run_id=run["dag_run_id"],
    )
    assert (in_store, posted, unexplained) == (1, 1, 0)


def test_a_dry_run_prints_its_plan_and_posts_nothing(runner: Runner) -> None:
    api = runner.api("ops")
    day = runner.today() - timedelta(days=5)
    before = runner.documents()
    (run,) = run_days(api, DRY_RUN, day, day, reprocess_behavior="completed")
    assert run.state == "success"
    plan = log_of(api, DRY_RUN, run.run_id, "plan")
    assert "sales_order" in plan or "sales order" in plan
    assert runner.documents() == before


def test_a_wrong_secret_fails_at_once_in_words_and_names_who_is_to_be_told(runner: Runner) -> None:
    admin = runner.api("admin")
    path = "/connections/shopify_gp_store"
    body = {"connection_id": "shopify_gp_store", "conn_type": "http"}
    secret = runner.stack.credentials.store_client_secret
    only = {"update_mask": "password"}
    admin.call("PATCH", path, body | {"password": "outdated"}, only)
    try:
        run = trigger(runner.api("ops"), runner.today() - timedelta(minutes=11))
    finally:
        admin.call("PATCH", path, body | {"password": secret}, only)
    assert run["state"] == "failed"
    task = f"/dags/{DAG}/dagRuns/{run['dag_run_id']}/taskInstances/pull"
    assert admin.call("GET", task)["try_number"] == 1
    told = log_of(admin, DAG, run["dag_run_id"], "pull")
    assert "client id" in told
    assert "order-desk@example.com" in told
    assert "outdated" not in told
