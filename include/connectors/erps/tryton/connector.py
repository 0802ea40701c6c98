"""The ERP port on Tryton: every document in steps, each looked up before it is taken.

The step that makes a document count comes last (a sale confirmed, an amendment validated, an
invoice posted), and ``find`` only knows documents that count. So a poster that died at any call is
followed by one that goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from include.connectors.erps.tryton.billing import Billing
from include.connectors.erps.tryton.company import CompanyBook
from include.connectors.erps.tryton.customers import Customers
from include.connectors.erps.tryton.documents import (
    CONCESSION,
    LINE_CHARGES,
    TAX_DIFFERENCE,
    Translator,
    TrytonDocument,
)
from include.connectors.erps.tryton.invoices import Invoices
from include.connectors.erps.tryton.lookup import Lookup
from include.connectors.erps.tryton.ordering import Ordering
from include.connectors.erps.tryton.payments import Payments
from include.connectors.erps.tryton.records import Records
from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.sales import Sales
from include.connectors.erps.tryton.settings import TrytonSettings
from include.domain.document import (
    Document,
    DocumentKey,
    DocumentKind,
    PreparedDocument,
    RemoteDocument,
    StockNeed,
)
from include.domain.errors import ConfigurationError, MappingMissing, Refused
from include.domain.order import ChargeKind
from include.ports.erp import Mappings
from include.transport.connection import HttpRemote


class Tryton:
    """One Tryton company as a channel's ERP.

    Args:
        client: The session.
        settings: The company's names and rules.
        mappings: Store value to Tryton's.
    """

    def __init__(self, client: TrytonClient, settings: TrytonSettings, mappings: Mappings) -> None:
        self.client = client
        self.settings = settings
        self.translator = Translator(settings, mappings)
        self.book = CompanyBook(client, settings)
        self.customers = Customers(client, self.book, settings)
        self.sales = Sales(client, self.book, mappings)
        self.invoices = Invoices(client, self.book)
        self.payments = Payments(client, self.book)
        self.lookup = Lookup(self.book, self.sales, self.invoices, self.payments)
        records = Records(
            client=client,
            book=self.book,
            customers=self.customers,
            sales=self.sales,
            invoices=self.invoices,
            payments=self.payments,
            lookup=self.lookup,
        )
        self.ordering = Ordering(records)
        self.billing = Billing(records)

    def preflight(self) -> None:
        """Check that the server answers and holds what the settings and charges name.

        Raises:
            ConfigurationError: One message that names every missing thing.
            RemoteUnavailable: The server cannot be reached.
        """
        kinds = [kind.value for kind in ChargeKind]
        kinds += [*LINE_CHARGES.values(), CONCESSION, TAX_DIFFERENCE]
        services = [self.translator.mappings.get("charge", kind) for kind in kinds]
        missing = self.book.missing(filter(None, services))
        if missing:
            raise ConfigurationError(f"Tryton lacks what the channel names: {'; '.join(missing)}")

    def available(self, needs: Iterable[StockNeed]) -> Mapping[StockNeed, Decimal]:
        """Return units free to promise: on the shelf of the warehouse and not assigned.

        A need whose product or warehouse is not mapped, or that Tryton does not keep in stock, is
        left out: preparing the document says what is wrong with it.
        """
        places: dict[str, dict[StockNeed, str]] = {}
        for need in needs:
            try:
                code = self.translator.product_of(need.sku)
                place = self.translator.warehouse_of(need.location_id)
            except MappingMissing:
                continue
            places.setdefault(place, {})[need] = code
        found: dict[StockNeed, Decimal] = {}
        for place, wanted in places.items():
            warehouse = self.book.company.warehouses.get(place)
            if warehouse is None:
                continue
            free = self._free(warehouse.storage, set(wanted.values()))
            found |= {need: free[code] for need, code in wanted.items() if code in free}
        return found

    def _free(self, storage: int, codes: set[str]) -> dict[str, Decimal]:
        known = self.book.products(codes)
        ids = {product.id: code for code, product in known.items() if product.is_stocked}
        context = {"locations": [storage], "with_childs": True, "stock_assign": True}
        rows = self.client.read("product.product", sorted(ids), ["quantity"], context=context)
        return {ids[row["id"]]: Decimal(str(row["quantity"])) for row in rows}

    def unknown_skus(self, skus: Iterable[str]) -> frozenset[str]:
        """Return the skus whose product Tryton does not have, mapped or as they are."""
        codes: dict[str, str] = {}
        for sku in set(skus):
            try:
                codes[sku] = self.translator.product_of(sku)
            except MappingMissing:
                continue
        known = self.book.products(codes.values())
        return frozenset(sku for sku, code in codes.items() if code not in known)

    def first_open_on(self, day: date) -> date:
        """Return the day, or the first day of the next period that is open (account.period).

        Raises:
            Refused: No later period is open.
            RemoteUnavailable: The server cannot be reached.
        """
        opened = self.book.first_open_on(day)
        if opened is None:
            raise Refused(
                f"no fiscal period of Tryton is open on {day} or later: open one",
                rule="period_open",
                field="period",
            )
        return opened

    def prepare(self, document: Document) -> PreparedDocument:
        """Translate and check one document; see ``Translator.prepare``."""
        return self.translator.prepare(document)

    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> Mapping[DocumentKey, tuple[RemoteDocument, ...]]:
        """Look documents up by web id and by mark; see ``Lookup.find``."""
        return self.lookup.find(documents)

    def begun(self, documents: Sequence[tuple[DocumentKey, str]]) -> frozenset[DocumentKey]:
        """Return the documents of which a step is taken; see ``Lookup.begun``."""
        return self.lookup.begun(documents)

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        """Create the document, or finish the one that was begun.

        Raises:
            Refused: Tryton said no; its words are in the error.
            RemoteUnavailable: It may work later; what was done is taken up then.
            AmbiguousOutcome: A call broke off; look the document up.
        """
        document = prepared.payload
        if not isinstance(document, TrytonDocument):
            raise TypeError(f"{type(document).__name__} was prepared for another ERP")
        code = self.book.company.currency_code
        if document.currency != code:
            raise Refused(
                f"order {document.reference} is in {document.currency}, the books in {code}",
                rule="currency_of_the_books",
                field="currency",
            )
        steps = {
            DocumentKind.SALES_ORDER: self.ordering.place,
            DocumentKind.ORDER_CHANGE: self.ordering.change,
            DocumentKind.VOID: self.ordering.void,
            DocumentKind.INVOICE: self.billing.bill,
            DocumentKind.CREDIT_NOTE: self.billing.credit,
            DocumentKind.PAYMENT: self.billing.pay,
        }
        step = steps.get(document.key.kind)
        if step is None:
            raise Refused(
                f"Tryton gets no {document.key.kind} from here", rule="kind_known", field="kind"
            )
        done = step(document)
        asked = {line.line_id: line.back_ordered for line in prepared.document.lines}
        is_as_asked = dict(done.short or ()) == {line: n for line, n in asked.items() if n}
        return replace(done, short=None) if is_as_asked else done


def create(remote: HttpRemote, settings: TrytonSettings, mappings: Mappings) -> Tryton:
    """Build the connector.

    Args:
        remote: The server; ``database`` in its extra goes before the settings'.
        settings: The company's names and rules.
        mappings: Store value to Tryton's.
    """
    database = str(remote.facts.extra.get("database") or settings.database)
    client = TrytonClient(
        remote,
        database,
        acknowledged=settings.acknowledged_warnings,
        attempts=settings.attempts,
        timeout_seconds=settings.timeout_seconds,
    )
    return Tryton(client, settings, mappings)
