"""The canonical order: one shape for every store, carrying all that any ERP or tax office may ask.

Amounts are pairs (shop money, presentment money) in the order's two currencies. Nothing here is
computed: it is what the store said, translated. ``balance.py`` holds it against the stated totals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from include.domain.money import NOTHING, Amount


class SalesProgram(StrEnum):
    """How the sale came about."""

    ONLINE = "online"
    POINT_OF_SALE = "point_of_sale"
    DRAFT = "draft"
    MARKETPLACE = "marketplace"
    REPLACEMENT = "replacement"
    EXCHANGE = "exchange"
    SUBSCRIPTION = "subscription"


class FinancialStatus(StrEnum):
    """Where the money of the order stands."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class LineKind(StrEnum):
    """What a line sells."""

    GOODS = "goods"
    GIFT_CARD = "gift_card"
    TIP = "tip"
    FEE = "fee"
    CUSTOM = "custom"


class ChargeKind(StrEnum):
    """What is charged beside the lines."""

    SHIPPING = "shipping"
    TIP = "tip"
    DUTY = "duty"
    GIFT_WRAP = "gift_wrap"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    FX = "fx"
    COD_FEE = "cod_fee"
    ROUNDING = "rounding"


class TenderKind(StrEnum):
    """What a payment transaction did."""

    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    SALE = "sale"
    REFUND = "refund"
    VOID = "void"
    CHANGE = "change"


class TenderStatus(StrEnum):
    """How a payment transaction ended."""

    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"
    ERROR = "error"
    UNKNOWN = "unknown"


class Restock(StrEnum):
    """What became of refunded goods."""

    RETURNED = "return"
    CANCELLED = "cancel"
    NOT_RESTOCKED = "no_restock"
    LEGACY = "legacy_restock"


class RiskLevel(StrEnum):
    """How likely the store holds an order to be fraud, from the least that asks for care up."""

    LOW = "low"
    PENDING = "pending"
    MEDIUM = "medium"
    HIGH = "high"

    def reaches(self, level: str) -> bool:
        """Tell whether it is a level or above it.

        Args:
            level: Another level, or its value.
        """
        ranks = tuple(RiskLevel)
        return ranks.index(self) >= ranks.index(RiskLevel(level))


class PiiState(StrEnum):
    """Whether personal data came with the order."""

    PRESENT = "present"
    ABSENT = "absent"
    REDACTED = "redacted"


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; any part may be missing."""

    name: str | None = None
    company: str | None = None
    line_1: str | None = None
    line_2: str | None = None
    street_number: str | None = None
    neighbourhood: str | None = None
    city: str | None = None
    region: str | None = None
    region_code: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class TaxId:
    """A tax registration of the buyer, such as VAT, CPF or CNPJ."""

    kind: str
    number: str


@dataclass(frozen=True, slots=True)
class Customer:
    """The buyer as the store knows them; a guest has no ``customer_id_store``."""

    customer_id_store: str | None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    tax_ids: tuple[TaxId, ...] = ()
    accepts_marketing: bool | None = None


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax on one line or charge.

    Attributes:
        title: The store's name of the tax.
        amount: Tax on the whole original quantity.
        current_amount: Tax on what is left after edits, returns and cancellations.
        rate: Fraction (0.0725 for 7.25 %), if stated.
        jurisdiction: Country or region, if stated.
        collected_by_marketplace: The marketplace remits it: not our liability.
    """

    title: str
    amount: Amount
    current_amount: Amount
    rate: Decimal | None = None
    jurisdiction: str | None = None
    collected_by_marketplace: bool = False


