"""Kill -9 inside the real Airflow: a posting task, then everything at once, in mid-backfill.

The company is made slow, so that each kill finds documents on their way. Afterwards its own books
are read: nothing lost, nothing doubled, nothing wedged.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from local import backfill
from local.airflow_api import AirflowApi
from local.processes import ProcessTable, is_alive
from tests.e2e.running import DAG, Runner

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 240
SLOW_MILLISECONDS = 250


def wait_until(happened: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)


def start_backfill(api: AirflowApi, first: datetime, last: datetime) -> None:
    """Ask for the days as a person in the UI would, once no other backfill is in the way."""
    body = {
        "dag_id": DAG,
        "from_date": first.isoformat(),
        "to_date": last.isoformat(),
        "reprocess_behavior": "completed",
        "max_active_runs": 2,
    }
    wait_until(lambda: backfill.close_finished(api, DAG), "the earlier backfill ends")
    api.call("POST", "/backfills", body)


def posting(api: AirflowApi, first: datetime, last: datetime) -> list[int]:
    """Ids of the processes in which a post task of the days runs right now."""
    found = []
    for run in backfill.list_runs(api, DAG, first, last):
        path = f"/dags/{DAG}/dagRuns/{run.run_id}/taskInstances/post"
        if run.tasks.get("post") == "running":
            found.append(int(api.call("GET", path)["pid"] or 0))
    return [pid for pid in found if pid and is_alive(pid)]


def catch_in_the_act(runner: Runner, api: AirflowApi, first: datetime, last: datetime) -> int:
    """Wait until a task is posting and the ledger shows a document on its way; return its id."""
    caught: list[int] = []

    def happened() -> bool:
        sending = runner.rows("counterfoil", "SELECT 1 FROM erp_document WHERE state = 'sending'")
        caught[:] = posting(api, first, last) if sending else []
        return bool(caught)

    wait_until(happened, "a task posts")
    return caught[0]


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_the_whole_airflow(runner: Runner) -> None:
    """Kill the runner, so that it mends nothing, then every process of Airflow at once."""
    assert runner.process is not None
    runner.process.kill()
    runner.process.wait(60)
    records = [row for row in ProcessTable(runner.state_dir).recorded() if row.name != "sandboxes"]
    for process in [member for record in records for member in record.members()]:
        kill(process.pid)


def slow_down(runner: Runner) -> None:
    """Let every document take its time, from now until ``sandbox_faults_clear()``."""
    runner.tell(
        "gp",
        "SELECT sandbox_fault_add('taSopHdrIvcInsert', 'delay', 0, :pause, 0, 1000000)",
        pause=SLOW_MILLISECONDS,
    )


def test_a_killed_task_and_a_killed_airflow_lose_double_and_wedge_nothing(runner: Runner) -> None:
    first, last = runner.today() - timedelta(days=10), runner.today() - timedelta(days=8)
    api = runner.api("ops")
    slow_down(runner)
    try:
        start_backfill(api, first, last)
        kill(catch_in_the_act(runner, api, first, last))
        catch_in_the_act(runner, api, first, last)
        kill_the_whole_airflow(runner)
    finally:
        runner.tell("gp", "SELECT sandbox_faults_clear()")

    runner.start()
    runner.wait_for("Stop with Ctrl-C")
    api = runner.api("ops")

    def is_over() -> bool:
        runs = backfill.list_runs(api, DAG, first, last)
        return len(runs) == 3 and all(run.state in backfill.FINAL_STATES for run in runs)

    wait_until(is_over, "the interrupted backfill ends")
    runs = backfill.list_runs(api, DAG, first, last)
    assert [run.state for run in runs] == ["success"] * 3
    assert "All 3 windows are proven complete: unexplained = 0." in runner.output.read_text()
    check_proofs(runner, first, last)
    check_books(runner)

    # Nothing is wedged: the same days go through once more, and there is nothing left to post.
    before = runner.documents()
    again = backfill.run(
        api, DAG, first, last, tell=lambda _: None, check=lambda: None, seconds=PATIENCE_SECONDS
    )
    assert [run.state for run in again] == ["success"] * 3
    assert runner.documents() == before


def check_proofs(runner: Runner, first: datetime, last: datetime) -> None:
    proofs = runner.rows(
        "counterfoil",
        "SELECT DISTINCT ON (window_start) in_store, posted, held, skipped, unexplained, doubled"
        " FROM proof_window WHERE run_type = 'backfill' AND window_start BETWEEN :first AND :last"
        " ORDER BY window_start, proven_at DESC",
        first=first,
        last=last,
    )
    assert len(proofs) == 3
    for in_store, posted, held, skipped, unexplained, doubled in proofs:
        assert (unexplained, doubled) == (0, 0)
        assert in_store == posted + held + skipped  # type: ignore[operator]
        assert posted > 0  # type: ignore[operator]


def check_books(runner: Runner) -> None:
    """Hold the company's own tables against the ledger and against themselves."""
    doubled = runner.rows(
        "gp", "SELECT soptype, cstponbr FROM sales_documents GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert doubled == []
    # A sales order that was changed has another total than it was sent with.
    kinds = {"sales_order": 2, "invoice": 3, "credit_note": 4}
    ours = runner.rows(
        "counterfoil",
        "SELECT order_number, kind, CASE kind WHEN 'sales_order' THEN 0 ELSE total END"
        " FROM erp_document WHERE state = 'posted' AND channel = 'shopify_gp'"
        "  AND kind IN ('sales_order', 'invoice', 'credit_note')",
    )
    theirs = runner.rows(
        "gp",
        "SELECT split_part(trim(cstponbr), '/', 1), soptype,"
        " CASE soptype WHEN 2 THEN 0 ELSE docamnt END FROM sales_documents",
    )
    assert sorted((str(number), kinds[str(kind)], total) for number, kind, total in ours) == sorted(
        (str(number), kind, total) for number, kind, total in theirs
    )
    unfinished = runner.rows(
        "counterfoil",
        "SELECT order_number, kind FROM erp_document WHERE state NOT IN ('posted', 'refused')",
    )
    assert unfinished == []
    unlike_their_lines = runner.rows(
        "gp",
        "SELECT d.soptype, d.sopnumbe FROM sop10100 d WHERE d.subtotal <> coalesce((SELECT"
        " sum(l.xtndprce) FROM sop10200 l WHERE (l.soptype, l.sopnumbe) = (d.soptype, d.sopnumbe)"
        " AND l.cmpntseq = 0), 0)",
    )
    assert unlike_their_lines == []
    open_batches = runner.rows(
        "gp",
        "SELECT bachnumb FROM sy00500 WHERE bchsttus <> 0"
        " UNION ALL SELECT bachnumb FROM dynamics.sy00800",
    )
    assert open_batches == []
