"""The ERP port on Dynamics GP: find, prepare and post sales orders and invoices.

Posting one document: own its reference, look it up in work and history, take a number, run every
call as one transaction with the header last. The number is taken in a transaction of its own,
since GP keeps the counter's row locked until commit and every poster would queue behind it; so a
number that came to nothing is given back by ``taGetSopNumber`` with 0.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from sqlalchemy import URL

from include.connectors.erps.dynamics_gp.documents import (
    ORDER,
    SOPTYPES,
    GpDocument,
    Translator,
    reference_of,
)
from include.connectors.erps.dynamics_gp.econnect.parameters import TaSopLineIvcInsert
from include.connectors.erps.dynamics_gp.gateway import (
    Call,
    Deadlocked,
    Gateway,
    ProcedureFailed,
    Session,
    SopDocument,
    open_gateway,
)
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.domain.document import (
    Document,
    DocumentKey,
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
        self.docids = (settings.order_document_id, settings.invoice_document_id)
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

        Args:
            documents: Pairs of natural key and order number.

        Returns:
            Every match of every key, documents that are not void first; keys without one left out.
        """
        wanted: dict[tuple[int, str, str], DocumentKey] = {}
        for key, number in documents:
            soptype = SOPTYPES.get(key.kind)
            if soptype is not None:
                with suppress(OrderError):  # a reference that does not fit cannot be in GP
                    reference = reference_of(key, number)
                    wanted[soptype, self._docid(soptype), reference] = key
        if not wanted:
            return {}
        with self.gateway.session() as session:
            rows = session.documents(sorted({ref for _, _, ref in wanted}), self.docids)
        found: dict[DocumentKey, list[RemoteDocument]] = {}
        for row in rows:
            match = wanted.get((row.soptype, row.docid, row.cstponbr))
            if match is not None:
                found.setdefault(match, []).append(self._remote(match, row))
        return {
            key: tuple(sorted(matches, key=lambda m: (m.state is RemoteState.VOID, m.reference)))
            for key, matches in found.items()
        }

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        """Create the document, or return the one that already carries its reference.

        Raises:
            Refused: GP said no; its words from taErrorCode are in the error.
            RemoteUnavailable: In use, in posting, deadlocked or unreachable; nothing was created.
            AmbiguousOutcome: The connection broke while committing; look the document up.
        """
        payload = prepared.payload
        if not isinstance(payload, GpDocument):
            raise TypeError(f"{type(payload).__name__} was prepared for another ERP")
        key = prepared.document.key
        for attempt in range(1, self.settings.deadlock_attempts + 1):
            try:
                return self._post_once(payload, prepared)
            except Deadlocked:
                if attempt == self.settings.deadlock_attempts:
                    raise
                log.info("document %s lost to a deadlock, try %d", key, attempt)
        raise AssertionError("unreachable")

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
                raise self._batch_busy(payload)
            before: list[Call] = []
            if not situation.customer_exists or self.settings.update_customers:
                before += [Call(p.PROCEDURE, p.values()) for p in payload.customer_calls]
            if not situation.batch_exists:
                before.append(Call(payload.batch_call.PROCEDURE, payload.batch_call.values()))
            number = self._number(session, payload)
            self._send(session, payload, [*before, *payload.body_calls(number, original)], number)
            if payload.gp_may_change_it:
                return self._read_back(session, payload, key, number)
            return _as_sent(payload, prepared, number)

    def _number(self, session: Session, payload: GpDocument) -> str:
        try:
            return session.take_number(payload.soptype, payload.docid)
        except ProcedureFailed as failed:
            raise self._verdict(session, payload, failed) from failed

    def _send(
        self, session: Session, payload: GpDocument, calls: Sequence[Call], number: str
    ) -> None:
        try:
            session.post(calls)
        except ProcedureFailed as failed:
            self._give_back(session, payload, number)
            raise self._verdict(session, payload, failed, calls[failed.position]) from failed
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

    def _original(self, payload: GpDocument, rows: Sequence[SopDocument]) -> str | None:
        if payload.based_on is None:
            return None
        for row in rows:
            if (row.soptype, row.docid, row.cstponbr) == (ORDER, self.docids[0], payload.based_on):
                if row.voided:
                    break
                return row.sopnumbe
        raise Refused(
            f"invoice {payload.reference}: GP holds no order {payload.based_on} it could bill, or "
            "a void one",
            rule="order_to_invoice",
            field="ORIGNUMB",
        )

    # -- what GP answers ----------------------------------------------------------------------

    def _verdict(
        self,
        session: Session,
        payload: GpDocument,
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
        if session.batch_is_busy(payload.batch):
            return self._batch_busy(payload)
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

    def _batch_busy(self, payload: GpDocument) -> RemoteUnavailable:
        return RemoteUnavailable(
            f"batch {payload.batch} is being posted or is open in GP: it is waited for, never "
            "written to",
            system=self.gateway.name,
            status="batch in use",
        )

    def _docid(self, soptype: int) -> str:
        return self.docids[0] if soptype == ORDER else self.docids[1]

    def _iso_code(self, currency: str) -> str:
        """Return the ISO code; a company without multicurrency leaves CURNCYID blank."""
        if not currency:
            return next(iter(self.settings.currencies))
        return self._iso.get(currency, currency)

    def _remote(self, key: DocumentKey, row: SopDocument) -> RemoteDocument:
        state = RemoteState.POSTED if row.in_history else RemoteState.OPEN
        return RemoteDocument(
            key=key,
            reference=row.sopnumbe,
            state=RemoteState.VOID if row.voided else state,
            total=row.docamnt,
            currency=self._iso_code(row.curncyid),
            line_count=row.lines,
            paid=row.paid,
            back_ordered=row.back_ordered,
        )


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
