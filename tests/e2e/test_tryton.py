"""Lives of a few hundred orders through real Airflow into a real Tryton server.

Tryton's own general ledger, receivables and stock are then read from its tables and held against
the shop, which is asked afresh: to the cent and to the unit.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import requests
import sqlalchemy
from pydantic import SecretStr

from include.connectors import registry
from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.sandbox.books import Books
from include.connectors.erps.tryton.sandbox.company import (
    GIFT_CARDS_OWED,
    count_stock,
    warehouse_codes,
)
from include.connectors.erps.tryton.sandbox.server import SandboxError, install
from include.domain.codec import from_document
from include.domain.document import DocumentKind, RemoteState
from include.domain.order import LineKind, Order
from include.domain.sales import sales_document
from include.domain.window import Basis, Selection, Window
from include.sandbox.rig import Booked
from include.sandbox.shop import shop_assortment
from include.settings.channel import load_channel
from include.transport.connection import ConnectionFacts, HttpRemote
from local import postgres
from tests.e2e.running import READY, ROOT, Runner

pytestmark = pytest.mark.e2e

CHANNEL = "shopify_tryton"
PER_DAY = 90
DAYS = 3
PATIENCE_SECONDS = 1500
TAX_ACCOUNT = "2.9.2"
# There are always too few of these for a few hundred orders: back-orders have to be seen.
SHORT_SKU, SHORT_UNITS = "HOM-BLK", Decimal(5)
FIRST_WAREHOUSE = "WH"
ZERO = Decimal(0)
AMOUNTS = ("total", "tax", "paid")
# What happens by hand to invoiced orders, each to one of its own; more happens by the shop's dice.
CHANGES: list[tuple[str, dict[str, object]]] = [
    *[("refund", {"lines": {"0": 1}, "restock": "RETURN"})] * 4,
    *[("refund", {"lines": {"0": 1}, "restock": "NO_RESTOCK", "shipping": True})] * 2,
    ("refund", {"beyond": "1.50"}),
    *[("edit", {"sku": "STA-NTB", "quantity": 2})] * 3,
    *[("cancel", {})] * 2,
]
POLICY = load_channel(CHANNEL).domain_policy
STOCKED = {item.sku for item in shop_assortment().items if item.stocked}


class Clock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Outcome:
    """What was pulled from the shop, and what Tryton's tables say of it.

    Attributes:
        told: What `make run` printed.
        orders: The orders as they were last pulled.
        fresh: Orders of the windows, asked of the shop once more: store id to version.
        booked: Documents by order number.
        books: Tryton's tables.
        held: Store ids of orders that wait in quarantine.
        returned: Units that credit notes put back, by sku.
    """

    told: str
    orders: list[Order]
    fresh: dict[str, datetime]
    booked: dict[str, list[Booked]]
    books: Books
    held: set[str]
    returned: dict[str, Decimal]

    def of(self, order: Order, *kinds: DocumentKind) -> list[Booked]:
        """The order's documents of some kinds that are not void."""
        return [
            document
            for document in self.booked.get(order.number, [])
            if document.kind in kinds and document.state is not RemoteState.VOID
        ]

    def billed(self, order: Order) -> list[Booked]:
        """Its invoices and credit notes."""
        return self.of(order, DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """A `make run` of the channel, done twice over a shop that then stands still."""
    try:
        install()
    except SandboxError as error:
        pytest.skip(f"Tryton cannot be installed here: {error}")
    runner = TrytonRunner(tmp_path_factory.mktemp("tryton") / "state")
    try:
        runner.start()
        runner.wait_for(f"the sandboxes of {CHANNEL} are up")
        runner.leave_little_of(SHORT_SKU, SHORT_UNITS)
        first = runner.wait_for(READY)
        runner.stop_the_shops_clock()
        runner.change_invoiced_orders()
        # What happened to the orders after their windows.
        again = runner.call("run", "--once", "--days", str(DAYS))
        assert again.returncode == 0, again.stdout + again.stderr
        yield runner.outcome(first + again.stdout)
    finally:
        runner.end()


class TrytonRunner(Runner):
    """`make run` of the one channel."""

    def start(self) -> None:
        arguments = ("--channel", CHANNEL, "--per-day", str(PER_DAY), "--days", str(DAYS))
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                self.command("run", *arguments),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, words: str) -> str:
        """Wait longer than other runs need: Tryton takes a second for each order."""
        assert self.process is not None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in (told := self.output.read_text()):
            assert self.process.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.5)
        return told

    def leave_little_of(self, sku: str, units: Decimal) -> None:
        """Count the stock of one item in the first warehouse, as Tryton's administrator."""
        folder = self.state_dir / "sandboxes" / CHANNEL / "tryton"
        password, _ = json.loads((folder / "passwords.json").read_text())
        host = self.stack.sandbox_connections()[f"{CHANNEL}_erp"]["host"]
        facts = ConnectionFacts("tryton", host, "admin", SecretStr(password))
        remote = HttpRemote(requests.Session(), facts, Clock().now, time.sleep)
        client = TrytonClient(remote, "tryton")
        warehouse = [["code", "=", FIRST_WAREHOUSE], ["type", "=", "warehouse"]]
        (place,) = client.search("stock.location", warehouse, ["storage_location"])
        (item,) = client.search("product.product", [["code", "=", sku]], ["id"])
        company = int(client.context["company"])
        count_stock(client, company, place["storage_location"], {item["id"]: units})

    def stop_the_shops_clock(self) -> None:
        connection = self.stack.sandbox_connections()[f"{CHANNEL}_store"]
        answer = requests.post(
            f"{connection['host']}/__sandbox__/clock",
            json={"now": datetime.now(UTC).isoformat()},
            timeout=60,
        )
        answer.raise_for_status()

    def change_invoiced_orders(self) -> None:
        """Refund, enlarge and cancel orders that were paid and shipped as they are."""
        url = self.stack.sandbox_connections()[f"{CHANNEL}_store"]["host"] + "/__sandbox__/orders"
        listed = requests.get(url, timeout=60).json()["orders"]
        invoiced = {
            document.order_number
            for document in self.books().documents()
            if document.kind is DocumentKind.INVOICE
        }
        names = iter(
            row["name"]
            for row in listed
            if row["name"] in invoiced
            and (row["case"], row["financial_status"]) == ("ordinary", "PAID")
            and row["total"] == row["current_total"]
        )
        for change, body in CHANGES:
            number = next(names).removeprefix("#")
            answer = requests.post(f"{url}/{number}/{change}", json=body, timeout=60)
            assert answer.status_code == 200, f"{change} #{number}: {answer.text}"

    def books(self) -> Books:
        server = postgres.find(self.stack.postgres_dir)
        assert server is not None
        url = server.url("tryton")
        return Books(sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool))

    def outcome(self, told: str) -> Outcome:
        books = self.books()
        booked: dict[str, list[Booked]] = defaultdict(list)
        for document in books.documents():
            booked[document.order_number].append(document)
        pulled = self.rows("counterfoil", "select document from staged_order order by order_number")
        orders = [from_document(document) for (document,) in pulled]  # type: ignore[arg-type]
        open_rows = self.rows(
            "counterfoil",
            "select order_id_store from quarantine where state = 'open' and severity = 'critical'",
        )
        held = {str(order_id) for (order_id,) in open_rows}
        return Outcome(told, orders, self.fresh(), dict(booked), books, held, self.returned())

    def fresh(self) -> dict[str, datetime]:
        """Ask the shop for the orders that were placed in the windows."""
        connection = self.stack.sandbox_connections()[f"{CHANNEL}_store"]
        facts = ConnectionFacts(
            "shop", connection["host"], connection["login"], SecretStr(connection["password"])
        )
        settings = load_channel(CHANNEL)
        connector = registry.store(settings.store.connector)
        own = registry.settings_of(connector, settings.store.settings, "test")
        store = connector.create(requests.Session(), facts, own, clock=Clock(), sleep=time.sleep)
        until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        window = Window(until - timedelta(days=DAYS), until)
        headers = store.list_headers(Selection(window, Basis.CREATED_OR_UPDATED))
        return {h.order_id_store: h.updated_at for h in headers if h.created_at in window}

    def returned(self) -> dict[str, Decimal]:
        """Units that are back in stock by the credit notes the planner made."""
        rows = self.rows(
            "counterfoil",
            "select line ->> 'sku', sum((line ->> 'quantity')::int) from erp_document,"
            " json_array_elements(content -> 'lines') line where kind = 'credit_note'"
            " and state = 'posted' and line ->> 'kind' = 'goods'"
            " and line ->> 'restock' <> 'no_restock' group by 1",
        )
        return {str(sku): Decimal(str(units)) for sku, units in rows}


