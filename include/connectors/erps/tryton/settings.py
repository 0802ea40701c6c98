"""What a channel tells the Tryton connector: names of the company's set-up, rules, limits."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrytonSettings(BaseModel):
    """Settings of one Tryton company for one channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: str = Field(
        default="tryton",
        min_length=1,
        max_length=63,
        description="Name of the database; `database` in the connection's extra goes before it.",
    )
    web_shop: str = Field(
        default="Web shop",
        min_length=1,
        description="Name of the web shop (web.shop). Ours alone: orders are known by it and "
        "their web id.",
    )
    default_warehouse: str = Field(
        default="WH",
        min_length=1,
        description="Code of the warehouse of lines whose store location is not known.",
    )
    revenue_journal: str = Field(
        default="REV", min_length=1, description="Code of the journal of invoices and credit notes."
    )
    payment_term: str | None = Field(
        default=None,
        description="Name of the payment term of invoices; none makes them due at once.",
    )
    sku_is_product_code: bool = Field(
        default=True, description="A sku without a map row is the product's code itself."
    )
    owed_accounts: dict[str, str] = Field(
        default={},
        description="Product code to account code: what is sold under the product is owed, not "
        "earned, and is passed on to the account when it is billed (gift cards).",
    )
    price_digits: int = Field(
        default=4,
        ge=2,
        le=8,
        description="Decimals of a unit price in the server's configuration (price_decimal).",
    )
    customer_prefix: str = Field(
        default="WEB",
        max_length=10,
        description="Codes of parties we create are this and the last part of the store's "
        "customer id.",
    )
    guest_customer: str | None = Field(
        default="WEBGUEST",
        description="Code of the party of orders without a customer; not the web shop's own guest "
        "party, which Tryton keeps for carts. None refuses such orders.",
    )
    match_customers_by_email: bool = Field(
        default=True,
        description="Book a new customer of the store on the party with the same e-mail address, "
        "if there is one.",
    )
    unknown_customers: Literal["create", "guest", "hold"] = Field(
        default="create",
        description="Customers that Tryton does not know: create them, book them on the guests' "
        "party, or hold the order until the customer map has a row.",
    )
    update_customers: bool = Field(
        default=False, description="Carry a changed name over to known parties."
    )
    tax_identifiers: dict[str, str] = Field(
        default={},
        description="Kind of a buyer's tax id in the store to Tryton's type (VAT: eu_vat), which "
        "then checks the number; other kinds are kept without a type.",
    )
    acknowledged_warnings: tuple[str, ...] = Field(
        default=("invoice_payment_term", "invoice_taxes"),
        description="Warnings of Tryton that are answered with yes; any other holds the document "
        "with its words.",
    )
    attempts: int = Field(
        default=4, ge=1, le=10, description="Tries of a call that the server was too busy for."
    )
    timeout_seconds: float = Field(
        default=60.0, gt=0, le=600, description="How long to wait for an answer."
    )
