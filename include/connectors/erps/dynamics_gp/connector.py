"""The ERP port on Dynamics GP: find, prepare and post an order's documents.

Posting one document: own its reference, look it up in work and history, take a number, run every
call as one transaction with the header last. The number is taken in a transaction of its own,
since GP keeps the counter's row locked until commit and every poster would queue behind it; so a
number that came to nothing is given back by ``taGetSopNumber`` with 0. What acts on a document that
GP holds (change, payment, void) owns that document's reference instead, and takes no number.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlalchemy import URL

from include.connectors.erps.dynamics_gp.amend import (
    Marks,
    added_by,
    change_calls,
    follow_lines,
    payment_calls,
)
from include.connectors.erps.dynamics_gp.calls import Call, Deadlocked, ProcedureFailed
from include.connectors.erps.dynamics_gp.customers import Customers
from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.econnect.parameters import TaSopLineIvcInsert
from include.connectors.erps.dynamics_gp.gateway import Gateway, Session, open_gateway
from include.connectors.erps.dynamics_gp.lookups import LINE_LIMIT
from include.connectors.erps.dynamics_gp.payloads import (
    INVOICE,
    ORDER,
    RETURN,
    GpDocument,
    GpPayment,
    GpVoid,
    mark_of,
    receipt_number,
    reference_of,
    target_of,
)
from include.connectors.erps.dynamics_gp.receipts import receipt_calls
from include.connectors.erps.dynamics_gp.records import HeldPayment, HeldReceipt, SopDocument
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.domain.document import (
    Document,
    DocumentKey,
    DocumentKind,
    PreparedDocument,
    RemoteDocument,
    RemoteState,
    StockNeed,
)
from include.domain.errors import (
    ConfigurationError,
    MappingMissing,
    OrderError,
    Refused,
    RemoteUnavailable,
)
from include.domain.money import ZERO
from include.ports.erp import Mappings

log = logging.getLogger(__name__)


class DynamicsGp:
    """One GP company as a channel's ERP.

    Args:
        gateway: The way into the company database.
        settings: The company's ids and rules.
        mappings: Store value to ERP value.
    """

    def __init__(self, gateway: Gateway, settings: DynamicsGpSettings, mappings: Mappings) -> None:
        self.gateway = gateway
        self.settings = settings
        self.translator = Translator(settings, mappings)
        self.customers = Customers(gateway, settings, mappings)
        self.docids = tuple(map(self.translator.docid_of, (ORDER, INVOICE, RETURN)))
        self._iso = {gp: iso for iso, gp in settings.currencies.items()}

    def preflight(self) -> None:
        """Check that the company answers and holds the set-up the settings name.

        Raises:
            ConfigurationError: One message that names every missing thing.
            RemoteUnavailable: The company database cannot be reached.
        """
        settings, system = self.settings, self.gateway.system_prefix
        wanted: list[tuple[str, str, str | None, str]] = [
            ("SOP40200", "DOCID", settings.order_document_id, "sales document id"),
            ("SOP40200", "DOCID", settings.invoice_document_id, "sales document id"),
            ("SOP40200", "DOCID", settings.return_document_id, "sales document id"),
            ("IV40700", "LOCNCODE", settings.default_site, "site"),
            ("SY03000", "SHIPMTHD", settings.default_shipping_method, "shipping method"),
            ("TX00101", "TAXSCHID", settings.tax_schedule, "tax schedule"),
            ("RM00201", "CLASSID", settings.customer_class, "customer class"),
            *(
                (f"{system}MC40200", "CURNCYID", currency, "currency")
                for currency in settings.currencies.values()
            ),
        ]
        with self.gateway.session() as session:
            missing = [
                f"{what} {value} ({table})"
                for table, column, value, what in wanted
                if value is not None and session.missing(table, column, value)
            ]
        if missing:
            raise ConfigurationError(
                f"the GP company lacks what the channel names: {'; '.join(missing)}"
            )

    def available(self, needs: Iterable[StockNeed]) -> Mapping[StockNeed, Decimal]:
        """Return units free to promise: on hand less allocated (IV00102).

        A need whose item or site is not mapped, or that GP does not keep in stock there, is left
        out: preparing the document says what is wrong with it.
        """
        places: dict[StockNeed, tuple[str, str]] = {}
        for need in needs:
            with suppress(MappingMissing):
                item = self.translator.item_of(need.sku)
                places[need] = (item, self.translator.site_of(need.location_id))
        items = sorted({item for item, _ in places.values()})
        if not items:
            return {}
        with self.gateway.session() as session:
            free = session.free_stock(items)
        return {need: free[place] for need, place in places.items() if place in free}

    def unknown_skus(self, skus: Iterable[str]) -> frozenset[str]:
        """Return the skus whose item GP does not have (IV00101), mapped or as they are."""
        items: dict[str, str] = {}
        for sku in set(skus):
            with suppress(MappingMissing):
                items[sku] = self.translator.item_of(sku)
        if not items:
            return frozenset()
        with self.gateway.session() as session:
            known = session.items(sorted(set(items.values())))
        return frozenset(sku for sku, item in items.items() if item not in known)

    def prepare(self, document: Document) -> PreparedDocument:
        """Translate and check one document; see ``Translator.prepare``."""
        return self.translator.prepare(document)

    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> Mapping[DocumentKey, tuple[RemoteDocument, ...]]:
        """Look documents up in SOP10100 and SOP30200 by their customer PO number.

        An order change is found once it, or a later one, is in effect, and shows the order as it
        stands; a void is found once its document is void; a payment on the document it is on.

        Args:
            documents: Pairs of natural key and order number.

        Returns:
            Every match of every key, documents that are not void first; keys without one left out.
        """
        wanted: dict[tuple[int, str, str], list[DocumentKey]] = {}
        payments: dict[str, list[DocumentKey]] = {}
        for key, number in documents:
            with suppress(OrderError):  # a reference that does not fit cannot be in GP
                if key.kind is DocumentKind.PAYMENT:
                    payments.setdefault(reference_of(replace(key, sequence=1), number), []).append(
                        key
                    )
                elif shown := target_of(key):
                    soptype, target = shown
                    place = (soptype, self._docid(soptype), reference_of(target, number))
                    wanted.setdefault(place, []).append(key)
        found: dict[DocumentKey, list[RemoteDocument]] = {}
        if not wanted and not payments:
            return {}
        with self.gateway.session() as session:
            rows = session.documents(sorted({ref for _, _, ref in wanted}), self.docids)
            rows = _with_receipts(session, rows, {number for _, number in documents})
            for row in rows:
                for key in wanted.get((row.soptype, row.docid, row.cstponbr), ()):
                    if _shows(row, key):
                        found.setdefault(key, []).append(self._remote(key, row))
            self._find_payments(session, payments, found)
        return {
            key: tuple(sorted(matches, key=lambda m: (m.state is RemoteState.VOID, m.reference)))
            for key, matches in found.items()
        }

    def _find_payments(
        self,
        session: Session,
        payments: Mapping[str, Sequence[DocumentKey]],
        found: dict[DocumentKey, list[RemoteDocument]],
    ) -> None:
        rows = session.documents(sorted(payments), self.docids[:2], with_later=True)
        hits = [
            (row, key)
            for row in rows
            for key in payments.get(_order_number(row, payments), ())
            if key.sequence in Marks.read(row.mark).payments
        ]
        held = session.payments(sorted({row.sopnumbe for row, _ in hits}))
        for row, key in hits:
            found.setdefault(key, []).append(self._remote(key, row, held))
        numbers = {
            receipt_number(number, key.sequence): key
            for number, keys in payments.items()
            for key in keys
            if key not in found
        }
        received: dict[DocumentKey, list[HeldReceipt]] = {}
        for receipt in session.receipts(sorted(numbers)):
            base = (
                receipt.number if receipt.number in numbers else receipt.number.rpartition(".")[0]
            )
            received.setdefault(numbers[base], []).append(receipt)
        for key, receipts in received.items():
            found[key] = [self._received(key, "", receipts)]
        for key, matches in found.items():
            if key.kind is DocumentKind.PAYMENT and len(matches) > 1:
                # A transfer in GP copies the mark: the money is on one of the documents.
                found[key] = [match for match in matches if match.paid] or matches[:1]

    def first_open_on(self, day: date) -> date:
        """Return the day, or the first day of the next period that is open for sales (SY40100).

        Args:
            day: A document's date.

        Raises:
            Refused: No later period is open.
            RemoteUnavailable: The company database cannot be reached.
        """
        with self.gateway.session() as session:
            opened = session.first_open_on(day)
        if opened is None:
            raise Refused(
                f"no fiscal period of GP is open for sales on {day} or later: open one",
                rule="period_open",
                field="CLOSED",
            )
        return opened

    def begun(self, documents: Sequence[tuple[DocumentKey, str]]) -> frozenset[DocumentKey]:
        """Return none: a document of GP is one transaction."""
        return frozenset()

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        """Create the document, or return the one that already carries its reference.

        Raises:
            Refused: GP said no; its words from taErrorCode are in the error.
            RemoteUnavailable: In use, in posting, deadlocked or unreachable; nothing was created.
            AmbiguousOutcome: The connection broke while committing; look the document up.
        """
        payload = prepared.payload
        if not isinstance(payload, GpDocument | GpPayment | GpVoid):
            raise TypeError(f"{type(payload).__name__} was prepared for another ERP")
        key = prepared.document.key
        for attempt in range(1, self.settings.deadlock_attempts + 1):
            try:
                if isinstance(payload, GpDocument) and not payload.change:
                    remote = self._post_once(payload, prepared)
                else:
                    remote = self._amend_once(payload, prepared.document.key)
            except Deadlocked:
                if attempt == self.settings.deadlock_attempts:
                    raise
                log.info("document %s lost to a deadlock, try %d", key, attempt)
            else:
                return self._told_by_line(remote, prepared.document)
        raise AssertionError("unreachable")

    def _told_by_line(self, remote: RemoteDocument, document: Document) -> RemoteDocument:
        """Say which lines wait for stock where GP back-ordered other units than it was asked to."""
        asked = sum(line.back_ordered for line in document.lines)
        of_order = document.key.kind in (DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE)
        if not of_order or remote.state is not RemoteState.OPEN or remote.back_ordered == asked:
            return remote
        try:
            with self.gateway.session() as session:
                found = session.short(remote.reference)
        except RemoteUnavailable:
            return remote  # it is posted, whatever is known of its lines
        short = []
        for line in document.lines:
            mark = mark_of(line.line_id, LINE_LIMIT)
            units = found.get(mark, ZERO) + found.get(f"{mark}/2", ZERO)
            short.append((line.line_id, min(int(units), line.quantity)))
        return replace(remote, short=tuple(short))

    def close(self) -> None:
        """Close the connections that are not in use."""
        self.gateway.close()

    # -- one document -------------------------------------------------------------------------

    def _post_once(self, payload: GpDocument, prepared: PreparedDocument) -> RemoteDocument:
        key = prepared.document.key
        resource = f"{payload.docid}:{payload.reference}"
        with self.gateway.locked(resource, payload.batch, payload.customer) as entered:
            session, situation = entered
            rows = session.documents(_references(payload), self.docids)
            ours = [row for row in rows if _is(row, payload)]
            if ours:
                best = min(ours, key=lambda row: (row.voided, row.sopnumbe))
                return self._remote(key, best)
            original = self._original(payload, rows)
            if situation.batch_busy:
                raise self._batch_busy(payload.batch)
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

    # -- what GP holds already ----------------------------------------------------------------

    def _amend_once(
        self, payload: GpDocument | GpPayment | GpVoid, key: DocumentKey
    ) -> RemoteDocument:
        """Change, pay or void a document in work; what was done to it before is the answer."""
        with self.gateway.locked(f"{payload.docid}:{payload.reference}", "", "") as entered:
            session, _ = entered
            row = self._target(session, payload)
            if _shows(row, key) and not isinstance(payload, GpPayment):
                return self._remote(key, row)
            if isinstance(payload, GpPayment) and payload.sequence in Marks.read(row.mark).payments:
                return self._remote(key, row, session.payments([row.sopnumbe]))
            if isinstance(payload, GpPayment) and row.in_history and row.soptype == INVOICE:
                return self._receive(session, payload, row, key)
            _require_in_work(row, payload)
            if session.batch_is_busy(row.batch):
                raise self._batch_busy(row.batch)
            self._amend(session, row.batch, _amending(session, payload, row))
            return self._remote(
                key, self._target(session, payload), session.payments([row.sopnumbe])
            )

    def _amend(self, session: Session, batch: str, calls: Sequence[Call]) -> None:
        try:
            session.post(calls)
        except ProcedureFailed as failed:
            raise self._verdict(session, batch, failed, calls[failed.position]) from failed

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
            self._amend(session, batch, calls)
        elif row.voided:
            _require_in_work(row, payload)
        return self._received(key, row.curncyid, session.receipts([payload.receipt]))

    def _received(
        self, key: DocumentKey, currency: str, receipts: Sequence[HeldReceipt]
    ) -> RemoteDocument:
        """Return what cash receipts show of a payment."""
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
            raise self._verdict(session, payload.batch, failed) from failed

    def _send(
        self, session: Session, payload: GpDocument, calls: Sequence[Call], number: str
    ) -> None:
        try:
            session.post(calls)
        except ProcedureFailed as failed:
            self._give_back(session, payload, number)
            raise self._verdict(session, payload.batch, failed, calls[failed.position]) from failed
        except (OrderError, ConfigurationError, Deadlocked):
            self._give_back(session, payload, number)
            raise

    def _read_back(
        self, session: Session, payload: GpDocument, key: DocumentKey, number: str
    ) -> RemoteDocument:
        """Read what GP made of it: short stock may have changed the quantities of an order."""
        for row in session.documents([payload.reference], self.docids):
            if _is(row, payload) and row.sopnumbe == number:
                return self._remote(key, row)
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
        docid = self._docid(payload.origin_type)
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

    # -- what GP answers ----------------------------------------------------------------------

    def _verdict(
        self,
        session: Session,
        batch: str,
        failed: ProcedureFailed,
        call: Call | None = None,
    ) -> OrderError | RemoteUnavailable:
        """Resolve error states by taErrorCode and tell 'later' from 'no'."""
        retryable = set(failed.numbers) & set(self.settings.retryable_codes)
        if retryable:
            return RemoteUnavailable(
                f"{failed.procedure}: the document is in use in GP",
                system=self.gateway.name,
                status=failed.code,
            )
        if session.batch_is_busy(batch):
            return self._batch_busy(batch)
        unmapped = self._unmapped_item(session, call)
        if unmapped is not None:
            return unmapped
        words = session.error_words(failed.numbers)
        told = "; ".join(
            f"{code} {words.get(code, '(taErrorCode has no words for it)')}"
            for code in failed.numbers
        )
        return Refused(
            f"{failed.procedure}{_where(call)}: {told}",
            rule=f"econnect_{failed.code}",
            field=failed.procedure,
            remote=told,
        )

    def _unmapped_item(self, session: Session, call: Call | None) -> MappingMissing | None:
        """Tell a sku that GP has no item for: it lacks a map row, whatever GP's number is."""
        if call is None or call.procedure != TaSopLineIvcInsert.PROCEDURE:
            return None
        item = str(call.parameters["ITEMNMBR"])
        if call.parameters.get("NONINVEN") or not session.missing("IV00101", "ITEMNMBR", item):
            return None
        try:
            self.translator.mappings.require("sku", item)
        except MappingMissing as missing:
            return missing
        return None

    def _batch_busy(self, batch: str) -> RemoteUnavailable:
        return RemoteUnavailable(
            f"batch {batch} is being posted or is open in GP: it is waited for, never written to",
            system=self.gateway.name,
            status="batch in use",
        )

    def _docid(self, soptype: int) -> str:
        return self.translator.docid_of(soptype)

    def _iso_code(self, currency: str) -> str:
        """Return the ISO code; a company without multicurrency leaves CURNCYID blank."""
        if not currency:
            return next(iter(self.settings.currencies))
        return self._iso.get(currency, currency)

    def _remote(
        self, key: DocumentKey, row: SopDocument, payments: Sequence[HeldPayment] = ()
    ) -> RemoteDocument:
        """Return what a row shows of a key; a void and a payment have no total of their own."""
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


