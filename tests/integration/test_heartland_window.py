"""One window from the store into Heartland and back: automatic invoicing on and off, pending."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from include.connectors.erps.heartland_retail.sandbox.faults import Fault
from include.connectors.erps.heartland_retail.sandbox.rig import TOKEN
from include.connectors.stores.shopify.sandbox import amend
from include.domain.document import DocumentKind, RemoteState
from include.domain.proof import Outcome
from tests.integration.heartland_world import HeartlandWorld, open_world
from tests.integration.world import NOW, day

YESTERDAY = day(1)
PLAIN = ("guest", "tip", "captured_in_parts", "no_shipping_address", "other_script", "tax_included")
Open = Callable[..., HeartlandWorld]


@pytest.fixture
def opened(staging_url: str, tmp_path: Path) -> Iterator[Open]:
    """Opens a world with a policy; closed at the end."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda **policy: stack.enter_context(
            open_world(staging_url, tmp_path, per_day=40, **policy)
        )


def people(world: HeartlandWorld, method: str, path: str, body: Any) -> int:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{world.rig.url}/api/{path}"
    answer = requests.request(method, url, json=body, headers=headers, timeout=10)
    assert answer.ok, answer.text
    tail = answer.headers.get("Location", "").rpartition("/")[2]
    return int(tail) if tail else 0


def invoice_by_hand(world: HeartlandWorld, order: dict[str, Any], units: int | None = None) -> None:
    """What people do where automatic invoicing is off: fulfil, invoice, complete.

    Args:
        world: The channel.
        order: The order.
        units: How many of each line; all of them unless given.
    """
    state = world.rig.sandbox.account
    lines = state.children("sales/orders/lines", order["id"])
    bill = {name: order[name] for name in ("customer_id", "station_id")} | {"order_id": order["id"]}
    for at, site in enumerate(dict.fromkeys(x["ship_from_location_id"] for x in lines)):
        number = people(world, "POST", "sales/invoices", bill | {"source_location_id": site})
        path = f"sales/invoices/{number}"
        for line in (x for x in lines if x["ship_from_location_id"] == site):
            own = {"type": "ItemLine", "item_id": line["item_id"], "qty": units or line["qty"]}
            own["unit_price"] = float(line["adjusted_unit_price"])
            people(world, "POST", f"{path}/lines", own)
        for tax in state.children("sales/orders/taxes", order["id"]) if at == 0 else ():
            own = {"type": "TaxLine", "description": tax["description"]}
            people(world, "POST", f"{path}/lines", own | {"value": float(tax["value"])})
        people(world, "PUT", path, {"status": "complete"})


def orders(world: HeartlandWorld, status: str) -> list[dict[str, Any]]:
    found = world.rig.sandbox.account.all("sales/orders")
    return [dict(row) for row in found if row["status"] == status]


def test_a_window_is_proven_complete_and_again_changes_nothing(opened: Open) -> None:
    world = opened()
    found = world.whole(YESTERDAY)
    assert found.is_complete
    assert found.posted + found.held + found.skipped == found.in_store
    assert found.posted > 25
    (money,) = found.money
    booked = world.rig.booked()
    billed = sum(b.total for b in booked if b.kind is DocumentKind.INVOICE)
    assert money.invoiced == billed > 0
    assert len(orders(world, "closed")) > 20
    writes = [entry for entry in world.rig.sandbox.log if entry[0] != "GET"]
    again = world.whole(YESTERDAY, "r2")
    assert again.is_complete
    assert [entry for entry in world.rig.sandbox.log if entry[0] != "GET"] == writes
    assert world.rig.booked() == booked


def test_with_automatic_invoicing_off_people_do_the_rest_and_nothing_is_doubled(
    opened: Open,
) -> None:
    world = opened(invoice="never")
    found = world.whole(YESTERDAY)
    assert found.is_complete
    assert {b.kind for b in world.rig.booked()} == {DocumentKind.SALES_ORDER}
    ready = [
        order
        for order in orders(world, "open")
        if all(
            line["ship_from_location_id"]
            for line in world.rig.sandbox.account.children("sales/orders/lines", order["id"])
        )
    ]
    assert len(ready) > 20
    for order in ready:
        invoice_by_hand(world, order)
    assert len(orders(world, "closed")) == len(ready)
    again = world.whole(YESTERDAY, "r2")
    assert again.is_complete
    assert again.posted == found.posted
    invoices = [b for b in world.rig.booked() if b.kind is DocumentKind.INVOICE]
    assert len(invoices) >= len(ready)
    states = dict(
        world.ask("SELECT remote_state, count(*) FROM erp_document GROUP BY 1")  # type: ignore[arg-type]
    )
    assert states[RemoteState.POSTED.value] == len(ready)