def test_every_window_is_proven_and_the_pull_is_what_the_shop_says(outcome: Outcome) -> None:
    assert outcome.told.count(f"All {DAYS} windows are proven complete: unexplained = 0.") == 2
    pulled = {order.order_id_store: order.updated_at for order in outcome.orders}
    assert len(outcome.fresh) > DAYS * PER_DAY / 2
    came_through = {i: at for i, at in outcome.fresh.items() if i not in outcome.held}
    assert {i: pulled.get(i) for i in came_through} == came_through


def test_orders_lived_every_kind_of_life(outcome: Outcome) -> None:
    kinds = Counter(d.kind for documents in outcome.booked.values() for d in documents)
    assert kinds[DocumentKind.INVOICE] > DAYS * PER_DAY / 2
    assert kinds[DocumentKind.CREDIT_NOTE] >= 9
    invoices = [outcome.of(order, DocumentKind.INVOICE) for order in outcome.orders]
    assert sum(len(own) > 1 for own in invoices) >= 3
    assert any(d.back_ordered for documents in outcome.booked.values() for d in documents)


def test_every_order_is_booked_to_the_cent_and_the_unit(outcome: Outcome) -> None:
    wrong = []
    for order in outcome.orders:
        if order.order_id_store in outcome.held:
            continue
        billed = outcome.billed(order)
        booked = billed or outcome.of(order, DocumentKind.SALES_ORDER)
        if not booked:
            continue
        wanted, _ = sales_document(order, POLICY)
        sums = [sum((_sign(d) * getattr(d, name) for d in booked), ZERO) for name in AMOUNTS]
        units = Counter[str]()
        for document in booked:
            for sku, count in document.units.items():
                units[sku] += int(_sign(document) * count)
        taxes = sum(
            (t.amount for part in (*wanted.lines, *wanted.charges) for t in part.taxes), ZERO
        )
        kept = kept_of(order)
        stocked = Counter[str]()
        for line in wanted.lines:
            if line.kind is LineKind.GOODS and line.sku in STOCKED:
                stocked[line.sku] += line.quantity
        found = (sums[0], sums[1], +units)
        if found != (wanted.total, taxes, +stocked):
            wrong.append(f"{order.number}: {found} in Tryton, {wanted.total, taxes, +stocked}")
        if sums[2] != kept and (billed or sums[2]):
            wrong.append(f"{order.number}: {sums[2]} paid in Tryton, {kept} in the shop")
    assert not wrong, wrong[:5]


