"""The gateway to a real GP company on SQL Server, through SQLAlchemy ``mssql+mssqlpython``.

Procedures are called in T-SQL batches that declare their output parameters, stop at the first
error state and select it; every value is a bound parameter. One transaction a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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

MAX_PARAMETERS = 2000  # SQL Server takes 2,100 a batch
Values = dict[str, Value]

LOCK = """\
set nocount on;
declare @rc int;
exec @rc = sp_getapplock @Resource = :resource, @LockMode = 'Exclusive', @LockOwner = 'Session',
    @LockTimeout = :milliseconds;
select @rc rc,{situation};"""
UNLOCK = """\
set nocount on;
exec sp_releaseapplock @Resource = :resource, @LockOwner = 'Session';
select 0;"""
NUMBER = """\
set nocount on; set xact_abort on;
declare @rc int, @err int, @number varchar(21);
set @number = :number;
exec @rc = taGetSopNumber @I_tSOPTYPE = :soptype, @I_cDOCID = :docid, @I_tInc_Dec = :step,
    @O_vSopNumber = @number output, @O_iErrorState = @err output;
select isnull(@rc, 0), isnull(@err, 0), @number;"""
HEAD = """\
set nocount on; set xact_abort on; set lock_timeout {milliseconds};
declare @rc int, @err int, @msg varchar(255), @at int;
"""
STEP = """\
select @at = {position}, @err = 0, @msg = '';
exec @rc = {procedure} {arguments},
    @O_iErrorState = @err output, @oErrString = @msg output;
if isnull(@rc, 0) <> 0 or isnull(@err, 0) <> 0 goto failed;
"""
TAIL = """\
select -1, 0, 0, '';
goto done;
failed:
select @at, isnull(@rc, 0), isnull(@err, 0), isnull(@msg, '');
done:
"""

# The driver tells error numbers in its text only.
DEADLOCK = re.compile(r"deadlock|\b1205\b|40001", re.IGNORECASE)
LATER = re.compile(
    r"time-?out|timed out|\b1222\b|HYT00|HYT01|08S01|08001|communication link|network|"
    r"connection is (closed|broken|busy)|transaction log.*full|\b(40501|49918|49919|49920)\b",
    re.IGNORECASE,
)
# Where the server's words (2628, 245, 2627) repeat a value: it may be somebody's name.
VALUE = re.compile(
    r"(truncated value: |char value )'(?:[^']|'')*'?|(duplicate key value is )\([^)]*\)?",
    re.IGNORECASE,
)
NOT_SET_UP = re.compile(
    r"could not find stored procedure|invalid object name|login failed|permission was denied|"
    r"is not a parameter for procedure|expects parameter|cannot open database",
    re.IGNORECASE,
)


def render(calls: Sequence[Call], milliseconds: int) -> Iterator[tuple[str, Values, int]]:
    """Render the calls of one document as T-SQL batches within the server's parameter limit.

    Args:
        calls: The calls, in order.
        milliseconds: How long a statement waits for a lock.

    Yields:
        The batch, its bound values, and the position of its first call.
    """
    steps: list[str] = []
    values: Values = {}
    first = 0
    for position, call in enumerate(calls):
        if steps and len(values) + len(call.parameters) > MAX_PARAMETERS:
            yield HEAD.format(milliseconds=milliseconds) + "".join(steps) + TAIL, values, first
            steps, values, first = [], {}, position
        arguments = []
        for name, value in call.parameters.items():
            bind = f"p{position}_{name}"
            values[bind] = value
            arguments.append(f"@I_v{name} = :{bind}")
        steps.append(
            STEP.format(position=position, procedure=call.procedure, arguments=", ".join(arguments))
        )
    yield HEAD.format(milliseconds=milliseconds) + "".join(steps) + TAIL, values, first


class SqlServerSession(Session):
    """A session on a GP company."""

    @property
    def _milliseconds(self) -> int:
        return round(self.gateway.lock_timeout * 1000)

    def lock(self, resource: str, batch: str, customer: str) -> Situation:
        """Take the session's application lock of the name."""
        values: Values = {"resource": resource, "milliseconds": self._milliseconds}
        code, *found = self._run(
            LOCK.format(situation=SITUATION.format(system=self.gateway.system_prefix)),
            values | {"batch": batch, "customer": customer},
        )
        if int(str(code)) < 0:
            raise RemoteUnavailable(
                "another session is posting the same reference",
                system=self.gateway.name,
                status=int(str(code)),
            )
        return situation_of(*found)

    def unlock(self, resource: str) -> None:
        """Give the application lock back."""
        self._run(UNLOCK, {"resource": resource})

    def take_number(self, soptype: int, docid: str) -> str:
        """Take the next number of a document id."""
        code, state, number = self._run(
            NUMBER, {"number": "", "soptype": soptype, "docid": docid, "step": 1}
        )
        if code or state:
            raise ProcedureFailed("taGetSopNumber", int(str(state or code)), str(state), 0)
        return str(number).rstrip()

    def give_number_back(self, soptype: int, docid: str, number: str) -> None:
        """Give a number back by taGetSopNumber with 0."""
        self._run(NUMBER, {"number": number, "soptype": soptype, "docid": docid, "step": 0})

    def post(self, calls: Sequence[Call]) -> None:
        """Run the document's batches in one transaction and commit it."""
        try:
            for batch, values, _ in render(calls, self._milliseconds):
                at, code, state, codes = self.connection.execute(text(batch), values).one()
                if at >= 0:
                    self.connection.rollback()
                    raise ProcedureFailed(calls[at].procedure, state or code, codes, at)
        except DBAPIError as error:
            if not error.connection_invalidated:
                self.connection.rollback()
            self.fail(error)
        try:
            self.connection.commit()
        except DBAPIError as error:
            raise AmbiguousOutcome(
                "the connection broke while a document was being committed",
                system=self.gateway.name,
            ) from error

    def _run(self, statement: str, values: Values) -> Sequence[object]:
        try:
            row = self.connection.execute(text(statement), values).one()
            self.connection.commit()
        except DBAPIError as error:
            self.fail(error)
        return tuple(row)


