"""The tasks around quarantine: replay, the owners' digest, the alert on silence."""

from __future__ import annotations

import dataclasses
import logging
from functools import partial

from airflow.sdk import Param, get_current_context

from include.orchestration import digest
from include.orchestration.bootstrap import open_house
from include.orchestration.steps import show_plan, translated
from include.pipelines import dry_run, quarantine, silence

log = logging.getLogger(__name__)


def replay_form() -> dict[str, Param]:
    """Return the form of the replay DAG. Every field narrows; all empty means all held orders."""
    days = {"type": ["null", "integer"], "minimum": 0}
    return {
        "reason_classes": Param(
            default=[],
            type=["null", "array"],
            items={"type": "string", "enum": sorted(quarantine.WHAT_TO_DO)},
            examples=sorted(quarantine.WHAT_TO_DO),
            title="Reasons",
            description="Orders held for one of these reasons. Empty: any.",
        ),
        "min_days": Param(
            default=None,
            title="Held for at least (days)",
            description="Whole days since the order was held first.",
            **days,
        ),
        "max_days": Param(
            default=None,
            title="Held for at most (days)",
            description="Whole days since the order was held first.",
            **days,
        ),
        "order_numbers": Param(
            default=[],
            type=["null", "array"],
            items={"type": "string", "minLength": 1},
            title="Order numbers",
            description="Just these, one a line (#1001). Empty: any.",
        ),
        "marked": Param(
            default=False,
            type="boolean",
            title="Only those asked for on the Quarantine page",
            description="Orders that somebody marked for a replay.",
        ),
        "source": Param(
            default=quarantine.Source.STORE.value,
            type="string",
            enum=[source.value for source in quarantine.Source],
            title="Read from",
            description="store: as the store has them now. landing: the documents as they came in.",
        ),
    }


@translated
def replay(channel: str) -> dict[str, int]:
    """Replay the held orders that the run's form names; return counts."""
    run_id = str(get_current_context()["dag_run"].run_id)
    with open_house(channel) as house:
        done = quarantine.replay(house, run_id, _asked_for())
    log.info(
        "%d held orders: %d go through now, %d stay held, %d documents posted",
        done.orders,
        done.closed,
        done.held,
        done.documents,
    )
    return dataclasses.asdict(done)


@translated
def plan_replay(channel: str) -> dict[str, int]:
    """Show what a replay of the held orders that the run's form names would post; send nothing."""
    run_id = str(get_current_context()["dag_run"].run_id)
    with open_house(channel, dry_run=True) as house:
        planned = quarantine.plan_replay(house, run_id, _asked_for())
        kept = dry_run.keep(house, "quarantine_replay", run_id, planned)
    return show_plan(kept)


def _asked_for() -> quarantine.ReplayOf:
    params = get_current_context()["params"]
    return quarantine.ReplayOf(
        reason_classes=tuple(params.get("reason_classes") or ()),
        min_days=params.get("min_days"),
        max_days=params.get("max_days"),
        order_numbers=tuple(params.get("order_numbers") or ()),
        marked=bool(params.get("marked")),
        source=quarantine.Source(params.get("source") or quarantine.Source.STORE),
    )


@translated
def tell(channel: str) -> int:
    """Tell the owners of the orders that are newly held; return the messages sent."""
    with open_house(channel) as house:
        sent = quarantine.tell_owners(house, partial(digest.send_digest, house.settings))
    log.info("%d owners were told", sent)
    return sent


@translated
def listen(channel: str) -> bool:
    """Tell the owner when no orders come any more; return whether somebody was told just now."""
    with open_house(channel) as house:
        found = silence.tell(house, partial(digest.send_words, house.settings))
    if found is not None:
        log.warning("%s", found.in_words(channel))
    return found is not None
