"""One call to the Admin GraphQL API: paced, retried, and refused unless it is a clean answer.

A non-empty ``errors``, a warning in ``extensions.search`` or another API version than asked for is
a failure, whatever the HTTP status says. Payloads, tokens and variables are in no log or message.
"""

from __future__ import annotations

import gc
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, NoReturn

import msgspec
import orjson
import requests

from include.connectors.stores.shopify import documents
from include.connectors.stores.shopify.auth import TOKEN_HEADER, ShopifyAuth, anonymous, root_of
from include.connectors.stores.shopify.settings import API_VERSION, ShopifySettings
from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    RateLimited,
    RemoteUnavailable,
)
from include.ports.clock import Clock
from include.transport.ratelimit import Bucket
from include.transport.redaction import safe_text
from include.transport.retry import Backoff, call_with_retries
from include.transport.status import as_remote_error, raise_for_status

logger = logging.getLogger(__name__)

_Parser = Callable[[bytes], dict[str, Any] | None]

VERSION_HEADER = "X-Shopify-API-Version"
_UNAUTHORISED = 401
_SERVER_FAULT = 500
_LATER = {408, 425, 429, 430}
_PASSING = {"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT"}
_THROTTLE_PAUSE = 1.0
_STEP_BYTES = 1 << 20


class QueryTooCostly(RemoteUnavailable):
    """The store would never run the call at this size: ask for less."""


