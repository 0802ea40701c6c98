"""The line between a client and Tryton servers: it can lose, cut, refuse and delay calls.

Calls go to the servers in turn. Faults strike calls that change something, after as many of those
as were let through.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from include.sandbox.rig import RigFault

HOST = "127.0.0.1"
LATE_SECONDS = 0.3
SECONDS = 120.0
_METHOD = re.compile(rb'"method":\s*"([^"]+)"')
_READING = (b".search_read", b".read", b".search", b".get_preferences", b".login", b".fields_get")


@dataclass(slots=True)
class _Waiting:
    fault: RigFault
    times: int
    after: int


class Line:
    """A proxy in front of one or more servers.

    Args:
        servers: Their URLs.
        port: Port to listen on; 0 takes a free one.
    """

    def __init__(self, servers: Sequence[str], port: int = 0) -> None:
        self._servers = [urlsplit(server) for server in servers]
        self._turn = count()
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer((HOST, port), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://{HOST}:{self._http.server_port}"

    def strike(self, fault: RigFault, times: int, after: int) -> None:
        """Let the next writing calls fail.

        Args:
            fault: How.
            times: How many of them.
            after: How many go through first.
        """
        with self._lock:
            self._waiting.append(_Waiting(fault, times, after))

    def mend(self) -> None:
        """Take away what has not struck."""
        with self._lock:
            self._waiting.clear()

    def serve(self) -> None:
        """Serve until closed."""
        self._http.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()

    def fault_of(self, body: bytes) -> RigFault | None:
        """Return what strikes a call, if anything does."""
        found = _METHOD.search(body)
        if found is None or found[1].endswith(_READING):
            return None
        with self._lock:
            if not self._waiting:
                return None
            next_one = self._waiting[0]
            if next_one.after:
                next_one.after -= 1
                return None
            next_one.times -= 1
            if next_one.times <= 0:
                self._waiting.pop(0)
            return next_one.fault

    def forward(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Pass a call on to the next server; return status, type and answer."""
        server = self._servers[next(self._turn) % len(self._servers)]
        connection = http.client.HTTPConnection(
            server.hostname or HOST, server.port, timeout=SECONDS
        )
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            kind = answer.headers.get("Content-Type", "application/json")
            return answer.status, kind, answer.read()
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                fault = line.fault_of(body)
                if fault is RigFault.LOST_CALL:
                    self._hang_up()
                    return
                if fault is RigFault.UNAVAILABLE:
                    self._answer(503, "text/plain", b"away")
                    return
                if fault is RigFault.THROTTLED:
                    self._answer(429, "text/plain", b"slow down", {"Retry-After": "0.05"})
                    return
                names = ("Content-Type", "Authorization")
                headers = {name: self.headers[name] for name in names if self.headers[name]}
                try:
                    status, kind, answer = line.forward(self.path, headers, body)
                except OSError:
                    self._answer(503, "text/plain", b"no server")
                    return
                if fault is RigFault.SLOW:
                    time.sleep(LATE_SECONDS)
                if fault is RigFault.LOST_ANSWER:
                    self._hang_up()
                elif fault is RigFault.CUT_ANSWER:
                    self._answer(status, kind, answer, cut=True)
                else:
                    self._answer(status, kind, answer)

            def _answer(
                self,
                status: int,
                kind: str,
                body: bytes,
                more: dict[str, str] | None = None,
                *,
                cut: bool = False,
            ) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in (more or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if cut else body)
                if cut:
                    self._hang_up()

            def _hang_up(self) -> None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing: a call's path and address are nobody's business."""

        return Handler


@contextlib.contextmanager
def open_line(servers: Sequence[str], port: int = 0) -> Iterator[Line]:
    """Run a line in a thread.

    Args:
        servers: URLs of the servers.
        port: Port to listen on; 0 takes a free one.

    Yields:
        The line.
    """
    line = Line(servers, port)
    thread = threading.Thread(target=line.serve, daemon=True)
    thread.start()
    try:
        yield line
    finally:
        line.close()
        thread.join(5)
