"""Batches: one a pull of a window, what it owns, what was counted, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson
from sqlalchemy import Connection, text

from include.domain.errors import WindowError
from include.domain.window import Basis, Selection, Window


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
