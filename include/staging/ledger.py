"""The document ledger in the database: what was sent to the ERP, and how far it came.

Commit after ``mark_sending`` and before the call: an entry found in ``sending`` later is looked up
in the ERP before anything is sent again. ``posted`` is final; every statement here guards it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, text

from include.domain import content_codec
from include.domain.content import Content
from include.domain.document import (
    DocumentKey,
    DocumentKind,
    RemoteDocument,
    RemoteState,
)
from include.domain.ledger import DocumentState, LedgerEntry, OrderLedger


@dataclass(frozen=True, slots=True)
class PlannedEntry:
    """One document that is going to be posted, as the ledger notes it.

    Attributes:
        key: Natural key.
        order_number: The number people use, which the ERP's reference carries.
        total: Amount of the document.
        currency: ISO 4217 code.
        digest: Digest of the payload.
        order_version: The order's ``updated_at`` that it was planned from, ISO text.
        line_count: Lines of the document.
        paid: Payments on the document.
        back_ordered: Units that wait for stock.
        content: What the document books.
        document_on: Its day, in the shop's time zone.
        based_on: The document it continues, changes, credits or voids.
    """

    key: DocumentKey
    order_number: str
    total: Decimal
    currency: str
    digest: str = ""
    order_version: str = ""
    line_count: int = 0
    paid: Decimal = Decimal(0)
    back_ordered: Decimal = Decimal(0)
    content: Content | None = None
    document_on: date | None = None
    based_on: DocumentKey | None = None


_PLANNED = (
    ("channel", "text"),
    ("order_id_store", "text"),
    ("kind", "text"),
    ("sequence", "integer"),
    ("order_number", "text"),
    ("total", "numeric"),
    ("currency", "text"),
    ("digest", "text"),
    ("order_version", "text"),
    ("line_count", "integer"),
    ("paid", "numeric"),
    ("back_ordered", "numeric"),
    ("content", "json"),
    ("document_on", "date"),
    ("based_on", "text"),
)
_NAMES = ", ".join(name for name, _ in _PLANNED)
_FROM_PLANNED = (
    f"unnest({', '.join(f'CAST(:{name} AS {kind}[])' for name, kind in _PLANNED)}) AS p ({_NAMES})"
)
_TAKE_OVER = ", ".join(f"{name} = excluded.{name}" for name, _ in _PLANNED[4:])
_MARK = f"""
INSERT INTO erp_document AS e ({_NAMES}, batch_id, state, tries, sending_at)
SELECT {", ".join(f"p.{name}" for name, _ in _PLANNED)},
       CAST(:batch_id AS bigint), 'sending', 1, clock_timestamp()
FROM {_FROM_PLANNED}
ORDER BY p.channel, p.order_id_store, p.kind, p.sequence
ON CONFLICT (channel, order_id_store, kind, sequence) DO UPDATE SET {_TAKE_OVER},
    batch_id = excluded.batch_id, state = excluded.state, updated_at = clock_timestamp(),
    tries = e.tries + 1, sending_at = excluded.sending_at, error = NULL
