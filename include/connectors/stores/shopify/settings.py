"""What a channel may set about its Shopify store. Every field is described in the README."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

API_VERSION = "2026-10"
PAGING_CAP = 25_000
PAGE_CAP = 250


class ShopifySettings(BaseModel):
    """How orders are pulled from one Shopify store; the defaults suit any plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expected_currency: str | None = Field(
        default=None,
        pattern="^[A-Z]{3}$",
        description="ISO 4217 shop currency; preflight refuses another. The channel's `currency` "
        "unless set.",
    )
    expected_time_zone: str | None = Field(
        default=None,
        description="IANA zone of the shop; preflight refuses one with other hours. The channel's "
        "`time_zone` unless set.",
    )
    reads_risk: bool = Field(
        default=False,
        description="Ask for the estimate of fraud with each order. Whether the channel's "
        "`policy.on_risk` holds risky orders, unless set.",
    )
    page_size: int = Field(
        default=PAGE_CAP, ge=1, le=PAGE_CAP, description="Orders in one page of the id list."
    )
    split_above: int = Field(
        default=20_000,
        ge=1,
        lt=PAGING_CAP,
        description="Windows with more orders are halved; Shopify pages through 25,000 at most.",
    )
    batch_start: int = Field(
        default=25, ge=1, le=PAGE_CAP, description="Orders in the first hydration batch."
    )
    batch_max: int = Field(
        default=100, ge=1, le=PAGE_CAP, description="Orders that a hydration batch may grow to."
    )
    grow_below_seconds: float = Field(
        default=8.0, gt=0, description="A batch answered faster than this lets the next one grow."
    )
    prefetch: int = Field(
        default=2, ge=0, le=8, description="Batches fetched ahead of their use; 0 fetches in turn."
    )
    bulk_threshold: int = Field(
        default=5_000,
        ge=1,
        description="More orders than this are exported by a bulk operation, then completed.",
    )
    bulk_slack: float = Field(
        default=2.0,
        ge=1,
        description="A bulk export may hold this many times the orders wanted, else none is run.",
    )
    bulk_poll_seconds: float = Field(
        default=30.0, gt=0, description="Longest pause between two looks at a bulk operation."
    )
    bulk_patience_seconds: float = Field(
        default=21_600.0,
        gt=0,
        description="How long a bulk operation may take before it is given up.",
    )
    connect_seconds: float = Field(default=5.0, gt=0, description="Time-out of a connection.")
    read_seconds: float = Field(
        default=60.0, gt=0, description="Time-out between two bytes of an answer."
    )
    attempts: int = Field(
        default=6, ge=1, le=20, description="Attempts at one call that fails for a passing reason."
    )
    throttle_patience_seconds: float = Field(
        default=900.0, gt=0, description="How long one call may be throttled before it is given up."
    )
    relist_after_seconds: float = Field(
        default=10.0,
        ge=0,
        description="Pause before an incomplete list is read once more (the index may move).",
    )
    recent_days: int = Field(
        default=60, ge=1, description="Age in days from which orders need read_all_orders."
    )

    @model_validator(mode="after")
    def _batches_grow(self) -> Self:
        if self.batch_start > self.batch_max:
            raise ValueError(f"batch_start {self.batch_start} is above batch_max {self.batch_max}")
        return self
