"""The way into a GP company database: one interface, one implementation per database server.

Look-ups are plain SQL that both servers read. What differs is how procedures are called, how a
reference is locked and how errors are told apart; that is in ``sqlserver.py`` and ``postgres.py``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from sqlalchemy import URL, Connection, Engine, RowMapping, make_url, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from include.connectors.erps.dynamics_gp.calls import Call
from include.connectors.erps.dynamics_gp.company_tables import CompanyTables
from include.connectors.erps.dynamics_gp.records import Situation
from include.connectors.erps.dynamics_gp.sales_tables import SalesTables
from include.domain.errors import ConfigurationError, CounterfoilError, RemoteUnavailable

# Neither driver tells a number when a connection is refused.
LOGIN_REFUSED = re.compile(
    r"login failed|cannot open database|authentication failed|no password supplied|"
    r"(role|database) \S+ does not exist",
    re.IGNORECASE,
)


class Session(SalesTables, CompanyTables):
    """One connection, for one document or one question."""

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self.gateway = gateway
        self.connection = connection
        self.system_prefix = gateway.system_prefix

    @abstractmethod
    def lock(self, resource: str, batch: str, customer: str) -> Situation:
        """Own a name until it is given back; wait for whoever owns it, up to the lock time-out.

        What is read beside it saves an answer's time: each counts when the server is far away.

        Args:
            resource: The name, such as a reference.
            batch: Batch of sales entry that is looked at beside it.
            customer: Customer number that is looked at beside it.

        Returns:
            Whether batch and customer exist, and whether somebody has the batch open.

        Raises:
            RemoteUnavailable: Another session kept it for too long.
        """

    @abstractmethod
    def unlock(self, resource: str) -> None:
        """Give the name back.

        Args:
            resource: The name that ``lock`` took.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """

    @abstractmethod
    def take_number(self, soptype: int, docid: str) -> str:
        """Take the next document number, committed at once.

        Args:
            soptype: GP's type: 2 order, 3 invoice, 4 return.
            docid: Document id that numbers it.

        Raises:
            ProcedureFailed: GP has no next number for the document id.
        """

    @abstractmethod
    def give_number_back(self, soptype: int, docid: str, number: str) -> None:
        """Give a number back that no document came to use.

        Args:
            soptype: GP's type: 2 order, 3 invoice, 4 return.
            docid: Document id that numbers it.
            number: What ``take_number`` gave.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """

    @abstractmethod
    def post(self, calls: Sequence[Call]) -> None:
        """Run the calls of one document in order, as one transaction, and commit it.

        Args:
            calls: eConnect's procedures with their parameters, the header's last.

        Raises:
            ProcedureFailed: A procedure refused; everything was rolled back.
            RemoteUnavailable: The server could not; everything was rolled back.
            AmbiguousOutcome: The connection broke when the commit may have happened.
            Refused: A value does not fit a column.
        """

    def rows(self, statement: str, values: Mapping[str, Any]) -> Sequence[RowMapping]:
        """Run one query in a transaction of its own.

        Args:
            statement: SQL that both servers read.
            values: Its bound parameters.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        try:
            found = self.connection.execute(text(statement), dict(values)).mappings().all()
            self.connection.commit()
        except DBAPIError as error:
            self.fail(error)
        return found

    def fail(self, error: DBAPIError) -> NoReturn:
        """Raise what a database error means for the caller, when nothing can have been kept.

        Args:
            error: As the driver raised it.

        Raises:
            RemoteUnavailable: The connection was lost, or the server could not.
            CounterfoilError: Anything else, by its meaning.
        """
        if error.connection_invalidated:
            raise RemoteUnavailable(
                "the connection to the GP company database was lost",
                system=self.gateway.name,
                status=self.gateway.state_of(error),
            ) from error
        raise self.gateway.meaning(error) from error


