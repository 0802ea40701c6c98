"""The account's records: kept in memory, written through to SQLite, so that a restart finds them.

A request is one transaction: it is kept whole or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import RLock
from typing import Any

from include.connectors.erps.heartland_retail.sandbox.schema import (
    CUSTOM_GROUPS,
    FIELDS,
    Invalid,
    Row,
)

PARENTS = {
    "customers/addresses": ("customers", "customer_id"),
    "sales/orders/lines": ("sales/orders", "order_id"),
    "sales/orders/taxes": ("sales/orders", "order_id"),
    "sales/orders/discounts": ("sales/orders", "order_id"),
    "sales/orders/payments": ("sales/orders", "order_id"),
    "sales/invoices/lines": ("sales/invoices", "invoice_id"),
    "sales/tickets/lines": ("sales/tickets", "ticket_id"),
    "sales/tickets/payments": ("sales/tickets", "ticket_id"),
    "stations": ("locations", "location_id"),
}
# What programs look records up by: found without reading every record.
_INDEXED = {
    "customers": ("custom@ecommerce_customer_id", "email"),
    "items": ("public_id",),
    "sales/orders": ("custom@ecommerce_number",),
    "sales/invoices": ("order_id",),
    "sales/tickets": ("parent_transaction_id",),
}
_SHARED_NUMBERS = {"sales/orders", "sales/invoices", "sales/tickets"}
_FIRST_ID = 100_001


class Account:
    """Records by resource path and id.

    Args:
        path: SQLite file; made unless it is there.
        now: Tells the time, aware.
    """

    def __init__(self, path: Path, now: Callable[[], datetime] | None = None) -> None:
        self.lock = RLock()
        self._now = now or (lambda: datetime.now(UTC))
        self._rows: defaultdict[str, dict[int, Row]] = defaultdict(dict)
        self._children: defaultdict[tuple[str, int], dict[int, Row]] = defaultdict(dict)
        self._index: defaultdict[tuple[str, str, object], set[int]] = defaultdict(set)
        self._touched: dict[tuple[str, int], Row | None] = {}
        self._last: defaultdict[str, int] = defaultdict(lambda: _FIRST_ID - 1)
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma synchronous = off")
        self._file.execute(
            "create table if not exists record (kind text, id integer, body text,"
            " primary key (kind, id))"
        )
        for kind, number, body in self._file.execute(
            "select kind, id, body from record order by kind, id"
        ):
            self._remember(kind, number, json.loads(body, parse_float=Decimal))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def is_empty(self) -> bool:
        """Whether nothing was ever kept."""
        return not any(self._rows.values())

    # -- reading ------------------------------------------------------------------------------

    def get(self, kind: str, number: int) -> Row | None:
        """Return a record, or ``None``."""
        return self._rows[kind].get(number)

    def all(self, kind: str) -> list[Row]:
        """Return every record of a kind, oldest first."""
        return list(self._rows[kind].values())

    def children(self, kind: str, parent: int) -> list[Row]:
        """Return the records of a kind that belong to another, oldest first."""
        return list(self._children[kind, parent].values())

    def by_value(self, kind: str, name: str, values: list[object]) -> list[Row] | None:
        """Return the records with one of these values, oldest first; none if that takes a search.

        Args:
            kind: Resource path without ids.
            name: Field, as a filter names it.
            values: What it may be.
        """
        if name not in _INDEXED.get(kind, ()) or any(value is None for value in values):
            return None
        try:
            ids = set().union(*(self._index.get((kind, name, value), ()) for value in values))
        except TypeError:
            return None
        return [self._rows[kind][number] for number in sorted(ids)]

    def require(self, kind: str, number: int, field: str) -> Row:
        """Return the record a field refers to.

        Raises:
            Invalid: There is none.
        """
        found = self.get(kind, number)
        if found is None:
            raise Invalid({field: f"does not name one of {kind}"})
        return found

    # -- writing ------------------------------------------------------------------------------

    @contextmanager
    def change(self) -> Iterator[None]:
        """Keep what is done inside, or nothing of it."""
        with self.lock:
            self._touched = {}
            before = dict(self._last)
            try:
                yield
            except BaseException:
                for (kind, number), row in self._touched.items():
                    self._forget(kind, number)
                    if row is not None:
                        self._remember(kind, number, row)
                self._last.clear()
                self._last.update(before)
                raise
            self._file.execute("begin")
            for kind, number in self._touched:
                row = self._rows[kind].get(number)
                if row is None:
                    self._file.execute(
                        "delete from record where kind = ? and id = ?", (kind, number)
                    )
                else:
                    self._file.execute(
                        "insert or replace into record values (?, ?, ?)",
                        (kind, number, json.dumps(row, default=_plain)),
                    )
            self._file.execute("commit")

    def add(self, kind: str, values: Row) -> Row:
        """Make a record with the next id."""
        counter = "sales" if kind in _SHARED_NUMBERS else kind
        number = self._last[counter] + 1
        self._last[counter] = number
        present = self._now().isoformat(timespec="milliseconds")
        row = {"created_at": present, "updated_at": present, **values, "id": number}
        self._touched.setdefault((kind, number), None)
        self._remember(kind, number, row)
        return row

    def put(self, kind: str, number: int, values: Row) -> Row:
        """Change a record; ``custom`` is merged key by key."""
        old = self._rows[kind][number]
        self._touched.setdefault((kind, number), old)
        row = {**old, "updated_at": self._now().isoformat(timespec="milliseconds"), **values}
        if "custom" in values:
            row["custom"] = {**(old.get("custom") or {}), **(values["custom"] or {})}
        self._remember(kind, number, row)
        return row

    def remove(self, kind: str, number: int) -> None:
        """Delete a record."""
        self._touched.setdefault((kind, number), self._rows[kind][number])
        self._forget(kind, number)

    def check_references(self, kind: str, values: Row) -> None:
        """Check that every id names a record and every custom field is set up.

        Raises:
            Invalid: One does not.
        """
        for name, value in values.items():
            target = FIELDS[kind][name].kind
            if value is not None and (target in FIELDS or target in self._rows):
                self.require(target, value, name)
        custom = values.get("custom") or {}
        known = {
            field["key"]
            for field in self.all("custom_fields")
            if field["group_id"] == CUSTOM_GROUPS.get(kind)
        }
        for key in custom:
            if key not in known:
                raise Invalid({f"custom@{key}": "is not a custom field of this resource"})

    def _remember(self, kind: str, number: int, row: Row) -> None:
        self._unlist(kind, number)
        self._rows[kind][number] = row
        for name in _INDEXED.get(kind, ()):
            self._index[kind, name, field_of(row, name)].add(number)
        counter = "sales" if kind in _SHARED_NUMBERS else kind
        self._last[counter] = max(self._last[counter], number)
        if kind in PARENTS:
            self._children[kind, row[PARENTS[kind][1]]][number] = row

    def _unlist(self, kind: str, number: int) -> None:
        old = self._rows[kind].get(number)
        for name in _INDEXED.get(kind, ()) if old is not None else ():
            self._index[kind, name, field_of(old or {}, name)].discard(number)

    def _forget(self, kind: str, number: int) -> None:
        self._unlist(kind, number)
        row = self._rows[kind].pop(number, None)
        if row is not None and kind in PARENTS:
            self._children[kind, row[PARENTS[kind][1]]].pop(number, None)


def field_of(row: Row, name: str) -> Any:
    """Return a field as a filter names it.

    Args:
        row: A record.
        name: Name of a field, ``custom@key`` for a custom one.
    """
    if name.startswith("custom@"):
        return (row.get("custom") or {}).get(name[len("custom@") :])
    return row.get(name)


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(type(value).__name__)
