"""What documents book, part by part, and how the parts add up over the documents of one order.

A document's content is its lines, charges and payments. ``Books`` is the running sum of contents;
``difference`` says what is still to be billed, taken back, received and paid back to get from one
to another. Every part of it is positive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentLine,
    DocumentPayment,
    DocumentTax,
)
from include.domain.money import ZERO
from include.domain.order import ChargeKind

K = TypeVar("K")

CONCESSION = "concession"
ON_LINE = "line:"

TaxKey = tuple[str, Decimal | None, str | None]


@dataclass(frozen=True, slots=True)
class Content:
    """The parts of a document, without whose it is.

    Attributes:
        lines: Lines, net.
        charges: Charges, net.
        payments: Money that moved.
        concession: Money given back that no part accounts for.
    """

    lines: tuple[DocumentLine, ...] = ()
    charges: tuple[DocumentCharge, ...] = ()
    payments: tuple[DocumentPayment, ...] = ()
    concession: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """What the parts add up to, payments aside."""
        parts: tuple[DocumentLine | DocumentCharge, ...] = (*self.lines, *self.charges)
        taxes = (tax.amount for part in parts for tax in part.taxes)
        return sum((part.net for part in parts), ZERO) + sum(taxes, ZERO) - self.concession

    @property
    def paid(self) -> Decimal:
        """Sum of the payments."""
        return sum((payment.amount for payment in self.payments), ZERO)


def content_of(document: Document) -> Content:
    """Return what a document books.

    Args:
        document: Any document.
    """
    return Content(document.lines, document.charges, document.payments, document.concession)


@dataclass(slots=True)
class PartSum:
    """A line's or a charge's running sum."""

    part: DocumentLine | DocumentCharge
    quantity: int = 0
    net: Decimal = ZERO
    taxes: dict[TaxKey, Decimal] = field(default_factory=dict)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is left."""
        return not self.quantity and not self.net and not any(self.taxes.values())

    def tax_lines(self) -> tuple[DocumentTax, ...]:
        """Return the taxes as lines of a document, those that are nothing left out."""
        return tuple(
            DocumentTax(title, rate, self.net, amount, jurisdiction)
            for (title, rate, jurisdiction), amount in self.taxes.items()
            if amount
        )


@dataclass(slots=True)
class Books:
    """The running sum of what several documents book.

    Attributes:
        lines: By store line id.
        charges: By charge id.
        payments: Net money by tender id, with the payment it came from.
    """

    lines: dict[str, PartSum] = field(default_factory=dict)
    charges: dict[str, PartSum] = field(default_factory=dict)
    payments: dict[str, tuple[DocumentPayment, Decimal]] = field(default_factory=dict)

    def add(self, content: Content, sign: int = 1) -> None:
        """Book a content, or with sign -1 take it back.

        Args:
            content: What a document holds, as positive parts.
            sign: 1 for sales orders and invoices, -1 for credit notes.
        """
        for line in content.lines:
            self._book(self.lines, line.line_id, line, sign, line.quantity)
        for charge in content.charges:
            line_id = charge.charge_id.removeprefix(ON_LINE)
            if line_id != charge.charge_id:
                self._book(self.lines, line_id, charge, sign, 0)
            else:
                self._book(self.charges, charge.charge_id, charge, sign, 0)
        if content.concession:
            given = DocumentCharge(
                CONCESSION, ChargeKind.ADJUSTMENT, "Concession", -content.concession
            )
            self._book(self.charges, CONCESSION, given, sign, 0)
        for payment in content.payments:
            known, amount = self.payments.get(payment.tender_id, (payment, ZERO))
            self.payments[payment.tender_id] = known, amount + sign * payment.amount

    def _book(
        self,
        sums: dict[str, PartSum],
        part_id: str,
        part: DocumentLine | DocumentCharge,
        sign: int,
        quantity: int,
    ) -> None:
        booked = sums.setdefault(part_id, PartSum(part))
        if isinstance(part, DocumentLine):
            booked.part = part
        booked.quantity += sign * quantity
        booked.net += sign * part.net
        for tax in part.taxes:
            key = (tax.title, tax.rate, tax.jurisdiction)
            booked.taxes[key] = booked.taxes.get(key, ZERO) + sign * tax.amount

    @property
    def total(self) -> Decimal:
        """What is booked in all, payments aside."""
        sums = (*self.lines.values(), *self.charges.values())
        return sum((s.net + sum(s.taxes.values(), ZERO) for s in sums), ZERO)

    @property
    def paid(self) -> Decimal:
        """Money received less money paid back."""
        return sum((amount for _, amount in self.payments.values()), ZERO)


