"""Parses one DAG file in a process of its own, as Airflow's DAG processor does, and times it.

Airflow itself is imported before the clock starts: the DAG processor has it when it forks for a
file. What the file imports of this project and of others counts.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.measure import ROOT, Figures, measure, report, spread

DAGS = ROOT / "dags"


def run(times: int, tell: Callable[[str], None]) -> Figures:
    """Measure each DAG file, all in turn.

    Args:
        times: Runs of each.
        tell: Prints one line of progress.

    Returns:
        Seconds by file name, of all files together, and of the processor for all of them.
    """
    files = sorted(path.name for path in DAGS.glob("*.py"))
    runs = []
    for turn in range(times):
        found = {name: measure("bench.parse", ["--file", name]) for name in files}
        took = {name: figures["seconds"] for name, figures in found.items()}
        cpu = sum(figures["cpu"] for figures in found.values())
        runs.append({**took, "together": sum(took.values()), "cpu": cpu})
        tell(f"parse: run {turn + 1}: {runs[-1]['together']:.2f} s for {len(files)} files")
    return {
        "files": {name: spread(runs, name) for name in files},
        "together": spread(runs, "together"),
        "cpu": spread(runs, "cpu"),
    }


def main() -> None:
    """Parse the file and report."""
    parser = argparse.ArgumentParser(prog="python -m bench.parse")
    parser.add_argument("--file", required=True, help="name of a file in dags/")
    name = parser.parse_args().file
    with tempfile.TemporaryDirectory(prefix="counterfoil-parse-") as home:
        os.environ |= {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(Path(home) / "none"),
        }
        from airflow import sdk  # noqa: F401
        from airflow.dag_processing.dagbag import DagBag

        sys.path.append(str(ROOT))  # what Airflow does for a bundle
        began, cpu_before = time.perf_counter(), time.process_time()
        bag = DagBag(str(DAGS / name), bundle_path=ROOT, bundle_name="counterfoil")
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_before
    if bag.import_errors or not bag.dags:
        raise SystemExit(f"{name} does not parse: {', '.join(bag.import_errors.values())}")
    report({"seconds": seconds, "cpu": cpu, "dags": len(bag.dags)})


if __name__ == "__main__":
    main()
