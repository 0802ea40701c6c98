"""A store's rig: a shop that runs for tests, in which orders are placed and changed by hand.

Every store connector brings one in ``sandbox/rig.py``. The conformance suite works through it, so
that what it asks of one store it asks of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from typing import Any, Protocol

from include.transport.connection import ConnectionFacts


class StoreFault(StrEnum):
    """What can go wrong on the way to a store.

    ``CUT_ANSWER``: the answer breaks off. ``GARBLED``: it is not what it says it is.
    """

    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    CUT_ANSWER = "cut_answer"
    GARBLED = "garbled"


class StoreRig(Protocol):
    """A running shop.

    Attributes:
        facts: The connection.
        settings: Settings of the connector; pages are so small that they run out.
        page: Orders that one page of the list holds with these settings.
        lines: Lines that one page of an order holds; an order may have more.
        private: Names, e-mails, addresses and numbers of those who placed orders so far.
        secrets: What opens the shop.
    """

    facts: ConnectionFacts
    settings: Mapping[str, Any]
    page: int
    lines: int

    @property
    def private(self) -> tuple[str, ...]:
        """Words that must never be logged."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """Secrets that must never be logged."""
        ...

    def place(self, at: datetime, lines: int = 2) -> str:
        """Have a buyer place a paid order; returns the store's id of it."""
        ...

    def change(self, order_id: str, at: datetime) -> None:
        """Change an order, so that it has a new version."""
        ...

    def fail(self, fault: StoreFault, times: int = 1) -> None:
        """Let the next calls fail."""
        ...

    def mend(self) -> None:
        """Take away the faults that have not struck."""
        ...

    def with_wrong_credentials(self) -> ConnectionFacts:
        """Return the connection as someone would have it with a wrong token."""
        ...


def open_store_rig(connector: str, now: datetime) -> AbstractContextManager[StoreRig]:
    """Bring up the rig of a store connector with an empty shop, and take it down at the end.

    Args:
        connector: Folder name of the connector.
        now: The shop's time; it stands still.
    """
    module = import_module(f"include.connectors.stores.{connector}.sandbox.rig")
    opened: AbstractContextManager[StoreRig] = module.open_rig(now)
    return opened
