"""Time in the shop: what is going to happen to its orders, and what has happened by now.

A lively shop is seeded with every version that its orders are going to have. Each comes about when
the shop's clock reaches it, so that a client that looks twice sees lives, not finished histories.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from include.connectors.stores.shopify.sandbox.book import Order

# A shop in slow time is this much beyond what it was asked about.
AHEAD = timedelta(minutes=10)


class Clock:
    """The shop's time: the real one; or one that stands still; or slow time.

    In slow time the shop has lived just as far as it was asked about: the first question about a
    later time lets it live on to there. It ends by itself where it meets the real time.

    Args:
        real: Tells the real time (UTC).
    """

    def __init__(self, real: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._real = real
        self._fixed: datetime | None = None
        self._is_slow = False

    def now(self) -> datetime:
        """Return the current time (UTC)."""
        return self._fixed or self._real()

    def set(self, at: datetime | None) -> None:
        """Stop the clock at a time, or let it run again with None."""
        self._fixed = None if at is None else at.astimezone(UTC)
        self._is_slow = False

    def slow_from(self, at: datetime) -> None:
        """Begin slow time."""
        self._fixed, self._is_slow = at.astimezone(UTC), True

    def asked_until(self, at: datetime) -> bool:
        """Let slow time go on if somebody asks about what is still to come.

        Args:
            at: The end of what is asked about.

        Returns:
            Whether the shop has lived on.
        """
        if not self._is_slow or self._fixed is None or at <= self._fixed:
            return False
        if at + AHEAD >= self._real():
            self.set(None)
        else:
            self._fixed = at + AHEAD
        return True


@dataclass(slots=True)
class Chapter:
    """What happened in a stretch of the shop's time.

    Attributes:
        until: Its end.
        happened: How often each kind of thing happened.
    """

    until: datetime
    happened: Counter[str] = field(default_factory=Counter)


def change_between(before: Order | None, after: Order) -> str:
    """Name what made a version of an order out of the one before it.

    Args:
        before: The version before, if there was one.
        after: The version.
    """
    if before is None:
        return "placed"
    has_grown = len(after.lines) > len(before.lines)
    came_back = _units_back(after) > _units_back(before)
    happened = {
        "cancelled": after.cancelled_at is not None and before.cancelled_at is None,
        "exchanged": came_back and has_grown,
        "edited": has_grown or _units_removed(after) > _units_removed(before),
        "refunded": len(after.refunds) > len(before.refunds),
        "paid": after.received.shop > before.received.shop,
        "fulfilled": len(after.fulfillments) > len(before.fulfillments),
    }
    return next((name for name, is_so in happened.items() if is_so), "touched")


def _units_back(order: Order) -> int:
    return sum(line.refunded for line in order.lines)


def _units_removed(order: Order) -> int:
    return sum(line.removed for line in order.lines)


class Timeline:
    """The versions of orders that are still to come, and the chapters that are over."""

    def __init__(self) -> None:
        self._coming: list[tuple[datetime, int, Order]] = []
        self._added = 0
        self._last: dict[str, Order] = {}
        self.lived_until: datetime | None = None
        self.chapters: list[Chapter] = []

    def add(self, order: Order, at: datetime) -> None:
        """Let a version of an order come about at a time."""
        self._added += 1
        heapq.heappush(self._coming, (at, self._added, order))

    def due(self, now: datetime) -> Iterator[tuple[datetime, Order]]:
        """Yield the newest version of each order that has come about since the last time.

        Args:
            now: The present.
        """
        if not self._coming or self._coming[0][0] > now:
            return
        if not self.chapters:
            self.chapters.append(Chapter(now))
        chapter, newest = self.chapters[-1], dict[str, tuple[datetime, Order]]()
        while self._coming and self._coming[0][0] <= now:
            at, _, order = heapq.heappop(self._coming)
            chapter.happened[change_between(self._last.get(order.gid), order)] += 1
            self._last[order.gid] = order
            newest[order.gid] = (at, order)
        chapter.until = self.lived_until = now
        yield from newest.values()

    def begin_chapter(self, until: datetime) -> None:
        """Count what happens from now on by itself."""
        self.chapters.append(Chapter(until))

    def forget(self, gid: str) -> None:
        """Leave out what was going to happen to an order: somebody else decides on it now."""
        self._coming = [row for row in self._coming if row[2].gid != gid]
        heapq.heapify(self._coming)
