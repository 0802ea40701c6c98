"""Runs one measurement in a process of its own, and reads what it reports."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 900.0
Figures = dict[str, Any]


class MeasurementFailed(Exception):
    """A measuring process ended with an error; says what it printed last."""


def peak_mb() -> float:
    """Return this process's own peak of resident memory, in MB.

    ``ru_maxrss`` of a child starts at what its parent had when it forked, so Linux's own high-water
    mark is preferred.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    marked = next(line for line in lines if line.startswith("VmHWM:"))
    return int(marked.split()[1]) / 1024


def report(figures: Figures) -> None:
    """Print what a measuring process found, as its last line."""
    sys.stdout.write("\n" + json.dumps({**figures, "peak_mb": peak_mb()}) + "\n")


def measure(
    module: str,
    arguments: Sequence[str],
    *,
    python: str = sys.executable,
    env: dict[str, str] | None = None,
) -> Figures:
    """Run a module of the bench and return the figures it reports.

    Args:
        module: Such as ``bench.floor``.
        arguments: Its command line.
        python: The interpreter.
        env: Variables to add to the environment.

    Raises:
        MeasurementFailed: It ended with an error or said nothing.
    """
    ended = subprocess.run(
        [python, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    lines = ended.stdout.strip().splitlines()
    if ended.returncode or not lines:
        tail = "\n".join((ended.stdout + ended.stderr).strip().splitlines()[-15:])
        raise MeasurementFailed(f"{module} ended with {ended.returncode}:\n{tail}")
    figures: Figures = json.loads(lines[-1])
    return figures


def repeated(times: int, run: Callable[[], Figures]) -> list[Figures]:
    """Measure several times."""
    return [run() for _ in range(times)]


def spread(runs: Sequence[Figures], key: str) -> Figures:
    """Return the median of a figure, its smallest and its largest value."""
    values = [float(run[key]) for run in runs]
    return {
        "median": round(median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }
