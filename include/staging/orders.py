"""Staged orders: the newest valid version of each order, and its lines.

A version is the store's own ``updated_at``. A newer one replaces, an older one never does, and the
same one again changes nothing, so any window can be replayed at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from include.domain.errors import WindowError
from include.staging import amendments
from include.staging.batches import BatchState


class Loaded(NamedTuple):
    """What loading a batch did.

    Attributes:
        added: Orders staged for the first time.
        changed: Orders replaced by a newer version.
        unchanged: Orders that staging held already, in this version or a newer one.
        held: Orders that were held back.
    """

    added: int
    changed: int
    unchanged: int
    held: int


_CARRIED = (
    "order_id_store, order_number, updated_at, placed_at, cancelled_at, currency,"
    " presentment_currency, original_total, current_total, current_tax, received, refunded,"
    " outstanding, financial_status, fulfillment_status, program, is_test, line_count,"
    " customer_id_store"
)
_REPLACED = (
    *(name.strip() for name in _CARRIED.split(",")[1:]),
    "document",
    "document_digest",
    "batch_id",
)
_COUNT = """
SELECT count(*), count(*) FILTER (WHERE o.verdict = 'hold'), count(s.order_id_store)
FROM landing_order AS o LEFT JOIN staged_order AS s
  ON s.channel = :channel AND s.order_id_store = o.order_id_store
WHERE o.batch_id = :batch_id
"""
_VALID = (
    "o.batch_id = :batch_id AND o.canonical_digest IS NOT NULL"
    " AND o.verdict IS DISTINCT FROM 'hold'"
)
# The same version with other content (the store changed it without a new version, or we translate
# better than we did) counts as newer when a later pull brought it.
_KNOW = f"""
CREATE TEMPORARY TABLE known_order ON COMMIT DROP AS
SELECT o.order_id_store,
       o.updated_at > s.updated_at
       OR (o.updated_at = s.updated_at AND o.canonical_digest <> s.document_digest
           AND o.batch_id > s.batch_id) AS is_newer
FROM landing_order AS o
JOIN staged_order AS s ON s.channel = :channel AND s.order_id_store = o.order_id_store
WHERE {_VALID}
"""  # noqa: S608 - column names of ours, no values
_KNOWN = "SELECT FROM known_order AS k WHERE k.order_id_store = o.order_id_store"
_STAGE = f"""
INSERT INTO staged_order AS staged
    (channel, {_CARRIED}, document, document_digest, batch_id_first, batch_id)
SELECT :channel, {_CARRIED}, canonical, canonical_digest, batch_id, batch_id
FROM landing_order AS o WHERE {_VALID}
"""  # noqa: S608 - column names of ours, no values
_STAGE_LINES = f"""
INSERT INTO staged_order_line
    (channel, order_id_store, position, line_id, kind, sku, title, quantity, current_quantity,
     unit_price, current_price, discount, current_tax)
SELECT :channel, o.order_id_store, l.*
FROM landing_order AS o CROSS JOIN LATERAL json_to_recordset(o.lines) AS l (
    position integer, line_id text, kind text, sku text, title text, quantity integer,
    current_quantity integer, unit_price numeric, current_price numeric, discount numeric,
    current_tax numeric)
WHERE {_VALID}
"""  # noqa: S608 - column names of ours, no values
_REPLACE = f"""
{_STAGE} AND EXISTS ({_KNOWN} AND k.is_newer)
ORDER BY order_id_store
ON CONFLICT (channel, order_id_store) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _REPLACED)}, changed_at = now()
    WHERE excluded.updated_at > staged.updated_at
       OR (excluded.updated_at = staged.updated_at
           AND excluded.document_digest <> staged.document_digest
           AND excluded.batch_id > staged.batch_id)
