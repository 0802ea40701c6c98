"""Continuous integration's seeds of the simulation, and proof that it would notice a bug."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from include.domain.allocation import Stock
from include.domain.document import DocumentKind
from include.domain.ledger import OrderLedger
from include.domain.order import Order
from include.domain.plan import Plan
from include.domain.policy import Policy, UnpaidOrders
from local.postgres import EmbeddedPostgres
from tests.conformance.defects import IgnoresCreditNotes, NeverLooksUp
from tests.conformance.rigs import is_on_request, rigged
from tests.simulation.simulate import Broken, Report, quiet, simulate
from tests.simulation.world import World

MOST = "dynamics_gp"
SEEDS = range(100, 120)
SEEDS_OF_OTHERS = range(100, 103)
SEEDS_OF_SLOW_ONES = range(100, 101)
OTHERS = [name for name in rigged() if name != MOST]


@contextmanager
def database(server: EmbeddedPostgres, name: str) -> Iterator[str]:
    server.create_database(name)
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


def lived_through(server: EmbeddedPostgres, seeds: range, connector: str) -> Counter[str]:
    quiet()
    faults: Counter[str] = Counter()
    for seed in seeds:
        with database(server, f"simulated_{seed}") as url:
            report: Report = simulate(server, url, seed, connector)
        faults += report.faults
    return faults


def test_a_thousand_faults_with_three_hundred_kills_lose_double_and_wedge_nothing(
    postgres_server: EmbeddedPostgres,
):
    faults = lived_through(postgres_server, SEEDS, MOST)
    assert faults.total() >= 1000, faults
    assert faults["kill"] >= 300, faults


@pytest.mark.parametrize("connector", OTHERS)
def test_every_other_erp_lives_through_faults_and_kills(
    postgres_server: EmbeddedPostgres, connector: str
):
    seeds = SEEDS_OF_SLOW_ONES if is_on_request(connector) else SEEDS_OF_OTHERS
    faults = lived_through(postgres_server, seeds, connector)
    assert faults.total() >= 30 * len(seeds), faults
    assert faults["kill"] >= 10 * len(seeds), faults


def ledger_forgets(world: World) -> None:
    """A ledger that loses some of what was posted."""
    with world.house.engine.begin() as connection:
        connection.execute(
            text(
                "create function forget() returns trigger language plpgsql as $$ begin"
                " new.state := 'refused'; return new; end $$"
            )
        )
        connection.execute(
            text(
                "create trigger forget before update on erp_document for each row"
                " when (new.state = 'posted' and right(new.order_number, 1) = '3')"
                " execute function forget()"
            )
        )


def poster_doubles(world: World) -> None:
    """A poster that looks nothing up and makes another document each time it is asked."""
    world.house.erp = NeverLooksUp(world.house.erp)  # type: ignore[assignment]


def connector_credits_nothing(world: World) -> None:
    """A connector that says it has credited, and has not."""
    world.house.erp = IgnoresCreditNotes(world.house.erp)  # type: ignore[assignment]


def planner_forgets(world: World) -> None:
    """A planner that leaves out the invoices of some orders."""
    planner = world.house.planner

    def forgetful(order: Order, ledger: OrderLedger, policy: Policy, stock: Stock) -> Plan:
        planned = planner(order, ledger, policy, stock)
        if not order.number.endswith("3"):
            return planned
        kept = tuple(d for d in planned.documents if d.key.kind is not DocumentKind.INVOICE)
        return replace(planned, documents=kept)

    world.house.planner = forgetful


def everybody_is_approved(world: World) -> None:
    """A desk that takes whatever waits for approval for approved."""
    with world.house.engine.begin() as connection:
        connection.execute(
            text(
                "create function wave_through() returns trigger language plpgsql as $$ begin"
                " insert into log_audit (actor, action, subject, key, after) values ('nobody',"
                "  'released', 'quarantine', jsonb_build_object('channel', new.channel,"
                "  'order_id_store', new.order_id_store),"
                "  jsonb_build_object('rule', new.rule, 'total', 100000));"
                " return new; end $$"
            )
        )
        connection.execute(
            text(
                "create trigger wave_through after insert on quarantine for each row"
                " when (new.rule = 'order_approved') execute function wave_through()"
            )
        )


def planner_books_the_unpaid(world: World) -> None:
    """A planner that books orders that policy leaves out until they are paid."""
    planner = world.house.planner

    def eager(order: Order, ledger: OrderLedger, policy: Policy, stock: Stock) -> Plan:
        return planner(order, ledger, replace(policy, unpaid=UnpaidOrders.POST_ORDER), stock)

    world.house.planner = eager


@pytest.mark.parametrize(
    ("sabotage", "seed"),
    [
        (ledger_forgets, 7),
        (poster_doubles, 7),
        (connector_credits_nothing, 9),
        (planner_forgets, 7),
        (everybody_is_approved, 37),
        (planner_books_the_unpaid, 25),
    ],
)
def test_a_bug_in_ledger_poster_connector_planner_or_desk_is_noticed(
    postgres_server: EmbeddedPostgres,
    staging_url: str,
    sabotage: Callable[[World], None],
    seed: int,
):
    quiet()
    with pytest.raises(Broken):
        simulate(postgres_server, staging_url, seed, days=2, sabotage=sabotage)


def test_a_seed_is_replayed_the_same_way(postgres_server: EmbeddedPostgres):
    quiet()
    with database(postgres_server, "replayed_1") as first:
        once = simulate(postgres_server, first, 3, days=1)
    with database(postgres_server, "replayed_2") as second:
        again = simulate(postgres_server, second, 3, days=1)
    assert (once.faults, once.events, once.runs) == (again.faults, again.events, again.runs)
