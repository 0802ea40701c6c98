"""A wire between a client and the company database: slow, cut, or swallowing what it should carry.

PostgreSQL answers with the commit, never after it. So the lost call, the lost answer, the server
that is full or away, and the far-away server are made on the way: this proxy acts on messages that
hold a marker, and can wait before each answer.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

BUFFER = 65_536
CUT_AFTER = 3  # bytes of an answer that is cut off: less than the head of one message
_SYNC = b"S\x00\x00\x00\x04"
_READY = b"Z\x00\x00\x00\x05I"


class Strike(StrEnum):
    """What happens to a message that holds the marker."""

    LOSE_ANSWER = "lose_answer"
    CUT_ANSWER = "cut_answer"
    LATE_ANSWER = "late_answer"
    LOSE_CALL = "lose_call"
    FULL = "full"
    AWAY = "away"


@dataclass(slots=True)
class _Waiting:
    strike: Strike
    marker: bytes
    after: int
    times: int
    seconds: float


class Wire:
    """A proxy on a free port of 127.0.0.1.

    Args:
        target: A socket folder's file, or host and port, of the server.
        delay_seconds: Wait before each answer is passed on.
        port: Port to listen on; 0 takes a free one.
    """

    def __init__(
        self, target: Path | tuple[str, int], delay_seconds: float = 0.0, port: int = 0
    ) -> None:
        self.target = target
        self.delay_seconds = delay_seconds
        self.swallowed = 0
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])

    def swallow(self, marker: str, times: int = 1) -> None:
        """Lose the answers to the next statements that contain a text.

        Args:
            marker: Text of the statement or of a value (prepared statements go by a short name).
            times: How many answers are lost.
        """
        self.strike(Strike.LOSE_ANSWER, marker, times)

    def strike(
        self, strike: Strike, marker: str, times: int = 1, after: int = 0, seconds: float = 0.0
    ) -> None:
        """Let something happen to the next messages that contain a text.

        A server that is away also refuses new connections until it has struck so many times.

        Args:
            strike: What happens.
            marker: Text of the statement or of a value.
            times: How many messages it happens to.
            after: Messages with the marker that go through first.
            seconds: How late a late answer is.
        """
        with self._lock:
            self._waiting.append(_Waiting(strike, marker.encode(), after, times, seconds))

    def mend(self) -> None:
        """Forget what has not struck."""
        with self._lock:
            self._waiting.clear()

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_away():
                client.close()
                continue
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Stop accepting; connections end with their clients."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _connect(self) -> socket.socket:
        if isinstance(self.target, Path):
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            server.connect(str(self.target))
            return server
        return socket.create_connection(self.target)

    def _carry(self, client: socket.socket) -> None:
        try:
            server = self._connect()
        except OSError:
            client.close()
            return
        answers = _Answers()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._answer, args=(server, client, answers), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while data := client.recv(BUFFER):
                struck = self._struck_by(data)
                if struck is None:
                    server.sendall(data)
                elif struck.strike is Strike.FULL:
                    while not data.endswith(_SYNC):
                        data = client.recv(BUFFER)
                    client.sendall(_error("53300", "too many connections") + _READY)
                elif struck.strike in (Strike.LOSE_CALL, Strike.AWAY):
                    break
                else:
                    answers.struck = struck
                    server.sendall(data)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        back.join()
        server.close()
        client.close()

    def _struck_by(self, data: bytes) -> _Waiting | None:
        with self._lock:
            for waiting in self._waiting:
                if waiting.marker not in data:
                    continue
                if waiting.after > 0:
                    waiting.after -= 1
                    continue
                self._count(waiting)
                return waiting
        return None

    def _is_away(self) -> bool:
        with self._lock:
            for waiting in self._waiting:
                if waiting.strike is Strike.AWAY and waiting.after <= 0:
                    self._count(waiting)
                    return True
        return False

    def _count(self, waiting: _Waiting) -> None:
        self.swallowed += 1
        waiting.times -= 1
        if waiting.times <= 0:
            self._waiting.remove(waiting)

    def _answer(self, server: socket.socket, client: socket.socket, answers: _Answers) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(BUFFER):
                struck = answers.take()
                if struck is not None and struck.strike is Strike.LATE_ANSWER:
                    time.sleep(struck.seconds)
                elif struck is not None:
                    # The statement took effect; its answer never arrives, or not whole.
                    if struck.strike is Strike.CUT_ANSWER:
                        client.sendall(data[:CUT_AFTER])
                    break
                if self.delay_seconds:
                    time.sleep(self.delay_seconds)
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class _Answers:
    """What is to happen to the next answer of one connection."""

    struck: _Waiting | None = None

    def take(self) -> _Waiting | None:
        """Return it, once."""
        struck, self.struck = self.struck, None
        return struck


def _error(state: str, words: str) -> bytes:
    """Spell an ErrorResponse of PostgreSQL's protocol, version 3."""
    told = (("S", "ERROR"), ("V", "ERROR"), ("C", state), ("M", words))
    body = b"".join(f"{code}{value}".encode() + b"\x00" for code, value in told) + b"\x00"
    return b"E" + struct.pack("!i", len(body) + 4) + body


@contextlib.contextmanager
def wire(
    target: Path | tuple[str, int], delay_seconds: float = 0.0, port: int = 0
) -> Iterator[Wire]:
    """Run a proxy for as long as a test or a bench needs it.

    Args:
        target: A socket file, or host and port, of the server.
        delay_seconds: Wait before each answer is passed on.
        port: Port to listen on; 0 takes a free one.
    """
    proxy = Wire(target, delay_seconds, port)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
