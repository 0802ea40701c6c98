"""The second process of a pull: reads pages, translates their orders, encodes them for COPY.

Run as a module, it speaks frames (a length, then MessagePack) on its standard streams and ends with
its parent: whatever end that has, its pipe closes. It knows no database, no store and no secret,
and imports little, so that it starts in 0.06 s.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from struct import Struct
from typing import IO, Any

import msgspec

from include.domain.balance import UNITS_RULE
from include.domain.money import ZERO
from include.pipelines.translation import translated
from include.ports.store import PageReader
from include.staging.copying import UNFIT, EncodedOrder, encode

_length = Struct(">I")


class Start(msgspec.Struct, frozen=True):
    """The first frame: what all pages have in common.

    Attributes:
        channel: Channel id.
        batch_id: The batch that the orders are encoded for.
        read: Name of ``PageReader.read``.
        normalise: Name of ``PageReader.normalise``.
        now: The present, as the pull has it.
        tolerance: By how much parts may miss a stated total.
    """

    channel: str
    batch_id: int
    read: str
    normalise: str
    now: datetime
    tolerance: Decimal = ZERO


class Work(msgspec.Struct, frozen=True):
    """One page.

    Attributes:
        order_ids: The orders that were asked for.
        body: See ``Page``.
        context: See ``Page``.
        units: What the store's list says of each order, see ``OrderHeader.unit_count``.
    """

    order_ids: list[str]
    body: bytes
    context: dict[str, Any]
    units: list[int | None]


class Done(msgspec.Struct, frozen=True):
    """What became of one page.

    Attributes:
        orders: Those that are ready to be copied.
        rest: Places in the page of those that need the store, or more care.
    """

    orders: list[EncodedOrder]
    rest: list[int]


def send(stream: IO[bytes], message: msgspec.Struct | None) -> None:
    """Write one frame.

    Args:
        stream: A pipe.
        message: What to send.
    """
    payload = msgspec.msgpack.encode(message)
    stream.write(_length.pack(len(payload)))
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read one frame; ``None`` when the other side is gone.

    Args:
        stream: A pipe.
    """
    head = stream.read(_length.size)
    if len(head) < _length.size:
        return None
    (size,) = _length.unpack(head)
    payload = stream.read(size)
    return payload if len(payload) == size else None


def name_of(function: Callable[..., Any]) -> str:
    """Return the name that another process finds a function by.

    Args:
        function: One of a module.
    """
    return f"{function.__module__}:{function.__qualname__}"


def work_on(start: Start, reader: PageReader, work: Work) -> Done:
    """Read, translate and encode one page.

    Args:
        start: What all pages have in common.
        reader: Reads and translates.
        work: The page.
    """
    orders: list[EncodedOrder] = []
    rest: list[int] = []
    for place, raw in enumerate(reader.read(work.body, work.order_ids, work.context)):
        if raw is None:
            rest.append(place)
            continue
        row = translated(
            start.channel,
            reader.normalise,
            raw,
            start.now,
            start.tolerance,
            listed_units=work.units[place],
        )
        if row.rule == UNITS_RULE:
            rest.append(place)
            continue
        try:
            orders.append(encode(start.channel, start.batch_id, row))
        except UNFIT:
            rest.append(place)
    return Done(orders, rest)


def _named(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def main() -> None:
    """Work on pages until there are no more."""
    # Interrupted from the keyboard, the parent decides when this ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as sink:
        os.dup2(2, 1)  # what anything prints does not get between the frames
        first = receive(source)
        if first is None:
            return
        start = msgspec.msgpack.decode(first, type=Start)
        reader = PageReader(_named(start.read), _named(start.normalise))
        # Documents are many containers without a cycle among them; what is imported stays.
        gc.freeze()
        gc.set_threshold(100_000)
        send(sink, None)
        decode = msgspec.msgpack.Decoder(Work).decode
        while (frame := receive(source)) is not None:
            send(sink, work_on(start, reader, decode(frame)))


if __name__ == "__main__":
    main()
