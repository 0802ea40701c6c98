"""The check row carries figures and flags of an order, and nothing personal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from include.connectors.stores.shopify.normalise import normalise
from include.domain.money import ZERO, Amount
from include.domain.order import (
    Address,
    Charge,
    ChargeKind,
    Customer,
    Discount,
    FinancialStatus,
    LineKind,
    Order,
    OrderLine,
    Refund,
    SalesProgram,
    StatedTotals,
    TaxLine,
    Tender,
    TenderKind,
    TenderStatus,
)
from include.pipelines.checks import check_row
from include.staging.rows import CARRIED_CHECKS
from tests.unit.check_rows import by_name
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

PLACED_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


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


def test_every_column_has_one_value_of_its_type() -> None:
    row = by_name(check_row(of(usual())))
    types = {"text": str, "boolean": bool, "integer": int, "bigint": int, "numeric": Decimal}
    for column in CARRIED_CHECKS:
        value = row[column.name]
        if value is None:
            assert column.nullable, column.name
        elif column.sql_type in types:
            assert type(value) is types[column.sql_type], column.name


def told_apart() -> Order:
    """An order that no shop would give: nearly every figure of its check row is another."""
    both = [Amount(Decimal(f"{n}.0{n % 10}"), Decimal(f"{n}.5")) for n in range(40)]
    levied = TaxLine("VAT", both[3], both[4], Decimal("0.07"), collected_by_marketplace=True)
    withheld = TaxLine("Levy", both[1], Amount(Decimal("-1.30"), ZERO), Decimal("0.21"))
    goods = OrderLine("1", LineKind.GOODS, "SKU-1", "Shirt", 9, 4, both[5], both[6])
    return Order(
        channel="shop",
        order_id_store="order/1",
        number="#1",
        placed_at=PLACED_AT,
        updated_at=PLACED_AT - timedelta(days=1),
        cancelled_at=PLACED_AT + timedelta(days=2),
        currency="USD",
        presentment_currency="JPY",
        taxes_included=True,
        is_edited=True,
        financial_status=FinancialStatus.VOIDED,
        fulfillment_status="partial",
        program=SalesProgram.DRAFT,
        stated=StatedTotals(
            both[11],
            both[12],
            both[13],
            both[14],
            both[15],
            received=both[16],
            refunded=both[17],
            outstanding=both[18],
            refund_discrepancy=both[19],
        ),
        lines=(
            replace(goods, discounts=(Discount(both[7]),), taxes=(levied, withheld)),
            replace(goods, sku=None, quantity=1, current_quantity=3, title="T" * 31),
            replace(goods, kind=LineKind.GIFT_CARD, sku="S" * 23, quantity=-2),
            replace(goods, line_id="4", kind=LineKind.CUSTOM, sku=None, title=""),
            replace(goods, line_id="5", kind=LineKind.CUSTOM, sku=None, unit_price=both[0]),
            replace(goods, line_id="6", discounts=(Discount(Amount(Decimal(-1), ZERO)),)),
        ),
        charges=(
            Charge(
                "1", ChargeKind.SHIPPING, "Post", both[8], both[9], discounts=(Discount(both[2]),)
            ),
            Charge("2", ChargeKind.ROUNDING, "Cash", both[0], Amount(Decimal("0.03"), ZERO)),
        ),
        tenders=tuple(
            Tender(str(n), gateway, TenderKind.SALE, status, both[1], PLACED_AT)
            for n, (gateway, status) in enumerate(
                [
                    *(("", TenderStatus.FAILURE) for _ in range(5)),
                    *((name, TenderStatus.PENDING) for name in ("a", "b", "b", "b")),
                    *(("c", TenderStatus.SUCCESS) for _ in range(3)),
                ]
            )
        ),
        refunds=(Refund("1", PLACED_AT, both[1]),),
        customer=Customer("c", email="ada at example"),
        shipping_address=Address(country_code="DE"),
    )


def test_every_figure_stands_under_its_own_name() -> None:
    assert by_name(check_row(told_apart(), PLACED_AT)) == {
        "channel": "shop",
        "placed_at": PLACED_AT,
        "cancelled_at": PLACED_AT + timedelta(days=2),
        "currency": "USD",
        "presentment_currency": "JPY",
        "financial_status": "voided",
        "fulfillment_status": "partial",
        "program": "draft",
        "pii_state": "present",
        "is_test": False,
        "is_cancelled": True,
        "is_edited": True,
        "taxes_included": True,
        "in_future": False,
        "updated_before_placed": True,
        "line_count": 6,
        "charge_count": 2,
        "tender_count": 12,
        "refund_count": 1,
        "duplicate_line_ids": 2,
        "quantity_total": 35,
        "current_quantity_total": 23,
        "original_total_minor": 1101,
        "current_total_minor": 1202,
        "current_subtotal_minor": 1303,
        "current_tax_minor": 1404,
        "current_shipping_minor": 1505,
        "presentment_total_minor": 13,
        "lines_total_minor": 3636,
        "charges_total_minor": 909,
        "taxes_total_minor": 274,
        "marketplace_tax_minor": 404,
        "discount_minor": 809,
        "rounding_minor": 3,
        "received_minor": 1606,
        "refunded_minor": 1707,
        "outstanding_minor": 1808,
        "refund_discrepancy_minor": 1909,
        "broken_ties": 6,
        "first_broken_tie": "current lines, charges and taxes against the current total",
        "tie_difference_minor": 12028,
        "presentment_tie_difference_minor": 135,
        "fractional_amounts": 3,
        "negative_quantities": 1,
        "grown_quantities": 1,
        "negative_prices": 1,
        "over_discounted_lines": 0,
        "lines_without_sku": 1,
        "lines_without_title": 1,
        "gift_card_lines": 1,
        "custom_lines": 2,
        "max_sku_length": 23,
        "max_title_length": 31,
        "has_customer": True,
        "has_billing_address": False,
        "has_shipping_address": True,
        "requires_shipping": True,
        "has_shipping_charge": True,
        "shipping_country": "DE",
        "shipping_country_valid": True,
        "email_valid": False,
        "gateway_count": 3,
        "tenders_without_gateway": 5,
        "pending_tenders": 4,
        "tax_line_count": 2,
        "negative_taxes": 1,
        "min_tax_rate": Decimal("0.07"),
        "max_tax_rate": Decimal("0.21"),
    }


def test_money_stands_in_whole_minor_units() -> None:
    row = by_name(check_row(of(usual())))
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
    row = by_name(check_row(of(document)))
    assert row["broken_ties"] == 1
    assert row["tie_difference_minor"] == 7
    assert row["presentment_tie_difference_minor"] == 7
    assert str(row["first_broken_tie"]).startswith("current lines")


def test_an_amount_finer_than_its_currency_is_counted() -> None:
    document = usual()
    document["currentTotalPriceSet"] = bag("46.165")
    row = by_name(check_row(of(document)))
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
    row = by_name(check_row(of(found)))
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
    row = by_name(check_row(found))
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
    row = by_name(check_row(of(document)))
    assert row["email_valid"] is False
    assert row["shipping_country_valid"] is False
    document.update(customer=None, email=None, shippingAddress=None, billingAddress=None)
    row = by_name(check_row(of(document)))
    assert row["email_valid"] is None
    assert row["shipping_country_valid"] is None
    assert row["has_shipping_address"] is False
    assert row["pii_state"] == "absent"


def test_an_order_placed_after_it_was_pulled_lies_in_the_future() -> None:
    found = of(usual())
    earlier = found.placed_at - timedelta(seconds=1)
    assert by_name(check_row(found))["in_future"] is None
    assert by_name(check_row(found, earlier))["in_future"] is True
    assert by_name(check_row(found, found.placed_at))["in_future"] is False


def test_gateways_are_counted_once_and_pending_payments_apart() -> None:
    document = usual()
    document["transactions"] += [
        transaction(2, "SALE", "1.00", status="PENDING"),
        transaction(3, "SALE", "1.00", status="FAILURE", gateway=None, formattedGateway=None),
    ]
    row = by_name(check_row(of(document)))
    assert row["gateway_count"] == 1
    assert row["pending_tenders"] == 1
    assert row["tenders_without_gateway"] == 1
