"""Continuous integration's seeds of the simulation, and proof that it would notice a bug."""

from __future__ import annotations

from collections import Counter

import pytest

from include.domain.plan import Plan
from include.pipelines import documents
from local.postgres import EmbeddedPostgres
from tests.simulation.simulate import Broken, World, quiet, simulate

SEEDS = range(100, 118)


def test_a_thousand_faults_with_three_hundred_kills_lose_double_and_wedge_nothing(
    postgres_server: EmbeddedPostgres,
):
    quiet()
    faults: Counter[str] = Counter()
    for seed in SEEDS:
        name = f"simulated_{seed}"
        postgres_server.create_database(name)
        faults += simulate(postgres_server, postgres_server.url(name), seed).faults
        postgres_server.drop_database(name)
    assert faults.total() >= 1000, faults
    assert faults["kill"] >= 300, faults


def ledger_believes_what_it_only_meant(world: World) -> None:
    """A ledger that notes a document as posted before the call."""
    with world.house.engine.begin() as connection:
        connection.exec_driver_sql(
            "create function too_soon() returns trigger language plpgsql as $$ begin"
            " new.state := 'posted'; new.reference := 'SOON'; new.remote_state := 'open';"
            " return new; end $$"
        )
        connection.exec_driver_sql(
            "create trigger too_soon before insert on erp_document for each row"
            " when (new.order_number like '%3') execute function too_soon()"
        )


def company_takes_no_notice_of_references(world: World) -> None:
    """An ERP that creates a second document instead of finding the first."""
    with world.gp.begin() as gp:
        gp.exec_driver_sql(
            "create function twin() returns trigger language plpgsql as $$ begin"
            " if new.soptype = 3 and new.sopnumbe not like 'T%' then"
            "  insert into sop30200 (soptype, sopnumbe, docid, cstponbr, docamnt, curncyid)"
            "  values (3, 'T' || new.sopnumbe, new.docid, new.cstponbr, new.docamnt,"
            "   new.curncyid);"
            " end if; return new; end $$"
        )
        gp.exec_driver_sql(
            "create trigger twin after insert on sop10100 for each row execute function twin()"
        )


@pytest.mark.parametrize(
    "sabotage", [ledger_believes_what_it_only_meant, company_takes_no_notice_of_references]
)
def test_a_bug_in_ledger_or_poster_is_noticed(
    postgres_server: EmbeddedPostgres, staging_url: str, sabotage: object
):
    quiet()
    with pytest.raises(Broken):
        simulate(postgres_server, staging_url, 7, days=2, sabotage=sabotage)  # type: ignore[arg-type]


def test_a_planner_that_forgets_every_third_invoice_is_noticed(
    postgres_server: EmbeddedPostgres, staging_url: str, monkeypatch: pytest.MonkeyPatch
):
    quiet()
    real = documents.plan

    def forgetful(order: object, *rest: object) -> Plan:
        planned = real(order, *rest)  # type: ignore[arg-type]
        if order.number.endswith("3"):  # type: ignore[attr-defined]
            return Plan(planned.documents[:1], planned.skipped, planned.adjustments)
        return planned

    # The one place where something is patched: a deliberate bug has to go into the real poster.
    monkeypatch.setattr(documents, "plan", forgetful)
    with pytest.raises(Broken):
        simulate(postgres_server, staging_url, 7, days=2)
