"""The task callables. Each opens the channel, runs one use case and passes on ids and counts.

A DAG file is parsed anew for every task, so each step imports what it runs, and only that.

Errors are translated to Airflow here and nowhere else: what only a person can mend fails at once;
what may pass by itself is retried; a refused order is never an error of the task.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.domain.errors import ConfigurationError, RemoteUnavailable, WindowError

if TYPE_CHECKING:
    from include.staging.plans import KeptPlan

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def translated(step: Callable[P, R]) -> Callable[P, R]:
    """Let a step's errors reach Airflow as what they ask for: an end, or another try.

    Args:
        step: A task callable.
    """

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(*args, **kwargs)
        except ConfigurationError as error:
            raise AirflowFailException(str(error)) from error
        except (WindowError, RemoteUnavailable) as error:
            raise AirflowException(f"{type(error).__name__}: {error}") from error

    return run


@translated
def pull(channel: str) -> int:
    """Pull the run's window and return its landing batch."""
    from include.orchestration.bootstrap import open_house
    from include.orchestration.context import current_run
    from include.pipelines import orders

    run = current_run()
    with open_house(channel) as house:
        return orders.pull(house, run, run.selection(house.settings, house.clock.now()))


@translated
def validate(channel: str, batch_id: int, *, dry_run: bool = False) -> int:
    """Validate a batch, hold back its bad orders, and pass the batch on."""
    from include.orchestration.bootstrap import open_house
    from include.pipelines import orders

    with open_house(channel) as house:
        found = orders.validate(house, batch_id, dry_run=dry_run)
    log.info("%d orders: %d held, %d with a warning", found.orders, found.held, found.warned)
    return batch_id


@translated
def load(channel: str, batch_id: int) -> int:
    """Stage a batch's good orders, and pass the batch on."""
    from include.orchestration.bootstrap import open_house
    from include.pipelines import orders

    with open_house(channel) as house:
        changed = orders.load(house, batch_id)
    log.info("batch %d: %d orders new or changed in staging", batch_id, changed)
    return batch_id


@translated
def post(channel: str, batch_id: int) -> int:
    """Post what the ERP lacks of a batch, and pass the batch on."""
    from include.orchestration.bootstrap import open_house
    from include.orchestration.context import current_run
    from include.pipelines import documents, orders

    run = current_run()
    with open_house(channel) as house:
        todo = orders.orders_to_post(house, batch_id, run)
        done = documents.post(house, todo, batch_id)
    log.info(
        "%d orders: %d documents posted, %d recovered, %d held, %d skipped",
        done.orders,
        done.documents,
        done.recovered,
        done.held,
        done.skipped,
    )
    return batch_id


@translated
def prove(channel: str, batch_id: int) -> dict[str, int]:
    """Prove the run's window; fail when anything is unexplained."""
    from include.orchestration import reports
    from include.orchestration.bootstrap import open_house
    from include.orchestration.context import current_run
    from include.pipelines import proof
    from include.reporting import proof_export
    from include.staging import batches

    run = current_run()
    with open_house(channel) as house:
        with house.engine.connect() as connection:
            selection = batches.read_batch(connection, batch_id).selection
        found = proof.prove(house, run, selection, batch_id)
    log.info("\n%s", proof_export.as_text(found))
    for path in reports.write_proof(found):
        log.info("proof written to %s", path)
    if not found.is_complete:
        raise AirflowFailException(
            f"{found.unexplained} orders of {found.window} are unexplained: see the Proof page"
        )
    return {"in_store": found.in_store, "posted": found.posted, "held": found.held}


@translated
def print_plan(channel: str, batch_id: int) -> dict[str, int]:
    """Show what posting a batch would do, in the log, on the page and as files; send nothing."""
    from include.orchestration.bootstrap import open_house
    from include.orchestration.context import current_run
    from include.pipelines import dry_run

    run = current_run()
    with open_house(channel, dry_run=True) as house:
        kept = dry_run.keep(house, "orders", run.run_id, dry_run.plan_batch(house, batch_id))
    return show_plan(kept)


def show_plan(kept: KeptPlan) -> dict[str, int]:
    """Print a plan and write its files; return counts.

    Args:
        kept: The plan.
    """
    from include.orchestration import reports
    from include.reporting import plan_export

    log.info("\n%s", plan_export.as_text(kept))
    for path in reports.write_plan(kept):
        log.info("plan written to %s", path)
    counted = Counter(row.action.value for row in kept.rows)
    return {"send": counted["send"], "hold": counted["hold"], "skip": counted["skip"]}


@translated
def tidy() -> dict[str, int]:
    """Remove rows and files past their retention and build the Data Docs of what is kept."""
    from include.orchestration import reports, retention
    from include.orchestration.bootstrap import SystemClock, open_staging
    from include.pipelines import housekeeping

    now = SystemClock().now()
    with open_staging() as engine:
        purged = housekeeping.purge(engine, now, retention.raw_days())
        plans = housekeeping.forget_plans(reports.folder() / "plans", now)
        docs = housekeeping.build_docs(engine, reports.folder() / "data_docs", now)
    log.info(
        "removed %s and %d files of plans; Data Docs: %d pages at %s",
        purged,
        plans,
        docs.kept,
        docs.index,
    )
    return {**purged._asdict(), "plan_files": plans}
