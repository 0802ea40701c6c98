"""What a channel tells the Heartland Retail connector: the account's own names, rules, limits."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CounterAddress(BaseModel):
    """A postal address of the merchant's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_name: str
    last_name: str
    line_1: str
    line_2: str | None = None
    city: str
    state: str | None = None
    postal_code: str
    country: str = Field(min_length=2, max_length=2)
    phone: str | None = None


class HeartlandRetailSettings(BaseModel):
    """Settings of one Heartland Retail account for one channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: str = Field(
        default="USD",
        pattern="^[A-Z]{3}$",
        description="ISO 4217 code of the account; it has one, and documents in another are "
        "refused.",
    )
    station_id: int = Field(
        ge=1, description="Station that orders, invoices and tickets are made at."
    )
    default_location: str = Field(
        min_length=1,
        description="`public_id` of the location that ships lines whose store location is not "
        "known.",
    )
    reference_field: str = Field(
        default="ecommerce_number",
        min_length=1,
        description="Key of the custom field of orders, invoices and tickets that carries our "
        "reference. Everything is looked up in it.",
    )
    change_field: str = Field(
        default="ecommerce_change",
        min_length=1,
        description="Key of the custom field of orders that carries the newest change in effect.",
    )
    payment_field: str = Field(
        default="ecommerce_payment",
        min_length=1,
        description="Key of the custom field of payments that carries the document and the "
        "store's transaction.",
    )
    customer_field: str = Field(
        default="ecommerce_customer_id",
        min_length=1,
        description="Key of the custom field of customers that carries the store's customer id.",
    )
    reference_prefix: str = Field(
        default="",
        max_length=20,
        description="Put before the order's number in every reference: one of its own for each "
        "store that shares the account.",
    )
    custom_fields: dict[str, str] = Field(
        default={},
        description="Custom fields of orders that get the same value on every order.",
    )
    required_custom_fields: tuple[str, ...] = Field(
        default=(),
        description="Custom fields without which an order is refused before it is sent. Those "
        "that the account itself marks as required are checked by preflight.",
    )
    sales_rep: str | None = Field(
        default="Ecommerce",
        max_length=255,
        description="Sales rep of every order; none sends none.",
    )
    guest_customer: str | None = Field(
        default="WEBGUEST",
        description="`public_id` of the customer that orders without one are booked on; none "
        "refuses them.",
    )
    match_customers_by_email: bool = Field(
        default=True,
        description="Book a new customer of the store on the one customer with the same e-mail "
        "address, if there is one.",
    )
    update_customers: bool = Field(
        default=True,
        description="Carry a changed name or e-mail address over to known customers.",
    )
    counter_address: CounterAddress | None = Field(
        default=None,
        description="Address for orders that have none (pick-ups, the till, redacted buyers); "
        "none leaves them pending in Heartland, and held here.",
    )
    sku_is_public_id: bool = Field(
        default=True, description="A sku without a map row is the item's `public_id` itself."
    )
    tax_map_required: bool = Field(
        default=True,
        description="Hold orders with a tax that the tax map does not name; else the store's own "
        "name is used.",
    )
    shipping_map_required: bool = Field(
        default=True,
        description="Hold orders whose shipping method the shipping map does not name; else they "
        "are sent without one.",
    )
    open_credit_payment_type: str | None = Field(
        default="On Account",
        description="Payment type that balances a return ticket where less was paid back than is "
        "credited; none refuses such a return.",
    )
    canceled_status: str = Field(
        default="canceled", min_length=1, description="Status that strikes out an order."
    )
    text_limit: int = Field(
        default=255, ge=1, description="Longest text a field holds; longer is refused, never cut."
    )
    page_size: int = Field(default=100, ge=1, le=500, description="Rows in one page of a list.")
    lookup_size: int = Field(
        default=40, ge=1, le=200, description="References in one look-up: they travel in the URL."
    )
    connections: int = Field(default=8, ge=1, le=32, description="Most calls under way at a time.")
    calls_per_second: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="Most calls a second; 0 goes as fast as the account lets us.",
    )
    attempts: int = Field(
        default=4, ge=1, le=10, description="Tries of a call that a retry may mend and not harm."
    )
    throttle_patience_seconds: float = Field(
        default=120.0,
        ge=0,
        le=3600,
        description="How long one call waits, in all, where the account asks to slow down.",
    )
    connect_seconds: float = Field(
        default=5.0, gt=0, le=120, description="How long to wait for a connection."
    )
    read_seconds: float = Field(
        default=30.0, gt=0, le=600, description="How long to wait for an answer."
    )
