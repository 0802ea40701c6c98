"""Policy: what a channel wants booked and when. Data, decided by people, read by the planner.

``contradictions`` names the choices that make no sense together; a channel file with one of them
is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from include.domain.money import ZERO


class InvoiceMoment(StrEnum):
    """When an order is billed."""

    ON_PAYMENT = "on_payment"
    ON_SHIPMENT = "on_shipment"
    NEVER = "never"


class ShortStock(StrEnum):
    """What happens to an order that stock does not cover."""

    BACK_ORDER = "back_order"
    SPLIT = "split"
    HOLD = "hold"
    IGNORE = "ignore"


class UnpaidOrders(StrEnum):
    """What happens to an order that is not paid in full."""

    POST_ORDER = "post_order"
    SKIP = "skip"
    HOLD = "hold"


class OnHold(StrEnum):
    """What happens to an order whose fulfillment the store has put on hold."""

    POST_ORDER = "post_order"
    HOLD = "hold"


class OnRisk(StrEnum):
    """What happens to an order that the store warns of fraud for."""

    IMPORT = "import"
    HOLD = "hold"


class RiskFrom(StrEnum):
    """The risk of fraud from which an order counts as risky."""

    PENDING = "pending"
    MEDIUM = "medium"
    HIGH = "high"


class OnTestOrder(StrEnum):
    """What happens to the store's test orders."""

    SKIP = "skip"
    POST = "post"


class ClosedPeriod(StrEnum):
    """What happens to a document whose date is in a period that the ERP has closed."""

    HOLD = "hold"
    NEXT_OPEN = "next_open"


class Approval(StrEnum):
    """Whether a person has to approve an order before anything of it is posted."""

    NONE = "none"
    REQUIRED = "required"


class Import(StrEnum):
    """Who starts the channel's runs."""

    AUTOMATIC = "automatic"
    BY_HAND = "by_hand"


class RouteBy(StrEnum):
    """How an order line gets the location that it is taken from."""

    STORE_LOCATION = "store_location"
    FIXED = "fixed"
    FIRST_WITH_STOCK = "first_with_stock"


_MEANINGS: dict[type[StrEnum], dict[str, str]] = {
    InvoiceMoment: {
        InvoiceMoment.ON_PAYMENT: "An order is billed as soon as it is paid in full.",
        InvoiceMoment.ON_SHIPMENT: (
            "The units that the store says were handed over are billed, paid or not; shipping "
            "and other charges go with the first invoice, money that came before is a deposit "
            "on the order."
        ),
        InvoiceMoment.NEVER: "Orders and deposits only; people bill in the ERP.",
    },
    ShortStock: {
        ShortStock.BACK_ORDER: (
            "The order is posted with what is missing back-ordered, and billed as a whole "
            "once all of it is there."
        ),
        ShortStock.SPLIT: (
            "What stock covers is billed at once; the rest stays on the order and is billed "
            "as it arrives."
        ),
        ShortStock.HOLD: "Nothing of the order is posted until stock covers all of it.",
        ShortStock.IGNORE: "Stock is not looked at.",
    },
    UnpaidOrders: {
        UnpaidOrders.POST_ORDER: "The sales order is posted and waits for its payment in the ERP.",
        UnpaidOrders.SKIP: "It is left out, without anybody being told, until it is paid.",
        UnpaidOrders.HOLD: "It waits in quarantine and its owner is told, until it is paid.",
    },
    OnHold: {
        OnHold.POST_ORDER: "It is posted like any other: the hold is a matter of shipping.",
        OnHold.HOLD: "It waits in quarantine and its owner is told, until the hold is released.",
    },
    OnRisk: {
        OnRisk.IMPORT: "It is posted like any other: fraud is dealt with in the store.",
        OnRisk.HOLD: (
            "Nothing of it is posted until a person accepts the risk by releasing it, or the "
            "store's own estimate falls."
        ),
    },
    RiskFrom: {
        RiskFrom.PENDING: "Risky from an estimate that the store has not finished yet.",
        RiskFrom.MEDIUM: "Risky where the store advises to look into the order, or to cancel it.",
        RiskFrom.HIGH: "Risky only where the store advises to cancel the order.",
    },
    OnTestOrder: {
        OnTestOrder.SKIP: "Test orders are left out.",
        OnTestOrder.POST: "Test orders are booked like any other.",
    },
    ClosedPeriod: {
        ClosedPeriod.HOLD: "The order waits in quarantine until the period is opened.",
        ClosedPeriod.NEXT_OPEN: (
            "It is posted on the first open day; the document keeps its own date."
        ),
    },
    Approval: {
        Approval.NONE: "What passes validation is posted.",
        Approval.REQUIRED: (
            "Every order waits in quarantine until a person releases it; an approval covers "
            "the order up to the total it had then."
        ),
    },
    Import: {
        Import.AUTOMATIC: "Runs happen by the channel's schedule.",
        Import.BY_HAND: "There is no schedule and no alert on silence: people start each run.",
    },
    RouteBy: {
        RouteBy.STORE_LOCATION: "The location that the store names.",
        RouteBy.FIXED: "One location for every line, whatever the store names.",
        RouteBy.FIRST_WITH_STOCK: (
            "The first location of the list that has the whole line in stock."
        ),
    },
}