@dataclass(frozen=True, slots=True)
class Discount:
    """The part of one discount that was allocated to one line or charge.

    Attributes:
        amount: Positive amount taken off.
        code: Code or title, if the store tells.
    """

    amount: Amount
    code: str | None = None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of the order.

    Attributes:
        line_id: The store's id.
        kind: What is sold.
        sku: Stock keeping unit; ``None`` for custom lines and badly kept catalogues.
        title: What the buyer read.
        quantity: Ordered quantity.
        current_quantity: What is left after edits, refunds and cancellations.
        fulfilled_quantity: The part of ``current_quantity`` that was handed over; ``None`` where
            the store tells it of the whole order only.
        unit_price: Price of one, before discounts; gross when the order's taxes are included.
        current_price: Extended price of the current quantity after all discounts.
        discounts: Allocations over the whole original quantity.
        taxes: Taxes over the whole original quantity.
    """

    line_id: str
    kind: LineKind
    sku: str | None
    title: str
    quantity: int
    current_quantity: int
    unit_price: Amount
    current_price: Amount
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[TaxLine, ...] = ()
    variant_id_store: str | None = None
    product_id_store: str | None = None
    variant_title: str | None = None
    location_id: str | None = None
    requires_shipping: bool = True
    taxable: bool = True
    marketplace_item_id: str | None = None
    fulfilled_quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """Something charged beside the lines: shipping, a tip, a duty, a fee, cash rounding.

    Attributes:
        charge_id: The store's id, or kind and position where it gives none.
        price: Amount before its own discounts; negative only for rounding.
        current_price: What is left after discounts, edits and refunds.
        removed: Taken off the order by an edit.
    """

    charge_id: str
    kind: ChargeKind
    title: str
    price: Amount
    current_price: Amount
    code: str | None = None
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[TaxLine, ...] = ()
    line_id: str | None = None
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Tender:
    """One payment transaction.

    Attributes:
        amount: Money that moved, positive; with cash rounding, the rounded amount.
        rounding: The part of ``amount`` that is cash rounding; may be negative.
    """

    tender_id: str
    gateway: str
    kind: TenderKind
    status: TenderStatus
    amount: Amount
    processed_at: datetime
    parent_id: str | None = None
    is_test: bool = False
    method: str | None = None
    authorization_code: str | None = None
    rounding: Amount = NOTHING


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Units of one line that were refunded; amounts are net of discounts, positive."""

    line_id: str
    quantity: int
    restock: Restock
    subtotal: Amount
    tax: Amount
    location_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefundCharge:
    """The part of a charge that was refunded, positive."""

    kind: ChargeKind
    amount: Amount
    tax: Amount = NOTHING
    charge_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefundAdjustment:
    """Money refunded beyond what the refund's parts are worth; negative where it falls short."""

    reason: str
    amount: Amount
    tax: Amount = NOTHING


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund: what came back and what was paid out for it."""

    refund_id: str
    created_at: datetime
    total: Amount
    lines: tuple[RefundLine, ...] = ()
    charges: tuple[RefundCharge, ...] = ()
    adjustments: tuple[RefundAdjustment, ...] = ()
    tender_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderLink:
    """A tie to another order: the original of a replacement or an exchange, a parent order."""

    kind: str
    order_id_store: str


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """When the buyer has to pay, where store and buyer agreed on that.

    Attributes:
        name: The store's name of the terms ("Net 30"), key of the map of payment terms.
        due_at: When the last part of the money is due, once the store knows it.
        due_in_days: Days from the date of a document on, where the store states them.
    """

    name: str
    due_at: datetime | None = None
    due_in_days: int | None = None


@dataclass(frozen=True, slots=True)
class StatedTotals:
    """What the store itself says the order adds up to.

    ``original_*`` is before returns (as placed, with later additions), ``current_*`` after edits,
    returns and cancellations.
    """

    original_total: Amount
    current_total: Amount
    current_subtotal: Amount
    current_tax: Amount
    current_shipping: Amount
    current_discounts: Amount = NOTHING
    tip: Amount = NOTHING
    current_duties: Amount = NOTHING
    current_fees: Amount = NOTHING
    rounding: Amount = NOTHING
    received: Amount = NOTHING
    refunded: Amount = NOTHING
    net_payment: Amount = NOTHING
    outstanding: Amount = NOTHING
    refund_discrepancy: Amount = NOTHING


@dataclass(frozen=True, slots=True)
class Order:
    """One order as the store says it is now.

    Attributes:
        channel: Channel that owns the order.
        order_id_store: The store's immutable id.
        number: The number people use ("#1001"); unique within a channel.
        placed_at: When the buyer placed it.
        updated_at: The store's own version of the document.
        currency: Shop currency, the one the books are kept in.
        presentment_currency: Currency the buyer saw and paid.
        taxes_included: Prices contain their taxes.
        payment_terms: When it has to be paid; ``None`` where that is at once.
        risk: How likely fraud is, as the store sees it; ``None`` where it does not say.
    """

    channel: str
    order_id_store: str
    number: str
    placed_at: datetime
    updated_at: datetime
    currency: str
    presentment_currency: str
    taxes_included: bool
    stated: StatedTotals
    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...] = ()
    tenders: tuple[Tender, ...] = ()
    refunds: tuple[Refund, ...] = ()
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    is_test: bool = False
    is_edited: bool = False
    program: SalesProgram = SalesProgram.ONLINE
    financial_status: FinancialStatus = FinancialStatus.UNKNOWN
    fulfillment_status: str = "unfulfilled"
    links: tuple[OrderLink, ...] = ()
    purchase_order_number: str | None = None
    seller_order_id: str | None = None
    marketplace_id: str | None = None
    pii_state: PiiState = PiiState.PRESENT
    risk: RiskLevel | None = None
    payment_terms: PaymentTerms | None = None

    def __post_init__(self) -> None:
        for name, at in (("placed_at", self.placed_at), ("updated_at", self.updated_at)):
            if at.tzinfo is None:
                raise ValueError(f"order {self.number}: {name} must be aware, got {at}")
        if not self.order_id_store or not self.number:
            raise ValueError("an order needs its store id and its number")
