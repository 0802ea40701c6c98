"""Works ahead of its caller: one thread fetches the next batches while the last one is used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class _End(Generic[T]):
    """Marks the end of the stream, with the error that ended it, if one did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterable[T], depth: int) -> Generator[T, None, None]:
    """Yield the items in order while a thread produces up to ``depth`` of them in advance.

    An error of the producer is raised to the caller at its place in the stream. Closing the
    generator stops the producer after the item it is working on.

    Args:
        items: Produced in the thread.
        depth: Items that may wait to be used; 0 produces in the caller's own thread.
    """
    if depth <= 0:
        yield from items
        return
    ready: queue.Queue[T | _End[T]] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(entry: T | _End[T]) -> bool:
        while not stopped.is_set():
            try:
                ready.put(entry, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if not put(item):
                    return
        except BaseException as raised:  # noqa: BLE001  handed to the caller below
            error = raised
        put(_End(error))

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            entry = ready.get()
            if isinstance(entry, _End):
                if entry.error is not None:
                    raise entry.error
                return
            yield entry
    finally:
        stopped.set()
        thread.join()
