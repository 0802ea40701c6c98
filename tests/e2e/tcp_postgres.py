"""Lets the embedded PostgreSQL be reached by TCP, as a customer's server is."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from local.ports import HOST
from local.postgres import EmbeddedPostgres

CHUNK = 65_536


@contextlib.contextmanager
def reached_by_tcp(server: EmbeddedPostgres) -> Iterator[int]:
    """Pass every connection to a port on to the server's socket.

    Yields:
        The port on 127.0.0.1.
    """
    path = next(Path(server.socket_dir).glob(".s.PGSQL.*[0-9]"))
    loop = asyncio.new_event_loop()
    door = loop.run_until_complete(
        asyncio.start_server(lambda reader, writer: _join(path, reader, writer), HOST, 0)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield int(door.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_close(door), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _join(path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    from_server, to_server = await asyncio.open_unix_connection(str(path))
    await asyncio.gather(_pass_on(reader, to_server), _pass_on(from_server, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _close(door: asyncio.Server) -> None:
    door.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
