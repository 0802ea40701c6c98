"""What stands between a plan and posting it: a person's word, and a period that is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from include.domain.document import Document, DocumentKind
from include.domain.errors import OrderError
from include.domain.ledger import OrderLedger
from include.domain.money import Money
from include.domain.order import Order, RiskLevel
from include.domain.policy import Approval, ClosedPeriod, OnRisk, Policy
from include.domain.standing import standing_of

APPROVAL_RULE = "order_approved"
"""The rule of quarantine whose release approves an order."""

RISK_RULES: dict[RiskLevel, str] = {
    level: f"risk_{level}" for level in RiskLevel if level is not RiskLevel.LOW
}
"""By level of risk: the rule of quarantine whose release accepts it, and what is below it."""

PERSONS_RULES = frozenset({APPROVAL_RULE, *RISK_RULES.values()})
"""Rules whose release is a person's word on an order, up to the total that it had then."""

_ADVICE = {
    RiskLevel.LOW: "holds fraud for unlikely",
    RiskLevel.PENDING: "has not finished estimating the risk of fraud",
    RiskLevel.MEDIUM: "sees a medium risk of fraud and advises to look into the order",
    RiskLevel.HIGH: "sees a high risk of fraud and advises to cancel the order",
}

TAKING_BACK = frozenset({DocumentKind.VOID, DocumentKind.CREDIT_NOTE})
ACCOUNTED = frozenset({DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE, DocumentKind.PAYMENT})


class NotApproved(OrderError):
    """The channel's policy asks for a person's approval, and there is none that covers it."""

    reason_class = "approval"


class RiskNotAccepted(OrderError):
    """The store warns of fraud, and nobody has accepted the risk of the order as it is now."""

    reason_class = "risk"


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


def is_risky(order: Order, policy: Policy) -> bool:
    """Tell whether policy holds an order for the risk of fraud that the store sees.

    Args:
        order: The order as the store says it is now.
        policy: The channel's choices.
    """
    return (
        policy.on_risk is OnRisk.HOLD
        and order.risk is not None
        and order.risk.reaches(policy.risk_from)
    )


def accepting_rules(level: RiskLevel) -> tuple[str, ...]:
    """Return the rules whose release accepts a risk: its own and those of greater risks.

    Args:
        level: The risk that the store sees.
    """
    return tuple(rule for known, rule in RISK_RULES.items() if known.reaches(level))


def require_accepted_risk(
    order: Order,
    documents: Iterable[Document],
    ledger: OrderLedger,
    policy: Policy,
    accepted: Decimal | None,
) -> None:
    """Refuse the first documents of an order that is risky by policy, until a person accepts that.

    An order that is posted already keeps nothing back: what to do about it is decided in the store.

    Args:
        order: The order as the store says it is now.
        documents: What would be posted.
        ledger: What is posted.
        policy: The channel's choices.
        accepted: The highest total whose risk, or a greater one, was accepted, in shop currency;
            ``None`` for never.

    Raises:
        RiskNotAccepted: The risk has to be accepted by a person, or to fall in the store.
    """
    if not is_risky(order, policy) or not any(documents) or not standing_of(ledger).is_blank:
        return
    worth = order.stated.current_total.shop
    if accepted is not None and worth <= accepted:
        return
    assert order.risk is not None
    now = Money(worth, order.currency)
    raise RiskNotAccepted(
        f"order {order.number} over {now}: the store {_ADVICE[order.risk]}: look at it there, then "
        "cancel it, or release it here to accept the risk up to that total; it goes through by "
        "itself once the store's estimate falls",
        rule=RISK_RULES[order.risk],
        field="risk",
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
