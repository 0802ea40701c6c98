"""Translates a document for Tryton: parts with unit prices that tie to the cent, taxes, payments.

Tryton has quantities and unit prices, the store has extended amounts. A part is one line in
Tryton; where no unit price ties to the store's amount, a line becomes two parts a cent apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from include.connectors.erps.tryton.settings import TrytonSettings
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
    DocumentTax,
    PreparedDocument,
)
from include.domain.errors import MappingMissing, Refused
from include.domain.money import ZERO, Money, minor_unit
from include.domain.order import Address, Customer, LineKind, Restock
from include.ports.erp import Mappings

# What a line that is no goods is booked as, in the charge map.
LINE_CHARGES = {
    LineKind.GIFT_CARD: "gift_card",
    LineKind.TIP: "tip",
    LineKind.FEE: "fee",
    LineKind.CUSTOM: "custom",
}
CONCESSION = "concession"
TAX_DIFFERENCE = "tax_difference"
BACK_IN_STOCK = frozenset({Restock.RETURNED, Restock.CANCELLED, Restock.LEGACY})


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a Tryton document.

    Attributes:
        key: The store's line or charge id; ``/2`` for the second part of one.
        product: Product code.
        title: What the buyer read.
        quantity: Units, positive.
        unit_price: Price of one in the document's currency; negative takes off.
        taxes: Names of the taxes on it.
        warehouse: Code of the warehouse it leaves.
        is_goods: Whether it is kept in stock by the store's account of it.
        restocked: On a credit note: whether the units are back in stock.
    """

    key: str
    product: str
    title: str
    quantity: int
    unit_price: Decimal
    taxes: tuple[str, ...] = ()
    warehouse: str = ""
    is_goods: bool = False
    restocked: bool = False

    def amount(self, currency: str) -> Decimal:
        """Return the extended amount as Tryton rounds it.

        Args:
            currency: ISO 4217 code.
        """
        return _rounded(self.quantity * self.unit_price, currency)


