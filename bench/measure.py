"""Runs one measurement in a process of its own, and reads what it reports."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
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
        return _high_water_mb(Path("/proc/self/status"))
    except FileNotFoundError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def cpu_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def cpu_seconds_of(pid: int) -> float:
    """Return the processor time of a server and of its processes, those included that have ended.

    Args:
        pid: The server, whose processes are its children.
    """
    import psutil  # dlt's own environment has none

    server = psutil.Process(pid)
    total = sum(server.cpu_times()[:4])
    for child in server.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += sum(child.cpu_times()[:4])
    return float(total)


class Children:
    """Watches how much memory the children of this process come to hold (on Linux alone)."""

    def __init__(self) -> None:
        self._peaks: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Children:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def peak_mb(self) -> float:
        """Peaks of all children together, in MB."""
        return sum(self._peaks.values())

    def _watch(self) -> None:
        pid = os.getpid()
        listed = Path(f"/proc/{pid}/task/{pid}/children")
        while listed.exists() and not self._over.wait(0.05):
            for child in listed.read_text().split():
                with contextlib.suppress(OSError, StopIteration):
                    self._peaks[child] = _high_water_mb(Path(f"/proc/{child}/status"))


def _high_water_mb(status: Path) -> float:
    lines = status.read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def report(figures: Figures, children_mb: float = 0.0) -> None:
    """Print what a measuring process found, as its last line.

    Args:
        figures: What it found.
        children_mb: Peak of memory of processes that it started.
    """
    figures = {**figures, "peak_mb": peak_mb() + children_mb}
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


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
