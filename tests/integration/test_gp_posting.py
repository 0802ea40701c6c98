"""Posting into the sandbox company: exactly once, all or nothing, and honest about what GP says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from include.connectors.erps.dynamics_gp.gateway import open_gateway
from include.connectors.erps.dynamics_gp.sandbox.wire import wire
from include.domain.document import DocumentKind, RemoteState, StockNeed
from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    MappingMissing,
    Refused,
    RemoteUnavailable,
)
from include.domain.order import ChargeKind, LineKind
from local.postgres import EmbeddedPostgres
from tests.integration.gp_company import (
    BATCH,
    TAX,
    Company,
    charge,
    company,
    document,
    goods,
    invoice,
    payment,
)

Fresh = Callable[[], AbstractContextManager[Company]]
ROOT = Path(__file__).resolve().parents[2]
TABLES = ("sop10100", "sop10200", "sop10103", "sop10105", "sop30200", "sop30300")


@pytest.fixture(scope="module")
def fresh(postgres_server: EmbeddedPostgres) -> Iterator[Fresh]:
    with company(postgres_server) as made:
        template = make_url(made.url).database
        yield lambda: company(postgres_server, template)


@pytest.fixture
def books(fresh: Fresh) -> Iterator[Company]:
    with fresh() as made:
        yield made


def counts(books: Company) -> dict[str, int]:
    return {table: books.value(f"select count(*) from {table}") for table in TABLES}


def test_an_order_and_its_invoice_arrive_whole_and_are_read_back(books: Company) -> None:
    erp = books.erp()
    sale = document(lines=(goods(taxes=(TAX,)),), charges=(charge(ChargeKind.SHIPPING, "5.95"),))
    order = erp.post(erp.prepare(sale))
    assert (order.reference, order.state) == ("ORDW000001", RemoteState.OPEN)
    assert (order.total, order.line_count, order.paid) == (Decimal("35.07"), 1, 0)
    bill = invoice(
        lines=sale.lines, charges=sale.charges, payments=(payment("30"), payment("5.07", "cash"))
    )
    billed = erp.post(erp.prepare(bill))
    assert (billed.reference, billed.paid) == ("INVW000001", Decimal("35.07"))
    found = erp.find([(sale.key, "#1001"), (bill.key, "#1001"), (document(7).key, "#7")])
    assert [found[sale.key][0].state, found[bill.key][0].state] == [
        RemoteState.POSTED,
        RemoteState.OPEN,
    ]
    assert set(found) == {sale.key, bill.key}
    assert books.stock("MUG") == (100, 2, 0)
    row = books.run("select origtype, orignumb, cstponbr, bachnumb, custnmbr from sop10100")[0]
    assert row == (2, "ORDW000001", "#1001", BATCH, "W4711")
    assert [r[0] for r in books.run("select pymttype from sop10103 order by seqnumbr")] == [6, 4]
    books.value("select gp_post_batch(:batch)", batch=BATCH)
    assert erp.find([(bill.key, "#1001")])[bill.key][0].state is RemoteState.POSTED
    assert books.stock("MUG") == (98, 0, 0)


def test_posting_again_returns_what_is_there_in_work_and_in_history(books: Company) -> None:
    erp = books.erp()
    prepared = erp.prepare(document())
    first = erp.post(prepared)
    assert erp.post(prepared) == first
    erp.post(erp.prepare(invoice()))
    again = erp.post(prepared)
    assert (again.reference, again.state) == (first.reference, RemoteState.POSTED)
    assert counts(books)["sop10100"] + counts(books)["sop30200"] == 2
    assert books.value("select sopnumbe from sop40300 where soptype = 2") == "ORDW000002"


def test_back_ordered_quantity_is_told_to_gp_and_read_back(books: Company) -> None:
    erp = books.erp()
    order = erp.post(erp.prepare(document(lines=(goods("TENT", 5, "500.00", back_ordered=2),))))
    assert order.back_ordered == 2
    assert books.stock("TENT") == (3, 3, 2)


def test_stock_that_ran_short_since_planning_is_back_ordered_by_gp(books: Company) -> None:
    erp = books.erp()
    erp.post(erp.prepare(document(1, lines=(goods("TENT", 2, "200.00"),))))
    late = erp.post(erp.prepare(document(2, lines=(goods("TENT", 2, "200.00"),))))
    assert (late.back_ordered, late.total) == (1, 200)
    assert books.stock("TENT") == (3, 3, 1)


def test_an_invoice_takes_over_what_its_order_allocated(books: Company) -> None:
    erp = books.erp()
    lines = (goods("TENT", 3, "300.00"),)
    erp.post(erp.prepare(document(lines=lines)))
    assert books.stock("TENT") == (3, 3, 0)
    erp.post(erp.prepare(invoice(lines=lines)))
    assert books.stock("TENT") == (3, 3, 0)


def test_an_invoice_without_its_order_is_refused_and_says_which(books: Company) -> None:
    erp = books.erp()
    with pytest.raises(Refused, match="no order #1001") as refused:
        erp.post(erp.prepare(invoice()))
    assert refused.value.field == "ORIGNUMB"
    assert set(counts(books).values()) == {0}


def test_non_inventory_lines_discounts_and_freight_tax_are_booked(books: Company) -> None:
    erp = books.erp()
    sale = document(
        lines=(goods(), goods(None, 1, "12.00", kind=LineKind.CUSTOM, title="Engraving")),
        charges=(
            charge(ChargeKind.SHIPPING, "5.00", (replace(TAX, amount=Decimal("0.20")),)),
            charge(ChargeKind.TIP, "3.00"),
            charge(ChargeKind.ROUNDING, "-0.02"),
        ),
    )
    erp.post(erp.prepare(sale))
    row = books.run("select subtotal, trdisamt, frtamnt, taxamnt, frttxamt, docamnt from sop10100")[
        0
    ]
    assert row == tuple(map(Decimal, ("43", "0.02", "5", "0.20", "0.20", "48.18")))
    items = books.run("select itemnmbr, noninven from sop10200 order by lnitmseq")
    assert items == [("MUG", 0), ("CUSTOM", 1), ("TIP", 1)]


def test_a_guest_is_booked_on_the_account_for_guests_under_their_own_name(books: Company) -> None:
    erp = books.erp()
    erp.post(erp.prepare(document(customer=None)))
    assert books.run("select custnmbr, custname from sop10100") == [("WEBGUEST", "Ann Example")]
    assert books.value("select custname from rm00101 where custnmbr = 'WEBGUEST'") == "Web guests"


def test_a_known_customer_keeps_what_people_wrote_where_the_channel_says_so(
    books: Company,
) -> None:
    erp = books.erp(update_customers=False)
    erp.post(erp.prepare(document(1)))
    books.run("update rm00101 set custname = 'Ann, key account' where custnmbr = 'W4711'")
    erp.post(erp.prepare(document(2)))
    name = "select custname from rm00101 where custnmbr = 'W4711'"
    assert books.value(name) == "Ann, key account"
    eager = books.erp()
    eager.post(eager.prepare(document(3)))
    assert books.value(name) == "Ann Example"
    codes = books.run("select adrscode from rm00102 where custnmbr = 'W4711' order by 1")
    assert codes == [("PRIMARY",), ("SHIP TO",)]


def test_a_refusal_carries_gps_own_words_and_leaves_nothing_behind(books: Company) -> None:
    erp = books.erp()
    with pytest.raises(Refused) as refused:
        erp.post(erp.prepare(document(lines=(goods("RARE", 1, "9.00", back_ordered=1),))))
    assert "4776 The item does not allow back orders" in str(refused.value)
    assert "item RARE" in str(refused.value)
    assert refused.value.rule == "econnect_4776"
    assert set(counts(books).values()) == {0}
    assert books.value("select sopnumbe from sop40300 where soptype = 2") == "ORDW000001"
    assert books.value("select count(*) from rm00101 where custnmbr = 'W4711'") == 0


def test_a_sku_that_gp_has_no_item_for_names_the_row_to_add(books: Company) -> None:
    erp = books.erp()
    with pytest.raises(MappingMissing) as missing:
        erp.post(erp.prepare(document(lines=(goods("MYSTERY-BOX-01"),))))
    assert (missing.value.kind, missing.value.key) == ("sku", "MYSTERY-BOX-01")


@pytest.mark.parametrize("code", [2022, 2079])
def test_a_document_in_use_is_for_later(code: int, books: Company) -> None:
    erp = books.erp()
    books.run("select sandbox_fault_add('taSopHdrIvcInsert', 'error', :code)", code=code)
    prepared = erp.prepare(document())
    with pytest.raises(RemoteUnavailable) as later:
        erp.post(prepared)
    assert later.value.status == code
    assert erp.post(prepared).reference == "ORDW000001"


def test_a_batch_that_is_being_posted_is_waited_for_and_never_written_to(books: Company) -> None:
    erp = books.erp()
    erp.post(erp.prepare(document(1)))
    books.run("select gp_begin_posting(:batch)", batch=BATCH)
    before = books.run("select numoftrx, bchtotal from sy00500")
    with pytest.raises(RemoteUnavailable, match="being posted"):
        erp.post(erp.prepare(document(2)))
    assert books.run("select numoftrx, bchtotal from sy00500") == before
    books.run("select gp_end_posting(:batch)", batch=BATCH)
    erp.post(erp.prepare(document(2)))


def test_a_deadlock_is_tried_again_and_a_lasting_one_is_for_later(books: Company) -> None:
    erp = books.erp()
    books.run("select sandbox_fault_add('taSopHdrIvcInsert', 'deadlock', times => 2)")
    assert erp.post(erp.prepare(document())).reference
    books.run("select sandbox_faults_clear()")
    books.run("select sandbox_fault_add('taSopHdrIvcInsert', 'deadlock', times => 99)")
    with pytest.raises(RemoteUnavailable):
        erp.post(erp.prepare(document(2)))
    assert books.value("select count(*) from sop10100") == 1


def test_a_statement_that_takes_too_long_is_ended_and_leaves_nothing(books: Company) -> None:
    erp = books.erp(statement_timeout_seconds=0.3)
    books.run("select sandbox_fault_add('taSopHdrIvcInsert', 'delay', delay_ms => 3000)")
    with pytest.raises(RemoteUnavailable):
        erp.post(erp.prepare(document()))
    assert set(counts(books).values()) == {0}


def test_a_commit_that_hangs_is_ended_and_is_ambiguous(books: Company) -> None:
    erp = books.erp(statement_timeout_seconds=0.3)
    books.run(
        "select sandbox_fault_add('taSopHdrIvcInsert', 'hang_before_commit', delay_ms => 9000)"
    )
    prepared = erp.prepare(document())
    with pytest.raises(AmbiguousOutcome):
        erp.post(prepared)
    assert set(counts(books).values()) == {0}
    books.run("select sandbox_faults_clear()")
    assert erp.post(prepared).reference


def test_a_connection_lost_in_the_middle_is_ambiguous_and_the_next_try_is_clean(
    books: Company,
) -> None:
    erp = books.erp()
    books.run("select sandbox_fault_add('taSopHdrIvcInsert', 'disconnect')")
    prepared = erp.prepare(document())
    with pytest.raises(AmbiguousOutcome):
        erp.post(prepared)
    assert set(counts(books).values()) == {0}
    assert erp.post(prepared).state is RemoteState.OPEN


def test_an_answer_lost_after_the_effect_is_ambiguous_and_is_found_again(
    books: Company, postgres_server: EmbeddedPostgres
) -> None:
    socket_file = Path(postgres_server.socket_dir) / ".s.PGSQL.5432"
    with wire(socket_file) as line:
        url = make_url(books.url).set(host="127.0.0.1", port=line.port, query={})
        erp = Company(url.render_as_string(hide_password=False), books.engine).erp()
        prepared = erp.prepare(document())
        line.swallow("taSopHdrIvcInsert")
        with pytest.raises(AmbiguousOutcome):
            erp.post(prepared)
        assert line.swallowed == 1
        key = prepared.document.key
        (found,) = erp.find([(key, "#1001")])[key]
        assert erp.post(prepared) == found
        assert books.value("select count(*) from sop10100") == 1
        erp.close()


def test_two_posters_of_the_same_reference_make_one_document(fresh: Fresh) -> None:
    with fresh() as books:
        erps = [books.erp() for _ in range(2)]
        for number in range(1, 21):
            prepared = erps[0].prepare(document(number))
            with ThreadPoolExecutor(6) as posters:
                results = set(
                    posters.map(lambda i, p=prepared: erps[i % 2].post(p).reference, range(6))
                )
            assert len(results) == 1
        assert books.value("select count(*) from sop10100") == 20
        assert books.value("select count(distinct cstponbr) from sop10100") == 20
        assert books.value("select sopnumbe from sop40300 where soptype = 2") == "ORDW000021"
        for erp in erps:
            erp.close()


def test_a_zombie_that_commits_late_is_waited_for(books: Company) -> None:
    """A poster that was given up on still holds its reference until its commit is through."""
    erp = books.erp()
    prepared = erp.prepare(document())
    books.run(
        "select sandbox_fault_add('taSopHdrIvcInsert', 'hang_before_commit', delay_ms => 700)"
    )
    with ThreadPoolExecutor(2) as posters:
        zombie = posters.submit(erp.post, prepared)
        while not books.value("select count(*) from pg_locks where locktype = 'advisory'"):
            time.sleep(0.005)
        second = posters.submit(books.erp().post, prepared)
        assert second.result() == zombie.result()
    assert books.value("select count(*) from sop10100") == 1


POSTER = """
import sys
from tests.integration.gp_company import Company, document
from sqlalchemy import create_engine
books = Company(sys.argv[1], create_engine(sys.argv[1]))
erp = books.erp()
print("ready", flush=True)
for number in range(1, 10_000):
    erp.post(erp.prepare(document(number)))
    print(number, flush=True)