WHERE e.state <> 'posted'
RETURNING channel, order_id_store, kind, sequence
"""  # noqa: S608 - column names of ours, no values
_FROM_KEYS = (
    "unnest(CAST(:channel AS text[]), CAST(:order_id_store AS text[]), CAST(:kind AS text[]),"
    " CAST(:sequence AS integer[])"
)

UNNEEDED = (
    "It never reached the ERP, and the order needs it no more: it is sent again if that changes."
)


def mark_sending(
    connection: Connection, entries: Sequence[PlannedEntry], batch_id: int
) -> set[DocumentKey]:
    """Note documents as being sent: commit, then call.

    The caller holds the posting lock and has looked up those that were ``sending`` before.

    Args:
        connection: Open connection; the caller commits before it calls the ERP.
        entries: What is going to be sent.
        batch_id: The batch that asks for it.

    Returns:
        The keys that may be sent; the rest is posted already.
    """
    if not entries:
        return set()
    rows = connection.execute(
        text(_MARK),
        {
            **_keys(entry.key for entry in entries),
            "order_number": [entry.order_number for entry in entries],
            "total": [entry.total for entry in entries],
            "currency": [entry.currency for entry in entries],
            "digest": [entry.digest for entry in entries],
            "order_version": [entry.order_version for entry in entries],
            "line_count": [entry.line_count for entry in entries],
            "paid": [entry.paid for entry in entries],
            "back_ordered": [entry.back_ordered for entry in entries],
            "content": [_content_text(entry.content) for entry in entries],
            "document_on": [entry.document_on for entry in entries],
            "based_on": [_spelled(entry.based_on) for entry in entries],
            "batch_id": batch_id,
        },
    )
    return {_key_of(row) for row in rows}


def mark_posted(connection: Connection, remotes: Sequence[RemoteDocument]) -> set[DocumentKey]:
    """Note what the ERP holds. The ERP's word wins over every state of ours but ``posted``.

    An entry that is posted already only takes over the ERP's state of the very same document and
    the units that wait for stock in it.

    Args:
        connection: Open connection; the caller commits.
        remotes: Documents as the ERP shows them.

    Returns:
        The keys of entries that are posted under that reference now. A key that is missing from it
        has no entry, or is posted under another reference: a doubled document.
    """
    if not remotes:
        return set()
    rows = connection.execute(
        text(
            "UPDATE erp_document AS e SET state = 'posted', reference = r.reference,"  # noqa: S608
            " remote_state = r.remote_state, back_ordered = r.back_ordered, error = NULL,"
            " updated_at = clock_timestamp(),"
            " posted_at = coalesce(e.posted_at, clock_timestamp())"
            f" FROM {_FROM_KEYS},"
            "  CAST(:reference AS text[]), CAST(:remote_state AS text[]),"
            "  CAST(:back_ordered AS numeric[])) AS r (channel, order_id_store, kind, sequence,"
            "   reference, remote_state, back_ordered)"
            " WHERE e.channel = r.channel AND e.order_id_store = r.order_id_store"
            "  AND e.kind = r.kind AND e.sequence = r.sequence"
            "  AND (e.state <> 'posted' OR e.reference = r.reference)"
            " RETURNING e.channel, e.order_id_store, e.kind, e.sequence"
        ),
        {
            **_keys(remote.key for remote in remotes),
            "reference": [remote.reference for remote in remotes],
            "remote_state": [remote.state.value for remote in remotes],
            "back_ordered": [remote.back_ordered for remote in remotes],
        },
    )
    return {_key_of(row) for row in rows}


def correct_contents(
    connection: Connection, contents: Sequence[tuple[DocumentKey, Content]]
) -> None:
    """Note what posted documents hold where the ERP took them otherwise than they were sent.

    Args:
        connection: Open connection; the caller commits.
        contents: Pairs of natural key and what the ERP holds.
    """
    if not contents:
        return
    connection.execute(
        text(
            "UPDATE erp_document AS e SET content = r.content"  # noqa: S608
            f" FROM {_FROM_KEYS}, CAST(:content AS json[]))"
            "  AS r (channel, order_id_store, kind, sequence, content)"
            " WHERE e.channel = r.channel AND e.order_id_store = r.order_id_store"
            "  AND e.kind = r.kind AND e.sequence = r.sequence AND e.state = 'posted'"
        ),
        {
            **_keys(key for key, _ in contents),
            "content": [_content_text(content) for _, content in contents],
        },
    )


def mark_refused(
    connection: Connection, refusals: Sequence[tuple[DocumentKey, str]]
) -> set[DocumentKey]:
    """Note documents that the ERP refused for good, with its reason.

    Args:
        connection: Open connection; the caller commits.
        refusals: Pairs of natural key and the reason in words.

    Returns:
        The keys that are refused now; a posted one never is.
    """
    if not refusals:
        return set()
    rows = connection.execute(
        text(
            "UPDATE erp_document AS e SET state = 'refused', error = r.error,"  # noqa: S608
            " updated_at = clock_timestamp()"
            f" FROM {_FROM_KEYS}, CAST(:error AS text[]))"
            "  AS r (channel, order_id_store, kind, sequence, error)"
            " WHERE e.channel = r.channel AND e.order_id_store = r.order_id_store"
            "  AND e.kind = r.kind AND e.sequence = r.sequence AND e.state <> 'posted'"
            " RETURNING e.channel, e.order_id_store, e.kind, e.sequence"
        ),
        {**_keys(key for key, _ in refusals), "error": [words for _, words in refusals]},
    )
    return {_key_of(row) for row in rows}


def mark_unneeded(connection: Connection, keys: Sequence[DocumentKey]) -> int:
    """Note documents that the ERP does not hold and that their orders need no more.

    Such an entry is not being sent: it is neither looked up nor waits for anything. An order that
    needs the document again sends it anew. One that was sent less than an hour ago is looked up
    further: a call that broke off may still arrive.

    Args:
        connection: Open connection; the caller commits.
        keys: Natural keys; a posted one stays as it is.

    Returns:
        How many were given up just now.
    """
    if not keys:
        return 0
    return connection.execute(
        text(
            "UPDATE erp_document AS e SET state = 'refused', sending_at = NULL,"  # noqa: S608
            " error = coalesce(e.error, :words), updated_at = clock_timestamp()"
            f" FROM {_FROM_KEYS}) AS k (channel, order_id_store, kind, sequence)"
            " WHERE e.channel = k.channel AND e.order_id_store = k.order_id_store"
            "  AND e.kind = k.kind AND e.sequence = k.sequence AND e.sending_at IS NOT NULL"
            "  AND (e.state = 'refused' OR (e.state = 'sending'"
            "   AND e.sending_at < clock_timestamp() - interval '1 hour'))"
        ),
        {**_keys(keys), "words": UNNEEDED},
    ).rowcount


_READ = (
    "SELECT channel, order_id_store, kind, sequence, order_number, state, total, currency,"
    " digest, order_version, reference, line_count, paid, back_ordered, remote_state, content,"
    " document_on, based_on"
    " FROM erp_document"
)


def ledgers_for(
    connection: Connection, channel: str, order_ids: Sequence[str]
) -> dict[str, OrderLedger]:
    """Return what the ledger knows of orders; one without entries is left out.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_ids: Store ids.
    """
    rows = connection.execute(
        text(f"{_READ} WHERE channel = :channel AND order_id_store = ANY(:order_ids)"),
        {"channel": channel, "order_ids": list(order_ids)},
    )
    found: dict[str, dict[tuple[DocumentKind, int], LedgerEntry]] = {}
    for row in rows:
        entry = _entry_of(row)
        found.setdefault(row.order_id_store, {})[entry.key.kind, entry.key.sequence] = entry
    return {order_id: OrderLedger(entries) for order_id, entries in found.items()}


def waiting_orders(connection: Connection, channel: str, *, limit: int = 500) -> list[str]:
    """Return staged orders that wait for something that may have changed since.

    These are orders held at posting (a mapping row, the ERP's refusal, stock), those with a
    document that was begun and is not posted, and back-ordered ones. An order that people wrote
    off waits for nothing unless a document of it may have been sent, and one whose newest version
    is held by validation for the store.

    Args:
        connection: Open connection.
        channel: Channel id.
        limit: Most orders to return; those that are held come first, then the longest untouched.
    """
    rows = connection.scalars(
        text(
            "SELECT s.order_id_store FROM staged_order AS s JOIN ("
            " SELECT order_id_store, 0 AS turn, min(last_seen_at) AS touched_at,"
            "  false AS is_unsure FROM quarantine"
            "  WHERE channel = :channel AND state = 'open' AND reason_class IN"
            "   ('missing_mapping', 'refused_by_erp', 'erp_busy', 'short_stock', 'closed_period',"
            "    'approval', 'risk')"
            "  GROUP BY order_id_store"
            " UNION ALL SELECT order_id_store, 1, min(updated_at), bool_or(state = 'sending')"
            "  FROM erp_document AS e"
            "  WHERE channel = :channel AND ((state <> 'posted' AND sending_at IS NOT NULL)"
            "   OR (state = 'posted' AND back_ordered > 0 AND NOT EXISTS (SELECT"
            "    FROM erp_document AS i"
            "    WHERE i.channel = e.channel AND i.order_id_store = e.order_id_store"
            "     AND ((i.kind = 'void' AND i.sequence = 1)"
            "     OR (i.kind = 'order_change' AND i.state = 'posted'"
            "      AND (e.kind = 'sales_order' OR i.sequence > e.sequence))))))"
            "  GROUP BY order_id_store"
            ") AS w USING (order_id_store) WHERE s.channel = :channel"
            " AND NOT EXISTS (SELECT FROM quarantine AS q WHERE q.channel = :channel"
            "  AND q.order_id_store = s.order_id_store AND q.severity = 'critical'"
            "  AND ((q.written_off IS NOT NULL AND NOT w.is_unsure)"
            "   OR (q.state = 'open' AND q.reason_class IN"
            "   ('value', 'contract_drift', 'unbalanced', 'duplicate'))))"
            " GROUP BY s.order_id_store"
            " ORDER BY min(w.turn), min(w.touched_at), s.order_id_store LIMIT :limit"
        ),
        {"channel": channel, "limit": limit},
    )
    return list(rows)


def unfinished(
    connection: Connection, channel: str, *, limit: int = 10_000
) -> list[tuple[LedgerEntry, str]]:
    """Return entries found in ``sending``: look each up in the ERP before it is sent again.

    Args:
        connection: Open connection.
        channel: Channel id.
        limit: Most entries to return.

    Returns:
        Pairs of entry and order number, oldest first.
    """
    rows = connection.execute(
        text(
            f"{_READ} WHERE channel = :channel AND state = 'sending'"
            " ORDER BY sending_at, order_id_store, kind, sequence LIMIT :limit"
        ),
        {"channel": channel, "limit": limit},
    )
    return [(_entry_of(row), row.order_number) for row in rows]


def _entry_of(row: Any) -> LedgerEntry:
    return LedgerEntry(
        key=_key_of(row),
        state=DocumentState(row.state),
        total=row.total,
        currency=row.currency,
        digest=row.digest,
        order_version=row.order_version,
        reference=row.reference,
        line_count=row.line_count,
        paid=row.paid,
        back_ordered=row.back_ordered,
        remote_state=RemoteState(row.remote_state) if row.remote_state else None,
        content=None if row.content is None else content_codec.from_document(row.content),
        document_on=row.document_on,
        based_on=_based_on(row),
    )


def _spelled(key: DocumentKey | None) -> str | None:
    return None if key is None else f"{key.kind}:{key.sequence}"


def _based_on(row: Any) -> DocumentKey | None:
    if row.based_on is None:
        return None
    kind, sequence = row.based_on.split(":")
    return DocumentKey(row.channel, row.order_id_store, DocumentKind(kind), int(sequence))


def _content_text(content: Content | None) -> str | None:
    if content is None:
        return None
    return orjson.dumps(content_codec.to_document(content)).decode()


def _key_of(row: Any) -> DocumentKey:
    return DocumentKey(row.channel, row.order_id_store, DocumentKind(row.kind), row.sequence)


def _keys(keys: Iterable[DocumentKey]) -> dict[str, list[Any]]:
    listed = list(keys)
    return {
        "channel": [key.channel for key in listed],
        "order_id_store": [key.order_id_store for key in listed],
        "kind": [key.kind.value for key in listed],
        "sequence": [key.sequence for key in listed],
    }
