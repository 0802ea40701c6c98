"""The live mapping tables: store value to ERP value. Seeds come from CSV; what people edit wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, text

from include.domain.errors import MappingMissing


class Synced(NamedTuple):
    """What a sync of seed rows changed."""

    added: int
    changed: int
    removed: int


class ChannelMappings:
    """The maps of one channel, in memory; the form that an ERP connector asks for.

    Args:
        channel: Channel id.
        values: Pairs of kind and key to ERP value.
    """

    def __init__(self, channel: str, values: Mapping[tuple[str, str], str]) -> None:
        self.channel = channel
        self._values = dict(values)

    def require(self, kind: str, key: str) -> str:
        """Return the mapped ERP value.

        Args:
            kind: Which map.
            key: The store's value.

        Raises:
            MappingMissing: There is no row; the error names it.
        """
        value = self._values.get((kind, key))
        if value is None:
            raise MappingMissing(kind, key, channel=self.channel)
        return value

    def get(self, kind: str, key: str) -> str | None:
        """Return the mapped ERP value, or ``None``.

        Args:
            kind: Which map.
            key: The store's value.
        """
        return self._values.get((kind, key))

    def __len__(self) -> int:
        return len(self._values)


_SYNC = text(
    "WITH seed AS (SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS text[]),"
    "  CAST(:values AS text[])) AS s (kind, key, value)),"
    " known AS (SELECT kind, key, value, origin FROM map_value WHERE channel = :channel),"
    " removed AS (DELETE FROM map_value AS m WHERE m.channel = :channel AND m.origin = 'seed'"
    "  AND NOT EXISTS (SELECT FROM seed AS s WHERE s.kind = m.kind AND s.key = m.key)"
    "  RETURNING m.kind, m.key, m.value),"
    " written AS (INSERT INTO map_value AS m (channel, kind, key, value, origin)"
    "  SELECT :channel, kind, key, value, 'seed' FROM seed ORDER BY kind, key"
    "  ON CONFLICT (channel, kind, key) DO UPDATE SET value = excluded.value, updated_at = now()"
    "  WHERE m.origin = 'seed' AND m.value <> excluded.value"
    "  RETURNING m.kind, m.key, m.value),"
    " changes AS (SELECT CASE WHEN k.kind IS NULL THEN 'added' ELSE 'changed' END AS action,"
    "   w.kind, w.key, k.value AS before, w.value AS after"
    "  FROM written AS w LEFT JOIN known AS k ON k.kind = w.kind AND k.key = w.key"
    "  UNION ALL SELECT 'removed', kind, key, value, NULL FROM removed),"
    " logged AS (INSERT INTO log_audit (actor, action, subject, key, before, after)"
    "  SELECT 'seed', action, 'map_value',"
    "   jsonb_build_object('channel', CAST(:channel AS text), 'kind', kind, 'key', key),"
    "   CASE WHEN before IS NOT NULL THEN jsonb_build_object('value', before) END,"
    "   CASE WHEN after IS NOT NULL THEN jsonb_build_object('value', after) END"
    "  FROM changes)"
    " SELECT count(*) FILTER (WHERE action = 'added'),"
    "  count(*) FILTER (WHERE action = 'changed'), count(*) FILTER (WHERE action = 'removed')"
    " FROM changes"
)


def sync_seeds(
    connection: Connection, channel: str, rows: Iterable[tuple[str, str, str]]
) -> Synced:
    """Make the channel's seed rows what its CSV files say; rows that people edited stay.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        rows: Kind, key and value; of several for one key the last stands.

    Returns:
        What changed; each change is in the audit log.
    """
    seeds = {(kind, key): value for kind, key, value in rows}
    # Two runs may sync at once; without the lock the second could fail on the first one's rows.
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"counterfoil:map:{channel}"},
    )
    added, changed, removed = connection.execute(
        _SYNC,
        {
            "channel": channel,
            "kinds": [kind for kind, _ in seeds],
            "keys": [key for _, key in seeds],
            "values": list(seeds.values()),
        },
    ).one()
    return Synced(added, changed, removed)


def set_value(
    connection: Connection, channel: str, kind: str, key: str, *, value: str, actor: str
) -> None:
    """Set one row by hand; it wins over the seed and goes into the audit log.

    Args:
        connection: Open connection; the caller commits.
        channel: Channel id.
        kind: Which map.
        key: The store's value.
        value: The ERP's value.
        actor: Who sets it.
    """
    connection.execute(
        text(
            "WITH known AS (SELECT value FROM map_value"
            "  WHERE channel = :channel AND kind = :kind AND key = :key),"
            " written AS (INSERT INTO map_value (channel, kind, key, value, origin)"
            "  VALUES (:channel, :kind, :key, :value, 'user')"
            "  ON CONFLICT (channel, kind, key) DO UPDATE"
            "  SET value = excluded.value, origin = 'user', updated_at = now() RETURNING value)"
            " INSERT INTO log_audit (actor, action, subject, key, before, after)"
            " SELECT CAST(:actor AS text),"
            "  CASE WHEN known.value IS NULL THEN 'added' ELSE 'changed' END, 'map_value',"
            "  jsonb_build_object('channel', CAST(:channel AS text), 'kind', CAST(:kind AS text),"
            "   'key', CAST(:key AS text)),"
            "  CASE WHEN known.value IS NOT NULL"
            "   THEN jsonb_build_object('value', known.value) END,"
            "  jsonb_build_object('value', written.value) FROM written LEFT JOIN known ON true"
        ),
        {"channel": channel, "kind": kind, "key": key, "value": value, "actor": actor},
    )


def load(connection: Connection, channel: str) -> ChannelMappings:
    """Read the channel's maps.

    Args:
        connection: Open connection.
        channel: Channel id.
    """
    rows = connection.execute(
        text("SELECT kind, key, value FROM map_value WHERE channel = :channel"),
        {"channel": channel},
    )
    return ChannelMappings(channel, {(row.kind, row.key): row.value for row in rows})