"""


def test_a_poster_that_is_killed_leaves_whole_documents_only(books: Company) -> None:
    books.run(
        "select sandbox_fault_add('taSopHdrIvcInsert', 'delay', delay_ms => 5, times => 99999)"
    )
    for _ in range(3):
        poster = subprocess.Popen(
            [sys.executable, "-c", POSTER, books.url],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert poster.stdout is not None
        assert poster.stdout.readline().strip() == "ready"
        for _ in range(5):
            poster.stdout.readline()
        poster.send_signal(signal.SIGKILL)
        poster.wait()
        poster.stdout.close()
    erp = books.erp()
    erp.post(erp.prepare(document(1)))  # whoever comes next is not locked out
    documents = books.value("select count(*) from sop10100")
    assert documents >= 5
    assert books.value("select count(distinct cstponbr) from sop10100") == documents
    assert books.value("select count(*) from sop10200") == documents
    orphans = (
        "select count(*) from sop10200 l left join sop10100 h using (soptype, sopnumbe)"
        " where h.sopnumbe is null"
    )
    assert books.value(orphans) == 0
    assert books.stock("MUG")[1] + books.stock("MUG")[2] == 2 * documents
    assert books.run("select sum(numoftrx), sum(bchtotal) from sy00500") == [
        (documents, 28 * documents)
    ]


def test_many_threads_post_many_documents_without_losing_one(books: Company) -> None:
    books.run("update iv00102 set qtyonhnd = 10000")
    erp = books.erp(connections=8)
    lines = (goods("TENT", 1, "100.00"), goods("MUG", 1, "14.00"))
    prepared = [
        erp.prepare(document(n, lines=lines if n % 2 else lines[::-1])) for n in range(1, 81)
    ]
    with ThreadPoolExecutor(8) as posters:
        made = list(posters.map(erp.post, prepared))
    assert len({remote.reference for remote in made}) == 80
    assert books.stock("MUG") == (10000, 80, 0)
    assert books.run("select numoftrx, bchtotal from sy00500") == [(80, 80 * 114)]
    found = erp.find([(p.document.key, p.document.order_number) for p in prepared])
    assert {key: remotes[0] for key, remotes in found.items()} == {m.key: m for m in made}


def test_a_doubled_document_is_seen_as_two(books: Company) -> None:
    erp = books.erp()
    sale = document()
    erp.post(erp.prepare(sale))
    books.run(
        "insert into sop10100 (soptype, sopnumbe, docid, docdate, bachnumb, custnmbr, cstponbr,"
        " curncyid, docamnt) select soptype, 'BY HAND', docid, docdate, bachnumb, custnmbr,"
        " cstponbr, curncyid, docamnt from sop10100"
    )
    assert len(erp.find([(sale.key, "#1001")])[sale.key]) == 2


def test_a_voided_document_is_shown_as_void(books: Company) -> None:
    erp = books.erp()
    sale = document()
    erp.post(erp.prepare(sale))
    assert books.call(("taSopVoidDocument", {"SOPTYPE": 2, "SOPNUMBE": "ORDW000001"}))[0] == 0
    (found,) = erp.find([(sale.key, "#1001")])[sale.key]
    assert found.state is RemoteState.VOID


def test_a_company_without_multicurrency_has_blank_currencies(books: Company) -> None:
    erp = books.erp()
    sale = document()
    erp.post(erp.prepare(sale))
    books.run("update sop10100 set curncyid = ''")
    assert erp.find([(sale.key, "#1001")])[sale.key][0].currency == "USD"


def test_hundreds_of_references_are_looked_up_at_once(books: Company) -> None:
    erp = books.erp()
    sale = document(500)
    erp.post(erp.prepare(sale))
    asked = [(document(n).key, f"#{n}") for n in range(1, 1001)]
    assert set(erp.find(asked)) == {sale.key}


def test_free_stock_is_on_hand_less_allocated_and_leaves_out_what_gp_does_not_keep(
    books: Company,
) -> None:
    erp = books.erp()
    erp.post(erp.prepare(document(lines=(goods("TENT", 2, "200.00"),))))
    tent, mug, shop = (
        StockNeed("TENT", None),
        StockNeed("MUG-OLD", None),
        StockNeed("MUG", "gid://shopify/Location/2"),
    )
    unknown = (StockNeed("NOTHING", None), StockNeed("PDF", None), StockNeed("MUG", "elsewhere"))
    assert erp.available([tent, mug, shop, *unknown]) == {tent: 1, mug: 100, shop: 5}


def test_preflight_names_everything_that_the_company_lacks(books: Company) -> None:
    books.erp().preflight()
    wrong = books.erp(
        order_document_id="NOSUCH",
        default_site="MOON",
        customer_class="GOLD",
        currencies={"USD": "Z-US$", "EUR": "Z-EUR"},
    )
    with pytest.raises(ConfigurationError) as missing:
        wrong.preflight()
    for name in ("NOSUCH", "MOON", "GOLD", "Z-EUR"):
        assert name in str(missing.value)


def test_a_company_that_cannot_be_reached_is_for_later(free_port: int) -> None:
    url = f"postgresql+psycopg://postgres@127.0.0.1:{free_port}/gp"
    gateway = open_gateway(url, connections=1, statement_timeout=1, lock_timeout=1)
    with pytest.raises(RemoteUnavailable), gateway.session():
        raise AssertionError("unreachable")


def test_a_database_that_is_no_company_is_a_configuration_error(staging_url: str) -> None:
    gateway = open_gateway(staging_url, connections=1, statement_timeout=5, lock_timeout=1)
    with pytest.raises(ConfigurationError), gateway.session() as session:
        session.documents(["#1"], ["WEBORD"])
    gateway.close()


def test_a_dialect_that_gp_does_not_run_on_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="sqlite"):
        open_gateway("sqlite://", connections=1, statement_timeout=1, lock_timeout=1)


def test_a_kind_that_is_not_posted_is_refused(books: Company) -> None:
    with pytest.raises(Refused, match="not a shipment"):
        books.erp().prepare(document(kind=DocumentKind.SHIPMENT))


def test_nothing_personal_is_in_what_a_prepared_document_shows(books: Company) -> None:
    prepared = books.erp().prepare(document())
    shown = " ".join(f"{label} {value}" for label, value in prepared.preview)
    assert "Ann" not in shown
    assert "Main Street" not in shown
    assert "Ann" not in repr(prepared.payload)


def test_the_reference_lock_is_given_back_after_success_and_after_refusal(books: Company) -> None:
    erp = books.erp()
    erp.post(erp.prepare(document(1)))
    with pytest.raises(Refused):
        erp.post(erp.prepare(document(2, lines=(goods("RARE", 1, "9.00", back_ordered=1),))))
    with books.engine.connect() as connection:
        locks = connection.execute(
            text("select count(*) from pg_locks where locktype = 'advisory'")
        ).scalar_one()
    assert locks == 0
