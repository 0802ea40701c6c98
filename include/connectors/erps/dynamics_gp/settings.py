"""What a channel tells the Dynamics GP connector: ids of the company's set-up, rules, limits."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class DynamicsGpSettings(BaseModel):
    """Settings of one GP company for one channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_document_id: str = Field(
        default="WEBORD",
        min_length=1,
        max_length=15,
        description="DOCID of web orders (SOPTYPE 2). Ours alone: references are looked up in it.",
    )
    invoice_document_id: str = Field(
        default="WEBINV",
        min_length=1,
        max_length=15,
        description="DOCID of web invoices (SOPTYPE 3). Ours alone, too.",
    )
    return_document_id: str = Field(
        default="WEBRTN",
        min_length=1,
        max_length=15,
        description="DOCID of web returns (SOPTYPE 4), what a refund becomes. Ours alone, too.",
    )
    restocked_units: Literal["returned", "on_hand"] = Field(
        default="returned",
        description="Where units that the store restocked come back to: GP's Returned quantity "
        "(QTYRTRND), for a person to check and move, or straight On Hand (QTYONHND).",
    )
    batch_prefix: str = Field(
        default="SHOP",
        min_length=1,
        max_length=7,
        description="Batches are this and the document's date: one batch a store-day.",
    )
    default_site: str = Field(
        default="MAIN",
        max_length=10,
        description="Site (LOCNCODE) of lines whose store location is not known.",
    )
    default_shipping_method: str | None = Field(
        default=None,
        max_length=15,
        description="SHIPMTHD of documents without a shipping line; none leaves GP's default.",
    )
    currencies: dict[str, str] = Field(
        default={"USD": "Z-US$"},
        description="ISO 4217 code to GP currency id (CURNCYID).",
    )
    unit_of_measure: str = Field(
        default="EACH",
        max_length=8,
        description="UOFM of every line: the store sells single units.",
    )
    tax_schedule: str | None = Field(
        default=None,
        max_length=15,
        description="TAXSCHID on the header; the tax amounts are the store's either way.",
    )
    customer_prefix: str = Field(
        default="W",
        max_length=5,
        description="Customer numbers are this and the digits of the store's customer id.",
    )
    guest_customer: str | None = Field(
        default="WEBGUEST",
        max_length=15,
        description="Account of orders without a customer; none refuses them.",
    )
    customer_class: str | None = Field(
        default="WEB",
        max_length=15,
        description="Class of new customers where the customer_class map has no row.",
    )
    tax_registration_kinds: tuple[str, ...] = Field(
        default=(),
        description="Which of a buyer's several tax registrations counts: their kinds in the "
        "store's words, the preferred first. Empty takes the first that the store names, whatever "
        "its kind.",
    )
    match_customers_by_registration: bool = Field(
        default=True,
        description="Book a new customer of the store on the GP customer with the same tax "
        "registration (RM00101), if there is one; asked before the e-mail address.",
    )
    match_customers_by_email: bool = Field(
        default=True,
        description="Book a new customer of the store on the GP customer with the same e-mail "
        "address (SY01200), if there is one.",
    )
    unknown_customers: Literal["create", "guest", "hold"] = Field(
        default="create",
        description="Customers that GP does not know: create them, book them on the guests' "
        "account, or hold the order until the customer map has a row.",
    )
    update_customers: bool = Field(
        default=True,
        description="Carry a changed name, address or e-mail over to customers that have the "
        "channel's own number. Customers of the map, or found by e-mail, are never changed, nor is "
        "anything by an order older than the newest that GP has of the customer.",
    )
    sku_is_item_number: bool = Field(
        default=True,
        description="A sku without a map row is the item number itself, if it fits.",
    )
    shortage_option: int = Field(
        default=4,
        ge=0,
        le=6,
        description="QtyShrtOpt of order lines: what GP does when stock ran short since planning "
        "(4 back-orders the balance, 0 refuses).",
    )
    code_page: str | None = Field(
        default=None,
        description="Python name of the database's code page (cp1252): text it cannot hold is "
        "refused, not turned into question marks. None where any character can be stored.",
    )
    retryable_codes: tuple[int, ...] = Field(
        default=(2022, 2079),
        description="Error states that mean 'in use, try again later'.",
    )
    connections: int = Field(
        default=16, ge=1, le=64, description="Most connections to the company database at a time."
    )
    statement_timeout_seconds: float = Field(
        default=30.0, gt=0, le=600, description="How long one statement may take."
    )
    lock_timeout_seconds: float = Field(
        default=10.0, gt=0, le=600, description="How long to wait for a lock."
    )
    deadlock_attempts: int = Field(
        default=4, ge=1, le=10, description="Tries of one document that loses to deadlocks."
    )
