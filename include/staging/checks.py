"""The check columns of a landed order: what the expectation suites look at, as typed columns.

``include/pipelines/checks.py`` fills all that a row does not carry anyway, in this order; the tests
hold it to this list.
"""

from __future__ import annotations

from typing import NamedTuple


class CheckColumn(NamedTuple):
    """One check column of ``landing_order``.

    Attributes:
        name: Column name, and key in the check row.
        sql_type: PostgreSQL type.
        comment: What it says, for people who read the table.
        nullable: Whether an order that could be translated may have no value in it.
    """

    name: str
    sql_type: str
    comment: str
    nullable: bool = False


CHECK_COLUMNS: tuple[CheckColumn, ...] = (
    CheckColumn("channel", "text", "channel id"),
    CheckColumn("order_id_store", "text", "the store's id of the order"),
    CheckColumn("order_number", "text", "number that people use"),
    CheckColumn("placed_at", "timestamptz", "when the buyer placed it"),
    CheckColumn("updated_at", "timestamptz", "the store's version of the order"),
    CheckColumn("cancelled_at", "timestamptz", "when it was cancelled", nullable=True),
    CheckColumn("currency", "text", "shop currency, ISO 4217"),
    CheckColumn("presentment_currency", "text", "currency the buyer saw, ISO 4217"),
    CheckColumn("financial_status", "text", "canonical financial status"),
    CheckColumn("fulfillment_status", "text", "canonical fulfillment status"),
    CheckColumn("program", "text", "how the sale came about"),
    CheckColumn("pii_state", "text", "present, absent or redacted"),
    CheckColumn("is_test", "boolean", "placed with a test gateway"),
    CheckColumn("is_cancelled", "boolean", "cancelled as a whole"),
    CheckColumn("is_edited", "boolean", "edited after it was placed"),
    CheckColumn("taxes_included", "boolean", "prices contain their taxes"),
    CheckColumn("in_future", "boolean", "placed later than it was pulled", nullable=True),
    CheckColumn("updated_before_placed", "boolean", "version older than the order itself"),
    CheckColumn("line_count", "integer", "lines, removed ones included"),
    CheckColumn("charge_count", "integer", "charges beside the lines"),
    CheckColumn("tender_count", "integer", "payment transactions, failed ones included"),
    CheckColumn("refund_count", "integer", "refunds"),
    CheckColumn("duplicate_line_ids", "integer", "lines whose id another line carries too"),
    CheckColumn("quantity_total", "integer", "units ordered"),
    CheckColumn("current_quantity_total", "integer", "units left after edits and refunds"),
    CheckColumn("original_total_minor", "bigint", "stated total before returns, minor units"),
    CheckColumn("current_total_minor", "bigint", "stated total after returns, minor units"),
    CheckColumn("current_subtotal_minor", "bigint", "stated subtotal after returns, minor units"),
    CheckColumn("current_tax_minor", "bigint", "stated tax after returns, minor units"),
    CheckColumn("current_shipping_minor", "bigint", "stated shipping after returns, minor units"),
    CheckColumn(
        "presentment_total_minor", "bigint", "stated current total in presentment minor units"
    ),
    CheckColumn("lines_total_minor", "bigint", "sum of the lines' current prices, minor units"),
    CheckColumn("charges_total_minor", "bigint", "sum of the charges' current prices, minor units"),
    CheckColumn("taxes_total_minor", "bigint", "sum of the current tax lines, minor units"),
    CheckColumn("marketplace_tax_minor", "bigint", "part of the taxes that a marketplace remits"),
    CheckColumn("discount_minor", "bigint", "sum of all discount allocations, minor units"),
    CheckColumn("rounding_minor", "bigint", "cash rounding, minor units"),
    CheckColumn("received_minor", "bigint", "stated amount received, minor units"),
    CheckColumn("refunded_minor", "bigint", "stated amount refunded, minor units"),
    CheckColumn("outstanding_minor", "bigint", "stated amount still to be paid, minor units"),
    CheckColumn("refund_discrepancy_minor", "bigint", "stated refund discrepancy, minor units"),
    CheckColumn("broken_ties", "integer", "pairs of figures that should be equal and are not"),
    CheckColumn("first_broken_tie", "text", "name of the first such pair", nullable=True),
    CheckColumn("tie_difference_minor", "bigint", "largest difference of a tie, shop minor units"),
    CheckColumn(
        "presentment_tie_difference_minor", "bigint", "the same in presentment minor units"
    ),
    CheckColumn("fractional_amounts", "integer", "stated totals finer than the currency allows"),
    CheckColumn("negative_quantities", "integer", "lines with a negative quantity"),
    CheckColumn("grown_quantities", "integer", "lines with more units left than were ordered"),
    CheckColumn("negative_prices", "integer", "lines, charges or discounts below zero"),
    CheckColumn("over_discounted_lines", "integer", "lines whose discounts exceed their price"),
    CheckColumn("lines_without_sku", "integer", "goods lines that carry no sku"),
    CheckColumn("lines_without_title", "integer", "lines that carry no title"),
    CheckColumn("gift_card_lines", "integer", "lines that sell a gift card"),
    CheckColumn("custom_lines", "integer", "lines without a catalogue entry"),
    CheckColumn("max_sku_length", "integer", "characters of the longest sku"),
    CheckColumn("max_title_length", "integer", "characters of the longest line title"),
    CheckColumn("has_customer", "boolean", "a customer is named"),
    CheckColumn("has_billing_address", "boolean", "a billing address is there"),
    CheckColumn("has_shipping_address", "boolean", "a shipping address is there"),
    CheckColumn("requires_shipping", "boolean", "a line that is left needs shipping"),
    CheckColumn("has_shipping_charge", "boolean", "a shipping line is there and not removed"),
    CheckColumn("shipping_country", "text", "ISO 3166-1 alpha-2 code", nullable=True),
    CheckColumn("shipping_country_valid", "boolean", "two capital letters", nullable=True),
    CheckColumn("email_valid", "boolean", "the e-mail has the form of one", nullable=True),
    CheckColumn("gateway_count", "integer", "distinct payment gateways"),
    CheckColumn("tenders_without_gateway", "integer", "transactions that name no gateway"),
    CheckColumn("pending_tenders", "integer", "transactions still under way"),
    CheckColumn("tax_line_count", "integer", "tax lines of lines and charges"),
    CheckColumn("negative_taxes", "integer", "tax lines below zero"),
    CheckColumn("min_tax_rate", "numeric", "smallest stated tax rate, a fraction", nullable=True),
    CheckColumn("max_tax_rate", "numeric", "largest stated tax rate, a fraction", nullable=True),
)
