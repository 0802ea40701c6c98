"""What stands between a plan and posting it: a person's approval, and a period that is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from include.domain.document import Document, DocumentKind
from include.domain.errors import OrderError
from include.domain.ledger import OrderLedger
from include.domain.money import Money
from include.domain.order import Order
from include.domain.policy import Approval, ClosedPeriod, Policy

APPROVAL_RULE = "order_approved"
"""The rule of quarantine whose release approves an order."""

TAKING_BACK = frozenset({DocumentKind.VOID, DocumentKind.CREDIT_NOTE})
ACCOUNTED = frozenset({DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE, DocumentKind.PAYMENT})


class NotApproved(OrderError):
    """The channel's policy asks for a person's approval, and there is none that covers it."""

    reason_class = "approval"


class PeriodClosed(OrderError):
    """A document is dated in a period that the ERP has closed, and policy is to hold it."""

    reason_class = "closed_period"


def require_approval(
    order: Order,
    documents: Iterable[Document],
    ledger: OrderLedger,
    policy: Policy,
    approved: Decimal | None,
) -> None:
    """Refuse documents that a person has to approve first.

    An approval covers the order up to the total it had then. What only takes back needs none, nor
    does an order that was posted before approvals were asked for, up to the total it had.

    Args:
        order: The order as the store says it is now.
        documents: What would be posted.
        ledger: What is posted.
        policy: The channel's choices.
        approved: The highest total that was approved, in shop currency; ``None`` for never.

    Raises:
        NotApproved: No approval covers the order as it is now.
    """
    if policy.approval is Approval.NONE:
        return
    if all(document.key.kind in TAKING_BACK for document in documents):
        return
    if approved is None:
        ordered = ledger.all_posted(DocumentKind.SALES_ORDER)
        approved = ordered[0].total if ordered else None
    worth = order.stated.current_total.shop
    if approved is not None and worth <= approved:
        return
    now = Money(worth, order.currency)
    why = (
        "waits for approval"
        if approved is None
        else f"was approved up to {Money(approved, order.currency)} and has become dearer"
    )
    raise NotApproved(
        f"order {order.number} over {now} {why}: release it and the next run posts it; the "
        f"approval covers it up to {now}",
        rule=APPROVAL_RULE,
        field="current_total",
    )


def in_open_periods(
    documents: Iterable[Document], policy: Policy, first_open_on: Callable[[date], date]
) -> tuple[Document, ...]:
    """Return documents with the day each is posted on, where its own date is in a closed period.

    Sales orders without a deposit and voids are no matter of periods.

    Args:
        documents: What would be posted.
        policy: The channel's choices.
        first_open_on: Tells the first day that is open, from a day on.

    Raises:
        PeriodClosed: A document's period is closed and policy is to hold.
    """
    dated = []
    for document in documents:
        if document.key.kind in ACCOUNTED or document.payments:
            opened = first_open_on(document.document_on)
            if opened != document.document_on:
                document = _postponed(document, opened, policy)  # noqa: PLW2901
        dated.append(document)
    return tuple(dated)


def _postponed(document: Document, opened: date, policy: Policy) -> Document:
    if policy.closed_period is ClosedPeriod.NEXT_OPEN:
        return replace(document, post_on=opened)
    kind = document.key.kind.replace("_", " ")
    raise PeriodClosed(
        f"order {document.order_number}: its {kind} is dated {document.document_on}, in a period "
        f"that the ERP has closed: open the period of {document.document_on:%B %Y}, or let the "
        f"channel post on the next open day, {opened} (policy closed_period: next_open)",
        rule="period_open",
        field="document_on",
    )
