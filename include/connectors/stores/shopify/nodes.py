"""An order as an answer to `orders_hydrate.graphql` holds it: the fields that are read, typed.

Named and typed as in the schema of the Admin API 2026-10, in its words with our spelling; what the
schema or an app's scopes may leave out has a default. Money stays in its bytes: see `values.Bags`.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.json import Decoder

NO_BAG = Raw(b"null")
Text = Annotated[str, Meta(min_length=1)]
Member = TypeVar("Member")


class Node(Struct, gc=False, rename="camel"):
    """A part of an answer. Nothing in it points back, so the collector of cycles may pass it by."""


class Reference(Node):
    """Something else, by its id."""

    id: Text


class PageInfo(Node):
    """Where a page of a connection stands."""

    has_next_page: bool = False
    end_cursor: str | None = None


class Connection(Node, Generic[Member]):
    """A page of a list."""

    nodes: list[Member]
    page_info: PageInfo | None = None


class Count(Node):
    """How many there are."""

    count: int


class RiskAssessment(Node):
    """What one party makes of the risk of fraud."""

    risk_level: str | None


class OrderRiskSummary(Node):
    """What is made of the risk of fraud."""

    recommendation: str | None
    assessments: list[RiskAssessment]


class CustomerEmailAddress(Node):
    """A customer's own e-mail address."""

    email_address: str | None = None


class CustomerPhoneNumber(Node):
    """A customer's own phone number."""

    phone_number: str | None = None


class Customer(Node):
    """A customer of the shop."""

    id: Text
    display_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    default_email_address: CustomerEmailAddress | None = None
    default_phone_number: CustomerPhoneNumber | None = None


class Company(Node):
    """A company that buys."""

    name: str | None = None


class TaxSettings(Node):
    """How a company's location is taxed."""

    tax_registration_id: str | None = None


class CompanyLocation(Node):
    """Where a company buys from."""

    tax_settings: TaxSettings | None = None


class PurchasingEntity(Node):
    """Who buys: a company, or a customer, of whom nothing is selected here."""

    company: Company | None = None
    location: CompanyLocation | None = None


class MailingAddress(Node):
    """A postal address."""

    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code_v2: str | None = None
    phone: str | None = None


class TaxLine(Node):
    """A tax on a line or charge, or a stated sum of such."""

    title: Text
    rate: int | float | str | None = None
    channel_liable: bool | None = None
    price_set: Raw = NO_BAG


class DiscountApplication(Node):
    """Where a discount comes from."""

    code: str | None = None
    title: str | None = None


class DiscountAllocation(Node):
    """A part of a discount."""

    allocated_amount_set: Raw = NO_BAG
    discount_application: DiscountApplication | None = None


class AdditionalFee(Node):
    """A fee beside the lines."""

    id: Text
    name: str | None = None
    price: Raw = NO_BAG
    tax_lines: list[TaxLine] | None = None


class Duty(Node):
    """A duty on a line."""

    id: Text
    price: Raw = NO_BAG
    tax_lines: list[TaxLine] | None = None


class CashRoundingAdjustment(Node):
    """What rounding of cash came to."""

    payment_set: Raw = NO_BAG
    refund_set: Raw = NO_BAG


class PaymentDetails(Node):
    """How a transaction was paid."""

    payment_method_name: str | None = None


class OrderTransaction(Node):
    """A payment transaction."""

    id: Text
    kind: str
    status: str
    gateway: str | None = None
    formatted_gateway: str | None = None
    test: bool | None = None
    created_at: str | None = None
    processed_at: str | None = None
    amount_set: Raw = NO_BAG
    amount_rounding_set: Raw = NO_BAG
    parent_transaction: Reference | None = None
    payment_details: PaymentDetails | None = None


class Fulfillment(Node):
    """Goods handed over."""

    status: str | None = None
    location: Reference | None = None


class PaymentSchedule(Node):
    """When a part of the money is due."""

    due_at: str | None = None


class PaymentTerms(Node):
    """When the money is due."""

    payment_terms_name: Text
    due_in_days: int | None = None
    payment_schedules: Connection[PaymentSchedule] | None = None


class LocalizedField(Node):
    """What a country asks of a buyer."""

    key: Text
    purpose: str | None = None
    value: str | None = None


