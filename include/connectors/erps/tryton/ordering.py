"""Sales orders, order changes and voids: sales that are placed, amended, brought to nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from include.connectors.erps.tryton import stock
from include.connectors.erps.tryton.customers import Party
from include.connectors.erps.tryton.documents import Part, TrytonDocument
from include.connectors.erps.tryton.lookup import changes_in
from include.connectors.erps.tryton.records import Records
from include.connectors.erps.tryton.rpc import STOCK
from include.connectors.erps.tryton.sale_records import Sale, SaleLine
from include.domain.document import DocumentKind, RemoteDocument
from include.domain.errors import Refused
from include.domain.money import ZERO


class Ordering:
    """What is done to orders.

    Args:
        records: The company's records.
    """

    def __init__(self, records: Records) -> None:
        self.records = records

    def place(self, document: TrytonDocument) -> RemoteDocument:
        """Place a sales order, its deposit with it."""
        party = self.records.customers.party_for(document.buyer, document.reference)

        def deposit() -> None:
            if document.payments:
                self.records.level(document, party)

        is_fresh = self.records.sales.place(
            document, document.parts, party, before_confirming=deposit, must_tie=True
        )
        return self._as_it_stands(document, must_tie=is_fresh)

    def _as_it_stands(self, document: TrytonDocument, *, must_tie: bool = True) -> RemoteDocument:
        """Process and reserve what can be, and return the order."""
        sales = self.records.sales.of_order(document)
        if self.records.sales.process(sales):
            sales = self.records.sales.of_order(document)
        ordered = [sale for sale in sales if sale.is_order and sale.is_alive]
        if stock.reserve(self.records.client, ordered):
            sales = self.records.sales.of_order(document)
        if not must_tie:
            known = self.records.lookup.find([(document.key, document.reference)]).get(document.key)
            if known:
                return known[0]
        paid = sum((payment.amount for payment in document.payments), ZERO)
        found = self.records.lookup.order(document.key, sales, paid, is_void=False)
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

    def change(self, document: TrytonDocument) -> RemoteDocument:
        """Bring an order to what it should be, its deposit with it."""
        sales = self._order_sales(document, "change")
        done = self._amendment(document, sales)
        if done == "included":
            return self._as_it_stands(document, must_tie=False)
        if done != "validated":
            self.records.level(document, sales[0].party)
        if done is None:
            parts = self.records.sales.with_tax_difference(document)
            kept, changed = self._compare(sales, parts)
            party = self._moved(document, sales[0].party)
            fresh = [part for part in parts if part.key not in kept]
            if fresh:
                self.records.sales.place(document, fresh, party or sales[0].party, role="c")
            return self._amended_alone(document, sales, changed, party)
        if done == "draft":
            return self._amended_alone(document, sales)
        return self._as_it_stands(document)

    def _amended_alone(
        self,
        document: TrytonDocument,
        sales: Sequence[Sale],
        changed: Mapping[int, Part | None] | None = None,
        moved: Party | None = None,
    ) -> RemoteDocument:
        """Amend sales, or validate their drafts, and reserve again what they had reserved.

        Nobody reserves meanwhile: two orders for one last unit would hand it over for ever.
        """
        with self.records.client.alone(STOCK):
            stock.release(self.records.client, sales)
            if changed is None:
                self._validate(document, sales)
            else:
                self._amend(document, sales, changed, moved)
            return self._as_it_stands(document)

    def _moved(self, document: TrytonDocument, booked: Party) -> Party | None:
        """Return the party with the order's addresses, where they are not the sale's."""
        buyer = document.buyer
        if buyer.billing is None and buyer.shipping is None:
            return None
        wanted = self.records.customers.party_for(buyer, document.reference)
        return wanted if wanted.id == booked.id and wanted != booked else None

    def void(self, document: TrytonDocument) -> RemoteDocument:
        """Bring an order to nothing and pay its deposit back.

        Args:
            document: The void.

        Raises:
            Refused: Something of it is shipped or billed, or its invoice is posted.
        """
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
            self.records.level(document, sales[0].party)
            stock.release(self.records.client, sales)
        if done is None:
            nothing = {line.id: None for sale in sales for line in sale.lines if line.quantity}
            self._amend(document, sales, nothing)
        elif done == "draft":
            self._validate(document, sales)
        self.records.reconcile(document, sales[0].party)
        sales = self.records.sales.of_order(document)
        found = self.records.lookup.order(document.key, sales, ZERO, is_void=True)
        if found is None:
            raise AssertionError("an order that was brought to nothing is still there")
        return found

    def _order_sales(self, document: TrytonDocument, what: str) -> list[Sale]:
        """Return the sales of an order that is there, processed."""
        sales = self.records.sales.of_order(document)
        if self.records.sales.process(sales):
            sales = self.records.sales.of_order(document)
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
        rows = self.records.lookup.amendments([sale.id for sale in sales])
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
        if part.warehouse and self.records.book.warehouse(part.warehouse).id != sale.warehouse:
            return False
        taxes = {self.records.book.tax(name).id for name in part.taxes}
        return line.product == self.records.book.product(part.product).id and line.taxes == taxes

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
        made = self.records.client.create("sale.amendment", values)
        self.records.client.press("sale.amendment", "validate_amendment", made)

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
            "unit": self.records.lookup.unit_of(line),
            "unit_price": part.unit_price if part else line.unit_price,
            "description": part.title if part else None,
        }

    def _validate(self, document: TrytonDocument, sales: Sequence[Sale]) -> None:
        rows = self.records.lookup.amendments([sale.id for sale in sales])
        drafts = [
            row["id"]
            for row in rows
            if row["description"] == document.mark and row["state"] == "draft"
        ]
        self.records.client.press("sale.amendment", "validate_amendment", drafts)
