"""Erases the personal data of orders from every table, and keeps what the books must.

Kept: numbers, ids, amounts, lines, taxes, the country, and the store's id of the customer, which
the ERP account hangs on. Gone: raw documents, names, addresses, mail, phones, tax ids, notes, and
these values wherever people or systems wrote them down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, text

ERASED = "[erased]"
LEAST_LENGTH = 3
_PERSONAL = ("address", "customer", "email", "phone", "contact", "recipient", "tax_ids")
_PEOPLE = ("billing_address", "shipping_address")
_CODES = frozenset({"country_code", "region_code", "countryCodeV2", "provinceCode"})
# Tables with words that people or systems wrote: key column of the order, and the columns.
_WORDS = (
    ("landing_order", ("message", "field")),
    ("quarantine", ("message", "remote", "field", "written_off")),
    ("erp_document", ("error",)),
    ("proof_order", ("message",)),
    ("landing_plan_row", ("reason",)),
)


class Redacted(NamedTuple):
    """What was erased.

    Attributes:
        orders: Orders whose data was looked for.
        documents: Raw documents removed.
        canonical: Canonical documents, landed or staged, that lost their people.
        words: Rows whose words were changed or removed.
    """

    orders: int = 0
    documents: int = 0
    canonical: int = 0
    words: int = 0


def orders_of_customer(connection: Connection, channel: str, customer_id: str) -> list[str]:
    """Return the orders of a customer that any table knows of.

    Args:
        connection: Open connection.
        channel: Channel id.
        customer_id: The store's id of the customer, whole or the part after its last slash.
    """
    rows = connection.scalars(
        text(
            "SELECT order_id_store FROM staged_order WHERE channel = :channel"
            " AND (document->'customer'->>'customer_id_store' = :customer_id"
            "  OR document->'customer'->>'customer_id_store' LIKE :ending)"
            " UNION SELECT o.order_id_store FROM landing_order AS o JOIN landing_batch AS b"
            "  USING (batch_id) WHERE b.channel = :channel"
            "  AND (o.canonical->'customer'->>'customer_id_store' = :customer_id"
            "   OR o.canonical->'customer'->>'customer_id_store' LIKE :ending)"
            " UNION SELECT order_id_store FROM landing_document WHERE channel = :channel"
            "  AND (strpos(CAST(document AS text), :quoted) > 0"
            "   OR strpos(CAST(document AS text), :in_path) > 0)"
            " ORDER BY 1"
        ),
        {
            "channel": channel,
            "customer_id": customer_id,
            "ending": f"%/Customer/{_escaped(customer_id)}",
            "quoted": f'"{customer_id}"',
            "in_path": f'/Customer/{customer_id}"',
        },
    )
    return list(rows)


def redact(
    connection: Connection, channel: str, order_ids: Sequence[str], *, actor: str
) -> Redacted:
    """Erase the personal data of orders; a second time finds nothing left to erase.

    The orders are remembered: what a later pull brings back is erased again.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        order_ids: Store ids.
        actor: Who asked for it; stands in the audit log.

    Returns:
        What was erased.
    """
    if not order_ids:
        return Redacted()
    values = {"channel": channel, "order_ids": list(order_ids)}
    connection.execute(
        text(
            "WITH added AS (INSERT INTO privacy_redaction (channel, order_id_store, actor)"
            "  SELECT :channel, o, CAST(:actor AS text)"
            "  FROM unnest(CAST(:order_ids AS text[])) AS o ORDER BY o"
            "  ON CONFLICT DO NOTHING RETURNING order_id_store)"
            " INSERT INTO log_audit (actor, action, subject, key)"
            " SELECT CAST(:actor AS text), 'redacted', 'privacy_redaction',"
            "  jsonb_build_object('channel', CAST(:channel AS text),"
            "   'order_id_store', order_id_store) FROM added"
        ),
        {**values, "actor": actor},
    )
    return _erase(connection, values)


def redact_again(connection: Connection, channel: str, batch_id: int) -> Redacted:
    """Erase what a pull brought back of orders that were redacted before.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        batch_id: The batch that was just landed.

    Returns:
        What was erased.
    """
    order_ids = connection.scalars(
        text(
            "SELECT o.order_id_store FROM landing_order AS o JOIN privacy_redaction AS p"
            "  ON p.channel = :channel AND p.order_id_store = o.order_id_store"
            " WHERE o.batch_id = :batch_id ORDER BY 1"
        ),
        {"channel": channel, "batch_id": batch_id},
    ).all()
    if not order_ids:
        return Redacted()
    return _erase(connection, {"channel": channel, "order_ids": list(order_ids)})


_FILLED_IN = text(
    "SELECT order_id_store, value FROM order_amendment WHERE channel = :channel"
    " AND order_id_store = ANY(:order_ids)"
)


def _erase(connection: Connection, values: dict[str, Any]) -> Redacted:
    personal: dict[str, set[str]] = {order_id: set() for order_id in values["order_ids"]}
    raw = connection.execute(
        text(
            "DELETE FROM landing_document WHERE channel = :channel"
            " AND order_id_store = ANY(:order_ids) RETURNING order_id_store, document"
        ),
        values,
    ).all()
    for row in raw:
        personal[row.order_id_store] |= set(_values(row.document))
    for row in connection.execute(_FILLED_IN, values):
        personal[row.order_id_store].add(row.value)
    canonical = _erase_people(connection, values, personal)
    words = _erase_notes(connection, values)
    for order_id, found in personal.items():
        words += _erase_words(connection, values["channel"], order_id, found)
    return Redacted(len(personal), len(raw), canonical, words)


def _erase_people(
    connection: Connection, values: dict[str, Any], personal: dict[str, set[str]]
) -> int:
    """Take the people out of canonical documents, and remember what they were called."""
    changed = 0
    staged = connection.execute(
        text(
            "SELECT order_id_store, document FROM staged_order WHERE channel = :channel"
            " AND order_id_store = ANY(:order_ids) ORDER BY order_id_store FOR UPDATE"
        ),
        values,
    ).all()
    for row in staged:
        personal[row.order_id_store] |= set(_values(row.document))
        bare = _without_people(row.document)
        if bare != row.document:
            changed += connection.execute(
                text(
                    "UPDATE staged_order SET document = CAST(:document AS json),"
                    " document_digest = :digest WHERE channel = :channel"
                    " AND order_id_store = :order_id"
                ),
                {"channel": values["channel"], "order_id": row.order_id_store, **_written(bare)},
            ).rowcount
    landed = connection.execute(
        text(
            "SELECT o.batch_id, o.order_id_store, o.canonical FROM landing_order AS o"
            " JOIN landing_batch AS b USING (batch_id) WHERE b.channel = :channel"
            " AND o.order_id_store = ANY(:order_ids) AND o.canonical_digest IS NOT NULL"
            " ORDER BY o.batch_id, o.order_id_store FOR UPDATE OF o"
        ),
        values,
    ).all()
    for row in landed:
        personal[row.order_id_store] |= set(_values(row.canonical))
        bare = _without_people(row.canonical)
        if bare != row.canonical:
            changed += connection.execute(
                text(
                    "UPDATE landing_order SET canonical = CAST(:document AS json),"
                    " canonical_digest = :digest WHERE batch_id = :batch_id"
                    " AND order_id_store = :order_id"
                ),
                {"batch_id": row.batch_id, "order_id": row.order_id_store, **_written(bare)},
            ).rowcount
    return changed


def _erase_notes(connection: Connection, values: dict[str, Any]) -> int:
    amended = connection.execute(
        text(
            "DELETE FROM order_amendment WHERE channel = :channel"
            " AND order_id_store = ANY(:order_ids)"
        ),
        values,
    ).rowcount
    return (
        amended
        + connection.execute(
            text(
                "UPDATE quarantine_note SET body = :erased WHERE channel = :channel"
                " AND order_id_store = ANY(:order_ids) AND body <> :erased"
            ),
            {**values, "erased": ERASED},
        ).rowcount
    )


def _erase_words(connection: Connection, channel: str, order_id: str, found: set[str]) -> int:
    """Take an order's personal values out of everything that was written down about it."""
    pattern = _pattern(found)
    if pattern is None:
        return 0
    changed = 0
    values = {"channel": channel, "order_id": order_id}
    for table, columns in _WORDS:
        mine = {
            "landing_order": "batch_id IN (SELECT batch_id FROM landing_batch"
            " WHERE channel = :channel)",
            "proof_order": "proof_id IN (SELECT proof_id FROM proof_window"
            " WHERE channel = :channel)",
            "landing_plan_row": "plan_id IN (SELECT plan_id FROM landing_plan"
            " WHERE channel = :channel)",
        }.get(table, "channel = :channel")
        rows = connection.execute(
            text(
                f"SELECT ctid::text AS place, {', '.join(columns)} FROM {table}"  # noqa: S608
                f" WHERE order_id_store = :order_id AND {mine} FOR UPDATE"
            ),
            values,
        ).all()
        for row in rows:
            told = {column: getattr(row, column) for column in columns}
            bare = {name: words and pattern.sub(ERASED, words) for name, words in told.items()}
            if bare != told:
                changes = ", ".join(f"{column} = :{column}" for column in columns)
                changed += connection.execute(
                    text(f"UPDATE {table} SET {changes} WHERE ctid = CAST(:place AS tid)"),  # noqa: S608
                    {"place": row.place, **bare},
                ).rowcount
    return changed + _erase_audit(connection, values, pattern)


