"""Reads proofs from the staging database, found by Airflow's connection ``counterfoil_staging``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from include.domain.errors import ConfigurationError, RemoteUnavailable
from include.staging import engine as staging_engine
from include.staging import plans
from include.staging import proof as proof_rows
from include.staging.plans import KeptPlan

from .ports import NothingYet, Shown, SourceUnavailable

CONNECTION = "counterfoil_staging"


class Staging:
    """The staging database as the pages use it; the engine is made at the first read.

    Args:
        url: Returns the database's URL; from Airflow's connection when absent.
    """

    what = "data"

    def __init__(self, url: Callable[[], str] | None = None) -> None:
        self._url = url or url_from_airflow
        self._engine: Engine | None = None

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._connected() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._connected() as connection:
            yield connection
            connection.commit()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            if self._engine is None:
                self._engine = staging_engine.create(
                    self._url(), application_name="counterfoil page"
                )
            with staging_engine.unit_of_work(self._engine) as connection:
                yield connection
        except ConfigurationError as error:
            raise SourceUnavailable(
                f"The Airflow connection {CONNECTION} is missing or does not lead to the staging "
                "database. Ask the person who runs Airflow to check it."
            ) from error
        except RemoteUnavailable as error:
            raise SourceUnavailable(
                "The staging database does not answer. Posting is not affected by this page; try "
                f"again in a minute, and have the connection {CONNECTION} checked if it lasts."
            ) from error
        except SQLAlchemyError as error:
            if self._is_empty():
                raise NothingYet(
                    "No DAG has run yet. Switch one named orders__… on, or backfill a few days of "
                    "it; where there is none, a channel has to be added first."
                ) from error
            raise SourceUnavailable(
                f"The staging database has no {self.what} to read: its tables are missing or "
                "belong to another release. Run an orders DAG once, or have the migrations checked."
            ) from error

    def _is_empty(self) -> bool:
        if self._engine is None:
            return False
        try:
            with staging_engine.unit_of_work(self._engine) as connection:
                return staging_engine.current_revision(connection) is None
        except (SQLAlchemyError, RemoteUnavailable):
            return False  # what went wrong first is told


class StagingSource(Staging):
    """Proofs of the staging database."""

    what = "proofs"

    def latest(self, limit: int) -> Sequence[Shown]:
        """Return the newest proof of each window without its orders, newest window first."""
        with self._reading() as connection:
            return [Shown(*row) for row in proof_rows.latest_proofs(connection, limit=limit)]

    def one(self, proof_id: int) -> Shown | None:
        """Return one proof with its orders."""
        with self._reading() as connection:
            return _with_orders(connection, proof_rows.read_proof(connection, proof_id))

    def of_run(self, channel: str, run_id: str) -> Shown | None:
        """Return the proof that a run wrote, with its orders."""
        with self._reading() as connection:
            return _with_orders(connection, proof_rows.proof_of_run(connection, channel, run_id))


class StagingPlans(Staging):
    """Plans of dry runs in the staging database."""

    what = "plans"

    def latest(self, limit: int) -> Sequence[KeptPlan]:
        """Return plans without their rows, newest first."""
        with self._reading() as connection:
            return plans.latest(connection, limit=limit)

    def one(self, plan_id: int) -> KeptPlan | None:
        """Return one plan with its rows."""
        with self._reading() as connection:
            return plans.one(connection, plan_id)

    def of_run(self, channel: str, flow: str, run_id: str) -> KeptPlan | None:
        """Return the plan that a run made, with its rows."""
        with self._reading() as connection:
            return plans.of_run(connection, channel, flow, run_id)


def url_from_airflow() -> str:
    """Return the URL of the staging database that Airflow's connection names.

    Raises:
        ConfigurationError: There is no such connection, or it is of another type.
    """
    # Imported here: it stands on Airflow, which the rest of the page does without.
    from include.orchestration.connections import database_url

    return database_url(CONNECTION).render_as_string(hide_password=False)


def _with_orders(connection: Connection, found: proof_rows.StoredProof | None) -> Shown | None:
    if found is None:
        return None
    orders = tuple(proof_rows.orders_of(connection, found.proof_id))
    return Shown(found.proof_id, replace(found.proof, orders=orders))
