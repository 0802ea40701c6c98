"""The task that forgets a customer."""

from __future__ import annotations

from airflow.sdk import Param, get_current_context

from include.domain.errors import ConfigurationError
from include.orchestration.bootstrap import open_house
from include.orchestration.steps import translated
from include.pipelines import privacy


def redact_form() -> dict[str, Param]:
    """Return the form of the privacy DAG."""
    return {
        "customer_id": Param(
            default="",
            type=["null", "string"],
            title="Customer",
            description="The store's id of the customer, as its request names it. All their orders "
            "are redacted.",
        ),
        "order_ids": Param(
            default=[],
            type=["null", "array"],
            items={"type": "string", "minLength": 1},
            title="Orders",
            description="Or the store's ids of single orders, one a line.",
        ),
    }


@translated
def redact(channel: str) -> dict[str, int]:
    """Erase the personal data that the run's form names; return counts."""
    context = get_current_context()
    params = context["params"]
    customer = str(params.get("customer_id") or "").strip()
    orders = tuple(params.get("order_ids") or ())
    if not customer and not orders:
        raise ConfigurationError("name a customer or orders: nothing was redacted")
    person = getattr(context["dag_run"], "triggering_user_name", None)
    with open_house(channel) as house:
        done = privacy.forget(
            house,
            actor=person or context["dag_run"].run_id,
            order_ids=orders,
            customer_id=customer,
        )
    return dict(done._asdict())
