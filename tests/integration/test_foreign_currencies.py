"""Shops whose books have no decimals, or three: from the store to the company and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy
from sqlalchemy import text

from include.connectors import registry
from include.connectors.erps.dynamics_gp.sandbox.company import seed
from include.connectors.erps.dynamics_gp.sandbox.shop_company import company_catalog
from include.domain.window import Window
from include.pipelines.house import House
from include.ports.erp import Erp
from include.sandbox.shop import shop_assortment
from include.staging import mapping
from local.postgres import EmbeddedPostgres
from tests.contract.foreign_orders import plain_order
from tests.contract.foreign_store import ForeignStore
from tests.integration.foreign_world import open_foreign_world

BEGAN_AT = datetime(2026, 11, 19, tzinfo=UTC)
DAY = Window(BEGAN_AT, BEGAN_AT + timedelta(days=1))
# The plain order's amounts, as shops of these currencies would have them.
YEN = {"57.26": "5726", "24.0": "2400", "48": "4800", "4.26": "426", "5.00": "500", "5": "500"}
DINARS = {
    "57.26": "57.263",
    "24.0": "24.001",
    "48": "48.002",
    "4.26": "4.26",
    "5.00": "5.001",
    "5": "5.001",
}


def order_in(currency: str, amounts: dict[str, str]) -> dict[str, object]:
    """The plain order with other amounts in another currency."""
    document = json.dumps(plain_order(1)).replace('"USD"', f'"{currency}"')
    for ours, theirs in amounts.items():
        document = document.replace(f'"amount": "{ours}"', f'"amount": "{theirs}"')
    return dict(json.loads(document))


def keep_books_in(gp_url: str, currency: str, decimals: int) -> None:
    """Make a currency the company's functional one."""
    catalog = company_catalog(shop_assortment())
    seed(gp_url, replace(catalog, currencies={currency: (currency, decimals)}))
    engine = sqlalchemy.create_engine(gp_url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        for column in ("mc40000 set funlcurr", "cm00100 set curncyid"):
            connection.execute(text(f"update {column} = :currency"), {"currency": currency})


def erp_of(house: House, gp_url: str, currency: str) -> Erp:
    """The channel's ERP, its settings naming the currency."""
    connector = registry.erp("dynamics_gp")
    with house.engine.begin() as connection:
        maps = mapping.load(connection, house.channel)
    own = registry.settings_of(connector, {"currencies": {currency: currency}}, "test")
    return connector.create(gp_url, own, maps)


@pytest.mark.parametrize(("currency", "decimals", "amounts"), [("JPY", 0, YEN), ("KWD", 3, DINARS)])
def test_an_order_in_a_currency_without_cents_is_booked_to_its_smallest_unit(
    postgres_server: EmbeddedPostgres,
    staging_url: str,
    currency: str,
    decimals: int,
    amounts: dict[str, str],
) -> None:
    total = Decimal(amounts["57.26"])
    store = ForeignStore([order_in(currency, amounts)])  # type: ignore[list-item]
    store.shop["currencyCode"] = currency
    with open_foreign_world(postgres_server, staging_url, store) as world:
        keep_books_in(world.gp_url, currency, decimals)
        house = world.house
        house.settings = house.settings.model_copy(update={"currency": currency})
        assert house.erp, "the maps are brought into staging when the ERP is first opened"
        house.erp = erp_of(house, world.gp_url, currency)
        found = world.whole(DAY)
        assert (found.posted, found.unexplained) == (1, 0), found.orders
        (money,) = found.money
        assert (money.currency, money.posted, money.paid) == (currency, total, total)
        booked = world.books("select docamnt, curncyid from sales_documents order by soptype")
        assert booked == [(total, currency)] * 2
