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


def orders(*, by_hand: bool = False) -> dict[str, Param]:
    """Return the form of the orders DAGs.

    Args:
        by_hand: Whether the channel has no schedule: the days are chosen here.
    """
    return (_days() if by_hand else {}) | {
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


def _days() -> dict[str, Param]:
    about = {
        "first_day": ("First day", "Fetch orders that were created or changed from this day on."),
        "last_day": ("Last day", "The last of these days; each begins at midnight UTC."),
    }
    return {
        name: Param(type="string", format="date", title=title, description=words)
        for name, (title, words) in about.items()
    }
