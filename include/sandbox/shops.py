"""The sandbox shop of a channel: what it was filled with is kept, so that it stays the same shop.

An ERP that was posted into must never meet another shop with the same order numbers. A restart
serves the same orders, grown by the days that have passed.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.store import StoreState

KEPT = "shop.json"
_SEEDS = 10_000


@dataclass(frozen=True, slots=True)
class Filling:
    """What a shop is filled with; the same filling makes the same shop."""

    seed: int
    days: int
    per_day: int
    until: str
    now: str
    awkward_per_day: int | None = None


def seed_of(channel: str, seed: int) -> int:
    """Return a channel's own seed, so that each shop has customers and orders of its own.

    Args:
        channel: Channel id.
        seed: The seed of all shops together.
    """
    return seed * _SEEDS + zlib.crc32(channel.encode()) % _SEEDS


def filling(
    folder: Path,
    *,
    seed: int,
    days: int,
    per_day: int,
    until: date | None = None,
    awkward_per_day: int | None = None,
) -> Filling:
    """Return the filling kept in a folder, or a new one, which is kept there.

    Args:
        folder: Folder of the channel's sandboxes.
        seed: Same seed, same shop.
        days: Complete days before ``until``.
        per_day: Orders of a complete day.
        until: First day that is not complete (default: today).
        awkward_per_day: Awkward orders of a day, the kinds in turn (default: one of each).
    """
    kept = folder / KEPT
    if kept.exists():
        return Filling(**json.loads(kept.read_text(encoding="utf-8")))
    now = datetime.now(UTC)
    first = (until or now.date()).isoformat()
    new = Filling(seed, days, per_day, first, now.isoformat(), awkward_per_day)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(asdict(new)), encoding="utf-8")
    return new


def grown_store(
    filled: Filling, until: date | None, now: datetime, *, lively: bool = False
) -> StoreState:
    """Return the shop of a filling as it is by now: its earlier days, and those since.

    Args:
        filled: What the shop was first filled with.
        until: First day that is not complete, if someone says so.
        now: The present.
        lively: Whether its orders change as its clock goes on.
    """
    first = date.fromisoformat(filled.until)
    last = max(first, until or now.date())
    since = (last - first).days
    return build_store(
        filled.seed,
        filled.days + since,
        filled.per_day,
        last,
        now,
        crowd_days=filled.days,
        lively=lively,
        awkward_per_day=filled.awkward_per_day,
    )
