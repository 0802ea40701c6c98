"""Pacing by what the server says: a bucket of points that refills, shared by the threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime


class Bucket:
    """The server's rate-limit bucket as last reported, projected to the present.

    Nothing is assumed before the first report: the first call goes out at once.

    Args:
        now: Tells the present, aware.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._maximum = 0.0
        self._available = 0.0
        self._rate = 0.0
        self._seen_at: datetime | None = None

    def report(self, maximum: float, available: float, rate: float) -> None:
        """Take over what the server reports.

        Args:
            maximum: Points the bucket holds.
            available: Points in it now.
            rate: Points restored per second.
        """
        with self._lock:
            self._maximum, self._available, self._rate = maximum, available, rate
            self._seen_at = self._now()

    def reserve(self, cost: float) -> float:
        """Take points for a call and return the seconds to wait before sending it.

        Args:
            cost: Points the call is expected to need.
        """
        with self._lock:
            if self._seen_at is None or self._rate <= 0:
                return 0.0
            present = self._now()
            passed = max(0.0, (present - self._seen_at).total_seconds())
            # A call dearer than the whole bucket waits for a full one; the server then decides.
            need = min(cost, self._maximum)
            self._available = min(self._maximum, self._available + passed * self._rate) - need
            self._seen_at = present
            return max(0.0, -self._available / self._rate)