class Gateway(ABC):
    """Connections to one company database.

    Args:
        engine: Where the connections come from.
        lock_timeout: Seconds to wait for a lock.
    """

    session_class: type[Session]
    system_prefix: str

    def __init__(self, engine: Engine, lock_timeout: float) -> None:
        self.engine = engine
        self.lock_timeout = lock_timeout
        self.name = f"{engine.url.host or 'local'}/{engine.url.database}"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Borrow a connection.

        Raises:
            ConfigurationError: The server refuses the login, or has no such database.
            RemoteUnavailable: The server cannot be reached, or every connection is in use.
        """
        try:
            connection = self.engine.connect()
        except (DBAPIError, PoolTimeout) as error:
            if isinstance(error, DBAPIError) and LOGIN_REFUSED.search(str(error.orig)):
                raise ConfigurationError(
                    "the GP company database refuses the connection's login: check its login, "
                    "password and database"
                ) from error
            raise RemoteUnavailable(
                f"no connection to the GP company database: {type(error).__name__}",
                system=self.name,
            ) from error
        with connection:
            yield self.session_class(self, connection)

    @contextmanager
    def locked(
        self, resource: str, batch: str, customer: str
    ) -> Iterator[tuple[Session, Situation]]:
        """Borrow a connection that owns a name; a connection that cannot give it back is closed.

        Args:
            resource: The name, such as a reference.
            batch: Batch whose state is told beside it.
            customer: Customer whose existence is told beside it.

        Yields:
            The session and what it met.

        Raises:
            ConfigurationError: The server refuses the login, or has no such database.
            RemoteUnavailable: The server cannot be reached, or another session kept the name.
        """
        with self.session() as session:
            try:
                yield session, session.lock(resource, batch, customer)
            finally:
                self._release(session, resource)

    @contextmanager
    def locked_too(self, session: Session, resource: str, customer: str) -> Iterator[Situation]:
        """Own a further name on the same connection; always after the document's own.

        Args:
            session: Owns the document's name already.
            resource: The further name.
            customer: Customer whose existence is told beside it.

        Yields:
            What the session met.

        Raises:
            RemoteUnavailable: Another session kept the name for too long.
        """
        try:
            yield session.lock(resource, "", customer)
        finally:
            self._release(session, resource)

    def _release(self, session: Session, resource: str) -> None:
        connection = session.connection
        if connection.invalidated:
            return
        try:
            connection.rollback()
            session.unlock(resource)
        except (DBAPIError, RemoteUnavailable) as error:
            # Closing the connection ends the server's session, and its locks with it.
            connection.invalidate(error)

    @abstractmethod
    def meaning(self, error: DBAPIError) -> CounterfoilError:
        """Translate a database error after which nothing was kept.

        Args:
            error: As the driver raised it.

        Returns:
            The error by what recovers from it: retry, hold the order, or tell a person.
        """

    @abstractmethod
    def state_of(self, error: DBAPIError) -> str | None:
        """Return the SQLSTATE or error number, if the driver tells.

        Args:
            error: As the driver raised it.
        """

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()


def open_gateway(
    url: str | URL, *, connections: int, statement_timeout: float, lock_timeout: float
) -> Gateway:
    """Open the gateway that speaks the URL's dialect. Connects only when it is used.

    Args:
        url: SQLAlchemy URL: ``mssql+mssqlpython://...`` for a GP company, ``postgresql+psycopg://...``
            for the sandbox company.
        connections: Most connections at the same time.
        statement_timeout: Seconds a statement may take.
        lock_timeout: Seconds to wait for a lock.

    Raises:
        ConfigurationError: The dialect is neither, or its driver is not installed.
    """
    # Imported here: each loads its own driver, and a worker has the one it needs.
    parsed = make_url(url)
    dialect = parsed.get_backend_name()
    try:
        if dialect == "mssql":
            from include.connectors.erps.dynamics_gp import sqlserver

            return sqlserver.open_gateway(parsed, connections, statement_timeout, lock_timeout)
        if dialect == "postgresql":
            from include.connectors.erps.dynamics_gp import postgres

            return postgres.open_gateway(parsed, connections, statement_timeout, lock_timeout)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"the driver of {parsed.drivername} is not installed: {error}"
        ) from error
    raise ConfigurationError(
        f"a GP company database is mssql (or postgresql for the sandbox), not {dialect!r}"
    )
