"""The subject: pull, validate and load, each in a process of its own as the DAG's tasks are.

The store connector, the pipelines and the staging database are the product's own; only the store
itself is the page server. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import ExitStack
from datetime import datetime

from bench.measure import Children, Figures, cpu_seconds, measure, report

PHASES = ("pull", "validate", "load")


def measure_window(store: str, database: str, window: tuple[str, str]) -> Figures:
    """Run the three phases, each in its process, and put their figures together.

    Args:
        store: Where the page server listens.
        database: SQLAlchemy URL of a migrated database.
        window: First and last instant, ISO 8601.

    Returns:
        Orders and seconds, the seconds and the peak of memory of each phase.
    """
    batch = 0
    found: Figures = {}
    arguments = ["--store", store, "--database", database, "--window", *window]
    for phase in PHASES:
        found[phase] = measure("bench.subject", [*arguments, phase, "--batch", str(batch)])
        batch = found[phase]["batch"]
    if len({figures["orders"] for figures in found.values()}) != 1:
        raise ValueError(f"the phases do not agree: {found}")
    return {
        "orders": found["load"]["orders"],
        "seconds": sum(figures["seconds"] for figures in found.values()),
        "cpu": sum(figures["cpu"] for figures in found.values()),
        **{phase: figures["seconds"] for phase, figures in found.items()},
        **{f"{phase}_peak_mb": figures["peak_mb"] for phase, figures in found.items()},
        "gx": found["validate"]["gx"],
        "gx_import": found["validate"]["imports"],
        "peak_mb": max(figures["peak_mb"] for figures in found.values()),
    }


def main() -> None:
    """Run one phase over the orders of the window."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("phase", choices=PHASES)
    parser.add_argument("--store", required=True)
    parser.add_argument("--database", required=True, help="SQLAlchemy URL")
    parser.add_argument("--window", nargs=2, type=datetime.fromisoformat, required=True)
    parser.add_argument("--batch", type=int, default=0, help="the batch that pull left")
    parser.add_argument("--profile", help="write a cProfile of the phase here")
    options = parser.parse_args()
    os.environ["GX_ANALYTICS_ENABLED"] = "false"

    from sqlalchemy import text

    from bench.channel import open_house
    from include.domain.window import Window
    from include.pipelines import orders
    from include.pipelines.runs import Run, RunType

    # Great Expectations is imported off the clock, and reported by itself: the local stack's
    # scheduler imports it before it forks its tasks, and it does not grow with the window.
    began = time.perf_counter()
    if options.phase == "validate":
        from include.quality import gx

        gx.load()
    imports = time.perf_counter() - began

    run = Run("bench", RunType.SCHEDULED, Window(*options.window))
    batch = options.batch
    with ExitStack() as stack:
        house = stack.enter_context(open_house(options.store, options.database))
        if options.profile:
            import cProfile

            profiler = stack.enter_context(cProfile.Profile())
        children = stack.enter_context(Children())
        cpu, began = cpu_seconds(), time.perf_counter()
        if options.phase == "pull":
            batch = orders.pull(house, run, run.selection(house.settings, house.clock.now()))
        elif options.phase == "validate":
            orders.validate(house, batch)
        else:
            orders.load(house, batch)
        seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu
        table = {"pull": "landing_document", "validate": "landing_order", "load": "staged_order"}
        with house.engine.connect() as connection:
            count = connection.scalar(text(f"SELECT count(*) FROM {table[options.phase]}"))
            gx = connection.scalar(text("SELECT sum(seconds) FROM log_validation"))
    if options.profile:
        profiler.dump_stats(options.profile)
    report(
        {
            "orders": count,
            "batch": batch,
            "seconds": seconds,
            "cpu": cpu,
            "gx": gx,
            "imports": imports,
        },
        children.peak_mb,
    )


if __name__ == "__main__":
    main()