@dataclass(frozen=True, slots=True)
class TaxPart:
    """One tax of a document: what the store charged under one name."""

    tax: str
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PaymentPart:
    """Money that moved, positive: received, or paid back by a credit note."""

    tender_id: str
    method: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who a document is booked on.

    Attributes:
        code: Code of the party, from the map or made of the store's id.
        is_mapped: The code comes from the customer map: the party must be there.
        customer: The buyer as the store knows them; ``None`` is a guest.
        billing, shipping: Addresses, if known.
    """

    code: str | None
    is_mapped: bool = False
    customer: Customer | None = None
    billing: Address | None = None
    shipping: Address | None = None


@dataclass(frozen=True, slots=True)
class TrytonDocument:
    """A document in Tryton's terms.

    Attributes:
        key: Natural key.
        mark: How the document is found again in Tryton.
        web_id: The store's id of the order.
        reference: The order's number, as people know it.
        on: Day of the document.
        posted_on: Accounting day, where it is another.
        currency: ISO 4217 code.
        total: What it comes to.
        parts, taxes, payments: What it holds.
        buyer: Who it is booked on.
        based_on: Mark of the document it continues, changes, credits or voids.
    """

    key: DocumentKey
    mark: str
    web_id: str
    reference: str
    on: date
    posted_on: date | None
    currency: str
    total: Decimal
    parts: tuple[Part, ...]
    taxes: tuple[TaxPart, ...]
    payments: tuple[PaymentPart, ...]
    buyer: Buyer
    based_on: DocumentKey | None

    @property
    def accounting_on(self) -> date:
        """Day that the ledger gets."""
        return self.posted_on or self.on


def mark_of(key: DocumentKey) -> str:
    """Return how a document is found again: order, kind and sequence.

    Args:
        key: Natural key.
    """
    return f"{key.order_id_store}:{key.kind}:{key.sequence}"


class Translator:
    """Turns documents into Tryton's terms; no I/O.

    Args:
        settings: The company's names and rules.
        mappings: Store value to Tryton's.
    """

    def __init__(self, settings: TrytonSettings, mappings: Mappings) -> None:
        self.settings = settings
        self.mappings = mappings

    def prepare(self, document: Document) -> PreparedDocument:
        """Translate and check one document.

        Args:
            document: What should be in Tryton.

        Raises:
            MappingMissing: A row is missing; the error names it.
            Refused: A value has no form in Tryton.
        """
        parts = tuple(self._parts(document))
        payload = TrytonDocument(
            key=document.key,
            mark=mark_of(document.key),
            web_id=document.key.order_id_store,
            reference=document.order_number,
            on=document.document_on,
            posted_on=document.post_on if document.post_on != document.document_on else None,
            currency=document.currency,
            total=document.total,
            parts=parts,
            taxes=tuple(self._taxes(document)),
            payments=tuple(
                PaymentPart(
                    payment.tender_id,
                    self.mappings.require("payment", payment.gateway),
                    payment.amount,
                )
                for payment in document.payments
            ),
            buyer=self._buyer(document),
            based_on=document.based_on,
        )
        booked = sum((part.amount(document.currency) for part in parts), ZERO)
        booked += sum((tax.amount for tax in payload.taxes), ZERO)
        if booked != document.total:
            raise Refused(
                f"{document.key.kind} of order {document.order_number}: its lines come to "
                f"{Money(booked, document.currency)} in Tryton against "
                f"{Money(document.total, document.currency)}",
                rule="unit_prices_tie",
                field="unit_price",
            )
        return PreparedDocument(
            document=document,
            digest=_digest(payload),
            line_count=len(parts),
            payload=payload,
            preview=_preview(payload),
        )

    def product_of(self, sku: str) -> str:
        """Return the product code of a sku.

        Args:
            sku: The store's sku, or ``title:...`` of a line that has none.

        Raises:
            MappingMissing: There is no row and a sku is no code.
        """
        mapped = self.mappings.get("sku", sku)
        if mapped is not None:
            return mapped
        if self.settings.sku_is_product_code and not sku.startswith("title:"):
            return sku
        return self.mappings.require("sku", sku)

    def warehouse_of(self, location_id: str | None) -> str:
        """Return the code of the warehouse of a store location; the default one without it.

        Raises:
            MappingMissing: The location has no row.
        """
        if location_id is None:
            return self.settings.default_warehouse
        return self.mappings.require("location", location_id)

    def service_of(self, kind: str) -> str:
        """Return the product code that stands for a kind of charge."""
        return self.mappings.require("charge", kind)

    def _parts(self, document: Document) -> Iterator[Part]:
        for line in document.lines:
            yield from self._priced(self._line(line), line.net, document.currency)
        for charge in document.charges:
            yield from self._priced(self._charge(charge), charge.net, document.currency)
        if document.concession:
            part = Part(CONCESSION, self.service_of(CONCESSION), "Concession", 1, ZERO)
            yield from self._priced(part, -document.concession, document.currency)

    def _line(self, line: DocumentLine) -> Part:
        is_goods = line.kind is LineKind.GOODS
        if is_goods:
            product = self.product_of(line.sku or f"title:{line.title}")
        else:
            product = self.service_of(LINE_CHARGES[line.kind])
        return Part(
            key=line.line_id,
            product=product,
            title=line.title,
            quantity=max(line.quantity, 1),
            unit_price=ZERO,
            taxes=self._names(line.taxes),
            warehouse=self.warehouse_of(line.location_id) if is_goods else "",
            is_goods=is_goods,
            restocked=line.restock in BACK_IN_STOCK,
        )

    def _charge(self, charge: DocumentCharge) -> Part:
        return Part(
            key=charge.charge_id,
            product=self.service_of(charge.kind.value),
            title=charge.title,
            quantity=1,
            unit_price=ZERO,
            taxes=self._names(charge.taxes),
        )

    def _names(self, taxes: tuple[DocumentTax, ...]) -> tuple[str, ...]:
        return tuple(sorted({self.mappings.require("tax", tax.title) for tax in taxes}))

    def _priced(self, part: Part, net: Decimal, currency: str) -> Iterator[Part]:
        """Yield the part with a unit price, or two parts a minor unit apart."""
        step = Decimal(1).scaleb(-self.settings.price_digits)
        price = (net / part.quantity).quantize(step, ROUND_HALF_UP)
        if _rounded(price * part.quantity, currency) == net:
            yield replace(part, unit_price=price)
            return
        cent = minor_unit(currency)
        low = (net / part.quantity).quantize(cent, ROUND_DOWN)
        left = abs(net - low * part.quantity) / cent
        more = int(left)
        high = low + (cent if net >= ZERO else -cent)
        yield replace(part, quantity=part.quantity - more, unit_price=low)
        yield replace(part, key=f"{part.key}/2", quantity=more, unit_price=high)

    def _taxes(self, document: Document) -> Iterator[TaxPart]:
        """Yield one tax a name: what the store charged, over all lines and charges."""
        sums: dict[str, tuple[Decimal, Decimal]] = {}
        lines: tuple[DocumentLine | DocumentCharge, ...] = (*document.lines, *document.charges)
        for part in lines:
            for tax in part.taxes:
                name = self.mappings.require("tax", tax.title)
                base, amount = sums.get(name, (ZERO, ZERO))
                sums[name] = base + tax.base, amount + tax.amount
        for name, (base, amount) in sums.items():
            yield TaxPart(name, base, amount)

    def _buyer(self, document: Document) -> Buyer:
        customer = document.customer
        store_id = customer.customer_id_store if customer else None
        code, is_mapped = None, False
        if store_id is not None:
            mapped = self.mappings.get("customer", store_id)
            if mapped is not None:
                code, is_mapped = mapped, True
            elif self.settings.unknown_customers == "hold":
                raise MappingMissing("customer", store_id, channel=document.key.channel)
            elif self.settings.unknown_customers == "create":
                code = f"{self.settings.customer_prefix}{store_id.rpartition('/')[2]}"
        return Buyer(code, is_mapped, customer, document.billing_address, document.shipping_address)


def _rounded(amount: Decimal, currency: str) -> Decimal:
    """Round as Tryton's currencies do."""
    return amount.quantize(minor_unit(currency), ROUND_HALF_EVEN)


