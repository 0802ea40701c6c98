"""Sales of an order: placed, amended, brought to nothing; read back with their lines and stock.

A sale in Tryton has one warehouse and takes no new line once it is confirmed, so an order may be
several sales. Their web ids tell: the order's own id, ``/c2`` for what its second change added,
``/i2`` and ``/r1`` for what only an invoice bills or a credit note returns, ``@CODE`` for another
warehouse. Web shop and web id are unique in Tryton: a sale is never made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from include.connectors.erps.tryton.company import CompanyBook
from include.connectors.erps.tryton.customers import Party
from include.connectors.erps.tryton.documents import (
    TAX_DIFFERENCE,
    Part,
    TaxPart,
    TrytonDocument,
)
from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.sale_records import SALE_FIELDS, Sale, sale_of, web_id
from include.domain.errors import MappingMissing, Refused
from include.domain.money import ZERO, minor_unit
from include.ports.erp import Mappings

_NOT_CONFIRMED = frozenset({"draft", "quotation"})
_ORDERS = 200


class Sales:
    """The sales of a web shop.

    Args:
        client: The session.
        book: The company's set-up.
        mappings: For the product that carries tax differences.
    """

    def __init__(self, client: TrytonClient, book: CompanyBook, mappings: Mappings) -> None:
        self.client = client
        self.book = book
        self.mappings = mappings

    def of_orders(self, orders: Mapping[str, str]) -> dict[str, list[Sale]]:
        """Return the sales of orders, each order's own first; an order without one is left out.

        Args:
            orders: The store's id of each order to its number.
        """
        rows: list[dict[str, Any]] = []
        ids = sorted(orders)
        for at in range(0, len(ids), _ORDERS):
            own = ids[at : at + _ORDERS]
            numbers = sorted({orders[order] for order in own})
            # The number leads to what changes and later documents added, too.
            rows += self._read(["OR", ["web_id", "in", own], ["reference", "in", numbers]])
        found: dict[str, list[Sale]] = {}
        for row in rows:
            sale = sale_of(row, self.book.company.receivable)
            if sale.order in orders:
                found.setdefault(sale.order, []).append(sale)
        return found

    def of_order(self, document: TrytonDocument) -> list[Sale]:
        """Return the sales of a document's order.

        Args:
            document: Any document of the order.
        """
        return self.of_orders({document.web_id: document.reference}).get(document.web_id, [])

    def place(
        self,
        document: TrytonDocument,
        parts: Sequence[Part],
        party: Party,
        *,
        role: str = "",
        origin: int | None = None,
        before_confirming: Callable[[], None] | None = None,
        must_tie: bool = False,
    ) -> bool:
        """Create and confirm the sales of parts, one a warehouse; those that are there go on.

        Args:
            document: What they are for.
            parts: What they sell; on a return what comes back.
            party: Who they are booked on.
            role: Why they are there, see the module.
            origin: The sale that goods come back from.
            before_confirming: Called once the sales are there and not confirmed yet.
            must_tie: The sales are the whole document: what Tryton makes of the taxes is
                brought to the document's total while they are drafts.

        Returns:
            Whether any of them was not confirmed before.

        Raises:
            Refused: Tryton said no.
        """
        values = self._values(document, parts, party, role, origin)
        states: dict[int, str] = {}
        try:
            states = dict.fromkeys(self.client.create("sale.sale", values), "draft")
        except Refused:
            ids = [row["web_id"] for row in values]
            rows = self.client.search(
                "sale.sale", [self._ours(), ["web_id", "in", ids]], ["state", "web_id"]
            )
            if len(rows) != len(values):
                raise
            states = {row["id"]: row["state"] for row in rows}
        is_fresh = any(state in _NOT_CONFIRMED for state in states.values())
        if must_tie and any(part.taxes for part in parts):
            self._tie(document, [sale for sale, state in states.items() if state == "draft"])
        if is_fresh and before_confirming is not None:
            before_confirming()
        self.advance(states)
        return is_fresh

    def advance(self, states: Mapping[int, str]) -> None:
        """Bring sales from wherever they are to processing.

        Args:
            states: Tryton's state by sale.
        """
        drafts = [sale for sale, state in states.items() if state == "draft"]
        if drafts:
            self.client.press("sale.sale", "quote", drafts)
        quoted = [sale for sale, state in states.items() if state in _NOT_CONFIRMED]
        if quoted:
            self.client.press("sale.sale", "confirm", quoted)

    def process(self, sales: Iterable[Sale]) -> bool:
        """Process what a queue of the server has not yet; tell whether there was any.

        Args:
            sales: Sales of one order.
        """
        waiting = [sale.id for sale in sales if sale.state == "confirmed"]
        if waiting:
            self.client.press("sale.sale", "process", waiting)
        return bool(waiting)

    def _tie(self, document: TrytonDocument, drafts: Sequence[int]) -> None:
        """Add the line that makes drafts tie to the store, if there has to be one."""
        rows = self.client.read("sale.sale", drafts, ["total_amount"])
        difference = document.total - sum((row["total_amount"] for row in rows), ZERO)
        if rows and difference:
            lines = [["create", [self.line_values(self._difference(difference))]]]
            self.client.write("sale.sale", [drafts[0]], {"lines": lines})

    def _difference(self, amount: Decimal) -> Part:
        product = self.mappings.require("charge", TAX_DIFFERENCE)
        return Part(TAX_DIFFERENCE, product, "Tax difference", 1, amount)

    def tax_difference(self, parts: Iterable[Part], taxes: Iterable[TaxPart], code: str) -> Decimal:
        """Return the store's taxes less those that Tryton works out line by line.

        Tryton rounds each tax of a line, and takes off what the rounding came to in whole cents.

        Args:
            parts: What is sold.
            taxes: What the store charged.
            code: ISO 4217 code of the currency.
        """
        cent = minor_unit(code)
        computed = ZERO
        for part in parts:
            net = part.quantity * part.unit_price
            exact = [net * self.book.tax(name).rate for name in part.taxes]
            rounded = [amount.quantize(cent, ROUND_HALF_EVEN) for amount in exact]
            beyond = sum(rounded, ZERO) - sum(exact, ZERO)
            computed += sum(rounded, ZERO) - beyond.quantize(cent, ROUND_HALF_EVEN)
        return sum((tax.amount for tax in taxes), ZERO) - computed

    def with_tax_difference(self, document: TrytonDocument) -> list[Part]:
        """Return the document's parts, and the line that makes a sale tie to the store.

        Args:
            document: What is sold.
        """
        parts = list(document.parts)
        difference = self.tax_difference(parts, document.taxes, document.currency)
        return [*parts, self._difference(difference)] if difference else parts

    def line_values(self, part: Part, sign: int = 1) -> dict[str, Any]:
        """Spell a part as a line of a sale.

        Args:
            part: What the line sells.
            sign: -1 where it comes back.
        """
        product = self._product(part)
        return {
            "type": "line",
            "product": product.id,
            "quantity": float(sign * part.quantity),
            "unit": product.unit,
            "unit_price": part.unit_price,
            "taxes": [["add", sorted(self.book.tax(name).id for name in part.taxes)]],
            "note": part.key,
            "description": part.title,
        }

    def _product(self, part: Part) -> Any:
        found = self.book.products([part.product]).get(part.product)
        if found is None and part.is_goods:
            raise MappingMissing("sku", part.product, channel=self.client.name)
        return found or self.book.product(part.product)

    def _values(
        self,
        document: TrytonDocument,
        parts: Sequence[Part],
        party: Party,
        role: str,
        origin: int | None,
    ) -> list[dict[str, Any]]:
        self.book.products({part.product for part in parts})
        company = self.book.company
        default = self.book.settings.default_warehouse
        groups: dict[str, list[Part]] = {}
        for part in parts:
            if part.warehouse:
                groups.setdefault(part.warehouse, [])
        first = next(iter(groups), default)
        for part in parts:
            groups.setdefault(part.warehouse or first, []).append(part)
        sign = -1 if role == "r" else 1
        return [
            {
                "party": party.id,
                "invoice_address": party.invoice_address,
                "shipment_address": party.shipment_address,
                "company": company.id,
                "currency": company.currency,
                "warehouse": self.book.warehouse(code).id,
                "web_shop": company.shop,
                "web_id": web_id(
                    document.web_id, role, document.key.sequence, None if code == first else code
                ),
                "reference": document.reference,
                "sale_date": document.on,
                "payment_term": company.payment_term,
                "invoice_method": "manual",
                "shipment_method": "order",
                **({"origin": f"sale.sale,{origin}"} if origin else {}),
                "lines": [["create", [self.line_values(part, sign) for part in own]]],
            }
            for code, own in groups.items()
        ]

    def _ours(self) -> list[Any]:
        return ["web_shop", "=", self.book.company.shop]

    def _read(self, domain: list[Any]) -> list[dict[str, Any]]:
        return self.client.search("sale.sale", [self._ours(), domain], SALE_FIELDS)
