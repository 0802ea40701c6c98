"""Finishes what was begun: a document that the ERP holds in part is completed as it was planned.

An ERP that takes a document in several calls may hold some of it (goods shipped, a draft, money)
when its poster dies. What the store changed meanwhile is the difference to the finished document.
"""

from __future__ import annotations

from dataclasses import replace

from include.domain.document import Document
from include.domain.ledger import LedgerEntry
from include.domain.order import Order
from include.domain.policy import Policy
from include.domain.sales import sales_document


def as_begun(order: Order, entry: LedgerEntry, policy: Policy) -> Document | None:
    """Return a document as it was sent, on whom the order is booked now.

    Args:
        order: The order as the store says it is now.
        entry: What the ledger noted before the document was sent.
        policy: The channel's choices.

    Returns:
        The document; ``None`` for an entry of a release that did not note what it books.
    """
    if entry.content is None or entry.document_on is None:
        return None
    header, _ = sales_document(order, policy)
    return replace(
        header,
        key=entry.key,
        document_on=entry.document_on,
        total=entry.total,
        lines=entry.content.lines,
        charges=entry.content.charges,
        payments=entry.content.payments,
        concession=entry.content.concession,
        based_on=entry.based_on,
    )
