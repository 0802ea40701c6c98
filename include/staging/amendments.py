"""Fields that people filled in where the store says nothing, kept beside the store's document.

An amendment never stands against the store: what the store says itself wins, now and after any
pull. Amounts, lines and identities cannot be amended. What is filled in counts when the order is
planned; raw and canonical documents stay as they came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, text

LONGEST = 200
_ADDRESS = ("name", "company", "line_1", "line_2", "city", "region_code", "postal_code")
_PLACES = ("shipping_address", "billing_address")
AMENDABLE = (
    "purchase_order_number",
    *(f"customer.{name}" for name in ("name", "company", "email", "phone")),
    *(f"{place}.{name}" for place in _PLACES for name in (*_ADDRESS, "country_code", "phone")),
)
"""What may be filled in, as a path into the canonical order."""
_FORMS = {
    "email": (re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"), "an e-mail address"),
    "country_code": (re.compile(r"[A-Z]{2}"), "two capital letters, ISO 3166-1"),
}


class NotAmendable(ValueError):
    """A field that may not be filled in, or a value that it cannot have; says which and why."""


class Amendment(NamedTuple):
    """One field that a person filled in."""

    field: str
    value: str
    actor: str
    reason: str
    amended_at: datetime


def fill_in(document: Mapping[str, Any], filled: Mapping[str, str]) -> dict[str, Any]:
    """Return a canonical order with what people filled in, wherever the store says nothing.

    Args:
        document: The canonical order as a document.
        filled: Value by field. A redacted order is left as it is.
    """
    whole = dict(document)
    if whole.get("pii_state") == "redacted":
        return whole
    for path, value in filled.items():
        place, _, name = path.rpartition(".")
        if not place:
            whole[name] = whole.get(name) or value
        elif place != "customer" or whole.get(place):
            # Nobody is made up: a guest stays one.
            part = dict(whole.get(place) or {})
            part[name] = part.get(name) or value
            whole[place] = part
    return whole


def empty_fields(document: Mapping[str, Any]) -> list[str]:
    """Return the fields that may be filled in because the store says nothing.

    Args:
        document: The canonical order as a document.
    """
    if document.get("pii_state") == "redacted":
        return []
    bare = fill_in(document, dict.fromkeys(AMENDABLE, "\0"))
    return [path for path in AMENDABLE if _at(bare, path) == "\0"]


def filled_in(
    connection: Connection, channel: str, documents: Iterable[tuple[str, dict[str, Any]]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield canonical orders with what people filled in.

    Args:
        connection: Open connection.
        channel: Channel id.
        documents: Pairs of store id and canonical document, a few hundred at a time.
    """
    rows = list(documents)
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(
        text(
            "SELECT order_id_store, field, value FROM order_amendment"
            " WHERE channel = :channel AND order_id_store = ANY(:order_ids)"
        ),
        {"channel": channel, "order_ids": [order_id for order_id, _ in rows]},
    ):
        found.setdefault(row.order_id_store, {})[row.field] = row.value
    for order_id, document in rows:
        filled = found.get(order_id)
        yield order_id, fill_in(document, filled) if filled else document


def of_order(connection: Connection, channel: str, order_id: str) -> list[Amendment]:
    """Return what people filled in on an order, by field.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_id: Store id.
    """
    rows = connection.execute(
        text(
            "SELECT field, value, actor, reason, amended_at FROM order_amendment"
            " WHERE channel = :channel AND order_id_store = :order_id ORDER BY field"
        ),
        {"channel": channel, "order_id": order_id},
    )
    return [Amendment(*row) for row in rows]


def missing_on(connection: Connection, channel: str, order_id: str) -> list[str]:
    """Return the fields of an order, staged or last landed, that may be filled in.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_id: Store id.
    """
    document = connection.scalar(
        text(
            "SELECT coalesce((SELECT document FROM staged_order WHERE channel = :channel"
            "  AND order_id_store = :order_id), (SELECT o.canonical FROM landing_order AS o"
            "  JOIN landing_batch AS b USING (batch_id) WHERE b.channel = :channel"
            "  AND o.order_id_store = :order_id AND o.canonical IS NOT NULL"
            "  ORDER BY b.batch_id DESC LIMIT 1))"
        ),
        {"channel": channel, "order_id": order_id},
    )
    return [] if document is None else empty_fields(document)


def amend(
    connection: Connection,
    channel: str,
    order_id: str,
    *,
    field: str,
    value: str,
    reason: str,
    actor: str,
) -> None:
    """Fill in a field that the store left empty; it goes into the audit log.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        order_id: Store id.
        field: One of ``AMENDABLE``, empty in the store's order.
        value: What it says; an empty one takes an earlier one back.
        reason: Why, and where it comes from.
        actor: Who fills it in.

    Raises:
        NotAmendable: The store says something there, or the value has not the field's form.
    """
    bare = value.strip()
    if field not in missing_on(connection, channel, order_id):
        raise NotAmendable(f"{field} cannot be filled in: the store's own word stands there")
    form = _FORMS.get(field.rpartition(".")[2])
    if len(bare) > LONGEST or (bare and form and not form[0].fullmatch(bare)):
        what = form[1] if form else f"at most {LONGEST} characters"
        raise NotAmendable(f"{field} has to be {what}")
    key = {"channel": channel, "order_id_store": order_id}
    before = connection.scalar(
        text(
            "SELECT value FROM order_amendment WHERE channel = :channel"
            " AND order_id_store = :order_id_store AND field = :field FOR UPDATE"
        ),
        {**key, "field": field},
    )
    if bare:
        connection.execute(_WRITE, {**key, "field": field, "value": bare, "actor": actor,
                                    "reason": reason})  # fmt: skip
    else:
        connection.execute(_TAKE_BACK, {**key, "field": field})
    connection.execute(
        _AUDIT,
        {
            "actor": actor,
            "action": "filled in" if bare else "taken back",
            "key": _json(key),
            "before": None if before is None else _json({field: before}),
            "after": _json({field: bare, "reason": reason} if bare else {"reason": reason}),
        },
    )


_WRITE = text(
    "INSERT INTO order_amendment (channel, order_id_store, field, value, actor, reason)"
    " VALUES (:channel, :order_id_store, :field, :value, :actor, :reason)"
    " ON CONFLICT (channel, order_id_store, field) DO UPDATE SET value = excluded.value,"
    " actor = excluded.actor, reason = excluded.reason, amended_at = clock_timestamp()"
)
_TAKE_BACK = text(
    "DELETE FROM order_amendment WHERE channel = :channel"
    " AND order_id_store = :order_id_store AND field = :field"
)
_AUDIT = text(
    "INSERT INTO log_audit (actor, action, subject, key, before, after) VALUES (:actor, :action,"
    " 'order_amendment', CAST(:key AS jsonb), CAST(:before AS jsonb), CAST(:after AS jsonb))"
)


def _at(document: Mapping[str, Any], path: str) -> Any:
    place, _, name = path.rpartition(".")
    part: Sequence[Any] | Mapping[str, Any] = document.get(place) or {} if place else document
    return part.get(name) if isinstance(part, Mapping) else None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
