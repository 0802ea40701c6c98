"""Random lives of orders billed in parts: true at every step, one end whatever was seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from include.domain.errors import OrderError
from include.domain.money import ZERO
from include.domain.policy import InvoiceMoment, Policy, ShortStock
from tests.unit.test_plan_lives import happen, place
from tests.unit.test_plan_policies import (
    ALL,
    ZONE,
    Channel,
    Step,
    require_held_by_policy,
)

POLICIES = (
    Policy(ZONE, short_stock=ShortStock.SPLIT),
    Policy(ZONE, invoice=InvoiceMoment.ON_SHIPMENT),
    Policy(ZONE, invoice=InvoiceMoment.ON_SHIPMENT, short_stock=ShortStock.IGNORE),
    Policy(ZONE, invoice=InvoiceMoment.NEVER),
    Policy(ZONE, short_stock=ShortStock.HOLD),
)


def life(data: st.DataObject) -> list[Step]:
    """Store events, shipments and deliveries in any order; at the end all is there and paid."""
    shop = place(data)
    shop.fulfilled = [0] * len(shop.prices)
    received = data.draw(st.integers(0, 4), "received")
    steps = [Step(shop.version(), received)]
    for _ in range(data.draw(st.integers(1, 7), "events")):
        what = data.draw(st.sampled_from(["happen", "happen", "hand over", "receive"]), "what")
        if what == "happen":
            happen(shop, data)
        elif what == "receive":
            received += data.draw(st.integers(1, 3), "more")
        elif shop.cancelled_at is None:
            shop.hours += 1
            at = data.draw(st.integers(0, len(shop.left) - 1), "line")
            shop.hand_over(at, data.draw(st.integers(0, 3), "units"))
        shop.fulfilled = [min(a, b) for a, b in zip(shop.fulfilled, shop.left, strict=True)]
        if shop.cancelled_at is not None:
            shop.fulfilled = [0] * len(shop.prices)
        steps.append(Step(shop.version(), received))
    shop.hours += 1
    if shop.cancelled_at is None:
        for at in range(len(shop.left)):
            shop.hand_over(at, ALL)
        if shop.worth() > shop.kept():
            shop.pay(shop.worth() - shop.kept())
    steps.append(Step(shop.version(), ALL))
    return steps


@given(st.data())
def test_any_life_in_parts_is_true_at_every_step_and_ends_the_same(data: st.DataObject) -> None:
    policy = data.draw(st.sampled_from(POLICIES), "policy")
    steps = life(data)
    every, some = Channel(policy), Channel(policy)
    for step in steps:
        error = every.follow(step)
        if error is None:
            every.require_true(step)
            assert every.documents(step) == ()
        else:
            require_held_by_policy(error, policy, step)
    for step in steps[:-1]:
        seen = data.draw(st.sampled_from(["not", "whole", "one document"]), "seen")
        if seen != "not":
            some.follow(step, at_most=1 if seen == "one document" else 6)
    last = some.follow(steps[-1])
    assert isinstance(last, OrderError) == isinstance(error, OrderError)
    if last is None:
        some.require_true(steps[-1])
        assert every.end() == some.end()


@given(st.data())
def test_what_is_billed_never_exceeds_what_was_ordered_nor_money_what_is_billed(
    data: st.DataObject,
) -> None:
    policy = data.draw(st.sampled_from(POLICIES[:3]), "policy")
    channel = Channel(policy)
    for step in life(data):
        if channel.follow(step) is not None:
            continue
        standing = channel.books.standing()
        for line in standing.content.lines:
            assert standing.units_invoiced(line.line_id) <= line.quantity or not standing.is_open
        worth = step.version.stated.current_total.shop
        kept = step.version.stated.net_payment.shop
        net = channel.books.net()
        assert net.paid <= max(net.total, kept - worth + net.total)
        assert net.total >= ZERO
