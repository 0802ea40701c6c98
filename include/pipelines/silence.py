"""Notices when no orders come any more, by the rhythm that the channel itself has.

Eight weeks of orders give a rate for each hour of the week in the shop's time zone. A silence is
measured in orders that should have come since the last one, at the level of the last hours, day and
week, whichever is lowest: nights, weekends, holidays and slack months expect little by themselves.
The gaps of the eight weeks, measured in the same way, say how much may be missing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from math import log10
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import text

from include.pipelines.house import House

WEEKS = 8
LEAST_WEEKS = 4
LEAST_ORDERS = 100
LEAST_MISSED = 8.0
MARGIN = 1.1
LEVELS = (timedelta(hours=6), timedelta(days=1), timedelta(days=7))
STEADY = 3.0
HOURS_A_WEEK = 168
NOT_LOOKED = 2
GRACE = timedelta(hours=2)
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What a channel's weeks look like.

    Attributes:
        rates: Orders an hour, for each hour of the week from Monday 00:00 in ``zone``.
        allowed: Orders that may fail to come before it is a silence.
        zone: IANA name of the shop's time zone.
    """

    rates: tuple[float, ...]
    allowed: float
    zone: str

    def expected(self, start_at: datetime, end_at: datetime) -> float:
        """Return how many orders the rhythm brings between two instants.

        Args:
            start_at: First instant, aware.
            end_at: First instant after, aware.
        """
        start, end = start_at.timestamp(), end_at.timestamp()
        if end <= start:
            return 0.0
        first, last = int(start // _HOUR), int(end // _HOUR)
        if first == last:
            return self._rate(first) * (end - start) / _HOUR
        ends = self._rate(first) * (first + 1 - start / _HOUR)
        ends += self._rate(last) * (end / _HOUR - last)
        return ends + sum(self._rate(hour) for hour in range(first + 1, last))

    def _rate(self, hour: int) -> float:
        return self.rates[_slot(hour, self.zone)]


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing has come for longer than the rhythm allows, or nobody has looked.

    Attributes:
        since_at: When the last order was placed; or up to when the store was looked at.
        seen_until: Up to when the store was looked at.
        missed: Orders that should have come by then; 0 when nobody has looked.
    """

    since_at: datetime
    seen_until: datetime
    missed: float

    def in_words(self, channel: str) -> str:
        """Say what is wrong and what to do.

        Args:
            channel: Channel id.
        """
        since = f"{self.since_at:%Y-%m-%d %H:%M} UTC"
        if not self.missed:
            return (
                f"Channel {channel}: the store has not been looked at since {since}. See whether "
                f"the DAG orders__{channel} is switched on and its last run is green."
            )
        return (
            f"Channel {channel}: the last order was placed at {since}; up to "
            f"{self.seen_until:%Y-%m-%d %H:%M} UTC its rhythm would have brought about "
            f"{self.missed:.0f} more. Try the shop's checkout, then see whether the app still may "
            "read all orders."
        )


class _Sums:
    """The rhythm added up hour by hour, so that any stretch of a few weeks is two look-ups.

    Args:
        rates: Orders an hour, for each hour of the week.
        zone: IANA name of the shop's time zone.
        start_at: First instant that is asked about, aware.
        end_at: Last one.
    """

    def __init__(
        self, rates: Sequence[float], zone: str, start_at: datetime, end_at: datetime
    ) -> None:
        self._first = int(start_at.timestamp() // _HOUR)
        last = int(end_at.timestamp() // _HOUR)
        hours = (rates[_slot(hour, zone)] for hour in range(self._first, last + 1))
        self._sums = [0.0, *accumulate(hours)]

    def upto(self, stamp: float) -> float:
        """Return how many orders the rhythm brings from the start to a POSIX time."""
        hours = stamp / _HOUR - self._first
        if hours <= 0:
            return 0.0
        whole = min(int(hours), len(self._sums) - 2)
        rate = self._sums[whole + 1] - self._sums[whole]
        return self._sums[whole] + rate * min(hours - whole, 1.0)


def _level(spans: Iterable[tuple[int, float]]) -> float:
    """Return the lowest level of some spans, 1 being the usual and the most.

    A handful of orders says little about the level: the constant keeps it steady.

    Args:
        spans: Of each, how many orders came and how many are usual.
    """
    return min(1.0, *((came + STEADY) / (usual + STEADY) for came, usual in spans))


@lru_cache(maxsize=1 << 16)
def _slot(hour: int, zone: str) -> int:
    at = datetime.fromtimestamp(hour * _HOUR, ZoneInfo(zone))
    return at.weekday() * 24 + at.hour


def learn(orders: Sequence[datetime], until: datetime, zone: str) -> Rhythm | None:
    """Learn a rhythm from the times at which orders were placed.

    Args:
        orders: Times, aware, sorted; those of the last ``WEEKS`` weeks before ``until`` count.
        until: The end of what is learned from, aware.
        zone: IANA name of the shop's time zone.

    Returns:
        The rhythm, or ``None`` when there is not enough to learn from.
    """
    recent = orders[bisect_left(orders, until - timedelta(weeks=WEEKS)) :]
    recent = recent[: bisect_left(recent, until)]
    if len(recent) < LEAST_ORDERS or until - recent[0] < timedelta(weeks=LEAST_WEEKS):
        return None
    counts, hours = [0] * HOURS_A_WEEK, [0] * HOURS_A_WEEK
    for at in recent:
        counts[_slot(int(at.timestamp() // _HOUR), zone)] += 1
    for hour in range(int(recent[0].timestamp() // _HOUR), int(until.timestamp() // _HOUR)):
        hours[_slot(hour, zone)] += 1
    raw = [count / max(seen, 1) for count, seen in zip(counts, hours, strict=True)]
    rates = tuple(
        (raw[slot - 1] + 2 * raw[slot] + raw[(slot + 1) % HOURS_A_WEEK]) / 4
        for slot in range(HOURS_A_WEEK)
    )
    gaps = sorted(_levelled_gaps(recent, _Sums(rates, zone, recent[0] - max(LEVELS), until)))
    days = (until - recent[0]) / timedelta(days=1)
    once_a_year = _beyond(gaps, 365 * len(recent) / days)
    return Rhythm(rates, max(LEAST_MISSED, MARGIN * once_a_year), zone)


def _levelled_gaps(orders: Sequence[datetime], sums: _Sums) -> Iterator[float]:
    """Yield each gap in orders that its week would have brought.

    A slack week's gaps are as long as its level says, and no reason to wait longer in a full one.
    """
    stamps = [at.timestamp() for at in orders]
    sums_upto = [sums.upto(stamp) for stamp in stamps]
    spans = [span.total_seconds() for span in LEVELS]
    known = bisect_left(stamps, stamps[0] + max(spans))
    for place in range(known, len(stamps) - 1):
        last, brought = stamps[place], sums_upto[place]
        level = _level(
            (
                place + 1 - bisect_left(stamps, last - span, 0, place + 1),
                brought - sums.upto(last - span),
            )
            for span in spans
        )
        yield level * (sums_upto[place + 1] - brought)


def _beyond(gaps: Sequence[float], many: float) -> float:
    """Return the gap that one in ``many`` exceeds; gaps sorted, their tail taken as exponential."""
    tenth, hundredth = gaps[int(len(gaps) * 0.9)], gaps[int(len(gaps) * 0.99)]
    return hundredth + (hundredth - tenth) * (log10(many) - 2)


def missed(rhythm: Rhythm, orders: Sequence[datetime], seen_until: datetime) -> float:
    """Return how many orders should have come since the last one, at the level of late.

    Args:
        rhythm: What the weeks look like.
        orders: Times of orders, aware, sorted.
        seen_until: Up to when the store was looked at.
    """
    last = orders[-1]
    level = _level(
        (len(orders) - bisect_left(orders, last - span), rhythm.expected(last - span, last))
        for span in LEVELS
    )
    return level * rhythm.expected(last, seen_until)


def listen(orders: Sequence[datetime], seen_until: datetime, zone: str) -> Silence | None:
    """Tell whether nothing has come for longer than the rhythm allows.

    Args:
        orders: Times at which orders were placed, aware, sorted.
        seen_until: Up to when the store was looked at.
        zone: IANA name of the shop's time zone.
    """
    if not orders:
        return None
    rhythm = learn(orders, orders[-1], zone)
    if rhythm is None:
        return None
    lacking = missed(rhythm, orders, seen_until)
    return Silence(orders[-1], seen_until, lacking) if lacking > rhythm.allowed else None


def check(house: House) -> Silence | None:
    """Look for a silence in what was staged and landed of the channel.

    Args:
        house: The channel.

    Returns:
        The silence, or ``None``; also where there is not enough history to know.
    """
    now = house.clock.now()
    values = {"channel": house.channel, "since": now - timedelta(weeks=WEEKS), "now": now}
    with house.engine.connect() as connection:
        windows = list(connection.scalars(_WINDOWS, values))
        orders = sorted(connection.scalars(_ORDERS, values))
    if not windows:
        return None
    seen_until = windows[-1]
    steps = [later - earlier for earlier, later in pairwise(windows)]
    if len(steps) >= LEAST_WEEKS and now - seen_until > NOT_LOOKED * median(steps) + GRACE:
        return Silence(seen_until, seen_until, 0.0)
    return listen(orders, seen_until, house.settings.time_zone)


def tell(house: House, send: Callable[[str, str, str], None]) -> Silence | None:
    """Tell the order data owner of a silence, once each.

    Args:
        house: The channel.
        send: Sends a message to an owner: owner, subject, words. Raises when it could not.

    Returns:
        The silence that was told, or ``None`` when there is none or it was told before.
    """
    found = check(house)
    if found is None:
        return None
    key = {"channel": house.channel, "since_at": found.since_at}
    with house.engine.begin() as connection:
        connection.execute(
            _NOTICED, {**key, "noticed_at": house.clock.now(), "missed": found.missed}
        )
    # The row stays locked while the message goes out: of two callers at once, one tells.
    with house.engine.begin() as connection:
        if connection.execute(_UNTOLD, key).one_or_none() is None:
            return None
        subject = f"Counterfoil: {house.channel}: no orders since {found.since_at:%Y-%m-%d %H:%M}"
        send(house.settings.order_data_owner, subject, found.in_words(house.channel))
        connection.execute(_TOLD, {**key, "told_at": datetime.now(UTC)})
    return found


_WINDOWS = text(
    "SELECT DISTINCT window_end FROM landing_batch WHERE channel = :channel"
    " AND window_end BETWEEN :since AND :now AND window_end > window_start"
    " AND state NOT IN ('open', 'superseded') AND selection->'order_numbers' = '[]'"
    " AND selection->'statuses' = '[]' ORDER BY window_end"
)
_ORDERS = text(
    "SELECT placed_at FROM staged_order WHERE channel = :channel AND placed_at >= :since"
    " AND placed_at <= :now AND NOT is_test"
    " UNION ALL SELECT coalesce(o.placed_at, o.updated_at) FROM landing_order AS o"
    " JOIN landing_batch AS b USING (batch_id) WHERE b.channel = :channel AND o.verdict = 'hold'"
    " AND coalesce(o.placed_at, o.updated_at) BETWEEN :since AND :now"
    " AND NOT EXISTS (SELECT FROM staged_order AS s WHERE s.channel = :channel"
    "  AND s.order_id_store = o.order_id_store)"
)
_NOTICED = text(
    "INSERT INTO silence_alert (channel, since_at, noticed_at, missed)"
    " VALUES (:channel, :since_at, :noticed_at, :missed)"
    " ON CONFLICT (channel, since_at) DO UPDATE SET missed = excluded.missed"
)
_UNTOLD = text(
    "SELECT 1 FROM silence_alert WHERE channel = :channel AND since_at = :since_at"
    " AND told_at IS NULL FOR UPDATE"
)
_TOLD = text(
    "UPDATE silence_alert SET told_at = :told_at WHERE channel = :channel AND since_at = :since_at"
)
