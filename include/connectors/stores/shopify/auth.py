"""Access tokens: a static one, or a 24-hour one from the client-credentials grant.

The grant follows shopify.dev/docs/apps/build/authentication-authorization/access-tokens.
Tokens live in memory only; they are in no message, log or repr.
"""

from __future__ import annotations

import logging
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from pydantic import SecretStr
from requests.auth import AuthBase

from include.connectors.stores.shopify.settings import ShopifySettings
from include.domain.errors import ConfigurationError, RemoteUnavailable
from include.ports.clock import Clock
from include.transport.connection import ConnectionFacts
from include.transport.retry import Backoff, call_with_retries
from include.transport.status import as_remote_error, raise_for_status

logger = logging.getLogger(__name__)

TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105  a header's name
_STATIC_PREFIXES = ("shpat_", "shpca_", "shpua_", "shppa_")
_ADMIN_HOST = "admin.shopify.com"
_SHOP_SUFFIX = ".myshopify.com"
_STORE_IN_ADMIN = re.compile(r"/store/([\w-]+)(?=/|$)")
_BARE_NAME = re.compile(r"(?!localhost)[a-z0-9][a-z0-9-]*")
_MARGIN = timedelta(minutes=5)
_DEFAULT_LIFE_SECONDS = 86_399
_ATTEMPTS = 5


def root_of(base_url: str) -> str:
    """Return the store's root, whichever of its addresses a person copied into the connection.

    That is the base URL without a slash at its end or an ``/admin`` path. The admin's own address
    (``https://admin.shopify.com/store/<name>/...``) and a bare store name become the shop's domain;
    a shop's domain is always asked over HTTPS, because the token goes with every call. A connection
    whose host ends in a slash, or names its port already, gets its port in the wrong place, or
    twice.

    Args:
        base_url: What the connection says.

    Raises:
        ConfigurationError: It is the admin's address without a store in it.
    """
    parts = urlsplit(base_url.strip())
    path, _, port = parts.path.partition("/:")
    host = f"{parts.netloc}:{port}" if port.isdigit() else parts.netloc
    host = re.sub(r"(:\d+)\1$", r"\1", host).lower()
    if parts.hostname == _ADMIN_HOST:
        named = _STORE_IN_ADMIN.match(parts.path)
        if named is None:
            raise ConfigurationError(
                f"{base_url.strip()} is the address of Shopify's admin and names no store: set the "
                "connection's host to the store's own, such as https://example.myshopify.com"
            )
        return f"https://{named[1].lower()}{_SHOP_SUFFIX}"
    if parts.scheme == "https" and _BARE_NAME.fullmatch(host):
        host += _SHOP_SUFFIX
    if (parts.hostname or "").endswith(_SHOP_SUFFIX) or host.endswith(_SHOP_SUFFIX):
        return f"https://{host.partition(':')[0]}"
    path = re.split(r"/admin(?=/|$)", path, maxsplit=1)[0].rstrip("/")
    return f"{parts.scheme}://{host}{path}"


def anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send a request without credentials: for the token grant and for signed file URLs.

    Args:
        request: The prepared request.
    """
    request.headers.pop(TOKEN_HEADER, None)
    request.headers.pop("Authorization", None)
    return request


class ShopifyAuth(AuthBase, ABC):
    """Puts the access token on a request."""

    @abstractmethod
    def token(self) -> str:
        """Return a token believed to be valid."""

    @abstractmethod
    def renew(self, refused: str) -> bool:
        """Replace a token that the store refused.

        Args:
            refused: The token that was answered with 401.

        Returns:
            Whether there now is another token to try.
        """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the token header; a basic ``Authorization`` never goes to the store."""
        request.headers[TOKEN_HEADER] = self.token()
        request.headers.pop("Authorization", None)
        return request


class StaticToken(ShopifyAuth):
    """The token of a custom app made in the store's admin.

    Args:
        token: The token; it is valid until it is revoked.
    """

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def token(self) -> str:
        """Return the token."""
        return self._token.get_secret_value()

    def renew(self, refused: str) -> bool:
        """Return ``False``: a static token has no successor."""
        return False


