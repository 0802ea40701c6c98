"""Landing: what a pull brought in, one batch a window, written by COPY in chunks.

``open_batch`` → ``land`` chunk by chunk → ``finish_batch`` → ``read_checks`` and ``set_verdicts``.
A raw document is kept once however often it is pulled. One order that the database cannot hold
never costs the others their place: it is landed without its content, held, with the reason.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
import psycopg
from sqlalchemy import Connection, text

from include.domain.errors import ConfigurationError, ExpectationFailed, OrderError, WindowError
from include.domain.money import ZERO
from include.domain.order import Order, OrderLine
from include.domain.verdict import Finding
from include.domain.window import Basis, Selection, Window
from include.ports.store import RawOrder
from include.staging.checks import CHECK_COLUMNS

CHUNK = 250
"""Orders in one call of ``land`` that are a good size for memory and speed."""

_MONEY_LIMIT = Decimal(10) ** 12  # the sums of a window have to fit numeric(19, 5) too
_INTEGER_LIMIT = 2**31
_DIGEST_BYTES = 16
_HELD_BYTES = 2047
_FETCHED = 2_000


class BatchState(StrEnum):
    """How far a batch has come."""

    OPEN = "open"
    LANDED = "landed"
    VALIDATED = "validated"
    LOADED = "loaded"
    POSTED = "posted"
    PROVEN = "proven"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Batch:
    """One pull of one window.

    Attributes:
        batch_id: Number of the batch; a later pull has a higher one.
        channel: Channel id.
        run_id: The run that pulled it.
        run_type: scheduled, backfill or manual.
        selection: What the run owns.
        fetched: The range that was asked of the store, overlap included.
        state: How far it has come.
        store_count: Orders the store itself counted in the fetch range, once known.
        owned: Orders listed that the selection owns.
        pulled: Documents fetched.
        normalised: Of those, translated into canonical orders.
        created_at: When the pull began.
    """

    batch_id: int
    channel: str
    run_id: str
    run_type: str
    selection: Selection
    fetched: Window
    state: BatchState
    store_count: int | None
    owned: int
    pulled: int
    normalised: int
    created_at: datetime


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
    totals: tuple[Decimal | None, ...] = (None,) * 6
    checks: tuple[Any, ...] = ()
    verdict: str | None = None
    reason_class: str | None = None
    rule: str | None = None
    field: str | None = None
    message: str | None = None


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


_IDENTITY = ("order_id_store", "order_number", "updated_at")
_CHECKS = tuple(column for column in CHECK_COLUMNS if column.name not in _IDENTITY)
_pick_checks = itemgetter(*(column.name for column in _CHECKS))
_NO_CHECKS = (None,) * len(_CHECKS)
_TOTALS = (
    "original_total",
    "current_total",
    "current_tax",
    "received",
    "refunded",
    "outstanding",
)
# Column and type on the wire. A binary json is its own bytes, so bytes go out as they are.
_COPIED = (
    ("batch_id", "bigint"),
    ("order_id_store", "text"),
    ("order_number", "text"),
    ("updated_at", "timestamptz"),
    ("digest", "bytea"),
    ("document", "bytea"),
    ("canonical", "bytea"),
    ("canonical_digest", "bytea"),
    ("lines", "bytea"),
    ("verdict", "text"),
    ("reason_class", "text"),
    ("rule", "text"),
    ("field", "text"),
    ("message", "text"),
    *((name, "numeric") for name in _TOTALS),
    *((column.name, column.sql_type) for column in _CHECKS),
)
# A binary integer is cut to four bytes without a word: eight go out, the insert checks the range.
_WIRE_TYPES = ["bigint" if wire == "integer" else wire for _, wire in _COPIED]
_COLUMNS = ", ".join(name for name, _ in _COPIED)
_KEPT = [name for name, _ in _COPIED if name != "document"]
_JSON = ("document", "canonical", "lines")
_INCOMING = ", ".join(
    f"{name} {'json' if name in _JSON else wire}"
    for (name, _), wire in zip(_COPIED, _WIRE_TYPES, strict=True)
)
_PREPARE = f"CREATE TEMPORARY TABLE incoming_order ({_INCOMING}) ON COMMIT DELETE ROWS"
_COPY = f"COPY incoming_order ({_COLUMNS}) FROM STDIN (FORMAT binary)"
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


def open_batch(
    connection: Connection,
    channel: str,
    *,
    run_id: str,
    run_type: str,
    selection: Selection,
    fetched: Window,
    store_count: int | None = None,
) -> int:
    """Open the batch of one pull; an attempt of the same run that is still open is superseded.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        run_id: The run that pulls.
        run_type: scheduled, backfill or manual.
        selection: What the run owns.
        fetched: The range that is asked of the store, overlap included.
        store_count: Orders the store itself counts in the fetch range, if known by now.

    Returns:
        The number of the batch.
    """
    connection.execute(
        text(
            "UPDATE landing_batch SET state = 'superseded', changed_at = now()"
            " WHERE channel = :channel AND run_id = :run_id AND state = 'open'"
        ),
        {"channel": channel, "run_id": run_id},
    )
    narrowed = {
        "order_numbers": list(selection.order_numbers),
        "statuses": list(selection.statuses),
    }
    batch_id = connection.scalar(
        text(
            "INSERT INTO landing_batch (channel, run_id, run_type, window_start, window_end,"
            " fetch_start, basis, selection, store_count) VALUES (:channel, :run_id, :run_type,"
            " :window_start, :window_end, :fetch_start, :basis, CAST(:selection AS jsonb),"
            " :store_count) RETURNING batch_id"
        ),
        {
            "channel": channel,
            "run_id": run_id,
            "run_type": run_type,
            "window_start": selection.window.start_at,
            "window_end": selection.window.end_at,
            "fetch_start": fetched.start_at,
            "basis": selection.basis.value,
            "selection": orjson.dumps(narrowed).decode(),
            "store_count": store_count,
        },
    )
    return int(batch_id or 0)


def finish_batch(
    connection: Connection,
    batch_id: int,
    *,
    store_count: int | None,
    owned: int,
    pulled: int,
    normalised: int,
) -> None:
    """Note that everything of the batch is landed.

    Args:
        connection: Open connection; the caller commits.
        batch_id: The batch.
        store_count: Orders the store itself counts in the fetch range.
        owned: Orders listed that the selection owns.
        pulled: Documents fetched.
        normalised: Of those, translated.

    Raises:
        WindowError: A later attempt of the run has taken over.
    """
    done = connection.execute(
        text(
            "UPDATE landing_batch SET state = 'landed', changed_at = now(), owned = :owned,"
            " store_count = coalesce(:store_count, store_count), pulled = :pulled,"
            " normalised = :normalised WHERE batch_id = :batch_id AND state IN ('open', 'landed')"
        ),
        {
            "batch_id": batch_id,
            "store_count": store_count,
            "owned": owned,
            "pulled": pulled,
            "normalised": normalised,
        },
    )
    if done.rowcount != 1:
        raise WindowError(f"batch {batch_id} is not open: a later attempt has taken over")


def set_state(connection: Connection, batch_id: int, state: BatchState) -> None:
    """Note how far the batch has come.

    Args:
        connection: Open connection; the caller commits.
        batch_id: The batch.
        state: Where it stands now.
    """
    connection.execute(
        text(
            "UPDATE landing_batch SET state = :state, changed_at = now()"
            " WHERE batch_id = :batch_id AND state <> :state"
        ),
        {"batch_id": batch_id, "state": state.value},
    )


def read_batch(connection: Connection, batch_id: int) -> Batch:
    """Return the batch.

    Args:
        connection: Open connection.
        batch_id: The batch.

    Raises:
        WindowError: There is no such batch.
    """
    row = connection.execute(
        text(
            "SELECT batch_id, channel, run_id, run_type, window_start, window_end, fetch_start,"
            " basis, selection, store_count, owned, pulled, normalised, state, created_at"
            " FROM landing_batch WHERE batch_id = :batch_id"
        ),
        {"batch_id": batch_id},
    ).one_or_none()
    if row is None:
        raise WindowError(f"there is no batch {batch_id}: run the pull again")
    return Batch(
        batch_id=row.batch_id,
        channel=row.channel,
        run_id=row.run_id,
        run_type=row.run_type,
        selection=Selection(
            Window(row.window_start, row.window_end),
            Basis(row.basis),
            tuple(row.selection["order_numbers"]),
            tuple(row.selection["statuses"]),
        ),
        fetched=Window(row.fetch_start, row.window_end),
        state=BatchState(row.state),
        store_count=row.store_count,
        owned=row.owned,
        pulled=row.pulled,
        normalised=row.normalised,
        created_at=row.created_at,
    )


def landed(raw: RawOrder, order: Order, canonical: bytes, checks: Mapping[str, Any]) -> LandedOrder:
    """Make an order ready to be landed.

    Args:
        raw: The document as the store sent it.
        order: The same, translated.
        canonical: The translated order as JSON.
        checks: One value for each of ``CHECK_COLUMNS``.

    Returns:
        The row for ``land``.

    Raises:
        ExpectationFailed: An amount or a quantity is larger than any order's can be.
    """
    stated = order.stated
    totals = (
        stated.original_total.shop,
        stated.current_total.shop,
        stated.current_tax.shop,
        stated.received.shop,
        stated.refunded.shop,
        stated.outstanding.shop,
    )
    for name, amount in zip(_TOTALS, totals, strict=True):
        _require_sane(order, name, amount, _MONEY_LIMIT)
    lines = orjson.dumps([_line(order, i, line) for i, line in enumerate(order.lines, 1)])
    if b"\\u0000" in lines:
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
        _pick_checks(checks),
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


def _digest(content: bytes) -> bytes:
    # hashlib gives the interpreter away for 2 kB and more, and gets it back from a busy fetching
    # thread only after a switch interval, which lasts a hundred times as long as the digest.
    digest = sha256()
    view = memoryview(content)
    for start in range(0, len(view), _HELD_BYTES):
        digest.update(view[start : start + _HELD_BYTES])
    return digest.digest()[:_DIGEST_BYTES]


def _require_sane(order: Order, name: str, value: Decimal | int, limit: Decimal | int) -> None:
    if not -limit < value < limit:
        raise ExpectationFailed(
            f"order {order.number}: {name} is beyond {limit}: correct the order in the store",
            rule="value_in_range",
            field=name,
        )


def _line(order: Order, position: int, line: OrderLine) -> dict[str, str | int | None]:
    discount = tax = ZERO
    for taken_off in line.discounts:
        discount += taken_off.amount[0]
    for levied in line.taxes:
        tax += levied.current_amount[0]
    _require_sane(order, "quantity", line.quantity, _INTEGER_LIMIT)
    _require_sane(order, "current_quantity", line.current_quantity, _INTEGER_LIMIT)
    _require_sane(order, "unit_price", line.unit_price[0], _MONEY_LIMIT)
    _require_sane(order, "current_price", line.current_price[0], _MONEY_LIMIT)
    return {
        "position": position,
        "line_id": line.line_id,
        "kind": line.kind.value,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "current_quantity": line.current_quantity,
        "unit_price": str(line.unit_price[0]),
        "current_price": str(line.current_price[0]),
        "discount": str(discount),
        "current_tax": str(tax),
    }


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
    connection.execute(text("SET LOCAL synchronous_commit = off"))
    if connection.scalar(text("SELECT to_regclass('pg_temp.incoming_order') IS NULL")):
        connection.execute(text(_PREPARE))
    batch = connection.execute(
        text(
            "SELECT channel, state, EXISTS (SELECT FROM incoming_order) AS is_used"
            " FROM landing_batch WHERE batch_id = :batch_id FOR KEY SHARE"
        ),
        {"batch_id": batch_id},
    ).one_or_none()
    if batch is None or batch.state != BatchState.OPEN:
        raise WindowError(f"batch {batch_id} is not open: a later attempt has taken over")
    if batch.is_used:
        connection.execute(text("TRUNCATE incoming_order"))
    newest: dict[str, LandedOrder] = {}
    for row in rows:
        known = newest.get(row.order_id_store)
        if known is None or row.updated_at >= known.updated_at:
            newest[row.order_id_store] = row
    return _copy(_psycopg(connection), batch.channel, batch_id, list(newest.values()))


def _copy(
    raw_connection: psycopg.Connection[Any],
    channel: str,
    batch_id: int,
    rows: Sequence[LandedOrder],
) -> Landed:
    if not rows:
        return Landed(0, 0)
    with raw_connection.cursor() as cursor:
        cursor.execute("SAVEPOINT land")
        try:
            with cursor.copy(_COPY) as copy:
                copy.set_types(_WIRE_TYPES)
                write = copy.write_row
                for row in rows:
                    write(
                        (batch_id, *row[:4], *row[4:8], *row[10:], *row[8], *(row[9] or _NO_CHECKS))
                    )
            cursor.execute(_KEEP, {"channel": channel})
            orders, documents = cursor.fetchone() or (0, 0)
            cursor.execute("RELEASE SAVEPOINT land")
        except (psycopg.DataError, struct.error, OverflowError) as error:
            cursor.execute("ROLLBACK TO SAVEPOINT land")
            if len(rows) > 1:
                middle = len(rows) // 2
                first = _copy(raw_connection, channel, batch_id, rows[:middle])
                cursor.execute("TRUNCATE incoming_order")
                second = _copy(raw_connection, channel, batch_id, rows[middle:])
                return Landed(
                    first.orders + second.orders,
                    first.documents + second.documents,
                    first.refused + second.refused,
                )
            if rows[0].raw is None:
                raise
            alone = _without_content(rows[0], error)
            result = _copy(raw_connection, channel, batch_id, [alone])
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


def read_checks(
    connection: Connection, batch_id: int, columns: Collection[str] | None = None
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the check columns of every translated order of the batch.

    Args:
        connection: Open connection.
        batch_id: The batch.
        columns: The columns that are wanted beside the order's id and number; all by default. A
            large window takes half the memory when only those that its suite reads are named.

    Returns:
        Column names, in the order of ``CHECK_COLUMNS``, and one tuple an order, by order id. Times
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
    names = tuple(name for name in known if name in wanted)
    rows: list[tuple[Any, ...]] = []
    connection.execute(text("SELECT 1"))
    # Fetched in parts: the whole result as bytes beside the whole result as rows takes twice.
    with _psycopg(connection).cursor("checks", withhold=False) as cursor:
        cursor.execute(
            f"SELECT {', '.join(names)} FROM landing_order"  # noqa: S608 - column names of ours
            " WHERE batch_id = %s AND canonical_digest IS NOT NULL ORDER BY order_id_store",
            (batch_id,),
            binary=True,
        )
        while part := cursor.fetchmany(_FETCHED):
            rows.extend(_sharing(part))
    return names, rows


def _sharing(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield equal rows whose equal values in one column are one object: most columns repeat."""
    columns = []
    for values in zip(*rows, strict=True):
        known: dict[Any, Any] = {}
        columns.append([known.setdefault(value, value) for value in values])
    return zip(*columns, strict=True)


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
