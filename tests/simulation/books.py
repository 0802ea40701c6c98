"""Holds the ERP's own tables against the store, order by order, whatever the policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from include.connectors.stores.shopify.sandbox.book import Order
from include.domain.document import DocumentKind, RemoteState
from include.domain.policy import (
    Approval,
    InvoiceMoment,
    OnTestOrder,
    Policy,
    ShortStock,
    UnpaidOrders,
)
from include.sandbox.rig import Booked
from tests.simulation.world import World

ZERO = Decimal(0)
NOT_PAID = ("PENDING", "AUTHORIZED", "PARTIALLY_PAID")


@dataclass(frozen=True)
class Net:
    """What the documents of one order come to: what was billed, else what was ordered."""

    total: Decimal
    paid: Decimal
    units: Counter[str]
    is_billed: bool


@dataclass
class BookKeeper:
    """Somebody who reads the books and knows what the store says.

    Attributes:
        world: Where the books and the store are.
        alive: Numbers of the orders that live.
        approved: Up to which total people approved which order.
    """

    world: World
    alive: list[str]
    approved: Mapping[str, Decimal]

    @property
    def policy(self) -> Policy:
        """What the channel wants booked and when."""
        return self.world.house.settings.domain_policy

    def held(self) -> dict[str, str]:
        """Return why each order that quarantine holds is held, by its number."""
        rows = self.world.ask(
            "select order_number, rule || ': ' || message || ' ' || coalesce(remote, '')"
            " from quarantine where state = 'open' and severity = 'critical'"
        )
        return {str(number): str(why).rstrip() for number, why in rows}

    def faults(self, *, at_the_end: bool = False) -> Iterator[str]:
        """Yield what is wrong in the books.

        Args:
            at_the_end: Whether everything is paid, sent and in stock, so that nothing may wait.
        """
        held = self.held()
        booked: dict[str, list[Booked]] = {}
        for one in self.world.rig.booked():
            if one.state is not RemoteState.VOID:
                booked.setdefault(one.order_number, []).append(one)
        yield from (f"{number} is in the books only" for number in booked.keys() - {*self.alive})
        wanted = self._documents_in_the_ledger()
        for number in self.alive:
            order = self.world.store.by_name(number)
            mine = booked.get(number, [])
            if mine:
                yield from self._forbidden(order, _net_of(mine))
            if number not in held:
                yield from self._faults_of(order, mine, wanted[number], at_the_end=at_the_end)

    def _faults_of(
        self, order: Order, booked: list[Booked], wanted: Counter[str], *, at_the_end: bool
    ) -> Iterator[str]:
        found = Counter(one.kind.value for one in booked)
        if found != wanted:
            yield f"{order.name} has {dict(found)}, the ledger {dict(wanted)}"
            return
        if not booked and self._is_left_out(order):
            return
        kept = order.received.shop - order.refunded.shop
        worth = kept + order.outstanding.shop
        left = _units_left(order)
        net = _net_of(booked)
        if net.is_billed and self._is_billed_in_parts and not at_the_end:
            if not ZERO <= net.total <= worth or net.units - left:
                yield (
                    f"{order.name} is worth {worth} with {dict(left)} in the store; billed are "
                    f"{net.total} with {dict(net.units)}"
                )
            return
        if net.total != worth:
            yield f"{order.name} is worth {worth} in the store and {net.total} in the books"
        if order.cancelled_at is None and net.units != left:
            yield f"{order.name} holds {dict(left)} in the store, {dict(net.units)} in the books"
        if not at_the_end:
            return
        if net.paid != kept:
            yield f"{order.name} was paid {kept} in the store and {net.paid} in the books"
        is_to_be_billed = self.policy.invoice is not InvoiceMoment.NEVER
        if is_to_be_billed and worth and not net.is_billed:
            yield f"{order.name} was never billed"

    def _forbidden(self, order: Order, net: Net) -> Iterator[str]:
        """Yield what is in the books against the policy."""
        policy = self.policy
        if order.test and policy.test_orders is OnTestOrder.SKIP:
            yield f"{order.name} is a test and in the books"
        is_unpaid = order.received.shop == ZERO and order.financial_status in NOT_PAID
        if is_unpaid and policy.unpaid is not UnpaidOrders.POST_ORDER:
            yield f"{order.name} was never paid and is in the books"
        approved = self.approved.get(order.name)
        if policy.approval is Approval.REQUIRED and (approved is None or net.total > approved):
            yield f"{order.name} is in the books over {net.total}, approved is {approved}"

    @property
    def _is_billed_in_parts(self) -> bool:
        return (
            self.policy.short_stock is ShortStock.SPLIT
            or self.policy.invoice is InvoiceMoment.ON_SHIPMENT
        )

    def _is_left_out(self, order: Order) -> bool:
        if order.test and self.policy.test_orders is OnTestOrder.SKIP:
            return True
        waits = self.policy.unpaid is UnpaidOrders.SKIP
        return waits and order.financial_status in NOT_PAID

    def _documents_in_the_ledger(self) -> dict[str, Counter[str]]:
        """Count what the ledger says is in the ERP and was not struck out."""
        counted: dict[str, Counter[str]] = {name: Counter() for name in self.alive}
        for number, kind, sequence in self.world.ask(
            "select order_number, kind, sequence from erp_document where state = 'posted'"
        ):
            if kind in ("sales_order", "invoice", "credit_note"):
                counted[str(number)][str(kind)] += 1
            elif kind == "void":
                target = "sales_order" if sequence == 1 else "invoice"
                counted[str(number)][target] -= 1
        return {name: +documents for name, documents in counted.items()}


def _units_left(order: Order) -> Counter[str]:
    left = Counter[str]()
    for line in order.lines:
        if line.kind == "goods" and line.sku:
            left[line.sku] += line.current
    return +left


def _net_of(booked: list[Booked]) -> Net:
    billed = [one for one in booked if one.kind is not DocumentKind.SALES_ORDER]
    total, paid, units = ZERO, ZERO, Counter[str]()
    for one in billed or booked:
        sign = -1 if one.kind is DocumentKind.CREDIT_NOTE else 1
        total += sign * one.total
        paid += sign * one.paid
        for sku, count in one.units.items():
            units[sku] += sign * int(count)
    return Net(total, paid, +units, bool(billed))
