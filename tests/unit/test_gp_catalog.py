"""What the sandbox company is set up with fits the maps of its channel."""

from __future__ import annotations

from include.connectors.erps.dynamics_gp.sandbox.shop_company import company_catalog, maps
from include.sandbox.shop import shop_assortment


def test_every_value_of_the_maps_is_set_up_in_the_company() -> None:
    company, rows = company_catalog(shop_assortment()), maps(shop_assortment())
    assert set(rows["shipping"].values()) <= set(company.shipping_methods)
    assert set(rows["tax"].values()) <= set(company.tax_details)
    assert set(rows["location"].values()) <= set(company.sites)
    assert set(rows["customer_class"].values()) <= set(company.customer_classes)
    assert set(rows["sku"].values()) <= {item.number for item in company.items}
    for value in rows["payment"].values():
        kind, card, checkbook = value.split(":")
        assert kind in {"card", "cash", "check"}
        assert checkbook in company.checkbooks
        assert not card or company.cards[card] == checkbook


def test_some_items_are_short_of_stock_and_most_are_not() -> None:
    stock = [
        item.on_hand["MAIN"]
        for item in company_catalog(shop_assortment()).items
        if not item.service
    ]
    short = [units for units in stock if units < 100]
    assert 0 < len(short) < len(stock) / 10