def meaning_of(choice: StrEnum) -> str:
    """Return what a choice means, in words for the people who choose.

    Args:
        choice: A value of one of the policy's settings.
    """
    return _MEANINGS[type(choice)][choice]


@dataclass(frozen=True, slots=True)
class Routing:
    """Where the goods of an order are taken from.

    Attributes:
        by: How a line gets its location.
        locations: Store location ids: the one of ``fixed``, or those of ``first_with_stock`` in
            their order.
    """

    by: RouteBy = RouteBy.STORE_LOCATION
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A channel's choices.

    Attributes:
        time_zone: IANA zone whose calendar gives documents their date.
        invoice: When an order is billed.
        short_stock: What happens to an order that stock does not cover.
        unpaid: What happens to an order that is not paid in full.
        test_orders: What happens to test orders.
        closed_period: What happens to a document dated in a closed period.
        approval: Whether a person has to approve an order first.
        tolerance: By how much parts and stated totals may differ, in shop currency.
        routing: Where the goods are taken from.
        on_hold: What happens to an order that the store has put on hold.
        on_risk: What happens to an order that the store warns of fraud for.
        risk_from: From which risk that is.
    """

    time_zone: ZoneInfo
    invoice: InvoiceMoment = InvoiceMoment.ON_PAYMENT
    short_stock: ShortStock = ShortStock.BACK_ORDER
    unpaid: UnpaidOrders = UnpaidOrders.POST_ORDER
    test_orders: OnTestOrder = OnTestOrder.SKIP
    closed_period: ClosedPeriod = ClosedPeriod.HOLD
    approval: Approval = Approval.NONE
    tolerance: Decimal = ZERO
    routing: Routing = field(default_factory=Routing)
    on_hold: OnHold = OnHold.POST_ORDER
    on_risk: OnRisk = OnRisk.IMPORT
    risk_from: RiskFrom = RiskFrom.MEDIUM


def contradictions(policy: Policy) -> Iterator[str]:
    """Yield each pair of choices that make no sense together, with the reason and the way out.

    Args:
        policy: The choices.
    """
    if policy.short_stock is ShortStock.SPLIT and policy.invoice is not InvoiceMoment.ON_PAYMENT:
        why = {
            InvoiceMoment.ON_SHIPMENT: "each shipment is billed by itself already",
            InvoiceMoment.NEVER: "nothing is billed that could be split",
        }[policy.invoice]
        yield (
            f"short_stock: split goes with invoice: on_payment only, with {policy.invoice} {why}: "
            "choose back_order"
        )
    by, named = policy.routing.by, policy.routing.locations
    if by is RouteBy.STORE_LOCATION and named:
        yield "routing: store_location takes no locations: the store names them"
    if by is RouteBy.FIXED and len(named) != 1:
        yield f"routing: fixed takes exactly one location, {len(named)} are given"
    if by is RouteBy.FIRST_WITH_STOCK and len(named) < 2:  # noqa: PLR2004
        yield (
            f"routing: first_with_stock takes two locations or more, {len(named)} are given: "
            "choose fixed for one"
        )
    if len(set(named)) != len(named):
        yield "routing: a location stands twice in the list"
    if by is RouteBy.FIRST_WITH_STOCK and policy.short_stock is ShortStock.IGNORE:
        yield (
            "routing: first_with_stock looks at stock and short_stock: ignore does not: choose "
            "another of the two"
        )
