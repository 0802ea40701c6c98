"""Connectors that are wrong on purpose, each in one way, and the scenario that names it."""

from __future__ import annotations

import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from include.domain.document import (
    Document,
    DocumentKey,
    DocumentKind,
    DocumentLine,
    PreparedDocument,
    RemoteDocument,
    RemoteState,
    StockNeed,
)
from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    MappingMissing,
    OrderError,
    Refused,
    RemoteUnavailable,
)
from include.domain.order import Restock
from include.ports.erp import Erp

log = logging.getLogger(__name__)

CENT = Decimal("0.01")
_AGAIN = itertools.count(50)


@dataclass(frozen=True)
class Broken:
    """A defect.

    Attributes:
        words: What the connector does wrong.
        scenario: The scenario that has to fail.
        build: Breaks a connector.
        needs_periods: Only where the ERP closes periods.
    """

    words: str
    scenario: str
    build: Callable[[Erp], Any]
    needs_periods: bool = False


DEFECTS: dict[str, Broken] = {}


def defect(words: str, scenario: str, *, needs_periods: bool = False) -> Callable[[type], type]:
    """Put a broken connector on the list, by its class's name."""

    def put(build: type) -> type:
        DEFECTS[build.__name__] = Broken(words, scenario, build, needs_periods)
        return build

    return put


class Around:
    """A connector around another; what it does not say is done as ever."""

    def __init__(self, erp: Erp) -> None:
        self.erp = erp

    def __getattr__(self, name: str) -> Any:
        return getattr(self.erp, name)


class Bending(Around, ABC):
    """Sends another document than the one it was given."""

    @abstractmethod
    def bent(self, document: Document) -> Document:
        """Return the document to send instead."""

    def prepare(self, document: Document) -> PreparedDocument:
        made = self.erp.prepare(self.bent(document))
        return replace(made, document=document)


def _tied(document: Document, **parts: Any) -> Document:
    lines = parts.get("lines", document.lines)
    charges = parts.get("charges", document.charges)
    taxes = [tax.amount for part in (*lines, *charges) for tax in part.taxes]
    nets = [part.net for part in (*lines, *charges)]
    total = sum([*nets, *taxes], Decimal(0)) - document.concession
    return replace(document, total=total, **parts)


def _pretended(prepared: PreparedDocument) -> RemoteDocument:
    document = prepared.document
    return RemoteDocument(
        document.key, "PRETENDED", RemoteState.OPEN, document.total, document.currency, 1
    )


@defect("drops the last of several lines", "new_order")
class DropsALine(Bending):
    def bent(self, document: Document) -> Document:
        return _tied(document, lines=document.lines[:1])


@defect("loses the payment", "new_order")
class LosesPayments(Bending):
    def bent(self, document: Document) -> Document:
        return replace(document, payments=())


@defect("loses all payments but the first", "several_tenders")
class KeepsOneTender(Bending):
    def bent(self, document: Document) -> Document:
        return replace(document, payments=document.payments[:1])


@defect("books no tax", "new_order")
class ForgetsTaxes(Bending):
    def bent(self, document: Document) -> Document:
        lines = tuple(replace(line, taxes=()) for line in document.lines)
        charges = tuple(replace(charge, taxes=()) for charge in document.charges)
        return _tied(document, lines=lines, charges=charges)


@defect("books the price before the discount", "new_order")
class IgnoresDiscounts(Bending):
    def bent(self, document: Document) -> Document:
        lines = tuple(replace(line, net=line.net + line.discount) for line in document.lines)
        return _tied(document, lines=lines)


@defect("leaves charges out", "every_charge")
class ForgetsCharges(Bending):
    def bent(self, document: Document) -> Document:
        return _tied(document, charges=())


@defect("rounds a cent up", "new_order")
class RoundsUp(Bending):
    def bent(self, document: Document) -> Document:
        if not document.lines:
            return document
        first = replace(document.lines[0], net=document.lines[0].net + CENT)
        return _tied(document, lines=(first, *document.lines[1:]))


@defect("ships everything from the default location", "second_location")
class OneLocation(Bending):
    def bent(self, document: Document) -> Document:
        return replace(
            document, lines=tuple(replace(line, location_id=None) for line in document.lines)
        )


def _fates(document: Document, restock: Restock) -> tuple[DocumentLine, ...]:
    return tuple(
        replace(line, restock=restock) if line.restock else line for line in document.lines
    )


@defect("forgets to restock", "refund_with_restock")
class ForgetsRestock(Bending):
    def bent(self, document: Document) -> Document:
        return replace(document, lines=_fates(document, Restock.NOT_RESTOCKED))


@defect("restocks whatever is refunded", "refund_without_restock")
class RestocksAll(Bending):
    def bent(self, document: Document) -> Document:
        return replace(document, lines=_fates(document, Restock.RETURNED))


@defect("posts on the document's day although its period is closed", "posting_day",
        needs_periods=True)  # fmt: skip
class IgnoresPostOn(Bending):
    def bent(self, document: Document) -> Document:
        return replace(document, post_on=None)


@defect("calls every day open", "first_open_day", needs_periods=True)
class EveryDayIsOpen(Around):
    def first_open_on(self, day: date) -> date:
        return day


@defect("cuts an order number that is too long", "over_long_number")
class CutsNumbers(Bending):
    def bent(self, document: Document) -> Document:
        return replace(document, order_number=document.order_number[:12])


@defect("cuts a street that is too long", "over_long_address")
class CutsStreets(Bending):
    def bent(self, document: Document) -> Document:
        address = document.shipping_address
        if address is None or address.line_1 is None:
            return document
        address = replace(address, line_1=address.line_1[:30])
        return replace(document, shipping_address=address, billing_address=address)


