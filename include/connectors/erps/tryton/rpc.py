"""JSON-RPC to a Tryton server: one login, one session, values spelled as Tryton does.

What an answer means is in ``answers``. A writing call that broke off is never sent again here: who
asked for it looks its effect up first.
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

from include.connectors.erps.tryton.answers import (
    SessionOver,
    TrytonWarning,
    broken_off,
    check_status,
    refusal_of,
)
from include.domain.errors import AmbiguousOutcome, ConfigurationError, Refused, RemoteUnavailable
from include.transport.connection import HttpRemote
from include.transport.retry import Backoff, call_with_retries

MOST_WARNINGS = 8
PAGE = 1000

Domain = Sequence[Any]
# Tryton locks what is numbered or assigned, and turns away who comes second: we queue instead.
STOCK = "stock"
_QUEUES: dict[tuple[str, str, str], AbstractContextManager[Any]] = {}
_QUEUED = {"assign_try": STOCK, "post": "numbers"}


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
        """Create records, with those nested in them; return their ids.

        Args:
            model: Model name.
            values: One set of fields a record.
        """
        ids: list[int] = self.write_call(f"model.{model}.create", list(values))
        return ids

    def write(self, model: str, ids: Sequence[int], values: Mapping[str, Any]) -> None:
        """Change records.

        Args:
            model: Model name.
            ids: Records.
            values: Fields that change.
        """
        self.write_call(f"model.{model}.write", list(ids), dict(values))

    def press(self, model: str, button: str, ids: Sequence[int]) -> Any:
        """Do what a button of the model does; one at a time where Tryton takes no two.

        Args:
            model: Model name.
            button: The button's method.
            ids: Records.
        """
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

        Args:
            method: Name of the method, with its model.
            *params: Its parameters, without the context.
            context: Added to the user's context.

        Raises:
            RemoteUnavailable: The server cannot be reached.
            ConfigurationError: It does not let us in.
        """

        def call() -> Any:
            try:
                return self._ask(method, params, context)
            except AmbiguousOutcome as silence:
                raise RemoteUnavailable(
                    str(silence), system=self.name, status=silence.status
                ) from silence

        return self._repeat(call)

    def write_call(
        self, method: str, *params: object, context: Mapping[str, Any] | None = None
    ) -> Any:
        """Call what changes something, acknowledging the warnings that are allowed.

        Args:
            method: Name of the method, with its model.
            *params: Its parameters, without the context.
            context: Added to the user's context.

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
        except SessionOver:
            with self._lock:
                if self._ticket == ticket:
                    self._ticket = None
            try:
                return self._send(method, whole, self._own_ticket())
            except SessionOver as error:
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
        except SessionOver as error:
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
            check_status(
                response,
                method,
                system=self.name,
                database=self._database,
                now=self._remote.now(),
            )
            answer = json.loads(response.content, object_hook=decode)
        except requests.RequestException as error:
            raise broken_off(error, self.name) from error
        except ValueError as error:
            raise AmbiguousOutcome(
                f"{self.name} answered {method} with something that is no JSON", system=self.name
            ) from error
        if answer.get("error"):
            raise refusal_of(method, answer["error"], self.name)
        return answer.get("result")
