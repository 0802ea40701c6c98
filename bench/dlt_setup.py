"""An environment of its own for dlt, which is measured beside us and never installed with us."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from bench.measure import ROOT

FOLDER = ROOT / "bench" / ".venv-dlt"
PYTHON = FOLDER / "bin" / "python"
REQUIREMENTS = ("dlt[postgres]==1.31.0", "orjson==3.13.0", "requests==2.34.2")
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}


def is_installed() -> bool:
    """Tell whether dlt can be measured."""
    return PYTHON.exists()


def install(tell: Callable[[str], None]) -> None:
    """Make the environment unless it is there.

    Args:
        tell: Prints one line of progress.
    """
    if is_installed():
        return
    tell(f"installing {', '.join(REQUIREMENTS)} into bench/.venv-dlt")
    subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
    subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", *REQUIREMENTS], check=True)
