"""Continuous integration's seeds of the simulation, and proof that it would notice a bug."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import text

from include.domain.document import DocumentKind
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
    """A company in which every invoice ends up twice, as under a poster that sends again."""
    with world.gp.begin() as gp:
        gp.execute(
            text(
                "create function twin() returns trigger language plpgsql as $$ begin"
                " if new.soptype = 3 and new.cstponbr <> '' and not exists"
                "  (select from sop30200 where soptype = 3 and sopnumbe = 'T' || new.sopnumbe) then"
                "  insert into sop30200 select (jsonb_populate_record(null::sop30200,"
                "   to_jsonb(new) || jsonb_build_object('sopnumbe', 'T' || new.sopnumbe,"
                "   'dex_row_id', new.dex_row_id + 900000))).*;"
                " end if; return new; end $$"
            )
        )
        gp.execute(
            text(
                "create trigger twin after insert or update on sop10100 for each row"
                " execute function twin()"
            )
        )


@pytest.mark.parametrize("sabotage", [ledger_forgets, poster_doubles])
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
        if not order.number.endswith("3"):  # type: ignore[attr-defined]
            return planned
        kept = tuple(d for d in planned.documents if d.key.kind is not DocumentKind.INVOICE)
        return Plan(kept, planned.skipped, planned.adjustments)

    # The one place where something is patched: a deliberate bug has to go into the real poster.
    monkeypatch.setattr(documents, "plan", forgetful)
    with pytest.raises(Broken):
        simulate(postgres_server, staging_url, 7, days=2)
