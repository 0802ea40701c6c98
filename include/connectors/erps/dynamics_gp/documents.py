"""Translates a balanced document into eConnect's parameters: mapped, typed, and tied once more.

Nothing is sent here. What acts on a document that GP holds is brought in line with it by
``amend.py``.
"""

from __future__ import annotations

from include.connectors.erps.dynamics_gp.builder import Builder
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaSopHdrIvcInsert,
    TaSopVoidDocument,
)
from include.connectors.erps.dynamics_gp.lookups import Lookups
from include.connectors.erps.dynamics_gp.payloads import (
    NUMBER_BLANK,
    PAYMENT_BAND,
    SOPTYPES,
    TARGETS,
    GpPayment,
    GpVoid,
    digest_of,
    receipt_number,
    reference_of,
    target_of,
)
from include.domain.document import (
    Document,
    DocumentKind,
    PreparedDocument,
)
from include.domain.errors import Refused


class Translator(Lookups):
    """Builds GP documents for one channel."""

    def prepare(self, document: Document) -> PreparedDocument:
        """Translate and check one document.

        Args:
            document: Any document but a shipment.

        Raises:
            MappingMissing: A mapping row is missing; the error names it.
            Refused: A value does not fit GP; the error names field and limit.
            Unbalanced: GP's identity of the totals does not hold.
        """
        kind = document.key.kind
        if kind is DocumentKind.VOID:
            return self._prepare_void(document)
        if kind is DocumentKind.PAYMENT:
            return self._prepare_payment(document)
        soptype = SOPTYPES.get(kind)
        if soptype is None:
            raise Refused(
                f"document {document.key}: the Dynamics GP connector posts orders and their "
                f"changes, invoices, returns, payments and voids, not a {kind}",
                rule="document_kind",
                field="SOPTYPE",
            )
        builder = Builder(self, document, soptype)
        payload = builder.build()
        header = payload.header
        return PreparedDocument(
            document=document,
            digest=digest_of(
                f"{payload.docid}|{payload.reference}|{payload.based_on}|{payload.change}",
                payload.body,
            ),
            line_count=len(builder.lines),
            payload=payload,
            preview=(
                ("document id", payload.docid),
                ("reference", payload.reference),
                ("batch", payload.batch),
                ("customer", payload.customer),
                ("date", str(header.DOCDATE)),
                ("currency", header.CURNCYID or ""),
                ("lines", str(len(builder.lines))),
                ("subtotal", f"{header.SUBTOTAL}"),
                ("trade discount", f"{header.TRDISAMT}"),
                ("freight", f"{header.FREIGHT}"),
                ("tax", f"{header.TAXAMNT}"),
                ("total", f"{header.DOCAMNT}"),
                ("payments", f"{header.PYMTRCVD}"),
                *([("terms", header.PYMTRMID)] if header.PYMTRMID else []),
                *([("due", str(header.DUEDATE))] if header.DUEDATE else []),
            ),
        )

    def _target(self, document: Document) -> tuple[int, str]:
        """Return SOPTYPE and reference of the document that another acts on."""
        based_on = document.based_on
        soptype = TARGETS.get(based_on.kind) if based_on else None
        if based_on is None or soptype is None:
            raise Refused(
                f"document {document.key}: a {document.key.kind} acts on a sales order or an "
                f"invoice, not on {based_on.kind if based_on else 'nothing'}",
                rule="based_on",
                field="SOPNUMBE",
            )
        return soptype, reference_of(based_on, document.order_number)

    def _prepare_void(self, document: Document) -> PreparedDocument:
        soptype, reference = self._target(document)
        shown = target_of(document.key)
        if shown is None or document.based_on != shown[1]:
            raise Refused(
                f"document {document.key}: void 1 is the sales order's and void n + 1 is invoice "
                f"n's, not {document.based_on}",
                rule="void_sequence",
                field="SOPNUMBE",
            )
        call = TaSopVoidDocument(
            SOPTYPE=soptype,
            SOPNUMBE=NUMBER_BLANK,
            RemovePayments=1,
            VOIDDATE=document.document_on,
        )
        payload = GpVoid(soptype, self.docid_of(soptype), reference, call)
        return PreparedDocument(
            document=document,
            digest=digest_of(f"void|{payload.docid}|{reference}", (call,)),
            line_count=0,
            payload=payload,
            preview=(("voids", f"{payload.docid} {reference}"), ("date", str(call.VOIDDATE))),
        )

    def _prepare_payment(self, document: Document) -> PreparedDocument:
        soptype, reference = self._target(document)
        sequence = document.key.sequence
        if document.lines or document.charges or document.concession or not document.payments:
            raise Refused(
                f"document {document.key}: a payment has payments and nothing else",
                rule="payment_only",
                field="DOCAMNT",
            )
        customer = self.settings.guest_customer or NUMBER_BLANK  # the held document's, once posted
        payments = tuple(
            self.payment(document, payment, soptype, customer, PAYMENT_BAND * sequence + step)
            for step, payment in enumerate(document.payments, start=1)
        )
        docid = self.docid_of(soptype)
        header = TaSopHdrIvcInsert(
            SOPTYPE=soptype,
            DOCID=docid,
            SOPNUMBE=NUMBER_BLANK,
            DOCDATE=document.document_on,
            CUSTNMBR=customer,
            BACHNUMB=self.batch_of(document),
            UpdateExisting=1,
        )
        return PreparedDocument(
            document=document,
            digest=digest_of(f"payment|{docid}|{reference}|{sequence}", payments),
            line_count=0,
            payload=GpPayment(
                soptype,
                docid,
                reference,
                sequence,
                payments,
                header,
                receipt_number(document.order_number, sequence),
                document.post_on or document.document_on,
            ),
            preview=(
                ("pays", f"{docid} {reference}"),
                ("payments", str(document.paid)),
                ("currency", self.settings.currencies.get(document.currency, document.currency)),
            ),
        )
