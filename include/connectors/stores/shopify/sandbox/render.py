"""An order of the shop as the fields of the Admin API 2026-10, ready for the executor.

Nested connections are plain lists here; the executor pages them. A `Ref` points at another record
and is looked up when a query walks to it, so that documents stay free of cycles.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from include.connectors.stores.shopify.sandbox.amounts import NOTHING, Pair, money, total
from include.connectors.stores.shopify.sandbox.book import (
    Allocation,
    Company,
    Discount,
    Fulfillment,
    Line,
    Order,
    Payment,
    Refund,
    Shipping,
    Tax,
    Terms,
)

Record = dict[str, Any]

_RISK_LEVELS = {"ACCEPT": "LOW", "INVESTIGATE": "MEDIUM", "CANCEL": "HIGH", "NONE": "PENDING"}

GATEWAY_NAMES = {
    "shopify_payments": "Shopify Payments",
    "paypal": "PayPal Express Checkout",
    "gift_card": "Gift Card",
    "manual": "Manual",
    "cash": "Cash",
}


class Ref(str):
    """The global id of a record that is looked up when a query reaches it."""

    __slots__ = ()


def instant(at: datetime | None) -> str | None:
    """Write a time as the DateTime scalar does: UTC, whole seconds."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Renderer:
    """Renders one order.

    Args:
        order: The order to render.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._bag = order.currencies.bag
        self._discounts = {row.index: self._discount(row) for row in order.discounts}
        self._lines = {id(line): self._line(line) for line in order.lines}
        self._shipping = {id(row): self._shipping_line(row) for row in order.shipping}
        self._payments = {id(row): self._payment(row) for row in order.payments}
        for row in order.payments:
            if row.parent is not None:
                self._payments[id(row)]["parentTransaction"] = self._payments[id(row.parent)]

    def document(self) -> Record:
        """Return the order's fields."""
        order = self._order
        return {
            "__typename": "Order",
            "id": order.gid,
            **self._identity(),
            **self._people(),
            **self._totals(),
            **self._current_totals(),
            **self._payment_totals(),
            "lineItems": list(self._lines.values()),
            "nonFulfillableLineItems": [],
            "shippingLines": list(self._shipping.values()),
            "shippingLine": next(iter(self._shipping.values()), None),
            "discountApplications": list(self._discounts.values()),
            "discountCode": self._codes()[0] if self._codes() else None,
            "discountCodes": self._codes(),
            "taxLines": [self._tax(tax) for tax in order.tax_summary(current=False)],
            "currentTaxLines": [self._tax(tax) for tax in order.tax_summary(current=True)],
            "additionalFees": [
                {
                    "__typename": "AdditionalFee",
                    "id": f"gid://shopify/AdditionalFee/{fee.id}",
                    "name": fee.name,
                    "price": self._bag(fee.amount),
                    "taxLines": [self._tax(tax) for tax in fee.taxes],
                }
                for fee in order.fees
            ],
            "transactions": list(self._payments.values()),
            "transactionsCount": {"count": len(order.payments), "precision": "EXACT"},
            "refunds": [self._refund(refund) for refund in order.refunds],
            "fulfillments": [self._fulfillment(row) for row in order.fulfillments],
            "fulfillmentsCount": {"count": len(order.fulfillments), "precision": "EXACT"},
            "returns": [],
            "returnStatus": "NO_RETURN",
            "metafields": [],
            "events": [],
        }

    def _identity(self) -> Record:
        order = self._order
        return {
            "legacyResourceId": str(order.id),
            "name": order.name,
            "number": order.number,
            "confirmationNumber": f"CN{order.number:07d}",
            "confirmed": True,
            "createdAt": instant(order.created_at),
            "updatedAt": instant(order.updated_at),
            "processedAt": instant(order.processed_at or order.created_at),
            "closedAt": instant(order.closed_at),
            "closed": order.closed_at is not None,
            "cancelledAt": instant(order.cancelled_at),
            "cancelReason": order.cancel_reason,
            "cancellation": {"staffNote": None} if order.cancelled_at else None,
            "test": order.test,
            "edited": order.edited,
            "note": order.note,
            "poNumber": order.po_number,
            "paymentTerms": self._terms(order.terms) if order.terms else None,
            "risk": {
                "recommendation": order.risk,
                "assessments": [
                    {"riskLevel": _RISK_LEVELS[order.risk], "provider": None, "facts": []}
                ],
            },
            "tags": list(order.tags),
            "customAttributes": [],
            "sourceName": order.source,
            "sourceIdentifier": None,
            "app": {
                "id": "gid://shopify/OrderApp/580111",
                "name": "Point of Sale" if order.source == "pos" else "Online Store",
            },
            "retailLocation": Ref(order.location_id) if order.location_id else None,
            "currencyCode": order.currencies.shop,
            "presentmentCurrencyCode": order.currencies.presentment,
            "taxesIncluded": order.taxes_included,
            "taxExempt": False,
            "estimatedTaxes": False,
            "dutiesIncluded": False,
            "displayFinancialStatus": order.financial_status,
            "displayFulfillmentStatus": order.fulfillment_status,
            "requiresShipping": any(line.kind == "goods" for line in order.lines),
            "totalWeight": str(sum(line.grams * line.quantity for line in order.lines)),
            "currentTotalWeight": str(sum(line.grams * line.current for line in order.lines)),
        }

    def _purchaser(self, company: Company) -> Record:
        return {
            "__typename": "PurchasingCompany",
            "company": {"id": f"gid://shopify/Company/{company.id}", "name": company.name},
            "location": {
                "id": f"gid://shopify/CompanyLocation/{company.id}",
                "name": company.name,
                "taxSettings": {"taxRegistrationId": company.registration, "taxExempt": False},
            },
        }

    def _terms(self, terms: Terms) -> Record:
        owed = self._order.outstanding
        return {
            "id": f"gid://shopify/PaymentTerms/{terms.id}",
            "paymentTermsName": terms.name,
            "translatedName": terms.name,
            "paymentTermsType": "FIXED" if terms.days is None else "NET",
            "dueInDays": terms.days,
            "due": False,
            "overdue": False,
            "order": Ref(self._order.gid),
            "paymentSchedules": [
                {
                    "id": f"gid://shopify/PaymentSchedule/{terms.id + at}",
                    "dueAt": instant(due),
                    "issuedAt": instant(self._order.created_at),
                    "completedAt": None,
                    "due": False,
                    "balanceDue": money(owed.presentment, self._order.currencies.presentment),
                    "totalBalance": money(owed.presentment, self._order.currencies.presentment),
                }
                for at, due in enumerate(terms.due)
            ],
        }

    def _people(self) -> Record:
        order = self._order
        return {
            "customer": Ref(order.customer_id) if order.customer_id else None,
            "purchasingEntity": self._purchaser(order.company) if order.company else None,
            "email": order.email,
            "phone": order.phone,
            "customerLocale": "en-US",
            "customerAcceptsMarketing": False,
            "billingAddress": self._address(order.billing, "billing"),
            "shippingAddress": self._address(order.shipping_to, "shipping"),
            "displayAddress": self._address(order.shipping_to or order.billing, "display"),
            "billingAddressMatchesShippingAddress": order.billing == order.shipping_to,
        }

    def _address(self, address: dict[str, object] | None, use: str) -> Record | None:
        if address is None:
            return None
        number = f"{self._order.id}?model_name=Address&use={use}"
        return {"__typename": "MailingAddress", "id": f"gid://shopify/MailingAddress/{number}",
                **address}  # fmt: skip

    def _totals(self) -> Record:
        order, bag = self._order, self._bag
        gross_shipping = total([row.price for row in order.shipping])
        whole = [row for row in order.discounts if row.selection == "ALL"]
        return {
            "subtotalPriceSet": bag(order.subtotal),
            "totalPriceSet": bag(order.grand_total + order.misstated),
            "originalTotalPriceSet": bag(order.original_total + order.misstated),
            "totalTaxSet": bag(order.tax),
            "totalShippingPriceSet": bag(gross_shipping),
            "totalDiscountsSet": bag(self._discounted(order.discounts)),
            "cartDiscountAmountSet": bag(self._discounted(whole)) if whole else None,
            "totalTipReceivedSet": bag(order.tips),
            "originalTotalDutiesSet": bag(order.duties) if order.duties != NOTHING else None,
            "originalTotalAdditionalFeesSet": bag(order.fee_total) if order.fees else None,
            "subtotalLineItemsQuantity": sum(
                line.quantity for line in order.sold if line.kind != "gift_card"
            ),
        }

    def _discounted(self, discounts: Sequence[Discount]) -> Pair:
        wanted = {row.index for row in discounts}
        rows = [row for line in self._order.lines for row in line.allocations]
        rows += [row for line in self._order.shipping for row in line.allocations]
        return total([row.amount for row in rows if row.discount.index in wanted])

    def _current_totals(self) -> Record:
        order, bag = self._order, self._bag
        gone = order.cancelled_at is not None
        kept = total([line.left(line.discount, order.currencies) for line in order.lines])
        kept += NOTHING if gone else total([row.price - row.net for row in order.shipping])
        duties = NOTHING if gone else order.duties
        fees = NOTHING if gone else order.fee_total
        return {
            "currentSubtotalPriceSet": bag(order.current_subtotal),
            "currentTotalPriceSet": bag(order.current_total + order.misstated),
            "currentTotalTaxSet": bag(order.current_tax),
            "currentShippingPriceSet": bag(order.current_shipping),
            "currentTotalDiscountsSet": bag(kept),
            "currentCartDiscountAmountSet": bag(kept if order.discounts else NOTHING),
            "currentTotalDutiesSet": bag(duties) if order.duties != NOTHING else None,
            "currentTotalAdditionalFeesSet": bag(fees) if order.fees else None,
            "currentSubtotalLineItemsQuantity": sum(
                line.current for line in order.sold if line.kind != "gift_card"
            ),
        }

    def _payment_totals(self) -> Record:
        order, bag = self._order, self._bag
        rounding = total([row.rounding for row in order.payments if row.rounding])
        shipping_back = total([row.subtotal for ref in order.refunds for row in ref.shipping])
        gateways = dict.fromkeys(row.gateway for row in order.payments)
        return {
            "totalReceivedSet": bag(order.received),
            "totalRefundedSet": bag(order.refunded),
            "totalRefundedShippingSet": bag(shipping_back),
            "netPaymentSet": bag(order.received - order.refunded),
            "totalOutstandingSet": bag(order.outstanding),
            "totalCapturableSet": bag(order.capturable),
            "refundDiscrepancySet": bag(order.discrepancy),
            "totalCashRoundingAdjustment": {
                "paymentSet": bag(rounding),
                "refundSet": bag(NOTHING),
            },
            "paymentGatewayNames": list(gateways),
            "capturable": order.capturable.presentment > 0,
            "fullyPaid": order.received.presentment >= order.current_total.presentment,
            "unpaid": order.received == NOTHING and order.grand_total != NOTHING,
            "refundable": order.received.presentment > order.refunded.presentment,
            "canMarkAsPaid": order.outstanding.presentment > 0,
        }

    def _codes(self) -> list[str]:
        return [row.title for row in self._order.discounts if row.kind == "code"]

    def _discount(self, row: Discount) -> Record:
        kinds = {"code": "DiscountCodeApplication", "manual": "ManualDiscountApplication"}
        if row.percentage:
            value: Record = {
                "__typename": "PricingPercentageValue",
                "percentage": float(row.value),
            }
        else:
            amount = money(row.value, self._order.currencies.shop)
            value = {
                "__typename": "MoneyV2",
                "amount": amount.amount,
                "currencyCode": amount.currency,
            }
        found: Record = {
            "__typename": kinds.get(row.kind, "AutomaticDiscountApplication"),
            "index": row.index,
            "allocationMethod": row.method,
            "targetSelection": row.selection,
            "targetType": row.target,
            "value": value,
        }
        found["code" if row.kind == "code" else "title"] = row.title
        return found

    def _allocations(self, rows: Sequence[Allocation]) -> list[Record]:
        return [
            {
                "allocatedAmountSet": self._bag(row.amount),
                "discountApplication": self._discounts[row.discount.index],
            }
            for row in rows
        ]

    def _tax(self, tax: Tax) -> Record:
        return {
            "title": tax.title,
            "rate": float(tax.rate),
            "ratePercentage": float(tax.rate * 100),
            "priceSet": self._bag(tax.amount),
            "channelLiable": tax.channel_liable,
            "source": "Marketplace" if tax.channel_liable else "Shopify",
        }

    def _line(self, line: Line) -> Record:
        currencies, bag = self._order.currencies, self._bag
        own = total([r.amount for r in line.allocations if r.discount.selection != "ALL"])
        each = Decimal(1) / line.quantity
        before_tax = line.left(line.net, currencies)
        if self._order.taxes_included:
            before_tax -= line.left(line.tax, currencies)
        option = f" - {line.variant_title}" if line.variant_title else ""
        return {
            "__typename": "LineItem",
            "id": f"gid://shopify/LineItem/{line.id}",
            "title": line.title,
            "name": f"{line.title}{option}",
            "variantTitle": line.variant_title,
            "sku": line.sku,
            "vendor": "Pine & Harbor" if line.variant_id else None,
            "variant": Ref(line.variant_id) if line.variant_id else None,
            "product": Ref(line.product_id) if line.product_id else None,
            "quantity": line.quantity,
            "currentQuantity": line.current,
            "refundableQuantity": line.current,
            "unfulfilledQuantity": max(line.current - line.fulfilled, 0),
            "nonFulfillableQuantity": line.quantity if line.kind == "tip" else line.gone,
            "isGiftCard": line.kind == "gift_card",
            "requiresShipping": line.kind == "goods" or (line.kind == "custom" and line.grams > 0),
            "restockable": line.variant_id is not None,
            "taxable": line.taxable,
            "customAttributes": [],
            "merchantEditable": True,
            "weight": {"value": float(line.grams), "unit": "GRAMS"},
            "originalUnitPriceSet": bag(line.unit),
            "originalTotalSet": bag(line.gross),
            "discountedTotalSet": bag(line.gross - own),
            "discountedUnitPriceSet": bag(currencies.share(line.gross - own, each)),
            "discountedUnitPriceAfterAllDiscountsSet": bag(currencies.share(line.net, each)),
            "totalDiscountSet": bag(own),
            "priceAfterAllDiscountsBeforeTaxesSet": bag(before_tax),
            "discountAllocations": self._allocations(line.allocations),
            "taxLines": [self._tax(tax) for tax in line.taxes],
            "duties": [
                {
                    "__typename": "Duty",
                    "id": f"gid://shopify/Duty/{number}",
                    "countryCodeOfOrigin": "US",
                    "harmonizedSystemCode": "620193",
                    "price": bag(amount),
                    "taxLines": [],
                }
                for number, amount in line.duties
            ],
        }

    def _shipping_line(self, row: Shipping) -> Record:
        return {
            "id": f"gid://shopify/ShippingLine/{row.id}",
            "title": row.title,
            "code": row.code,
            "source": "shopify",
            "custom": False,
            "carrierIdentifier": None,
            "deliveryCategory": None,
            "isRemoved": False,
            "phone": None,
            "originalPriceSet": self._bag(row.price),
            "discountedPriceSet": self._bag(row.net),
            "currentDiscountedPriceSet": self._bag(row.net - row.refunded),
            "discountAllocations": self._allocations(row.allocations),
            "taxLines": [self._tax(tax) for tax in row.taxes],
        }

    def _payment(self, row: Payment) -> Record:
        currencies = self._order.currencies
        return {
            "__typename": "OrderTransaction",
            "id": f"gid://shopify/OrderTransaction/{row.id}",
            "kind": row.kind,
            "status": row.status,
            "gateway": row.gateway,
            "formattedGateway": GATEWAY_NAMES.get(row.gateway, row.gateway.replace("_", " ")),
            "manualPaymentGateway": row.gateway in ("manual", "cash"),
            "amountSet": self._bag(row.amount),
            "amountRoundingSet": None if row.rounding is None else self._bag(row.rounding),
            "createdAt": instant(row.at),
            "processedAt": instant(row.at),
            "errorCode": row.error,
            "test": self._order.test,
            "paymentId": f"pay_{row.id}",
            "accountNumber": None,
            "location": Ref(row.location_id) if row.location_id else None,
            "settlementCurrency": currencies.shop,
            "settlementCurrencyRate": None,
            "parentTransaction": None,
            "order": Ref(self._order.gid),
            "fees": [],
        }

    def _refund(self, refund: Refund) -> Record:
        bag = self._bag
        return {
            "__typename": "Refund",
            "id": f"gid://shopify/Refund/{refund.id}",
            "legacyResourceId": str(refund.id),
            "note": refund.note,
            "createdAt": instant(refund.at),
            "processedAt": instant(refund.at),
            "updatedAt": instant(refund.at),
            "order": Ref(self._order.gid),
            "totalRefundedSet": bag(total([row.amount for row in refund.payments])),
            "duties": [],
            "refundLineItems": [
                {
                    "id": f"gid://shopify/RefundLineItem/{row.id}",
                    "lineItem": self._lines[id(row.line)],
                    "quantity": row.quantity,
                    "restockType": row.restock,
                    "restocked": row.restock != "NO_RESTOCK",
                    "location": Ref(row.location_id) if row.location_id else None,
                    "priceSet": bag(row.line.unit),
                    "subtotalSet": bag(row.subtotal),
                    "totalTaxSet": bag(row.tax),
                }
                for row in refund.lines
            ],
            "refundShippingLines": [
                {
                    "__typename": "RefundShippingLine",
                    "id": f"gid://shopify/RefundShippingLine/{row.id}",
                    "shippingLine": self._shipping[id(row.shipping)],
                    "subtotalAmountSet": bag(row.subtotal),
                    "taxAmountSet": bag(row.tax),
                }
                for row in refund.shipping
            ],
            "orderAdjustments": [
                {
                    "__typename": "OrderAdjustment",
                    "id": f"gid://shopify/OrderAdjustment/{number}",
                    "amountSet": bag(amount),
                    "taxAmountSet": bag(NOTHING),
                    "reason": reason,
                }
                for number, amount, reason in refund.adjustments
            ],
            "transactions": [self._payments[id(row)] for row in refund.payments],
        }

    def _fulfillment(self, row: Fulfillment) -> Record:
        return {
            "__typename": "Fulfillment",
            "id": f"gid://shopify/Fulfillment/{row.id}",
            "legacyResourceId": str(row.id),
            "name": f"{self._order.name}-F1",
            "status": "SUCCESS",
            "displayStatus": "FULFILLED",
            "createdAt": instant(row.at),
            "updatedAt": instant(row.at),
            "requiresShipping": True,
            "totalQuantity": sum(quantity for _, _, quantity in row.lines),
            "location": Ref(row.location_id),
            "order": Ref(self._order.gid),
            "trackingInfo": [
                {"company": row.carrier, "number": row.tracking, "url": None}
            ],
            "fulfillmentLineItems": [
                {
                    "__typename": "FulfillmentLineItem",
                    "id": f"gid://shopify/FulfillmentLineItem/{number}",
                    "quantity": quantity,
                    "lineItem": self._lines[id(line)],
                    "originalTotalSet": self._bag(line.unit.times(quantity)),
                    "discountedTotalSet": self._bag(line.unit.times(quantity)),
                }
                for number, line, quantity in row.lines
            ],
        }  # fmt: skip


def render(order: Order) -> Record:
    """Return an order as the fields of the Admin API's Order.

    Args:
        order: The order to render.

    Returns:
        Field names to values; nested connections as lists.
    """
    return Renderer(order).document()
