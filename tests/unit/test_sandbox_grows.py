"""The sandbox shop of `make run` on later days: its earlier days stay, new ones are added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from include.sandbox.shops import Filling, grown_store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_shop_that_is_started_days_later_keeps_its_orders_and_has_new_ones():
    filled = Filling(seed=3, days=2, per_day=60, until="2026-11-20", now=NOON.isoformat())
    today = {order.name: order for order in grown_store(filled, None, NOON)}
    later = {order.name: order for order in grown_store(filled, None, NOON + timedelta(days=2))}
    assert len(later) > len(today) + 100
    for name, order in today.items():
        again = later[name]
        assert (again.gid, again.created_at, again.case) == (
            order.gid,
            order.created_at,
            order.case,
        )
        assert [(line.id, line.quantity) for line in again.lines] == [
            (line.id, line.quantity) for line in order.lines
        ]
