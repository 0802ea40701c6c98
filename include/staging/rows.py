"""Makes an order ready to be landed: its raw document, its canonical form, its check figures.

Pure and light to import: rows are also made in a process of their own, which has no database.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from include.domain.errors import ExpectationFailed, OrderError
from include.domain.money import ZERO
from include.domain.order import Order, OrderLine
from include.ports.store import RawOrder
from include.staging.checks import CHECK_COLUMNS

IDENTITY = ("order_id_store", "order_number", "updated_at")
CARRIED_CHECKS = tuple(column for column in CHECK_COLUMNS if column.name not in IDENTITY)
TOTALS = (
    "original_total",
    "current_total",
    "current_tax",
    "received",
    "refunded",
    "outstanding",
)
_MONEY_LIMIT = Decimal(10) ** 12  # the sums of a window have to fit numeric(19, 5) too
_LEAST_MONEY = -_MONEY_LIMIT
_INTEGER_LIMIT = 2**31
_LEAST_INTEGER = -_INTEGER_LIMIT
_BACKSLASH = ord("\\")
_DIGEST_BYTES = 16
_HELD_BYTES = 2047


class LandedOrder(NamedTuple):
    """One order ready to be copied: build it with ``landed`` or ``unreadable``."""

    order_id_store: str
    order_number: str
    updated_at: datetime
    digest: bytes
    raw: bytes | None
    canonical: bytes | None = None
    canonical_digest: bytes | None = None
    lines: bytes | None = None
    totals: tuple[Decimal | None, ...] = (None,) * len(TOTALS)
    checks: tuple[Any, ...] = ()
    verdict: str | None = None
    reason_class: str | None = None
    rule: str | None = None
    field: str | None = None
    message: str | None = None
    customer_id_store: str | None = None

    @property
    def is_readable(self) -> bool:
        """Whether the order could be translated."""
        return self.canonical is not None


def landed(raw: RawOrder, order: Order, canonical: bytes, checks: tuple[Any, ...]) -> LandedOrder:
    """Make an order ready to be landed.

    Args:
        raw: The document as the store sent it.
        order: The same, translated.
        canonical: The translated order as JSON.
        checks: One value for each of ``CARRIED_CHECKS``.

    Returns:
        The row for ``land``.

    Raises:
        ExpectationFailed: An amount or a quantity is larger than any order's can be.
    """
    stated, customer = order.stated, order.customer
    totals = (
        stated.original_total.shop,
        stated.current_total.shop,
        stated.current_tax.shop,
        stated.received.shop,
        stated.refunded.shop,
        stated.outstanding.shop,
    )
    for name, amount in zip(TOTALS, totals, strict=True):
        if not _LEAST_MONEY < amount < _MONEY_LIMIT:
            raise _beyond(order, name, _MONEY_LIMIT)
    lines = orjson.dumps([_line(order, i, line) for i, line in enumerate(order.lines, 1)])
    if has_nul(lines):
        # PostgreSQL text cannot hold NUL; the canonical document keeps it.
        lines = lines.replace(b"\\u0000", b"\\ufffd")
    return LandedOrder(
        raw.order_id_store,
        raw.order_number,
        raw.updated_at,
        _digest(raw.body),
        raw.body,
        canonical,
        _digest(canonical),
        lines,
        totals,
        checks,
        customer_id_store=_storable(customer.customer_id_store) if customer else None,
    )


def unreadable(raw: RawOrder, error: OrderError) -> LandedOrder:
    """Make an order that could not be translated ready to be landed, held with its reason.

    Args:
        raw: The document as the store sent it.
        error: Why it could not be translated.
    """
    return LandedOrder(
        raw.order_id_store,
        raw.order_number,
        raw.updated_at,
        _digest(raw.body),
        raw.body,
        verdict="hold",
        reason_class=error.reason_class,
        rule=error.rule,
        field=error.field,
        message=str(error),
    )


def at_fault(row: LandedOrder, error: OrderError) -> LandedOrder:
    """Return an order that was translated but cannot be booked, held with its reason.

    Args:
        row: The order, ready to be landed.
        error: What is wrong with it.
    """
    return row._replace(
        verdict="hold",
        reason_class=error.reason_class,
        rule=error.rule,
        field=error.field,
        message=str(error),
    )


def _storable(value: str | None) -> str | None:
    # As in the canonical document: PostgreSQL text cannot hold NUL.
    return value.replace("\x00", "\ufffd") if value and "\x00" in value else value


def has_nul(body: bytes) -> bool:
    """Tell whether JSON holds a NUL, which is written as an escape.

    Args:
        body: JSON; it may also quote such an escape, which is then held for one.
    """
    # Few documents hold any escape, and one byte is found many times faster than six.
    return _BACKSLASH in body and b"\\u0000" in body


def _digest(content: bytes) -> bytes:
    # hashlib gives the interpreter away for 2 kB and more, and gets it back from a busy fetching
    # thread only after a switch interval, which lasts a hundred times as long as the digest.
    digest = sha256(content[:_HELD_BYTES])
    for start in range(_HELD_BYTES, len(content), _HELD_BYTES):
        digest.update(content[start : start + _HELD_BYTES])
    return digest.digest()[:_DIGEST_BYTES]


def _beyond(order: Order, name: str, limit: Decimal | int) -> ExpectationFailed:
    return ExpectationFailed(
        f"order {order.number}: {name} is beyond {limit}: correct the order in the store",
        rule="value_in_range",
        field=name,
    )


def _line_beyond(order: Order, line: OrderLine) -> ExpectationFailed:
    for name, count in (("quantity", line.quantity), ("current_quantity", line.current_quantity)):
        if not _LEAST_INTEGER < count < _INTEGER_LIMIT:
            return _beyond(order, name, _INTEGER_LIMIT)
    is_unit = not _LEAST_MONEY < line.unit_price.shop < _MONEY_LIMIT
    return _beyond(order, "unit_price" if is_unit else "current_price", _MONEY_LIMIT)


def _line(order: Order, position: int, line: OrderLine) -> dict[str, str | int | None]:
    unit_price, current_price = line.unit_price.shop, line.current_price.shop
    if not (
        _LEAST_INTEGER < line.quantity < _INTEGER_LIMIT
        and _LEAST_INTEGER < line.current_quantity < _INTEGER_LIMIT
        and _LEAST_MONEY < unit_price < _MONEY_LIMIT
        and _LEAST_MONEY < current_price < _MONEY_LIMIT
    ):
        raise _line_beyond(order, line)
    discount = tax = ZERO
    for taken_off in line.discounts:
        discount += taken_off.amount.shop
    for levied in line.taxes:
        tax += levied.current_amount.shop
    return {
        "position": position,
        "line_id": line.line_id,
        "kind": str(line.kind),
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "current_quantity": line.current_quantity,
        "unit_price": str(unit_price),
        "current_price": str(current_price),
        "discount": str(discount),
        "current_tax": str(tax),
    }
