"""The subject: pull, validate and load as the DAG's tasks run them, one after the other.

The store connector, the pipelines and the staging database are the product's own; only the store
itself is the page server. Run in a process of its own; prints one line of JSON.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import ExitStack
from datetime import datetime

from bench.measure import report


def main() -> None:
    """Bring the orders of the window into staging."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--store", required=True)
    parser.add_argument("--database", required=True, help="SQLAlchemy URL")
    parser.add_argument("--window", nargs=2, type=datetime.fromisoformat, required=True)
    parser.add_argument("--profile", help="write a cProfile of the three phases here")
    options = parser.parse_args()
    os.environ["GX_ANALYTICS_ENABLED"] = "false"

    # The heavy imports are reported by themselves: they do not grow with the window.
    began = time.perf_counter()
    import great_expectations  # noqa: F401
    import pandas  # noqa: F401

    imports = time.perf_counter() - began

    from sqlalchemy import text

    from bench.channel import open_house
    from include.domain.window import Window
    from include.pipelines import orders
    from include.pipelines.runs import Run, RunType

    run = Run("bench", RunType.SCHEDULED, Window(*options.window))
    with ExitStack() as stack:
        house = stack.enter_context(open_house(options.store, options.database))
        if options.profile:
            import cProfile

            profiler = stack.enter_context(cProfile.Profile())
        cpu = time.process_time()
        times = [time.perf_counter()]
        batch_id = orders.pull(house, run, run.selection(house.settings, house.clock.now()))
        times.append(time.perf_counter())
        found = orders.validate(house, batch_id)
        times.append(time.perf_counter())
        staged = orders.load(house, batch_id)
        times.append(time.perf_counter())
        cpu = time.process_time() - cpu
        with house.engine.connect() as connection:
            gx = connection.scalar(text("SELECT sum(seconds) FROM log_validation"))
            raw = connection.scalar(text("SELECT count(*) FROM landing_document"))
    if options.profile:
        profiler.dump_stats(options.profile)
    if not found.orders == staged == raw:
        raise SystemExit(f"{found.orders} pulled, {staged} staged, {raw} kept raw; {found}")
    report(
        {
            "orders": staged,
            "seconds": times[3] - times[0],
            "pull": times[1] - times[0],
            "validate": times[2] - times[1],
            "load": times[3] - times[2],
            "gx": gx,
            "imports": imports,
            "cpu": cpu,
        }
    )


if __name__ == "__main__":
    main()