def _erase_audit(connection: Connection, values: dict[str, str], pattern: re.Pattern[str]) -> int:
    rows = connection.execute(
        text(
            "SELECT audit_id, before, after FROM log_audit WHERE key @> CAST(:key AS jsonb)"
            " AND (before IS NOT NULL OR after IS NOT NULL) FOR UPDATE"
        ),
        {
            "key": orjson.dumps(
                {"channel": values["channel"], "order_id_store": values["order_id"]}
            ).decode()
        },
    ).all()
    changed = 0
    for row in rows:
        told = {"before": row.before, "after": row.after}
        bare = {
            name: said and {key: _bare(value, pattern) for key, value in said.items()}
            for name, said in told.items()
        }
        if bare != told:
            changed += connection.execute(
                text(
                    "UPDATE log_audit SET before = CAST(:before AS jsonb),"
                    " after = CAST(:after AS jsonb) WHERE audit_id = :audit_id"
                ),
                {
                    "audit_id": row.audit_id,
                    **{
                        name: None if said is None else orjson.dumps(said).decode()
                        for name, said in bare.items()
                    },
                },
            ).rowcount
    return changed


def _bare(value: Any, pattern: re.Pattern[str]) -> Any:
    return pattern.sub(ERASED, value) if isinstance(value, str) else value


