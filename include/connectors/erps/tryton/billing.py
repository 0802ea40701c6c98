"""Invoices, credit notes and payments: billed, shipped, taken back, paid and reconciled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from include.connectors.erps.tryton import stock
from include.connectors.erps.tryton.customers import Party
from include.connectors.erps.tryton.documents import (
    TAX_DIFFERENCE,
    Part,
    TrytonDocument,
    mark_of,
)
from include.connectors.erps.tryton.invoices import Invoice
from include.connectors.erps.tryton.records import Records
from include.connectors.erps.tryton.sale_records import Sale, SaleLine
from include.domain.document import RemoteDocument
from include.domain.money import ZERO


class Billing:
    """What is billed and paid.

    Args:
        records: The company's records.
    """

    def __init__(self, records: Records) -> None:
        self.records = records

    def bill(self, document: TrytonDocument) -> RemoteDocument:
        """Bill, ship and settle what an invoice lists."""
        begun = self._begun(document)
        sales = self.records.sales.of_order(document)
        if begun is not None and begun.state == "cancelled":
            return self.records.lookup.bill(document.key, begun, ZERO)
        party = self._party(document, sales)
        if begun is None or begun.state in ("draft", "validated"):
            is_counted = begun is not None
            lines = self._lines_to_bill(sales, document, is_counted=is_counted)
            fresh = [part for part in document.parts if part.key not in lines and part.is_goods]
            if fresh and not is_counted:
                self.records.sales.place(document, fresh, party, role="i")
            if self.records.sales.process(sales) or (fresh and not is_counted):
                sales = self.records.sales.of_order(document)
                lines = self._lines_to_bill(sales, document, is_counted=is_counted)
            invoice = begun.id if begun else self._draft_invoice(document, party, sales, lines)
            self._ship(document, sales, lines, is_counted=is_counted)
            self._pay(document, party, invoice)
            self.records.invoices.post(document, invoice)
        return self._settled(document, party)

    def _begun(self, document: TrytonDocument) -> Invoice | None:
        """Return the invoice of a document that was begun, those that count first."""
        found = self.records.invoices.find([document.mark])
        return min(found, key=lambda one: (one.state == "cancelled", one.id), default=None)

    def _party(self, document: TrytonDocument, sales: Sequence[Sale]) -> Party:
        if sales:
            return sales[0].party
        return self.records.customers.party_for(document.buyer, document.reference)

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
            product = self.records.book.product(part.product).id
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
        return self.records.invoices.draft(document, party, origins, extra if lines else None)

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
            stock.ship(
                self.records.client, sales, wanted, lambda: self.records.sales.of_order(document)
            )

    def credit(self, document: TrytonDocument) -> RemoteDocument:
        """Credit what a credit note lists, take goods back and pay money back."""
        begun = self._begun(document)
        if begun is not None and begun.state == "cancelled":
            return self.records.lookup.bill(document.key, begun, ZERO)
        sales = self.records.sales.of_order(document)
        party = self._party(document, sales)
        if begun is None or begun.state in ("draft", "validated"):
            origins = self._take_back(document, party, sales)
            invoice = (
                begun.id if begun else self.records.invoices.draft(document, party, origins, None)
            )
            self._pay(document, party, invoice)
            self.records.invoices.post(document, invoice)
        return self._settled(document, party)

    def _take_back(
        self, document: TrytonDocument, party: Party, sales: Sequence[Sale]
    ) -> dict[str, str]:
        """Take restocked goods back, and say what each credited part continues."""
        origins: dict[str, str] = {}
        if document.based_on is not None and document.parts:
            known = self.records.invoices.lines_of(
                mark_of(document.based_on), {part.key for part in document.parts}
            )
            for part in document.parts:
                line = known.get((part.key, self.records.book.product(part.product).id))
                if line is not None:
                    origins[part.key] = f"account.invoice.line,{line}"
        returned = self._returned(document, sales)
        if returned:
            origin = next((sale.id for sale in sales if sale.is_order), None)
            self.records.sales.place(document, returned, party, role="r", origin=origin)
            fresh = self.records.sales.of_order(document)
            if self.records.sales.process(fresh):
                fresh = self.records.sales.of_order(document)
            back = [
                sale
                for sale in fresh
                if sale.role == "r" and sale.sequence == document.key.sequence and sale.is_alive
            ]
            stock.receive(self.records.client, back)
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
            if units > ZERO and self.records.book.product(part.product).is_stocked:
                _take(left, key, units)
                found.append(replace(part, quantity=int(units), taxes=()))
        return found

    def pay(self, document: TrytonDocument) -> RemoteDocument:
        """Book a payment on what it is based on."""
        sales = self.records.sales.of_order(document)
        party = self._party(document, sales)
        target = (
            self.records.invoices.find([mark_of(document.based_on)]) if document.based_on else []
        )
        self._pay(document, party, target[0].id if target else None)
        self.records.reconcile(document, party)
        found = self.records.lookup.find([(document.key, document.reference)]).get(document.key)
        if not found:
            raise AssertionError("a payment that was posted is there")
        return found[0]

    def _pay(self, document: TrytonDocument, party: Party, invoice: int | None) -> None:
        owed = self.records.invoices.owed(document)
        if document.payments or owed:
            lines = self.records.payments.lines_of(document.web_id, party)
            self.records.payments.pay(document, party, lines, invoice=invoice, owed=owed)

    def _settled(self, document: TrytonDocument, party: Party) -> RemoteDocument:
        """Reconcile a bill that is posted and return it."""
        self.records.reconcile(document, party)
        found = self.records.lookup.find([(document.key, document.reference)]).get(document.key)
        if not found:
            raise AssertionError("a bill that was posted is there")
        return found[0]


def _left(left: Mapping[str, Decimal], key: str) -> Decimal:
    return left.get(key, ZERO) + left.get(f"{key}/2", ZERO)


def _take(left: dict[str, Decimal], key: str, units: Decimal) -> None:
    left[key] = left.get(key, ZERO) - units
