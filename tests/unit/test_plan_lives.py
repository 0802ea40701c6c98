"""Random lives of an order, told as store events: the books follow each and end the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from include.domain.document import Document, DocumentKind, RemoteState, StockNeed
from include.domain.errors import Unbalanced
from include.domain.money import ZERO, Amount, quantise
from include.domain.order import (
    FinancialStatus,
    Order,
    Restock,
    TenderKind,
)
from include.domain.plan import ChangedAfterPosting
from tests.unit.order_lives import Shop
from tests.unit.orders_factory import PLACED, line, order, tender
from tests.unit.planned_books import PlannedBooks, State, in_history, kinds

INVOICE, CREDIT_NOTE = DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE
CENT = Decimal("0.01")
EVENTS = (
    "pay",
    "pay part",
    "capture",
    "edit up",
    "edit down",
    "refund",
    "freight",
    "goodwill",
    "exchange",
    "cancel",
)


def place(data: st.DataObject) -> Shop:
    prices = data.draw(st.lists(st.integers(0, 9_999), min_size=1, max_size=3), "prices")
    units = [data.draw(st.integers(1, 5), "units") for _ in prices]
    prices.append(data.draw(st.integers(1, 9_999), "price of what an edit may add"))
    freight = Decimal(data.draw(st.integers(0, 999), "freight")) / 100
    shop = Shop(
        prices=[(Decimal(price) / 100).quantize(CENT) for price in prices],
        freight=freight,
        freight_left=freight,
        ordered=[*units, 0],
        left=[*units, 0],
    )
    paid = data.draw(st.sampled_from(["now", "later", "held"]), "payment")
    if paid == "now" and shop.worth():
        shop.pay(shop.worth())
    if paid == "held" and shop.worth():
        shop.pay(shop.worth(), TenderKind.AUTHORIZATION)
    return shop


def paid_at_once(data: st.DataObject) -> Shop:
    """An order that is worth something and paid in full."""
    shop = place(data)
    assume(shop.worth())
    shop.tenders.clear()
    shop.pay(shop.worth())
    return shop


def happen(shop: Shop, data: st.DataObject) -> None:
    """Let one event happen to the order; one that cannot happen now leaves it alone."""
    shop.hours += data.draw(st.integers(1, 30), "hours")
    event = data.draw(st.sampled_from(EVENTS), "event")
    if shop.cancelled_at is not None:
        return
    owed = shop.worth() - shop.kept()
    some = [at for at, units in enumerate(shop.left) if units]
    if event == "pay" and owed > ZERO:
        shop.pay(owed)
    elif event == "capture" and owed > ZERO and shop.tenders:
        shop.pay(owed, TenderKind.CAPTURE)
    elif event == "pay part" and owed > CENT:
        shop.pay(quantise(owed / 2, "USD"))
    elif event == "edit up":
        at = data.draw(st.integers(0, len(shop.left) - 1), "line")
        units = data.draw(st.integers(1, 3), "units")
        shop.ordered[at] += units
        shop.left[at] += units
    elif event == "edit down" and some:
        at = data.draw(st.sampled_from(some), "line")
        shop.left[at] -= data.draw(st.integers(1, shop.left[at]), "units")
        shop.settle_overpaid()
    elif event == "refund" and some:
        at = data.draw(st.sampled_from(some), "line")
        units = data.draw(st.integers(1, shop.left[at]), "units")
        restock = data.draw(st.sampled_from([Restock.RETURNED, Restock.NOT_RESTOCKED]), "restock")
        shop.refund((at, units, restock))
    elif event == "freight" and shop.freight_left:
        shop.freight_left = ZERO
        shop.refund()
    elif event == "goodwill" and shop.kept() > CENT and owed <= ZERO:
        given = quantise(shop.kept() / 4, "USD")
        shop.goodwill += given
        shop.settle_overpaid()
    elif event == "exchange" and some:
        at = data.draw(st.sampled_from(some), "line")
        shop.ordered[-1] += 1
        shop.left[-1] += 1
        shop.refund((at, 1, Restock.RETURNED))
    elif event == "cancel" and not shop.goodwill:
        shop.cancelled_at = shop.now()
        shop.freight_left = ZERO
        shop.refund(
            *((at, units, Restock.CANCELLED) for at, units in enumerate(shop.left) if units)
        )


def life(data: st.DataObject, *, is_settled: bool = False) -> list[Order]:
    """Every version of one order, from placing to the end, where all is paid if asked for."""
    shop = place(data)
    versions = [shop.version()]
    for _ in range(data.draw(st.integers(1, 8), "events")):
        happen(shop, data)
        versions.append(shop.version())
    if is_settled and shop.worth() > shop.kept():
        shop.hours += 1
        shop.pay(shop.worth() - shop.kept())
        versions.append(shop.version())
    return versions


def money_kept(version: Order) -> Decimal:
    return version.stated.received.shop - version.stated.refunded.shop


def worth(version: Order) -> Decimal:
    return version.stated.current_total.shop + version.stated.refund_discrepancy.shop


def units(version: Order) -> dict[str, int]:
    return {part.line_id: part.current_quantity for part in version.lines if part.current_quantity}


def follow(books: PlannedBooks, version: Order, state: State = in_history) -> bool:
    """Post a version; False when it waits because a voided order lives again and is not paid."""
    try:
        books.post(version, state=state)
    except ChangedAfterPosting:
        is_billed = books.orders() or books.all(INVOICE)
        if is_billed or version.stated.outstanding.shop <= ZERO:
            raise
        return False
    return True


def require_true(books: PlannedBooks, version: Order) -> None:
    """The books say what the store says: billed, paid and units; or the order alone stands."""
    net = books.net()
    if books.all(INVOICE):
        assert net.total == worth(version)
        assert net.paid == money_kept(version)
        assert books.units() == units(version)
        return
    assert (net.total, net.paid) == (ZERO, ZERO)
    orders = books.orders()
    if orders:
        assert orders[-1].total == worth(version)
        assert {part.line_id: part.quantity for part in orders[-1].lines} == units(version)
    else:
        assert (worth(version), money_kept(version)) == (ZERO, ZERO) or not books.documents


def drawn_states(data: st.DataObject) -> State:
    """Where the ERP shows each document: once posted, posted for good."""
    known: dict[object, RemoteState] = {}

    def state(document: Document) -> RemoteState:
        if known.get(document.key) is not RemoteState.POSTED:
            is_posted = data.draw(st.booleans(), f"{document.key.kind} is posted")
            known[document.key] = RemoteState.POSTED if is_posted else RemoteState.OPEN
        return known[document.key]

    return state


@given(st.data())
def test_the_documents_of_any_life_sum_to_the_store_at_every_step_and_a_second_plan_is_empty(
    data: st.DataObject,
) -> None:
    books = PlannedBooks()
    for version in life(data):
        if follow(books, version):
            require_true(books, version)
            assert books.plan(version).documents == ()


@given(st.data())
def test_any_interleaving_repetition_or_late_arrival_of_the_same_facts_ends_in_the_same_books(
    data: st.DataObject,
) -> None:
    """Versions come in any sequence, some never, some twice; the newest that came is planned."""
    versions = life(data, is_settled=True)
    every, some = PlannedBooks(), PlannedBooks()
    for version in versions:
        follow(every, version)
    arrivals = data.draw(
        st.lists(st.integers(0, len(versions) - 1), max_size=2 * len(versions)), "arrivals"
    )
    newest = 0
    for at in (*arrivals, len(versions) - 1):
        newest = max(newest, at)
        follow(some, versions[newest])
    for books in (every, some):
        require_true(books, versions[-1])
    assert every.net().total == some.net().total
    assert every.net().paid == some.net().paid
    assert every.units() == some.units()


@given(st.data())
def test_a_version_that_arrives_between_two_documents_of_a_plan_changes_nothing(
    data: st.DataObject,
) -> None:
    versions = life(data, is_settled=True)
    books = PlannedBooks()
    for version in versions:
        if data.draw(st.booleans(), "only the first document is posted"):
            books.post_one(version)
    assert follow(books, versions[-1])
    require_true(books, versions[-1])


@given(st.data())
def test_what_the_erp_has_posted_already_does_not_change_the_net(data: st.DataObject) -> None:
    books = PlannedBooks()
    state = drawn_states(data)
    for version in life(data):
        if follow(books, version, state):
            require_true(books, version)


@given(st.data())
def test_refunds_never_exceed_what_remains(data: st.DataObject) -> None:
    books = PlannedBooks()
    for version in life(data):
        if data.draw(st.booleans(), "not seen"):
            continue
        follow(books, version)
        net = books.net()
        assert all(part.quantity >= 0 for part in net.lines.values())
        assert all(paid >= ZERO for _, paid in net.payments.values())
        assert net.total >= ZERO
        for document in (d for d, _ in books.documents):
            assert document.total >= ZERO
            assert all(part.quantity > 0 for part in document.lines)
            assert all(payment.amount > ZERO for payment in document.payments)
            if document.key.kind in (CREDIT_NOTE, INVOICE):
                assert document.paid <= document.total
        for invoice in books.all(INVOICE):
            payments = [d for d in books.all(DocumentKind.PAYMENT) if d.based_on == invoice.key]
            assert invoice.paid + sum(d.paid for d in payments) <= invoice.total


@given(st.data())
def test_credited_units_say_what_became_of_them(data: st.DataObject) -> None:
    """What the store's refunds restocked since the first invoice is what the notes restock."""
    shop = place(data)
    if shop.kept() != shop.worth():
        shop.tenders.clear()
        if shop.worth():
            shop.pay(shop.worth())
    books = PlannedBooks()
    books.post(shop.version())
    for _ in range(data.draw(st.integers(1, 6), "events")):
        some = [at for at, left in enumerate(shop.left) if left]
        if not some:
            break
        shop.hours += 1
        at = data.draw(st.sampled_from(some), "line")
        count = data.draw(st.integers(1, shop.left[at]), "units")
        if data.draw(st.booleans(), "by an edit"):
            shop.left[at] -= count
            shop.settle_overpaid()
        else:
            kind = data.draw(st.sampled_from([Restock.RETURNED, Restock.NOT_RESTOCKED]), "restock")
            shop.refund((at, count, kind))
        if data.draw(st.booleans(), "seen"):
            books.post(shop.version())
    books.post(shop.version())
    for restock in (Restock.RETURNED, Restock.NOT_RESTOCKED):
        said = sum(p.quantity for r in shop.refunds for p in r.lines if p.restock is restock)
        noted = sum(
            part.quantity
            for note in books.all(CREDIT_NOTE)
            for part in note.lines
            if part.restock is restock
        )
        assert noted == said


