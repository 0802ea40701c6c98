"""A stand: one ERP's rig with a real staging database, the real poster, and eyes on the books."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, text

from include.connectors import registry
from include.domain.balance import require_balance
from include.domain.document import Document, DocumentKind, RemoteState
from include.domain.errors import OrderError, RemoteUnavailable
from include.domain.order import ChargeKind
from include.domain.plan import Plan
from include.domain.verdict import Finding
from include.domain.window import Window
from include.pipelines import documents, orders, planning
from include.pipelines.documents import Posted
from include.pipelines.house import House
from include.pipelines.runs import Run, RunType
from include.ports.erp import Erp
from include.sandbox.assortment import Assortment, Item
from include.sandbox.rig import Booked, ErpRig
from include.settings.channel import ChannelSettings
from include.staging import ledger as ledger_rows
from include.staging import quarantine
from include.staging.mapping import ChannelMappings
from tests.conformance.purchase import Purchase
from tests.conformance.shelf import NOW, Clock, Shelf

CHANNEL = "conformance"
FIRST_NUMBER = 7_000_001
WINDOW = Window(datetime(2025, 1, 1, tzinfo=UTC), NOW)
MOST_TRIES = 4
BILLED = (DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE)

Defect = Callable[[Erp], Erp]


@dataclass(frozen=True)
class Net:
    """What the documents of one order come to: what was billed, else what was ordered."""

    total: Decimal
    tax: Decimal
    paid: Decimal
    units: dict[str, Decimal]
    back_ordered: Decimal
    kinds: tuple[str, ...]


@dataclass
class Stand:
    """What a scenario works with.

    Attributes:
        connector: The ERP connector that is tried.
        rig: The ERP.
        assortment: What may be bought.
        engine: Staging.
        settings: The channel.
        defect: What is wrong with the connector, on purpose.
    """

    connector: str
    rig: ErpRig
    assortment: Assortment
    engine: Engine
    settings: ChannelSettings
    defect: Defect | None = None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_NUMBER))
    spare: list[Item] = field(default_factory=list)
    _erps: list[Erp] = field(default_factory=list)

    # -- what is bought -----------------------------------------------------------------------

    def purchase(self, **more: Any) -> Purchase:
        """Begin a purchase with a number of its own."""
        return Purchase(next(self.numbers), **more)

    def goods(self, at: int = 0) -> Item:
        """One of a few things of which there is plenty."""
        return self._stocked[at]

    def own_item(self, units: int) -> Item:
        """A thing that no other scenario buys, of which there are so many."""
        if not self.spare:
            self.spare = self._stocked[8:]
        item = self.spare.pop()
        self.rig.set_stock(item.sku, Decimal(units))
        return item

    @property
    def _stocked(self) -> list[Item]:
        return [item for item in self.assortment.items if item.stocked]

    @property
    def service(self) -> Item:
        """A thing that is sold and not kept in stock."""
        return next(item for item in self.assortment.items if not item.stocked)

    @property
    def rates(self) -> list[tuple[str, Decimal]]:
        """Two taxes at once."""
        return list(self.assortment.taxes.items())[:2]

    def simple(self, quantity: int = 2, *, paid: bool = True, **more: Any) -> Purchase:
        """A purchase of two things with tax and shipping."""
        bought = self.purchase(**more)
        for at in (0, 1):
            item = self.goods(at)
            bought.add(item.sku, item.price, quantity, self.rates)
        self.ship(bought)
        if paid:
            bought.pay()
        return bought

    def ship(self, bought: Purchase, price: str = "5.95") -> None:
        """Charge the usual shipping."""
        bought.charge(ChargeKind.SHIPPING, price, self.rates[:1], self.assortment.shipping[0])

    # -- what is done with it -----------------------------------------------------------------

    def erp(self, remote: object = None, **settings: object) -> Erp:
        """Make the connector, as the composition root does."""
        connector = registry.erp(self.connector)
        own = registry.settings_of(connector, {**self.rig.settings, **settings}, CHANNEL)
        rows = {(kind, key): v for kind, m in self.rig.maps.items() for key, v in m.items()}
        maps = ChannelMappings(CHANNEL, rows)
        made = connector.create(remote or self.rig.remote, own, maps)
        self._erps.append(made)
        return self.defect(made) if self.defect else made

    def house(self, erp: Erp | None = None, **policy: object) -> House:
        """Put the channel together; policy may differ from the usual one."""
        values = self.settings.model_dump()
        values["policy"] |= policy
        settings = ChannelSettings.model_validate(values)
        made = House(settings, self.engine, Clock(), Shelf, lambda: erp or self.usual_erp())  # type: ignore[arg-type]
        return made

    def usual_erp(self) -> Erp:
        """The connector that most scenarios use; made once."""
        if not self._erps:
            return self.erp()
        return self.defect(self._erps[0]) if self.defect else self._erps[0]

    def stage(self, *bought: Purchase, house: House | None = None) -> int:
        """Land and stage purchases as they are now; returns the batch."""
        house = house or self.house()
        told = [one.as_order(house.channel) for one in bought]
        for order in told:
            require_balance(order)
        house.store.orders = told  # type: ignore[attr-defined]
        run = Run(f"conformance-{next(_RUNS)}", RunType.BACKFILL, WINDOW)
        batch = orders.pull(house, run, run.selection(house.settings, NOW))
        orders.load(house, batch)
        return batch

    def post(self, *bought: Purchase, house: House | None = None, **policy: object) -> Posted:
        """Stage purchases and bring the ERP in line with them, once."""
        house = house or self.house(**policy)
        batch = self.stage(*bought, house=house)
        return documents.post(house, [one.order_id for one in bought], batch)

    def post_in_the_end(self, *bought: Purchase, **policy: object) -> int:
        """Post as Airflow does: tried again until it went through; returns how often."""
        for attempt in range(1, MOST_TRIES + 1):
            try:
                if not self.post(*bought, **policy).held:
                    return attempt
                classes = {f.reason_class for f in self.findings()}
                assert classes == {"erp_busy"}, f"a matter of waiting is held as {classes}"
            except RemoteUnavailable:
                if attempt == MOST_TRIES:
                    raise
        raise AssertionError(f"not through after {MOST_TRIES} runs: {self.held(*bought)}")

    def plan(self, bought: Purchase, house: House | None = None) -> tuple[Document, ...]:
        """Plan one purchase as it is now."""
        house = house or self.house()
        with self.engine.connect() as connection:
            known = ledger_rows.ledgers_for(connection, house.channel, [bought.order_id])
        order = bought.as_order(house.channel)
        [(_, ready)] = planning.plan_orders(house, [order], known)
        if isinstance(ready, OrderError):
            raise ready
        assert isinstance(ready, Plan)
        return ready.documents

    # -- what came of it ----------------------------------------------------------------------

    def booked(self, bought: Purchase) -> list[Booked]:
        """The purchase's documents in the ERP, those struck out left out."""
        mine = [b for b in self.rig.booked() if b.order_number == bought.order_number]
        return [b for b in mine if b.state is not RemoteState.VOID]

    def net(self, bought: Purchase) -> Net:
        """What the purchase's documents come to."""
        booked = self.booked(bought)
        billed = [b for b in booked if b.kind in BILLED]
        counted = billed or booked
        units: dict[str, Decimal] = {}
        total = tax = paid = Decimal(0)
        for one in counted:
            sign = -1 if one.kind is DocumentKind.CREDIT_NOTE else 1
            total += sign * one.total
            tax += sign * one.tax
            paid += sign * one.paid
            for sku, count in one.units.items():
                units[sku] = units.get(sku, Decimal(0)) + sign * count
        waiting = sum((b.back_ordered for b in booked if not billed), Decimal(0))
        kinds = tuple(sorted(b.kind.value for b in booked))
        return Net(total, tax, paid, {s: n for s, n in units.items() if n}, waiting, kinds)

    def require_books(self, bought: Purchase, *kinds: str, units: bool = True) -> Net:
        """The ERP agrees with the shop to the cent and the unit.

        Args:
            bought: The purchase.
            kinds: Documents there have to be, if it matters which.
            units: Whether units are compared.
        """
        net = self.net(bought)
        if kinds:
            assert net.kinds == tuple(sorted(kinds)), f"documents {net.kinds}, not {kinds}"
        assert net.kinds.count("sales_order") <= 1, f"the order is booked twice: {net.kinds}"
        wanted = (bought.book_total, bought.book_tax, bought.book_paid)
        found = (net.total, net.tax, net.paid)
        assert found == wanted, f"total, tax, paid: {_spell(found)} in the books, {_spell(wanted)}"
        if units:
            assert net.units == bought.units, f"units {net.units} in the books, {bought.units}"
        return net

    def require_nothing(self, bought: Purchase) -> None:
        """The ERP holds nothing of it."""
        found = [f"{b.kind} {b.reference}" for b in self.booked(bought)]
        assert not found, f"nothing may be booked, and there is {found}"

    def require_settled(self, *bought: Purchase, **policy: object) -> None:
        """A second plan is empty."""
        house = self.house(**policy)
        for one in bought:
            planned = [str(document.key) for document in self.plan(one, house)]
            assert not planned, f"a second plan is not empty: {planned}"

    def require_all(self, bought: Purchase, *kinds: str, **policy: object) -> None:
        """The books agree, nothing is held, and nothing is left to do."""
        assert not self.held(bought), self.held(bought)
        self.require_books(bought, *kinds)
        self.require_settled(bought, **policy)

    def held(self, *bought: Purchase) -> list[str]:
        """Why purchases wait in quarantine, in words."""
        ids = {one.order_id for one in bought}
        return [f.message for f in self.findings() if f.order_id_store in ids]

    def findings(self) -> list[Finding]:
        """What waits in quarantine."""
        with self.engine.connect() as connection:
            return [row.finding for row in quarantine.open_rows(connection, CHANNEL)]

    def finding(self, bought: Purchase) -> Finding:
        """The one reason why a purchase waits."""
        mine = [f for f in self.findings() if f.order_id_store == bought.order_id]
        assert mine, f"order {bought.order_number} is not held"
        return mine[0]

    def states(self, bought: Purchase) -> dict[str, str]:
        """The ledger's state of each document of a purchase."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "select kind || ' ' || sequence, state from erp_document"
                    " where order_id_store = :order_id"
                ),
                {"order_id": bought.order_id},
            )
            return {row[0]: row[1] for row in rows}

    def tidy(self) -> None:
        """Leave nothing behind that the next scenario would trip over."""
        self.rig.mend()
        with self.engine.begin() as connection:
            connection.execute(text("delete from erp_document where state <> 'posted'"))
            connection.execute(text("delete from quarantine"))
        for extra in self._erps[1:]:
            _close(extra)
        del self._erps[1:]

    def close(self) -> None:
        """Let go of every connection."""
        for erp in self._erps:
            _close(erp)
        self.engine.dispose()


_RUNS = itertools.count(1)


def _close(erp: Erp) -> None:
    close = getattr(erp, "close", None)
    if close is not None:
        close()


def _spell(amounts: Iterable[Decimal]) -> str:
    return ", ".join(f"{amount:.2f}" for amount in amounts)