class AccessDenied(ConfigurationError):
    """The app lacks an access scope, or approval for protected customer data.

    Args:
        message: What is denied.
        fields: Names of the denied fields, each with those it stands under, if the store tells.
    """

    def __init__(self, message: str, fields: Sequence[Sequence[str]] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(tuple(path) for path in fields)


class QueryRefused(ConfigurationError):
    """The store does not run this query: it asks for something that this store does not serve."""


class FieldsFailed(RemoteUnavailable):
    """The store ran the query and could not answer some fields of it: perhaps one record's."""


class ShopifyClient:
    """Talks to one store's Admin GraphQL API; safe to use from several threads.

    Args:
        session: Carries the calls.
        base_url: The store's root, as the connection has it.
        auth: Puts the token on.
        settings: Time-outs and patience.
        clock: The present.
        sleep: Waits the given seconds.
        backoff: How long to wait between attempts.
        system: Name of the connection for messages.
    """

    def __init__(
        self,
        session: requests.Session,
        base_url: str,
        auth: ShopifyAuth,
        settings: ShopifySettings,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        backoff: Backoff,
        system: str,
    ) -> None:
        self.system = system
        self._session = session
        self._url = f"{root_of(base_url)}/admin/api/{API_VERSION}/graphql.json"
        self._auth = auth
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._backoff = backoff
        self._bucket = Bucket(clock.now)
        self._costs: dict[str, float] = {}
        self._lock = threading.Lock()

    def execute(
        self, name: str, variables: Mapping[str, Any], *, attempts: int | None = None
    ) -> dict[str, Any]:
        """Run one document of ``queries/`` and return its ``data``.

        Args:
            name: The document's name.
            variables: Its variables.
            attempts: Attempts at a call that fails for a passing reason; the settings' number if
                not given. Throttling is counted in time, not in attempts.

        Returns:
            The ``data`` object of a clean answer.

        Raises:
            ConfigurationError: Credentials, scopes, version, address or query are wrong.
            QueryTooCostly: The call costs more than one call may.
            RateLimited: The store kept throttling beyond the settings' patience.
            RemoteUnavailable: The store did not answer properly, attempts used up.
        """
        data: dict[str, Any] = self._run(name, variables, attempts, parse)
        return data

    def execute_unread(
        self, name: str, variables: Mapping[str, Any], *, attempts: int | None = None
    ) -> bytes:
        """Run one document of ``queries/`` and return its ``data`` as the JSON that it came as.

        Everything around it is held against the same rules as in ``execute``; what is inside has
        yet to be parsed.

        Args:
            name: The document's name.
            variables: Its variables.
            attempts: See ``execute``.

        Raises:
            ConfigurationError: See ``execute``; likewise the others.
            QueryTooCostly: The call costs more than one call may.
            RateLimited: The store kept throttling beyond the settings' patience.
            RemoteUnavailable: The store did not answer properly, attempts used up.
        """
        data: bytes = self._run(name, variables, attempts, _parse_around)
        return data

    def _run(
        self, name: str, variables: Mapping[str, Any], attempts: int | None, read: _Parser
    ) -> Any:
        payload = orjson.dumps({"query": documents.minified(name), "variables": dict(variables)})
        return call_with_retries(
            lambda: self._unthrottled(name, payload, read),
            attempts=attempts or self._settings.attempts,
            backoff=self._backoff,
            sleep=self._sleep,
            retryable=_worth_repeating,
        )

    def download(self, url: str) -> requests.Response:
        """Open a result file for streaming, without our token: its URL is signed.

        Args:
            url: Address of the file.

        Raises:
            RemoteUnavailable: The file cannot be had now.
            ConfigurationError: The address is refused for good.
        """
        host = f"the result file of {self.system}"
        try:
            response = self._session.get(
                url,
                headers={TOKEN_HEADER: None},
                auth=anonymous,
                stream=True,
                allow_redirects=False,
                timeout=(self._settings.connect_seconds, self._settings.read_seconds),
            )
        except requests.RequestException as error:
            raise as_remote_error(error, host) from None
        try:
            raise_for_status(response, host, self._clock.now())
        except Exception:
            response.close()
            raise
        return response

    def _unthrottled(self, name: str, payload: bytes, read: _Parser) -> Any:
        """Run one call; wait while the store throttles, within the settings' patience."""
        waited = 0.0
        throttled = 0
        while True:
            try:
                return self._once(name, payload, read)
            except RateLimited as error:
                throttled += 1
                pause = self._backoff.seconds(min(throttled, 6), error)
                if waited + pause > self._settings.throttle_patience_seconds:
                    raise
                logger.info("%s: %s throttled, waiting %.1f s", self.system, name, pause)
                self._sleep(pause)
                waited += pause

    def _once(self, name: str, payload: bytes, read: _Parser) -> Any:
        pause = self._bucket.reserve(self._costs.get(name, 0.0))
        if pause > 0:
            self._sleep(pause)
        token = self._auth.token()
        response, body = self._send(payload)
        if response.status_code == _UNAUTHORISED and self._auth.renew(token):
            response, body = self._send(payload)
        request_id = response.headers.get("X-Request-Id")
        if response.status_code == _UNAUTHORISED:
            raise ConfigurationError(
                f"{self.system} does not accept the access token (request {request_id}): the app "
                "was removed, its token revoked, or the connection holds another store's"
            )
        answer = read(body)
        if answer is not None:
            self._learn(name, answer)
        if not response.ok or response.is_redirect:
            if answer is not None and answer.get("errors") and _says_more(response, answer):
                self._refuse_errors(name, answer, request_id)
            raise_for_status(response, self.system, self._clock.now(), request_id)
        served = response.headers.get(VERSION_HEADER)
        if served is not None and served != API_VERSION:
            raise ConfigurationError(
                f"{self.system} served API version {served} where {API_VERSION} was asked for: "
                "the asked version is not available on this store"
            )
        if answer is None:
            raise RemoteUnavailable(
                f"{self.system} answered {name} with something else than JSON "
                f"(request {request_id})",
                system=self.system,
                status=response.status_code,
                request_id=request_id,
            )
        if answer.get("errors"):
            self._refuse_errors(name, answer, request_id)
        self._refuse_search_warnings(name, answer)
        data = answer.get("data")
        if not isinstance(data, dict) and not (isinstance(data, bytes) and data[:1] == b"{"):
            raise RemoteUnavailable(
                f"{self.system} answered {name} without data (request {request_id})",
                system=self.system,
                status=response.status_code,
                request_id=request_id,
            )
        return data

    def _send(self, payload: bytes) -> tuple[requests.Response, bytes]:
        try:
            response = self._session.post(
                self._url,
                data=payload,
                headers={"Content-Type": "application/json", "Accept": "application/json"},
                auth=self._auth,
                stream=True,
                timeout=(self._settings.connect_seconds, self._settings.read_seconds),
                allow_redirects=False,
            )
            # In large steps: each waits for the interpreter, which is busy with the last page.
            with closing(response):
                body = b"".join(response.iter_content(_STEP_BYTES))
        except requests.RequestException as error:
            raise as_remote_error(error, self.system) from None
        return response, body

    def _learn(self, name: str, answer: dict[str, Any]) -> None:
        """Take over the bucket and the price of this document from an answer."""
        cost = _object(_object(answer.get("extensions")).get("cost"))
        state = _object(cost.get("throttleStatus"))
        requested = cost.get("requestedQueryCost")
        if isinstance(requested, int | float):
            with self._lock:
                self._costs[name] = float(requested)
        try:
            self._bucket.report(
                float(state["maximumAvailable"]),
                float(state["currentlyAvailable"]),
                float(state["restoreRate"]),
            )
        except (KeyError, TypeError, ValueError):
            return

    def _refuse_errors(self, name: str, answer: dict[str, Any], request_id: str | None) -> NoReturn:
        """Turn top-level errors into the error of our tree; partial ``data`` is never used."""
        errors = answer["errors"]
        listed = errors if isinstance(errors, list) else [errors]
        paths = [_path(error) for error in listed]
        codes = [_code(error) for error in listed]
        words = safe_text("; ".join(dict.fromkeys(_message(error) for error in listed)))
        tail = f" (request {request_id})" if request_id else ""
        if "THROTTLED" in codes:
            raise RateLimited(
                f"{self.system} throttles {name}{tail}",
                retry_after=self._refill_seconds(answer),
                system=self.system,
                status="THROTTLED",
            )
        code = next((known for known in codes if known), "")
        said = f"{code}: {words}" if code else words
        if "MAX_COST_EXCEEDED" in codes:
            raise QueryTooCostly(
                f"{self.system}: {name} costs more than one call may: {said}{tail}",
                system=self.system,
                status="MAX_COST_EXCEEDED",
                request_id=request_id,
            )
        if "ACCESS_DENIED" in codes:
            raise AccessDenied(
                f"{self.system} denies access to something that {name} reads: {words}{tail}; grant "
                "the app the scope and install it again",
                paths,
            )
        if "SHOP_INACTIVE" in codes:
            raise ConfigurationError(f"{self.system}: the shop is inactive{tail}")
        if all(paths) and isinstance(answer.get("data"), dict):
            raise FieldsFailed(
                f"{self.system} could not answer all of {name}: {said}{tail}",
                system=self.system,
                status=code,
                request_id=request_id,
            )
        if any(known in _PASSING for known in codes):
            raise RemoteUnavailable(
                f"{self.system} failed at {name}: {said}{tail}",
                system=self.system,
                status=code,
                request_id=request_id,
            )
        raise QueryRefused(f"{self.system} refused {name}: {said}{tail}")

    def _refill_seconds(self, answer: dict[str, Any]) -> float | None:
        """Return when a throttled call can be paid for, by the store's own figures."""
        cost = _object(_object(answer.get("extensions")).get("cost"))
        state = _object(cost.get("throttleStatus"))
        try:
            lacking = float(cost["requestedQueryCost"]) - float(state["currentlyAvailable"])
            return max(_THROTTLE_PAUSE / 10, lacking / float(state["restoreRate"]))
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            return None

    def _refuse_search_warnings(self, name: str, answer: dict[str, Any]) -> None:
        """Refuse an answer whose filter was not understood: such a filter matches everything."""
        search = _object(answer.get("extensions")).get("search")
        for entry in search if isinstance(search, list) else ():
            for warning in map(_object, _object(entry).get("warnings") or ()):
                field = safe_text(str(warning.get("field", "")))
                message = safe_text(str(warning.get("message", "")))
                raise ConfigurationError(
                    f"{self.system} did not understand the filter of {name}: {field}: {message}"
                )


def _worth_repeating(error: BaseException) -> bool:
    """Tell whether another attempt at the same call may end otherwise."""
    if isinstance(error, FieldsFailed):
        return error.status in _PASSING
    return isinstance(error, RemoteUnavailable) and not isinstance(
        error, RateLimited | QueryTooCostly | AmbiguousOutcome
    )


def _says_more(response: requests.Response, answer: dict[str, Any]) -> bool:
    """Tell whether the body's errors say more than the status: for "later" only THROTTLED does."""
    if response.status_code in _LATER:
        listed = answer["errors"]
        told = isinstance(listed, list) and any(_code(error) == "THROTTLED" for error in listed)
        return told and "Retry-After" not in response.headers
    return response.status_code < _SERVER_FAULT and "Retry-After" not in response.headers


def parse(body: bytes) -> dict[str, Any] | None:
    """Parse an answer; ``None`` if it is no JSON object.

    Args:
        body: JSON, perhaps with half a character in a text.

    A page of orders is tens of thousands of containers without a cycle among them. The collector
    would walk them again and again while they are made, which doubles the time; it waits meanwhile.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = _mended(body)
    finally:
        if collecting:
            gc.enable()
    return answer if isinstance(answer, dict) else None


class _Around(msgspec.Struct):
    """An answer whose ``data`` is skipped over; it is still the JSON that it came as."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: Any = None
    extensions: Any = None


_around = msgspec.json.Decoder(_Around)


def _parse_around(body: bytes) -> dict[str, Any] | None:
    """Parse an answer but for its ``data``, which stays JSON; a failed answer is parsed whole."""
    try:
        answer = _around.decode(body)
    except msgspec.DecodeError:
        whole = parse(body)
        if whole is None or whole.get("errors"):
            return whole
        return {**whole, "data": orjson.dumps(whole.get("data"))}
    if answer.errors:
        return parse(body)
    return {"data": bytes(answer.data), "extensions": answer.extensions}


def _mended(body: bytes) -> Any:
    """Parse JSON whose texts hold half a character: it becomes a question mark.

    A title cut in the middle of an emoji is one order's blemish and no reason to refuse them all.
    """
    try:
        answer = json.loads(body)
        return orjson.loads(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _code(error: object) -> str:
    return str(_object(_object(error).get("extensions")).get("code") or "")


def _path(error: object) -> list[str]:
    """Return the response path of a field that failed; only a query that was run has one."""
    path = _object(error).get("path")
    return [str(part) for part in path] if isinstance(path, list) else []


def _message(error: object) -> str:
    return str(error.get("message", "")) if isinstance(error, dict) else str(error)
