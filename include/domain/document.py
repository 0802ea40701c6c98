"""Documents: what the ERP gets. ERP-neutral, in one currency, balanced by construction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from include.domain.errors import Unbalanced
from include.domain.money import ZERO, Money
from include.domain.order import Address, ChargeKind, Customer, LineKind, Restock


class DocumentKind(StrEnum):
    """The kinds of document an ERP can hold for an order."""

    SALES_ORDER = "sales_order"
    ORDER_CHANGE = "order_change"
    VOID = "void"
    INVOICE = "invoice"
    PAYMENT = "payment"
    SHIPMENT = "shipment"
    CREDIT_NOTE = "credit_note"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True, order=True)
class DocumentKey:
    """Natural key of a document.

    Attributes:
        channel: Channel id.
        order_id_store: The store's id of the order.
        kind: What the document is.
        sequence: 1 for the first of its kind on an order; the void of the sales order is void 1,
            the void of invoice n is void n + 1.
    """

    channel: str
    order_id_store: str
    kind: DocumentKind
    sequence: int = 1

    def __str__(self) -> str:
        return f"{self.channel}:{self.order_id_store}:{self.kind}:{self.sequence}"


@dataclass(frozen=True, slots=True)
class DocumentTax:
    """Tax of one line or charge that is ours to remit.

    Attributes:
        title: The store's name of the tax, key of the tax map.
        rate: Fraction, if stated.
        base: Net amount the tax was computed on.
        amount: Tax, in the document's currency.
        jurisdiction: Country or region, if stated.
    """

    title: str
    rate: Decimal | None
    base: Decimal
    amount: Decimal
    jurisdiction: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line: net of tax, after discounts.

    Attributes:
        line_id: The store's line id.
        kind: What is sold.
        sku: Store sku, key of the item map.
        title: Description.
        quantity: Total ordered units.
        back_ordered: The part of ``quantity`` that cannot be delivered from stock now.
        net: Extended net amount of ``quantity``.
        discount: What was taken off to reach ``net`` (positive, informative).
        taxes: Our taxes on the line.
        location_id: Store location that ships it, key of the location map.
        restock: On a credit note: what became of the units.
    """

    line_id: str
    kind: LineKind
    sku: str | None
    title: str
    quantity: int
    net: Decimal
    discount: Decimal = ZERO
    back_ordered: int = 0
    taxes: tuple[DocumentTax, ...] = ()
    location_id: str | None = None
    restock: Restock | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.back_ordered <= self.quantity:
            raise ValueError(f"line {self.line_id}: {self.back_ordered} of {self.quantity} short")


@dataclass(frozen=True, slots=True)
class DocumentCharge:
    """Something charged beside the lines, net of tax; rounding and concessions may be negative."""

    charge_id: str
    kind: ChargeKind
    title: str
    net: Decimal
    taxes: tuple[DocumentTax, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentPayment:
    """Money that moved with the document, positive: received, or paid back by a credit note."""

    tender_id: str
    gateway: str
    amount: Decimal
    paid_at: datetime
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One document that should exist in the ERP.

    A sales order and an order change hold the whole order as it should stand. An invoice bills, a
    credit note (amounts positive) takes back, each what it lists. A void has no parts: it strikes
    out the document it is based on. A payment has payments only.

    Attributes:
        key: Natural key.
        order_number: The number people use; what the ERP's reference field carries.
        document_on: Accounting date, in the shop's time zone.
        currency: Currency of every amount.
        total: Σ lines + Σ charges + Σ taxes - concession.
        lines, charges, payments: The parts.
        concession: Money given back that no line or charge accounts for (lowers the total).
        customer, billing_address, shipping_address: As the store knows them; may be absent.
        shipping_method: Title of the shipping line, key of the shipping map.
        based_on: The document this one continues, changes, credits or voids.
        presentment_total: What the buyer saw, for the record.
        purchase_order_number: The buyer's own reference.
        post_on: The day it is posted on where ``document_on`` is in a closed period.
        payment_terms: The store's name of agreed terms of payment, key of their map.
        due_on: When it has to be paid, in the shop's time zone, where terms say so.
    """

    key: DocumentKey
    order_number: str
    document_on: date
    currency: str
    total: Decimal
    lines: tuple[DocumentLine, ...]
    charges: tuple[DocumentCharge, ...] = ()
    payments: tuple[DocumentPayment, ...] = ()
    concession: Decimal = ZERO
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    shipping_method: str | None = None
    based_on: DocumentKey | None = None
    presentment_total: Money | None = None
    purchase_order_number: str | None = None
    placed_at: datetime | None = None
    post_on: date | None = None
    payment_terms: str | None = None
    due_on: date | None = None

    def __post_init__(self) -> None:
        parts = sum((line.net for line in self.lines), ZERO) - self.concession
        parts += sum((charge.net for charge in self.charges), ZERO)
        parts += sum((tax.amount for line in self.lines for tax in line.taxes), ZERO)
        parts += sum((tax.amount for charge in self.charges for tax in charge.taxes), ZERO)
        if parts != self.total:
            raise Unbalanced(
                f"document {self.key}: parts add up to {Money(parts, self.currency)} against a "
                f"total of {Money(self.total, self.currency)}",
                rule="document_balances",
                field="total",
            )

    @property
    def paid(self) -> Decimal:
        """Sum of the payments in the document's currency."""
        return sum((payment.amount for payment in self.payments), ZERO)

    @property
    def is_back_ordered(self) -> bool:
        """Whether any line waits for stock."""
        return any(line.back_ordered for line in self.lines)


class RemoteState(StrEnum):
    """Where a document stands in the ERP, as read from the ERP."""

    OPEN = "open"
    POSTED = "posted"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class RemoteDocument:
    """A document as the ERP itself shows it.

    Attributes:
        key: Our natural key, rebuilt from the reference field.
        reference: The ERP's own number.
        state: Open (work), posted (history) or void.
        total: Document amount the ERP holds.
        currency: ISO 4217 code.
        line_count: Lines the ERP holds.
        paid: Payments the ERP holds on the document.
        back_ordered: Units waiting for stock.
        short: Pairs of store line id and units waiting for stock, where the ERP back-ordered other
            units than it was asked to and can tell which; ``None`` otherwise.
    """

    key: DocumentKey
    reference: str
    state: RemoteState
    total: Decimal
    currency: str
    line_count: int
    paid: Decimal = ZERO
    back_ordered: Decimal = ZERO
    short: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document translated for one ERP, checked, ready to send.

    Attributes:
        document: What was translated.
        digest: SHA-256 of the translated payload.
        line_count: Lines the ERP is going to hold.
        payload: The connector's own form of it.
        preview: Pairs of label and value for a dry run, without personal data.
    """

    document: Document
    digest: str
    line_count: int
    payload: object = field(repr=False)
    preview: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StockNeed:
    """A sku at a store location, as the store names them."""

    sku: str
    location_id: str | None
