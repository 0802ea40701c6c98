"""What GP's tables show of a document, in the terms of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from include.connectors.erps.dynamics_gp.amend import Marks, added_by
from include.connectors.erps.dynamics_gp.records import HeldPayment, HeldReceipt, SopDocument
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.money import ZERO


class Shown:
    """Reads rows for one channel.

    Args:
        settings: The company's currencies.
    """

    def __init__(self, settings: DynamicsGpSettings) -> None:
        self._iso = {gp: iso for iso, gp in settings.currencies.items()}
        self._settings = settings

    def document(
        self, key: DocumentKey, row: SopDocument, payments: Sequence[HeldPayment] = ()
    ) -> RemoteDocument:
        """Return what a row shows of a key; a void and a payment have no total of their own.

        Args:
            key: The document that is asked for.
            row: What GP holds for it.
            payments: Payments of the row's document, where the key is one of them.
        """
        state = RemoteState.POSTED if row.in_history else RemoteState.OPEN
        shown = RemoteDocument(
            key=key,
            reference=row.sopnumbe,
            state=RemoteState.VOID if row.voided else state,
            total=row.docamnt,
            currency=self._iso_code(row.curncyid),
            line_count=row.lines,
            paid=row.paid,
            back_ordered=row.back_ordered,
        )
        if key.kind not in (DocumentKind.VOID, DocumentKind.PAYMENT):
            return shown
        added = (
            payment.amount
            for payment in payments
            if key.kind is DocumentKind.PAYMENT
            and (payment.soptype, payment.sopnumbe) == (row.soptype, row.sopnumbe)
            and added_by(key.sequence, payment.sequence)
        )
        return replace(shown, total=ZERO, line_count=0, paid=sum(added, ZERO), back_ordered=ZERO)

    def received(
        self, key: DocumentKey, currency: str, receipts: Sequence[HeldReceipt]
    ) -> RemoteDocument:
        """Return what cash receipts show of a payment.

        Args:
            key: The payment.
            currency: GP's currency id; blank where it is the functional one.
            receipts: At least one, in order.
        """
        is_posted = all(receipt.is_posted for receipt in receipts)
        return RemoteDocument(
            key=key,
            reference=receipts[0].number,
            state=RemoteState.POSTED if is_posted else RemoteState.OPEN,
            total=ZERO,
            currency=self._iso_code(currency),
            line_count=0,
            paid=sum((receipt.amount for receipt in receipts), ZERO),
        )

    def _iso_code(self, currency: str) -> str:
        """Return the ISO code; a company without multicurrency leaves CURNCYID blank."""
        if not currency:
            return next(iter(self._settings.currencies))
        return self._iso.get(currency, currency)


def shows(row: SopDocument, key: DocumentKey) -> bool:
    """Tell whether the document that a key acts on shows that it was done.

    Args:
        row: The document that is acted on.
        key: The void, the change, or the document itself.
    """
    if key.kind is DocumentKind.VOID:
        return row.voided
    if key.kind is DocumentKind.ORDER_CHANGE:
        return Marks.read(row.mark).change >= key.sequence
    return True
