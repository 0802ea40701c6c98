"""The gateway to the sandbox company on PostgreSQL.

A document is one statement in autocommit: its calls, all or nothing, and the commit in one answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError

from include.connectors.erps.dynamics_gp.calls import Call, Deadlocked, ProcedureFailed
from include.connectors.erps.dynamics_gp.company_tables import SITUATION, situation_of
from include.connectors.erps.dynamics_gp.econnect.fields import Value
from include.connectors.erps.dynamics_gp.gateway import Gateway, Session
from include.connectors.erps.dynamics_gp.records import Situation
from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    CounterfoilError,
    Refused,
    RemoteUnavailable,
)

REFUSED_BY_PROCEDURE = "GPERR"
DEADLOCK = "40P01"
# Serialisation, lock time-out, statement time-out, and the classes of trouble on the server's side.
LATER = ("40001", "55P03", "57014", "08", "53", "57P", "58", "25P03")
WRONG_COMPANY = ("GP", "42", "3F", "3D", "28")
CONNECT_SECONDS = 10
COMMIT_MILLISECONDS = 1000


class PostgresSession(Session):
    """A session on the sandbox company."""

    def lock(self, resource: str, batch: str, customer: str) -> Situation:
        """Take the session's advisory lock of the name."""
        _, *found = self._run(
            "select pg_advisory_lock(hashtextextended(:resource, 0)),"
            + SITUATION.format(system=self.gateway.system_prefix),
            resource=resource,
            batch=batch,
            customer=customer,
        )
        return situation_of(*found)

    def unlock(self, resource: str) -> None:
        """Give the advisory lock back."""
        self._run("select pg_advisory_unlock(hashtextextended(:resource, 0))", resource=resource)

    def take_number(self, soptype: int, docid: str) -> str:
        """Take the next number of a document id."""
        number, code = self._run(
            "select o_vsopnumber, o_ierrorstate from taGetSopNumber(:soptype, :docid, 1, '')",
            soptype=soptype,
            docid=docid,
        )
        if code:
            raise ProcedureFailed("taGetSopNumber", int(str(code)), str(code), 0)
        return str(number)

    def give_number_back(self, soptype: int, docid: str, number: str) -> None:
        """Step the next number back if nobody has taken a later one."""
        self._run(
            "select o_ierrorstate from taGetSopNumber(:soptype, :docid, 0, :number)",
            soptype=soptype,
            docid=docid,
            number=number,
        )

    def post(self, calls: Sequence[Call]) -> None:
        """Run the document's calls as one statement."""
        sent = json.dumps([[call.procedure, _jsonable(call)] for call in calls])
        try:
            self.connection.execute(
                text("select econnect_document(cast(:calls as jsonb))"), {"calls": sent}
            )
        except DBAPIError as error:
            if self.gateway.state_of(error) == REFUSED_BY_PROCEDURE:
                raise _procedure_failed(error) from error
            if error.connection_invalidated:
                raise AmbiguousOutcome(
                    "the connection broke while a document was being posted",
                    system=self.gateway.name,
                ) from error
            self.fail(error)

    def _run(self, statement: str, **values: object) -> Sequence[object]:
        try:
            row = self.connection.execute(text(statement), values).one()
        except DBAPIError as error:
            self.fail(error)
        return tuple(row)


class PostgresGateway(Gateway):
    """Connections to the sandbox company."""

    session_class = PostgresSession
    system_prefix = "dynamics."

    def meaning(self, error: DBAPIError) -> CounterfoilError:
        """Translate by SQLSTATE."""
        state = self.state_of(error) or ""
        words = str(error.orig).split("\n", maxsplit=1)[0]
        if state == DEADLOCK:
            return Deadlocked("deadlock in the company database", system=self.name, status=state)
        if not state or state.startswith(LATER):
            return RemoteUnavailable(
                f"the company database did not carry the statement out ({state or 'no answer'})",
                system=self.name,
                status=state,
            )
        if state.startswith(WRONG_COMPANY):
            return ConfigurationError(f"the company database is not set up as expected: {words}")
        return Refused(f"the company database refused a value: {words}", rule=state, remote=words)

    def state_of(self, error: DBAPIError) -> str | None:
        """Return the SQLSTATE."""
        return getattr(error.orig, "sqlstate", None)


def open_gateway(
    url: URL, connections: int, statement_timeout: float, lock_timeout: float
) -> PostgresGateway:
    """Open the gateway of a sandbox company; see ``gateway.open_gateway``.

    Args:
        url: SQLAlchemy URL of the sandbox company.
        connections: Most connections at the same time.
        statement_timeout: Seconds a statement may take.
        lock_timeout: Seconds to wait for a lock.
    """
    # The statement's limit ends before its commit; the transaction's covers a commit that hangs.
    limits = (
        f"-c statement_timeout={round(statement_timeout * 1000)} "
        f"-c transaction_timeout={round(statement_timeout * 1000) + COMMIT_MILLISECONDS} "
        f"-c lock_timeout={round(lock_timeout * 1000)}"
    )
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=statement_timeout,
        pool_recycle=1800,
        hide_parameters=True,  # a failed statement's traceback goes to the task log
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "options": limits,
            "application_name": "counterfoil",
            "tcp_user_timeout": round(statement_timeout * 1000),
        },
    )
    return PostgresGateway(engine, lock_timeout)


def _jsonable(call: Call) -> dict[str, int | str]:
    return {name: _plain(value) for name, value in call.parameters.items()}


def _plain(value: Value) -> int | str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value


def _procedure_failed(error: DBAPIError) -> ProcedureFailed:
    told = json.loads(error.orig.diag.message_detail)  # type: ignore[union-attr]
    return ProcedureFailed(told["procedure"], told["state"], told["codes"], told["position"])