def _without_people(document: dict[str, Any]) -> dict[str, Any]:
    """Return a canonical document without its people; the country and the customer's id stay."""
    bare = {**document, "pii_state": "redacted"}
    customer = bare.pop("customer", None)
    if customer and customer.get("customer_id_store"):
        bare["customer"] = {"customer_id_store": customer["customer_id_store"]}
    for name in _PEOPLE:
        address = bare.pop(name, None)
        if address and address.get("country_code"):
            bare[name] = {"country_code": address["country_code"]}
    return bare


def _written(document: dict[str, Any]) -> dict[str, object]:
    body = orjson.dumps(document)
    return {"document": body.decode(), "digest": sha256(body).digest()[:16]}


def _values(document: Any, *, personal: bool = False) -> Iterator[str]:
    """Yield every text below a key that speaks of a person; ids and codes are none."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key not in _CODES:
                about = personal or any(word in key.lower() for word in _PERSONAL)
                yield from _values(value, personal=about)
    elif isinstance(document, list):
        for value in document:
            yield from _values(value, personal=personal)
    elif personal and isinstance(document, str) and "://" not in document:
        yield document


def _pattern(found: Iterable[str]) -> re.Pattern[str] | None:
    long_enough = {value.strip() for value in found if len(value.strip()) >= LEAST_LENGTH}
    if not long_enough:
        return None
    longest_first = sorted(long_enough, key=lambda value: (-len(value), value))
    words = "|".join(re.escape(value) for value in longest_first)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