@defect("says it posted and did not", "new_order")
class Pretends(Around):
    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        return _pretended(prepared)


class _LeavesOut(Around):
    kind: DocumentKind

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        if prepared.document.key.kind is self.kind:
            return _pretended(prepared)
        return self.erp.post(prepared)


@defect("does not void", "cancelled_before_invoice")
class IgnoresVoids(_LeavesOut):
    kind = DocumentKind.VOID


@defect("does not change orders", "dearer_before_invoice")
class IgnoresChanges(_LeavesOut):
    kind = DocumentKind.ORDER_CHANGE


@defect("does not credit", "refunded_after_invoice")
class IgnoresCreditNotes(_LeavesOut):
    kind = DocumentKind.CREDIT_NOTE


@defect("does not add later payments", "paid_after_addition")
class IgnoresLaterPayments(_LeavesOut):
    kind = DocumentKind.PAYMENT


class _Forgetful(Around):
    """Makes another document each time; the first of a kind is as it should be."""

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        key = prepared.document.key
        other = replace(prepared.document, key=replace(key, sequence=next(_AGAIN)))
        return replace(self.erp.post(self.erp.prepare(other)), key=key)


@defect("posts again without looking up what it sent", "killed_after_the_call")
class NeverLooksUp(_Forgetful):
    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> Mapping[DocumentKey, tuple[RemoteDocument, ...]]:
        return {}


@defect("makes a second document of the same reference", "staging_lost")
class NeverLooksBeforePosting(_Forgetful):
    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        document = prepared.document
        if self.erp.find([(document.key, document.order_number)]):
            return super().post(prepared)
        return self.erp.post(prepared)


@defect("sends again what broke off, without looking", "timeout_after_the_effect")
class RetriesBlindly(_Forgetful):
    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        try:
            return self.erp.post(prepared)
        except RemoteUnavailable:
            return super().post(prepared)


@defect("looks up open documents only", "killed_and_finalised")
class OverlooksHistory(Around):
    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> Mapping[DocumentKey, tuple[RemoteDocument, ...]]:
        found = self.erp.find(documents)
        opened = {key: [m for m in ms if m.state is RemoteState.OPEN] for key, ms in found.items()}
        return {key: tuple(ms) for key, ms in opened.items() if ms}


@defect("refuses a document that is there already", "staging_lost")
class RefusesItsOwn(Around):
    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        document = prepared.document
        if self.erp.find([(document.key, document.order_number)]):
            raise Refused(f"{document.key} exists", rule="duplicate")
        return self.erp.post(prepared)


@defect("takes a broken call for done", "lost_call")
class TakesBrokenForDone(Around):
    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        try:
            return self.erp.post(prepared)
        except RemoteUnavailable:
            return _pretended(prepared)


@defect("takes a broken call for a refusal", "cut_answer")
class TakesBrokenForRefused(Around):
    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        try:
            return self.erp.post(prepared)
        except AmbiguousOutcome as broken:
            raise Refused(str(broken), rule="failed") from broken


@defect("takes 'later' for 'no'", "away")
class TakesLaterForNo(Around):
    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        try:
            return self.erp.post(prepared)
        except RemoteUnavailable as busy:
            raise Refused(str(busy), rule="failed") from busy


@defect("swallows a missing map row", "unknown_gateway")
class SwallowsRefusals(Around):
    def prepare(self, document: Document) -> PreparedDocument:
        try:
            return self.erp.prepare(document)
        except OrderError:
            return PreparedDocument(document, "", 0, None)

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        return self.erp.post(prepared) if prepared.payload else _pretended(prepared)


@defect("stops everything for one order it cannot map", "unknown_tax")
class StopsForOne(Around):
    def prepare(self, document: Document) -> PreparedDocument:
        try:
            return self.erp.prepare(document)
        except MappingMissing as error:
            raise ConfigurationError(str(error)) from error


@defect("says that every sku is known", "unknown_sku")
class KnowsEverySku(Bending):
    def unknown_skus(self, skus: Iterable[str]) -> frozenset[str]:
        return frozenset()

    def bent(self, document: Document) -> Document:
        lines = document.lines
        known = tuple(line for line in lines if line.sku != "NEVER-HEARD-OF")
        return document if known == lines else _tied(document, lines=known)


@defect("promises stock that is not there", "hold_for_stock")
class PromisesTooMuch(Around):
    def available(self, needs: Iterable[StockNeed]) -> Mapping[StockNeed, Decimal]:
        return {need: Decimal(999) for need in self.erp.available(needs)}


@defect("checks nothing before posting", "preflight_names_what_is_missing")
class NoPreflight(Around):
    def preflight(self) -> None:
        return


@defect("takes a wrong password for an outage", "wrong_credentials")
class TakesPasswordForOutage(Around):
    def preflight(self) -> None:
        try:
            self.erp.preflight()
        except ConfigurationError as error:
            raise RemoteUnavailable("the ERP is away") from error


@defect("logs who bought", "new_order")
class LogsNames(Around):
    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        buyer = prepared.document.customer
        log.info("posting for %s", buyer.name if buyer else "a guest")
        return self.erp.post(prepared)


@defect("tells in a refusal who bought", "unknown_gateway")
class NamesInRefusals(Around):
    def prepare(self, document: Document) -> PreparedDocument:
        try:
            return self.erp.prepare(document)
        except MappingMissing as error:
            buyer = document.customer
            error.args = (f"{error} (for {buyer.name if buyer else 'a guest'})",)
            raise
