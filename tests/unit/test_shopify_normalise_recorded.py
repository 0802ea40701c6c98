"""Orders recorded at a live store, and other systems' published cases, tie as they are.

The recordings asked for fewer fields than we do; what they left out is filled with what an order
without it would state, never with a figure that a tie depends on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.connectors.stores.shopify.normalise import normalise
from include.domain.balance import require_balance
from include.domain.money import Amount, total_of
from include.domain.order import ChargeKind, FinancialStatus, Order, TenderKind
from tests.unit.shopify_orders import (
    Node,
    bag,
    connection,
    line,
    order,
    pair_bag,
    refund,
    refunded_line,
    shipping,
    tax,
    transaction,
)

INTERACTIONS = "fixtures/shopify/graphql_interactions"
MATRIX = "2025-01__orders__order-create-math-matrix.json"
EDITS = "2026-04__orders__order-edit-money-math.json"
MONEY_BAG = "2025-01__orders__money-bag-presentment-parity.json"
CANCELLED = "2026-04__orders__orderCancel-restock-refundMethod-parity.json"
REFUNDED = "2025-01__orders__refund-create-user-errors-and-quantities.json"
PEER_REST = "fixtures/peers/order_WEB1349.json"


def read(shared_dir: Path, name: str) -> Any:
    return json.loads((shared_dir / INTERACTIONS / name).read_text())


def completed(recorded: Node, **extra: Any) -> Node:
    """The recording over a whole document, each nested list kept as it was recorded."""
    first = recorded["currentTotalPriceSet"]["shopMoney"]["currencyCode"]
    side = recorded["currentTotalPriceSet"].get("presentmentMoney") or {"currencyCode": first}
    second = side["currencyCode"]
    whole = order([], "0", currencyCode=first, presentmentCurrencyCode=second)
    zero = pair_bag(Decimal(0), Decimal(0), first, second)
    whole.update({key: zero for key in whole if key.endswith("Set") and whole[key] is not None})
    whole["totalCashRoundingAdjustment"] = None
    whole["transactions"] = []
    whole.update(json.loads(json.dumps(recorded)))
    whole.update(extra)
    for index, node in enumerate(whole["lineItems"]["nodes"]):
        bare = line(index + 1, "0", node["quantity"], vendor=None, variant=None, product=None)
        whole["lineItems"]["nodes"][index] = {**bare, **node}
    for index, node in enumerate(whole["shippingLines"]["nodes"]):
        bare = shipping(index + 1, "0")
        del bare["discountedPriceSet"], bare["currentDiscountedPriceSet"]
        whole["shippingLines"]["nodes"][index] = {**bare, **node}
    whole["transactions"] = [
        {**transaction(index + 1, "SALE", "0"), **node}
        for index, node in enumerate(whole["transactions"])
    ]
    for node in list(bags_of(whole)):
        node.setdefault("presentmentMoney", dict(node["shopMoney"]))
    return whole


def bags_of(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        if "shopMoney" in node:
            yield node
        for value in node.values():
            yield from bags_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from bags_of(value)


def tied(document: Node) -> Order:
    found = normalise("recorded", document)
    require_balance(found)
    return found


@pytest.mark.parametrize(
    "case", ["pendingNoTax", "paidTaxShipping", "authorization", "presentmentMoney"]
)
def test_orders_created_at_a_live_store_tie(shared_dir: Path, case: str) -> None:
    recorded = read(shared_dir, MATRIX)["cases"][case]["response"]["payload"]["data"]
    stated = recorded["orderCreate"]["order"]
    found = tied(completed(stated, currentShippingPriceSet=stated["totalShippingPriceSet"]))
    assert found.number == stated["name"]
    if case == "pendingNoTax":
        assert found.financial_status is FinancialStatus.PENDING
    if case == "authorization":
        assert found.tenders[0].kind is TenderKind.AUTHORIZATION


def test_a_recorded_fixed_discount_ties_once_its_allocation_is_there(shared_dir: Path) -> None:
    recorded = read(shared_dir, MATRIX)["cases"]["fixedDiscount"]["response"]["payload"]["data"]
    stated = recorded["orderCreate"]["order"]
    document = completed(stated, currentShippingPriceSet=stated["totalShippingPriceSet"])
    # The recording did not select allocations; the whole discount is the one line's.
    document["lineItems"]["nodes"][0]["discountAllocations"] = [
        {"allocatedAmountSet": stated["totalDiscountsSet"], "discountApplication": None}
    ]
    assert tied(document).lines[0].current_price.shop == Decimal(25)


def test_a_recorded_edit_that_removed_a_taxed_unit_ties(shared_dir: Path) -> None:
    recorded = read(shared_dir, EDITS)["cases"]["taxed"]["downstreamRead"]["response"]["payload"]
    stated = recorded["data"]["order"]
    found = tied(completed(stated, name="#1", edited=True))
    assert found.stated.original_total.shop == Decimal(226)
    assert found.lines[0].current_price.shop == Decimal(100)
    assert found.lines[0].taxes[0].amount.shop == Decimal(26)
    assert found.lines[0].taxes[0].current_amount.shop == Decimal(13)


def test_a_recorded_edit_that_gave_a_discount_lowers_both_totals(shared_dir: Path) -> None:
    recorded = read(shared_dir, EDITS)["cases"]["discount"]["downstreamRead"]["response"]
    stated = recorded["payload"]["data"]["order"]
    document = completed(stated, name="#1", edited=True)
    document["lineItems"]["nodes"][0]["discountAllocations"] = [
        {"allocatedAmountSet": bag("20.00", "CAD"), "discountApplication": None}
    ]
    found = tied(document)
    assert found.stated.original_total.shop == Decimal(80)


def test_a_recorded_order_in_two_currencies_keeps_the_rate_of_each_payment(
    shared_dir: Path,
) -> None:
    recorded = read(shared_dir, MONEY_BAG)
    created = recorded["orderCreate"]["response"]["payload"]["data"]["orderCreate"]["order"]
    asked = recorded["orderCreate"]["variables"]["order"]["lineItems"][0]
    paid = recorded["markAsPaid"]["response"]["payload"]["data"]["orderMarkAsPaid"]["order"]
    back = recorded["refund"]["response"]["payload"]["data"]["refundCreate"]["refund"]
    created["lineItems"]["nodes"][0].update(
        quantity=1, currentQuantity=1, taxLines=asked["taxLines"]
    )
    document = completed(
        created,
        name="#1",
        currentTotalTaxSet=created["totalTaxSet"],
        totalReceivedSet=created["totalPriceSet"],
        totalRefundedSet=back["totalRefundedSet"],
        transactions=[
            *paid["transactions"],
            transaction(2, "REFUND", "0", amountSet=back["totalRefundedSet"]),
        ],
    )
    found = tied(document)
    assert found.stated.original_total == Amount(Decimal("13.50"), Decimal("9.00"))
    assert found.tenders[0].amount == Amount(Decimal("12.77"), Decimal("9.00"))
    assert found.tenders[1].amount == Amount(Decimal("7.10"), Decimal("5.00"))


def test_a_recorded_cancellation_with_its_money_paid_back_ties(shared_dir: Path) -> None:
    recorded = read(shared_dir, CANCELLED)["downstreamRead"]["response"]["data"]["order"]
    units = [{"id": "gid://shopify/LineItem/1", "quantity": 2, "currentQuantity": 0}]
    units[0]["originalUnitPriceSet"] = bag("10.00", "CAD")
    recorded["refunds"] = []
    found = tied(
        completed(
            recorded,
            lineItems=connection(units),
            totalPriceSet=recorded["totalReceivedSet"],
        )
    )
    assert found.cancelled_at is not None
    assert found.financial_status is FinancialStatus.REFUNDED
    assert found.stated.current_total.shop == 0


def test_a_recorded_partial_refund_ties(shared_dir: Path) -> None:
    calls = read(shared_dir, REFUNDED)["upstreamCalls"]
    recorded = calls[0]["response"]["body"]["data"]["order"]
    first = recorded["lineItems"]["nodes"][0]["id"]
    row = {**refunded_line(1, 1, "10.00"), "lineItem": {"id": first}}
    row.update(subtotalSet=bag("10.00", "CAD"), totalTaxSet=bag("0", "CAD"))
    recorded["refunds"] = [
        refund(
            1,
            "0",
            totalRefundedSet=bag("10.00", "CAD"),
            refundLineItems=connection([row]),
        )
    ]
    found = tied(completed(recorded, currentShippingPriceSet=bag("5.00", "CAD")))
    assert found.lines[0].current_price.shop == Decimal(10)


def test_a_peers_order_with_taxes_included_has_its_published_figures(shared_dir: Path) -> None:
    rest = json.loads((shared_dir / PEER_REST).read_text())["order"]
    sold = rest["line_items"][0]
    parcel = rest["shipping_lines"][0]

    def taxes(rows: list[Node]) -> list[Node]:
        return [tax(row["title"], row["rate"], row["price"]) for row in rows]

    document = order(
        [
            line(
                1,
                sold["price"],
                sold["quantity"],
                sku=sold["sku"],
                taxLines=taxes(sold["tax_lines"]),
            )
        ],
        rest["total_price"],
        tax_total=rest["total_tax"],
        ships=[shipping(1, parcel["price"], taxLines=taxes(parcel["tax_lines"]))],
        current_shipping=parcel["price"],
        taxesIncluded=rest["taxes_included"],
        test=rest["test"],
    )
    found = tied(document)
    assert found.stated.original_total.shop == Decimal("60.19")
    assert found.lines[0].current_price.shop == Decimal("55.20")
    assert found.stated.current_tax.shop == Decimal("10.45")
    net = found.stated.current_total.shop - found.stated.current_tax.shop
    assert net == Decimal("49.74")
    assert found.is_test


def test_a_peers_zero_refund_of_an_edit_reduces_quantity_and_discount() -> None:
    pair = ("EUR", "USD")

    def money(ours: str, theirs: str) -> Node:
        return pair_bag(Decimal(ours), Decimal(theirs), *pair)

    zero = money("0", "0")
    node = line(
        1,
        "0",
        2,
        currentQuantity=1,
        originalUnitPriceSet=money("48.00", "60.00"),
        discountAllocations=[
            {"allocatedAmountSet": money("19.20", "24.00"), "discountApplication": None}
        ],
    )
    row = refunded_line(1, 1, "0")
    row.update(subtotalSet=money("38.40", "48.00"), totalTaxSet=zero)
    document = order([node], "0", transactions=[])
    document.update({key: zero for key in document if key.endswith("Set") and document[key]})
    document.update(
        currencyCode="EUR",
        presentmentCurrencyCode="USD",
        totalPriceSet=money("76.80", "96.00"),
        currentTotalPriceSet=money("38.40", "48.00"),
        totalCashRoundingAdjustment=None,
        refunds=[
            refund(1, "0", totalRefundedSet=zero, refundLineItems=connection([row])),
        ],
    )
    kept = tied(document).lines[0]
    discount = kept.unit_price.times(kept.current_quantity).minus(kept.current_price)
    assert kept.current_quantity == 1
    assert discount == Amount(Decimal("9.60"), Decimal("12.00"))


def test_a_peers_shipping_only_refund_is_worth_what_was_paid_back() -> None:
    found = tied(
        order(
            [line(1, "156.38", 2, taxLines=[tax("VAT", 0.21, "54.28")])],
            "317.76",
            current="312.76",
            tax_total="55.15",
            current_tax="54.28",
            ships=[shipping(1, "5.00", "0", taxLines=[tax("VAT", 0.21, "0.87")])],
            current_shipping="0",
            taxesIncluded=True,
            refunded="5.00",
            transactions=[transaction(1, "SALE", "317.76"), transaction(2, "REFUND", "5.00")],
            refunds=[
                refund(
                    1,
                    "5.00",
                    refundShippingLines=connection(
                        [
                            {
                                "id": "s1",
                                "shippingLine": {"id": "gid://shopify/ShippingLine/1"},
                                "subtotalAmountSet": bag("5.00"),
                                "taxAmountSet": bag("0.87"),
                            }
                        ]
                    ),
                )
            ],
        )
    )
    back = total_of(charge.amount for charge in found.refunds[0].charges)
    assert back == found.refunds[0].total
    assert found.refunds[0].charges[0].kind is ChargeKind.SHIPPING
