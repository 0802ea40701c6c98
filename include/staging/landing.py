"""Landing: the orders that a pull brought in, written into its batch by COPY in chunks.

``batches.open_batch`` → ``land`` chunk by chunk → ``batches.finish_batch`` → ``read_checks`` and
``set_verdicts``.
A raw document is kept once however often it is pulled. One order that the database cannot hold
never costs the others their place: it is landed without its content, held, with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import orjson
import psycopg
from sqlalchemy import Connection, text

from include.domain.columns import Rows
from include.domain.errors import ConfigurationError, WindowError
from include.domain.verdict import Finding
from include.ports.store import RawOrder
from include.staging.batches import BatchState
from include.staging.bulk import Landed, append, merge
from include.staging.by_column import Source, read_by_column
from include.staging.checks import CHECK_COLUMNS
from include.staging.copying import UNFIT, EncodedOrder, encode
from include.staging.rows import LandedOrder

CHUNK = 250
"""Orders in one call of ``land`` that are a good size for memory and speed."""

_READ_AT_ONCE = 2_000
_CHECKED = Source(
    "landing_order", "batch_id = %(batch_id)s AND canonical_digest IS NOT NULL", "order_id_store"
)


class BatchOrder(NamedTuple):
    """One order of a batch, without its content.

    Attributes:
        order_id_store: The store's id.
        order_number: The number people use.
        updated_at: Version that the batch pulled.
        currency: Shop currency, ``None`` when it could not be translated.
        current_total: Total after returns in shop currency, likewise.
        verdict: ``hold``, ``warn`` or ``None``.
        staged_version: Version that staging holds, ``None`` when it holds none.
    """

    order_id_store: str
    order_number: str
    updated_at: datetime
    currency: str | None
    current_total: Decimal | None
    verdict: str | None
    staged_version: datetime | None


def land(connection: Connection, batch_id: int, rows: Sequence[LandedOrder]) -> Landed:
    """Copy one chunk of orders into the batch: raw documents that are new, and the orders.

    An order that is in the chunk or the batch already is replaced by a newer version only. The
    transaction does not wait for the disk; the commit that loads the batch does.

    Args:
        connection: Open connection; the caller commits, a chunk at a time.
        batch_id: The batch.
        rows: About ``CHUNK`` orders.

    Returns:
        What was written.

    Raises:
        WindowError: The batch is not open: a later attempt has taken over.
    """
    channel = _open_channel(connection, batch_id)
    chunk = _newest(rows)
    raw_connection = _psycopg(connection)
    try:
        encoded = [encode(channel, batch_id, row) for row in chunk]
    except UNFIT:
        return merge(raw_connection, channel, batch_id, chunk)
    done = append(raw_connection, channel, batch_id, encoded)
    return done or merge(raw_connection, channel, batch_id, chunk)


def land_encoded(
    connection: Connection, batch_id: int, rows: Sequence[EncodedOrder]
) -> Landed | None:
    """Copy one chunk of orders that were encoded elsewhere, if nothing stands in its way.

    Args:
        connection: Open connection; the caller commits, a chunk at a time.
        batch_id: The batch that the rows were encoded for.
        rows: About ``CHUNK`` orders.

    Returns:
        What was written, or ``None`` where the chunk takes more care: it goes to ``land`` then.

    Raises:
        WindowError: The batch is not open: a later attempt has taken over.
    """
    channel = _open_channel(connection, batch_id)
    return append(_psycopg(connection), channel, batch_id, _newest(rows))


def _open_channel(connection: Connection, batch_id: int) -> str:
    """Return the channel of an open batch, and keep the batch from being taken over meanwhile."""
    batch = connection.execute(
        text(
            "SELECT channel, state, set_config('synchronous_commit', 'off', true)"
            " FROM landing_batch WHERE batch_id = :batch_id FOR KEY SHARE"
        ),
        {"batch_id": batch_id},
    ).one_or_none()
    if batch is None or batch.state != BatchState.OPEN:
        raise WindowError(f"batch {batch_id} is not open: a later attempt has taken over")
    return str(batch.channel)


_Row = TypeVar("_Row", LandedOrder, EncodedOrder)


def _newest(rows: Iterable[_Row]) -> list[_Row]:
    """Return the newest version of each order, by order id: two writers take the same turns."""
    newest: dict[str, _Row] = {}
    for row in rows:
        known = newest.get(row.order_id_store)
        if known is None or row.updated_at >= known.updated_at:
            newest[row.order_id_store] = row
    return [newest[order_id] for order_id in sorted(newest)]


def read_checks(
    connection: Connection, batch_id: int, columns: Collection[str] | None = None
) -> tuple[tuple[str, ...], Rows]:
    """Return the check columns of every translated order of the batch.

    Args:
        connection: Open connection.
        batch_id: The batch.
        columns: The columns that are wanted beside the order's id and number; all by default. A
            large window takes half the memory when only those that its suite reads are named.

    Returns:
        Column names, in the order of ``CHECK_COLUMNS``, and one row an order, by order id. Times
        are aware UTC, rates are Decimal.

    Raises:
        ConfigurationError: A wanted column is not one of ``CHECK_COLUMNS``.
    """
    known = [column.name for column in CHECK_COLUMNS]
    wanted = set(known) if columns is None else {*columns, "order_id_store", "order_number"}
    unknown = sorted(wanted.difference(known))
    if unknown:
        raise ConfigurationError(
            f"there is no check column {', '.join(unknown)}; there are {', '.join(known)}"
        )
    kinds = {column.name: column.sql_type for column in CHECK_COLUMNS if column.name in wanted}
    rows = Rows(len(kinds))
    connection.execute(text("SELECT 1"))
    # In parts: the whole result as bytes beside the whole result as rows takes twice.
    for part in read_by_column(
        _psycopg(connection), kinds, _CHECKED, {"batch_id": batch_id}, size=_READ_AT_ONCE
    ):
        rows.append(part)
    return tuple(kinds), rows


def _fetch(connection: Connection, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    connection.execute(text("SELECT 1"))
    with _psycopg(connection).cursor(binary=True) as cursor:
        return cursor.execute(query, values).fetchall()


def _psycopg(connection: Connection) -> psycopg.Connection[Any]:
    raw_connection = connection.connection.driver_connection
    if not isinstance(raw_connection, psycopg.Connection):
        raise TypeError(f"landing needs psycopg 3, not {type(raw_connection).__name__}")
    return raw_connection


def read_faults(connection: Connection, batch_id: int) -> list[Finding]:
    """Return why orders of the batch could not be translated, or do not tie.

    Args:
        connection: Open connection.
        batch_id: The batch.
    """
    rows = connection.execute(
        text(
            "SELECT order_id_store, order_number, reason_class, rule, field, message"
            " FROM landing_order WHERE batch_id = :batch_id AND rule IS NOT NULL"
            " ORDER BY order_id_store"
        ),
        {"batch_id": batch_id},
    )
    return [
        Finding(
            order_id_store=row.order_id_store,
            order_number=row.order_number,
            reason_class=row.reason_class,
            rule=row.rule,
            message=row.message,
            field=row.field or "",
        )
        for row in rows
    ]


def set_verdicts(
    connection: Connection,
    batch_id: int,
    *,
    held: Iterable[str] = (),
    warned: Iterable[str] = (),
) -> None:
    """Write the verdicts of the batch, replacing earlier ones; no row means nothing was found.

    An order that could not be translated or does not tie stays held whatever is said here.

    Args:
        connection: Open connection; the caller commits.
        batch_id: The batch.
        held: Store ids of the orders to hold back.
        warned: Store ids of the orders that pass with a warning.
    """
    connection.execute(
        text(
            "UPDATE landing_order AS o SET verdict = v.verdict"
            " FROM (SELECT p.order_id_store, CASE WHEN p.order_id_store = ANY(:held) THEN 'hold'"
            "        WHEN p.order_id_store = ANY(:warned) THEN 'warn' END AS verdict"
            "       FROM landing_order AS p WHERE p.batch_id = :batch_id"
            "        AND p.rule IS NULL AND (p.verdict IS NOT NULL"
            "         OR p.order_id_store = ANY(:held) OR p.order_id_store = ANY(:warned))) AS v"
            " WHERE o.batch_id = :batch_id AND o.order_id_store = v.order_id_store"
            "  AND o.verdict IS DISTINCT FROM v.verdict"
        ),
        {"batch_id": batch_id, "held": list(held), "warned": list(warned)},
    )


def read_canonical(connection: Connection, batch_id: int) -> Iterator[dict[str, Any]]:
    """Yield the canonical documents of the batch's orders that are not held, oldest first.

    Args:
        connection: Open connection.
        batch_id: The batch.
    """
    rows = connection.execute(
        text(
            "SELECT canonical FROM landing_order WHERE batch_id = :batch_id"
            " AND canonical_digest IS NOT NULL AND verdict IS DISTINCT FROM 'hold'"
            " ORDER BY placed_at, order_id_store"
        ),
        {"batch_id": batch_id},
        execution_options={"yield_per": CHUNK},
    )
    for row in rows:
        yield row.canonical


def read_batch_orders(connection: Connection, batch_id: int) -> list[BatchOrder]:
    """Return every order of the batch, without its content, by order id.

    Args:
        connection: Open connection.
        batch_id: The batch.
    """
    return [
        BatchOrder(*row)
        for row in _fetch(
            connection,
            "SELECT o.order_id_store, o.order_number, o.updated_at, o.currency, o.current_total,"
            " o.verdict, s.updated_at FROM landing_batch AS b"
            " JOIN landing_order AS o USING (batch_id) LEFT JOIN staged_order AS s"
            "  ON s.channel = b.channel AND s.order_id_store = o.order_id_store"
            " WHERE b.batch_id = %s ORDER BY o.order_id_store",
            (batch_id,),
        )
    ]


def read_documents(
    connection: Connection, channel: str, order_ids: Sequence[str]
) -> Iterator[RawOrder]:
    """Yield the newest raw document of each order that is still kept, for a replay.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_ids: Store ids.
    """
    rows = connection.execute(
        text(
            "SELECT DISTINCT ON (order_id_store) order_id_store, order_number, updated_at,"
            " CAST(document AS text) AS body FROM landing_document"
            " WHERE channel = :channel AND order_id_store = ANY(:order_ids)"
            " ORDER BY order_id_store, updated_at DESC, landed_at DESC"
        ),
        {"channel": channel, "order_ids": list(order_ids)},
    )
    for row in rows:
        body = row.body.encode()
        yield RawOrder(
            row.order_id_store, row.order_number, row.updated_at, body, orjson.loads(body)
        )
