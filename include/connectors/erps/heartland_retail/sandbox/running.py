"""Serves the sandbox in a thread, over connections that a fault can drop."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.auto import AutoHTTPProtocol

_PATIENCE_SECONDS = 10.0


class Wires:
    """Open connections by the caller's address."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """Return a protocol whose connections are known here."""
        wires = self._open

        class Known(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
            peer: tuple[str, int]

            def connection_made(self, transport: asyncio.Transport) -> None:
                self.peer = transport.get_extra_info("peername")[:2]
                wires[self.peer] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                wires.pop(self.peer, None)
                super().connection_lost(exc)

        return Known

    def drop(self, client: Any) -> None:
        """Drop the connection of a caller, as a network does that goes away."""
        transport = self._open.get((client.host, client.port))
        if transport is not None:
            transport.abort()


@contextmanager
def serve_in_thread(app: ASGIApp, wires: Wires, port: int = 0) -> Iterator[str]:
    """Serve in a thread and stop cleanly at the end.

    Args:
        app: The application.
        wires: Knows the open connections.
        port: The port; 0 takes a free one.

    Yields:
        The base URL.

    Raises:
        TimeoutError: The server did not come up.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(("127.0.0.1", port))
    opened.listen(128)
    config = uvicorn.Config(
        app,
        http=wires.protocol(),
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("the sandbox did not start")
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{opened.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_SECONDS)
        opened.close()
