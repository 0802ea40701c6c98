"""The planner: what the ERP still lacks of an order.

A pure function of the order, what the ledger says is posted, the policy and the stock. Posting
carries a plan out; a second plan straight after is empty. A dry run is a plan that is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from include.domain.allocation import (
    Stock,
    allocated,
    as_the_erp_holds_it,
    has_moved,
    routed,
)
from include.domain.billing import billable
from include.domain.content import CONCESSION, Books, Content, Difference, difference
from include.domain.document import Document, DocumentKey, DocumentKind, DocumentLine, RemoteState
from include.domain.errors import OrderError, Unbalanced
from include.domain.ledger import LedgerEntry, OrderLedger
from include.domain.money import ZERO, Money
from include.domain.order import FinancialStatus, Order
from include.domain.ordered import with_taken_back
from include.domain.policy import (
    InvoiceMoment,
    OnHold,
    OnTestOrder,
    Policy,
    ShortStock,
    UnpaidOrders,
)
from include.domain.sales import (
    TOLERATED,
    Adjustments,
    exchange_left,
    facts_digest,
    is_called_off,
    payments_of,
    sales_document,
    worthless_document,
)
from include.domain.settlement import settling, with_causes
from include.domain.standing import Standing, standing_of
from include.domain.tendered import Payments, Placed, by_tender, moved, placed

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


class Unpaid(OrderError):
    """The order is not paid in full and the channel's policy is to hold it."""

    reason_class = "unpaid"


class OnHoldInStore(OrderError):
    """The store has put the order on hold and the channel's policy is to wait."""

    reason_class = "on_hold"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is still to be done for one order.

    Attributes:
        documents: Documents to post, in order; an invoice follows the order it is based on.
        skipped: Short reason when policy or the order's own life leaves nothing to post.
        adjustments: Pairs of cause and amount: every named difference between the store's figures
            and the documents'.
        finishes: The ledger's entry of the one document, where it is begun and has to be finished.
    """

    documents: tuple[Document, ...] = ()
    skipped: str | None = None
    adjustments: Adjustments = ()
    finishes: LedgerEntry | None = None

    @property
    def adjusted(self) -> Decimal:
        """Store total less what the books get: all adjustments that no document carries itself."""
        return sum((amount for cause, amount in self.adjustments if cause != TOLERATED), ZERO)


SKIP_REASONS = {
    "test_order": "a test order of the store: policy leaves it out",
    "cancelled": "cancelled in the store before anything was posted",
    "refunded": "refunded in full before anything was posted",
    "voided": "its payment was voided before anything was posted",
    "unpaid": "not paid yet: policy waits for the payment",
    "empty": "nothing is left on it and no money was kept",
    "written_off": "a person wrote it off in quarantine: it is left out until it is reopened",
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
        StockShort: Stock is short and the policy is to hold.
        Unpaid: It is not paid in full and the policy is to hold.
        OnHoldInStore: The store has put it on hold and the policy is to wait.
        ChangedAfterPosting: It lives again after its sales order was voided, and cannot be billed.
        Unbalanced: Payments and total cannot both be right.
    """
    standing = standing_of(ledger)
    if standing.is_blank:
        skipped = _skip_reason(order, policy)
        if skipped is not None:
            return Plan(skipped=skipped, adjustments=_left_by_rates(order, skipped))
        _require_payment(order, policy)
        _require_release(order, policy)
    if order.financial_status is FinancialStatus.VOIDED and not standing.invoices:
        sale, adjustments = worthless_document(order, policy, "voided")
    else:
        sale, adjustments = sales_document(order, policy)
    if not standing.invoices and standing.ordered and not sale.lines and not sale.total:
        return Plan((_void(sale, standing.ordered.key, 1),), adjustments=adjustments)
    voids = tuple(_voids(order, sale, standing, ledger))
    if voids:
        return Plan(voids, adjustments=adjustments)
    return _Planning(order, sale, ledger, standing, policy).plan(stock, adjustments)