@given(st.data())
def test_a_test_order_never_reaches_the_books_whatever_happens_to_it(data: st.DataObject) -> None:
    books = PlannedBooks()
    for version in life(data):
        assert books.post(replace(version, is_test=True)) == []


@given(st.data())
def test_money_that_an_edit_leaves_over_is_open_credit_until_it_is_paid_back(
    data: st.DataObject,
) -> None:
    """An edit lowers a billed order: it is credited at once, the money follows its refund."""
    shop = paid_at_once(data)
    books = PlannedBooks()
    books.post(shop.version())
    at = data.draw(st.sampled_from([at for at, left in enumerate(shop.left) if left]), "line")
    shop.hours += 1
    shop.left[at] -= 1
    notes = books.post(shop.version())
    assert all(note.key.kind is CREDIT_NOTE and not note.payments for note in notes)
    assert (books.net().total, books.net().paid) == (shop.worth(), shop.kept())
    shop.hours += 1
    shop.settle_overpaid()
    books.post(shop.version())
    require_true(books, shop.version())


@given(st.data())
def test_money_that_an_edit_leaves_over_before_the_invoice_holds_the_order(
    data: st.DataObject,
) -> None:
    """No document carries more money than it is worth: the order waits for the refund."""
    shop = paid_at_once(data)
    shop.left[0] -= 1
    books = PlannedBooks()
    if shop.kept() > shop.worth():
        with pytest.raises(Unbalanced, match="payments less refunds"):
            books.plan(shop.version())
    shop.hours += 1
    shop.settle_overpaid()
    books.post(shop.version())
    require_true(books, shop.version())


