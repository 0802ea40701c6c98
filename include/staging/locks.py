"""The posting lock: one poster a channel at a time, whoever started it.

PostgreSQL frees the lock when the process that holds it dies, so nobody has to clean up after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from include.domain.errors import RemoteUnavailable
from include.staging.engine import SYSTEM, translated


class PostingLock:
    """A held posting lock; its connection is the proof that it is still held."""

    def __init__(self, connection: Connection, channel: str) -> None:
        self._connection = connection
        self.channel = channel

    def require(self) -> None:
        """Check that the lock is still held: call it before anything is sent.

        Raises:
            RemoteUnavailable: Its connection is gone and the lock with it.
        """
        with translated():
            self._connection.execute(text("SELECT 1"))


@contextmanager
def posting_lock(
    engine: Engine, channel: str, *, timeout_seconds: float = 1800
) -> Iterator[PostingLock]:
    """Hold the channel's posting lock, waiting for whoever posts now.

    Args:
        engine: Engine of the staging database.
        channel: Channel id.
        timeout_seconds: How long to wait.

    Yields:
        The lock.

    Raises:
        RemoteUnavailable: Another run posted all that time, or the database went away.
    """
    name = f"counterfoil:posting:{channel}"
    with translated():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with translated():
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(
                text("SELECT set_config('lock_timeout', :limit, false)"),
                {"limit": f"{int(timeout_seconds * 1000)}ms"},
            )
        try:
            with translated():
                connection.execute(
                    text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": name}
                )
        except RemoteUnavailable as error:
            cause = error.__cause__
            if isinstance(cause, OperationalError) and isinstance(
                cause.orig, psycopg.errors.LockNotAvailable
            ):
                raise RemoteUnavailable(
                    f"another run has been posting for channel {channel} for "
                    f"{timeout_seconds:.0f} s; this one tries again later",
                    system=SYSTEM,
                ) from error
            raise
        yield PostingLock(connection, channel)
    finally:
        # Closing the session frees the lock, however the block was left.
        connection.invalidate()
        connection.close()
