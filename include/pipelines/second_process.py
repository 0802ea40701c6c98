"""A second process beside a pull: it translates pages while this one fetches and copies.

Started as a program of its own, not forked or spawned by ``multiprocessing``: a task is a daemon
that may have no such children, and has threads. It is never needed: a page that it is too busy
for, or was given when it died, goes the way of small windows, here.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from include.pipelines.second_process_main import Done, Start, Work, receive, send
from include.ports.store import Page

log = logging.getLogger(__name__)

DEPTH = 2
_ROOT = Path(__file__).resolve().parents[2]
_MODULE = "include.pipelines.second_process_main"
_PIPE_BYTES = 1 << 20
# -P: the folder that a task happens to stand in may hold another version of this project.
_COMMAND = (sys.executable, "-P", "-m", _MODULE)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def work_of(page: Page) -> Work:
    """Return what has to be known of a page to work on it.

    Args:
        page: The page.
    """
    return Work(
        [header.order_id_store for header in page.headers],
        page.body,
        {**page.context},
        [header.unit_count for header in page.headers],
    )


class SecondProcess:
    """The process, the pages it has, and the thread that takes in what it made of them.

    Args:
        start: What all pages have in common.
        take_in: Called in the thread with each page and what became of it. What it raises ends
            the process, and is raised to the caller of ``take`` or ``finish``.
        command: The program; that of this project by default.

    Attributes:
        ready: Set while the process can take pages.
    """

    def __init__(
        self,
        start: Start,
        take_in: Callable[[Page, Done], None],
        command: tuple[str, ...] = _COMMAND,
    ) -> None:
        self._start = start
        self._take_in = take_in
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        # Kept until they are taken in; a page is the process's own until it has answered.
        self._given: deque[Page] = deque()
        self._sent = self._answered = 0
        self._error: BaseException | None = None
        self.ready = threading.Event()

    def __enter__(self) -> SecondProcess:
        """Start the process; without one, ``take`` takes nothing."""
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a program of ours
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback may quote a customer
                env={**os.environ, "PYTHONPATH": path},
            )
        except OSError as error:
            log.warning("no second process (%s): the pull takes its time", error)
            return self
        for stream in (self._stdin, self._stdout):
            _widen(stream)
        with contextlib.suppress(BrokenPipeError):
            send(self._stdin, self._start)
        self._thread = threading.Thread(target=self._collect, name="second process", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process, whatever it is doing."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        if self._thread is not None:
            self._thread.join()
        for stream in (self._stdin, self._stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    @property
    def pid(self) -> int | None:
        """The process's id, if it was started."""
        return self._process.pid if self._process is not None else None

    def take(self, page: Page) -> bool:
        """Give the process a page, unless it is still starting, has its hands full, or is gone.

        Args:
            page: The page.

        Returns:
            Whether it has it now.
        """
        if self._error is not None:
            raise self._error
        if not self.ready.is_set() or self._sent - self._answered >= DEPTH:
            return False
        self._given.append(page)
        self._sent += 1
        try:
            send(self._stdin, work_of(page))
        except BrokenPipeError:
            self.ready.clear()  # it is among those that ``finish`` returns
        return True

    def finish(self) -> list[Page]:
        """Wait until the pages are taken in.

        Returns:
            Those that the process took with it when it died.
        """
        if self._process is None or self._thread is None:
            return []
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        self._thread.join()
        if self._error is not None:
            raise self._error
        if self._given:
            log.warning(
                "the second process ended with %s, %d pages are translated here",
                self._process.wait(),
                len(self._given),
            )
        return list(self._given)

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process is not None
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout

    def _collect(self) -> None:
        decode = msgspec.msgpack.Decoder(Done).decode
        try:
            if receive(self._stdout) is not None:
                self.ready.set()
            while (frame := receive(self._stdout)) is not None:
                self._answered += 1
                self._take_in(self._given[0], decode(frame))
                self._given.popleft()
        except BaseException as error:  # noqa: BLE001  handed to the caller of take or finish
            self._error = error
            if self._process is not None:
                self._process.kill()
        finally:
            self.ready.clear()


def _widen(stream: IO[bytes]) -> None:
    """Let a whole page fit into a pipe, where the system can."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
