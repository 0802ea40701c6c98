"""Verdicts: what validation says of one order, apart from whether the task succeeded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from include.domain.errors import OrderError


class Severity(StrEnum):
    """What a broken rule means for the order."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that one order breaks.

    Attributes:
        order_id_store: The order.
        order_number: The number people use.
        reason_class: value, missing_mapping, contract_drift, unbalanced, refused_by_erp, duplicate.
        rule: Short name of the rule.
        message: In words: the order, the field, the rule and what to do.
        severity: ``critical`` holds the order, anything less only notes it.
        field: The field that is wrong.
        remote: The remote system's own words, if it was the one to refuse.
    """

    order_id_store: str
    order_number: str
    reason_class: str
    rule: str
    message: str
    severity: Severity = Severity.CRITICAL
    field: str = ""
    remote: str = ""


def finding_of(error: OrderError, order_id_store: str, order_number: str) -> Finding:
    """Turn an error about one order into the finding that quarantines it.

    Args:
        error: What went wrong.
        order_id_store: The store's id of the order.
        order_number: The number people use.
    """
    return Finding(
        order_id_store=order_id_store,
        order_number=order_number,
        reason_class=error.reason_class,
        rule=error.rule,
        message=str(error),
        field=error.field,
        remote=getattr(error, "remote", ""),
    )
