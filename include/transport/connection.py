"""What a connector may know of a connection, wherever the connection is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    import requests

_NO_SECRET = SecretStr("")


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """One connection, without saying where it was kept.

    Attributes:
        conn_id: Name people know it by, used in messages.
        base_url: Scheme, host and port.
        login: User or client id; empty if there is none.
        password: Password, client secret or token, plain or as a secret; never printed.
        extra: Further named values of the connection; may hold secrets, never printed.
    """

    conn_id: str
    base_url: str
    login: str = ""
    password: SecretStr = _NO_SECRET
    extra: Mapping[str, object] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.password, str):
            object.__setattr__(self, "password", SecretStr(self.password))


@dataclass(frozen=True, slots=True)
class HttpRemote:
    """A remote system behind HTTP: how to reach it, and how to tell and pass the time.

    Attributes:
        session: Session for the base URL, without credentials; a connector's own auth adds them.
        facts: The connection.
        now: Tells the time, aware UTC.
        sleep: Waits that many seconds.
    """

    session: requests.Session
    facts: ConnectionFacts
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
