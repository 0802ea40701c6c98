"""Order documents as the hydrate query returns them, built for tests from a few figures.

Totals are worked out here by plain sums, on purpose not by the code under test.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Node = dict[str, Any]
ZERO = Decimal(0)
PLACES = {"JPY": 0, "KWD": 3}


def text_of(amount: Decimal) -> str:
    """An amount as the API's Decimal scalar: unpadded, one decimal at least."""
    text = format(amount.normalize(), "f")
    return text if "." in text else f"{text}.0"


def bag(amount: str | Decimal, shop: str = "USD", buyer: str | None = None, at: str = "1") -> Node:
    """A MoneyBag; with a presentment currency its side is the amount times a rate."""
    ours = Decimal(amount)
    code = buyer or shop
    theirs = ours if code == shop else unit_rounded(ours * Decimal(at), code)
    return pair_bag(ours, theirs, shop, code)


def pair_bag(ours: Decimal, theirs: Decimal, shop: str, buyer: str) -> Node:
    """A MoneyBag of two given amounts."""
    return {
        "shopMoney": {"amount": text_of(ours), "currencyCode": shop},
        "presentmentMoney": {"amount": text_of(theirs), "currencyCode": buyer},
    }


def unit_rounded(amount: Decimal, currency: str) -> Decimal:
    """Rounded to the decimals of a currency."""
    return amount.quantize(Decimal(1).scaleb(-PLACES.get(currency, 2)))


def connection(nodes: list[Node]) -> Node:
    """A complete connection."""
    return {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}


def tax(title: str, rate: float | None, amount: str, **extra: Any) -> Node:
    """A tax line."""
    return {"title": title, "rate": rate, "channelLiable": False, "priceSet": bag(amount), **extra}


def allocation(amount: str, code: str = "WELCOME") -> Node:
    """A discount allocation of a code."""
    return {
        "allocatedAmountSet": bag(amount),
        "discountApplication": {"index": 0, "targetType": "LINE_ITEM", "code": code},
    }


def line(number: int, price: str, quantity: int = 1, **extra: Any) -> Node:
    """A line of a catalogue item."""
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "title": f"Item {number}",
        "name": f"Item {number}",
        "sku": f"SKU-{number}",
        "variantTitle": None,
        "vendor": "Pine",
        "variant": {"id": f"gid://shopify/ProductVariant/{number}"},
        "product": {"id": f"gid://shopify/Product/{number}"},
        "quantity": quantity,
        "currentQuantity": quantity,
        "isGiftCard": False,
        "requiresShipping": True,
        "taxable": True,
        "originalUnitPriceSet": bag(price),
        "discountAllocations": [],
        "taxLines": [],
        "duties": [],
        **extra,
    }


def custom_line(number: int, price: str, title: str = "Engraving", **extra: Any) -> Node:
    """A line without catalogue entry, delivery and tax."""
    return line(
        number,
        price,
        **{
            "title": title,
            "sku": None,
            "vendor": None,
            "variant": None,
            "product": None,
            "requiresShipping": False,
            "taxable": False,
            **extra,
        },
    )


def shipping(number: int, price: str, current: str | None = None, **extra: Any) -> Node:
    """A shipping line."""
    return {
        "id": f"gid://shopify/ShippingLine/{number}",
        "title": "Standard",
        "code": "STD",
        "source": "shopify",
        "custom": False,
        "isRemoved": False,
        "originalPriceSet": bag(price),
        "discountedPriceSet": bag(price),
        "currentDiscountedPriceSet": bag(price if current is None else current),
        "discountAllocations": [],
        "taxLines": [],
        **extra,
    }


def transaction(number: int, kind: str, amount: str, status: str = "SUCCESS", **extra: Any) -> Node:
    """A payment transaction."""
    return {
        "id": f"gid://shopify/OrderTransaction/{number}",
        "kind": kind,
        "status": status,
        "gateway": "shopify_payments",
        "formattedGateway": "Shopify Payments",
        "test": False,
        "createdAt": "2026-11-18T10:00:05Z",
        "processedAt": "2026-11-18T10:00:05Z",
        "amountSet": bag(amount),
        "amountRoundingSet": None,
        "parentTransaction": None,
        "paymentDetails": {"paymentMethodName": "visa"},
        **extra,
    }