@given(st.data())
def test_a_buyer_who_paid_in_another_currency_leaves_exchange_and_nothing_else(
    data: st.DataObject,
) -> None:
    """Sale and refunds have rates of their own; the books get the shop money that truly moved."""
    shop = paid_at_once(data)
    rates = [Decimal(data.draw(st.integers(90, 110), "rate")) / 100 for _ in range(3)]

    def seen() -> Order:
        """The shop as kept, read as the buyer's currency; shop money at the rate of each day."""
        made = shop.version()
        tenders = tuple(
            replace(t, amount=Amount(quantise(t.amount.shop * rates[n % 3], "USD"), t.amount.shop))
            for n, t in enumerate(made.tenders)
        )
        return replace(made, presentment_currency="EUR", tenders=tenders)

    def kept_in_shop_money(version: Order) -> Decimal:
        signs = {TenderKind.SALE: 1, TenderKind.REFUND: -1}
        return sum((signs[t.kind] * t.amount.shop for t in version.tenders), ZERO)

    books = PlannedBooks()
    books.post(seen())
    for _ in range(data.draw(st.integers(1, 4), "refunds")):
        some = [at for at, left in enumerate(shop.left) if left]
        if not some:
            break
        shop.hours += 1
        at = data.draw(st.sampled_from(some), "line")
        count = data.draw(st.integers(1, shop.left[at]), "units")
        shop.refund((at, count, Restock.RETURNED))
        version = seen()
        books.post(version)
        assert books.net().total == books.net().paid == kept_in_shop_money(version)
        assert books.units() == units(version)


