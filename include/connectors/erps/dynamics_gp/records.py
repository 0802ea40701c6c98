"""What GP's own tables hold of documents, as the connector reads it: amounts in GP's fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SopDocument:
    """A sales document as GP's own tables show it."""

    in_history: bool
    soptype: int
    sopnumbe: str
    docid: str
    cstponbr: str
    docamnt: Decimal
    curncyid: str
    voided: bool
    lines: int
    paid: Decimal
    back_ordered: Decimal
    batch: str
    customer: str
    document_on: date
    mark: str
    transferred: bool

    def is_of(self, soptype: int, docid: str, reference: str) -> bool:
        """Tell whether it is the document that a reference names.

        Args:
            soptype: GP's type: 2 order, 3 invoice, 4 return.
            docid: Document id of that type.
            reference: What CSTPONBR has to hold.
        """
        return (self.soptype, self.docid, self.cstponbr) == (soptype, docid, reference)


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A line of a document in work."""

    sequence: int
    item: str
    mark: str
    ordered: Decimal
    cancelled: Decimal
    transferred: Decimal
    site: str
    unit_of_measure: str
    currency: str
    non_inventory: bool
    description: str

    @property
    def left(self) -> Decimal:
        """Units that are neither cancelled nor transferred to an invoice."""
        return self.ordered - self.cancelled - self.transferred


@dataclass(frozen=True, slots=True)
class HeldTax:
    """A tax of a document in work; sequence 0 is the document's own."""

    sequence: int
    detail: str


@dataclass(frozen=True, slots=True)
class HeldPayment:
    """A payment of a document, in work or in history."""

    soptype: int
    sopnumbe: str
    sequence: int
    kind: int
    number: str
    mark: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class HeldReceipt:
    """A cash receipt, in work, open or settled."""

    number: str
    amount: Decimal
    is_posted: bool


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document in work with all that a change of it has to know."""

    document: SopDocument
    lines: tuple[HeldLine, ...]
    taxes: tuple[HeldTax, ...]
    payments: tuple[HeldPayment, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a document meets in the company before it is posted."""

    batch_exists: bool
    batch_busy: bool
    customer_exists: bool
