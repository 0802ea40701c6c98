"""Faults that can be switched on: what a network or the service does to a call that writes."""

from __future__ import annotations

from dataclasses import dataclass
from threading import RLock

# What each fault does to a call.
KINDS = {
    "http_429": "answers 429 with Retry-After, nothing is done",
    "http_503": "answers 503, nothing is done",
    "drop_before": "does nothing and drops the connection",
    "drop_after": "does it and drops the connection",
    "timeout_before": "does nothing and answers long after the caller has gone",
    "timeout_after": "does it and answers long after the caller has gone",
    "http_502_after": "does it and answers 502 with a page of HTML",
    "cut_body": "does it and drops the connection in the middle of the answer",
    "late": "does it and answers late",
}


@dataclass(slots=True)
class Fault:
    """A fault that is switched on.

    Attributes:
        kind: One of KINDS.
        times: How often it strikes.
        after: Calls that write and go through first.
        reads: Strike calls that read, too.
    """

    kind: str
    times: int = 1
    after: int = 0
    reads: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault; known are {', '.join(KINDS)}")


class Faults:
    """The faults that are switched on; the oldest strikes first."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._waiting.clear()

    def strike(self, *, reads: bool) -> str | None:
        """Return the kind of the fault that strikes this call, if one does.

        Args:
            reads: Whether the call only reads.
        """
        with self._lock:
            for fault in self._waiting:
                if reads and not fault.reads:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    return None
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault.kind
        return None
