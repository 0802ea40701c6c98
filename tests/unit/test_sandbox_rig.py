"""A shop is as large as the ERP behind it can follow."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from include.connectors import registry
from include.connectors.stores.shopify.sandbox.cases import CASES
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.sandbox.rig import ShopSize, shop_size

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize("connector", registry.names("erps"))
def test_a_shop_has_hundreds_of_orders_a_day_unless_its_erp_says_how_many(connector: str) -> None:
    package = f"include.connectors.erps.{connector}.sandbox"
    said = getattr(__import__(package, fromlist=["ORDERS_A_DAY"]), "ORDERS_A_DAY", None)

    assert shop_size(connector).orders == (said or ShopSize().orders)
    assert ShopSize().orders >= 100


def test_a_real_server_gets_a_smaller_shop() -> None:
    assert shop_size("tryton").orders < ShopSize().orders


@pytest.mark.parametrize("offset", range(4))
def test_three_days_of_the_smaller_shop_hold_every_awkward_kind(offset: int) -> None:
    size, until = shop_size("tryton"), NOON + timedelta(days=offset)
    shop = build_store(1, 3, size.orders, until.date(), until, awkward_per_day=size.awkward)
    complete = [order for order in shop if order.created_at.date() < until.date()]
    by_kind = Counter(order.case for order in complete)

    assert set(CASES) <= set(by_kind)
    assert max(by_kind[kind] for kind in CASES) <= 2
    assert len(complete) == 3 * size.orders
