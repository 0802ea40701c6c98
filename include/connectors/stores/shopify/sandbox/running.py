"""Runs the sandbox on a port: in the foreground, or in a thread for as long as a test needs it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

_PATIENCE_SECONDS = 10.0


def listen(port: int = 0) -> socket.socket:
    """Open a socket on 127.0.0.1; port 0 takes a free one."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(("127.0.0.1", port))
    opened.listen(128)
    return opened


def _server(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def run_forever(app: ASGIApp, port: int) -> None:
    """Serve until the process is told to stop, after printing the address."""
    opened = listen(port)
    print(f"listening on http://127.0.0.1:{opened.getsockname()[1]}", flush=True)  # noqa: T201
    _server(app).run(sockets=[opened])


@contextmanager
def serve_in_thread(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve in a thread and stop cleanly at the end.

    Args:
        app: The application.
        port: The port (default: a free one).

    Yields:
        The base URL.

    Raises:
        TimeoutError: The server did not come up.
    """
    opened = listen(port)
    server = _server(app)
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
