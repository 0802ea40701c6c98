"""The alert on silence, held against a whole year of a shop: what it hears and what not."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from include.pipelines.silence import Rhythm, Silence, learn, listen, missed

ZONE = "America/New_York"
FIRST = date(2025, 11, 1)
DAYS = 425
MOST_FALSE_ALARMS = 2
BY_HOUR = (
    *(0.35, 0.2, 0.1, 0.06, 0.05, 0.08, 0.2, 0.5, 0.9, 1.2, 1.4, 1.5),
    *(1.6, 1.5, 1.4, 1.4, 1.4, 1.5, 1.6, 1.8, 2.0, 1.9, 1.4, 0.8),
)
BY_WEEKDAY = (1.05, 1.0, 1.0, 0.95, 0.9, 1.1, 1.25)
HOLIDAYS = {
    (1, 1): 0.3,
    (4, 5): 0.5,
    (5, 25): 0.6,
    (7, 4): 0.4,
    (9, 7): 0.6,
    (11, 26): 0.45,
    (11, 27): 3.0,
    (11, 30): 2.2,
    (12, 24): 0.5,
    (12, 25): 0.2,
    (12, 31): 0.5,
}


def level_of(day: date) -> float:
    """A year's tide, a rush before Christmas and a slack January."""
    tide = 1 + 0.2 * math.sin(2 * math.pi * (day.timetuple().tm_yday - 60) / 365)
    rush = 1.8 if (11, 20) <= (day.month, day.day) <= (12, 20) else 1.0
    slack = 0.65 if day.month == 1 else 1.0
    return tide * rush * slack * HOLIDAYS.get((day.month, day.day), 1.0)


def a_year(seed: int, per_day: int) -> list[datetime]:
    """When orders were placed: every hour a Poisson count at its own, somewhat restless rate."""
    return a_year_and_its_rates(seed, per_day)[0]


