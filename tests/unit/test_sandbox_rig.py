"""A shop is as large as the ERP behind it can follow."""

from __future__ import annotations

import pytest

from include.connectors import registry
from include.sandbox.rig import ORDERS_A_DAY, orders_a_day


@pytest.mark.parametrize("connector", registry.names("erps"))
def test_a_shop_has_hundreds_of_orders_a_day_unless_its_erp_says_how_many(connector: str) -> None:
    package = f"include.connectors.erps.{connector}.sandbox"
    said = getattr(__import__(package, fromlist=["ORDERS_A_DAY"]), "ORDERS_A_DAY", None)

    assert orders_a_day(connector) == (said or ORDERS_A_DAY)
    assert ORDERS_A_DAY >= 100


def test_a_real_server_gets_a_smaller_shop() -> None:
    assert orders_a_day("tryton") < ORDERS_A_DAY
