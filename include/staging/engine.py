"""How one gets to the staging database: an engine with limits, units of work, migrations.

Alembic is imported only when there is something to migrate: an empty window must stay cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL, make_url

from include.domain.errors import ConfigurationError, RemoteUnavailable

HEAD = "0010"
VERSION_TABLE = "counterfoil_version"
MIGRATIONS = Path(__file__).parent / "migrations"
SYSTEM = "counterfoil_staging"

_CONNECT_SECONDS = 10
_SESSION = {
    "timezone": "UTC",
    "statement_timeout": "900s",
    "lock_timeout": "60s",
    "idle_in_transaction_session_timeout": "900s",
    # Compiling a plan costs more than any statement of ours saves by it.
    "jit": "off",
}
_MIGRATION_LOCK = "SELECT pg_advisory_lock(hashtextextended('counterfoil:migrate', 0))"
_MIGRATION_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('counterfoil:migrate', 0))"


def url_of(url: str) -> URL:
    """Spell a PostgreSQL URL as SQLAlchemy's, with psycopg 3 as its driver.

    Args:
        url: ``postgres://`` or ``postgresql://``, with or without a driver; the host may be a
            socket folder, as ``?host=/folder`` or percent-encoded in its place.

    Raises:
        ConfigurationError: It is not a PostgreSQL URL.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in ("postgres", "postgresql"):
        raise ConfigurationError(
            f"the connection {SYSTEM} must be a postgresql:// URL, it begins with {scheme[:20]!r}"
        )
    parsed = make_url(f"postgresql+psycopg://{rest}")
    host = unquote(parsed.host or "")
    if host.startswith("/"):
        # set(host=None) would leave the host as it is.
        parsed = URL.create(
            parsed.drivername,
            parsed.username,
            parsed.password,
            None,
            parsed.port,
            parsed.database,
            {**parsed.query, "host": host},
        )
    return parsed


def create(url: str, *, application_name: str = "counterfoil") -> Engine:
    """Create an engine for the staging database; nothing is connected yet.

    Args:
        url: See ``url_of``.
        application_name: What the server's activity view shows.

    Raises:
        ConfigurationError: It is not a PostgreSQL URL.
    """
    options = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    return sqlalchemy.create_engine(
        url_of(url),
        pool_size=2,
        max_overflow=4,
        pool_timeout=30,
        pool_pre_ping=True,
        # The traceback of a failed statement goes to the task log: no names, no addresses.
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
        json_deserializer=orjson.loads,
        use_native_hstore=False,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": application_name,
            "options": options,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        },
    )


@contextmanager
def unit_of_work(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose work is rolled back unless ``connection.commit()`` is called.

    Args:
        engine: Engine of the staging database.

    Raises:
        RemoteUnavailable: The database went away, or a statement or a lock took too long; the
            work was rolled back and may be tried again.
        ConfigurationError: The database refuses the login or does not exist.
    """
    with translated(), engine.connect() as connection:
        yield connection


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a database says when it is unwell into our errors, chosen by recovery.

    Raises:
        ConfigurationError: It refuses the login, or there is no such database.
        RemoteUnavailable: It cannot be reached, or no connection became free.
    """
    try:
        yield
    except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError) as error:
        raise _translate(error.orig or error) from error
    except sqlalchemy.exc.TimeoutError as error:
        raise RemoteUnavailable("no staging connection became free", system=SYSTEM) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise _translate(error) from error


def _translate(error: BaseException) -> Exception:
    state = getattr(error, "sqlstate", None) or ""
    words = (str(error).splitlines() or [""])[0]
    # A refused login carries no sqlstate: libpq has only words for it.
    refused = "authentication failed" in words or (
        "database" in words and "does not exist" in words
    )
    if refused or state.startswith(("28", "3D")):
        return ConfigurationError(f"the connection {SYSTEM} does not work: {words}")
    return RemoteUnavailable(f"staging database: {words}", system=SYSTEM, status=state or None)


def migrate(url: str, revision: str = "head") -> None:
    """Bring the staging database to a revision; several callers at once take turns.

    Args:
        url: See ``url_of``.
        revision: An Alembic revision, or ``base`` to remove everything.
    """
    engine = create(url, application_name="counterfoil migrate")
    try:
        with translated(), engine.connect() as connection:
            _migrate(connection, revision)
    finally:
        engine.dispose()


def _migrate(connection: Connection, revision: str) -> None:
    from alembic import command

    # On a large table a migration may take longer than any statement of daily work.
    connection.execute(text("SET statement_timeout = 0"))
    connection.execute(text("SET lock_timeout = 0"))
    connection.execute(text(_MIGRATION_LOCK))
    connection.commit()
    try:
        (command.downgrade if revision == "base" else command.upgrade)(
            alembic_config(connection), revision
        )
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(text(_MIGRATION_UNLOCK))
        connection.commit()
        # The session's limits were lifted: it does not go back to the pool.
        connection.invalidate()


def alembic_config(connection: Connection | None = None) -> Any:
    """Return Alembic's configuration of the staging database.

    Args:
        connection: The open connection that migrations run on, if any.
    """
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def current_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, or ``None`` for an empty one.

    Args:
        connection: Open connection to the staging database.
    """
    known = connection.scalar(text("SELECT to_regclass(:name)"), {"name": VERSION_TABLE})
    if known is None:
        return None
    revision = connection.scalar(
        sqlalchemy.select(sqlalchemy.column("version_num")).select_from(
            sqlalchemy.table(VERSION_TABLE)
        )
    )
    return str(revision) if revision is not None else None


def ensure_ready(engine: Engine) -> None:
    """Check that the database is at this release's revision; fill an empty one.

    Args:
        engine: Engine of the staging database.

    Raises:
        ConfigurationError: The database is at another revision; the message names the command.
        RemoteUnavailable: The database cannot be reached.
    """
    with unit_of_work(engine) as connection:
        revision = current_revision(connection)
        connection.rollback()
        if revision is None:
            _migrate(connection, "head")
            return
    if revision != HEAD:
        raise ConfigurationError(
            f"the staging database is at revision {revision}, this release needs {HEAD}: run "
            "`alembic -c include/staging/alembic.ini -x url=<URL of counterfoil_staging> upgrade "
            "head` with the newest release before its tasks run"
        )
