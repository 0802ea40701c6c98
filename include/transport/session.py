"""The one place that builds a ``requests`` session: time-outs on every call, our name on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter

USER_AGENT = "Counterfoil/0.1 (+order integration)"


class Timeouts(NamedTuple):
    """Seconds to wait for a connection, and between two bytes of an answer."""

    connect: float = 5.0
    read: float = 60.0


class TimeoutAdapter(HTTPAdapter):
    """Sends each request with a time-out, also where the caller forgot one.

    Args:
        timeouts: Used when a request names none.
        pool: Connections kept open to one host.
    """

    def __init__(self, timeouts: Timeouts, pool: int) -> None:
        self._timeouts = timeouts
        # Retries are decided where the answer is understood, never by the socket pool.
        super().__init__(pool_connections=2, pool_maxsize=pool, max_retries=0)

    def send(  # noqa: PLR0917  the signature of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request; see ``requests.adapters.HTTPAdapter.send``."""
        limit = self._timeouts if timeout is None else timeout
        return super().send(request, stream, limit, verify, cert, proxies)


def build_session(timeouts: Timeouts | None = None, *, pool: int = 8) -> requests.Session:
    """Build the session that connectors talk through.

    Args:
        timeouts: Seconds to connect and to wait between two bytes.
        pool: Connections kept open to one host.
    """
    session = requests.Session()
    adapter = TimeoutAdapter(timeouts or Timeouts(), pool)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = USER_AGENT
    return session