class SqlServerGateway(Gateway):
    """Connections to a GP company."""

    session_class = SqlServerSession
    system_prefix = "DYNAMICS.."

    def meaning(self, error: DBAPIError) -> CounterfoilError:
        """Translate by what the driver says."""
        words = str(error.orig)
        if DEADLOCK.search(words):
            return Deadlocked("deadlock in the company database", system=self.name, status=1205)
        if NOT_SET_UP.search(words):
            return ConfigurationError(f"the company database is not set up as expected: {words}")
        if LATER.search(words):
            return RemoteUnavailable(
                "the company database did not carry the statement out in time", system=self.name
            )
        words = VALUE.sub(lambda found: f"{found[1] or found[2]}***", words)
        return Refused(f"the company database refused a value: {words}", remote=words)

    def state_of(self, error: DBAPIError) -> str | None:
        """Return the error number or SQLSTATE the driver's text starts with, if any."""
        found = re.search(r"\b([0-9A-Z]{5})\b", str(error.orig))
        return found[1] if found else None


def open_gateway(
    url: URL, connections: int, statement_timeout: float, lock_timeout: float
) -> SqlServerGateway:
    """Open the gateway of a GP company; see ``gateway.open_gateway``.

    Args:
        url: SQLAlchemy URL of the company.
        connections: Most connections at the same time.
        statement_timeout: Seconds a statement may take.
        lock_timeout: Seconds to wait for a lock.
    """
    engine = create_engine(
        url.set(drivername="mssql+mssqlpython"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=statement_timeout,
        pool_recycle=1800,
        hide_parameters=True,  # a failed statement's traceback goes to the task log
        connect_args={"timeout": round(statement_timeout)},
    )
    return SqlServerGateway(engine, lock_timeout)
