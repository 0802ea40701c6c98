"""Fills a shop with a few days of orders, the same ones for the same seed.

Every day holds a few hundred ordinary orders in the rhythm of a day, and one of each awkward kind.
`python -m include.connectors.stores.shopify.sandbox.seed --catalog` prints what the shop sells.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from include.connectors.stores.shopify.sandbox import catalog
from include.connectors.stores.shopify.sandbox.book import Order
from include.connectors.stores.shopify.sandbox.cases import CASES
from include.connectors.stores.shopify.sandbox.compose import Ids
from include.connectors.stores.shopify.sandbox.maker import Maker
from include.connectors.stores.shopify.sandbox.people import Crowd
from include.connectors.stores.shopify.sandbox.store import StoreState

# Share of a day's orders per hour of the shop's own day.
_RHYTHM = (2, 1, 1, 1, 1, 2, 3, 5, 7, 9, 10, 11, 12, 11, 10, 10, 10, 11, 12, 14, 15, 13, 9, 5)
_CUSTOMERS_PER_DAY = 240


def build_store(
    seed: int = 1,
    days: int = 3,
    per_day: int = 300,
    until: date | None = None,
    now: datetime | None = None,
    *,
    crowd_days: int | None = None,
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

    Returns:
        The shop's records.
    """
    moment = now or datetime.now(UTC)
    last = until or moment.date()
    chance = random.Random(seed)  # noqa: S311 - a made-up shop, no secret
    crowd = Crowd(chance, _CUSTOMERS_PER_DAY * max(crowd_days or days, 1))
    end = datetime.combine(last, time(), UTC)
    horizon = max(moment, end)
    maker = Maker(chance, Ids(), crowd, horizon)
    store = StoreState(ids=maker.ids)
    store.customers = crowd.records
    store.maker = maker
    for number in range(days, 0, -1):
        store.load(_day(maker, last - timedelta(days=number), per_day, horizon))
    if last == moment.date():
        store.load(_day(maker, last, per_day, moment))
    return store


def _day(maker: Maker, day: date, per_day: int, before: datetime) -> list[Order]:
    """Make a day's orders that are placed before a time."""
    start = datetime.combine(day, time(), UTC)
    zone = ZoneInfo(catalog.SHOP_TIMEZONE)
    weights = [_RHYTHM[(start + timedelta(hours=hour)).astimezone(zone).hour] for hour in range(24)]
    hours = maker.chance.choices(range(24), weights, k=max(per_day, len(CASES)))
    times = sorted(
        start + timedelta(hours=hour, seconds=maker.chance.randint(0, 3599)) for hour in hours
    )
    awkward = dict(zip(maker.chance.sample(range(len(times)), len(CASES)), CASES, strict=True))
    made = []
    for place, at in enumerate(times):
        if at >= before:
            break
        case = awkward.get(place)
        order = maker.ordinary(at) if case is None else CASES[case](maker, at)
        order.case = case or "ordinary"
        made.append(order)
    return made


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
