"""The quarantine desk: what people may do about held orders.

Every action is one statement that changes rows and writes who did what to the audit log. Nothing
here changes an amount: an order is mended in the store or by a mapping row.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import orjson
from sqlalchemy import Connection, text

from include.domain.gates import PERSONS_RULES
from include.staging.held_orders import RELEASABLE


def read_document(connection: Connection, channel: str, order_id: str, *, actor: str) -> str | None:
    """Return the newest raw document of an order; that somebody read it goes into the audit log.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        order_id: Store id.
        actor: Who reads it.

    Returns:
        The document as the store sent it; ``None`` when landing no longer keeps it.
    """
    document = connection.scalar(
        text(
            "SELECT CAST(document AS text) FROM landing_document WHERE channel = :channel"
            " AND order_id_store = :order_id ORDER BY updated_at DESC, landed_at DESC LIMIT 1"
        ),
        {"channel": channel, "order_id": order_id},
    )
    if document is None:
        return None
    connection.execute(
        text(
            "INSERT INTO log_audit (actor, action, subject, key)"
            " VALUES (:actor, 'read', 'landing_document', CAST(:key AS jsonb))"
        ),
        {"actor": actor, "key": _json({"channel": channel, "order_id_store": order_id})},
    )
    return str(document)


def assign(connection: Connection, quarantine_ids: Sequence[int], *, owner: str, actor: str) -> int:
    """Give open rows another owner; the next digest tells that owner.

    Args:
        connection: Open connection; the caller commits.
        quarantine_ids: The rows.
        owner: Who has to act from now on.
        actor: Who says so.

    Returns:
        Rows that changed.
    """
    return _changed(
        connection,
        "UPDATE quarantine AS q SET owner = :owner, told_at = NULL FROM quarantine AS was"
        " WHERE q.quarantine_id = ANY(:ids) AND was.quarantine_id = q.quarantine_id"
        " AND q.state = 'open' AND q.owner <> :owner"
        " RETURNING q.*, jsonb_build_object('owner', was.owner) AS before,"
        " jsonb_build_object('owner', q.owner) AS after",
        quarantine_ids,
        action="assigned",
        actor=actor,
        owner=owner,
    )


def note(connection: Connection, channel: str, order_id: str, *, body: str, actor: str) -> None:
    """Note something on an order.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        order_id: Store id.
        body: What people should know.
        actor: Who writes it.
    """
    connection.execute(
        text(
            "WITH written AS (INSERT INTO quarantine_note (channel, order_id_store, author, body)"
            "  VALUES (:channel, :order_id, :actor, :body) RETURNING note_id)"
            " INSERT INTO log_audit (actor, action, subject, key, after)"
            " SELECT CAST(:actor AS text), 'noted', 'quarantine_note', CAST(:key AS jsonb),"
            "  jsonb_build_object('note_id', note_id) FROM written"
        ),
        {
            "channel": channel,
            "order_id": order_id,
            "body": body,
            "actor": actor,
            "key": _json({"channel": channel, "order_id_store": order_id}),
        },
    )


def release(
    connection: Connection,
    quarantine_id: int,
    *,
    actor: str,
    reason: str,
    seen: Decimal | None = None,
) -> bool:
    """Let this version of an order pass one rule about clocks, or approve it up to its total.

    Accepting the risk of an order works as approving it does.

    The next replay or run takes it.

    Args:
        connection: Open connection; the caller commits.
        quarantine_id: The open row.
        actor: Who lets it pass.
        reason: Why that is right.
        seen: The total that the person saw, in shop currency, if known. An order that has become
            dearer since is not approved.

    Returns:
        Whether it was released: rules that guard money or identity never are.
    """
    done = _changed(
        connection,
        "UPDATE quarantine AS q SET released_at = clock_timestamp(), released_by = :actor,"
        " replay_at = clock_timestamp() WHERE q.quarantine_id = ANY(:ids) AND q.state = 'open'"
        " AND q.released_at IS NULL AND q.rule = ANY(:rules)"
        " AND (q.rule <> ALL(:persons) OR CAST(:seen AS numeric) IS NULL OR EXISTS (SELECT 1"
        "  FROM staged_order AS s WHERE s.channel = q.channel"
        "   AND s.order_id_store = q.order_id_store AND s.current_total <= CAST(:seen AS numeric)))"
        " RETURNING q.*,"
        " NULL::jsonb AS before,"
        " jsonb_strip_nulls(jsonb_build_object('rule', q.rule, 'version', q.version,"
        "  'reason', :reason, 'total', (SELECT s.current_total FROM staged_order AS s"
        "   WHERE s.channel = q.channel AND s.order_id_store = q.order_id_store"
        "    AND q.rule = ANY(:persons)))) AS after",
        [quarantine_id],
        action="released",
        actor=actor,
        rules=sorted(RELEASABLE),
        reason=reason,
        persons=sorted(PERSONS_RULES),
        seen=seen,
    )
    return done == 1


def mark_replay(connection: Connection, quarantine_ids: Sequence[int], *, actor: str) -> int:
    """Ask for a replay of the orders of open rows.

    Args:
        connection: Open connection; the caller commits.
        quarantine_ids: The rows.
        actor: Who asks.

    Returns:
        Rows that were marked.
    """
    return _changed(
        connection,
        "UPDATE quarantine AS q SET replay_at = clock_timestamp()"
        " WHERE q.quarantine_id = ANY(:ids) AND q.state = 'open'"
        " RETURNING q.*, NULL::jsonb AS before, NULL::jsonb AS after",
        quarantine_ids,
        action="replay asked",
        actor=actor,
    )


def replayed(connection: Connection, channel: str, order_ids: Sequence[str]) -> None:
    """Take the marks off orders that were replayed.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        order_ids: Store ids.
    """
    connection.execute(
        text(
            "UPDATE quarantine SET replay_at = NULL WHERE channel = :channel"
            " AND order_id_store = ANY(:order_ids) AND replay_at IS NOT NULL"
        ),
        {"channel": channel, "order_ids": list(order_ids)},
    )


def reopen(connection: Connection, channel: str, order_id: str, *, actor: str, reason: str) -> bool:
    """Take a write-off back: the next pull or replay of the order looks at it again.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        order_id: Store id.
        actor: Who takes it back.
        reason: Why.

    Returns:
        Whether the order was written off.
    """
    ids = connection.scalars(
        text(
            "SELECT quarantine_id FROM quarantine WHERE channel = :channel"
            " AND order_id_store = :order_id AND written_off IS NOT NULL"
        ),
        {"channel": channel, "order_id": order_id},
    ).all()
    done = _changed(
        connection,
        "UPDATE quarantine AS q SET written_off = NULL FROM quarantine AS was"
        " WHERE q.quarantine_id = ANY(:ids) AND was.quarantine_id = q.quarantine_id"
        " RETURNING q.*, jsonb_build_object('written_off', was.written_off) AS before,"
        " jsonb_build_object('reason', :reason) AS after",
        list(ids),
        action="reopened",
        actor=actor,
        reason=reason,
    )
    return done > 0


def _changed(
    connection: Connection,
    statement: str,
    quarantine_ids: Sequence[int],
    *,
    action: str,
    actor: str,
    **values: object,
) -> int:
    """Run one update and write each row it changed to the audit log."""
    return connection.execute(
        text(
            f"WITH changed AS ({statement.replace(':reason', 'CAST(:reason AS text)')})"  # noqa: S608
            " INSERT INTO log_audit (actor, action, subject, key, before, after)"
            " SELECT CAST(:actor AS text), CAST(:action AS text), 'quarantine',"
            "  jsonb_build_object('quarantine_id', quarantine_id, 'channel', channel,"
            "   'order_id_store', order_id_store), before, after FROM changed"
        ),
        {"ids": list(quarantine_ids), "action": action, "actor": actor, **values},
    ).rowcount


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
