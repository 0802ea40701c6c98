"""The Proof page on a real staging database, and on one that is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from include.domain.errors import ConfigurationError
from include.staging import engine as staging_engine
from include.staging import proof as proof_rows
from plugins.finance.ports import NothingYet, SourceUnavailable
from plugins.finance.source import StagingSource
from tests.plugins.proof_data import proof_of, unexplained_proof


@pytest.fixture
def migrated_url(staging_url: str) -> str:
    staging_engine.migrate(staging_url)
    return staging_url


def write_all(url: str, *proofs: object) -> list[int]:
    engine = staging_engine.create(url)
    try:
        with engine.begin() as connection:
            return [proof_rows.write(connection, proof) for proof in proofs]  # type: ignore[arg-type]
    finally:
        engine.dispose()


def test_proofs_are_read_back_as_they_were_written(migrated_url: str) -> None:
    first, second = proof_of(1), unexplained_proof(2)
    ids = write_all(migrated_url, first, second)
    source = StagingSource(lambda: migrated_url)

    listed = source.latest(10)
    shown = source.one(ids[1])
    of_run = source.of_run(first.channel, first.run_id)

    assert [s.proof_id for s in listed] == [ids[1], ids[0]]
    assert listed[0].proof.orders == ()
    assert shown is not None
    assert {order.order_number for order in shown.proof.orders} == {
        order.order_number for order in second.orders
    }
    by_currency = {money.currency: money for money in second.money}
    assert {money.currency: money for money in shown.proof.money} == by_currency
    assert of_run is not None
    assert replace(of_run.proof, orders=(), money=()) == replace(first, orders=(), money=())


def test_a_proof_that_is_not_there_is_none(migrated_url: str) -> None:
    source = StagingSource(lambda: migrated_url)

    assert source.one(4711) is None
    assert source.of_run("shopify_gp", "manual__1") is None
    assert source.latest(10) == []


def test_a_database_that_nothing_has_filled_yet_is_no_trouble(staging_url: str) -> None:
    with pytest.raises(NothingYet, match="No DAG has run yet"):
        StagingSource(lambda: staging_url).latest(10)


def test_a_database_without_the_tables_of_this_release_is_told_in_words(migrated_url: str) -> None:
    engine = staging_engine.create(migrated_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE proof_window CASCADE")
    engine.dispose()

    with pytest.raises(SourceUnavailable, match="has no proofs to read") as caught:
        StagingSource(lambda: migrated_url).latest(10)

    assert not isinstance(caught.value, NothingYet)


def test_a_server_that_does_not_answer_is_told_without_its_address(free_port: int) -> None:
    url = f"postgresql://reader:secret@127.0.0.1:{free_port}/counterfoil"

    with pytest.raises(SourceUnavailable, match="does not answer") as caught:
        StagingSource(lambda: url).latest(10)

    assert "secret" not in str(caught.value)
    assert str(free_port) not in str(caught.value)


def test_a_missing_connection_is_told_by_its_name() -> None:
    def missing() -> str:
        raise ConfigurationError("there is no connection counterfoil_staging")

    with pytest.raises(SourceUnavailable, match="connection counterfoil_staging is missing"):
        StagingSource(missing).latest(10)
