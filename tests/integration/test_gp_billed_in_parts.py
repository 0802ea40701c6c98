"""Orders billed in parts, planned and posted into the sandbox company, read from its tables.

The planner's own lives are lived here once more: what GP holds after each moment is what was
planned, its order has left what is not billed, and a second posting changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import make_url

from include.connectors.erps.dynamics_gp.connector import DynamicsGp
from include.connectors.erps.dynamics_gp.sandbox.company import Catalog, StockedItem, seed
from include.domain.document import DocumentKey, DocumentKind, RemoteState, StockNeed
from include.domain.errors import OrderError, Refused
from include.domain.money import ZERO
from include.domain.order import ChargeKind
from include.domain.policy import InvoiceMoment, Policy, ShortStock
from local.postgres import EmbeddedPostgres
from tests.integration.gp_company import (
    Company,
    charge,
    company,
    document,
    goods,
    payment,
)
from tests.unit.planned_books import PlannedBooks, in_history, in_work
from tests.unit.test_plan_policies import LIVES, ZONE, Step

Fresh = Callable[[], AbstractContextManager[Company]]
ORDER_KEY = DocumentKey("shopify_gp", "1001", DocumentKind.SALES_ORDER)
SKUS = ("SKU-0", "SKU-1", "SKU-2")
POLICIES = {
    "split": Policy(ZONE, short_stock=ShortStock.SPLIT),
    "on_shipment": Policy(ZONE, invoice=InvoiceMoment.ON_SHIPMENT),
    "back_order": Policy(ZONE),
}


@pytest.fixture(scope="module")
def fresh(postgres_server: EmbeddedPostgres) -> Iterator[Fresh]:
    with company(postgres_server) as made:
        items = [StockedItem(sku, sku, {"MAIN": Decimal(0)}) for sku in SKUS]
        seed(made.url, Catalog(items=items))
        template = make_url(made.url).database
        yield lambda: company(postgres_server, template)


@pytest.fixture
def books(fresh: Fresh) -> Iterator[Company]:
    with fresh() as made:
        yield made


class Ledgered:
    """One order, its ledger and the company it is posted into."""

    def __init__(self, company: Company, policy: Policy, *, is_posted: bool) -> None:
        self.company = company
        self.planned = PlannedBooks(policy)
        self.erp: DynamicsGp = company.erp()
        self.is_posted = is_posted
        self.received = 0

    def receive(self, units: int) -> None:
        self.company.run(
            "update iv00102 set qtyonhnd = qtyonhnd + :more where itemnmbr like 'SKU-%'",
            more=units - self.received,
        )
        self.received = units

    def follow(self, step: Step) -> None:
        self.receive(step.received)
        state = in_history if self.is_posted else in_work
        needs = {StockNeed(sku, None) for sku in SKUS}
        for _ in range(8):
            try:
                wanted = self.planned.plan(
                    step.version, dict(self.erp.available(needs)), state
                ).documents
            except OrderError:
                return
            if not wanted:
                break
            prepared = self.erp.prepare(wanted[0])
            remote = self.erp.post(prepared)
            assert self.erp.post(prepared).reference == remote.reference
            at = step.version.updated_at.isoformat()
            self.planned.documents.append((wanted[0], at))
        else:
            raise AssertionError("there is still more to post")
        self.require_the_same()
        if self.is_posted:
            for (batch,) in self.company.run("select bachnumb from sy00500"):
                self.company.value("select gp_post_batch(:batch)", batch=batch)

    def require_the_same(self) -> None:
        """GP's own tables say what was planned."""
        net, standing = self.planned.net(), self.planned.standing()
        totals = dict(
            self.company.run(
                "select soptype, sum(docamnt) from sales_documents where voidstts = 0 group by 1"
            )
        )
        paid = dict(
            self.company.run(
                "select p.soptype, sum(p.amntpaid) from sop10103 p join sales_documents d"
                " using (soptype, sopnumbe) where d.voidstts = 0 group by 1"
            )
        )
        receipts = self.company.value("select coalesce(sum(ortrxamt), 0) from rm10201")
        assert totals.get(3, ZERO) - totals.get(4, ZERO) == net.total
        assert paid.get(3, ZERO) - paid.get(4, ZERO) + receipts == net.paid
        in_work = self.company.run(
            "select l.integrationid, l.qtyprinv, l.qtytoinv + l.qtytbaor, l.qtyremai"
            " from sop10200 l where l.soptype = 2"
        )
        assert bool(in_work) == standing.is_open
        for mark, billed, left, remaining in in_work:
            if mark.startswith("c"):
                continue  # a charge: no units of the store
            ordered = {line.line_id: line.quantity for line in standing.content.lines}.get(mark, 0)
            assert billed == standing.units_invoiced(mark)
            assert left == remaining == ordered - billed


@pytest.mark.parametrize("is_posted", [False, True], ids=["in work", "posted"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_gp_holds_what_was_planned_at_every_moment_of_a_life(
    books: Company, life: Callable[[], list[Step]], policy: str, is_posted: bool
) -> None:
    ledgered = Ledgered(books, POLICIES[policy], is_posted=is_posted)
    for step in life():
        ledgered.follow(step)
    ledgered.erp.close()


def part(sequence: int, *lines: object, **more: object) -> object:
    key = replace(ORDER_KEY, kind=DocumentKind.INVOICE, sequence=sequence)
    return document(key=key, based_on=ORDER_KEY, lines=lines, **more)


def left(books: Company) -> dict[str, tuple[int, int, int]]:
    """Item: to invoice, invoiced before, remaining; of the order in work."""
    rows = books.run(
        "select itemnmbr, qtytoinv, qtyprinv, qtyremai from sop10200 where soptype = 2"
    )
    return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}


def test_a_part_that_does_not_begin_with_the_first_line_is_taken_off_the_right_line(
    books: Company,
) -> None:
    erp = books.erp()
    lines = (goods("MUG", 3, "42.00"), goods("TENT", 2, "200.00"))
    freight = (charge(ChargeKind.SHIPPING, "5.00"),)
    erp.post(erp.prepare(document(lines=lines, charges=freight, payments=(payment("247.00"),))))
    first = part(1, goods("TENT", 1, "100.00"), charges=freight)
    erp.post(erp.prepare(first))
    assert left(books) == {"MUG": (3, 0, 3), "TENT": (1, 1, 1)}
    erp.post(erp.prepare(part(2, goods("MUG", 3, "42.00"))))
    assert left(books) == {"MUG": (0, 3, 0), "TENT": (1, 1, 1)}
    erp.post(erp.prepare(part(3, goods("TENT", 1, "100.00"))))
    assert left(books) == {}
    found = erp.find([(ORDER_KEY, "#1001")])[ORDER_KEY]
    assert found[0].state is RemoteState.POSTED
    totals = books.run(
        "select cstponbr, docamnt, orignumb from sop10100 where soptype = 3 order by 1"
    )
    assert totals == [
        ("#1001", 105, "ORDW000001"),
        ("#1001/2", 42, "ORDW000001"),
        ("#1001/3", 100, "ORDW000001"),
    ]


def test_more_than_is_left_on_an_order_line_is_not_billed(books: Company) -> None:
    erp = books.erp()
    erp.post(erp.prepare(document(lines=(goods("MUG", 3, "42.00"), goods("TENT", 1, "100.00")))))
    erp.post(erp.prepare(part(1, goods("MUG", 2, "28.00"))))
    with pytest.raises(Refused, match="bills 2 of MUG and 1 are left"):
        erp.post(erp.prepare(part(2, goods("MUG", 2, "28.00"))))
