"""The account's own names to the ids that calls need: items, locations, payment types and the rest.

Lists that people keep (locations, payment types, shipping methods) are read once, and again when a
name is missing; items are looked up by ``public_id`` and remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from include.connectors.erps.heartland_retail.client import HeartlandClient, Row
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.domain.errors import ConfigurationError, Refused

LISTS = {"locations": "public_id", "payment_types": "name", "shipping_methods": "name"}
_MAPS = {"locations": "location", "payment_types": "payment", "shipping_methods": "shipping"}
_CHUNK = 40


class Names:
    """Ids by name, for one account.

    Args:
        client: The account.
        settings: The names the channel uses.
    """

    def __init__(self, client: HeartlandClient, settings: HeartlandRetailSettings) -> None:
        self._client = client
        self._settings = settings
        self._lock = threading.Lock()
        self._lists: dict[str, dict[str, int]] = {}
        self._items: dict[str, int] = {}

    def id_of(self, kind: str, name: str) -> int:
        """Return the id of a location, payment type or shipping method.

        Args:
            kind: Path of the resource, such as ``locations``.
            name: Its name, or the ``public_id`` of a location.

        Raises:
            Refused: The account has none of that name; names the map to mend.
        """
        with self._lock:
            if name not in self._lists.get(kind, {}):
                self._lists[kind] = self._read(kind)
            found = self._lists[kind].get(name)
        if found is None:
            raise Refused(
                f"Heartland has no entry {name!r} in {kind}: add it there, or correct the "
                f"{_MAPS[kind]} map",
                rule=f"{kind}_known",
                field=kind,
            )
        return found

    def name_of(self, kind: str, number: int) -> str:
        """Return the name of a location or payment type.

        Args:
            kind: Path of the resource.
            number: Its id.

        Raises:
            Refused: The account has none of that id.
        """
        with self._lock:
            if number not in self._lists.get(kind, {}).values():
                self._lists[kind] = self._read(kind)
            names = {own: name for name, own in self._lists[kind].items()}
        if number not in names:
            raise Refused(
                f"Heartland has no entry {number} in {kind} any more",
                rule=f"{kind}_known",
                field=kind,
            )
        return names[number]

    def item_ids(self, public_ids: Iterable[str]) -> Mapping[str, int]:
        """Return the ids of those items that the account has.

        Args:
            public_ids: The items' own.
        """
        wanted = sorted(set(public_ids))
        with self._lock:
            missing = [name for name in wanted if name not in self._items]
        for start in range(0, len(missing), _CHUNK):
            part = missing[start : start + _CHUNK]
            rows = self._client.rows(
                "items", where={"public_id": {"$in": part}}, only=("id", "public_id")
            )
            found = {str(row["public_id"]): int(row["id"]) for row in rows}
            with self._lock:
                self._items.update(found)
        with self._lock:
            return {name: self._items[name] for name in wanted if name in self._items}

    def require_items(self, public_ids: Iterable[str]) -> Mapping[str, int]:
        """Return the ids of items.

        Args:
            public_ids: The items' own.

        Raises:
            Refused: The account lacks one; names it and the map.
        """
        wanted = set(public_ids)
        found = self.item_ids(wanted)
        lacking = sorted(wanted - set(found))
        if lacking:
            raise Refused(
                f"Heartland has no item {lacking[0]!r}: add it there, or a row to the sku map (the "
                "charge map for what is no goods)",
                rule="item_known",
                field="item_id",
            )
        return found

    def missing(self) -> list[str]:
        """Return what the settings name and the account lacks, in words."""
        settings = self._settings
        lacking = []
        with self._lock:
            self._lists = {kind: self._read(kind) for kind in LISTS}
        if settings.default_location not in self._lists["locations"]:
            lacking.append(f"location {settings.default_location!r}")
        credit = settings.open_credit_payment_type
        if credit is not None and credit not in self._lists["payment_types"]:
            lacking.append(f"payment type {credit!r}")
        stations = {row["id"] for row in self._client.rows("stations", only=("id",))}
        if settings.station_id not in stations:
            lacking.append(f"station {settings.station_id}")
        return [*lacking, *self._missing_fields()]

    def _missing_fields(self) -> Iterable[str]:
        settings = self._settings
        fields = list(self._client.rows("custom_fields"))
        # Only the group of sales transactions is published: the others are told by their key alone.
        known = {row["key"] for row in fields}
        for whose, key in (
            ("orders, invoices and tickets", settings.reference_field),
            ("orders", settings.change_field),
            ("payments", settings.payment_field),
            ("customers", settings.customer_field),
        ):
            if key not in known:
                yield f"custom field {key!r} of {whose}"
        given = {settings.reference_field, *settings.custom_fields}
        for row in fields:
            is_asked = row["group_id"] == "sales.transaction" and row["required"]
            if is_asked and row["key"] not in given:
                yield f"a value for the required custom field {row['key']!r} (custom_fields)"

    def _read(self, kind: str) -> dict[str, int]:
        rows: Iterable[Row] = self._client.rows(kind)
        return {str(row[LISTS[kind]]): int(row["id"]) for row in rows}


def require_set_up(names: Names) -> None:
    """Check that the account holds what the channel's settings name.

    Args:
        names: The account's, as far as the settings name them.

    Raises:
        ConfigurationError: One message that names every missing thing.
    """
    lacking = names.missing()
    if lacking:
        raise ConfigurationError(
            f"the Heartland account lacks what the channel names: {'; '.join(lacking)}"
        )