def _voids(
    order: Order, sale: Document, standing: Standing, ledger: OrderLedger
) -> Iterator[Document]:
    """Void what is whole and still open of a cancelled order, the invoice before its order.

    Only a cancelled order is voided: it cannot come back, while one that was refunded or emptied
    by an edit can.
    """
    gone = order.cancelled_at is not None and not sale.lines and not sale.total
    if not gone or len(standing.invoices) != 1 or ledger.all_posted(DocumentKind.CREDIT_NOTE):
        return
    billed = standing.invoices[0]
    if billed.remote_state is RemoteState.OPEN:
        yield _void(sale, billed.key, billed.key.sequence + 1)
        if standing.ordered:
            yield _void(sale, standing.ordered.key, 1)


class _Planning:
    """One order's plan in the making; holds what its steps share."""

    def __init__(
        self,
        order: Order,
        sale: Document,
        ledger: OrderLedger,
        standing: Standing,
        policy: Policy,
    ) -> None:
        self.order = order
        self.sale = sale
        self.ledger = ledger
        self.standing = standing
        self.policy = policy
        self.payments = payments_of(order, sale.total)
        self.is_new = standing.is_blank and not standing.was_voided
        self.is_open = self.is_new or standing.is_open

    def plan(self, stock: Stock, adjustments: Adjustments) -> Plan:
        """Return the documents that bring the books in line with the order."""
        self.sale = routed(self.sale, self.standing, self.policy, stock)
        if self.is_open:
            self.sale = allocated(self.sale, self.standing, self.policy, stock)
        gap, money, worth = self._gap()
        if not self.is_open and self.sale.total != worth:
            self._require_life(gap)
            adjustments += (("not_billed_yet", self.sale.total - worth),)
        documents = [
            *self._order_documents(gap, money, stock),
            *settling(self.order, self.sale, gap, self.ledger, self.policy, on_order=self.is_open),
        ]
        return Plan(tuple(documents), adjustments=adjustments)

    @property
    def _is_settled(self) -> bool:
        paid = sum((payment.amount for payment in self.payments), ZERO)
        return paid >= self.sale.total and self.order.financial_status not in UNPAID

    def _gap(self) -> tuple[Difference, Placed, Decimal]:
        """Return what is to be billed and taken back, where the money goes, what is billed then."""
        billed = self.standing.billed
        part = billable(
            self.order, self.sale, self.standing, self.policy, is_settled=self._is_settled
        )
        if self.standing.invoices:
            gap = difference(part.content, Books(billed.lines, billed.charges))
            gap = _with_concession_on_invoice(gap)
        else:
            gap = Difference(more=part.content, less=Content())
        if not part.may_grow:
            gap = Difference(more=Content(), less=gap.less)
        worth = billed.total + gap.more.total - gap.less.total
        money = placed(self.payments, billed, worth, self.sale.total)
        self._require_tie(money, worth)
        received, returned = moved(money.applied, billed)
        gap = Difference(
            more=replace(gap.more, payments=received), less=replace(gap.less, payments=returned)
        )
        open_credit = max(billed.paid - billed.total, ZERO)
        return with_causes(self.order, gap, open_credit=open_credit), money, worth

    def _require_tie(self, money: Placed, worth: Decimal) -> None:
        """Refuse money that no document can carry, and money kept of a cancelled order.

        What an edit left over on a billed order stays there as the buyer's open credit.
        """
        applied = sum((payment.amount for payment in money.applied), ZERO)
        is_kept = self.order.cancelled_at is not None and applied > worth
        if money.surplus <= ZERO and not is_kept:
            return
        currency = self.order.currency
        paid = sum((payment.amount for payment in self.payments), ZERO)
        raise Unbalanced(
            f"order {self.order.number}: payments less refunds are {Money(paid, currency)} against "
            f"a total of {Money(self.sale.total, currency)}: refund the difference or mend the "
            "order",
            rule="payments_tie",
            field="net_payment",
        )

    def _require_life(self, gap: Difference) -> None:
        """Refuse an order that lives again after its sales order was voided and is not billed."""
        if self.standing.is_blank and not gap.more.lines and not gap.more.charges:
            raise ChangedAfterPosting(
                f"order {self.order.number} lives again after its sales order was voided: it is "
                "billed without one as soon as policy bills it (paid, handed over, or by hand)",
                rule="revived_after_void",
                field="lines",
            )

    # -- the sales order ----------------------------------------------------------------------

    def _order_documents(self, gap: Difference, money: Placed, stock: Stock) -> Iterator[Document]:
        """Yield the sales order, or the change that makes it stand as it should."""
        if not self.is_open:
            return
        taken = Books()
        for entry in self.ledger.all_posted(DocumentKind.CREDIT_NOTE):
            taken.add(entry.content or Content())
        taken.add(gap.less)
        wanted = with_taken_back(self.sale, taken, self.standing.invoiced)
        wanted = replace(wanted, payments=self._deposit(money))
        if self.standing.ordered is None:
            yield wanted
        elif self._has_changed(wanted, stock):
            number = self.ledger.next_sequence(DocumentKind.ORDER_CHANGE)
            key = replace(wanted.key, kind=DocumentKind.ORDER_CHANGE, sequence=number)
            yield replace(wanted, key=key, based_on=self.standing.ordered.key)

    def _deposit(self, money: Placed) -> Payments:
        """Return the money that waits on the order until it is billed."""
        is_booked = (
            bool(self.standing.invoices)
            or self.policy.invoice is InvoiceMoment.ON_SHIPMENT
            or self._is_settled
        )
        return money.deposited if is_booked else ()

    def _has_changed(self, wanted: Document, stock: Stock) -> bool:
        newest = self.standing.newest
        booked = as_the_erp_holds_it(self.standing, stock)
        if newest is None or facts_digest(wanted) != newest.digest:
            return True
        if by_tender(wanted.payments) != by_tender(booked.payments):
            return True
        if newest.back_ordered and not wanted.is_back_ordered:
            return True
        before = {line.line_id: line for line in booked.lines}
        return any(
            self._line_has_changed(line, before[line.line_id])
            for line in wanted.lines
            if line.line_id in before
        )

    def _line_has_changed(self, line: DocumentLine, old: DocumentLine) -> bool:
        """Tell whether stock arrived that may be billed, or the rest is taken from elsewhere."""
        in_parts = (
            self.policy.short_stock is ShortStock.SPLIT
            or self.policy.invoice is InvoiceMoment.ON_SHIPMENT
        )
        is_left = line.quantity > self.standing.units_invoiced(line.line_id)
        return (in_parts and line.back_ordered < old.back_ordered) or (
            is_left and has_moved(line, old, self.policy)
        )


