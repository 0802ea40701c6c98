"""Holds the documents that the ERP shows of an order against what the ledger says was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.ledger import DocumentState, LedgerEntry, OrderLedger
from include.domain.money import ZERO

_CHANGEABLE = (DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE)
_VOIDABLE = (DocumentKind.SALES_ORDER, DocumentKind.INVOICE)


def differs_from_ledger(
    found: Mapping[DocumentKey, Sequence[RemoteDocument]], ledger: OrderLedger
) -> tuple[str, str] | None:
    """Find the first document of an order that is not in the ERP as it was sent.

    Args:
        found: What the ERP shows, by key.
        ledger: What was sent.

    Returns:
        Short reason and words; ``None`` when all is as it was sent.
    """
    entries = {entry.key: entry for entry in ledger.entries.values()}
    for key, matches in found.items():
        entry = entries.get(key)
        is_ours = entry is not None and entry.state is not DocumentState.REFUSED
        if not is_ours and alive(matches):
            return "unknown_document", f"the ERP holds {matches[0].reference}, nobody here sent it"
    changes = ledger.all_posted(DocumentKind.ORDER_CHANGE)
    for key, entry in entries.items():
        if entry.state is not DocumentState.POSTED:
            continue
        matches = found.get(key, ())
        if not matches:
            return "lost", f"{key.kind} {entry.reference} was posted and is no longer in the ERP"
        ours = _ours(matches, entry)
        if key.kind in _VOIDABLE and ledger.is_void(key) and alive(matches):
            back = alive(matches)[0].reference
            return "voided", f"{key.kind} {back} is in the ERP, the ledger says it was voided"
        sent = changes[-1] if changes and key.kind in _CHANGEABLE else entry
        if key.kind is DocumentKind.INVOICE and ledger.all_posted(DocumentKind.PAYMENT):
            # Later payments are on one of the invoices: their sum is looked at below.
            sent = replace(sent, paid=ours.paid)
        fault = _differs(ours, sent, is_void=ledger.is_void(key))
        if fault and not (key.kind in _CHANGEABLE and ledger.is_void(order_of(key))):
            return fault
    return _payments_differ(found, ledger)


def is_in_flight(ledger: OrderLedger) -> bool:
    """Tell whether a posting broke off: the ERP may hold all, nothing or a part of it.

    Args:
        ledger: What was sent.
    """
    return any(entry.state is DocumentState.SENDING for entry in ledger.not_posted())


def in_doubt(
    found: Mapping[DocumentKey, Sequence[RemoteDocument]], ledger: OrderLedger
) -> tuple[str, str] | None:
    """Find a document whose posting broke off although it took effect.

    Args:
        found: What the ERP shows, by key.
        ledger: What was sent.

    Returns:
        Short reason and words; ``None`` where there is none.
    """
    for entry in ledger.not_posted():
        matches = alive(found.get(entry.key, ()))
        if entry.state is DocumentState.SENDING and matches:
            return (
                "in_doubt",
                f"the ERP holds {matches[0].reference}, whose posting broke off: the next run "
                "takes it over",
            )
    return None


def alive(matches: Sequence[RemoteDocument]) -> list[RemoteDocument]:
    """Return the documents that nobody voided: a copy that was voided books nothing.

    Args:
        matches: What the ERP shows of one key.
    """
    return [match for match in matches if match.state is not RemoteState.VOID]


def _ours(matches: Sequence[RemoteDocument], entry: LedgerEntry) -> RemoteDocument:
    """Return the document that was sent, and not a copy of it."""
    return next((match for match in matches if match.reference == entry.reference), matches[0])


def _payments_differ(
    found: Mapping[DocumentKey, Sequence[RemoteDocument]], ledger: OrderLedger
) -> tuple[str, str] | None:
    """Hold what is paid on an order's invoices against its invoices and later payments."""
    later = ledger.all_posted(DocumentKind.PAYMENT)
    if not later:
        return None
    invoices = ledger.all_posted(DocumentKind.INVOICE)
    sent = sum((entry.paid for entry in (*invoices, *later)), ZERO)
    held = sum((_ours(found[entry.key], entry).paid for entry in invoices), ZERO)
    if sent == held:
        return None
    return (
        "payments",
        f"payments of {sent} were sent with its invoices and after them, the ERP holds {held}",
    )


def _differs(remote: RemoteDocument, sent: LedgerEntry, *, is_void: bool) -> tuple[str, str] | None:
    name = f"{sent.key.kind} {remote.reference}"
    if sent.key.kind in (DocumentKind.VOID, DocumentKind.PAYMENT):
        return None
    if remote.state is RemoteState.VOID or is_void:
        if remote.state is RemoteState.VOID and is_void:
            return None
        return "voided", f"{name} is {remote.state} in the ERP, the ledger says otherwise"
    if remote.line_count != sent.line_count:
        return (
            "lines",
            f"{name} was sent with {sent.line_count} lines, the ERP holds {remote.line_count}",
        )
    if remote.total != sent.total or remote.paid != sent.paid:
        return (
            "amount",
            f"{name} was sent with a total of {sent.total} and payments of {sent.paid}, the ERP "
            f"holds {remote.total} and {remote.paid}",
        )
    return None


def order_of(key: DocumentKey) -> DocumentKey:
    """Return the key of the sales order that a document belongs to.

    Args:
        key: Key of any document of the order.
    """
    return replace(key, kind=DocumentKind.SALES_ORDER, sequence=1)
