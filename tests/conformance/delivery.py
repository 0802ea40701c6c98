"""Scenarios: deliveries that repeat, posters that die, a wire that breaks, an ERP that is slow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from include.domain.document import PreparedDocument, RemoteDocument
from include.domain.errors import RemoteUnavailable
from include.domain.order import Restock
from include.pipelines import documents, planning
from include.ports.erp import Erp
from include.sandbox.assortment import Item
from include.sandbox.rig import RigFault
from tests.conformance.purchase import Purchase
from tests.conformance.scenario import scenario
from tests.conformance.stand import Stand

DELIVERY = "delivery"


@scenario(DELIVERY)
def delivered_twice(stand: Stand) -> None:
    """The same orders delivered again change nothing."""
    bought = [stand.simple(), stand.simple(paid=False)]
    stand.post(*bought)
    before = stand.rig.booked()
    for _ in range(2):
        done = stand.post(*bought)
        assert (done.documents, done.held) == (0, 0), f"{done}"
    assert stand.rig.booked() == before, "delivered again, and the books changed"


@scenario(DELIVERY)
def staging_lost(stand: Stand) -> None:
    """A connector that is asked again for what the ERP holds makes nothing and returns it."""
    bought = stand.simple()
    stand.post(bought)
    before = stand.rig.booked()
    house = stand.house()
    ready = planning.plan_orders(house, [bought.as_order(house.channel)], {})
    [(order, planned)] = list(ready)
    prepared = planning.prepare(house, order, planned)  # type: ignore[arg-type]
    found = house.erp.find([(p.document.key, p.document.order_number) for p in prepared])
    for one in prepared:
        again = house.erp.post(one)
        [known] = found[one.document.key]
        assert again.reference == known.reference, f"{one.document.key}: another one was made"
    assert stand.rig.booked() == before, "posted again, and the books changed"


@scenario(DELIVERY)
def older_news(stand: Stand) -> None:
    """An older version that arrives late changes nothing."""
    bought = stand.simple(3)
    old = replace(bought, parts=[replace(part) for part in bought.parts])
    bought.later().refund({0: 1})
    stand.post(bought)
    before = stand.rig.booked()
    stand.post(old)
    assert stand.rig.booked() == before, "older news changed the books"


@scenario(DELIVERY)
def two_posters(stand: Stand) -> None:
    """Two posters of the same orders at the same moment book each once."""
    bought = [stand.simple() for _ in range(3)]
    houses = [stand.house(stand.erp()) for _ in range(2)]
    batches = [stand.stage(*bought, house=house) for house in houses]
    ids = [one.order_id for one in bought]
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(documents.post, houses, [ids, ids], batches))
    assert sum(one.documents for one in done) == 6, f"{done}"
    for one in bought:
        stand.require_all(one, "sales_order", "invoice")


@scenario(DELIVERY)
def many_orders(stand: Stand) -> None:
    """A dozen orders in one go, posted side by side, are all booked and none twice."""
    bought = [stand.simple(1 + number % 3) for number in range(12)]
    stand.post(*bought)
    for one in bought:
        stand.require_books(one, "sales_order", "invoice")


class Killed(BaseException):
    """The poster's process is gone."""


class Mortal:
    """A connector whose process dies around the n-th call that posts."""

    def __init__(self, erp: Erp, *, at: int, after: bool) -> None:
        self._erp, self._left, self._after = erp, at, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._erp, name)

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        self._left -= 1
        if self._left < 0:
            raise Killed
        if self._left == 0:
            if self._after:
                self._erp.post(prepared)
            raise Killed
        return self._erp.post(prepared)


def killed(stand: Stand, bought: Purchase, *, at: int, after: bool) -> None:
    mortal = Mortal(stand.usual_erp(), at=at, after=after)
    with pytest.raises(Killed):
        stand.post(bought, house=stand.house(mortal))  # type: ignore[arg-type]
    assert "sending" in stand.states(bought).values(), stand.states(bought)


@scenario(DELIVERY)
def killed_before_the_call(stand: Stand) -> None:
    """A poster that dies before its call: the next one finds nothing in the ERP and sends it."""
    for at in (1, 2):
        bought = stand.simple()
        killed(stand, bought, at=at, after=False)
        stand.post(bought)
        stand.require_all(bought, "sales_order", "invoice")


@scenario(DELIVERY)
def killed_after_the_call(stand: Stand) -> None:
    """A poster that dies after its call: the next one finds the document and makes no other."""
    for at in (1, 2):
        bought = stand.simple()
        killed(stand, bought, at=at, after=True)
        before = len(stand.booked(bought))
        assert before == at, f"{before} documents after {at} calls"
        done = stand.post(bought)
        assert done.recovered == 1, f"{done.recovered} documents were recovered, not 1"
        stand.require_all(bought, "sales_order", "invoice")


