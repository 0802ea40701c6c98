"""Faults that can be switched on: what a network, a proxy or the service does on a bad day.

A fault waits for requests whose operation matches, lets some pass, strikes a number of times,
and is gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from threading import RLock

# What each fault does to a request.
KINDS = {
    "http_429": "answers 429 with Retry-After, nothing is run",
    "http_500": "answers 500",
    "http_502": "answers 502 with an HTML page",
    "http_503": "answers 503 with an HTML page",
    "http_504": "answers 504 with an HTML page",
    "cut_body": "runs the query and cuts the connection in the middle of the answer",
    "invalid_json": "runs the query and answers 200 with a body that is no JSON",
    "timeout_before": "never answers and runs nothing",
    "timeout_after": "runs the query and never answers",
    "throttled": "answers THROTTLED whatever the bucket holds",
    "internal_error": "answers 200 with INTERNAL_SERVER_ERROR",
    "partial_data": "answers 200 with part of the data null and an error",
    "missing_page": "leaves one page of a search out",
    "order_moves": "updates an order that the reader has not met yet, between two pages",
    "wrong_version": "answers with another version in X-Shopify-API-Version",
    "search_warning": "answers as if a search field were unknown",
    "token_revoked": "expires every token, so that this request is refused with 401",
    "bulk_fails": "the bulk operation started by this request fails",
}


@dataclass(slots=True)
class Fault:
    """A fault that is switched on.

    Attributes:
        kind: One of KINDS.
        times: How often it strikes; 0 is without end.
        match: Regular expression on the operation name; empty matches every request.
        after: Matching requests that pass first.
    """

    kind: str
    times: int = 1
    match: str = ""
    after: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault; known are {', '.join(KINDS)}")
        re.compile(self.match)


class Faults:
    """The faults that are switched on, oldest first."""

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

    def waiting(self) -> list[Fault]:
        """Return the faults that still strike."""
        return list(self._waiting)

    def take(self, kind: str, operation: str) -> bool:
        """Strike with a fault of a kind, if one waits for this operation.

        Args:
            kind: One of KINDS.
            operation: Name of the operation at hand; empty if it has none.
        """
        with self._lock:
            for fault in self._waiting:
                if fault.kind != kind or not re.search(fault.match, operation):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    return False
                if fault.times:
                    fault.times -= 1
                    if fault.times == 0:
                        self._waiting.remove(fault)
                return True
        return False
