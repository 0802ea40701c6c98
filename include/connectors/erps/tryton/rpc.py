"""JSON-RPC to a Tryton server: one login, values spelled as Tryton does, refusals as our errors.

Tryton answers 200 with an ``error`` for what it refuses (UserError, UserWarning, a record that
changed meanwhile), and undoes the whole call. A writing call that broke off is never sent again
here: who asked for it looks its effect up first.
"""

from __future__ import annotations

import base64
import json
import random
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import requests

from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    RateLimited,
    Refused,
    RemoteUnavailable,
)
from include.transport.connection import HttpRemote
from include.transport.redaction import safe_text
from include.transport.retry import Backoff, call_with_retries
from include.transport.status import as_remote_error, raise_for_status

UNAUTHORISED = 401
FORBIDDEN = 403
NOT_FOUND = 404
# A gateway that gave up waiting, and Tryton's own time-out: the call may have run.
UNSURE_STATUSES = frozenset({408, 502, 504})
MOST_WARNINGS = 8
PAGE = 1000
# Words of PostgreSQL, passed on by a server that has used up its own retries.
_PASSING = ("could not serialize", "deadlock detected", "could not obtain lock", "lock timeout")

Domain = Sequence[Any]
# Tryton locks what is numbered or assigned, and turns away who comes second: we queue instead.
STOCK = "stock"
_QUEUES: dict[tuple[str, str, str], AbstractContextManager[Any]] = {}
_QUEUED = {"assign_try": STOCK, "post": "numbers"}


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


