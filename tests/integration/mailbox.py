"""A mail server for tests: takes any message on a port of 127.0.0.1 and keeps it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """What arrived; set ``refuse`` to answer every message with a refusal."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    refuse: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak just enough SMTP (RFC 5321) for one client."""

        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 mailbox")
        while line := await reader.readline():
            verb = line.split(b" ")[0].strip().upper()
            if verb == b"DATA":
                say("354 go on")
                body = await reader.readuntil(b"\r\n.\r\n")
                if self.refuse:
                    say("451 try later")
                    continue
                parsed = message_from_bytes(body[:-3], policy=policy.default)
                assert isinstance(parsed, EmailMessage)
                self.messages.append(parsed)
            say("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                break
        writer.close()


def words_of(message: EmailMessage) -> str:
    """The text of a message."""
    body = message.get_body(("html", "plain"))
    assert body is not None
    return str(body.get_content())


@contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    """Serve a mailbox from a thread for the length of a test."""
    box = Mailbox()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(box.serve, "127.0.0.1", 0))
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        server.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
