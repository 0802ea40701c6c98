"""HTTP statuses and broken exchanges, translated into the error tree by how one recovers."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

import requests

from include.domain.errors import ConfigurationError, RateLimited, RemoteUnavailable
from include.transport.redaction import safe_url

_WORDS = {
    400: "did not understand the request",
    401: "does not accept the credentials",
    402: "is frozen for want of payment",
    403: "forbids the request",
    404: "does not know the address",
    423: "is locked",
}
_RETRYABLE = {408, 425}
_TOO_MANY = {429, 430}  # 430 is what Shopify's front door answers when it takes us for a robot


def retry_after(response: requests.Response, now: datetime) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, given as a number or as a date.

    Args:
        response: Any answer.
        now: The present, aware.
    """
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def raise_for_status(
    response: requests.Response, system: str, now: datetime, request_id: str | None = None
) -> None:
    """Raise the error that says what to do about a status other than 2xx.

    Args:
        response: Any answer.
        system: Connection or host for the message.
        now: The present, aware, to read a ``Retry-After`` date against.
        request_id: The vendor's id of the request.

    Raises:
        RateLimited: 429, with the seconds asked for.
        RemoteUnavailable: 408, 425 or 5xx; trying again later may help.
        ConfigurationError: Any other: redirects, 401, 403, 404 ...; a person has to act.
    """
    status = response.status_code
    if 200 <= status < 300:  # noqa: PLR2004
        return
    tail = f" (request {request_id})" if request_id else ""
    if status in _TOO_MANY:
        raise RateLimited(
            f"{system} asks to slow down: HTTP {status}{tail}",
            retry_after=retry_after(response, now),
            system=system,
            status=status,
        )
    if status >= 500 or status in _RETRYABLE:  # noqa: PLR2004
        raise RemoteUnavailable(
            f"{system} answered HTTP {status}{tail}",
            system=system,
            status=status,
            request_id=request_id,
        )
    if 300 <= status < 400:  # noqa: PLR2004
        raise ConfigurationError(
            f"{system} redirects to {safe_url(response.headers.get('Location', ''))}, which is not "
            f"followed: set the connection's host to where it lives{tail}"
        )
    words = _WORDS.get(status, "refused the request")
    raise ConfigurationError(f"{system} {words}: HTTP {status}{tail}")


def as_remote_error(error: requests.RequestException, system: str) -> Exception:
    """Return our error for an exchange that broke before there was an answer.

    The original's text is left out: it may quote a signed URL.

    Args:
        error: What ``requests`` raised.
        system: Connection or host for the message.
    """
    if isinstance(
        error,
        requests.exceptions.MissingSchema
        | requests.exceptions.InvalidSchema
        | requests.exceptions.InvalidURL
        | requests.exceptions.InvalidProxyURL,
    ):
        return ConfigurationError(f"the address of {system} is no valid URL")
    if isinstance(error, requests.exceptions.Timeout):
        return RemoteUnavailable(
            f"{system} did not answer in time", system=system, status="TIMEOUT"
        )
    return RemoteUnavailable(
        f"the exchange with {system} broke off ({type(error).__name__})",
        system=system,
        status="CONNECTION",
    )
