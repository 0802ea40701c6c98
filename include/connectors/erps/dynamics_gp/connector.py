"""The ERP port on Dynamics GP: a channel's documents in one company.

``documents.py`` translates, ``finder.py`` looks up, ``posting.py`` posts one document; here they
make the port, and a document that lost to a deadlock is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlalchemy import URL

from include.connectors.erps.dynamics_gp.calls import Deadlocked
from include.connectors.erps.dynamics_gp.customers import Customers
from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.finder import Finder
from include.connectors.erps.dynamics_gp.gateway import Gateway, open_gateway
from include.connectors.erps.dynamics_gp.lookups import LINE_LIMIT
from include.connectors.erps.dynamics_gp.payloads import GpDocument, GpPayment, GpVoid, mark_of
from include.connectors.erps.dynamics_gp.posting import Posting
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.connectors.erps.dynamics_gp.shown import Shown
from include.connectors.erps.dynamics_gp.verdicts import Verdicts
from include.domain.document import (
    Document,
    DocumentKey,
    DocumentKind,
    PreparedDocument,
    RemoteDocument,
    RemoteState,
    StockNeed,
)
from include.domain.errors import ConfigurationError, MappingMissing, Refused, RemoteUnavailable
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
        shown = Shown(settings)
        self.finder = Finder(gateway, self.translator, shown)
        self.posting = Posting(
            gateway,
            settings,
            self.translator,
            customers=Customers(gateway, settings, mappings),
            shown=shown,
            verdicts=Verdicts(gateway.name, settings, mappings),
        )

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
        """Look documents up; see ``Finder.find``."""
        return self.finder.find(documents)

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
                    remote = self.posting.create(payload, prepared)
                else:
                    remote = self.posting.amend(payload, key)
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
