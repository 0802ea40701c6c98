"""Fills a shop with a few days of orders, the same ones for the same seed.

Every day holds a few hundred ordinary orders in the rhythm of a day, and one of each awkward kind;
in a shop that is told to have fewer awkward ones a day, the kinds take turns.
`python -m include.connectors.stores.shopify.sandbox.seed --catalog` prints what the shop sells.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from include.connectors.stores.shopify.sandbox import catalog, lives
from include.connectors.stores.shopify.sandbox.book import Order
from include.connectors.stores.shopify.sandbox.cases import CASES
from include.connectors.stores.shopify.sandbox.compose import Ids
from include.connectors.stores.shopify.sandbox.maker import Maker
from include.connectors.stores.shopify.sandbox.people import Crowd
from include.connectors.stores.shopify.sandbox.store import StoreState

# Share of a day's orders per hour of the shop's own day.
_RHYTHM = (2, 1, 1, 1, 1, 2, 3, 5, 7, 9, 10, 11, 12, 11, 10, 10, 10, 11, 12, 14, 15, 13, 9, 5)
_CUSTOMERS_PER_DAY = 240
_NEVER = datetime.max.replace(tzinfo=UTC)


def build_store(
    seed: int = 1,
    days: int = 3,
    per_day: int = 300,
    until: date | None = None,
    now: datetime | None = None,
    *,
    crowd_days: int | None = None,
    lively: bool = False,
    awkward_per_day: int | None = None,
) -> StoreState:
    """Fill a shop.

    Args:
        seed: Same seed, same shop.
        days: Complete days (UTC) before `until`.
        per_day: Orders of a complete day, awkward ones included.
        until: First day that is not complete (default: today).
        now: Orders of that day are placed up to this time (default: now, when `until` is today).
        crowd_days: Days that the number of customers is reckoned by (default: `days`). A shop
            seeded again with more days and the same crowd repeats its earlier days.
        lively: Orders come about, and are edited, refunded and cancelled, as the shop's clock
            reaches these times; else every order has its whole history at once.
        awkward_per_day: Awkward orders of a complete day, the kinds in turn (default: one of each).

    Returns:
        The shop's records.
    """
    moment = now or datetime.now(UTC)
    last = until or moment.date()
    chance = random.Random(seed)  # noqa: S311 - a made-up shop, no secret
    crowd = Crowd(chance, _CUSTOMERS_PER_DAY * max(crowd_days or days, 1))
    end = datetime.combine(last, time(), UTC)
    horizon = max(moment, end)
    maker = Maker(chance, Ids(), crowd, _NEVER if lively else horizon)
    if lively:
        maker.lead = _lead
    store = StoreState(ids=maker.ids)
    store.customers = crowd.records
    store.maker = maker
    for number in range(days, 0, -1):
        day = last - timedelta(days=number)
        kinds = _kinds(day, awkward_per_day)
        _add(store, _day(maker, day, kinds, per_day, horizon), lively=lively)
    if last == moment.date():
        kinds = _kinds(last, awkward_per_day)
        _add(store, _day(maker, last, kinds, per_day, moment), lively=lively)
    return store


def _lead(maker: Maker, order: Order) -> bool:
    chosen = lives.choose(order)
    if chosen is None:
        return False
    life, chance = chosen
    life(maker, order, chance)
    return True


def _add(store: StoreState, made: Iterator[tuple[Order, list[Order]]], *, lively: bool) -> None:
    if not lively:
        store.load([order for order, _ in made])
        return
    for order, earlier in made:
        for version in (*earlier, order):
            version.case = order.case
            store.timeline.add(version, version.updated_at)


def _kinds(day: date, count: int | None) -> list[str]:
    """Return the awkward kinds of a day: each day goes on where the day before ended."""
    kinds = list(CASES)
    if count is None or count >= len(kinds):
        return kinds
    first = day.toordinal() * count
    return [kinds[(first + place) % len(kinds)] for place in range(count)]


def _day(
    maker: Maker, day: date, kinds: Sequence[str], per_day: int, before: datetime
) -> Iterator[tuple[Order, list[Order]]]:
    """Yield a day's orders that are placed before a time, each with its earlier versions."""
    start = datetime.combine(day, time(), UTC)
    zone = ZoneInfo(catalog.SHOP_TIMEZONE)
    weights = [_RHYTHM[(start + timedelta(hours=hour)).astimezone(zone).hour] for hour in range(24)]
    hours = maker.chance.choices(range(24), weights, k=max(per_day, len(kinds)))
    times = sorted(
        start + timedelta(hours=hour, seconds=maker.chance.randint(0, 3599)) for hour in hours
    )
    awkward = dict(zip(maker.chance.sample(range(len(times)), len(kinds)), kinds, strict=True))
    for place, at in enumerate(times):
        if at >= before:
            break
        case, maker.kept = awkward.get(place), []
        order = maker.ordinary(at) if case is None else CASES[case](maker, at)
        order.case = case or "ordinary"
        yield order, maker.kept


def main(arguments: list[str] | None = None) -> int:
    """Print the catalogue as JSON."""
    parser = argparse.ArgumentParser(description="The catalogue of the sandbox's shop.")
    parser.add_argument("--catalog", action="store_true", help="print the catalogue as JSON")
    parser.parse_args(arguments)
    json.dump(catalog.as_document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
