"""The check row carries figures and flags of an order, and nothing personal."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from include.connectors.stores.shopify.normalise import normalise
from include.domain.order import Order
from include.pipelines.checks import check_row
from include.staging.checks import CHECK_COLUMNS
from tests.unit.shopify_orders import (
    ADDRESS,
    Node,
    allocation,
    bag,
    custom_line,
    line,
    order,
    shipping,
    tax,
    transaction,
)


def of(document: Node) -> Order:
    return normalise("shop", document)


def usual() -> Node:
    return order(
        [
            line(
                1,
                "20.00",
                2,
                discountAllocations=[allocation("4.00")],
                taxLines=[tax("State", 0.05, "1.80"), tax("City", 0.01, "0.36")],
            ),
            custom_line(2, "3.00"),
        ],
        "46.16",
        tax_total="2.16",
        ships=[shipping(1, "5.00")],
        current_shipping="5.00",
    )


def test_every_column_has_one_value_in_its_order_and_names_its_type() -> None:
    row = check_row(of(usual()))
    assert list(row) == [column.name for column in CHECK_COLUMNS]
    types = {"text": str, "boolean": bool, "integer": int, "bigint": int, "numeric": Decimal}
    for column in CHECK_COLUMNS:
        value = row[column.name]
        if value is None:
            assert column.nullable, column.name
        elif column.sql_type in types:
            assert type(value) is types[column.sql_type], column.name


def test_money_stands_in_whole_minor_units() -> None:
    row = check_row(of(usual()))
    assert row["current_total_minor"] == 4616
    assert row["lines_total_minor"] == 3900
    assert row["charges_total_minor"] == 500
    assert row["taxes_total_minor"] == 216
    assert row["discount_minor"] == 400
    assert row["received_minor"] == 4616
    assert row["broken_ties"] == 0
    assert row["min_tax_rate"] == Decimal("0.01")
    assert row["max_tax_rate"] == Decimal("0.05")


def test_a_broken_tie_is_counted_named_and_measured() -> None:
    document = usual()
    document["currentTotalPriceSet"] = bag("46.23")
    row = check_row(of(document))
    assert row["broken_ties"] == 1
    assert row["tie_difference_minor"] == 7
    assert row["presentment_tie_difference_minor"] == 7
    assert str(row["first_broken_tie"]).startswith("current lines")


def test_an_amount_finer_than_its_currency_is_counted() -> None:
    document = usual()
    document["currentTotalPriceSet"] = bag("46.165")
    row = check_row(of(document))
    assert row["fractional_amounts"] == 1
    assert row["current_total_minor"] == 4617


def test_counts_tell_what_is_odd_about_the_lines() -> None:
    found = order(
        [
            line(1, "5.00", sku=None, title=""),
            line(2, "5.00", 1, currentQuantity=2),
            line(2, "-5.00", -1, currentQuantity=-1),
            line(4, "5.00", discountAllocations=[allocation("6.00")]),
            line(5, "5.00", isGiftCard=True, sku="A" * 60),
        ],
        "0",
    )
    row = check_row(of(found))
    assert row["lines_without_sku"] == 1
    assert row["lines_without_title"] == 1
    assert row["grown_quantities"] == 1
    assert row["negative_quantities"] == 1
    assert row["over_discounted_lines"] == 1
    assert row["duplicate_line_ids"] == 1
    assert row["gift_card_lines"] == 1
    assert row["max_sku_length"] == 60
    assert row["quantity_total"] == 3


def test_flags_tell_who_is_there_without_saying_who() -> None:
    found = of(usual())
    row = check_row(found)
    assert row["has_customer"] is True
    assert row["email_valid"] is True
    assert row["shipping_country"] == "US"
    assert row["shipping_country_valid"] is True
    personal = {ADDRESS["name"], ADDRESS["address1"], ADDRESS["zip"], "ada@example.com"}
    assert not personal & {value for value in row.values() if isinstance(value, str)}


def test_a_bad_email_and_a_bad_country_are_flagged_and_absent_ones_are_unknown() -> None:
    document = usual()
    document["email"] = "ada at example"
    document["shippingAddress"]["countryCodeV2"] = "usa"
    row = check_row(of(document))
    assert row["email_valid"] is False
    assert row["shipping_country_valid"] is False
    document.update(customer=None, email=None, shippingAddress=None, billingAddress=None)
    row = check_row(of(document))
    assert row["email_valid"] is None
    assert row["shipping_country_valid"] is None
    assert row["has_shipping_address"] is False
    assert row["pii_state"] == "absent"


def test_an_order_placed_after_it_was_pulled_lies_in_the_future() -> None:
    found = of(usual())
    assert check_row(found)["in_future"] is None
    assert check_row(found, found.placed_at - timedelta(seconds=1))["in_future"] is True
    assert check_row(found, found.placed_at)["in_future"] is False


def test_gateways_are_counted_once_and_pending_payments_apart() -> None:
    document = usual()
    document["transactions"] += [
        transaction(2, "SALE", "1.00", status="PENDING"),
        transaction(3, "SALE", "1.00", status="FAILURE", gateway=None, formattedGateway=None),
    ]
    row = check_row(of(document))
    assert row["gateway_count"] == 1
    assert row["pending_tenders"] == 1
    assert row["tenders_without_gateway"] == 1
