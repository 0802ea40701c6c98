"""Policy: what a channel wants booked and when. Data, decided by people, read by the planner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo


class InvoiceMoment(StrEnum):
    """When an order becomes an invoice."""

    ON_PAYMENT = "on_payment"
    NEVER = "never"


class ShortStock(StrEnum):
    """What happens to a line that stock does not cover."""

    BACK_ORDER = "back_order"
    HOLD = "hold"
    IGNORE = "ignore"


class UnpaidOrders(StrEnum):
    """What happens to an order that is not paid in full."""

    POST_ORDER = "post_order"
    SKIP = "skip"


class OnTestOrder(StrEnum):
    """What happens to the store's test orders."""

    SKIP = "skip"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Policy:
    """A channel's choices.

    Attributes:
        time_zone: IANA zone whose calendar gives documents their date.
        invoice: When an order becomes an invoice.
        short_stock: What happens to a line that stock does not cover.
        unpaid: What happens to an order that is not paid in full.
        test_orders: What happens to test orders.
    """

    time_zone: ZoneInfo
    invoice: InvoiceMoment = InvoiceMoment.ON_PAYMENT
    short_stock: ShortStock = ShortStock.BACK_ORDER
    unpaid: UnpaidOrders = UnpaidOrders.POST_ORDER
    test_orders: OnTestOrder = OnTestOrder.SKIP
