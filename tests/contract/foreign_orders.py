"""Orders of the foreign store, put together by hand; and recorded documents in its form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

Node = dict[str, Any]
RECORDED = "fixtures/shopify/graphql_interactions"
REST = ("fixtures/shopify/rest_orders/*.json", "fixtures/peers/order_WEB1349.json")


def bag(amount: str, code: str = "USD", theirs: str | None = None, buyer: str = "") -> Node:
    """A money bag; unpadded, as the store writes it."""
    return {
        "shopMoney": {"amount": amount, "currencyCode": code},
        "presentmentMoney": {
            "amount": amount if theirs is None else theirs,
            "currencyCode": buyer or code,
        },
    }


def plain_order(number: int, **extra: Any) -> Node:
    """Two bottles, shipping and a state tax, paid by card: 2 x 24 + 5 + 4.26."""
    gid = f"gid://shopify/Order/{number}"
    total = bag("57.26")
    order = {
        "id": gid,
        "name": f"#{number}",
        "createdAt": "2026-11-19T10:00:00Z",
        "updatedAt": "2026-11-19T10:05:00Z",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "sourceName": "web",
        "currencyCode": "USD",
        "presentmentCurrencyCode": "USD",
        "currentSubtotalLineItemsQuantity": 2,
        "totalPriceSet": total,
        "currentTotalPriceSet": total,
        "currentSubtotalPriceSet": bag("48"),
        "currentTotalTaxSet": bag("4.26"),
        "totalTaxSet": bag("4.26"),
        "currentShippingPriceSet": bag("5"),
        "totalReceivedSet": total,
        "netPaymentSet": total,
        "transactions": [sale(number, "57.26")],
        "transactionsCount": {"count": 1, "precision": "EXACT"},
        "lineItems": [
            {
                "id": f"gid://shopify/LineItem/{number}0",
                "title": "Bottle",
                "name": "Bottle",
                "sku": "BTL-750",
                "vendor": "Else",
                "quantity": 2,
                "currentQuantity": 2,
                "requiresShipping": True,
                "taxable": True,
                "originalUnitPriceSet": bag("24.0"),
                "taxLines": [tax("4.26")],
            }
        ],
        "shippingLines": [
            {
                "id": f"gid://shopify/ShippingLine/{number}0",
                "title": "Standard",
                "originalPriceSet": bag("5.00"),
                "discountedPriceSet": bag("5.00"),
                "currentDiscountedPriceSet": bag("5.00"),
            }
        ],
        "customer": {"id": f"gid://shopify/Customer/{number}", "displayName": "Kim Li"},
        "billingAddress": {"name": "Kim Li", "city": "Albany", "countryCodeV2": "US"},
        "shippingAddress": {"name": "Kim Li", "city": "Albany", "countryCodeV2": "US"},
    }
    return json.loads(json.dumps({**order, **extra}))  # type: ignore[no-any-return]


def sale(number: int, amount: str, **extra: Any) -> Node:
    """A successful payment."""
    return {
        "id": f"gid://shopify/OrderTransaction/{number}0",
        "kind": "SALE",
        "status": "SUCCESS",
        "gateway": "shopify_payments",
        "amountSet": bag(amount),
        "createdAt": "2026-11-19T10:00:02Z",
        "processedAt": "2026-11-19T10:00:02Z",
        **extra,
    }


def tax(amount: str) -> Node:
    """A state tax of a state that the company knows."""
    return {"title": "New York State Tax", "rate": 0.0887, "priceSet": bag(amount)}


# -- what others recorded ------------------------------------------------------------------------


def recorded_orders(shared: Path) -> Iterator[tuple[str, Node]]:
    """Every order in the recorded answers that shows its lines and a total, the fullest of each."""
    for path in sorted((shared / RECORDED).glob("*.json")):
        fullest: dict[str, Node] = {}
        for node in _orders_in(json.loads(path.read_text())):
            key = f"{node['id']} {node.get('updatedAt')}"
            if len(json.dumps(node)) > len(json.dumps(fullest.get(key, {}))):
                fullest[key] = node
        for key, node in fullest.items():
            yield f"{path.stem} {key}", _in_one_form(node)


def _orders_in(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        if (
            str(node.get("id")).startswith("gid://shopify/Order/")
            and node.get("lineItems")
            and ("totalPriceSet" in node or "currentTotalPriceSet" in node)
        ):
            yield node
        for value in node.values():
            yield from _orders_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _orders_in(value)


def _in_one_form(recorded: Node) -> Node:
    """The recording with lists for connections, both sides of each amount, and its dates."""
    order: Node = _unwrapped(json.loads(json.dumps(recorded)))
    known = order.get("currentTotalPriceSet") or order["totalPriceSet"]
    order.setdefault("currentTotalPriceSet", known)
    order.setdefault("totalPriceSet", known)
    order.setdefault("currencyCode", known["shopMoney"]["currencyCode"])
    order.setdefault(
        "presentmentCurrencyCode",
        known.get("presentmentMoney", known["shopMoney"])["currencyCode"],
    )
    order.setdefault("displayFulfillmentStatus", "UNFULFILLED")
    order.setdefault("createdAt", "2026-07-06T13:39:40Z")
    order.setdefault("updatedAt", order["createdAt"])
    order.setdefault("name", f"#{order['id'].rsplit('/', 1)[-1]}")
    for line in order["lineItems"]:
        line.setdefault("currentQuantity", line.get("quantity", 0))
    for ship in order.get("shippingLines") or ():
        price = ship.get("originalPriceSet") or ship.get("discountedPriceSet")
        ship.setdefault("discountedPriceSet", price)
        ship.setdefault("currentDiscountedPriceSet", ship["discountedPriceSet"])
    return order


def _unwrapped(node: Any) -> Any:
    if isinstance(node, list):
        return [_unwrapped(value) for value in node]
    if not isinstance(node, dict):
        return node
    if "shopMoney" in node:
        node.setdefault("presentmentMoney", dict(node["shopMoney"]))
        return node
    if "nodes" in node and set(node) <= {"nodes", "pageInfo", "edges"}:
        return _unwrapped(node["nodes"])
    if "edges" in node and set(node) <= {"edges", "pageInfo"}:
        return [_unwrapped(edge["node"]) for edge in node["edges"]]
    return {key: _unwrapped(value) for key, value in node.items()}


def rest_orders(shared: Path) -> Iterator[tuple[str, Node]]:
    """Every order of the published REST samples, in the words of the GraphQL schema."""
    for pattern in REST:
        for path in sorted(shared.glob(pattern)):
            body = json.loads(path.read_text())
            yield path.stem, from_rest(body.get("order", body))


def _bag_of(pair: Node | None) -> Node | None:
    if pair is None:
        return None
    return {
        f"{side}Money": {
            "amount": pair[f"{side}_money"]["amount"],
            "currencyCode": pair[f"{side}_money"]["currency_code"],
        }
        for side in ("shop", "presentment")
    }


def _gid(kind: str, number: Any) -> str:
    return f"gid://shopify/{kind}/{number}"


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def from_rest(rest: Node) -> Node:
    """Say a REST order in GraphQL's words; nothing is made up, what REST does not say is absent."""
    code = rest["currency"]
    buyer = rest.get("presentment_currency") or code

    def money(owner: Node, name: str, missing: str = "0") -> Node:
        pair = owner.get(f"{name}_set")
        return _bag_of(pair) if pair else bag(str(owner.get(name) or missing), code, None, buyer)  # type: ignore[return-value]

    def taxes(owner: Node) -> list[Node]:
        return [
            {
                "title": row["title"],
                "rate": row["rate"],
                "channelLiable": row.get("channel_liable"),
                "priceSet": money(row, "price"),
            }
            for row in owner.get("tax_lines") or ()
        ]

    def cuts(owner: Node) -> list[Node]:
        return [
            {
                "allocatedAmountSet": money(row, "amount"),
                "discountApplication": {
                    "__typename": "ManualDiscountApplication",
                    "title": "",
                    "index": 0,
                    "targetType": "LINE_ITEM",
                },
            }
            for row in owner.get("discount_allocations") or ()
        ]

    refunded_units: dict[int, int] = {}
    for refund in rest.get("refunds") or ():
        for row in refund["refund_line_items"]:
            key = row["line_item_id"]
            refunded_units[key] = refunded_units.get(key, 0) + row["quantity"]
    lines = [
        {
            "id": _gid("LineItem", row["id"]),
            "title": row.get("title") or "",
            "name": row.get("name") or "",
            "sku": row.get("sku"),
            "vendor": row.get("vendor"),
            "variant": {"id": _gid("ProductVariant", row["variant_id"])}
            if row.get("variant_id")
            else None,
            "quantity": row["quantity"],
            "currentQuantity": row.get(
                "current_quantity", row["quantity"] - refunded_units.get(row["id"], 0)
            ),
            "isGiftCard": bool(row.get("gift_card")),
            "requiresShipping": bool(row.get("requires_shipping")),
            "taxable": bool(row.get("taxable")),
            "originalUnitPriceSet": money(row, "price"),
            "discountAllocations": cuts(row),
            "taxLines": taxes(row),
        }
        for row in rest["line_items"]
    ]
    ships = [
        {
            "id": _gid("ShippingLine", row["id"]),
            "title": row["title"],
            "code": row.get("code"),
            "originalPriceSet": money(row, "price"),
            "discountedPriceSet": money(row, "discounted_price", row.get("price", "0")),
            "currentDiscountedPriceSet": money(row, "discounted_price", row.get("price", "0")),
            "discountAllocations": cuts(row),
            "taxLines": taxes(row),
        }
        for row in rest.get("shipping_lines") or ()
    ]
    tenders = [
        {
            "id": _gid("OrderTransaction", row["id"]),
            "kind": row["kind"].upper(),
            "status": row["status"].upper(),
            "gateway": row.get("gateway"),
            "amountSet": bag(str(row["amount"]), code, None, buyer),
            "createdAt": row["created_at"],
            "processedAt": row.get("processed_at"),
        }
        for refund in rest.get("refunds") or ()
        for row in refund["transactions"]
    ]
    back = sum((Decimal(t["amountSet"]["shopMoney"]["amount"]) for t in tenders), Decimal(0))
    status = rest.get("financial_status")
    paid = status in ("paid", "partially_refunded", "refunded")
    received = rest["total_price"] if paid else "0"
    if paid:
        gateway = next(iter(rest.get("payment_gateway_names") or ()), "bogus")
        when = rest.get("processed_at") or rest["created_at"]
        amount = bag(received, code, None, buyer)
        tenders.append(sale(rest["id"], "0", gateway=gateway, amountSet=amount, createdAt=when))
    addresses = {
        f"{kind}Address": address
        and {
            "name": address.get("name"),
            "address1": address.get("address1"),
            "city": address.get("city"),
            "zip": address.get("zip"),
            "countryCodeV2": address.get("country_code"),
        }
        for kind in ("billing", "shipping")
        for address in (rest.get(f"{kind}_address"),)
    }
    customer = rest.get("customer")
    return {
        "id": _gid("Order", rest["id"]),
        "name": rest["name"],
        "createdAt": rest["created_at"],
        "updatedAt": rest.get("updated_at") or rest["created_at"],
        "cancelledAt": rest.get("cancelled_at"),
        "cancelReason": (rest.get("cancel_reason") or "").upper() or None,
        "closedAt": rest.get("closed_at"),
        "test": bool(rest.get("test")),
        "sourceName": rest.get("source_name"),
        "taxesIncluded": bool(rest.get("taxes_included")),
        "currencyCode": code,
        "presentmentCurrencyCode": buyer,
        "displayFinancialStatus": status.upper() if status else None,
        "displayFulfillmentStatus": (rest.get("fulfillment_status") or "unfulfilled")
        .upper()
        .replace("PARTIAL", "PARTIALLY_FULFILLED"),
        "email": rest.get("email"),
        "customer": customer
        and {"id": _gid("Customer", customer["id"]), "firstName": customer.get("first_name")},
        **addresses,
        **{
            f"{_camel(name)}Set": money(rest, name, rest.get(plain) or "0")
            for name, plain in (
                ("total_price", "total_price"),
                ("current_total_price", "total_price"),
                ("current_subtotal_price", "subtotal_price"),
                ("total_tax", "total_tax"),
                ("current_total_tax", "total_tax"),
                ("current_total_discounts", "total_discounts"),
                ("total_outstanding", "total_outstanding"),
            )
        },
        "currentShippingPriceSet": _bag_of(rest.get("total_shipping_price_set"))
        or bag("0", code, None, buyer),
        "totalReceivedSet": bag(received, code, None, buyer),
        "totalRefundedSet": bag(str(back), code, None, buyer),
        "transactions": tenders,
        "lineItems": lines,
        "shippingLines": ships,
        "refunds": [
            {
                "id": _gid("Refund", refund["id"]),
                "createdAt": refund["created_at"],
                "totalRefundedSet": bag(
                    str(sum((Decimal(t["amount"]) for t in refund["transactions"]), Decimal(0))),
                    code,
                    None,
                    buyer,
                ),
                "refundLineItems": [
                    {
                        "id": _gid("RefundLineItem", row["id"]),
                        "lineItem": {"id": _gid("LineItem", row["line_item_id"])},
                        "quantity": row["quantity"],
                        "restockType": (row.get("restock_type") or "no_restock").upper(),
                        "subtotalSet": money(row, "subtotal"),
                        "totalTaxSet": money(row, "total_tax"),
                    }
                    for row in refund["refund_line_items"]
                ],
            }
            for refund in rest.get("refunds") or ()
        ],
    }
