"""An empty window through real Airflow, against five tasks that do nothing.

A whole local stack of its own (LocalExecutor, the product's scheduler settings) serves a project
root made of links, so that the no-op DAG lies beside the product's own and nowhere else.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from bench.measure import ROOT, Figures
from local.airflow_api import AirflowApi
from local.stack import SandboxOptions, Stack

CHANNEL = "shopify_gp"
NO_OP = "bench__no_op"
ORDERS = "orders__shopify_gp"
_LINKED = ("include", "plugins", "airflow_settings.yaml", ".airflowignore")
_PATIENCE_SECONDS = 180.0
# Far enough back that the sandbox has no order there, near enough for every scope.
_EMPTY_DAYS_AGO = 40


def run(times: int, tell: Callable[[str], None]) -> Figures:
    """Measure both DAGs in turn.

    Args:
        times: Runs of each.
        tell: Prints one line of progress.
    """
    with tempfile.TemporaryDirectory(prefix="counterfoil-bench-") as folder:
        root = Path(folder) / "root"
        _link(root)
        with _stack(root, Path(folder) / "state", tell) as api:
            for dag_id in (NO_OP, ORDERS):
                api.wait_for_dag(dag_id, _PATIENCE_SECONDS)
                _unpause(api, dag_id)
            _quiet(api)
            day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            day -= timedelta(days=_EMPTY_DAYS_AGO)
            found: dict[str, list[Figures]] = {NO_OP: [], ORDERS: []}
            # The first run of each pays for what is warm afterwards; it is not counted.
            for turn in range(times + 1):
                for dag_id, runs in found.items():
                    figures = _once(api, dag_id, day - timedelta(days=turn))
                    if turn:
                        runs.append(figures)
    return {dag_id: _summary(runs) for dag_id, runs in found.items()}


def _summary(runs: list[Figures]) -> Figures:
    seconds = [row["seconds"] for row in runs]
    tasks = {
        name: round(median(row["tasks"][name] for row in runs), 3) for name in runs[0]["tasks"]
    }
    return {
        "seconds": {
            "median": round(median(seconds), 3),
            "min": round(min(seconds), 3),
            "max": round(max(seconds), 3),
        },
        "tasks": tasks,
    }


def _link(root: Path) -> None:
    (root / "dags").mkdir(parents=True)
    for name in _LINKED:
        (root / name).symlink_to(ROOT / name)
    for path in (*(ROOT / "dags").glob("*.py"), *(ROOT / "bench" / "dags").glob("*.py")):
        (root / "dags" / path.name).symlink_to(path)


@contextmanager
def _stack(root: Path, state_dir: Path, tell: Callable[[str], None]) -> Iterator[AirflowApi]:
    stack = Stack(root, state_dir, tell)
    try:
        with stack.lock():
            endpoints = stack.up(SandboxOptions(seed=1, per_day=40, days=1), [CHANNEL])
            yield stack.api(endpoints, "admin")
    finally:
        stack.down()
        shutil.rmtree(state_dir, ignore_errors=True)


def _unpause(api: AirflowApi, dag_id: str) -> None:
    api.call("PATCH", f"/dags/{dag_id}", {"is_paused": False}, {"update_mask": "is_paused"})


def _quiet(api: AirflowApi) -> None:
    """Wait for the scheduled run that unpausing started."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    time.sleep(5)
    while time.monotonic() < deadline:
        runs = api.call("GET", f"/dags/{ORDERS}/dagRuns", query={"limit": 10})["dag_runs"]
        if all(row["state"] in ("success", "failed") for row in runs):
            return
        time.sleep(0.5)
    raise TimeoutError(f"{ORDERS}: the scheduled run did not end")


def _once(api: AirflowApi, dag_id: str, day: datetime) -> Figures:
    body = {
        "logical_date": day.isoformat(),
        "data_interval_start": day.isoformat(),
        "data_interval_end": (day + timedelta(days=1)).isoformat(),
    }
    run_id = api.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"]
    path = f"/dags/{dag_id}/dagRuns/{run_id}"
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        row = api.call("GET", path)
        if row["state"] == "success":
            break
        if row["state"] == "failed" or time.monotonic() > deadline:
            raise TimeoutError(f"{dag_id}: the run of {day:%Y-%m-%d} is {row['state']}")
        time.sleep(0.25)
    tasks = api.call("GET", f"{path}/taskInstances", query={"limit": 20})["task_instances"]
    began = datetime.fromisoformat(row["start_date"])
    ended = datetime.fromisoformat(row["end_date"])
    return {
        "seconds": (ended - began).total_seconds(),
        "tasks": {task["task_id"]: float(task["duration"]) for task in tasks},
    }
