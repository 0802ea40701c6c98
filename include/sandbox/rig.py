"""A rig: an ERP that runs for tests and demonstrations, with hands at it and eyes on its books.

Every ERP connector brings one in ``sandbox/rig.py``. The conformance suite, the simulation and the
local stack work through it, so that what they ask of one ERP they ask of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from include.domain.document import DocumentKind, RemoteState
from include.sandbox.assortment import Assortment
from include.transport.connection import HttpRemote


@dataclass(frozen=True, slots=True)
class ShopSize:
    """How much happens in a shop on one day.

    Attributes:
        orders: Orders, awkward ones included.
        awkward: Awkward ones, the kinds in turn; ``None`` is one of each kind.
    """

    orders: int = 300
    awkward: int | None = None


class RigFault(StrEnum):
    """What can go wrong between us and an ERP, at the wire.

    ``LOST_CALL``: the call never arrives. ``LOST_ANSWER``: it took effect, the answer never
    arrives. ``CUT_ANSWER``: it took effect, the answer is cut off. ``SLOW``: it answers late,
    within the time-out.
    """

    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    LOST_CALL = "lost_call"
    LOST_ANSWER = "lost_answer"
    CUT_ANSWER = "cut_answer"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a rig stands on.

    Attributes:
        folder: Folder of its own; what is in it from an earlier time is used again.
        new_database: Creates a PostgreSQL database of a name unless it is there; returns its
            SQLAlchemy URL.
        assortment: What the shop sells.
        port: Port to listen on; 0 takes a free one.
    """

    folder: Path
    new_database: Callable[[str], str]
    assortment: Assortment
    port: int = 0


@dataclass(frozen=True, slots=True)
class Booked:
    """One document as the ERP's own tables hold it, read past the connector.

    Attributes:
        order_number: The order's number, without what tells documents of one order apart.
        kind: Sales order, invoice or credit note.
        reference: The ERP's own number or id.
        state: Open, posted or void.
        total: Amount with taxes, positive.
        tax: Taxes in it.
        paid: Payments on it; of a credit note, money paid back.
        units: Units by the shop's sku, stocked goods only.
        back_ordered: Units that wait for stock.
        street: First line of the address it is shipped to; ``None`` where it has none of its own.
    """

    order_number: str
    kind: DocumentKind
    reference: str
    state: RemoteState
    total: Decimal
    tax: Decimal
    paid: Decimal
    units: Mapping[str, Decimal] = field(default_factory=dict)
    back_ordered: Decimal = Decimal(0)
    street: str | None = None


class ErpRig(Protocol):
    """A running ERP.

    Attributes:
        remote: What the connector is created with.
        connection: Fields of the Airflow connection that leads to the same place: ``conn_type``,
            ``host``, ``schema``, ``login``, ``password``, ``port``, ``extra``.
        settings: The ``erp.settings`` a channel into it needs.
        maps: Rows of every map by kind: store value to ERP value.
        closes_periods: Whether the ERP knows closed accounting periods at all.
    """

    remote: str | HttpRemote
    connection: Mapping[str, Any]
    settings: Mapping[str, Any]
    maps: Mapping[str, Mapping[str, str]]
    closes_periods: bool

    def booked(self) -> list[Booked]:
        """Read every document from the ERP's own tables."""
        ...

    def free_units(self, sku: str, location_id: str | None = None) -> Decimal:
        """Return units free to promise at a location, the default one unless named."""
        ...

    def set_stock(self, sku: str, units: Decimal, location_id: str | None = None) -> None:
        """Count the stock of one item: so many units are on hand."""
        ...

    def finalise(self, order_number: str) -> None:
        """Do what people do at the end of a day: bring the order's invoices into history."""
        ...

    def close_period(self, day: date) -> None:
        """Close the accounting period that holds a day."""
        ...

    def open_period(self, day: date) -> None:
        """Open the accounting period that holds a day again."""
        ...

    def fail(self, fault: RigFault, times: int = 1, after: int = 0) -> None:
        """Let the next calls fail; ``after`` calls that write go through first."""
        ...

    def mend(self) -> None:
        """Take away the faults that have not struck."""
        ...

    def with_wrong_credentials(self) -> str | HttpRemote:
        """Return the remote as someone would reach it with a wrong password or token."""
        ...


def shop_size(connector: str) -> ShopSize:
    """Return how large a shop in front of an ERP's sandbox is, unless it is told.

    An ERP's ``sandbox`` package whose server is slower than most says with ``ORDERS_A_DAY`` and
    ``AWKWARD_A_DAY`` what it can follow.

    Args:
        connector: Folder name of the connector.
    """
    sandbox = import_module(f"include.connectors.erps.{connector}.sandbox")
    usual = ShopSize()
    return ShopSize(
        getattr(sandbox, "ORDERS_A_DAY", usual.orders),
        getattr(sandbox, "AWKWARD_A_DAY", usual.awkward),
    )


def open_rig(connector: str, ground: Ground) -> AbstractContextManager[ErpRig]:
    """Bring up the rig of an ERP connector, and take it down at the end.

    Args:
        connector: Folder name of the connector.
        ground: What it stands on.
    """
    module = import_module(f"include.connectors.erps.{connector}.sandbox.rig")
    opened: AbstractContextManager[ErpRig] = module.open_rig(ground)
    return opened
