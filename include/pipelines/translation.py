"""Translates raw documents into orders ready to be landed; an odd one is held with its reason.

Pure and light to import: it also runs in a process of its own, beside the one that fetches.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from include.domain.balance import require_balance, require_units
from include.domain.codec import to_document
from include.domain.errors import ContractDrift, OrderError
from include.domain.money import ZERO
from include.domain.order import Order
from include.pipelines.checks import check_row
from include.pipelines.surprises import SURPRISES, contained
from include.ports.store import RawOrder
from include.staging.rows import (
    CARRIED_CHECKS,
    LandedOrder,
    at_fault,
    has_nul,
    landed,
    unreadable,
)

Normalise = Callable[[str, object], Order]
_BROKEN_TIES = [column.name for column in CARRIED_CHECKS].index("broken_ties")


def translated(
    channel: str,
    normalise: Normalise,
    raw: RawOrder,
    now: datetime,
    tolerance: Decimal = ZERO,
    *,
    listed_units: int | None = None,
) -> LandedOrder:
    """Return one raw document ready to be landed; held with the reason where need be.

    Args:
        channel: Channel id.
        normalise: The store's translation of one document.
        raw: The document.
        now: The present, aware; an order of later is noted as such.
        tolerance: By how much parts may miss a stated total, in shop currency.
        listed_units: Units the store's list gives the order, if it does.
    """
    try:
        order = _normalised(channel, normalise, raw)
        checks = check_row(order, now, tolerance)
        row = landed(raw, order, _json(to_document(order)), checks)
    except OrderError as error:
        return unreadable(raw, error)
    except SURPRISES as error:
        reason = contained(error, raw.order_number, "it could not be translated")
        return unreadable(raw, reason)
    try:
        if checks[_BROKEN_TIES]:
            require_balance(order, tolerance)
        require_units(order, listed_units)
    except OrderError as error:
        return at_fault(row, error)
    return row


def _normalised(channel: str, normalise: Normalise, raw: RawOrder) -> Order:
    if raw.fault:
        raise ContractDrift(
            f"{raw.fault}; look at it in the store's admin and replay the window",
            rule="order_given_whole",
            field="order",
        )
    return normalise(channel, raw.document)


def _json(document: dict[str, Any]) -> bytes:
    """Write a document so that PostgreSQL can also read it: no text of its can hold a NUL."""
    body = orjson.dumps(document)
    return orjson.dumps(_without_nul(document)) if has_nul(body) else body


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_nul(item) for key, item in value.items()}
    return value
