"""A call of one of eConnect's procedures, and how it ends where it does not succeed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from include.connectors.erps.dynamics_gp.econnect.fields import Value
from include.domain.errors import CounterfoilError, RemoteUnavailable


class Call(NamedTuple):
    """One procedure call: its name and its parameters without ``@I_v``."""

    procedure: str
    parameters: Mapping[str, Value]


class ProcedureFailed(CounterfoilError):
    """A procedure answered with an error state; nothing of its document was kept.

    Args:
        procedure: The procedure that refused.
        code: ``@O_iErrorState``.
        codes: ``@oErrString``: every code it collected, space-separated.
        position: Index of the call among those that were sent together.
    """

    def __init__(self, procedure: str, code: int, codes: str, position: int) -> None:
        super().__init__(f"{procedure} answered error state {code}")
        self.procedure = procedure
        self.code = code
        self.codes = codes
        self.position = position

    @property
    def numbers(self) -> list[int]:
        """The error state and every further code of the error string, each once."""
        further = [int(part) for part in self.codes.split() if part.isdigit()]
        return list(dict.fromkeys([self.code, *further]))


class Deadlocked(RemoteUnavailable):
    """The server chose this transaction to end a deadlock; it was rolled back as a whole."""
