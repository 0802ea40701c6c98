"""Orders that are edited, refunded and cancelled between windows, and books that are tampered with.

The proof reads both sides afresh, so it must tell lives from losses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from include.connectors.stores.shopify.sandbox import amend, catalog
from include.connectors.stores.shopify.sandbox.book import Order
from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.proof import Outcome, WindowProof
from include.pipelines import proof
from include.ports.erp import Erp
from local.postgres import EmbeddedPostgres
from tests.integration.world import NOW, World, day, open_world

YESTERDAY = day(1)


def documents_of(found: WindowProof) -> dict[str, tuple[int, int]]:
    """Documents and those that the run sent, by kind."""
    return {row.kind.value: (row.documents, row.sent) for row in found.documents}


def test_each_window_accounts_for_what_became_of_the_orders_of_the_one_before(
    postgres_server: EmbeddedPostgres, staging_url: str
) -> None:
    with open_world(
        postgres_server, staging_url, days=3, per_day=110, seed_number=4, lively=True
    ) as world:
        proofs = [world.whole(day(number), f"day {number}") for number in (3, 2, 1)]
        for found in proofs:
            assert found.is_complete, [
                o.message for o in found.orders if o.outcome == "unexplained"
            ]
        first, second, third = proofs
        assert first.lives.changed == first.lives.unchanged == 0
        for later in (second, third):
            assert later.lives.new > 80
            assert later.lives.changed > 2, "posted by one window, changed in the next"
            assert later.lives.unchanged > 5, "shipped or touched: nothing was lacking"
        assert sum(found.lives.refunded for found in proofs) > 10
        assert sum(found.lives.edited for found in proofs) > 5
        assert sum(found.lives.cancelled for found in proofs) > 0
        in_ledger = world.ask(
            "select kind, count(*) from erp_document where state = 'posted' group by kind"
        )
        kinds = {str(kind) for kind, _ in in_ledger}
        assert {"sales_order", "invoice", "credit_note", "void"} <= kinds
        sent = {kind: sum(documents_of(p).get(kind, (0, 0))[1] for p in proofs) for kind in kinds}
        assert sent == dict(in_ledger), "every document was sent by the window that first named it"
        world.store.clock.set(None)
        latest = world.whole(day(0), "today")
        assert latest.is_complete
        assert latest.lives.changed > 0
        again = [world.whole(day(number), f"again {number}") for number in (3, 2, 1)]
        assert all(found.is_complete for found in again)
        once_more = world.whole(day(2), "once more")
        assert once_more.is_complete
        assert sum(row.sent for row in once_more.documents) == 0


def test_money_in_and_out_is_what_the_books_hold(
    postgres_server: EmbeddedPostgres, staging_url: str
) -> None:
    with open_world(postgres_server, staging_url, days=2, per_day=90, lively=True) as world:
        for number in (2, 1):
            world.whole(day(number), f"day {number}")
        found = world.whole(day(1), "again")
    (money,) = found.money
    by_kind = {row.kind: row for row in found.documents}
    credit = by_kind[DocumentKind.CREDIT_NOTE]
    assert (money.credited, money.paid_back) == (credit.amount, credit.paid)
    assert money.credited > 0
    billed = by_kind[DocumentKind.INVOICE]
    struck = by_kind[DocumentKind.VOID]
    assert billed.amount - struck.amount <= money.invoiced <= billed.amount
    assert money.paid_back > 0


# -- books that were tampered with -------------------------------------------------------------

AT = NOW - timedelta(hours=2)
LATER = NOW - timedelta(hours=1)


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=60) as opened:
        yield opened


class Tampered:
    """An ERP whose answers lack every document of one kind, or hold a copy of it that counts."""

    def __init__(self, erp: Erp, kind: DocumentKind, sequence: int, *, doubled: bool) -> None:
        self._erp = erp
        self._kind = kind, sequence
        self._doubled = doubled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._erp, name)

    def find(self, documents: Any) -> dict[DocumentKey, tuple[RemoteDocument, ...]]:
        found = dict(self._erp.find(documents))
        for key in [key for key in found if (key.kind, key.sequence) == self._kind]:
            if self._doubled:
                # A copy of a void counts for nothing; a copy of what was voided does.
                place = struck_by(key) if key.kind is DocumentKind.VOID else key
                first = found[place][0]
                copy = replace(first, reference=f"{first.reference}-COPY", state=RemoteState.OPEN)
                found[place] = (*found[place], copy)
            else:
                del found[key]
        return found


def struck_by(key: DocumentKey) -> DocumentKey:
    if key.sequence == 1:
        return replace(key, kind=DocumentKind.SALES_ORDER)
    return replace(key, kind=DocumentKind.INVOICE, sequence=key.sequence - 1)


def ordinary(world: World) -> Order:
    """A paid order of goods that nothing happened to, posted with its invoice."""
    billed = {
        number for (number,) in world.books("select cstponbr from sop10100 where soptype = 3")
    }
    return next(
        order
        for order in world.store
        if order.case == "ordinary"
        and order.name in billed
        and not order.refunds
        and order.currencies.presentment == "USD"
        and order.lines[0].quantity > 1
    )


def unbilled(world: World) -> Order:
    """An order that is posted and waits for its payment."""
    return next(order for order in world.store if order.case == "pending")


def add_a_line(world: World, order: Order, at: datetime = AT) -> None:
    amend.add(order, world.store.ids, catalog.GOODS[3], 1, at)


def live(world: World, kind: DocumentKind, sequence: int) -> str:
    """Let an order lead a life that ends in a document of the kind; return its number."""
    world.whole(YESTERDAY)
    order = unbilled(world) if kind is DocumentKind.ORDER_CHANGE else ordinary(world)
    ids = world.store.ids
    if kind is DocumentKind.ORDER_CHANGE:
        add_a_line(world, order)
    elif kind is DocumentKind.CREDIT_NOTE:
        amend.refund(order, ids, AT, [(order.lines[0], 1)])
    elif kind is DocumentKind.VOID:
        amend.cancel(order, ids, AT)
    elif kind is DocumentKind.PAYMENT or sequence > 1:
        add_a_line(world, order)
        if kind is DocumentKind.PAYMENT:
            world.store.put(order)
            world.whole(YESTERDAY, "owed")
        amend.settle(order, ids, LATER)
    world.store.put(order)
    proven = world.whole(YESTERDAY, "lived")
    assert proven.is_complete
    assert (kind.value, sequence) in world.ask(
        "select kind, sequence from erp_document where order_number = :number and state = 'posted'",
        number=order.name,
    )
    return order.name


def prove_again(world: World) -> WindowProof:
    run = world.run(YESTERDAY, "again")
    batch, selection = world.pull(run)
    return proof.prove(world.house, run, selection, batch)


KINDS = [
    (DocumentKind.SALES_ORDER, 1),
    (DocumentKind.ORDER_CHANGE, 1),
    (DocumentKind.INVOICE, 1),
    (DocumentKind.INVOICE, 2),
    (DocumentKind.CREDIT_NOTE, 1),
    (DocumentKind.PAYMENT, 1),
    (DocumentKind.VOID, 1),
    (DocumentKind.VOID, 2),
]


@pytest.mark.parametrize(("kind", "sequence"), KINDS)
def test_a_document_of_any_kind_that_is_lost_or_doubled_is_named(
    world: World, kind: DocumentKind, sequence: int
) -> None:
    number = live(world, kind, sequence)
    erp = world.house.erp
    world.house.__dict__["erp"] = Tampered(erp, kind, sequence, doubled=False)
    lost = prove_again(world)
    world.house.__dict__["erp"] = Tampered(erp, kind, sequence, doubled=True)
    doubled = prove_again(world)
    world.house.__dict__["erp"] = erp
    assert not lost.is_complete
    (told,) = [o for o in lost.orders if o.order_number == number]
    assert (told.outcome, told.reason) == (Outcome.UNEXPLAINED, "lost")
    assert kind.value in told.message
    assert kind is DocumentKind.VOID or doubled.doubled >= 1
    (told,) = [o for o in doubled.orders if o.order_number == number]
    reason = "voided" if kind is DocumentKind.VOID else "doubled"
    assert (told.outcome, told.reason) == (Outcome.UNEXPLAINED, reason)
    assert "-COPY" in told.message
    assert prove_again(world).is_complete


TAMPERED = {
    "a return is deleted": (
        (DocumentKind.CREDIT_NOTE, 1),
        "delete from sop10100 where soptype = 4 and cstponbr like :number || '%'",
        "lost",
    ),
    "a return is made smaller": (
        (DocumentKind.CREDIT_NOTE, 1),
        "update sop10100 set docamnt = docamnt - 1 where soptype = 4"
        " and cstponbr like :number || '%'",
        "amount",
    ),
    "a void is undone": (
        (DocumentKind.VOID, 2),
        "update sop30200 set voidstts = 0 where soptype = 3 and cstponbr = :number",
        "voided",
    ),
    "a changed order is changed by hand": (
        (DocumentKind.ORDER_CHANGE, 1),
        "update sop10100 set docamnt = docamnt + 1 where soptype = 2 and cstponbr = :number",
        "amount",
    ),
    "a later payment is entered twice": (
        (DocumentKind.PAYMENT, 1),
        "insert into sop10103 select p.soptype, p.sopnumbe, 7, p.pymttype, p.docnumbr, p.chekbkid,"
        " p.cheknmbr, p.cardname, p.rctnccrd, 'by hand', p.docdate, p.amntpaid, p.curncyid"
        " from sop10103 p join sop10100 h using (soptype, sopnumbe)"
        " where h.soptype = 3 and h.cstponbr like :number || '/%'",
        "payments",
    ),
    "a second invoice is deleted": (
        (DocumentKind.INVOICE, 2),
        "delete from sop10100 where soptype = 3 and cstponbr like :number || '/%'",
        "lost",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_books_that_were_changed_by_hand_are_named(world: World, what: str) -> None:
    (kind, sequence), statement, reason = TAMPERED[what]
    number = live(world, kind, sequence)
    with world.gp.begin() as connection:
        changed = connection.execute(text(statement), {"number": number})
        assert changed.rowcount == 1
    found = prove_again(world)
    (told,) = [o for o in found.orders if o.order_number == number]
    assert (told.outcome, told.reason) == (Outcome.UNEXPLAINED, reason)


def test_an_order_that_was_renamed_after_posting_is_found_by_the_number_it_was_sent_under(
    world: World,
) -> None:
    world.whole(YESTERDAY)
    order = ordinary(world)
    order.name = "#RENAMED-1"
    amend.touch(order, AT)
    world.store.put(order)
    found = world.whole(YESTERDAY, "renamed")
    assert found.is_complete, [o.message for o in found.orders if o.outcome == "unexplained"]
    assert "#RENAMED-1" not in {o.order_number for o in found.orders}


def test_a_renamed_order_goes_on_in_the_books_under_the_number_it_has_there(world: World) -> None:
    world.whole(YESTERDAY)
    order = ordinary(world)
    number, order.name = order.name, "#RENAMED-1"
    amend.refund(order, world.store.ids, AT, [(order.lines[0], 1)])
    world.store.put(order)
    found = world.whole(YESTERDAY, "renamed")
    assert found.is_complete
    assert "#RENAMED-1" not in {o.order_number for o in found.orders}
    sent = world.ask(
        "select distinct order_number from erp_document where order_id_store = :order_id",
        order_id=order.gid,
    )
    assert sent == [(number,)]
