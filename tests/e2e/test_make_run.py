"""`make run` on real processes: PostgreSQL, the sandboxes, and all of Airflow.

The store is small; everything else is as a person gets it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from local import backfill
from local.airflow_api import AirflowApiError
from local.processes import ProcessTable, is_alive
from tests.e2e.running import DAG, PATIENCE_SECONDS, PER_DAY, ROOT, Runner

pytestmark = pytest.mark.e2e


def test_the_last_three_days_are_posted_and_proven_complete(runner: Runner) -> None:
    told = runner.output.read_text()
    assert "All 3 windows are proven complete: unexplained = 0." in told
    for days in range(1, 4):
        assert f"{runner.today() - timedelta(days=days):%Y-%m-%d} 00:00 - " in told
    assert runner.documents() > 3 * PER_DAY / 2


def test_orders_live_on_between_the_windows_and_the_summary_accounts_for_them(
    runner: Runner,
) -> None:
    told = runner.first_output.read_text()
    assert "what happened in the shop, between the windows:" in told
    changed = [int(number) for number in re.findall(r"(\d+) changed after posting", told)]
    assert changed[0] == 0, "nothing was posted before the first window"
    assert sum(changed) > 0
    for words in ("credit notes", "paid back", "of these in the store:", "refunded"):
        assert words in told


def test_the_summary_names_the_pages_and_the_users(runner: Runner) -> None:
    told = runner.output.read_text()
    endpoints = runner.stack.endpoints()
    assert endpoints is not None
    assert f"{endpoints.airflow_url}/proof/" in told
    for user, password in runner.stack.credentials.passwords.items():
        assert any(line.split()[:3:2] == [user, password] for line in told.splitlines())


def test_the_proof_page_is_for_people_who_are_logged_in(runner: Runner) -> None:
    api = runner.api("finance")
    assert requests.get(f"{api.base_url}/proof/", timeout=30).status_code == 401
    page = api._session.get(f"{api.base_url}/proof/", timeout=30)
    assert page.status_code == 200
    assert "shopify_gp" in page.text
    assert runner.api("admin").call("GET", "/plugins/importErrors")["import_errors"] == []


def test_connections_and_pools_come_from_the_settings_file(runner: Runner) -> None:
    api = runner.api("admin")
    connections = api.call("GET", "/connections")["connections"]
    assert {"shopify_gp_store", "shopify_gp_erp", "counterfoil_staging"} <= {
        row["connection_id"] for row in connections
    }
    pools = {row["name"]: row["slots"] for row in api.call("GET", "/pools")["pools"]}
    assert pools["erp_shopify_gp_erp"] == 1


def test_operations_backfill_another_day_and_finance_may_not(runner: Runner) -> None:
    day = runner.today() - timedelta(days=4)
    before = runner.documents()
    body = {"dag_id": DAG, "from_date": day.isoformat(), "to_date": day.isoformat()}
    with pytest.raises(AirflowApiError, match="403"):
        runner.api("finance").call("POST", "/backfills", body)
    (run,) = backfill.run(
        runner.api("ops"),
        DAG,
        day,
        day,
        tell=lambda _line: None,
        check=lambda: None,
        seconds=PATIENCE_SECONDS,
    )
    assert run.state == "success"
    assert runner.documents() > before


def test_a_second_make_run_does_the_job_again_and_posts_nothing_twice(runner: Runner) -> None:
    before = runner.documents()
    again = runner.call("run", "--once")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "a stack is already up" in again.stdout
    assert "All 3 windows are proven complete: unexplained = 0." in again.stdout
    assert runner.documents() == before
    assert runner.process is not None
    assert runner.process.poll() is None


def test_a_taken_port_is_refused_in_words(runner: Runner, tmp_path: Path) -> None:
    endpoints = runner.stack.endpoints()
    assert endpoints is not None
    other = subprocess.run(
        [
            *(sys.executable, "-m", "local", "--state-dir", str(tmp_path / "other")),
            *("run", "--once", "--port", str(endpoints.airflow_port)),
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert other.returncode == 1
    assert f"port {endpoints.airflow_port} is in use" in other.stderr


def test_make_stop_ends_everything_even_after_the_runner_was_killed(runner: Runner) -> None:
    pids = runner.pids()
    assert len(pids) > 6
    assert runner.process is not None
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.process.wait(60)
    assert any(is_alive(pid) for pid in pids)
    stopped = runner.call("stop")
    assert stopped.returncode == 0
    assert [pid for pid in pids if is_alive(pid)] == []
    assert json.loads((runner.state_dir / "state.json").read_text()) == {"processes": []}
    assert "nothing is running" in runner.call("stop").stdout


def test_ctrl_c_in_the_middle_of_the_start_stops_everything(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "state")
    runner.start()
    assert runner.process is not None
    try:
        runner.wait_for("the databases have their schemas")
        pids = runner.pids()
        runner.process.send_signal(signal.SIGINT)
        assert runner.process.wait(PATIENCE_SECONDS) == 0
        assert "stopping" in runner.output.read_text()
        assert [pid for pid in pids if is_alive(pid)] == []
    finally:
        runner.end()


def test_a_component_that_dies_ends_the_run_with_its_name_and_its_log(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "state")
    runner.start()
    assert runner.process is not None
    try:
        runner.wait_for("the databases have their schemas")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(records := ProcessTable(runner.state_dir).recorded()) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        scheduler = next(record for record in records if record.name == "scheduler")
        os.kill(scheduler.pid, signal.SIGKILL)
        assert runner.process.wait(PATIENCE_SECONDS) == 1
        assert "scheduler ended with exit code -9" in runner.output.read_text()
        assert [record for record in records if record.is_running()] == []
    finally:
        runner.end()