def create(url: str | URL, settings: DynamicsGpSettings, mappings: Mappings) -> DynamicsGp:
    """Open a GP company. Connects only when it is used.

    Args:
        url: SQLAlchemy URL of the company database.
        settings: The company's ids and rules.
        mappings: Store value to ERP value.
    """
    gateway = open_gateway(
        url,
        connections=settings.connections,
        statement_timeout=settings.statement_timeout_seconds,
        lock_timeout=settings.lock_timeout_seconds,
    )
    return DynamicsGp(gateway, settings, mappings)


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
    return (row.soptype, row.docid, row.cstponbr) == (
        payload.soptype,
        payload.docid,
        payload.reference,
    )


def _where(call: Call | None) -> str:
    """Name the item and line of a refused call, so that a person need not count lines."""
    if call is None or "ITEMNMBR" not in call.parameters:
        return ""
    return f" (item {call.parameters['ITEMNMBR']}, line {call.parameters.get('LNITMSEQ', '?')})"


def _shows(row: SopDocument, key: DocumentKey) -> bool:
    """Tell whether the document that a key acts on shows that it was done."""
    if key.kind is DocumentKind.VOID:
        return row.voided
    if key.kind is DocumentKind.ORDER_CHANGE:
        return Marks.read(row.mark).change >= key.sequence
    return True


def _with_receipts(
    session: Session, rows: list[SopDocument], numbers: Container[str]
) -> list[SopDocument]:
    """Count the cash receipts of an order as paid on its first invoice that was left open."""
    open_: dict[str, SopDocument] = {}
    for row in sorted(rows, key=lambda row: row.sopnumbe):
        if row.soptype == INVOICE and row.in_history and row.paid < row.docamnt:
            open_.setdefault(_order_number(row, numbers), row)
    if not open_:
        return rows
    received: dict[int, Decimal] = {}
    for receipt in session.receipts(sorted(f"{number}/P" for number in open_), "%"):
        at = id(open_[receipt.number.rpartition("/P")[0]])
        received[at] = received.get(at, ZERO) + receipt.amount
    return [
        replace(row, paid=row.paid + received[id(row)]) if id(row) in received else row
        for row in rows
    ]


def _order_number(row: SopDocument, known: Container[str]) -> str:
    """Return the order's number of a reference that may name a later document of it."""
    return row.cstponbr if row.cstponbr in known else row.cstponbr.rpartition("/")[0]


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