def encode(value: object) -> object:
    """Spell a value as Tryton's JSON does; for ``json.dumps``.

    Args:
        value: What JSON has no form for.
    """
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, bytes):
        return {"__class__": "bytes", "base64": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        raise TypeError("Tryton's date-times are naive: send a date")
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(f"{type(value).__name__} has no form in Tryton's JSON")


def decode(found: dict[str, Any]) -> Any:
    """Read Decimal and date back; for ``json.loads``.

    Args:
        found: A JSON object.
    """
    kind = found.get("__class__")
    if kind == "Decimal":
        return Decimal(found["decimal"])
    if kind == "date":
        return date(found["year"], found["month"], found["day"])
    return found


class TrytonClient:
    """A user's session on one database of a Tryton server.

    Safe to share between threads: the first caller logs in, the others wait for it.

    Args:
        remote: The server; login and password are those of a Tryton user.
        database: Name of the database.
        acknowledged: Kinds of warning that are answered with yes.
        attempts: Tries of a call that may be repeated.
        timeout_seconds: How long to wait for an answer.
    """

    def __init__(
        self,
        remote: HttpRemote,
        database: str,
        *,
        acknowledged: Iterable[str] = (),
        attempts: int = 4,
        timeout_seconds: float = 60.0,
    ) -> None:
        self._remote = remote
        self._database = database
        self._acknowledged = frozenset(acknowledged)
        self._attempts = attempts
        self._timeout = timeout_seconds
        self._backoff = Backoff(0.5, 8.0, random.Random())  # noqa: S311  jitter, no secret
        self._lock = threading.Lock()
        self._ticket: str | None = None
        self._context: dict[str, Any] = {}
        self.user_id = 0

    @property
    def name(self) -> str:
        """Connection id, for messages."""
        return self._remote.facts.conn_id

    @property
    def context(self) -> dict[str, Any]:
        """The user's preferences, which Tryton wants with every call; logs in."""
        self._own_ticket()
        return self._context

    def forget_login(self) -> None:
        """Log in anew with the next call, as after a change of the user's own preferences."""
        with self._lock:
            self._ticket = None

    # -- what callers ask ----------------------------------------------------------------------

    def search(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        limit: int | None = None,
        order: Sequence[tuple[str, str]] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Return records with fields, every page of them unless limited.

        Args:
            model: Model name.
            domain: Tryton domain.
            fields: Field names; ``a.b`` reads through a link.
            limit: Most records.
            order: Field and direction.
            context: Added to the user's context.
        """
        own = [list(pair) for pair in order or [("id", "ASC")]]
        found: list[dict[str, Any]] = []
        while True:
            size = PAGE if limit is None else limit
            page = self.read_call(
                f"model.{model}.search_read",
                *(list(domain), len(found), size, own, list(fields)),
                context=context,
            )
            found += page
            if limit is not None or len(page) < size:
                return found

    def read(
        self,
        model: str,
        ids: Sequence[int],
        fields: Sequence[str],
        *,
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Return fields of known records.

        Args:
            model: Model name.
            ids: Records.
            fields: Field names.
            context: Added to the user's context.
        """
        if not ids:
            return []
        found: list[dict[str, Any]] = self.read_call(
            f"model.{model}.read", list(ids), list(fields), context=context
        )
        return found

    def create(self, model: str, values: Sequence[Mapping[str, Any]]) -> list[int]:
        """Create records, with those nested in them; return their ids."""
        ids: list[int] = self.write_call(f"model.{model}.create", list(values))
        return ids

    def write(self, model: str, ids: Sequence[int], values: Mapping[str, Any]) -> None:
        """Change records."""
        self.write_call(f"model.{model}.write", list(ids), dict(values))

    def press(self, model: str, button: str, ids: Sequence[int]) -> Any:
        """Do what a button of the model does; one at a time where Tryton takes no two."""
        with self.alone(_QUEUED[button]) if button in _QUEUED else nullcontext():
            return self.write_call(f"model.{model}.{button}", list(ids))

    def alone(self, what: str) -> AbstractContextManager[Any]:
        """Return what only one thread of this process enters at a time, and may enter again.

        Args:
            what: What it is about, such as ``STOCK``.
        """
        place = (self._remote.facts.base_url, self._database, what)
        return _QUEUES.setdefault(place, threading.RLock())

    def read_call(
        self, method: str, *params: object, context: Mapping[str, Any] | None = None
    ) -> Any:
        """Call what changes nothing; repeated while the server is away.

        Raises:
            RemoteUnavailable: The server cannot be reached.
            ConfigurationError: It does not let us in.
        """

        def call() -> Any:
            try:
                return self._ask(method, params, context)
            except AmbiguousOutcome as broken_off:
                raise RemoteUnavailable(
                    str(broken_off), system=self.name, status=broken_off.status
                ) from broken_off

        return self._repeat(call)

    def write_call(
        self, method: str, *params: object, context: Mapping[str, Any] | None = None
    ) -> Any:
        """Call what changes something, acknowledging the warnings that are allowed.

        Raises:
            Refused: Tryton says no, in its own words.
            RemoteUnavailable: It may work later, nothing was done.
            AmbiguousOutcome: The call broke off; it may have been carried out.
        """
        for _ in range(MOST_WARNINGS):
            try:
                return self._repeat(lambda: self._ask(method, params, context))
            except TrytonWarning as warning:
                if warning.kind not in self._acknowledged:
                    raise
                self._acknowledge(warning.name)
        raise Refused(
            f"Tryton keeps warning about {method}: {MOST_WARNINGS} warnings were acknowledged",
            rule="warnings_end",
        )

    def _acknowledge(self, name: str) -> None:
        self._repeat(lambda: self._ask("model.res.user.warning.skip", (name, False), None))

    # -- the wire ------------------------------------------------------------------------------

    def _repeat(self, call: Any) -> Any:
        return call_with_retries(
            call, attempts=self._attempts, backoff=self._backoff, sleep=self._remote.sleep
        )

    def _ask(self, method: str, params: Sequence[object], context: Mapping[str, Any] | None) -> Any:
        """Send one call as the logged-in user; a session that ran out is renewed once."""
        ticket = self._own_ticket()
        whole = [*params, {**self._context, **(context or {})}]
        try:
            return self._send(method, whole, ticket)
        except _SessionOver:
            with self._lock:
                if self._ticket == ticket:
                    self._ticket = None
            try:
                return self._send(method, whole, self._own_ticket())
            except _SessionOver as error:
                raise ConfigurationError(
                    f"{self.name} logs us in and does not know the session afterwards"
                ) from error

    def _own_ticket(self) -> str:
        with self._lock:
            if self._ticket is None:
                self._log_in()
            if self._ticket is None:
                raise AssertionError("a login gives a session or raises")
            return self._ticket

    def _log_in(self) -> None:
        facts = self._remote.facts
        password = facts.password.get_secret_value()
        try:
            answer = self._send("common.db.login", [facts.login, {"password": password}], None)
        except _SessionOver as error:
            raise ConfigurationError(
                f"{self.name}: Tryton does not accept the login or its password"
            ) from error
        user_id, session = answer[:2]
        spelled = f"{facts.login}:{user_id}:{session}".encode()
        ticket = "Session " + base64.b64encode(spelled).decode()
        self._context = self._send("model.res.user.get_preferences", [True, {}], ticket)
        self.user_id, self._ticket = user_id, ticket

    def _send(self, method: str, params: Sequence[object], ticket: str | None) -> Any:
        headers = {"Content-Type": "application/json"}
        if ticket is not None:
            headers["Authorization"] = ticket
        body = json.dumps({"id": 0, "method": method, "params": list(params)}, default=encode)
        url = f"{self._remote.facts.base_url}/{self._database}/rpc/"
        try:
            response = self._remote.session.post(
                url, data=body.encode(), headers=headers, timeout=self._timeout
            )
            self._check(response, method)
            answer = json.loads(response.content, object_hook=decode)
        except requests.RequestException as error:
            raise self._broken_off(error) from error
        except ValueError as error:
            raise AmbiguousOutcome(
                f"{self.name} answered {method} with something that is no JSON", system=self.name
            ) from error
        if answer.get("error"):
            raise self._refusal(method, answer["error"])
        return answer.get("result")

    def _broken_off(self, error: requests.RequestException) -> Exception:
        ours = as_remote_error(error, self.name)
        # A connection that was never made carried no call.
        sent = not isinstance(
            error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError
        ) and not _refused(error)
        if sent and isinstance(ours, RemoteUnavailable):
            return AmbiguousOutcome(str(ours), system=self.name, status=ours.status)
        return ours

    def _check(self, response: requests.Response, method: str) -> None:
        status = response.status_code
        if status == UNAUTHORISED:
            raise _SessionOver
        if status == FORBIDDEN:
            raise ConfigurationError(
                f"{self.name}: the Tryton user may not call {method}, or a module is missing"
            )
        if status == NOT_FOUND:
            raise ConfigurationError(f"{self.name}: there is no database {self._database!r}")
        try:
            raise_for_status(response, self.name, self._remote.now())
        except RateLimited:
            raise
        except RemoteUnavailable as error:
            if status in UNSURE_STATUSES:
                raise AmbiguousOutcome(str(error), system=self.name, status=status) from error
            raise

    def _refusal(self, method: str, error: Sequence[Any]) -> Exception:
        """Say what kind of no an ``error`` is; a call that got one was undone."""
        kind, said = error[0], error[1] if len(error) > 1 else ""
        if kind == "UserWarning":
            return TrytonWarning(said[0], _words(said[1:3]))
        if kind == "UserError":
            words = _words(said[:2])
            return Refused(f"Tryton refused: {words}", rule="user_error", remote=words)
        if kind == "ConcurrencyException":
            return RemoteUnavailable(
                f"{self.name}: the record was changed by someone else meanwhile",
                system=self.name,
                status="CONCURRENCY",
            )
        words = safe_text(str(kind))
        if any(passing in words for passing in _PASSING):
            return RemoteUnavailable(
                f"{self.name}: the database was busy: {words}", system=self.name, status="BUSY"
            )
        return Refused(
            f"Tryton failed in {method}: {words}", rule="server_error", field=method, remote=words
        )


class _SessionOver(Exception):
    """The server does not know the session, or the login."""


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