def _with_concession_on_invoice(gap: Difference) -> Difference:
    """Let an invoice bear a concession that it can bear, instead of a credit note of its own."""
    given = next((c for c in gap.less.charges if c.charge_id == CONCESSION), None)
    if given is None or gap.more.total < given.net:
        return gap
    rest = tuple(charge for charge in gap.less.charges if charge is not given)
    return Difference(
        more=replace(gap.more, concession=given.net), less=replace(gap.less, charges=rest)
    )


def _void(sale: Document, target: DocumentKey, number: int) -> Document:
    return replace(
        sale,
        key=replace(sale.key, kind=DocumentKind.VOID, sequence=number),
        total=ZERO,
        lines=(),
        charges=(),
        payments=(),
        concession=ZERO,
        based_on=target,
    )


def _require_payment(order: Order, policy: Policy) -> None:
    if policy.unpaid is UnpaidOrders.HOLD and order.financial_status in UNPAID:
        raise Unpaid(
            f"order {order.number} is {order.financial_status.replace('_', ' ')}: policy holds it "
            "until it is paid in full",
            rule="paid_in_full",
            field="financial_status",
        )


def _require_release(order: Order, policy: Policy) -> None:
    if policy.on_hold is OnHold.HOLD and order.fulfillment_status == "on_hold":
        raise OnHoldInStore(
            f"order {order.number} is on hold in the store: policy waits until the hold is "
            "released there",
            rule="not_on_hold",
            field="fulfillment_status",
        )


def _skip_reason(order: Order, policy: Policy) -> str | None:
    stated = order.stated
    if order.is_test and policy.test_orders is OnTestOrder.SKIP:
        return "test_order"
    # In the buyer's currency: what rates left of the shop money is no payment for anything.
    kept = stated.received.presentment - stated.refunded.presentment
    if order.cancelled_at is not None:
        if not is_called_off(order):
            kept = stated.received.shop - stated.refunded.shop
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


def _left_by_rates(order: Order, skipped: str) -> Adjustments:
    exchange = exchange_left(order) if skipped in ("cancelled", "refunded") else ZERO
    return (("exchange_difference", -exchange),) if exchange else ()
