"""Held orders of the staging database, read and acted on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from include.staging import amendments, desk, held_orders, mapping, quarantine
from include.staging.held_orders import HeldOrder, Summary, Wanted

from .ports import History
from .source import Staging


class StagingDesk(Staging):
    """The quarantine desk on the staging database."""

    what = "held orders"

    def channels(self) -> Sequence[str]:
        """Return every channel that ever held an order."""
        with self._reading() as connection:
            return held_orders.channels(connection)

    def choices(self, channels: Sequence[str]) -> dict[str, list[str]]:
        """Return the reason classes and owners that open rows of the channels name."""
        with self._reading() as connection:
            return held_orders.choices(connection, channels)

    def find(self, wanted: Wanted, now: datetime, limit: int, offset: int) -> Sequence[HeldOrder]:
        """Return rows, those that hold an order first."""
        with self._reading() as connection:
            return held_orders.find(connection, wanted, now, limit=limit, offset=offset)

    def summary(self, wanted: Wanted, now: datetime) -> Summary:
        """Count rows by reason and by age."""
        with self._reading() as connection:
            return held_orders.summary(connection, wanted, now)

    def one(self, quarantine_id: int) -> HeldOrder | None:
        """Return one row."""
        with self._reading() as connection:
            return held_orders.one(connection, quarantine_id)

    def history(self, row: HeldOrder) -> History:
        """Return everything known of a row's order."""
        channel, order_id = row.channel, row.order_id_store
        with self._reading() as connection:
            return History(
                held_orders.rows_of_order(connection, channel, order_id),
                held_orders.notes(connection, channel, order_id),
                held_orders.audit(connection, channel, order_id),
                quarantine.written_off(connection, channel, [order_id]).get(order_id),
                amendments.of_order(connection, channel, order_id),
                amendments.missing_on(connection, channel, order_id),
            )

    def document(self, row: HeldOrder, actor: str) -> str | None:
        """Return the raw document that landing keeps of a row's order; reading it is noted."""
        with self._writing() as connection:
            return desk.read_document(connection, row.channel, row.order_id_store, actor=actor)

    def map_examples(self, channel: str, kind: str) -> Sequence[tuple[str, str]]:
        """Return a few rows of a map, to show what its values look like."""
        with self._reading() as connection:
            rows = connection.execute(
                text(
                    "SELECT key, value FROM map_value WHERE channel = :channel AND kind = :kind"
                    " ORDER BY key LIMIT 5"
                ),
                {"channel": channel, "kind": kind},
            )
            return [(row.key, row.value) for row in rows]

    def assign(self, rows: Sequence[HeldOrder], owner: str, actor: str) -> int:
        """Give rows another owner; return how many changed."""
        with self._writing() as connection:
            return desk.assign(connection, _ids(rows), owner=owner, actor=actor)

    def note(self, row: HeldOrder, body: str, actor: str) -> None:
        """Note something on a row's order."""
        with self._writing() as connection:
            desk.note(connection, row.channel, row.order_id_store, body=body, actor=actor)

    def add_map_row(self, row: HeldOrder, value: str, actor: str) -> bool:
        """Add the mapping row that a row waits for; return whether it waits for one."""
        if row.missing_map_row is None or not row.is_open:
            return False
        kind, key = row.missing_map_row
        with self._writing() as connection:
            mapping.set_value(connection, row.channel, kind, key, value=value, actor=actor)
        return True

    def amend(self, row: HeldOrder, field: str, value: str, *, reason: str, actor: str) -> None:
        """Fill in a field of a row's order that the store left empty."""
        with self._writing() as connection:
            amendments.amend(
                connection,
                row.channel,
                row.order_id_store,
                field=field,
                value=value,
                reason=reason,
                actor=actor,
            )

    def release(self, row: HeldOrder, reason: str, actor: str, seen: Decimal | None) -> bool:
        """Let the order pass the rule; return whether that is allowed."""
        with self._writing() as connection:
            return desk.release(
                connection, row.quarantine_id, actor=actor, reason=reason, seen=seen
            )

    def write_off(self, row: HeldOrder, reason: str, actor: str) -> bool:
        """Leave the order out; return whether it was open."""
        with self._writing() as connection:
            return quarantine.write_off(connection, row.quarantine_id, actor=actor, reason=reason)

    def reopen(self, row: HeldOrder, reason: str, actor: str) -> bool:
        """Take a write-off back; return whether there was one."""
        with self._writing() as connection:
            return desk.reopen(
                connection, row.channel, row.order_id_store, actor=actor, reason=reason
            )

    def mark_replay(self, rows: Sequence[HeldOrder], actor: str) -> int:
        """Ask for a replay; return how many rows were marked."""
        with self._writing() as connection:
            return desk.mark_replay(connection, _ids(rows), actor=actor)


def _ids(rows: Sequence[HeldOrder]) -> list[int]:
    return [row.quarantine_id for row in rows]
