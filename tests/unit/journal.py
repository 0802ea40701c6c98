"""Documents as a bookkeeper enters them: what each debits and credits, on five accounts.

Debits are positive, credits negative. The receivable is entered from a document's total, its
counterparts from the parts, so that an entry is zero only where the document balances.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal

from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
)

ZERO = Decimal(0)


@dataclass(frozen=True)
class Entry:
    """What one document, or many, move on each account."""

    receivable: Decimal = ZERO
    clearing: Decimal = ZERO
    revenue: Decimal = ZERO
    tax: Decimal = ZERO
    concessions: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """Debits less credits."""
        return sum((getattr(self, account.name) for account in fields(self)), ZERO)

    def __add__(self, other: Entry) -> Entry:
        names = [account.name for account in fields(self)]
        return Entry(*(getattr(self, name) + getattr(other, name) for name in names))

    def __neg__(self) -> Entry:
        return Entry(*(-getattr(self, account.name) for account in fields(self)))


def sale(document: Document) -> Entry:
    """A document without its money: what is owed, against goods, charges, tax and concession."""
    parts: tuple[DocumentLine | DocumentCharge, ...] = (*document.lines, *document.charges)
    return Entry(
        receivable=document.total,
        revenue=-sum((part.net for part in parts), ZERO),
        tax=-sum((tax.amount for part in parts for tax in part.taxes), ZERO),
        concessions=document.concession,
    )


def money(document: Document) -> Entry:
    """Only the money of a document."""
    moved = sum((payment.amount for payment in document.payments), ZERO)
    return Entry(receivable=-moved, clearing=moved)


def entry(document: Document) -> Entry:
    """What a document moves: an order moves nothing but its deposit, which is looked at apart."""
    if document.key.kind is DocumentKind.INVOICE:
        return sale(document) + money(document)
    if document.key.kind is DocumentKind.CREDIT_NOTE:
        return -(sale(document) + money(document))
    if document.key.kind is DocumentKind.PAYMENT:
        return money(document)
    return Entry()


def journal(documents: Iterable[Document]) -> Entry:
    """Enter documents one after the other; a void takes back what its target moved."""
    entered: dict[DocumentKey, Entry] = {}
    total = Entry()
    for document in documents:
        mine = entry(document)
        if document.key.kind is DocumentKind.VOID and document.based_on is not None:
            mine = -entered.get(document.based_on, Entry())
        entered[document.key] = mine
        total += mine
    return total
