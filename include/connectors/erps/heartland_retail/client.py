"""Calls to the Heartland Retail REST API: paced, retried where that is safe, errors by recovery.

A read is tried again. A write is tried again only where it certainly did nothing (429, no
connection): one that broke off is ``AmbiguousOutcome``, since the API has no idempotency key.
Bodies, tokens and addresses are in no log and no message.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import requests

from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
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

Row = dict[str, Any]
Filter = Mapping[str, Any]

_UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _INVALID = 401, 403, 404, 409, 422
_SERVER_FAULT, _UNAVAILABLE = 500, 503
_CREATED = 201


class NotFound(Refused):
    """The account has no record of that id any more."""


class HeartlandClient:
    """Talks to one account; safe to use from several threads.

    Args:
        remote: The account behind HTTP. The connection's password is the API token.
        settings: Limits and patience.
    """

    def __init__(self, remote: HttpRemote, settings: HeartlandRetailSettings) -> None:
        self.system = remote.facts.conn_id
        self._session = remote.session
        self._root = _root(remote.facts.base_url)
        self._token = remote.facts.password
        self._settings = settings
        self._now = remote.now
        self._sleep = remote.sleep
        self._places = threading.BoundedSemaphore(settings.connections)
        self._pace = threading.Lock()
        self._next_at = 0.0
        self._backoff = Backoff(0.5, 20.0, random.Random())  # noqa: S311  jitter, no secret

    # -- reads --------------------------------------------------------------------------------

    def get(self, path: str, *, include: Sequence[str] = ()) -> Row:
        """Return one record.

        Args:
            path: Path below ``api/``.
            include: Records to embed.

        Raises:
            NotFound: There is none.
            ConfigurationError: Token, scope or address are wrong.
            RemoteUnavailable: No proper answer, attempts used up.
        """
        answer = self._read(path, [("_include[]", name) for name in include])
        if not isinstance(answer, dict):
            raise self._no_sense(path)
        return answer

    def rows(
        self,
        path: str,
        *,
        where: Filter | Sequence[Filter] | None = None,
        include: Sequence[str] = (),
        only: Sequence[str] = (),
        more: Sequence[tuple[str, str]] = (),
    ) -> Iterator[Row]:
        """Yield the records of a list, page by page, oldest first.

        Args:
            path: Path of the list.
            where: The ``_filter``; several are joined by *and*.
            include: Records to embed.
            only: Fields to answer with; all unless given.
            more: Further parameters.

        Raises:
            RemoteUnavailable: A page is missing, or the list moved while it was read.
        """
        parameters = [("per_page", str(self._settings.page_size)), ("sort[]", "id,asc"), *more]
        parameters += [("_include[]", name) for name in include]
        parameters += [("_only[]", name) for name in only]
        if where:
            parameters.append(("_filter", json.dumps(where, separators=(",", ":"))))
        page, seen = 1, 0
        while True:
            answer = self._read(path, [*parameters, ("page", str(page))])
            found = answer.get("results") if isinstance(answer, dict) else None
            if not isinstance(found, list) or not isinstance(answer.get("total"), int):
                raise self._no_sense(path)
            yield from found
            seen += len(found)
            if page >= int(answer.get("pages") or 1):
                break
            page += 1
        if seen < int(answer["total"]):
            raise RemoteUnavailable(
                f"{self.system} says {path} has {answer['total']} rows and showed {seen}",
                system=self.system,
            )

    def all_rows(self, path: str, parameters: Sequence[tuple[str, str]]) -> list[Row]:
        """Return a list that the API hands out whole (``per_page=all``).

        Args:
            path: Path of the list.
            parameters: Its parameters.
        """
        answer = self._read(path, [*parameters, ("per_page", "all")])
        found = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise self._no_sense(path)
        return found

    # -- writes -------------------------------------------------------------------------------

    def create(self, path: str, body: Row) -> int:
        """Create a record and return its id, which the answer's Location names.

        Args:
            path: Of the list, below ``/api``.
            body: The fields.

        Raises:
            Refused: The account said no; field and words are in the error.
            AmbiguousOutcome: The call broke off; the record may exist.
        """
        response = self._write("POST", path, body)
        location = response.headers.get("Location", "")
        tail = location.rstrip("/").rpartition("/")[2]
        if response.status_code != _CREATED or not tail.isdigit():
            raise AmbiguousOutcome(
                f"{self.system} took a record of {path} and did not say where it is",
                system=self.system,
                status=response.status_code,
            )
        return int(tail)

    def update(self, path: str, body: Row) -> None:
        """Change a record.

        Args:
            path: Of the record.
            body: The fields that change.

        Raises:
            Refused: The account said no.
            AmbiguousOutcome: The call broke off.
        """
        self._write("PUT", path, body)

    def delete(self, path: str) -> None:
        """Remove a record; one that is gone is as good.

        Args:
            path: Of the record.

        Raises:
            Refused: The account said no.
            AmbiguousOutcome: The call broke off.
        """
        try:
            self._write("DELETE", path, None)
        except NotFound:
            return

    # -- one call -----------------------------------------------------------------------------

    def _read(self, path: str, parameters: Sequence[tuple[str, str]]) -> Any:
        def once() -> Any:
            response = self._patiently("GET", path, parameters, None)
            self._refuse(response, path)
            try:
                return json.loads(response.content, parse_float=Decimal)
            except ValueError:
                raise self._no_sense(path) from None

        return call_with_retries(
            once,
            attempts=self._settings.attempts,
            backoff=self._backoff,
            sleep=self._sleep,
            retryable=lambda error: (
                isinstance(error, RemoteUnavailable) and not isinstance(error, RateLimited)
            ),
        )

    def _write(self, method: str, path: str, body: Row | None) -> requests.Response:
        response = self._patiently(method, path, (), body)
        status = response.status_code
        if status >= _SERVER_FAULT and status != _UNAVAILABLE:
            raise AmbiguousOutcome(
                f"{self.system} answered HTTP {status} to a write of {_place(path)}; it may have "
                "taken effect",
                system=self.system,
                status=status,
            )
        self._refuse(response, path)
        return response

    def _patiently(
        self, method: str, path: str, parameters: Sequence[tuple[str, str]], body: Row | None
    ) -> requests.Response:
        """Send one call; a 429 did nothing, so it is sent again as long as patience lasts."""
        waited, tries = 0.0, 0
        while True:
            response = self._send(method, path, parameters, body)
            try:
                if response.status_code in (_UNAVAILABLE, 429, 408, 425):
                    raise_for_status(response, self.system, self._now())
            except RateLimited as error:
                tries += 1
                pause = self._backoff.seconds(min(tries, 6), error)
                if waited + pause > self._settings.throttle_patience_seconds:
                    raise
                self._sleep(pause)
                waited += pause
                continue
            return response

    def _send(
        self, method: str, path: str, parameters: Sequence[tuple[str, str]], body: Row | None
    ) -> requests.Response:
        headers = {
            "Authorization": f"Bearer {self._token.get_secret_value()}",
            "Accept": "application/json",
        }
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body, default=_number, separators=(",", ":"))
        self._wait_for_turn()
        try:
            with self._places:
                return self._session.request(
                    method,
                    f"{self._root}/{path}",
                    params=list(parameters),
                    data=data,
                    headers=headers,
                    timeout=(self._settings.connect_seconds, self._settings.read_seconds),
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            if method != "GET" and not _never_left(error):
                raise AmbiguousOutcome(
                    f"a write of {_place(path)} at {self.system} broke off "
                    f"({type(error).__name__}); it may have taken effect",
                    system=self.system,
                    status="BROKEN_OFF",
                ) from None
            raise as_remote_error(error, self.system) from None

    def _wait_for_turn(self) -> None:
        if not self._settings.calls_per_second:
            return
        with self._pace:
            present = self._now().timestamp()
            own = max(present, self._next_at)
            self._next_at = own + 1 / self._settings.calls_per_second
        if own > present:
            self._sleep(own - present)

    def _refuse(self, response: requests.Response, path: str) -> None:
        status = response.status_code
        if status == _UNAUTHORISED:
            raise ConfigurationError(
                f"{self.system} does not accept the API token: it was revoked, or the connection "
                "holds another account's"
            )
        if status == _FORBIDDEN:
            raise ConfigurationError(
                f"{self.system} forbids {_place(path)}: give the token's user the permission"
            )
        if status == _NOT_FOUND and any(part.isdigit() for part in path.split("/")):
            raise NotFound(
                f"{self.system} has no {_place(path)} of that id any more",
                rule="not_found",
                field=_place(path),
            )
        if status in (_CONFLICT, _INVALID):
            raise self._refusal(response, path)
        raise_for_status(response, self.system, self._now())

    def _refusal(self, response: requests.Response, path: str) -> Refused:
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = {}
        answer = answer if isinstance(answer, dict) else {}
        details = answer.get("details")
        details = details if isinstance(details, dict) else {}
        words = "; ".join(f"{name} {_words(said)}" for name, said in details.items())
        remote = safe_text(words or str(answer.get("message") or "no reason given"))
        return Refused(
            f"Heartland refused {_place(path)}: {remote}",
            rule=str(answer.get("error") or "validation_error"),
            field=next(iter(details), _place(path)),
            remote=remote,
        )

    def _no_sense(self, path: str) -> RemoteUnavailable:
        return RemoteUnavailable(
            f"{self.system} answered {_place(path)} with something else than was asked for",
            system=self.system,
        )


def _root(base_url: str) -> str:
    root = base_url.rstrip("/")
    return root if root.endswith("/api") else f"{root}/api"


def _never_left(error: requests.RequestException) -> bool:
    """Whether the call certainly did not reach the server."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    inner = error.args[0] if error.args else None
    # urllib3's own class, told by its name: requests is what we depend on.
    return type(getattr(inner, "reason", None)).__name__ == "NewConnectionError"


def _place(path: str) -> str:
    """Return a path without ids, for messages."""
    return "/".join(part for part in path.split("/") if not part.isdigit())


def _words(said: object) -> str:
    return ", ".join(map(str, said)) if isinstance(said, list) else str(said)


def _number(value: object) -> object:
    # 15 significant digits survive a float, and no amount of ours has more.
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
