"""What a connector may know of a connection, wherever the connection is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

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