class ClientCredentials(ShopifyAuth):
    """Tokens by the client-credentials grant, shared by the threads, fetched by one at a time.

    Args:
        session: Carries the grant request.
        base_url: The store's root.
        client_id: The app's client id.
        client_secret: The app's secret.
        clock: Tells when a token runs out.
        sleep: Waits between attempts.
        backoff: How long to wait in between.
        timeout: Seconds to connect and to read.
        system: Name of the connection for messages.
    """

    def __init__(
        self,
        session: requests.Session,
        base_url: str,
        client_id: str,
        client_secret: SecretStr,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        backoff: Backoff,
        timeout: tuple[float, float],
        system: str,
    ) -> None:
        self._session = session
        self._url = f"{root_of(base_url)}/admin/oauth/access_token"
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._sleep = sleep
        self._backoff = backoff
        self._timeout = timeout
        self._system = system
        self._lock = threading.Lock()
        self._token: str | None = None
        self._valid_until: datetime | None = None

    def token(self) -> str:
        """Return the cached token, or a new one when it is about to run out.

        Raises:
            ConfigurationError: The store does not accept the client id and secret.
            RemoteUnavailable: The store did not answer.
        """
        with self._lock:
            if self._token is None or (
                self._valid_until is not None and self._clock.now() >= self._valid_until
            ):
                self._grant()
            return str(self._token)

    def renew(self, refused: str) -> bool:
        """Fetch a new token, unless another thread already replaced the refused one.

        Args:
            refused: The token that was answered with 401.
        """
        with self._lock:
            if self._token == refused:
                self._grant()
            return self._token != refused

    def _grant(self) -> None:
        answer = call_with_retries(
            self._ask, attempts=_ATTEMPTS, backoff=self._backoff, sleep=self._sleep
        )
        token = answer.get("access_token")
        life = answer.get("expires_in", _DEFAULT_LIFE_SECONDS)
        if not isinstance(token, str) or not token or not isinstance(life, int | float):
            raise RemoteUnavailable(
                f"{self._system} granted no usable access token", system=self._system
            )
        life_time = timedelta(seconds=float(life))
        self._token = token
        self._valid_until = self._clock.now() + max(life_time - _MARGIN, life_time / 2)
        logger.info("%s: new access token, valid for %d s", self._system, int(life))

    def _ask(self) -> dict[str, Any]:
        try:
            response = self._session.post(
                self._url,
                data={
                    "grant_type": "client_credentials",
                    "client_id": self._client_id,
                    "client_secret": self._client_secret.get_secret_value(),
                },
                headers={"Accept": "application/json", TOKEN_HEADER: None},
                auth=anonymous,
                timeout=self._timeout,
                allow_redirects=False,
            )
            body = response.content
        except requests.RequestException as error:
            raise as_remote_error(error, self._system) from None
        request_id = response.headers.get("X-Request-Id")
        if response.status_code in (400, 401, 403):
            raise ConfigurationError(
                f"{self._system} grants no access token: HTTP {response.status_code}"
                f"{_oauth_error(body)}; check client id (login) and client secret (password), and "
                "that the app is installed in the store and belongs to the store's organisation"
            )
        raise_for_status(response, self._system, self._clock.now(), request_id)
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise RemoteUnavailable(
                f"{self._system} answered the token request with something else than JSON",
                system=self._system,
                request_id=request_id,
            )
        return answer


def _oauth_error(body: bytes) -> str:
    """Return the short error code of an OAuth answer; its description may quote the request."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    code = answer.get("error") if isinstance(answer, dict) else None
    return f" ({code})" if isinstance(code, str) and code.replace("_", "").isalnum() else ""


def credentials_of(facts: ConnectionFacts) -> tuple[str, SecretStr]:
    """Return client id and secret, or an empty client id and a static token.

    A connection may hold login and password (client id and client secret), a password alone or one
    that starts like a Shopify token (static token), or the token as extra field
    ``X-Shopify-Access-Token``.

    Args:
        facts: The connection.

    Raises:
        ConfigurationError: There is none of these.
    """
    extra = next(
        (value for name, value in facts.extra.items() if name.lower() == TOKEN_HEADER.lower()), None
    )
    password = facts.password.get_secret_value()
    if isinstance(extra, str) and extra:
        return "", SecretStr(extra)
    if not password:
        raise ConfigurationError(
            f"connection {facts.conn_id} has no credentials: set login to the app's client id and "
            "password to its client secret, or password alone to a static access token"
        )
    if not facts.login or password.startswith(_STATIC_PREFIXES):
        return "", facts.password
    return facts.login, facts.password


def auth_of(
    facts: ConnectionFacts,
    session: requests.Session,
    settings: ShopifySettings,
    *,
    clock: Clock,
    sleep: Callable[[float], None],
    backoff: Backoff,
) -> ShopifyAuth:
    """Return what puts the access token on the calls to a store.

    Args:
        facts: The connection.
        session: Carries the token request.
        settings: Time-outs.
        clock: Tells when a token runs out.
        sleep: Waits between attempts.
        backoff: How long to wait in between.

    Raises:
        ConfigurationError: The connection holds no credentials.
    """
    client_id, secret = credentials_of(facts)
    if not client_id:
        return StaticToken(secret)
    return ClientCredentials(
        session,
        facts.base_url,
        client_id,
        secret,
        clock=clock,
        sleep=sleep,
        backoff=backoff,
        timeout=(settings.connect_seconds, settings.read_seconds),
        system=facts.conn_id,
    )
