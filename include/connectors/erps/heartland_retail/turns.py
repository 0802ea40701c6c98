"""One caller of this process at a time for each order, buyer or address; the others wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    callers: int = 0


class Turns:
    """Locks by key; a key that nobody waits for is forgotten."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: dict[str, _Turn] = {}

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Hold a key alone.

        Args:
            key: What must not be worked on twice at once.
        """
        with self._guard:
            turn = self._turns.setdefault(key, _Turn())
            turn.callers += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._guard:
                turn.callers -= 1
                if not turn.callers:
                    del self._turns[key]

    def __len__(self) -> int:
        return len(self._turns)