@pytest.mark.parametrize("units", [None, 1])
def test_what_people_invoiced_and_the_store_took_back_later_comes_back_by_ticket(
    opened: Open, units: int | None
) -> None:
    """Automatic invoicing is off: the planner sees an order only, Heartland what people billed."""
    world = opened(invoice="never")
    first = world.whole(YESTERDAY)
    account, shop = world.rig.sandbox.account, world.store
    numbers = [
        b.order_number
        for b in world.rig.booked()
        if b.paid == b.total
        and not b.back_ordered
        and shop.by_name(b.order_number).case in PLAIN
        and any(line.current > 1 for line in shop.by_name(b.order_number).lines)
    ]
    assert len(numbers) > 1
    for at, number in enumerate(numbers):
        (order,) = [o for o in orders(world, "open") if o["custom"]["ecommerce_number"] == number]
        invoice_by_hand(world, order, units)
        sold = shop.by_name(number)
        when = NOW - timedelta(hours=3)
        if at == 0:
            amend.cancel(sold, shop.ids, when)
        else:
            line = next(line for line in sold.lines if line.current > 1)
            amend.refund(sold, shop.ids, when, [(line, line.current)])
        shop.put(sold)
    again = world.whole(YESTERDAY, "r2")
    assert again.is_complete, [o.message for o in again.orders]
    assert again.posted + again.held + again.skipped == first.in_store
    assert {t["status"] for t in account.all("sales/tickets")} == {"complete"}
    tickets = {t["custom"]["ecommerce_number"] for t in account.all("sales/tickets")}
    assert tickets >= {f"{numbers[0]}/V1", f"{numbers[1]}/C1"}
    writes = [entry for entry in world.rig.sandbox.log if entry[0] != "GET"]
    assert world.whole(YESTERDAY, "r3").is_complete
    assert [entry for entry in world.rig.sandbox.log if entry[0] != "GET"] == writes


def test_pending_orders_are_held_in_the_same_run_and_released_once_they_are_mended(
    opened: Open,
) -> None:
    world = opened(erp={"counter_address": None})
    found = world.whole(YESTERDAY)
    assert found.is_complete
    held = [o for o in found.orders if o.outcome is Outcome.HELD and o.reason == "refused_by_erp"]
    pending = orders(world, "pending")
    assert len(held) == len(pending) > 1
    assert all(o.order_number in o.message and "shipping address" in o.message for o in held)
    promised = {order["id"]: order["_held"] for order in pending}
    assert not any(promised.values())
    # One of them people mend and open; the others they only mend.
    for at, order in enumerate(pending):
        home = {"first_name": "A", "last_name": "B", "line_1": "1 Elm", "postal_code": "04101"}
        address = people(world, "POST", f"customers/{order['customer_id']}/addresses", home)
        body: dict[str, Any] = {"shipping_address_id": address}
        if at == 0:
            body["status"] = "open"
        people(world, "PUT", f"sales/orders/{order['id']}", body)
    again = world.whole(YESTERDAY, "r2")
    assert again.is_complete
    assert again.posted == found.posted + len(pending)
    assert not orders(world, "pending")


@pytest.mark.parametrize("kind", ["drop_after", "http_503", "http_502_after"])
def test_a_window_on_a_bad_line_is_complete_in_the_end(opened: Open, kind: str) -> None:
    world = opened()
    world.rig.sandbox.faults.add(Fault(kind, times=15, after=20))
    for attempt in range(4):
        found = world.whole(YESTERDAY, f"r{attempt}")
        world.rig.mend()
        if found.is_complete and "erp_busy" not in found.held_by_reason:
            break
    assert attempt > 0
    assert found.is_complete
    assert found.posted > 25
    numbers = [(b.order_number, b.kind) for b in world.rig.booked()]
    assert len(numbers) == len(set(numbers))
