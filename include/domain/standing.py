"""What the books hold of one order, added up from its ledger.

An order is open in the ERP as long as units of it were not billed from it. What was billed and
credited again stays part of the order: a credit note gives an order nothing back.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from include.domain.content import Books, Content
from include.domain.document import DocumentKind, DocumentLine
from include.domain.ledger import LedgerEntry, OrderLedger


@dataclass(frozen=True, slots=True)
class Standing:
    """The documents of one order that were not voided, and their sums.

    Attributes:
        ordered: The sales order.
        newest: The sales order as it stands: its last change, or itself.
        invoices: Invoices by sequence.
        billed: Invoices and payments less credit notes.
        invoiced: Invoices alone.
        credited: Credit notes alone.
        was_voided: Whether there was a sales order and it is void.
    """

    ordered: LedgerEntry | None
    newest: LedgerEntry | None
    invoices: tuple[LedgerEntry, ...]
    billed: Books
    invoiced: Books
    credited: Books
    was_voided: bool

    @property
    def is_blank(self) -> bool:
        """Whether the ERP holds nothing of the order that counts."""
        return self.ordered is None and not self.invoices

    @property
    def is_open(self) -> bool:
        """Whether the sales order still has something to bill."""
        if self.newest is None:
            return False
        return not self.invoices or any(
            line.quantity > self.units_invoiced(line.line_id) for line in self.content.lines
        )

    @property
    def content(self) -> Content:
        """What the sales order holds as it stands."""
        return (self.newest.content if self.newest else None) or Content()

    @property
    def back_ordered(self) -> Decimal:
        """Units of the sales order that the ERP has back-ordered."""
        return self.newest.back_ordered if self.newest else Decimal(0)

    def units_invoiced(self, line_id: str) -> int:
        """Return the units of a line that were ever billed, credited again or not.

        Args:
            line_id: The store's.
        """
        return self.invoiced.lines[line_id].quantity if line_id in self.invoiced.lines else 0

    def units_billed(self, line_id: str) -> int:
        """Return the units of a line that are billed and not credited.

        Args:
            line_id: The store's.
        """
        return self.billed.lines[line_id].quantity if line_id in self.billed.lines else 0

    def covered(self, line: DocumentLine) -> int:
        """Return the units of a line of the order that stock is promised to and not yet returned.

        Args:
            line: A line of ``content``.
        """
        gone = self.credited.lines.get(line.line_id)
        return max(line.quantity - line.back_ordered - (gone.quantity if gone else 0), 0)


def standing_of(ledger: OrderLedger) -> Standing:
    """Add up what the books hold of an order.

    Args:
        ledger: The order's entries.
    """
    ordered = ledger.all_posted(DocumentKind.SALES_ORDER)
    changes = ledger.all_posted(DocumentKind.ORDER_CHANGE) if ordered else []
    invoices = ledger.all_posted(DocumentKind.INVOICE)
    notes = ledger.all_posted(DocumentKind.CREDIT_NOTE)
    billed, invoiced, credited = Books(), Books(), Books()
    for entry in invoices:
        invoiced.add(entry.content or Content())
        billed.add(entry.content or Content())
    for entry in notes:
        credited.add(entry.content or Content())
        billed.add(entry.content or Content(), -1)
    for entry in ledger.all_posted(DocumentKind.PAYMENT):
        billed.add(entry.content or Content())
    return Standing(
        ordered=ordered[0] if ordered else None,
        newest=[*ordered, *changes][-1] if ordered else None,
        invoices=tuple(invoices),
        billed=billed,
        invoiced=invoiced,
        credited=credited,
        was_voided=not ordered and ledger.posted(DocumentKind.SALES_ORDER) is not None,
    )
