"""Where the money of an order belongs: on its invoices, on the sales order, or nowhere yet."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from include.domain.content import Books
from include.domain.document import DocumentPayment
from include.domain.money import ZERO

Payments = tuple[DocumentPayment, ...]


class Placed(NamedTuple):
    """Where the money of an order belongs.

    Attributes:
        applied: On invoices, by payment.
        deposited: On the sales order, as long as it is open.
        surplus: On neither: more than the order is worth.
    """

    applied: Payments
    deposited: Payments
    surplus: Decimal


def placed(payments: Payments, booked: Books, worth: Decimal, total: Decimal) -> Placed:
    """Put the money that the store has kept on invoices first, then on the order.

    Money stays where it was booked as far as it still belongs there. What an edit left over of a
    billed order belongs nowhere until it is paid back: it stays on the invoices.

    Args:
        payments: What was received less what was paid back, by payment.
        booked: What is on invoices now.
        worth: What is billed once the plan is carried out.
        total: What the whole order is worth.
    """
    overpaid = max(sum((payment.amount for payment in payments), ZERO) - total, ZERO)
    limit = worth + overpaid
    kept = []
    for payment in payments:
        before = (
            booked.payments[payment.tender_id][1] if payment.tender_id in booked.payments else ZERO
        )
        own = min(payment.amount, max(before, ZERO), max(limit, ZERO))
        limit -= own
        kept.append(own)
    room = worth - sum(kept, ZERO)
    applied, deposited = [], []
    for payment, own in zip(payments, kept, strict=True):
        more = min(max(room, ZERO), payment.amount - own)
        room -= more
        if own + more:
            applied.append(replace(payment, amount=own + more))
        if payment.amount - own - more:
            deposited.append(replace(payment, amount=payment.amount - own - more))
    waiting = sum((payment.amount for payment in deposited), ZERO)
    return Placed(tuple(applied), tuple(deposited), waiting - max(total - worth, ZERO))


def moved(target: Payments, booked: Books) -> tuple[Payments, Payments]:
    """Return what is still to be received on invoices, and what is to be paid back.

    Args:
        target: What should be on invoices.
        booked: What is.
    """
    wanted = {payment.tender_id: payment for payment in target}
    received, returned = [], []
    for tender_id in dict.fromkeys((*wanted, *booked.payments)):
        has = booked.payments.get(tender_id)
        amount = wanted[tender_id].amount if tender_id in wanted else ZERO
        gap = amount - (has[1] if has else ZERO)
        payment = wanted[tender_id] if tender_id in wanted else has[0]  # type: ignore[index]
        if gap > ZERO:
            received.append(replace(payment, amount=gap))
        elif gap < ZERO:
            returned.append(replace(payment, amount=-gap))
    return tuple(received), tuple(returned)


def up_to(limit: Decimal, payments: Payments) -> tuple[Payments, Payments]:
    """Split payments into those within a limit and the rest, in their order.

    Args:
        limit: Most that the first part may add up to.
        payments: The payments.
    """
    within, rest = [], []
    for payment in payments:
        taken = min(payment.amount, max(limit, ZERO))
        limit -= taken
        if taken:
            within.append(replace(payment, amount=taken))
        if taken < payment.amount:
            rest.append(replace(payment, amount=payment.amount - taken))
    return tuple(within), tuple(rest)


def by_tender(payments: Payments) -> dict[str, Decimal]:
    """Return the amounts by tender.

    Args:
        payments: The payments.
    """
    amounts: dict[str, Decimal] = {}
    for payment in payments:
        amounts[payment.tender_id] = amounts.get(payment.tender_id, ZERO) + payment.amount
    return amounts
