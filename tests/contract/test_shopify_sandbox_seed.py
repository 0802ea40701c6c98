"""The orders of the sandbox's shop add up by Shopify's own rules, in both currencies."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from decimal import Decimal
from typing import Any

import pytest

from include.connectors.stores.shopify.sandbox import catalog, seed
from include.connectors.stores.shopify.sandbox.amounts import MoneyBag, exponent, split
from include.connectors.stores.shopify.sandbox.book import Order
from include.connectors.stores.shopify.sandbox.cases import CASES
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.store import StoreState
from tests.contract.sandbox_shop import NOW, UNTIL

SIDES = ("shop", "presentment")


@pytest.fixture(scope="module")
def store() -> StoreState:
    return build_store(3, 2, 150, UNTIL, NOW)


def amount(bag: MoneyBag | None, side: str) -> Decimal:
    return Decimal(0) if bag is None else Decimal(getattr(bag, side).amount)


def taxes(rows: list[dict[str, Any]], side: str) -> Decimal:
    return sum(
        (amount(tax["priceSet"], side) for row in rows for tax in row["taxLines"]), Decimal(0)
    )


def allocated(rows: list[dict[str, Any]], side: str) -> Decimal:
    return sum(
        (
            amount(part["allocatedAmountSet"], side)
            for row in rows
            for part in row["discountAllocations"]
        ),
        Decimal(0),
    )


def expected(record: dict[str, Any], side: str) -> dict[str, Decimal]:
    """Add the parts of an order up to its totals."""
    lines, shipping = record["lineItems"], record["shippingLines"]
    sold = [line for line in lines if line["title"] != "Tip"]
    gross = sum(amount(row["originalUnitPriceSet"], side) * row["quantity"] for row in sold)
    subtotal = gross - allocated(sold, side)
    delivery = sum((amount(row["originalPriceSet"], side) for row in shipping), Decimal(0))
    tax = taxes(lines + shipping, side)
    tips = sum(
        (amount(row["originalTotalSet"], side) for row in lines if row["title"] == "Tip"),
        Decimal(0),
    )
    extra = sum((amount(row["price"], side) for row in record["additionalFees"]), Decimal(0))
    duty = sum((amount(row["price"], side) for line in lines for row in line["duties"]), Decimal(0))
    whole = subtotal + delivery - allocated(shipping, side) + tips + extra + duty
    return {
        "subtotalPriceSet": subtotal,
        "totalTaxSet": tax,
        "totalShippingPriceSet": delivery,
        "totalDiscountsSet": allocated(lines + shipping, side),
        "totalTipReceivedSet": tips,
        "totalPriceSet": whole if record["taxesIncluded"] else whole + tax,
    }


@pytest.mark.parametrize("side", SIDES)
def test_every_order_but_the_corrupt_ones_ties_to_its_totals(store: StoreState, side: str) -> None:
    untied = set()
    for order in store:
        record = store.record(order.gid)
        assert record is not None
        for name, value in expected(record, side).items():
            if amount(record[name], side) != value:
                untied.add((order.case, name))
    assert untied == {("corrupt", "totalPriceSet")}


@pytest.mark.parametrize("side", SIDES)
def test_current_totals_are_totals_less_what_was_refunded(store: StoreState, side: str) -> None:
    for order in store:
        if order.cancelled_at or order.edited:
            continue
        record = store.record(order.gid)
        assert record is not None
        back = Decimal(0)
        for refund in record["refunds"]:
            for row in refund["refundLineItems"]:
                back += amount(row["subtotalSet"], side)
                back += 0 if record["taxesIncluded"] else amount(row["totalTaxSet"], side)
            for row in refund["refundShippingLines"]:
                back += amount(row["subtotalAmountSet"], side)
                back += 0 if record["taxesIncluded"] else amount(row["taxAmountSet"], side)
        total = amount(record["totalPriceSet"], side)
        assert amount(record["currentTotalPriceSet"], side) == total - back, order.case


@pytest.mark.parametrize("side", SIDES)
def test_payments_make_up_what_was_received_and_refunded(store: StoreState, side: str) -> None:
    for order in store:
        record = store.record(order.gid)
        assert record is not None
        done = [row for row in record["transactions"] if row["status"] == "SUCCESS"]
        received = sum(
            (amount(r["amountSet"], side) for r in done if r["kind"] in ("SALE", "CAPTURE")),
            Decimal(0),
        )
        refunded = sum(
            (amount(r["amountSet"], side) for r in done if r["kind"] == "REFUND"), Decimal(0)
        )
        assert amount(record["totalReceivedSet"], side) == received
        assert amount(record["totalRefundedSet"], side) == refunded
        assert amount(record["netPaymentSet"], side) == received - refunded


@pytest.mark.parametrize("side", SIDES)
def test_current_taxes_by_title_sum_to_the_current_tax(store: StoreState, side: str) -> None:
    for order in store:
        record = store.record(order.gid)
        assert record is not None
        for lines, total in (
            ("taxLines", "totalTaxSet"),
            ("currentTaxLines", "currentTotalTaxSet"),
        ):
            assert taxes([{"taxLines": record[lines]}], side) == amount(record[total], side)


def test_every_day_holds_every_awkward_case(store: StoreState) -> None:
    for day in ("2026-11-18", "2026-11-19"):
        placed = [order.case for order in store if f"{order.created_at:%Y-%m-%d}" == day]
        assert len(placed) == 150
        assert set(placed) == {"ordinary", *CASES}


def test_the_same_seed_makes_the_same_shop(store: StoreState) -> None:
    again = build_store(3, 2, 150, UNTIL, NOW)
    other = build_store(4, 2, 150, UNTIL, NOW)

    def totals(of: StoreState) -> list[tuple[str, Decimal]]:
        return [(order.gid, order.grand_total.shop) for order in of]

    assert totals(again) == totals(store)
    assert totals(other) != totals(store)


def test_amounts_have_the_decimals_of_their_currency(store: StoreState) -> None:
    for order in store:
        total = order.grand_total.presentment
        places = -int(total.as_tuple().exponent)
        assert places <= exponent(order.currencies.presentment) or total == total.to_integral()


def test_versions_are_never_older_than_their_order(store: StoreState) -> None:
    assert all(order.updated_at >= order.created_at for order in store)
    assert all(order.created_at < NOW for order in store)


def test_refunding_every_unit_refunds_exactly_what_was_sold(store: StoreState) -> None:
    for order in store:
        if order.case == "fully_refunded":
            assert order.current_total.shop == 0
            assert order.refunded == order.grand_total


@pytest.mark.parametrize(
    ("case", "holds"),
    [
        ("tax_included", lambda o: o.taxes_included and o.tax.shop > 0),
        ("paid_in_jpy", lambda o: o.currencies.presentment == "JPY"),
        ("paid_in_kwd", lambda o: o.currencies.presentment == "KWD"),
        ("tip", lambda o: o.tips.shop > 0),
        ("gift_card_sold", lambda o: any(line.kind == "gift_card" for line in o.lines)),
        ("gift_card_tender", lambda o: {p.gateway for p in o.payments} >= {"gift_card"}),
        ("duties", lambda o: o.duties.shop > 0),
        ("additional_fee", lambda o: o.fee_total.shop > 0),
        ("cash_rounding", lambda o: o.payments[0].rounding.shop != 0),
        ("custom_line", lambda o: any(line.variant_id is None for line in o.lines)),
        ("null_sku", lambda o: any(line.sku is None for line in o.lines)),
        ("point_of_sale", lambda o: o.customer_id is None and o.billing is None),
        ("digital_only", lambda o: not o.shipping),
        ("free_order", lambda o: o.grand_total.shop == 0 and not o.payments),
        ("many_lines", lambda o: len(o.lines) > 50),
        ("very_many_lines", lambda o: len(o.lines) > 250),
        ("cancelled_unpaid", lambda o: o.financial_status == "VOIDED"),
        ("cancelled_paid", lambda o: o.financial_status == "REFUNDED"),
        ("edited_added", lambda o: o.edited and o.original_total != o.grand_total),
        ("edited_removed", lambda o: o.edited and o.current_total != o.grand_total),
        ("partly_refunded", lambda o: o.financial_status == "PARTIALLY_REFUNDED"),
        ("refund_discrepancy", lambda o: o.discrepancy.shop == -5),
        ("test_order", lambda o: o.test),
        ("pending", lambda o: o.financial_status == "PENDING"),
        ("authorized", lambda o: o.financial_status == "AUTHORIZED"),
        ("partially_paid", lambda o: o.financial_status == "PARTIALLY_PAID"),
        ("marketplace_tax", lambda o: all(t.channel_liable for x in o.lines for t in x.taxes)),
        ("long_sku", lambda o: any(len(line.sku or "") > 30 for line in o.lines)),
        ("long_name", lambda o: len(o.name) > 20),
        ("large_quantity", lambda o: o.lines[0].quantity > 1000),
        ("unknown_gateway", lambda o: o.payments[0].gateway not in catalog.GATEWAYS),
        ("unknown_shipping", lambda o: o.shipping[0].title not in catalog.SHIPPING),
    ],
)
def test_an_awkward_case_is_what_it_is_called(store: StoreState, case: str, holds: Any) -> None:
    found: list[Order] = [order for order in store if order.case == case]
    assert found
    assert all(holds(order) for order in found)


def test_the_catalogue_is_printed_as_json() -> None:
    out = io.StringIO()
    with redirect_stdout(out):
        assert seed.main(["--catalog"]) == 0
    document = json.loads(out.getvalue())
    skus = [row["sku"] for row in document["skus"]]
    assert len(skus) == len(set(skus)) > 60
    assert document["unmapped"]["skus"]
    assert {row["code"] for row in document["locations"]} == {"MAIN", "STORE"}


def test_splitting_loses_no_unit() -> None:
    parts = split(Decimal("10.00"), [Decimal(1), Decimal(1), Decimal(1)], "USD")
    assert sum(parts) == Decimal("10.00")
    assert sorted(parts) == [Decimal("3.33"), Decimal("3.33"), Decimal("3.34")]