class LineItem(Node, kw_only=True):
    """A line."""

    id: Text
    title: str | None = None
    sku: str | None = None
    variant_title: str | None = None
    vendor: str | None = None
    variant: Reference | UnsetType | None = UNSET
    product: Reference | UnsetType | None = UNSET
    quantity: int
    current_quantity: int
    unfulfilled_quantity: int | None = None
    is_gift_card: bool | None = None
    requires_shipping: bool
    taxable: bool
    original_unit_price_set: Raw = NO_BAG
    discount_allocations: list[DiscountAllocation] | None = None
    tax_lines: list[TaxLine] | None = None
    duties: list[Duty] | None = None


class ShippingLine(Node):
    """What shipping costs."""

    id: str | None = None
    title: str | None = None
    code: str | None = None
    is_removed: bool | None = None
    original_price_set: Raw = NO_BAG
    discounted_price_set: Raw = NO_BAG
    current_discounted_price_set: Raw = NO_BAG
    discount_allocations: list[DiscountAllocation] | None = None
    tax_lines: list[TaxLine] | None = None


class RefundLineItem(Node):
    """Units that were refunded."""

    line_item: Reference
    quantity: int
    restock_type: str
    subtotal_set: Raw = NO_BAG
    total_tax_set: Raw = NO_BAG
    location: Reference | None = None


class RefundedShippingLine(Node):
    """The shipping line that a refund is about; one that was never saved has no id."""

    id: str | None = None


class RefundShippingLine(Node):
    """Shipping that was refunded."""

    shipping_line: RefundedShippingLine | None = None
    subtotal_amount_set: Raw = NO_BAG
    tax_amount_set: Raw = NO_BAG


class OrderAdjustment(Node):
    """Money given back, or kept, beyond what lines and shipping account for."""

    reason: str | None = None
    amount_set: Raw = NO_BAG
    tax_amount_set: Raw = NO_BAG


class RefundDuty(Node):
    """A duty that was refunded."""

    amount_set: Raw = NO_BAG
    original_duty: Reference | None = None


class Refund(Node):
    """A refund."""

    id: Text
    created_at: str | None = None
    processed_at: str | None = None
    total_refunded_set: Raw = NO_BAG
    refund_line_items: Connection[RefundLineItem] | None = None
    refund_shipping_lines: Connection[RefundShippingLine] | None = None
    order_adjustments: Connection[OrderAdjustment] | None = None
    transactions: Connection[Reference] | None = None
    duties: list[RefundDuty] | None = None


class Order(Node, kw_only=True):
    """An order."""

    id: Text
    name: Text
    created_at: str
    updated_at: str
    cancelled_at: str | None = None
    cancel_reason: str | None = None
    closed_at: str | None = None
    test: bool
    edited: bool | None = None
    source_name: str | None = None
    taxes_included: bool
    duties_included: bool | None = None
    currency_code: Text
    presentment_currency_code: str | None = None
    display_financial_status: str | None = None
    display_fulfillment_status: Text
    po_number: str | None = None
    risk: OrderRiskSummary | None = None
    email: str | UnsetType | None = UNSET
    phone: str | None = None
    customer_accepts_marketing: bool | None = None
    customer: Customer | None = None
    purchasing_entity: PurchasingEntity | None = None
    billing_address: MailingAddress | None = None
    shipping_address: MailingAddress | None = None
    additional_fees: list[AdditionalFee] | None = None
    total_price_set: Raw = NO_BAG
    current_total_price_set: Raw = NO_BAG
    current_subtotal_price_set: Raw = NO_BAG
    current_total_tax_set: Raw = NO_BAG
    current_tax_lines: list[TaxLine] | None = None
    current_total_discounts_set: Raw = NO_BAG
    current_shipping_price_set: Raw = NO_BAG
    current_total_duties_set: Raw = NO_BAG
    current_total_additional_fees_set: Raw = NO_BAG
    total_tip_received_set: Raw = NO_BAG
    net_payment_set: Raw = NO_BAG
    total_received_set: Raw = NO_BAG
    total_refunded_set: Raw = NO_BAG
    total_outstanding_set: Raw = NO_BAG
    refund_discrepancy_set: Raw = NO_BAG
    total_cash_rounding_adjustment: CashRoundingAdjustment | None = None
    retail_location: Reference | None = None
    transactions_count: Count | UnsetType | None = UNSET
    transactions: list[OrderTransaction] | None = None
    fulfillments_count: Count | UnsetType | None = UNSET
    fulfillments: list[Fulfillment] | None = None
    payment_terms: PaymentTerms | None = None
    localized_fields: Connection[LocalizedField] | None = None
    line_items: Connection[LineItem]
    shipping_lines: Connection[ShippingLine] | None = None
    refunds: list[Refund] | None = None
    fault: str | None = None


read_order = Decoder(Order).decode
