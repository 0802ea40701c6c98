"""Forms that people fill in when they trigger a run. No field decides what is posted."""

from __future__ import annotations

from airflow.sdk import Param

STATUSES = [
    "pending",
    "authorized",
    "partially_paid",
    "paid",
    "partially_refunded",
    "refunded",
    "voided",
    "expired",
]


def orders() -> dict[str, Param]:
    """Return the form of the orders DAGs."""
    return {
        "order_numbers": Param(
            default=[],
            type=["null", "array"],
            items={"type": "string", "minLength": 1},
            title="Order numbers",
            description="Fetch just these orders (one a line, as the store shows them: #1001), "
            "whatever their date. Empty: the whole window.",
        ),
        "statuses": Param(
            default=[],
            type=["null", "array"],
            items={"type": "string", "enum": STATUSES},
            examples=STATUSES,
            title="Payment statuses",
            description="Fetch just orders whose payment stands so. Empty: all.",
        ),
    }
