"""Writes a chunk of landed orders by COPY: straight into the tables, or by way of a merge.

One order that the database cannot hold never costs the others their place: it is landed without its
content, held, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import psycopg

from include.staging.copying import (
    DOCUMENT_COLUMNS,
    ORDER_COLUMNS,
    UNFIT,
    EncodedOrder,
    file_of,
)
from include.staging.rows import CARRIED_CHECKS, LandedOrder

# The order's columns, and its document's, as they come in for the merge.
_COPIED = (*ORDER_COLUMNS[:5], ("document", "bytea"), *ORDER_COLUMNS[5:])
# A binary integer is cut to four bytes without a word: eight go out, the insert checks the range.
_WIRE_TYPES = ["bigint" if wire == "integer" else wire for _, wire in _COPIED]
_COLUMNS = ", ".join(name for name, _ in _COPIED)
_KEPT = [name for name, _ in ORDER_COLUMNS]
_JSON = ("document", "canonical", "lines")
_NO_CHECKS = (None,) * len(CARRIED_CHECKS)
_INCOMING = ", ".join(
    f"{name} {'json' if name in _JSON else wire}"
    for (name, _), wire in zip(_COPIED, _WIRE_TYPES, strict=True)
)
_PREPARE = f"CREATE TEMPORARY TABLE incoming_order ({_INCOMING}) ON COMMIT DELETE ROWS"
_COPY = f"COPY incoming_order ({_COLUMNS}) FROM STDIN (FORMAT binary)"
_COPY_DOCUMENTS = (
    f"COPY landing_document ({', '.join(name for name, _ in DOCUMENT_COLUMNS)})"
    " FROM STDIN (FORMAT binary)"
)
_COPY_ORDERS = f"COPY landing_order ({', '.join(_KEPT)}) FROM STDIN (FORMAT binary)"
_KNOWN = """
SELECT order_id_store, updated_at, digest FROM landing_document
WHERE channel = %(channel)s AND order_id_store = ANY(%(ids)b)
UNION ALL
SELECT order_id_store, NULL, NULL FROM landing_order
WHERE batch_id = %(batch_id)s AND order_id_store = ANY(%(ids)b)
"""
_KEEP = f"""
WITH documents AS (
    INSERT INTO landing_document
        (channel, order_id_store, updated_at, digest, order_number, document, batch_id)
    SELECT %(channel)s, order_id_store, updated_at, digest, order_number, document, batch_id
    FROM incoming_order WHERE document IS NOT NULL ORDER BY order_id_store
    ON CONFLICT DO NOTHING
    RETURNING 1
), orders AS (
    INSERT INTO landing_order AS landed ({", ".join(_KEPT)})
    SELECT {", ".join(_KEPT)} FROM incoming_order ORDER BY order_id_store
    ON CONFLICT (batch_id, order_id_store) DO UPDATE
        SET ({", ".join(_KEPT)}) = ROW ({", ".join(f"excluded.{name}" for name in _KEPT)})
        WHERE excluded.updated_at > landed.updated_at
           OR (excluded.updated_at = landed.updated_at AND excluded.digest <> landed.digest)
    RETURNING 1
)
SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM documents)
"""  # noqa: S608 - column names of ours, no values


class Landed(NamedTuple):
    """What one call of ``land`` wrote.

    Attributes:
        orders: Orders of the batch that were written.
        documents: Raw documents that were new.
        refused: Orders the database could not hold; they are landed as held.
    """

    orders: int
    documents: int
    refused: tuple[str, ...] = ()

    def readable(self, rows: Iterable[LandedOrder | EncodedOrder]) -> int:
        """Return how many of the rows that were given are landed with their canonical form.

        Args:
            rows: The chunk, each order once.
        """
        refused = set(self.refused)
        return sum(row.is_readable and row.order_id_store not in refused for row in rows)


def append(
    raw_connection: psycopg.Connection[Any],
    channel: str,
    batch_id: int,
    rows: Sequence[EncodedOrder],
) -> Landed | None:
    """Copy straight into the tables, without the documents that are there.

    Nearly every chunk is new to its batch, and its documents new to landing: no temporary table
    and no merge then. A run beside this one may bring the same document first; that, and a value
    that no column takes, leaves everything to the merge.

    Args:
        raw_connection: In a transaction.
        channel: Channel id.
        batch_id: The open batch.
        rows: Each order once, by order id.

    Returns:
        What was written; ``None`` if nothing, because it has to be merged.
    """
    ids = [row.order_id_store for row in rows]
    known = set()
    with raw_connection.cursor() as cursor:
        # Planned afresh: a plan made while the tables were small would go on reading them whole.
        values = {"channel": channel, "batch_id": batch_id, "ids": ids}
        for order_id, version, digest in cursor.execute(_KNOWN, values, prepare=False):
            if version is None:  # the order itself is in the batch
                return None
            known.add((order_id, version, bytes(digest)))
        documents = [
            row.document
            for row in rows
            if row.document is not None
            and (row.order_id_store, row.updated_at, row.digest) not in known
        ]
        cursor.execute("SAVEPOINT append")
        try:
            for statement, encoded in (
                (_COPY_DOCUMENTS, documents),
                (_COPY_ORDERS, [row.order for row in rows]),
            ):
                if encoded:
                    with cursor.copy(statement) as copy:
                        copy.write(file_of(encoded))
        except (psycopg.errors.UniqueViolation, psycopg.DataError):
            cursor.execute("ROLLBACK TO SAVEPOINT append")
            return None
        cursor.execute("RELEASE SAVEPOINT append")
    return Landed(len(rows), len(documents))


def merge(
    raw_connection: psycopg.Connection[Any],
    channel: str,
    batch_id: int,
    rows: Sequence[LandedOrder],
) -> Landed:
    """Copy into a temporary table and merge; what cannot be held is found by halving.

    Args:
        raw_connection: In a transaction.
        channel: Channel id.
        batch_id: The open batch.
        rows: Each order once, by order id.
    """
    if not rows:
        return Landed(0, 0)
    with raw_connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.incoming_order') IS NULL")
        if (cursor.fetchone() or (True,))[0]:
            cursor.execute(_PREPARE)
        cursor.execute("SAVEPOINT land")
        try:
            cursor.execute("DELETE FROM incoming_order")
            with cursor.copy(_COPY) as copy:
                copy.set_types(_WIRE_TYPES)
                write = copy.write_row
                for row in rows:
                    checks = row.checks or _NO_CHECKS
                    write((batch_id, *row[:8], *row[10:15], *row.totals, *checks, row[15]))
            cursor.execute(_KEEP, {"channel": channel})
            orders, documents = cursor.fetchone() or (0, 0)
            cursor.execute("RELEASE SAVEPOINT land")
        except (psycopg.DataError, *UNFIT) as error:
            cursor.execute("ROLLBACK TO SAVEPOINT land")
            if len(rows) > 1:
                middle = len(rows) // 2
                first = merge(raw_connection, channel, batch_id, rows[:middle])
                second = merge(raw_connection, channel, batch_id, rows[middle:])
                return Landed(
                    first.orders + second.orders,
                    first.documents + second.documents,
                    first.refused + second.refused,
                )
            if rows[0].raw is None:
                raise
            alone = _without_content(rows[0], error)
            result = merge(raw_connection, channel, batch_id, [alone])
            return result._replace(refused=(alone.order_id_store,))
    return Landed(orders, documents)


def _without_content(row: LandedOrder, error: Exception) -> LandedOrder:
    # The server's words may quote the value, and with it personal data: only its code is kept.
    code = getattr(error, "sqlstate", None) or type(error).__name__
    return LandedOrder(
        row.order_id_store.replace("\x00", "\ufffd"),
        row.order_number.replace("\x00", "\ufffd"),
        row.updated_at,
        row.digest,
        None,
        verdict="hold",
        reason_class="value",
        rule="value_in_range",
        field="",
        message=(
            f"order {row.order_number}: the database cannot hold one of its values ({code}): look "
            "for an amount beyond all measure or a control character, correct it in the store"
        ).replace("\x00", "\ufffd"),
    )
