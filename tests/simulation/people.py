"""The people at the ERP and at the desk: they finish, count, close, open and approve.

They come at random moments, between two runs or between two calls of one, and at the end of a life
they undo whatever an order may rightly wait for.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from include.connectors.stores.shopify.sandbox import catalog
from include.domain.gates import APPROVAL_RULE
from include.staging import desk
from tests.simulation.world import World

PLENTY = Decimal(50_000)
MEDDLING = 0.06
APPROVER = "finance"
DEEDS = (
    "finish_one",
    "finish_all",
    "run_short",
    "run_short",
    "restock",
    "close",
    "open",
)


@dataclass
class People:
    """Everybody who works beside the pipeline.

    Attributes:
        world: Where they work.
        chance: Source of all randomness.
        days: Days whose periods they close and open.
        alive: Numbers of the orders that live.
        done: How often they did what.
        approved: Up to which total they approved which order.
    """

    world: World
    chance: random.Random
    days: Sequence[date]
    alive: list[str]
    done: Counter[str]
    approved: dict[str, Decimal] = field(default_factory=dict)
    is_away: bool = False
    _short: set[tuple[str, str]] = field(default_factory=set)

    def meddle(self) -> None:
        """Now and then do something at the ERP between two calls of a poster."""
        if not self.is_away and self.chance.random() < MEDDLING:
            self.work_at_the_erp()

    def work_at_the_erp(self) -> None:
        """Do one thing at the ERP."""
        deed = self.chance.choice(DEEDS)
        rig = self.world.rig
        if deed == "finish_one" and self.alive:
            rig.finalise(self.chance.choice(self.alive))
        elif deed == "finish_all":
            for number in self.alive:
                rig.finalise(number)
        elif deed == "run_short" and self.alive:
            self._run_short()
        elif deed == "restock":
            self._restock()
        elif deed == "close":
            rig.close_period(self.chance.choice(self.days))
        elif deed == "open":
            rig.open_period(self.chance.choice(self.days))
        self.done[deed] += 1

    def approve(self, share: float = 1.0) -> None:
        """Release orders that wait for approval."""
        waiting = self.world.ask(
            "select q.quarantine_id, q.order_number, s.current_total from quarantine as q"
            " join staged_order as s using (channel, order_id_store)"
            " where q.state = 'open' and q.rule = :rule and q.released_at is null"
            " order by q.order_number",
            rule=APPROVAL_RULE,
        )
        for quarantine_id, number, total in waiting:
            if self.chance.random() < share:
                with self.world.house.engine.begin() as connection:
                    desk.release(
                        connection, int(str(quarantine_id)), actor=APPROVER, reason="looked at"
                    )
                known = self.approved.get(str(number), Decimal(0))
                self.approved[str(number)] = max(known, Decimal(str(total)))
                self.done["approve"] += 1

    def relent(self) -> None:
        """Take away what an order may wait for: open every period, fill every shelf."""
        for day in self.days:
            self.world.rig.open_period(day)
        self._restock()

    def _run_short(self) -> None:
        """Leave a unit or two free of something that an order is about, at one location."""
        order = self.world.store.by_name(self.chance.choice(self.alive))
        skus = sorted({line.sku for line in order.lines if line.kind == "goods" and line.sku})
        if not skus:
            return
        rig, sku = self.world.rig, self.chance.choice(skus)
        place = self.chance.choice(catalog.LOCATIONS).location_id
        rig.set_stock(sku, PLENTY, place)
        promised = PLENTY - rig.free_units(sku, place)
        rig.set_stock(sku, promised + self.chance.randrange(3), place)
        self._short.add((sku, place))

    def _restock(self) -> None:
        for sku, place in sorted(self._short):
            self.world.rig.set_stock(sku, PLENTY, place)
        self._short.clear()
