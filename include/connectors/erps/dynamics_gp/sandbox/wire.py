"""A wire between a client and the company database: slow, or cut after the effect.

PostgreSQL answers with the commit, never after it. So the lost answer, and the far-away server, are
made on the way: this proxy waits before each answer, and can swallow the answer to a message that
holds a marker and close the connection.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

BUFFER = 65_536


class Wire:
    """A proxy on a free port of 127.0.0.1.

    Args:
        target: A socket folder's file, or host and port, of the server.
        delay_seconds: Wait before each answer is passed on.
    """

    def __init__(self, target: Path | tuple[str, int], delay_seconds: float = 0.0) -> None:
        self.target = target
        self.delay_seconds = delay_seconds
        self.swallowed = 0
        self._marker = b""
        self._left = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def swallow(self, marker: str, times: int = 1) -> None:
        """Lose the answers to the next statements that contain a text.

        Args:
            marker: Text of the statement or of a value (prepared statements go by a short name).
            times: How many answers are lost.
        """
        with self._lock:
            self._marker, self._left = marker.encode(), times

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
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
        server = self._connect()
        cut = threading.Event()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._answers, args=(server, client, cut), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while data := client.recv(BUFFER):
                if self._strikes(data):
                    cut.set()
                server.sendall(data)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        back.join()
        server.close()
        client.close()

    def _strikes(self, data: bytes) -> bool:
        with self._lock:
            if self._left <= 0 or self._marker not in data:
                return False
            self._left -= 1
            self.swallowed += 1
            return True

    def _answers(self, server: socket.socket, client: socket.socket, cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(BUFFER):
                if cut.is_set():
                    # The statement took effect; its answer never arrives.
                    break
                if self.delay_seconds:
                    time.sleep(self.delay_seconds)
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def wire(target: Path | tuple[str, int], delay_seconds: float = 0.0) -> Iterator[Wire]:
    """Run a proxy for as long as a test or a bench needs it.

    Args:
        target: A socket file, or host and port, of the server.
        delay_seconds: Wait before each answer is passed on.
    """
    proxy = Wire(target, delay_seconds)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