RETURNING order_id_store
"""  # noqa: S608 - column names of ours, no values
_FORGET_LINES = """
DELETE FROM staged_order_line WHERE channel = :channel AND order_id_store = ANY(:changed)
"""
_REPLACE_LINES = f"{_STAGE_LINES} AND o.order_id_store = ANY(:changed)"


def load_batch(connection: Connection, batch_id: int) -> Loaded:
    """Stage every order of the batch that is not held, as sets, and note the batch as loaded.

    Loaders of one channel take turns, so what one finds missing in staging stays missing until it
    has added it.

    Args:
        connection: Open connection; the caller commits.
        batch_id: The batch.

    Returns:
        What was staged.

    Raises:
        WindowError: There is no such batch.
    """
    channel = connection.scalar(
        text("SELECT channel FROM landing_batch WHERE batch_id = :batch_id FOR NO KEY UPDATE"),
        {"batch_id": batch_id},
    )
    if channel is None:
        raise WindowError(f"there is no batch {batch_id}: run the pull again")
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"counterfoil:load:{channel}"},
    )
    values = {"channel": channel, "batch_id": batch_id}
    total, held, known = connection.execute(text(_COUNT), values).one()
    unknown = ""
    if known:
        connection.execute(text("DROP TABLE IF EXISTS pg_temp.known_order"))
        connection.execute(text(_KNOW), values)
        connection.execute(text("ANALYZE known_order"))
        unknown = f"AND NOT EXISTS ({_KNOWN})"
    # A plain insert takes two thirds of the time of one that is ready for a conflict. What is known
    # was looked up before: a search of the very table that grows meanwhile may take for ever.
    added = connection.execute(text(_STAGE + unknown), values).rowcount
    connection.execute(text(_STAGE_LINES + unknown), values)
    changed = list(connection.scalars(text(_REPLACE), values)) if known else []
    if changed:
        for statement in (_FORGET_LINES, _REPLACE_LINES):
            connection.execute(text(statement), {**values, "changed": changed})
    connection.execute(
        text(
            "UPDATE landing_batch SET state = :state, changed_at = now()"
            " WHERE batch_id = :batch_id AND state IN ('open', 'landed', 'validated')"
        ),
        {**values, "state": BatchState.LOADED.value},
    )
    return Loaded(added, len(changed), total - held - added - len(changed), held)


def read_orders(
    connection: Connection, channel: str, order_ids: Sequence[str]
) -> list[tuple[str, dict[str, Any]]]:
    """Return canonical orders by order id, with what people filled in; absent ones are left out.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_ids: Store ids, a few hundred at a time.
    """
    rows = connection.execute(
        text(
            "SELECT order_id_store, document FROM staged_order"
            " WHERE channel = :channel AND order_id_store = ANY(:order_ids)"
            " ORDER BY order_id_store"
        ),
        {"channel": channel, "order_ids": list(order_ids)},
    )
    documents = [(row.order_id_store, row.document) for row in rows]
    return list(amendments.filled_in(connection, channel, documents))


def order_ids_in_batch(
    connection: Connection, batch_id: int, *, chunk: int = 250
) -> Iterator[list[str]]:
    """Yield the ids of the batch's orders that are staged and not held, in chunks, by order id.

    Args:
        connection: Open connection.
        batch_id: The batch.
        chunk: Ids in one list.
    """
    ids = list(
        connection.scalars(
            text(
                "SELECT o.order_id_store FROM landing_batch AS b"
                " JOIN landing_order AS o USING (batch_id)"
                " JOIN staged_order AS s"
                "  ON s.channel = b.channel AND s.order_id_store = o.order_id_store"
                " WHERE b.batch_id = :batch_id AND o.verdict IS DISTINCT FROM 'hold'"
                " ORDER BY o.order_id_store"
            ),
            {"batch_id": batch_id},
        )
    )
    for start in range(0, len(ids), chunk):
        yield ids[start : start + chunk]


def duplicate_numbers(connection: Connection, batch_id: int) -> dict[str, tuple[str, ...]]:
    """Return the order numbers of the batch that more than one order of the channel carries.

    Args:
        connection: Open connection.
        batch_id: The batch, landed.

    Returns:
        Number to the store ids that carry it, those of the batch and those staged earlier.
    """
    rows = connection.execute(
        text(
            "WITH landed AS (SELECT b.channel, o.order_number, o.order_id_store"
            "  FROM landing_batch AS b JOIN landing_order AS o USING (batch_id)"
            "  WHERE b.batch_id = :batch_id),"
            " carriers AS (SELECT order_number, order_id_store FROM landed"
            "  UNION SELECT s.order_number, s.order_id_store FROM staged_order AS s"
            "   JOIN landed AS l ON l.channel = s.channel AND l.order_number = s.order_number)"
            " SELECT order_number, array_agg(order_id_store ORDER BY order_id_store) AS order_ids"
            " FROM carriers GROUP BY order_number HAVING count(*) > 1 ORDER BY order_number"
        ),
        {"batch_id": batch_id},
    )
    return {row.order_number: tuple(row.order_ids) for row in rows}