@cache
def a_year_and_its_rates(seed: int, per_day: int) -> tuple[list[datetime], dict[int, float]]:
    """When orders were placed, and the true rate of each hour since the epoch."""
    rng = random.Random(seed)
    orders, rates = [], {}
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        mood = rng.gammavariate(30, 1 / 30)
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE))
        for hour in range(24):
            mean = per_day * level_of(day) * BY_WEEKDAY[day.weekday()] * BY_HOUR[hour] / 26
            at = rng.expovariate(1)
            start = (midnight + timedelta(hours=hour)).astimezone(UTC)
            mean *= mood
            rates[int(start.timestamp() // 3600)] = mean
            while mean and at < mean:
                orders.append(start + timedelta(hours=at / mean))
                at += rng.expovariate(1)
    return sorted(orders), rates


class Listener:
    """Listens every hour; learns once a day, as nothing changes faster."""

    def __init__(self, orders: Sequence[datetime]) -> None:
        self.orders = orders
        self.rhythms: dict[date, Rhythm | None] = {}

    def hears(self, orders: Sequence[datetime], now: datetime) -> datetime | None:
        come = orders[bisect_left(orders, now - timedelta(days=9)) : bisect_right(orders, now)]
        day = come[-1].date()
        if day not in self.rhythms:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            self.rhythms[day] = learn(self.orders, midnight, ZONE)
        rhythm = self.rhythms[day]
        if rhythm is None or missed(rhythm, come, now) <= rhythm.allowed:
            return None
        return come[-1]


@cache
def listener_to(seed: int, per_day: int) -> Listener:
    """Who has listened to a shop before knows its days already."""
    return Listener(a_year(seed, per_day))


def false_alarms(listener: Listener) -> list[datetime]:
    """Listen every hour of the last 365 days and return each silence that was told."""
    orders = listener.orders
    now = orders[-1] - timedelta(days=365)
    told = []
    while now < orders[-1]:
        heard = listener.hears(orders, now)
        if heard is not None and heard not in told:
            told.append(heard)
        now += timedelta(hours=1)
    return told


def without(orders: Sequence[datetime], start: datetime, end: datetime) -> list[datetime]:
    return [at for at in orders if not start <= at < end]


@pytest.mark.parametrize(("seed", "per_day"), [(1, 90), (2, 90), (3, 300), (4, 20)])
def test_a_year_of_nights_weekends_holidays_and_seasons_gives_few_false_alarms(
    seed: int, per_day: int
) -> None:
    told = false_alarms(listener_to(seed, per_day))
    print(f"{per_day} orders a day, seed {seed}: {len(told)} false alarms in 365 days {told}")
    assert len(told) <= MOST_FALSE_ALARMS


def outages() -> Iterator[datetime]:
    """Starts of outages: every fifth ordinary day of most of a year, 17:00 by the shop's clock."""
    for number in range(70, 360, 5):
        day = FIRST + timedelta(days=number)
        if (day.month, day.day) not in HOLIDAYS:
            yield datetime(day.year, day.month, day.day, 17, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def share_heard(listener: Listener, hours: int) -> float:
    """The share of outages that are noticed by their end."""
    orders, noticed = listener.orders, []
    for start in outages():
        end = start + timedelta(hours=hours)
        first = bisect_left(orders, start - timedelta(days=9))
        broken = without(orders[first : bisect_right(orders, end)], start, end)
        noticed.append(listener.hears(broken, end) is not None)
    return sum(noticed) / len(noticed)


@pytest.mark.parametrize(
    ("seed", "per_day", "hours", "least"),
    [(3, 300, 3, 1.0), (8, 150, 3, 0.95), (1, 90, 3, 0.85), (1, 90, 4, 0.97), (2, 90, 5, 1.0)],
)
def test_busy_hours_without_an_order_are_noticed(
    seed: int, per_day: int, hours: int, least: float
) -> None:
    share = share_heard(listener_to(seed, per_day), hours)
    print(f"{per_day} orders a day: {share:.1%} of the outages noticed in {hours} hours")
    assert share >= least


def test_most_of_what_can_be_heard_at_all_within_three_hours_is_heard() -> None:
    """Who knew every hour's true rate would hear no more, at one false alarm a year, than this."""
    orders, rates = a_year_and_its_rates(1, 90)

    def lacking(since: datetime, until: datetime) -> float:
        hours = (since.timestamp() / 3600, until.timestamp() / 3600)
        return sum(
            rates.get(hour, 0) * (min(hours[1], hour + 1) - max(hours[0], hour))
            for hour in range(int(hours[0]), math.ceil(hours[1]))
        )

    longest: dict[datetime, float] = {}
    now = orders[-1] - timedelta(days=365)
    while now < orders[-1]:
        last = orders[bisect_right(orders, now) - 1]
        longest[last] = lacking(last, now)
        now += timedelta(hours=1)
    allowed = sorted(longest.values())[-2]
    known = [
        lacking(orders[bisect_left(orders, start) - 1], start + timedelta(hours=3)) > allowed
        for start in outages()
    ]
    reachable = sum(known) / len(known)
    print(f"reachable in 3 hours at one false alarm a year: {reachable:.1%}")
    assert share_heard(listener_to(1, 90), 3) > 0.85 * reachable


def test_a_night_is_no_silence_and_a_day_without_orders_is() -> None:
    orders = a_year(5, 90)
    cut = datetime(2026, 6, 10, 23, 30, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    come = orders[: bisect_left(orders, cut)]
    assert listen(come, cut + timedelta(hours=6), ZONE) is None
    found = listen(come, cut + timedelta(hours=14), ZONE)
    assert found is not None
    assert found.since_at == come[-1]
    assert "rhythm would have brought about" in found.in_words("shopify_gp")


def test_there_is_no_alert_before_there_is_enough_history() -> None:
    orders = a_year(6, 90)
    long_after = timedelta(days=30)
    assert listen([], orders[0], ZONE) is None
    few = orders[:99]
    assert listen(few, few[-1] + long_after, ZONE) is None
    three_weeks = orders[: bisect_left(orders, orders[0] + timedelta(days=21))]
    assert listen(three_weeks, three_weeks[-1] + long_after, ZONE) is None
    five_weeks = orders[: bisect_left(orders, orders[0] + timedelta(days=35))]
    assert listen(five_weeks, five_weeks[-1] + long_after, ZONE) is not None


def test_an_outage_in_the_past_does_not_deafen_the_alert() -> None:
    orders = a_year(7, 90)
    start = datetime(2026, 5, 20, 14, tzinfo=UTC)
    broken = without(orders, start, start + timedelta(hours=30))
    until = datetime(2026, 6, 10, tzinfo=UTC)
    clean, scarred = learn(orders, until, ZONE), learn(broken, until, ZONE)
    assert clean is not None
    assert scarred is not None
    assert scarred.allowed < clean.allowed * 1.2


def test_the_rhythm_follows_the_shops_clock_through_a_change_of_daylight_saving() -> None:
    rates = tuple(float(slot % 24) for slot in range(168))
    rhythm = Rhythm(rates, 9.0, ZONE)
    noon = datetime(2026, 3, 9, 12, tzinfo=ZoneInfo(ZONE))
    before = datetime(2026, 3, 6, 12, tzinfo=ZoneInfo(ZONE))
    for at in (noon, before):
        assert rhythm.expected(at, at + timedelta(hours=1)) == pytest.approx(12)
    parts = [noon + timedelta(minutes=minutes) for minutes in (0, 17, 61, 200)]
    whole = rhythm.expected(parts[0], parts[-1])
    assert sum(rhythm.expected(a, b) for a, b in pairwise(parts)) == pytest.approx(whole)
    assert rhythm.expected(noon, noon) == 0


def test_nobody_looking_is_said_in_other_words_than_nobody_buying() -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    assert "has not been looked at since" in Silence(at, at, 0.0).in_words("shopify_gp")