@scenario(DELIVERY)
def killed_in_a_later_life(stand: Stand) -> None:
    """Credit notes, changes and voids of a poster that died are found, too."""
    refunded, changed, voided = stand.simple(), stand.simple(paid=False), stand.simple(paid=False)
    stand.post(refunded, changed, voided)
    refunded.later().refund({0: 1})
    changed.later().remove(changed.parts[0], 1)
    voided.later().cancel()
    for bought in (refunded, changed, voided):
        killed(stand, bought, at=1, after=True)
    stand.post(refunded, changed, voided)
    stand.require_all(refunded)
    stand.require_all(changed)
    stand.require_nothing(voided)
    stand.require_settled(voided)


@scenario(DELIVERY)
def killed_and_finalised(stand: Stand) -> None:
    """What a poster that died had made is found after people finished it, too."""
    bought = stand.simple()
    killed(stand, bought, at=2, after=True)
    stand.rig.finalise(bought.order_number)
    done = stand.post(bought)
    assert done.recovered == 1, f"{done.recovered} documents were recovered, not 1"
    stand.require_all(bought, "sales_order", "invoice")


WIRE = "the wire"


def _through(stand: Stand, fault: RigFault, **how: int) -> None:
    for at in (0, 1):
        bought = stand.simple()
        stand.rig.fail(fault, after=at, **how)
        stand.post_in_the_end(bought)
        stand.rig.mend()
        stand.require_all(bought, "sales_order", "invoice")


@scenario(WIRE)
def timeout_after_the_effect(stand: Stand) -> None:
    """The answer to a call that took effect is lost: the document is looked up, not made again."""
    _through(stand, RigFault.LOST_ANSWER)


@scenario(WIRE)
def lost_call(stand: Stand) -> None:
    """A call that never arrives is sent again."""
    _through(stand, RigFault.LOST_CALL)


@scenario(WIRE)
def cut_answer(stand: Stand) -> None:
    """An answer that is cut off is no answer: the document is looked up, not made again."""
    _through(stand, RigFault.CUT_ANSWER)


@scenario(WIRE)
def later_lives_cut(stand: Stand) -> None:
    """Credit notes, changes and voids whose answer is lost are made once."""
    refunded, changed, voided = stand.simple(), stand.simple(paid=False), stand.simple(paid=False)
    stand.post(refunded, changed, voided)
    refunded.later().refund({0: 1})
    changed.later().remove(changed.parts[0], 1)
    voided.later().cancel()
    for bought in (refunded, changed, voided):
        stand.rig.fail(RigFault.LOST_ANSWER)
        stand.post_in_the_end(bought)
        stand.rig.mend()
    stand.require_all(refunded, "sales_order", "invoice", "credit_note")
    stand.require_all(changed, "sales_order")
    stand.require_nothing(voided)


MOST_STEPS = 6


def _broken_off(stand: Stand, step: int, item: Item) -> Purchase:
    """Post a purchase whose chain of calls breaks off before one of them."""
    bought = stand.purchase()
    bought.add(item.sku, item.price, 3, stand.rates)
    stand.ship(bought)
    bought.pay()
    stand.rig.fail(RigFault.LOST_CALL, after=step)
    with suppress(RemoteUnavailable):
        stand.post(bought)
    stand.rig.mend()
    return bought


@scenario(WIRE)
def edited_after_a_broken_chain(stand: Stand) -> None:
    """An order that is edited after its calls broke off half-way ends in the books as it is now."""
    item = stand.own_item(100)
    for step in range(MOST_STEPS):
        bought = _broken_off(stand, step, item)
        bought.later().remove(bought.parts[0], 1)
        bought.pay_back()
        stand.post_in_the_end(bought)
        stand.require_all(bought)


@scenario(WIRE)
def cancelled_after_a_broken_chain(stand: Stand) -> None:
    """An order cancelled after its calls broke off half-way leaves no money and takes no stock."""
    item = stand.own_item(100)
    for step in range(MOST_STEPS):
        bought = _broken_off(stand, step, item)
        bought.later().cancel(restock=Restock.RETURNED)
        stand.post_in_the_end(bought)
        stand.rig.finalise(bought.order_number)
        net, free = stand.net(bought), stand.rig.free_units(item.sku)
        left = (net.total, net.tax, net.paid, 100 - free)
        assert not any(left), f"broken off before call {step + 1}; left: {left}"
        stand.require_settled(bought)


@scenario(WIRE)
def away(stand: Stand) -> None:
    """An ERP that is away for a while costs a try, no order and no second document."""
    _through(stand, RigFault.UNAVAILABLE, times=2)


@scenario(WIRE)
def throttled(stand: Stand) -> None:
    """An ERP that asks to slow down is obeyed, and everything is posted in the end."""
    bought = [stand.simple() for _ in range(2)]
    stand.rig.fail(RigFault.THROTTLED, times=3)
    stand.post_in_the_end(*bought)
    stand.rig.mend()
    for one in bought:
        stand.require_all(one, "sales_order", "invoice")


@scenario(WIRE)
def slow(stand: Stand) -> None:
    """An ERP that answers late, within the time-out, is waited for."""
    bought = stand.simple()
    stand.rig.fail(RigFault.SLOW, times=2)
    done = stand.post(bought)
    stand.rig.mend()
    assert done.documents == 2, f"{done.documents} documents in one run of a slow ERP, not 2"
    stand.require_all(bought, "sales_order", "invoice")