def _digest(payload: TrytonDocument) -> str:
    facts = (payload.mark, payload.on, payload.posted_on, payload.parts, payload.taxes)
    return hashlib.sha256(repr((*facts, payload.payments)).encode()).hexdigest()


def _preview(payload: TrytonDocument) -> tuple[tuple[str, str], ...]:
    kinds = {
        DocumentKind.SALES_ORDER: "sale",
        DocumentKind.ORDER_CHANGE: "amendment of the sale",
        DocumentKind.VOID: "amendment of the sale to nothing",
        DocumentKind.INVOICE: "customer invoice",
        DocumentKind.CREDIT_NOTE: "credit note",
        DocumentKind.PAYMENT: "payment",
    }
    return (
        ("in Tryton", kinds.get(payload.key.kind, payload.key.kind)),
        ("reference", payload.reference),
        ("date", payload.on.isoformat()),
        *((("accounting date", payload.posted_on.isoformat()),) if payload.posted_on else ()),
        ("total", str(Money(payload.total, payload.currency))),
        *(
            (part.product, f"{part.quantity} x {part.unit_price.normalize():f}")
            for part in payload.parts
        ),
        *((tax.tax, f"{tax.amount:f}") for tax in payload.taxes),
        *((payment.method, f"{payment.amount:f}") for payment in payload.payments),
    )
