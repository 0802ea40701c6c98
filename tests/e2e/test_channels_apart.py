"""Several channels in one Airflow: each has its own tags, pools and assets; none waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from local import backfill
from local.airflow_api import AirflowApi
from tests.e2e.running import Runner

pytestmark = pytest.mark.e2e

SOUND = "shopify_gp"
DOWN = "shopify_heartland"
PATIENCE_SECONDS = 240


def trigger(api: AirflowApi, channel: str, at: datetime) -> str:
    """Start one day of a channel; return the id of its run."""
    path = f"/dags/orders__{channel}/dagRuns"
    run_id: str = api.call("POST", path, {"logical_date": at.isoformat()})["dag_run_id"]
    return run_id


def state_of(api: AirflowApi, channel: str, run_id: str) -> str:
    path = f"/dags/orders__{channel}/dagRuns/{run_id}"
    state: str = api.call("GET", path)["state"]
    return state


def tries_of(api: AirflowApi, channel: str, run_id: str, task: str) -> int:
    path = f"/dags/orders__{channel}/dagRuns/{run_id}/taskInstances/{task}"
    return int(api.call("GET", path)["try_number"])


def wait_until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_SECONDS} s"
        time.sleep(0.3)


def point(api: AirflowApi, connection: dict[str, Any], host: str) -> None:
    """Let a connection lead to another address."""
    body = {key: connection[key] for key in ("connection_id", "conn_type")} | {"host": host}
    path = f"/connections/{connection['connection_id']}"
    api.call("PATCH", path, body, {"update_mask": "host"})


def test_each_channel_is_seen_apart(runner: Runner) -> None:
    api = runner.api("finance")
    for channel in (SOUND, DOWN):
        rows = api.call("GET", "/dags", query={"tags": [channel], "limit": 100})["dags"]
        names = {row["dag_id"] for row in rows}
        assert f"orders__{channel}" in names
        assert all(name.endswith(f"__{channel}") for name in names)
        tasks = api.call("GET", f"/dags/orders__{channel}/tasks")["tasks"]
        pools = {row["task_id"]: row["pool"] for row in tasks}
        assert pools["pull"] == f"store_{channel}_store"
        assert pools["post"] == f"erp_{channel}_erp"
    assets = {row["uri"] for row in api.call("GET", "/assets", query={"limit": 100})["assets"]}
    for channel in (SOUND, DOWN):
        assert any(channel in uri for uri in assets)


def test_a_channel_whose_erp_is_down_holds_up_no_other_and_catches_up(
    runner: Runner, free_port: int
) -> None:
    api = runner.api("admin")
    # Within a day that is posted already, and outside the ranges that other tests look at.
    day = runner.today() - timedelta(days=1, hours=-1)
    connection = api.call("GET", f"/connections/{DOWN}_erp")
    point(api, connection, f"http://127.0.0.1:{free_port}")
    try:
        stuck = trigger(api, DOWN, day)
        wait_until(lambda: tries_of(api, DOWN, stuck, "post") > 0, f"{DOWN} tries to post")
        sound = trigger(api, SOUND, day)
        wait_until(lambda: state_of(api, SOUND, sound) in backfill.FINAL_STATES, f"{SOUND} is done")
        assert state_of(api, SOUND, sound) == "success"
        assert state_of(api, DOWN, stuck) == "running"
    finally:
        point(api, connection, connection["host"])
    wait_until(lambda: state_of(api, DOWN, stuck) in backfill.FINAL_STATES, f"{DOWN} catches up")
    assert state_of(api, DOWN, stuck) == "success"
    ((unexplained, posted),) = runner.rows(
        "counterfoil",
        "SELECT unexplained, posted FROM proof_window WHERE channel = :channel AND run_id = :run",
        channel=DOWN,
        run=stuck,
    )
    assert unexplained == 0
    assert int(str(posted)) > 0
