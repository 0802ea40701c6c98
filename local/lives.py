"""Lets a sandbox shop live while `make run` pulls its days, window by window.

For the first job the shop is in slow time: it has lived as far as a window asked about it. So the
orders of one window are edited, cancelled, refunded and shipped in the next, and a person sees what
becomes of documents that are posted already. Afterwards the shop lives in real time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from include.settings.channel import load_channel

TIMEOUT = (3.05, 60)
KINDS = ("placed", "paid", "fulfilled", "edited", "exchanged", "refunded", "cancelled", "touched")


@dataclass(frozen=True, slots=True)
class Chapter:
    """What happened in a shop up to a time, since the chapter before."""

    until: datetime
    happened: Mapping[str, int]


@dataclass(slots=True)
class Lived:
    """What happened in a shop while a job was done.

    Attributes:
        is_slow: whether the shop lives along with the windows.
        chapters: one for each window that let it live on; known once the job is done.
    """

    is_slow: bool = False
    chapters: list[Chapter] = field(default_factory=list)


class Shop:
    """The control interface of one channel's sandbox shop.

    Args:
        url: where the shop listens.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and 127.0.0.1

    def live_slowly(self, from_at: datetime) -> bool:
        """Begin slow time.

        Args:
            from_at: the shop's present from now on.

        Returns:
            Whether it did: a shop that has lived longer than that does not go back.
        """
        answer = self._ask("POST", "lives", {"from": from_at.isoformat()})
        return answer is not None

    def live_in_real_time(self) -> None:
        """End slow time: everything that has happened by now comes about."""
        self._ask("POST", "clock", {"now": None})

    def chapters(self) -> list[Chapter]:
        """Tell what has happened, in the order of time."""
        told = self._ask("GET", "lives") or {"chapters": []}
        return [
            Chapter(datetime.fromisoformat(row["until"]), row["happened"])
            for row in told["chapters"]
        ]

    def _ask(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._session.request(
            verb, f"{self._url}/__sandbox__/{path}", json=body, timeout=TIMEOUT
        )
        if answer.status_code == requests.codes.bad_request:
            return None
        answer.raise_for_status()
        return answer.json()


def shop_of(connections: Mapping[str, Mapping[str, Any]], channel: str) -> Shop | None:
    """Find a channel's sandbox shop.

    Args:
        connections: fields of the connections that lead to the sandboxes, by id.
        channel: channel id.
    """
    found = connections.get(load_channel(channel).store.connection)
    return None if found is None else Shop(str(found["host"]))


@contextmanager
def along_with_windows(shop: Shop | None, from_at: datetime) -> Iterator[Lived]:
    """Let a shop live along with the windows of a job, and in real time after it.

    Args:
        shop: the shop; None where there is none, or where it has been lived through before.
        from_at: start of the job's first window.

    Yields:
        What happens; its chapters are filled in at the end.
    """
    lived = Lived(is_slow=shop is not None and shop.live_slowly(from_at))
    if shop is None or not lived.is_slow:
        yield lived
        return
    try:
        yield lived
        # The first chapter is everything before the first window.
        lived.chapters += shop.chapters()[1:]
    finally:
        shop.live_in_real_time()


def describe(lived: Lived) -> list[str]:
    """Say day by day what happened in the shop.

    Args:
        lived: what happened.
    """
    if not lived.chapters:
        return []
    lines = ["what happened in the shop, between the windows:"]
    for chapter in lived.chapters:
        counts = ", ".join(
            f"{chapter.happened[kind]:,} {kind}" for kind in KINDS if chapter.happened.get(kind)
        )
        lines.append(f"    until {chapter.until:%Y-%m-%d %H:%M}: {counts}")
    return lines
