"""Orders that the schema allows and nobody would expect: one seed makes one set of them."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
)

from tests.contract.foreign_orders import bag, plain_order, sale, tax
from tests.contract.foreign_store import schema

Node = dict[str, Any]
KEPT = {"id", "__typename"}
AMOUNTS = (
    "0",
    "-0",
    "-5",
    "0.005",
    "1e3",
    "24.0000000000000000000000000001",
    "99999999999999.99",
    "100000000000000",
    "9999999999999999999999999999",
    "1E+40",
    "1E-40",
    "1E+999999",
    "NaN",
    "Infinity",
    "",
    "12,50",
    "٣",
)
WORDS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x1b[31m\r\n\t",
    "\u2019\u201c\u2014\u2026",
    "名前 مرحبا \u202e gnippihs",
    "🏕" * 40,
    "\ud83d",
    "x" * 300,
    "y" * 40_000,
    "'; DROP TABLE staged_order; --",
    "%(x)s :y {z} \\",
    "=HYPERLINK(1)",
    "NaN",
    "null",
)
TIMES = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1752-12-31T23:59:59Z",
    "1969-12-31T23:59:59.999999Z",
    "2026-11-19T10:00:00+14:00",
    "2026-11-19T10:00:00",
    "2026-11-19",
    "2262-04-12T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "yesterday",
    "",
)
NUMBERS = (0, -1, 1, 2, 7, 300, 2**31 - 1, -(2**31))
RATES = (0.0, -0.1, 1.0, 8.875, 1e308, 5e-324, 0.1 + 0.2)


def rich_order(number: int) -> Node:
    """An order with some of everything: a discount, a duty, a fee, a tip, a refund."""
    order = plain_order(number)
    line = order["lineItems"][0]
    line["discountAllocations"] = [
        {
            "allocatedAmountSet": bag("4"),
            "discountApplication": {
                "__typename": "DiscountCodeApplication",
                "code": "TEN",
                "index": 0,
                "targetType": "LINE_ITEM",
            },
        }
    ]
    line["duties"] = [
        {"id": f"gid://shopify/Duty/{number}", "price": bag("3"), "taxLines": [tax("0.1")]}
    ]
    second = copy.deepcopy(line) | {
        "id": f"gid://shopify/LineItem/{number}1",
        "sku": "MUG-ENM",
        "quantity": 3,
        "currentQuantity": 1,
        "variant": {"id": "gid://shopify/ProductVariant/1"},
        "product": {"id": "gid://shopify/Product/1"},
    }
    order["lineItems"].append(second)
    order["additionalFees"] = [
        {"id": f"gid://shopify/Fee/{number}", "name": "Wrap", "price": bag("2"), "taxLines": []}
    ]
    order["totalTipReceivedSet"] = bag("1.5")
    order["currentTotalDutiesSet"] = bag("3")
    order["currentTotalAdditionalFeesSet"] = bag("2")
    order["currentTaxLines"] = [tax("8.52")]
    order["totalCashRoundingAdjustment"] = {"paymentSet": bag("0.01"), "refundSet": bag("0")}
    order["cancelledAt"] = "2026-11-19T11:00:00Z" if number % 5 == 0 else None
    order["localizedFields"] = [
        {"key": "TAX_CREDENTIAL_BR", "purpose": "TAX", "value": "1", "title": "T"}
    ]
    refund = sale(number, "5", kind="REFUND", id=f"gid://shopify/OrderTransaction/{number}1")
    order["transactions"].append(refund)
    order["transactionsCount"] = None
    order["refunds"] = [
        {
            "id": f"gid://shopify/Refund/{number}",
            "createdAt": "2026-11-19T12:00:00Z",
            "totalRefundedSet": bag("5"),
            "refundLineItems": [
                {
                    "id": f"gid://shopify/RefundLineItem/{number}",
                    "lineItem": {"id": second["id"]},
                    "quantity": 1,
                    "restockType": "RETURN",
                    "subtotalSet": bag("5"),
                    "totalTaxSet": bag("0"),
                }
            ],
            "refundShippingLines": [
                {
                    "id": f"gid://shopify/RefundShippingLine/{number}",
                    "shippingLine": {"id": order["shippingLines"][0]["id"]},
                    "subtotalAmountSet": bag("1"),
                    "taxAmountSet": bag("0"),
                }
            ],
            "orderAdjustments": [
                {
                    "id": f"gid://shopify/OrderAdjustment/{number}",
                    "reason": "REFUND_DISCREPANCY",
                    "amountSet": bag("-1"),
                    "taxAmountSet": bag("0"),
                }
            ],
            "transactions": [refund],
            "duties": [
                {
                    "amountSet": bag("1"),
                    "originalDuty": {"id": f"gid://shopify/Duty/{number}"},
                }
            ],
        }
    ]
    return order


def fuzzed(order: Node, chance: random.Random, changes: int) -> Node:
    """Return the order with a few values replaced by others that its schema allows."""
    changed = copy.deepcopy(order)
    for _ in range(changes):
        places = list(_places(changed, schema().get_type("Order")))
        owner, key, kind = chance.choice(places)
        owner[key] = _other(owner[key], kind, chance)
    return changed


def _places(node: Node, kind: Any) -> Iterator[tuple[Node, str, Any]]:
    """Yield every value of the order with its owner, its key and its type."""
    if not isinstance(kind, GraphQLObjectType):
        return
    for key, value in node.items():
        if key in KEPT or key not in kind.fields:
            continue
        of = kind.fields[key].type
        yield node, key, of
        inner = _node_type(get_named_type(of))
        if "nodes" in (value if isinstance(value, dict) else ()):
            value = value["nodes"]  # noqa: PLW2901 - a connection as it is answered
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict):
                yield from _places(child, inner)


def _node_type(kind: Any) -> Any:
    if kind.name.endswith("Connection"):
        return get_named_type(kind.fields["nodes"].type)
    return kind


def _other(value: Any, kind: Any, chance: random.Random) -> Any:
    if not isinstance(kind, GraphQLNonNull) and chance.random() < 0.4:
        return None
    named = get_named_type(kind)
    if isinstance(value, dict) and "nodes" in value:
        return {**value, "nodes": _list(value["nodes"], chance)}
    is_list = isinstance(get_nullable_type(kind), GraphQLList) or isinstance(value, list)
    if is_list:
        return _list(value or [], chance)
    if isinstance(named, GraphQLEnumType):
        return chance.choice(sorted(named.values))
    return {
        "Decimal": lambda: chance.choice(AMOUNTS),
        "DateTime": lambda: chance.choice(TIMES),
        "Int": lambda: chance.choice(NUMBERS),
        "Float": lambda: chance.choice(RATES),
        "Boolean": lambda: not value,
        "String": lambda: chance.choice(WORDS),
        "MoneyBag": lambda: bag(chance.choice(AMOUNTS), chance.choice(("USD", "JPY", "KWD"))),
    }.get(named.name, lambda: value)()


def _list(values: list[Any], chance: random.Random) -> list[Any]:
    return chance.choice(
        (
            lambda: [],
            lambda: values[1:],
            lambda: values + values,
            lambda: copy.deepcopy(values) * (300 // (len(values) or 1)),
            lambda: values[::-1],
        )
    )()
