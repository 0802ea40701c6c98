"""Lets tasks start with their heavy packages already imported, where tasks are forked.

The local executor forks its workers, and they their tasks, from the scheduler. What the scheduler
has imported before that costs a task nothing: two seconds and more off every window. Only packages
are named: our own code comes from the DAG bundle, in the version that the run is pinned to.
"""

from __future__ import annotations

import importlib
import os
import sys

VARIABLE = "COUNTERFOIL_PRELOAD"
PACKAGES = ("great_expectations", "psycopg", "orjson", "airflow.providers.http.hooks.http")


def preload_for_tasks(command: list[str], setting: str | None) -> bool:
    """Import what tasks need, in a scheduler that was asked to.

    Not in a thread: a fork in the middle of an import would leave its lock taken in the child.

    Args:
        command: The process's command line.
        setting: Value of ``COUNTERFOIL_PRELOAD``; ``1`` asks for it. About 160 MB, which the
            forked processes share.

    Returns:
        Whether anything was imported.
    """
    if setting != "1" or "scheduler" not in command[1:2]:
        return False
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    for package in PACKAGES:
        importlib.import_module(package)
    return True


def preload() -> bool:
    """Apply ``preload_for_tasks`` to this process."""
    return preload_for_tasks(sys.argv, os.environ.get(VARIABLE))
