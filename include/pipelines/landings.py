"""Lands pages in threads of their own, so that nothing that translates waits for a write."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from include.pipelines.second_process_main import Done
from include.ports.store import Page

AT_ONCE = 2
WAITING = 2


class Landings:
    """Pages on their way into the database: a few are written at once, a few wait.

    Args:
        land: Writes one page; called in a thread.
    """

    def __init__(self, land: Callable[[Page, Done], None]) -> None:
        self._land = land
        self._pool = ThreadPoolExecutor(AT_ONCE, "land")
        self._slots = threading.Semaphore(AT_ONCE + WAITING)
        self._under_way: deque[Future[None]] = deque()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of what has not begun, and wait for what has."""
        self._pool.shutdown(cancel_futures=True)

    def add(self, page: Page, done: Done) -> None:
        """Have a page landed; waits while too many are under way. Any thread may call it.

        Args:
            page: The page.
            done: What was made of it.

        Raises:
            BaseException: What an earlier page raised.
        """
        self._slots.acquire()
        future = self._pool.submit(self._land, page, done)
        future.add_done_callback(lambda _: self._slots.release())
        with self._lock:
            self._under_way.append(future)
            ended = [self._under_way.popleft() for _ in range(self._ended())]
        for earlier in ended:
            earlier.result()

    def finish(self) -> None:
        """Wait for every page.

        Raises:
            BaseException: What a page raised.
        """
        while self._under_way:
            self._under_way.popleft().result()

    def _ended(self) -> int:
        """Count the oldest landings that have ended."""
        return next(
            (place for place, one in enumerate(self._under_way) if not one.done()),
            len(self._under_way),
        )
