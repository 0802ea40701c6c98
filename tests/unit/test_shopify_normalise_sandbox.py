"""Every order of the seeded sandbox shop ties, but for the one that is corrupt on purpose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from include.connectors.stores.shopify.documents import document
from include.connectors.stores.shopify.normalise import normalise
from include.connectors.stores.shopify.sandbox.call import Call
from include.connectors.stores.shopify.sandbox.execution import execute
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState
from include.domain.balance import require_balance, ties
from include.domain.codec import decode, encode
from include.domain.errors import Unbalanced
from include.domain.money import NOTHING, total_of
from include.domain.order import (
    ChargeKind,
    FinancialStatus,
    LineKind,
    Order,
    PaymentTerms,
    PiiState,
)
from include.domain.order import SalesProgram as Program
from include.domain.order import TenderKind as Kind
from include.pipelines.checks import check_row
from include.staging.checks import CHECK_COLUMNS
from tests.unit.check_rows import by_name

SCOPES = frozenset(
    {
        "read_orders",
        "read_all_orders",
        "read_customers",
        "read_products",
        "read_locations",
        "read_payment_terms",
    }
)
BATCH = 20


class Shop:
    """The seeded shop, asked with the connector's own documents."""

    def __init__(self, store: StoreState) -> None:
        self.store = store
        self.call = Call(shop=store, settings=SandboxSettings(), granted=SCOPES)

    def ask(self, name: str, **variables: Any) -> dict[str, Any]:
        query = parse(document(name))
        operation = query.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        asked = {node.variable.name.value for node in operation.variable_definitions}
        flags = {flag: True for flag in asked if flag.startswith("with")}
        data, errors = execute(query, operation, {**flags, **variables}, self.call)
        assert not errors, errors[:1]
        assert data is not None
        return data

    def documents(self) -> list[dict[str, Any]]:
        gids = [order.gid for order in self.store]
        found = []
        for start in range(0, len(gids), BATCH):
            found += self.ask("orders_hydrate", ids=gids[start : start + BATCH])["nodes"]
        for order in found:
            lines = order["lineItems"]
            while lines["pageInfo"]["hasNextPage"]:
                after = lines["pageInfo"]["endCursor"]
                page = self.ask("order_line_items", id=order["id"], first=100, after=after)
                more = page["node"]["lineItems"]
                lines["nodes"] += more["nodes"]
                lines["pageInfo"] = more["pageInfo"]
        return found


@pytest.fixture(scope="module")
def orders() -> dict[str, list[Order]]:
    """Canonical orders of two seeded days, by the case they were made for."""
    store = build_store(seed=11, days=2, per_day=160, until=date(2026, 11, 21))
    found: dict[str, list[Order]] = {}
    for raw in Shop(store).documents():
        case = store.order(raw["id"]).case
        found.setdefault(case, []).append(normalise("shopify_gp", raw))
    return found


def test_every_seeded_order_ties_to_the_cent_except_the_corrupt_one(
    orders: dict[str, list[Order]],
) -> None:
    for case, found in orders.items():
        for order in found:
            if case == "corrupt":
                with pytest.raises(Unbalanced, match="against the current total"):
                    require_balance(order)
            else:
                broken = [tie for tie in ties(order) if tie.parts != tie.stated]
                assert not broken, f"{case} {order.number}: {broken}"


def test_every_seeded_order_is_read_back_as_it_was_staged(orders: dict[str, list[Order]]) -> None:
    for found in orders.values():
        for order in found:
            assert decode(encode(order)) == order


def test_every_seeded_order_has_a_whole_check_row(orders: dict[str, list[Order]]) -> None:
    nullable = {column.name for column in CHECK_COLUMNS if column.nullable}
    for case, found in orders.items():
        for order in found:
            row = by_name(check_row(order, order.updated_at))
            assert {name for name, value in row.items() if value is None} <= nullable
            assert bool(row["broken_ties"]) == (case == "corrupt")


def _kinds(order: Order) -> set[LineKind]:
    return {line.kind for line in order.lines}


def _charges(order: Order) -> set[ChargeKind]:
    return {charge.kind for charge in order.charges}


def _is_on_terms(order: Order) -> bool:
    terms = order.payment_terms
    return terms == PaymentTerms("Net 30", order.placed_at + timedelta(days=30), 30)


def _is_a_companys(order: Order) -> bool:
    buyer = order.customer
    return buyer is not None and bool(buyer.company) and len(buyer.tax_ids) == 1


EXPECTED: dict[str, Callable[[Order], bool]] = {
    "tax_included": lambda order: order.taxes_included,
    "paid_in_jpy": lambda order: order.presentment_currency == "JPY",
    "paid_in_kwd": lambda order: order.presentment_currency == "KWD",
    "tip": lambda order: LineKind.TIP in _kinds(order) and ChargeKind.TIP not in _charges(order),
    "gift_card_sold": lambda order: LineKind.GIFT_CARD in _kinds(order),
    "gift_card_tender": lambda order: "gift_card" in {t.gateway for t in order.tenders},
    "duties": lambda order: ChargeKind.DUTY in _charges(order),
    "additional_fee": lambda order: ChargeKind.FEE in _charges(order),
    "cash_rounding": lambda order: order.stated.rounding != NOTHING,
    "point_of_sale": lambda order: order.program is Program.POINT_OF_SALE,
    "marketplace_tax": lambda order: any(
        tax.collected_by_marketplace for line in order.lines for tax in line.taxes
    ),
    "custom_line": lambda order: LineKind.CUSTOM in _kinds(order),
    "null_sku": lambda order: any(line.sku is None for line in order.lines),
    "guest": lambda order: order.customer is None or order.customer.customer_id_store is None,
    "no_shipping_address": lambda order: order.shipping_address is None,
    "pending": lambda order: (
        order.financial_status is FinancialStatus.PENDING
        and _is_on_terms(order)
        and _is_a_companys(order)
    ),
    "authorized": lambda order: order.financial_status is FinancialStatus.AUTHORIZED,
    "test_order": lambda order: order.is_test,
    "captured_in_parts": lambda order: (
        sum(tender.kind is Kind.CAPTURE for tender in order.tenders) > 1
    ),
    "cancelled_paid": lambda order: (
        order.cancelled_at is not None and order.stated.current_total == NOTHING
    ),
    "edited_added": lambda order: order.is_edited,
    "edited_removed": lambda order: order.is_edited,
    "partly_refunded": lambda order: bool(order.refunds),
    "fully_refunded": lambda order: order.financial_status is FinancialStatus.REFUNDED,
    "refund_twice": lambda order: len(order.refunds) > 1,
    "refund_discrepancy": lambda order: any(refund.adjustments for refund in order.refunds),
    "very_many_lines": lambda order: len(order.lines) > 100,
    "ordinary": lambda order: order.pii_state is PiiState.PRESENT,
}


@pytest.mark.parametrize("case", EXPECTED)
def test_an_awkward_order_is_understood_for_what_it_is(
    orders: dict[str, list[Order]], case: str
) -> None:
    assert orders[case], f"the seed holds no {case}"
    for order in orders[case]:
        assert EXPECTED[case](order), order.number


def test_a_refund_without_discrepancy_is_worth_its_parts(orders: dict[str, list[Order]]) -> None:
    for order in orders["refund_with_shipping"]:
        for refund in order.refunds:
            parts = total_of(
                [line.subtotal for line in refund.lines] + [row.amount for row in refund.charges]
            )
            if not order.taxes_included:
                parts = parts.plus(total_of(line.tax for line in refund.lines))
                parts = parts.plus(total_of(row.tax for row in refund.charges))
            assert parts == refund.total
