"""What every use case of one channel works with; put together once, at the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from include.domain.allocation import Stock
from include.domain.ledger import OrderLedger
from include.domain.order import Order
from include.domain.plan import Plan, plan
from include.domain.policy import Policy
from include.ports.clock import Clock
from include.ports.erp import Erp
from include.ports.store import OrderStore
from include.settings.channel import ChannelSettings

if TYPE_CHECKING:
    from sqlalchemy import Engine

Planner = Callable[[Order, OrderLedger, Policy, Stock], Plan]


@dataclass
class House:
    """One channel with its store, its ERP and the staging database between them.

    Store and ERP are opened when first asked for: a step that needs one never waits for the other.

    Attributes:
        settings: The channel's settings.
        engine: Staging database.
        clock: Tells the time.
        open_store: Opens the store connector.
        open_erp: Opens the ERP connector.
        planner: Works out what is to be posted of an order; the proof works it out by itself.
    """

    settings: ChannelSettings
    engine: Engine
    clock: Clock
    open_store: Callable[[], OrderStore]
    open_erp: Callable[[], Erp]
    planner: Planner = plan

    @property
    def channel(self) -> str:
        """Channel id."""
        return self.settings.name

    @cached_property
    def store(self) -> OrderStore:
        """The store connector."""
        return self.open_store()

    @cached_property
    def erp(self) -> Erp:
        """The ERP connector."""
        return self.open_erp()
