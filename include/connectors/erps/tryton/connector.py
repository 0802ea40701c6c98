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
from typing import Any

from include.connectors.erps.tryton import stock
from include.connectors.erps.tryton.company import CompanyBook
from include.connectors.erps.tryton.customers import Customers, Party
from include.connectors.erps.tryton.documents import (
    TAX_DIFFERENCE,
    Part,
    Translator,
    TrytonDocument,
    mark_of,
)
from include.connectors.erps.tryton.invoices import Invoice, Invoices
from include.connectors.erps.tryton.lookup import Lookup, changes_in
from include.connectors.erps.tryton.payments import Payments
from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.sales import Sale, SaleLine, Sales
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
from include.domain.money import ZERO
from include.domain.order import ChargeKind
from include.ports.erp import Mappings
from include.transport.connection import HttpRemote

_ORDER_KINDS = frozenset({DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE})


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

    def preflight(self) -> None:
        """Check that the server answers and holds what the settings and charges name.

        Raises:
            ConfigurationError: One message that names every missing thing.
            RemoteUnavailable: The server cannot be reached.
        """
        kinds = (*(kind.value for kind in ChargeKind), "concession", TAX_DIFFERENCE)
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
            DocumentKind.SALES_ORDER: self._order,
            DocumentKind.ORDER_CHANGE: self._change,
            DocumentKind.VOID: self._void,
            DocumentKind.INVOICE: self._invoice,
            DocumentKind.CREDIT_NOTE: self._credit,
            DocumentKind.PAYMENT: self._payment,
        }
        step = steps.get(document.key.kind)
        if step is None:
            raise Refused(
                f"Tryton gets no {document.key.kind} from here", rule="kind_known", field="kind"
            )
        return step(document)

    # -- the order ----------------------------------------------------------------------------

    def _order(self, document: TrytonDocument) -> RemoteDocument:
        party = self.customers.party_for(document.buyer, document.reference)

        def deposit() -> None:
            if document.payments:
                self._level(document, party)

        is_fresh = self.sales.place(
            document, document.parts, party, before_confirming=deposit, must_tie=True
        )
        return self._as_it_stands(document, must_tie=is_fresh)

    def _as_it_stands(self, document: TrytonDocument, *, must_tie: bool = True) -> RemoteDocument:
        """Process and reserve what can be, and return the order."""
        sales = self.sales.of_order(document)
        if self.sales.process(sales):
            sales = self.sales.of_order(document)
        ordered = [sale for sale in sales if sale.is_order and sale.is_alive]
        if stock.reserve(self.client, ordered):
            sales = self.sales.of_order(document)
        if not must_tie:
            known = self.lookup.find([(document.key, document.reference)]).get(document.key)
            if known:
                return known[0]
        paid = sum((payment.amount for payment in document.payments), ZERO)
        found = self.lookup.order(document.key, sales, paid, is_void=False)
        if found is None:
            raise Refused(f"order {document.reference} was cancelled in Tryton", rule="sale_alive")
        if must_tie and found.total != document.total:
            raise Refused(
                f"order {document.reference}: Tryton makes it {found.total}, the store "
                f"{document.total}: compare the taxes' rates",
                rule="sale_ties",
                field="total_amount",
            )
        return found

    def _change(self, document: TrytonDocument) -> RemoteDocument:
        sales = self._order_sales(document, "change")
        done = self._amendment(document, sales)
        if done == "included":
            return self._as_it_stands(document, must_tie=False)
        if done != "validated":
            self._level(document, sales[0].party)
        if done is None:
            parts = self.sales.with_tax_difference(document)
            kept, changed = self._compare(sales, parts)
            party = self._moved(document, sales[0].party)
            fresh = [part for part in parts if part.key not in kept]
            if fresh:
                self.sales.place(document, fresh, party or sales[0].party, role="c")
            stock.release(self.client, sales)
            self._amend(document, sales, changed, party)
        elif done == "draft":
            stock.release(self.client, sales)
            self._validate(document, sales)
        return self._as_it_stands(document)

    def _moved(self, document: TrytonDocument, booked: Party) -> Party | None:
        """Return the party with the order's addresses, where they are not the sale's."""
        buyer = document.buyer
        if buyer.billing is None and buyer.shipping is None:
            return None
        wanted = self.customers.party_for(buyer, document.reference)
        return wanted if wanted.id == booked.id and wanted != booked else None

    def _void(self, document: TrytonDocument) -> RemoteDocument:
        target = document.based_on
        if target is not None and target.kind is DocumentKind.INVOICE:
            raise Refused(
                f"the invoice of order {document.reference} is posted in Tryton: credit it",
                rule="posted_is_credited",
                field="state",
            )
        sales = self._order_sales(document, "void")
        done = self._amendment(document, sales)
        if done is None:
            lines = [line for sale in sales for line in sale.lines]
            if any(line.shipped > ZERO or line.billed > ZERO for line in lines):
                raise Refused(
                    f"order {document.reference} is shipped or billed in part in Tryton: take "
                    "back there what left, or credit it",
                    rule="nothing_shipped",
                    field="shipment_state",
                )
        if done != "validated":
            self._level(document, sales[0].party)
            stock.release(self.client, sales)
        if done is None:
            nothing = {line.id: None for sale in sales for line in sale.lines if line.quantity}
            self._amend(document, sales, nothing)
        elif done == "draft":
            self._validate(document, sales)
        self._reconcile(document, sales[0].party)
        sales = self.sales.of_order(document)
        found = self.lookup.order(document.key, sales, ZERO, is_void=True)
        if found is None:
            raise AssertionError("an order that was brought to nothing is still there")
        return found

    def _order_sales(self, document: TrytonDocument, what: str) -> list[Sale]:
        """Return the sales of an order that is there, processed."""
        sales = self.sales.of_order(document)
        if self.sales.process(sales):
            sales = self.sales.of_order(document)
        ordered = [sale for sale in sales if sale.is_order and sale.is_alive]
        if not ordered or ordered[0].role:
            raise Refused(
                f"Tryton holds no sale of order {document.reference} to {what}",
                rule="sale_exists",
                field="web_id",
            )
        return ordered

    def _amendment(self, document: TrytonDocument, sales: Sequence[Sale]) -> str | None:
        """Return the state of the document's amendments, or that a later change includes it."""
        rows = self.lookup.amendments([sale.id for sale in sales])
        states = {row["state"] for row in rows if row["description"] == document.mark}
        effects = {row["description"] for row in rows if row["state"] == "validated"}
        later = max(changes_in(document.web_id, effects), default=0)
        if document.key.kind is DocumentKind.ORDER_CHANGE and later > document.key.sequence:
            return "included"
        if not states:
            return None
        return "draft" if "draft" in states else "validated"

    def _compare(
        self, sales: Sequence[Sale], parts: Sequence[Part]
    ) -> tuple[set[str], dict[int, Part | None]]:
        """Return the keys of parts that have a line, and the lines that have to change.

        A line whose product, taxes or warehouse differ is brought to nothing, and the part gets a
        line of its own.
        """
        wanted = {part.key: part for part in parts}
        kept: set[str] = set()
        changed: dict[int, Part | None] = {}
        for sale in sales:
            for line in sale.lines:
                part = wanted.get(line.key)
                if part is not None and part.key not in kept and self._fits(sale, line, part):
                    kept.add(part.key)
                    if (line.quantity, line.unit_price) != (
                        Decimal(part.quantity),
                        part.unit_price,
                    ):
                        changed[line.id] = part
                elif line.quantity:
                    changed[line.id] = None
        return kept, changed

    def _fits(self, sale: Sale, line: SaleLine, part: Part) -> bool:
        if part.warehouse and self.book.warehouse(part.warehouse).id != sale.warehouse:
            return False
        taxes = {self.book.tax(name).id for name in part.taxes}
        return line.product == self.book.product(part.product).id and line.taxes == taxes

    def _amend(
        self,
        document: TrytonDocument,
        sales: Sequence[Sale],
        changed: Mapping[int, Part | None],
        moved: Party | None = None,
    ) -> None:
        """Amend sales in one go; the first is amended in any case: it carries the mark."""
        values = []
        for sale in sales:
            lines = [
                self._amended(document, line, changed[line.id])
                for line in sale.lines
                if line.id in changed
            ]
            if moved is not None:
                lines.append(
                    {
                        "action": "party",
                        "party": moved.id,
                        "invoice_address": moved.invoice_address,
                        "shipment_address": moved.shipment_address,
                    }
                )
            if lines or sale is sales[0]:
                values.append(
                    {
                        "sale": sale.id,
                        "date": document.accounting_on,
                        "description": document.mark,
                        "lines": [["create", lines]],
                    }
                )
        made = self.client.create("sale.amendment", values)
        self.client.press("sale.amendment", "validate_amendment", made)

    def _amended(
        self, document: TrytonDocument, line: SaleLine, part: Part | None
    ) -> dict[str, Any]:
        units = Decimal(part.quantity) if part else ZERO
        if units < max(line.shipped, line.billed):
            raise Refused(
                f"order {document.reference}: {max(line.shipped, line.billed)} of line {line.key} "
                f"are shipped or billed in Tryton, the change leaves {units}",
                rule="not_below_shipped",
                field="quantity",
            )
        return {
            "action": "line",
            "line": line.id,
            "product": line.product,
            "quantity": float(units),
            "unit": self.lookup.unit_of(line),
            "unit_price": part.unit_price if part else line.unit_price,
            "description": part.title if part else None,
        }

    def _validate(self, document: TrytonDocument, sales: Sequence[Sale]) -> None:
        rows = self.lookup.amendments([sale.id for sale in sales])
        drafts = [
            row["id"]
            for row in rows
            if row["description"] == document.mark and row["state"] == "draft"
        ]
        self.client.press("sale.amendment", "validate_amendment", drafts)

    # -- bills --------------------------------------------------------------------------------

    def _invoice(self, document: TrytonDocument) -> RemoteDocument:
        begun = self._begun(document)
        sales = self.sales.of_order(document)
        if begun is not None and begun.state == "cancelled":
            return self.lookup.bill(document.key, begun, ZERO)
        party = self._party(document, sales)
        if begun is None or begun.state in ("draft", "validated"):
            is_counted = begun is not None
            lines = self._lines_to_bill(sales, document, is_counted=is_counted)
            fresh = [part for part in document.parts if part.key not in lines and part.is_goods]
            if fresh and not is_counted:
                self.sales.place(document, fresh, party, role="i")
            if self.sales.process(sales) or (fresh and not is_counted):
                sales = self.sales.of_order(document)
                lines = self._lines_to_bill(sales, document, is_counted=is_counted)
            invoice = begun.id if begun else self._draft_invoice(document, party, sales, lines)
            self._ship(document, sales, lines, is_counted=is_counted)
            self._pay(document, party, invoice)
            self.invoices.post(document, invoice)
        return self._settled(document, party)

    def _begun(self, document: TrytonDocument) -> Invoice | None:
        """Return the invoice of a document that was begun, those that count first."""
        found = self.invoices.find([document.mark])
        return min(found, key=lambda one: (one.state == "cancelled", one.id), default=None)

    def _party(self, document: TrytonDocument, sales: Sequence[Sale]) -> Party:
        if sales:
            return sales[0].party
        return self.customers.party_for(document.buyer, document.reference)

    def _lines_to_bill(
        self, sales: Sequence[Sale], document: TrytonDocument, *, is_counted: bool
    ) -> dict[str, SaleLine]:
        """Return the line of a sale that each part bills: one that has that much left.

        Where the draft is there already, its units count as billed.
        """
        found: dict[str, SaleLine] = {}
        own = document.key.sequence
        candidates = [
            line
            for sale in sales
            if sale.is_alive and (sale.is_order or (sale.role == "i" and sale.sequence == own))
            for line in sale.lines
            if line.quantity > ZERO
        ]
        for part in document.parts:
            product = self.book.product(part.product).id
            for line in candidates:
                left = line.billed if is_counted else line.quantity - line.billed
                if line.key == part.key and line.product == product and left >= part.quantity:
                    found.setdefault(part.key, line)
        return found

    def _draft_invoice(
        self,
        document: TrytonDocument,
        party: Party,
        sales: Sequence[Sale],
        lines: Mapping[str, SaleLine],
    ) -> int:
        extra = next(
            (
                line
                for sale in sales
                if sale.is_alive and sale.is_order
                for line in sale.lines
                if line.key == TAX_DIFFERENCE and line.quantity > line.billed
            ),
            None,
        )
        origins = {key: f"sale.line,{line.id}" for key, line in lines.items()}
        return self.invoices.draft(document, party, origins, extra if lines else None)

    def _ship(
        self,
        document: TrytonDocument,
        sales: Sequence[Sale],
        lines: Mapping[str, SaleLine],
        *,
        is_counted: bool,
    ) -> None:
        """Ship what is billed, as far as stock covers it."""
        billed = {part.key: Decimal(part.quantity) for part in document.parts if part.is_goods}
        wanted = {
            line.id: line.billed + (ZERO if is_counted else billed[key])
            for key, line in lines.items()
            if key in billed
        }
        stocked = {
            line.id for sale in sales for one in sale.shipments for line in sale.lines if one.moves
        }
        wanted = {line: units for line, units in wanted.items() if line in stocked}
        if wanted:
            stock.ship(self.client, sales, wanted, lambda: self.sales.of_order(document))

    def _credit(self, document: TrytonDocument) -> RemoteDocument:
        begun = self._begun(document)
        if begun is not None and begun.state == "cancelled":
            return self.lookup.bill(document.key, begun, ZERO)
        sales = self.sales.of_order(document)
        party = self._party(document, sales)
        if begun is None or begun.state in ("draft", "validated"):
            origins = self._take_back(document, party, sales)
            invoice = begun.id if begun else self.invoices.draft(document, party, origins, None)
            self._pay(document, party, invoice)
            self.invoices.post(document, invoice)
        return self._settled(document, party)

    def _take_back(
        self, document: TrytonDocument, party: Party, sales: Sequence[Sale]
    ) -> dict[str, str]:
        """Take restocked goods back, and say what each credited part continues."""
        origins: dict[str, str] = {}
        if document.based_on is not None and document.parts:
            known = self.invoices.lines_of(
                mark_of(document.based_on), {part.key for part in document.parts}
            )
            for part in document.parts:
                line = known.get((part.key, self.book.product(part.product).id))
                if line is not None:
                    origins[part.key] = f"account.invoice.line,{line}"
        returned = self._returned(document, sales)
        if returned:
            origin = next((sale.id for sale in sales if sale.is_order), None)
            self.sales.place(document, returned, party, role="r", origin=origin)
            fresh = self.sales.of_order(document)
            if self.sales.process(fresh):
                fresh = self.sales.of_order(document)
            back = [
                sale
                for sale in fresh
                if sale.role == "r" and sale.sequence == document.key.sequence and sale.is_alive
            ]
            stock.receive(self.client, back)
            origins |= {line.key: f"sale.line,{line.id}" for sale in back for line in sale.lines}
        return origins

    def _returned(self, document: TrytonDocument, sales: Sequence[Sale]) -> list[Part]:
        """Return the parts whose units are back in stock: no more than have left."""
        left: dict[str, Decimal] = {}
        for sale in sales:
            is_own = sale.role == "r" and sale.sequence == document.key.sequence
            for line in sale.lines:
                sign = -1 if sale.role == "r" else 1
                if not is_own:
                    left[line.key] = left.get(line.key, ZERO) + sign * line.shipped
        found = []
        for part in document.parts:
            if not part.is_goods or not part.restocked:
                continue
            key = part.key.removesuffix("/2")
            units = min(Decimal(part.quantity), _left(left, key))
            if units > ZERO and self.book.product(part.product).is_stocked:
                _take(left, key, units)
                found.append(replace(part, quantity=int(units), taxes=()))
        return found

    def _payment(self, document: TrytonDocument) -> RemoteDocument:
        sales = self.sales.of_order(document)
        party = self._party(document, sales)
        target = self.invoices.find([mark_of(document.based_on)]) if document.based_on else []
        self._pay(document, party, target[0].id if target else None)
        self._reconcile(document, party)
        found = self.lookup.find([(document.key, document.reference)]).get(document.key)
        if not found:
            raise AssertionError("a payment that was posted is there")
        return found[0]

    # -- money --------------------------------------------------------------------------------

    def _level(self, document: TrytonDocument, party: Party) -> None:
        lines = self.payments.lines_of(document.web_id, party)
        self.payments.level(document, party, lines)

    def _pay(self, document: TrytonDocument, party: Party, invoice: int | None) -> None:
        owed = self.invoices.owed(document)
        if document.payments or owed:
            lines = self.payments.lines_of(document.web_id, party)
            self.payments.pay(document, party, lines, invoice=invoice, owed=owed)

    def _reconcile(self, document: TrytonDocument, party: Party) -> None:
        lines = self.payments.lines_of(document.web_id, party)
        self.payments.reconcile(document.mark, lines)

    def _settled(self, document: TrytonDocument, party: Party) -> RemoteDocument:
        """Reconcile a bill that is posted and return it."""
        self._reconcile(document, party)
        found = self.lookup.find([(document.key, document.reference)]).get(document.key)
        if not found:
            raise AssertionError("a bill that was posted is there")
        return found[0]


def _left(left: Mapping[str, Decimal], key: str) -> Decimal:
    return left.get(key, ZERO) + left.get(f"{key}/2", ZERO)


def _take(left: dict[str, Decimal], key: str, units: Decimal) -> None:
    left[key] = left.get(key, ZERO) - units


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