def refund(number: int, total: str, **extra: Any) -> Node:
    """A refund."""
    return {
        "id": f"gid://shopify/Refund/{number}",
        "createdAt": "2026-11-19T10:00:00Z",
        "processedAt": "2026-11-19T10:00:00Z",
        "totalRefundedSet": bag(total),
        "refundLineItems": connection([]),
        "refundShippingLines": connection([]),
        "orderAdjustments": connection([]),
        "transactions": connection([]),
        "duties": [],
        **extra,
    }


def refunded_line(number: int, quantity: int, subtotal: str, taxed: str = "0") -> Node:
    """Units of a line that were refunded."""
    return {
        "id": f"gid://shopify/RefundLineItem/{number}",
        "lineItem": {"id": f"gid://shopify/LineItem/{number}"},
        "quantity": quantity,
        "restockType": "RETURN",
        "restocked": True,
        "subtotalSet": bag(subtotal),
        "totalTaxSet": bag(taxed),
        "location": {"id": "gid://shopify/Location/1"},
    }


ADDRESS = {
    "name": "Ada Byron",
    "company": None,
    "address1": "1 Analytical Way",
    "address2": None,
    "city": "Portland",
    "province": "Oregon",
    "provinceCode": "OR",
    "zip": "97201",
    "countryCodeV2": "US",
    "phone": None,
}


def order(
    lines: list[Node],
    total: str,
    *,
    current: str | None = None,
    tax_total: str = "0",
    current_tax: str | None = None,
    ships: list[Node] | None = None,
    current_shipping: str = "0",
    received: str | None = None,
    refunded: str = "0",
    transactions: list[Node] | None = None,
    **extra: Any,
) -> Node:
    """An order document in USD; ``received`` defaults to one sale of the total."""
    paid = total if received is None else received
    return {
        "id": "gid://shopify/Order/1001",
        "name": "#1001",
        "createdAt": "2026-11-18T10:00:00Z",
        "updatedAt": "2026-11-18T10:05:00Z",
        "processedAt": "2026-11-18T10:00:00Z",
        "cancelledAt": None,
        "cancelReason": None,
        "closedAt": None,
        "test": False,
        "edited": False,
        "confirmed": True,
        "sourceName": "web",
        "taxesIncluded": False,
        "dutiesIncluded": False,
        "currencyCode": "USD",
        "presentmentCurrencyCode": "USD",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "poNumber": None,
        "email": "ada@example.com",
        "phone": None,
        "customerAcceptsMarketing": False,
        "customer": {
            "id": "gid://shopify/Customer/7",
            "displayName": "Ada Byron",
            "firstName": "Ada",
            "lastName": "Byron",
            "defaultEmailAddress": {"emailAddress": "ada@example.com"},
            "defaultPhoneNumber": None,
        },
        "purchasingEntity": {"__typename": "Customer"},
        "billingAddress": dict(ADDRESS),
        "shippingAddress": dict(ADDRESS),
        "additionalFees": [],
        "totalPriceSet": bag(total),
        "currentTotalPriceSet": bag(total if current is None else current),
        "currentSubtotalPriceSet": bag("0"),
        "totalTaxSet": bag(tax_total),
        "currentTotalTaxSet": bag(tax_total if current_tax is None else current_tax),
        "taxLines": [],
        "currentTaxLines": [],
        "currentTotalDiscountsSet": bag("0"),
        "currentShippingPriceSet": bag(current_shipping),
        "currentTotalDutiesSet": None,
        "currentTotalAdditionalFeesSet": None,
        "totalTipReceivedSet": bag("0"),
        "netPaymentSet": bag(str(Decimal(paid) - Decimal(refunded))),
        "totalReceivedSet": bag(paid),
        "totalRefundedSet": bag(refunded),
        "totalOutstandingSet": bag("0"),
        "refundDiscrepancySet": bag("0"),
        "totalCashRoundingAdjustment": {"paymentSet": bag("0"), "refundSet": bag("0")},
        "retailLocation": None,
        "transactions": [transaction(1, "SALE", paid)] if transactions is None else transactions,
        "fulfillments": [],
        "localizedFields": connection([]),
        "lineItems": connection(lines),
        "shippingLines": connection(ships or []),
        "refunds": [],
        **extra,
    }
