"""What an answer of a Tryton server means: its refusals, warnings and silences as our errors.

Tryton answers 200 with an ``error`` for what it refuses (UserError, UserWarning, a record that
changed meanwhile), and undoes the whole call.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import requests

from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    RateLimited,
    Refused,
    RemoteUnavailable,
)
from include.transport.redaction import safe_text
from include.transport.status import as_remote_error, raise_for_status

UNAUTHORISED = 401
FORBIDDEN = 403
NOT_FOUND = 404
# A gateway that gave up waiting, and Tryton's own time-out: the call may have run.
UNSURE_STATUSES = frozenset({408, 502, 504})
# Words of PostgreSQL, passed on by a server that has used up its own retries.
_PASSING = ("could not serialize", "deadlock detected", "could not obtain lock", "lock timeout")


class TrytonWarning(Refused):
    """Tryton asks whether the user is sure.

    Args:
        name: Name of the warning, by which it is acknowledged.
        words: What Tryton says.
    """

    def __init__(self, name: str, words: str) -> None:
        kind = name.partition(".")[2] or name
        super().__init__(
            f"Tryton warns ({kind}): {words}; settle it in Tryton, or add {kind!r} to "
            "acknowledged_warnings if it never matters to this channel",
            rule=kind,
            remote=words,
        )
        self.name = name
        self.kind = kind


class SessionOver(Exception):
    """The server does not know the session, or the login."""


def broken_off(error: requests.RequestException, system: str) -> Exception:
    """Return what a call that got no answer comes to.

    Args:
        error: What the HTTP library says.
        system: Connection id, for messages.
    """
    ours = as_remote_error(error, system)
    # A connection that was never made carried no call.
    sent = not isinstance(
        error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError
    ) and not _refused(error)
    if sent and isinstance(ours, RemoteUnavailable):
        return AmbiguousOutcome(str(ours), system=system, status=ours.status)
    return ours


def check_status(
    response: requests.Response, method: str, *, system: str, database: str, now: datetime
) -> None:
    """Refuse an answer that is not Tryton's own.

    Args:
        response: The answer.
        method: What was called.
        system: Connection id, for messages.
        database: Name of the database.
        now: The present, aware.

    Raises:
        SessionOver: The server does not know the session, or the login.
        ConfigurationError: The user may not, or there is no such database.
        RemoteUnavailable: The server could not; nothing was done.
        AmbiguousOutcome: The call may have run.
    """
    status = response.status_code
    if status == UNAUTHORISED:
        raise SessionOver
    if status == FORBIDDEN:
        raise ConfigurationError(
            f"{system}: the Tryton user may not call {method}, or a module is missing"
        )
    if status == NOT_FOUND:
        raise ConfigurationError(f"{system}: there is no database {database!r}")
    try:
        raise_for_status(response, system, now)
    except RateLimited:
        raise
    except RemoteUnavailable as error:
        if status in UNSURE_STATUSES:
            raise AmbiguousOutcome(str(error), system=system, status=status) from error
        raise


def refusal_of(method: str, error: Sequence[Any], system: str) -> Exception:
    """Say what kind of no an ``error`` is; a call that got one was undone.

    Args:
        method: What was called.
        error: Kind and words.
        system: Connection id, for messages.
    """
    kind, said = error[0], error[1] if len(error) > 1 else ""
    if kind == "UserWarning":
        return TrytonWarning(said[0], _words(said[1:3]))
    if kind == "UserError":
        words = _words(said[:2])
        return Refused(f"Tryton refused: {words}", rule="user_error", remote=words)
    if kind == "ConcurrencyException":
        return RemoteUnavailable(
            f"{system}: the record was changed by someone else meanwhile",
            system=system,
            status="CONCURRENCY",
        )
    words = safe_text(str(kind))
    if any(passing in words for passing in _PASSING):
        return RemoteUnavailable(
            f"{system}: the database was busy: {words}", system=system, status="BUSY"
        )
    return Refused(
        f"Tryton failed in {method}: {words}", rule="server_error", field=method, remote=words
    )


def _refused(error: requests.RequestException) -> bool:
    """Tell whether the server refused the connection, so that nothing was sent."""
    cause: BaseException | None = error
    seen = 0
    while cause is not None and seen < 8:  # noqa: PLR2004
        if isinstance(cause, ConnectionRefusedError):
            return True
        reason = getattr(cause, "reason", None)
        cause = (
            reason if isinstance(reason, BaseException) else cause.__cause__ or cause.__context__
        )
        if cause is None and error.args and isinstance(error.args[0], BaseException):
            cause, error = error.args[0], requests.RequestException()
        seen += 1
    return False


def _words(parts: Sequence[Any]) -> str:
    return safe_text(" ".join(str(part) for part in parts if part))