def test_a_back_order_is_billed_though_its_stock_came_before_its_payment() -> None:
    tee = StockNeed("TEE-1", None)
    waiting = order(line(quantity=5), tenders=(), financial_status=FinancialStatus.PENDING)
    books = PlannedBooks()
    books.post(waiting, {tee: Decimal(3)})
    (change,) = books.post(waiting, {tee: Decimal(2)})
    assert not change.is_back_ordered
    (invoice,) = books.post(order(line(quantity=5)), {tee: ZERO})
    assert (invoice.key.kind, invoice.paid) == (INVOICE, Decimal("50.00"))


def test_units_that_an_edit_adds_are_not_short_where_stock_is_not_tracked() -> None:
    unpaid = {"tenders": (), "financial_status": FinancialStatus.PENDING}
    books = PlannedBooks()
    books.post(order(line(quantity=2), **unpaid))
    (change,) = books.post(order(line(quantity=4), **unpaid))
    assert (change.lines[0].quantity, change.is_back_ordered) == (4, False)


def test_a_cancelled_order_that_nobody_paid_is_void_though_the_store_still_states_its_total() -> (
    None
):
    unpaid = {"tenders": (), "financial_status": FinancialStatus.PENDING}
    books = PlannedBooks()
    books.post(order(**unpaid))
    gone = order(**unpaid, cancelled_at=PLACED)
    assert books.plan(gone).adjustments == (("cancelled", Decimal("20.00")),)
    (void,) = books.post(gone)
    assert void.key.kind is DocumentKind.VOID
    assert books.post(gone) == []


def test_a_full_refund_at_a_dearer_rate_credits_the_difference_as_exchange() -> None:
    paid = replace(tender("20.00"), amount=Amount(Decimal("20.00"), Decimal("20.00")))
    back = replace(
        tender("20.00", "R1", kind=TenderKind.REFUND, parent="T1"),
        amount=Amount(Decimal("20.40"), Decimal("20.00")),
    )
    books = PlannedBooks()
    books.post(order(tenders=(paid,), presentment_currency="EUR"))
    refunded = order(line(left=0), tenders=(paid, back), presentment_currency="EUR")
    (note,) = books.post(refunded)
    assert [(part.kind.value, part.net) for part in note.charges] == [("fx", Decimal("0.40"))]
    assert note.total == note.paid == Decimal("20.40")
    assert books.net().total == books.net().paid == Decimal("-0.40")


def test_an_order_emptied_by_an_edit_and_filled_again_is_billed_once_it_is_paid() -> None:
    unpaid = {"tenders": (), "financial_status": FinancialStatus.PENDING}
    books = PlannedBooks()
    books.post(order(**unpaid))
    assert kinds(books.post(order(line(left=0), **unpaid))) == ["void"]
    with pytest.raises(ChangedAfterPosting, match="lives again"):
        books.plan(order(line(quantity=3), tenders=(), financial_status=FinancialStatus.PENDING))
    (invoice,) = books.post(order(line(quantity=3)))
    assert (invoice.key.kind, invoice.based_on, invoice.paid) == (INVOICE, None, Decimal("30.00"))


def test_a_refund_on_another_card_than_was_paid_with_moves_no_more_than_it_is_worth() -> None:
    """Seen late: a unit was added on a second card, taken off and refunded on the first."""
    books = PlannedBooks()
    books.post(order())
    tenders = (
        tender("20.00"),
        tender("10.00", "T2"),
        tender("10.00", "R1", kind=TenderKind.REFUND, parent="T1"),
    )
    note, invoice = books.post(order(tenders=tenders))
    assert (note.total, note.paid) == (invoice.total, invoice.paid) == (Decimal(10), Decimal(10))
    assert books.net().total == books.net().paid == Decimal("20.00")
    assert {key: paid for key, (_, paid) in books.net().payments.items()} == {
        "T1": Decimal(10),
        "T2": Decimal(10),
    }
