"""Runs the steps of a window in a process of its own, so that a test can kill it at any point."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from multiprocessing.connection import Connection

from include.domain.errors import CounterfoilError
from include.domain.window import Window
from include.pipelines import documents, orders, proof
from include.pipelines.runs import Run, RunType
from tests.integration.world import NOW, FixedClock, open_house

STEPS = ("pull", "validate", "load", "post", "prove")


def run_steps(
    urls: tuple[str, str, str], window: tuple[datetime, datetime], run_id: str, told: Connection
) -> None:
    """Run the DAG's five steps, telling the parent as each begins; end with ``done`` or the error.

    Like Airflow, a step that fails for a reason that may pass is tried again.
    """
    logging.disable(logging.CRITICAL)
    house = open_house(*urls, FixedClock())
    run = Run(run_id, RunType.BACKFILL, Window(*window))
    selection = run.selection(house.settings, NOW)
    batch = 0

    def step(name: str) -> None:
        nonlocal batch
        if name == "pull":
            batch = orders.pull(house, run, selection)
        elif name == "validate":
            orders.validate(house, batch)
        elif name == "load":
            orders.load(house, batch)
        elif name == "post":
            documents.post(house, orders.orders_to_post(house, batch, run), batch)
        else:
            found = proof.prove(house, run, selection, batch)
            told.send(f"proof {found.unexplained} {found.in_store} {found.posted} {found.held}")

    for name in STEPS:
        told.send(name)
        for attempt in range(4):
            try:
                step(name)
                break
            except CounterfoilError as error:
                if attempt == 3:
                    told.send(f"failed {name}: {type(error).__name__}: {error}")
                    return
                time.sleep(0.2)
    told.send("done")
