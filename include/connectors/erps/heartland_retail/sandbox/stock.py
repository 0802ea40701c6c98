"""Stock by item and location: on hand, committed by open orders, and the trail of both."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from include.connectors.erps.heartland_retail.sandbox.account import Account
from include.connectors.erps.heartland_retail.sandbox.schema import Row

Place = tuple[int, int]
_LEVELS, _TRAIL = "inventory/levels", "inventory/transactions"


class Stock:
    """The stock of one account.

    Args:
        account: Its records.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._ids: dict[Place, int] = {}
        for level in account.all(_LEVELS):
            self._ids[level["item_id"], level["location_id"]] = level["id"]

    def level(self, place: Place) -> Row | None:
        """Return what is known of an item at a location."""
        number = self._ids.get(place)
        return self._account.get(_LEVELS, number) if number is not None else None

    def on_hand(self, place: Place) -> Decimal:
        """Return the units on the shelf."""
        level = self.level(place)
        return Decimal(level["qty_on_hand"]) if level else Decimal(0)

    def values(self) -> list[Row]:
        """Return every item at every location, as ``inventory/values`` shows it."""
        return [
            {
                "item_id": level["item_id"],
                "location_id": level["location_id"],
                "qty_on_hand": Decimal(level["qty_on_hand"]),
                "qty_committed": Decimal(level["qty_committed"]),
                "qty_available": Decimal(level["qty_on_hand"]) - Decimal(level["qty_committed"]),
            }
            for level in self._account.all(_LEVELS)
        ]

    def move(self, place: Place, on_hand: Decimal = Decimal(0), committed: int = 0) -> None:
        """Move units and note it."""
        level = self.level(place)
        if level is None:
            level = self._account.add(
                _LEVELS,
                {
                    "item_id": place[0],
                    "location_id": place[1],
                    "qty_on_hand": Decimal(0),
                    "qty_committed": Decimal(0),
                },
            )
            self._ids[place] = level["id"]
        self._account.put(
            _LEVELS,
            level["id"],
            {
                "qty_on_hand": Decimal(level["qty_on_hand"]) + on_hand,
                "qty_committed": Decimal(level["qty_committed"]) + committed,
            },
        )
        self._account.add(
            _TRAIL,
            {
                "item_id": place[0],
                "location_id": place[1],
                "delta_qty_on_hand": on_hand or None,
                "delta_qty_committed": committed or None,
            },
        )

    def tracked(self, item_id: int) -> bool:
        """Whether the item is kept in stock."""
        item = self._account.get("items", item_id)
        return bool(item and item["is_tracked"])

    def commit(self, order: Row, promised: Counter[Place]) -> None:
        """Let an order hold these units, and no others."""
        held = Counter({tuple(map(int, p.split(":"))): n for p, n in order["_held"].items()})
        for place in {*held, *promised}:
            change = promised[place] - held[place]  # type: ignore[index]
            if change:
                self.move(place, committed=change)  # type: ignore[arg-type]
        self._account.put(
            "sales/orders",
            order["id"],
            {"_held": {f"{item}:{site}": n for (item, site), n in promised.items() if n}},
        )