@dataclass(frozen=True, slots=True)
class Difference:
    """How to get from what is booked to what should be.

    Attributes:
        more: Still to be billed, with the money received for it.
        less: To be taken back, with the money paid back.
    """

    more: Content
    less: Content


def difference(target: Content, booked: Books) -> Difference:
    """Work out what is still to be billed and what is to be taken back.

    Units and amounts of a line that move the same way stay together; an amount that moves without
    units, or against them, becomes an adjustment charge of that line.

    Args:
        target: What should be in the books.
        booked: What is.
    """
    wanted = Books()
    wanted.add(target)
    wanted_payments = wanted.payments
    more: tuple[list[DocumentLine], list[DocumentCharge]] = ([], [])
    less: tuple[list[DocumentLine], list[DocumentCharge]] = ([], [])
    for line_id in _union(wanted.lines, booked.lines):
        _line_difference(line_id, wanted.lines.get(line_id), booked.lines.get(line_id), more, less)
    for charge_id in _union(wanted.charges, booked.charges):
        to, has = wanted.charges.get(charge_id), booked.charges.get(charge_id)
        part = (to or has).part  # type: ignore[union-attr]
        net, taxes = _gap(to, has)
        for sign, found in ((1, more[1]), (-1, less[1])):
            kept, own = max(sign * net, ZERO), _signed(taxes, sign, max(sign * net, ZERO))
            if kept or own:
                found.append(_charge(part, charge_id, kept, own))
    received, returned = [], []
    for tender_id in _union(wanted_payments, booked.payments):
        payment = (wanted_payments.get(tender_id) or booked.payments[tender_id])[0]
        gap = _paid(wanted_payments, tender_id) - _paid(booked.payments, tender_id)
        if gap > ZERO:
            received.append(replace(payment, amount=gap))
        elif gap < ZERO:
            returned.append(replace(payment, amount=-gap))
    return Difference(
        Content(tuple(more[0]), tuple(more[1]), tuple(received)),
        Content(tuple(less[0]), tuple(less[1]), tuple(returned)),
    )


def _line_difference(
    line_id: str,
    to: PartSum | None,
    has: PartSum | None,
    more: tuple[list[DocumentLine], list[DocumentCharge]],
    less: tuple[list[DocumentLine], list[DocumentCharge]],
) -> None:
    part = (to or has).part  # type: ignore[union-attr]
    units = (to.quantity if to else 0) - (has.quantity if has else 0)
    net, taxes = _gap(to, has)
    for sign, (lines, charges) in ((1, more), (-1, less)):
        kept = max(sign * net, ZERO)
        own = _signed(taxes, sign, kept)
        if sign * units > 0 and isinstance(part, DocumentLine):
            lines.append(replace(part, quantity=sign * units, net=kept, taxes=own, back_ordered=0))
        elif kept or own:
            charges.append(_charge(part, f"{ON_LINE}{line_id}", kept, own))


def _gap(to: PartSum | None, has: PartSum | None) -> tuple[Decimal, dict[TaxKey, Decimal]]:
    net = (to.net if to else ZERO) - (has.net if has else ZERO)
    wanted: Mapping[TaxKey, Decimal] = to.taxes if to else {}
    booked: Mapping[TaxKey, Decimal] = has.taxes if has else {}
    return net, {
        key: wanted.get(key, ZERO) - booked.get(key, ZERO) for key in _union(wanted, booked)
    }


def _signed(taxes: Mapping[TaxKey, Decimal], sign: int, base: Decimal) -> tuple[DocumentTax, ...]:
    return tuple(
        DocumentTax(title, rate, base, sign * amount, jurisdiction)
        for (title, rate, jurisdiction), amount in taxes.items()
        if sign * amount > 0
    )


def _charge(
    part: DocumentLine | DocumentCharge,
    charge_id: str,
    net: Decimal,
    taxes: tuple[DocumentTax, ...],
) -> DocumentCharge:
    kind = part.kind if isinstance(part, DocumentCharge) else ChargeKind.ADJUSTMENT
    return DocumentCharge(charge_id, kind, part.title, net, taxes)


def _paid(payments: Mapping[str, tuple[DocumentPayment, Decimal]], tender_id: str) -> Decimal:
    return payments[tender_id][1] if tender_id in payments else ZERO


def _union(first: Iterable[K], second: Iterable[K]) -> Iterator[K]:
    yield from dict.fromkeys((*first, *second))
