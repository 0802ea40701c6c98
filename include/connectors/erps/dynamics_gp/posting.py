"""One attempt at one document in GP: under the lock of its reference, as one transaction.

To create: look the reference up in work and history, take a number, run every call with the header
last. The number is taken in a transaction of its own, since GP keeps the counter's row locked until
commit and every poster would queue behind it; so a number that came to nothing is given back by
``taGetSopNumber`` with 0. What acts on a document that GP holds (change, payment, void) owns that
document's reference instead, and takes no number.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from include.connectors.erps.dynamics_gp.amend import (
    Marks,
    change_calls,
    follow_lines,
    payment_calls,
)
from include.connectors.erps.dynamics_gp.calls import Call, Deadlocked, ProcedureFailed
from include.connectors.erps.dynamics_gp.customers import Customers
from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.econnect.parameters import TaSopLineIvcInsert
from include.connectors.erps.dynamics_gp.gateway import Gateway, Session
from include.connectors.erps.dynamics_gp.payloads import (
    INVOICE,
    ORDER,
    RETURN,
    GpDocument,
    GpPayment,
    GpVoid,
)
from include.connectors.erps.dynamics_gp.receipts import receipt_calls
from include.connectors.erps.dynamics_gp.records import SopDocument
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.connectors.erps.dynamics_gp.shown import Shown, shows
from include.connectors.erps.dynamics_gp.verdicts import Verdicts
from include.domain.document import DocumentKey, PreparedDocument, RemoteDocument, RemoteState
from include.domain.errors import ConfigurationError, OrderError, Refused, RemoteUnavailable
from include.domain.money import ZERO

log = logging.getLogger(__name__)


class Posting:
    """Creates documents of one channel in one company, and acts on those that it holds.

    Args:
        gateway: The way into the company database.
        settings: The company's ids and rules.
        translator: Knows the document ids.
        customers: Who a document is booked on.
        shown: Reads what GP holds.
        verdicts: Reads what GP answers.
    """

    def __init__(
        self,
        gateway: Gateway,
        settings: DynamicsGpSettings,
        translator: Translator,
        *,
        customers: Customers,
        shown: Shown,
        verdicts: Verdicts,
    ) -> None:
        self.gateway = gateway
        self.settings = settings
        self.translator = translator
        self.customers = customers
        self.shown = shown
        self.verdicts = verdicts
        self.docids = tuple(map(translator.docid_of, (ORDER, INVOICE, RETURN)))

    def create(self, payload: GpDocument, prepared: PreparedDocument) -> RemoteDocument:
        """Create a document, or return the one that already carries its reference.

        Args:
            payload: The document.
            prepared: What it was made of.

        Raises:
            Refused: GP said no; its words from taErrorCode are in the error.
            Deadlocked: Nothing was created; another attempt may succeed.
            RemoteUnavailable: In use, in posting or unreachable; nothing was created.
            AmbiguousOutcome: The connection broke while committing; look the document up.
        """
        key = prepared.document.key
        resource = f"{payload.docid}:{payload.reference}"
        with self.gateway.locked(resource, payload.batch, payload.customer) as entered:
            session, situation = entered
            rows = session.documents(_references(payload), self.docids)
            ours = [row for row in rows if _is(row, payload)]
            if ours:
                best = min(ours, key=lambda row: (row.voided, row.sopnumbe))
                return self.shown.document(key, best)
            original = self._original(payload, rows)
            if situation.batch_busy:
                raise self.verdicts.batch_busy(payload.batch)
            with self.customers.booked_on(session, payload, situation, original) as (
                customer,
                before,
            ):
                if not situation.batch_exists:
                    before.append(Call(payload.batch_call.PROCEDURE, payload.batch_call.values()))
                sent, link = self._following(session, payload, original)
                number = self._number(session, payload)
                calls = [*before, *sent.body_calls(number, link, customer)]
                self._send(session, payload, calls, number)
            if payload.gp_may_change_it:
                return self._read_back(session, payload, key, number)
            return _as_sent(payload, prepared, number)

    def _following(
        self, session: Session, payload: GpDocument, original: SopDocument | None
    ) -> tuple[GpDocument, str | None]:
        """Return the document and the number it follows, its lines in step with a changed order."""
        if original is None:
            return payload, None
        if payload.soptype != INVOICE:
            return payload, original.sopnumbe
        if original.in_history:
            return payload, None  # transferred in full: nothing of it is left to bill
        if (
            Marks.read(original.mark).change
            or payload.sequence > 1
            or _bills_part(payload, original)
        ):
            payload = follow_lines(payload, session.held(original))
        return payload, original.sopnumbe

    def amend(self, payload: GpDocument | GpPayment | GpVoid, key: DocumentKey) -> RemoteDocument:
        """Change, pay or void a document in work; what was done to it before is the answer.

        Args:
            payload: What to do.
            key: The change, payment or void.

        Raises:
            Refused: It can no longer be done, or GP said no.
            Deadlocked: Nothing was done; another attempt may succeed.
            RemoteUnavailable: In use, in posting or unreachable; nothing was done.
            AmbiguousOutcome: The connection broke while committing; look the document up.
        """
        with self.gateway.locked(f"{payload.docid}:{payload.reference}", "", "") as entered:
            session, _ = entered
            row = self._target(session, payload)
            if shows(row, key) and not isinstance(payload, GpPayment):
                return self.shown.document(key, row)
            if isinstance(payload, GpPayment) and payload.sequence in Marks.read(row.mark).payments:
                return self.shown.document(key, row, session.payments([row.sopnumbe]))
            if isinstance(payload, GpPayment) and row.in_history and row.soptype == INVOICE:
                return self._receive(session, payload, row, key)
            _require_in_work(row, payload)
            if session.batch_is_busy(row.batch):
                raise self.verdicts.batch_busy(row.batch)
            self._run(session, row.batch, _amending(session, payload, row))
            return self.shown.document(
                key, self._target(session, payload), session.payments([row.sopnumbe])
            )

    def _run(self, session: Session, batch: str, calls: Sequence[Call]) -> None:
        try:
            session.post(calls)
        except ProcedureFailed as failed:
            raise self.verdicts.of(session, batch, failed, calls[failed.position]) from failed

    def _receive(
        self, session: Session, payload: GpPayment, row: SopDocument, key: DocumentKey
    ) -> RemoteDocument:
        """Book money for a posted invoice as cash receipts, applied as far as it is open."""
        if not row.voided and not session.receipts([payload.receipt]):
            batch = f"{self.settings.batch_prefix}{payload.post_on:%Y%m%d}"
            calls = receipt_calls(
                payload,
                row,
                batch=batch,
                has_batch=session.cash_batch_exists(batch),
                open_amount=session.open_amount(row.sopnumbe),
            )
            self._run(session, batch, calls)
        elif row.voided:
            _require_in_work(row, payload)
        return self.shown.received(key, row.curncyid, session.receipts([payload.receipt]))

    def _target(self, session: Session, payload: GpDocument | GpPayment | GpVoid) -> SopDocument:
        """Return the one document that a reference names; a void one only if there is no other."""
        rows = session.documents([payload.reference], [payload.docid])
        rows = [row for row in rows if row.is_of(payload.soptype, payload.docid, payload.reference)]
        alive = [row for row in rows if not row.voided]
        if len(alive) > 1:
            raise Refused(
                f"GP holds {payload.docid} {payload.reference} {len(alive)} times: void the rest",
                rule="document_once",
                field="CSTPONBR",
            )
        if not rows:
            raise Refused(
                f"GP holds no {payload.docid} {payload.reference} to act on",
                rule="document_to_act_on",
                field="SOPNUMBE",
            )
        return min(rows, key=lambda row: (row.voided, row.sopnumbe))

    def _number(self, session: Session, payload: GpDocument) -> str:
        try:
            return session.take_number(payload.soptype, payload.docid)
        except ProcedureFailed as failed:
            raise self.verdicts.of(session, payload.batch, failed) from failed

    def _send(
        self, session: Session, payload: GpDocument, calls: Sequence[Call], number: str
    ) -> None:
        try:
            session.post(calls)
        except ProcedureFailed as failed:
            self._give_back(session, payload, number)
            raise self.verdicts.of(
                session, payload.batch, failed, calls[failed.position]
            ) from failed
        except (OrderError, ConfigurationError, Deadlocked):
            self._give_back(session, payload, number)
            raise

    def _read_back(
        self, session: Session, payload: GpDocument, key: DocumentKey, number: str
    ) -> RemoteDocument:
        """Read what GP made of it: short stock may have changed the quantities of an order."""
        for row in session.documents([payload.reference], self.docids):
            if _is(row, payload) and row.sopnumbe == number:
                return self.shown.document(key, row)
        raise Refused(
            f"GP took document {number} of {key} and does not show it: have it looked at",
            rule="read_back",
            field="SOPNUMBE",
        )

    def _give_back(self, session: Session, payload: GpDocument, number: str) -> None:
        """Give the number back; one that cannot be is a gap, which GP allows, and is logged."""
        try:
            session.give_number_back(payload.soptype, payload.docid, number)
        except RemoteUnavailable:
            log.warning("number %s could not be given back and is left out", number)

    def _original(self, payload: GpDocument, rows: Sequence[SopDocument]) -> SopDocument | None:
        """Return the order that an invoice bills, or the invoice that a return takes back from."""
        if payload.based_on is None:
            return None
        docid = self.translator.docid_of(payload.origin_type)
        named = [row for row in rows if row.is_of(payload.origin_type, docid, payload.based_on)]
        row = min(named, key=lambda row: (row.voided, row.sopnumbe), default=None)
        billed_again = payload.soptype == INVOICE and payload.sequence == 1
        if row is not None and not row.voided and not (row.in_history and billed_again):
            return row
        what = "order" if payload.origin_type == ORDER else "invoice"
        if row is None:
            why = f"GP holds no {what} {payload.based_on} that it could follow"
        elif row.voided:
            why = f"{what} {payload.based_on} ({row.sopnumbe}) is void in GP"
        else:
            why = f"{row.sopnumbe} was transferred in full to another document"
        raise Refused(
            f"{payload.docid} {payload.reference}: {why}",
            rule="order_to_invoice" if payload.soptype == INVOICE else "invoice_to_return",
            field="ORIGNUMB",
        )


def _as_sent(payload: GpDocument, prepared: PreparedDocument, number: str) -> RemoteDocument:
    """Return a document that GP took and had no freedom to change: all of it is as it was sent."""
    document = prepared.document
    return RemoteDocument(
        key=document.key,
        reference=number,
        state=RemoteState.OPEN,
        total=payload.header.DOCAMNT or ZERO,
        currency=document.currency,
        line_count=prepared.line_count,
        paid=payload.header.PYMTRCVD or ZERO,
    )


def _bills_part(payload: GpDocument, original: SopDocument) -> bool:
    """Tell whether an invoice bills less than its order: its lines then stand elsewhere."""
    lines = sum(isinstance(part, TaSopLineIvcInsert) for part in payload.body)
    return lines != original.lines or original.docamnt != payload.header.DOCAMNT


def _references(payload: GpDocument) -> list[str]:
    return sorted({payload.reference, payload.based_on or payload.reference})


def _is(row: SopDocument, payload: GpDocument) -> bool:
    return row.is_of(payload.soptype, payload.docid, payload.reference)


def _require_in_work(row: SopDocument, payload: GpDocument | GpPayment | GpVoid) -> None:
    """Refuse what can no longer be done to a document, and say what a person does instead."""
    if not row.voided and not row.in_history:
        return
    name = f"{payload.docid} {payload.reference} ({row.sopnumbe})"
    if row.voided:
        words = f"{name} is void in GP"
    elif row.soptype == ORDER:
        words = f"{name} was transferred in full and is in history"
    else:
        words = f"{name} is posted"
    if isinstance(payload, GpVoid):
        instead = (
            "void its invoice first" if row.soptype == ORDER else "a posted invoice is credited"
        )
    elif isinstance(payload, GpPayment):
        instead = "the money belongs on its invoice"
    else:
        instead = "bill or credit the difference"
    raise Refused(f"{words}: {instead}", rule="document_in_work", field="SOPNUMBE")


def _amending(
    session: Session, payload: GpDocument | GpPayment | GpVoid, row: SopDocument
) -> list[Call]:
    if isinstance(payload, GpVoid):
        values = payload.call.values() | {"SOPNUMBE": row.sopnumbe}
        return [Call(payload.call.PROCEDURE, values)]
    held = session.held(row)
    if isinstance(payload, GpPayment):
        return payment_calls(payload, held)
    return change_calls(payload, held)
