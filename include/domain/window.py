"""Windows: the half-open stretch of time that a run owns, and what it selects from the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open interval [start_at, end_at) in UTC.

    Attributes:
        start_at: First instant inside, aware.
        end_at: First instant outside, aware, not before ``start_at``.
    """

    start_at: datetime
    end_at: datetime

    def __post_init__(self) -> None:
        for at in (self.start_at, self.end_at):
            if at.tzinfo is None:
                raise ValueError(f"a window needs aware times, got {at.isoformat()}")
        if self.end_at < self.start_at:
            raise ValueError(f"window ends {self.end_at} before it starts {self.start_at}")
        object.__setattr__(self, "start_at", self.start_at.astimezone(UTC))
        object.__setattr__(self, "end_at", self.end_at.astimezone(UTC))

    def __contains__(self, at: datetime) -> bool:
        return self.start_at <= at < self.end_at

    def halves(self) -> tuple[Window, Window]:
        """Return two windows that together are exactly this one.

        Raises:
            ValueError: The window is a second or shorter.
        """
        span = self.end_at - self.start_at
        if span <= timedelta(seconds=1):
            raise ValueError(f"{self} is too short to split")
        middle = self.start_at + timedelta(seconds=int(span.total_seconds() // 2))
        return Window(self.start_at, middle), Window(middle, self.end_at)

    def shifted(self, by: timedelta) -> Window:
        """Return the window moved into the past, both ends by the same span.

        The store's search index lags behind its orders. Every live run shifts its window by the
        same span, so consecutive runs still tile time exactly and none looks at unsettled minutes.

        Args:
            by: Positive span.
        """
        return Window(self.start_at - by, self.end_at - by)

    def until(self, latest: datetime) -> Window:
        """Return the part of the window before an instant (empty when it starts later).

        Args:
            latest: Aware.
        """
        return Window(self.start_at, max(self.start_at, min(self.end_at, latest)))

    def widened(self, overlap: timedelta) -> Window:
        """Return the window with its start moved into the past, to catch late arrivals.

        Args:
            overlap: Positive span.
        """
        return Window(self.start_at - overlap, self.end_at)

    def __str__(self) -> str:
        return f"[{self.start_at:%Y-%m-%dT%H:%M:%SZ}, {self.end_at:%Y-%m-%dT%H:%M:%SZ})"


class Basis(StrEnum):
    """Which of the store's clocks selects an order into a window."""

    UPDATED = "updated"
    CREATED_OR_UPDATED = "created_or_updated"


@dataclass(frozen=True, slots=True)
class Selection:
    """What a run asks the store for.

    Attributes:
        window: The window whose orders are owned by the run.
        basis: ``UPDATED`` for the live schedule, ``CREATED_OR_UPDATED`` for a backfill.
        order_numbers: If given, just these human numbers, whatever the window.
        statuses: If given, only orders with one of these financial statuses (canonical names).
    """

    window: Window
    basis: Basis
    order_numbers: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()

    def owns(self, created_at: datetime, updated_at: datetime) -> bool:
        """Tell whether an order with these two times belongs to the selection's window.

        Args:
            created_at: When it was placed, aware.
            updated_at: Its newest change, aware.
        """
        if self.order_numbers:
            return True
        if updated_at in self.window:
            return True
        return self.basis is Basis.CREATED_OR_UPDATED and created_at in self.window
