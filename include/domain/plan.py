"""The planner: what the ERP still lacks of an order.

A pure function of the order, what the ledger says is posted, the policy and the stock. Posting
carries a plan out; a second plan straight after is empty. A dry run is a plan that is printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from include.domain.document import Document, DocumentKind, StockNeed
from include.domain.errors import OrderError, Unbalanced
from include.domain.ledger import LedgerEntry, OrderLedger
from include.domain.money import ZERO, Money
from include.domain.order import FinancialStatus, LineKind, Order
from include.domain.policy import InvoiceMoment, OnTestOrder, Policy, ShortStock, UnpaidOrders
from include.domain.sales import (
    Adjustments,
    facts_digest,
    invoice_document,
    payments_of,
    sales_document,
)

Stock = Mapping[StockNeed, Decimal]

UNPAID = frozenset(
    {
        FinancialStatus.PENDING,
        FinancialStatus.AUTHORIZED,
        FinancialStatus.PARTIALLY_PAID,
        FinancialStatus.EXPIRED,
    }
)


class ChangedAfterPosting(OrderError):
    """The order changed in the store after its documents were posted."""

    reason_class = "changed_after_posting"


class StockShort(OrderError):
    """Stock does not cover the order and the channel's policy is to hold it."""

    reason_class = "short_stock"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is still to be done for one order.

    Attributes:
        documents: Documents to post, in order; an invoice follows the order it is based on.
        skipped: Short reason when policy or the order's own life leaves nothing to post.
        adjusted: Store total less what the books get, with its cause in ``adjustments``.
        adjustments: Pairs of cause and amount that make up ``adjusted``.
    """

    documents: tuple[Document, ...] = ()
    skipped: str | None = None
    adjustments: Adjustments = ()

    @property
    def adjusted(self) -> Decimal:
        """Sum of the named differences between the store's total and the document's."""
        return sum((amount for _, amount in self.adjustments), ZERO)


SKIP_REASONS = {
    "test_order": "a test order of the store: policy leaves it out",
    "cancelled": "cancelled in the store before anything was posted",
    "refunded": "refunded in full before anything was posted",
    "voided": "its payment was voided before anything was posted",
    "unpaid": "not paid yet: policy waits for the payment",
    "empty": "nothing is left on it and no money was kept",
}


def plan(order: Order, ledger: OrderLedger, policy: Policy, stock: Stock) -> Plan:
    """Work out which documents the ERP still lacks of an order.

    Args:
        order: The order as the store says it is now, balanced.
        ledger: What is posted already.
        policy: The channel's choices.
        stock: Units free to promise; a need that is absent is not tracked.

    Returns:
        The documents to post now, or why there are none.

    Raises:
        ChangedAfterPosting: Its documents are posted and no longer say what the store says.
        StockShort: Stock is short and the policy is to hold.
        Unbalanced: Payments and total cannot both be right.
    """
    posted = ledger.posted(DocumentKind.SALES_ORDER)
    if posted is None:
        skipped = _skip_reason(order, policy)
        if skipped is not None:
            return Plan(skipped=skipped)
    sale, adjustments = sales_document(order, policy)
    if posted is not None:
        return Plan(_after_posting(order, sale, posted, ledger, policy), adjustments=adjustments)
    sale = _allocate_stock(sale, policy, stock)
    payments = payments_of(order, sale.total)
    paid = sum((payment.amount for payment in payments), ZERO)
    settled = paid == sale.total and order.financial_status not in UNPAID
    if sale.is_back_ordered:
        return Plan((replace(sale, payments=payments if settled else ()),), adjustments=adjustments)
    if settled and policy.invoice is InvoiceMoment.ON_PAYMENT:
        return Plan((sale, invoice_document(sale, payments, policy)), adjustments=adjustments)
    deposit = payments if settled and policy.invoice is InvoiceMoment.NEVER else ()
    return Plan((replace(sale, payments=deposit),), adjustments=adjustments)


def _skip_reason(order: Order, policy: Policy) -> str | None:
    stated = order.stated
    if order.is_test and policy.test_orders is OnTestOrder.SKIP:
        return "test_order"
    kept = stated.received.shop - stated.refunded.shop
    if order.cancelled_at is not None:
        if kept:
            raise Unbalanced(
                f"order {order.number} is cancelled but {Money(kept, order.currency)} of its "
                "payments was kept: refund it in the store, or undo the cancellation",
                rule="cancelled_with_money_kept",
                field="net_payment",
            )
        return "cancelled"
    if order.financial_status is FinancialStatus.VOIDED:
        return "voided"
    nothing_left = not stated.current_total.shop and not any(
        line.current_quantity > 0 for line in order.lines
    )
    if nothing_left and not kept:
        return "refunded" if order.refunds else "empty"
    if order.financial_status in UNPAID and policy.unpaid is UnpaidOrders.SKIP:
        return "unpaid"
    return None


def _after_posting(
    order: Order, sale: Document, posted: LedgerEntry, ledger: OrderLedger, policy: Policy
) -> tuple[Document, ...]:
    if order.cancelled_at is not None:
        raise ChangedAfterPosting(
            f"order {order.number} was cancelled in the store after sales order {posted.reference} "
            "was posted: void it in the ERP, or credit its invoice",
            rule="cancelled_after_posting",
            field="cancelled_at",
        )
    if facts_digest(sale) != posted.digest:
        raise ChangedAfterPosting(
            f"order {order.number} was changed in the store after sales order {posted.reference} "
            f"was posted: it said {Money(posted.total, posted.currency)} then and "
            f"{Money(sale.total, sale.currency)} now; bring the ERP's documents in line",
            rule="edited_after_posting",
            field="current_total",
        )
    if (
        ledger.posted(DocumentKind.INVOICE) is not None
        or policy.invoice is InvoiceMoment.NEVER
        or posted.back_ordered
        or posted.paid
        or order.financial_status in UNPAID
    ):
        return ()
    payments = payments_of(order, sale.total)
    if sum((payment.amount for payment in payments), ZERO) != sale.total:
        return ()
    return (invoice_document(sale, payments, policy),)


def _allocate_stock(sale: Document, policy: Policy, stock: Stock) -> Document:
    if policy.short_stock is ShortStock.IGNORE:
        return sale
    left = dict(stock)
    lines = []
    for line in sale.lines:
        need = StockNeed(line.sku or "", line.location_id)
        if line.kind is LineKind.GOODS and need in left:
            covered = int(max(ZERO, min(left[need], Decimal(line.quantity))))
            left[need] -= covered
            if covered < line.quantity:
                if policy.short_stock is ShortStock.HOLD:
                    raise StockShort(
                        f"line {line.sku} needs {line.quantity} and {covered} can be promised: "
                        "policy holds the order until stock arrives",
                        rule="stock_covers_line",
                        field="quantity",
                    )
                lines.append(replace(line, back_ordered=line.quantity - covered))
                continue
        lines.append(line)
    return replace(sale, lines=tuple(lines))


def stock_needs(order: Order) -> Iterator[StockNeed]:
    """Yield what the order needs from stock.

    Args:
        order: The canonical order.
    """
    for line in order.lines:
        if line.kind is LineKind.GOODS and line.sku and line.current_quantity > 0:
            yield StockNeed(line.sku, line.location_id)


def stock_taken(document: Document) -> Iterator[tuple[StockNeed, int]]:
    """Yield the units that a sales order is going to allocate.

    Args:
        document: A sales order.
    """
    for line in document.lines:
        if line.kind is LineKind.GOODS and line.sku:
            yield StockNeed(line.sku, line.location_id), line.quantity - line.back_ordered