def test_the_general_ledger_is_the_shops(outcome: Outcome) -> None:
    ledger = outcome.books.ledger()
    assert sum(ledger.values()) == 0
    worth = paid = tax = gift_cards = ZERO
    for order in outcome.orders:
        billed = bool(outcome.billed(order))
        deposits = sum((d.paid for d in outcome.of(order, DocumentKind.SALES_ORDER)), ZERO)
        if not billed and not deposits:
            continue
        if order.order_id_store in outcome.held:
            # It changed into what cannot be booked: the books have it as it was before.
            had = outcome.billed(order)
            worth += sum((_sign(d) * d.total for d in had), ZERO)
            tax += sum((_sign(d) * d.tax for d in had), ZERO)
            paid += sum((_sign(d) * d.paid for d in had), ZERO) + (ZERO if billed else deposits)
            continue
        wanted, _ = sales_document(order, POLICY)
        paid += kept_of(order)
        if not billed:
            continue
        worth += wanted.total
        parts = (*wanted.lines, *wanted.charges)
        tax += sum((t.amount for part in parts for t in part.taxes), ZERO)
        gift_cards += sum((p.net for p in wanted.lines if p.kind is LineKind.GIFT_CARD), ZERO)
    receivable = sum(outcome.books.receivable().values())
    clearing = sum((v for code, v in ledger.items() if code.startswith("1.9.")), ZERO)
    owed = ledger.get(GIFT_CARDS_OWED, ZERO)
    assert receivable == worth - paid
    assert -ledger[TAX_ACCOUNT] == tax
    assert clearing + owed + gift_cards == paid
    assert ledger.get("4.9.4", ZERO) == 0


def test_what_is_open_of_an_order_is_what_the_shop_has_not_been_paid(outcome: Outcome) -> None:
    unsettled = {o: amount for o, amount in outcome.books.unsettled().items() if amount}
    for order in outcome.orders:
        if order.order_id_store in outcome.held:
            continue
        billed = outcome.billed(order)
        wanted, _ = sales_document(order, POLICY)
        kept = kept_of(order)
        if billed:
            assert unsettled.get(order.order_id_store, ZERO) == wanted.total - kept, order.number
        else:
            deposits = sum((d.paid for d in outcome.of(order, DocumentKind.SALES_ORDER)), ZERO)
            assert unsettled.get(order.order_id_store, ZERO) == -deposits, order.number


def test_stock_is_what_was_sold_and_came_back(outcome: Outcome) -> None:
    assortment = shop_assortment()
    on_hand = Counter[str]()
    for code in warehouse_codes(assortment).values():
        for sku, units in outcome.books.on_hand(code).items():
            on_hand[sku] += int(units)
    sold = Counter[str]()
    for documents in outcome.booked.values():
        for document in documents:
            if document.kind is DocumentKind.INVOICE and document.state is not RemoteState.VOID:
                for sku, units in document.units.items():
                    sold[sku] += int(units)
    billed_ahead = outcome.books.billed_ahead()
    for item in assortment.items:
        if item.stocked:
            had = sum(item.units.values())
            if item.sku == SHORT_SKU:
                had += SHORT_UNITS - next(iter(item.units.values()))
            gone = had - on_hand[item.sku]
            waiting = billed_ahead.get(item.sku, ZERO)
            back = outcome.returned.get(item.sku, ZERO)
            assert gone == sold[item.sku] - waiting - back, item.sku
    # Nothing but what was short, and was added to an order that had been billed.
    assert billed_ahead.keys() <= {SHORT_SKU}


def kept_of(order: Order) -> Decimal:
    """What the shop kept of the order's payments, less what never reaches us, coins included."""
    _, adjustments = sales_document(order, POLICY)
    named = dict(adjustments)
    aside = named.get("tax_collected_by_marketplace", ZERO) + named.get("cash_rounding", ZERO)
    return order.stated.received.shop - order.stated.refunded.shop - aside


def _sign(document: Booked) -> int:
    return -1 if document.kind is DocumentKind.CREDIT_NOTE else 1
