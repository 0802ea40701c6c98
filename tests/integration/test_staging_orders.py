from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from sqlalchemy import Engine, text

from include.domain.errors import ConfigurationError, ContractDrift, ExpectationFailed, WindowError
from include.domain.money import Amount
from include.domain.order import (
    Customer,
    Discount,
    FinancialStatus,
    LineKind,
    Order,
    OrderLine,
    StatedTotals,
    TaxLine,
)
from include.domain.verdict import Finding
from include.domain.window import Basis, Selection, Window
from include.ports.store import RawOrder
from include.staging import batches, bulk, landing, orders, quarantine
from include.staging import engine as staging
from include.staging.checks import CHECK_COLUMNS
from include.staging.rows import CARRIED_CHECKS, LandedOrder, landed, unreadable

ROOT = Path(__file__).resolve().parents[2]
CHANNEL = "shopify_gp"
DAY = datetime(2026, 11, 20, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=1))
SELECTION = Selection(WINDOW, Basis.UPDATED)


def amount(value: str) -> Amount:
    return Amount(Decimal(value), Decimal(value))


def order_of(n: int, *, version: int = 0, total: str = "12.50", **changes: Any) -> Order:
    values: dict[str, Any] = {
        "channel": CHANNEL,
        "order_id_store": f"gid://shopify/Order/{n}",
        "number": f"#{n}",
        "placed_at": DAY,
        "updated_at": DAY + timedelta(minutes=version),
        "currency": "USD",
        "presentment_currency": "USD",
        "taxes_included": False,
        "financial_status": FinancialStatus.PAID,
        "stated": StatedTotals(
            original_total=amount(total),
            current_total=amount(total),
            current_subtotal=amount(total),
            current_tax=amount("1.00"),
            current_shipping=amount("0"),
            received=amount(total),
        ),
        "lines": (
            OrderLine(
                line_id=f"line/{n}",
                kind=LineKind.GOODS,
                sku="MUG-1",
                title="Mug, 30 cl",
                quantity=2,
                current_quantity=1,
                unit_price=amount("12.00"),
                current_price=amount("11.50"),
                discounts=(Discount(amount("0.25")), Discount(amount("0.25"))),
                taxes=(TaxLine("State", amount("1.10"), amount("1.00")),),
            ),
        ),
    }
    return Order(**{**values, **changes})


def customer(n: int | str) -> Customer:
    return Customer(customer_id_store=f"gid://shopify/Customer/{n}")


def landed_of(order: Order, **checks: Any) -> LandedOrder:
    document = {"id": order.order_id_store, "version": order.updated_at.isoformat()}
    raw = RawOrder(
        order.order_id_store, order.number, order.updated_at, orjson.dumps(document), document
    )
    canonical = orjson.dumps({**document, "total": str(order.stated.current_total.shop)})
    row: dict[str, Any] = {column.name: None for column in CARRIED_CHECKS}
    row |= {
        "channel": order.channel,
        "placed_at": order.placed_at,
        "cancelled_at": order.cancelled_at,
        "currency": order.currency,
        "presentment_currency": order.presentment_currency,
        "financial_status": order.financial_status.value,
        "fulfillment_status": order.fulfillment_status,
        "program": order.program.value,
        "is_test": order.is_test,
        "line_count": len(order.lines),
        "current_total_minor": 1250,
        "max_tax_rate": Decimal("0.0875"),
    }
    row |= checks
    return landed(raw, order, canonical, tuple(row[c.name] for c in CARRIED_CHECKS))


def open_batch(engine: Engine, run_id: str = "run-1") -> int:
    with staging.unit_of_work(engine) as connection:
        batch_id = batches.open_batch(
            connection,
            CHANNEL,
            run_id=run_id,
            run_type="scheduled",
            selection=SELECTION,
            fetched=WINDOW,
        )
        connection.commit()
    return batch_id


def land(engine: Engine, batch_id: int, rows: list[LandedOrder]) -> landing.Landed:
    with staging.unit_of_work(engine) as connection:
        written = landing.land(connection, batch_id, rows)
        connection.commit()
    return written


def load(engine: Engine, batch_id: int) -> orders.Loaded:
    with staging.unit_of_work(engine) as connection:
        loaded = orders.load_batch(connection, batch_id)
        connection.commit()
    return loaded


def everything_staged(engine: Engine) -> list[Any]:
    with staging.unit_of_work(engine) as connection:
        found = connection.execute(
            text("SELECT *, xmin::text FROM staged_order ORDER BY 1, 2")
        ).all()
        lines = connection.execute(
            text("SELECT *, xmin::text FROM staged_order_line ORDER BY 1, 2, 3")
        ).all()
    return [*found, *lines]


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    yield engine
    engine.dispose()


def test_orders_come_out_of_staging_as_they_were_landed(engine: Engine) -> None:
    batch_id = open_batch(engine)
    assert land(engine, batch_id, [landed_of(order_of(n)) for n in range(5)]) == (5, 5, ())
    assert load(engine, batch_id) == (5, 0, 0, 0)
    with staging.unit_of_work(engine) as connection:
        row = connection.execute(
            text("SELECT * FROM analyst.orders WHERE order_number = '#3'")
        ).one()
        line = connection.execute(
            text("SELECT * FROM analyst.order_lines WHERE order_number = '#3'")
        ).one()
        documents = orders.read_orders(
            connection, CHANNEL, ["gid://shopify/Order/3", "gid://shopify/Order/99"]
        )
    assert (row.current_total, row.current_tax, row.currency) == (
        Decimal("12.5"),
        Decimal(1),
        "USD",
    )
    assert (row.placed_at, row.financial_status, row.is_held) == (DAY, "paid", False)
    assert (line.sku, line.quantity, line.current_quantity) == ("MUG-1", 2, 1)
    assert (line.unit_price, line.current_price, line.discount, line.current_tax) == (
        Decimal(12),
        Decimal("11.5"),
        Decimal("0.5"),
        Decimal(1),
    )
    assert documents == [
        (
            "gid://shopify/Order/3",
            {"id": "gid://shopify/Order/3", "version": DAY.isoformat(), "total": "12.50"},
        )
    ]


def test_staged_orders_are_found_by_their_customer_and_follow_a_change_of_it(
    engine: Engine,
) -> None:
    def customers() -> list[str | None]:
        with staging.unit_of_work(engine) as connection:
            return list(
                connection.scalars(
                    text(
                        "SELECT customer_id_store FROM analyst.customer_orders"
                        " ORDER BY order_id_store"
                    )
                )
            )

    first, second = open_batch(engine), open_batch(engine, "run-2")
    buyers = (customer(7), customer("8\x00"), None)
    land(engine, first, [landed_of(order_of(n, customer=who)) for n, who in enumerate(buyers)])
    load(engine, first)
    assert customers() == ["gid://shopify/Customer/7", "gid://shopify/Customer/8\ufffd", None]
    land(engine, second, [landed_of(order_of(0, version=1, customer=customer(9)))])
    load(engine, second)
    assert customers() == ["gid://shopify/Customer/9", "gid://shopify/Customer/8\ufffd", None]


def test_check_columns_are_read_back_with_their_types(engine: Engine) -> None:
    batch_id = open_batch(engine)
    land(engine, batch_id, [landed_of(order_of(2)), landed_of(order_of(1))])
    with staging.unit_of_work(engine) as connection:
        names, rows = landing.read_checks(connection, batch_id)
        some, few = landing.read_checks(connection, batch_id, ["is_test", "placed_at"])
        with pytest.raises(ConfigurationError, match="no check column colour"):
            landing.read_checks(connection, batch_id, ["colour"])
    assert some == ("order_id_store", "order_number", "placed_at", "is_test")
    assert few[0] == ("gid://shopify/Order/1", "#1", DAY, False)
    assert names == tuple(column.name for column in CHECK_COLUMNS)
    first = dict(zip(names, rows[0], strict=True))
    assert [dict(zip(names, row, strict=True))["order_number"] for row in rows] == ["#1", "#2"]
    assert first["placed_at"] == DAY
    assert first["current_total_minor"] == 1250
    assert first["max_tax_rate"] == Decimal("0.0875")
    assert first["is_test"] is False
    assert first["shipping_country"] is None


def test_a_replay_of_a_window_changes_nothing(engine: Engine) -> None:
    rows = [landed_of(order_of(n)) for n in range(20)]
    first = open_batch(engine)
    land(engine, first, rows)
    load(engine, first)
    before = everything_staged(engine)
    again = open_batch(engine, "run-2")
    assert land(engine, again, rows) == (20, 0, ())
    assert load(engine, again) == (0, 0, 20, 0)
    assert load(engine, again) == (0, 0, 20, 0)
    assert everything_staged(engine) == before


def test_an_older_version_never_overwrites_a_newer_one(engine: Engine) -> None:
    newer, older = open_batch(engine), open_batch(engine, "run-2")
    land(engine, newer, [landed_of(order_of(1, version=5, total="20.00"))])
    load(engine, newer)
    before = everything_staged(engine)
    land(engine, older, [landed_of(order_of(1, version=2, total="10.00"))])
    assert load(engine, older) == (0, 0, 1, 0)
    assert everything_staged(engine) == before


def test_a_newer_version_replaces_the_order_and_its_lines(engine: Engine) -> None:
    first, second = open_batch(engine), open_batch(engine, "run-2")
    land(engine, first, [landed_of(order_of(1)), landed_of(order_of(2))])
    load(engine, first)
    grown = order_of(1, version=3, total="30.00")
    grown = order_of(1, version=3, total="30.00", lines=(*grown.lines, *grown.lines))
    land(engine, second, [landed_of(grown), landed_of(order_of(2))])
    assert load(engine, second) == (0, 1, 1, 0)
    with staging.unit_of_work(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM staged_order_line")) == 3
        total, first_batch, batch = connection.execute(
            text(
                "SELECT current_total, batch_id_first, batch_id FROM staged_order"
                " WHERE order_number = '#1'"
            )
        ).one()
    assert (total, first_batch, batch) == (Decimal(30), first, second)


def test_a_batch_adds_what_is_new_replaces_what_is_newer_and_leaves_the_rest(
    engine: Engine,
) -> None:
    def staged() -> list[tuple[str, Decimal, int]]:
        with staging.unit_of_work(engine) as connection:
            return [
                tuple(row)
                for row in connection.execute(
                    text(
                        "SELECT order_number, o.current_total, count(line_id)"
                        " FROM analyst.orders AS o LEFT JOIN analyst.order_lines AS l"
                        "  USING (order_id_store, order_number) GROUP BY 1, 2 ORDER BY 1"
                    )
                )
            ]

    first, second = open_batch(engine), open_batch(engine, "run-2")
    land(engine, first, [landed_of(order_of(n, version=3)) for n in range(3)])
    load(engine, first)
    (line,) = order_of(0).lines
    rows = [
        order_of(0, version=3),
        order_of(1, version=2, total="1.00", lines=()),
        order_of(2, version=4, total="2.00", lines=(line, line)),
        order_of(3, total="3.00", lines=(line, line, line)),
        order_of(4),
    ]
    land(engine, second, [landed_of(row) for row in rows])
    with staging.unit_of_work(engine) as connection:
        landing.set_verdicts(connection, second, held=["gid://shopify/Order/4"])
        connection.commit()
    assert load(engine, second) == (1, 1, 2, 1)
    expected = [
        ("#0", Decimal("12.5"), 1),
        ("#1", Decimal("12.5"), 1),
        ("#2", Decimal(2), 2),
        ("#3", Decimal(3), 3),
    ]
    assert staged() == expected
    assert load(engine, second) == (0, 0, 4, 1)
    assert staged() == expected


def test_the_same_version_with_other_content_follows_the_later_pull(engine: Engine) -> None:
    first, second = open_batch(engine), open_batch(engine, "run-2")
    land(engine, first, [landed_of(order_of(1, total="10.00"))])
    land(engine, second, [landed_of(order_of(1, total="11.00"))])
    assert load(engine, second) == (1, 0, 0, 0)
    assert load(engine, first) == (0, 0, 1, 0)
    with staging.unit_of_work(engine) as connection:
        assert connection.scalar(text("SELECT current_total FROM staged_order")) == 11


def test_an_order_that_moved_between_pages_is_landed_once_in_its_newest_version(
    engine: Engine,
) -> None:
    batch_id = open_batch(engine)
    land(
        engine,
        batch_id,
        [landed_of(order_of(1, version=2, total="20.00")), landed_of(order_of(1))],
    )
    land(engine, batch_id, [landed_of(order_of(1, version=1, total="15.00"))])
    assert load(engine, batch_id) == (1, 0, 0, 0)
    with staging.unit_of_work(engine) as connection:
        assert connection.scalar(text("SELECT current_total FROM staged_order")) == 20


def test_several_chunks_in_one_transaction_do_not_mix(engine: Engine) -> None:
    batch_id = open_batch(engine)
    with staging.unit_of_work(engine) as connection:
        for start in (0, 10, 20):
            rows = [landed_of(order_of(n)) for n in range(start, start + 10)]
            assert landing.land(connection, batch_id, rows) == (10, 10, ())
        connection.commit()
    assert load(engine, batch_id).added == 30


def test_orders_that_are_merged_are_landed_as_those_that_are_copied_straight_in(
    engine: Engine,
) -> None:
    rows = [
        landed_of(order_of(1, customer=customer(7)), cancelled_at=DAY, refund_count=2),
        landed_of(order_of(2, version=3, total="0.00001")),
        unreadable(
            RawOrder("gid://shopify/Order/3", "#3", DAY, b'{"id": 3}', {"id": 3}),
            ContractDrift("order #3: lines are missing", rule="shopify_contract", field="lines"),
        ),
    ]

    def everything_landed() -> list[Any]:
        with staging.unit_of_work(engine) as connection:
            found = connection.execute(
                text(
                    "SELECT to_jsonb(o) - 'batch_id', d.document::text FROM landing_order AS o"
                    " JOIN landing_document AS d USING (order_id_store, updated_at, digest)"
                    " WHERE o.batch_id = (SELECT max(batch_id) FROM landing_batch) ORDER BY 1"
                )
            )
            return list(found.all())

    land(engine, open_batch(engine, "copied"), rows)
    copied = everything_landed()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM landing_document"))
    batch_id = open_batch(engine, "merged")
    with engine.begin() as connection:
        raw_connection = connection.connection.driver_connection
        assert isinstance(raw_connection, psycopg.Connection)
        assert bulk.merge(raw_connection, CHANNEL, batch_id, rows) == (3, 3, ())
    assert len(copied) == 3
    assert everything_landed() == copied


def test_two_loaders_of_the_same_batches_at_once_stage_each_order_once(engine: Engine) -> None:
    batches = [open_batch(engine, f"run-{i}") for i in range(2)]
    rows = [landed_of(order_of(n)) for n in range(300)]
    for batch_id, some in zip(batches, (rows, rows[::-1]), strict=True):
        land(engine, batch_id, some)
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda batch_id: load(engine, batch_id), [*batches, *batches]))
    assert sum(result.added for result in results) == 300
    assert sum(result.changed for result in results) == 0
    with staging.unit_of_work(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM staged_order_line")) == 300


def test_two_pulls_of_the_same_orders_at_once_keep_each_document_once(engine: Engine) -> None:
    batches = [open_batch(engine, f"run-{i}") for i in range(3)]
    rows = [landed_of(order_of(n)) for n in range(200)]
    with ThreadPoolExecutor(3) as threads:
        results = list(threads.map(lambda batch_id: land(engine, batch_id, rows), batches))
    assert [result.orders for result in results] == [200] * 3
    assert sum(result.documents for result in results) == 200


def test_a_held_order_is_not_staged_and_the_others_are(engine: Engine) -> None:
    batch_id = open_batch(engine)
    land(engine, batch_id, [landed_of(order_of(n)) for n in range(4)])
    ids = [f"gid://shopify/Order/{n}" for n in range(4)]
    with staging.unit_of_work(engine) as connection:
        landing.set_verdicts(connection, batch_id, held=ids[:2], warned=[ids[2]])
        landing.set_verdicts(connection, batch_id, held=[ids[1]], warned=[ids[2]])
        connection.commit()
    assert load(engine, batch_id) == (3, 0, 0, 1)
    with staging.unit_of_work(engine) as connection:
        assert list(orders.order_ids_in_batch(connection, batch_id, chunk=2)) == [
            [ids[0], ids[2]],
            [ids[3]],
        ]
        seen = landing.read_batch_orders(connection, batch_id)
    assert [(row.verdict, row.staged_version) for row in seen] == [
        (None, DAY),
        ("hold", None),
        ("warn", DAY),
        (None, DAY),
    ]


def test_of_a_batch_the_translated_orders_with_something_open_are_looked_at(
    engine: Engine,
) -> None:
    batch_id = open_batch(engine)
    raw = RawOrder("gid://shopify/Order/7", "#7", DAY, b'{"id": 7}', {"id": 7})
    drift = ContractDrift("order #7: totalPriceSet is missing", rule="contract", field="total")
    land(engine, batch_id, [unreadable(raw, drift), *(landed_of(order_of(n)) for n in (1, 2, 3))])

    def found(n: int, rule: str = "tie") -> Finding:
        return Finding(f"gid://shopify/Order/{n}", f"#{n}", "value", rule, f"order #{n}: {rule}")

    with staging.unit_of_work(engine) as connection:
        open_rows = [found(1), found(1, "sku"), found(7), found(9)]
        quarantine.record(connection, CHANNEL, open_rows, owner="ops", batch_id=batch_id)
        quarantine.record(connection, CHANNEL, [found(2)], owner="ops", batch_id=batch_id)
        quarantine.close_passed(
            connection, CHANNEL, ["gid://shopify/Order/2"], closed_by=f"batch {batch_id}"
        )
        quarantine.record(connection, "other_channel", [found(3)], owner="ops", batch_id=batch_id)
        assert quarantine.open_in_batch(connection, batch_id) == ["gid://shopify/Order/1"]


def test_an_order_that_could_not_be_translated_is_held_with_its_reason(engine: Engine) -> None:
    batch_id = open_batch(engine)
    raw = RawOrder("gid://shopify/Order/7", "#7", DAY, b'{"id": 7}', {"id": 7})
    drift = ContractDrift("order #7: totalPriceSet is missing", rule="contract", field="total")
    rows = [unreadable(raw, drift), landed_of(order_of(8))]
    land(engine, batch_id, rows)
    with staging.unit_of_work(engine) as connection:
        landing.set_verdicts(connection, batch_id, held=[], warned=["gid://shopify/Order/7"])
        (finding,) = landing.read_faults(connection, batch_id)
        _, checks = landing.read_checks(connection, batch_id)
        connection.commit()
        (kept,) = landing.read_documents(connection, CHANNEL, ["gid://shopify/Order/7"])
    assert (finding.reason_class, finding.rule, finding.field) == (
        "contract_drift",
        "contract",
        "total",
    )
    assert len(checks) == 1
    assert kept == raw
    assert load(engine, batch_id) == (1, 0, 0, 1)


@pytest.mark.parametrize(
    "poison",
    [
        {"line_count": 2**40},
        {"current_total_minor": 2**70},
        {"shipping_country": "U\x00"},
    ],
)
def test_an_order_the_database_cannot_hold_costs_the_others_nothing(
    engine: Engine, poison: dict[str, Any]
) -> None:
    batch_id = open_batch(engine)
    rows = [landed_of(order_of(n), **(poison if n == 61 else {})) for n in range(100)]
    written = land(engine, batch_id, rows)
    assert written == (100, 99, ("gid://shopify/Order/61",))
    assert load(engine, batch_id) == (99, 0, 0, 1)
    with staging.unit_of_work(engine) as connection:
        (finding,) = landing.read_faults(connection, batch_id)
    assert finding.rule == "value_in_range"
    assert "#61" in finding.message


def test_an_amount_beyond_all_measure_is_refused_with_its_name() -> None:
    with pytest.raises(ExpectationFailed, match="original_total"):
        landed_of(order_of(1, total="1E+15"))


def test_a_title_with_a_nul_can_be_staged(engine: Engine) -> None:
    batch_id = open_batch(engine)
    (line,) = order_of(1).lines
    odd = OrderLine(
        line_id=line.line_id,
        kind=line.kind,
        sku='A\\u0000"\t',
        title="Mug\x00",
        quantity=1,
        current_quantity=1,
        unit_price=line.unit_price,
        current_price=line.current_price,
    )
    land(engine, batch_id, [landed_of(order_of(1, lines=(odd,)))])
    assert load(engine, batch_id).added == 1
    with staging.unit_of_work(engine) as connection:
        assert connection.scalar(text("SELECT title FROM staged_order_line")) == "Mug\ufffd"


def test_an_order_number_that_two_orders_carry_is_found(engine: Engine) -> None:
    first, second = open_batch(engine), open_batch(engine, "run-2")
    land(engine, first, [landed_of(order_of(1)), landed_of(order_of(2))])
    load(engine, first)
    land(engine, second, [landed_of(order_of(1)), landed_of(order_of(3, number="#2"))])
    with staging.unit_of_work(engine) as connection:
        assert orders.duplicate_numbers(connection, first) == {}
        assert orders.duplicate_numbers(connection, second) == {
            "#2": ("gid://shopify/Order/2", "gid://shopify/Order/3")
        }


def test_a_later_attempt_of_a_run_takes_over_and_the_earlier_one_can_write_no_more(
    engine: Engine,
) -> None:
    earlier = open_batch(engine)
    land(engine, earlier, [landed_of(order_of(1))])
    later = open_batch(engine)
    with pytest.raises(WindowError, match="taken over"):
        land(engine, earlier, [landed_of(order_of(2))])
    with pytest.raises(WindowError, match="taken over"), staging.unit_of_work(engine) as connection:
        batches.finish_batch(connection, earlier, store_count=1, owned=1, pulled=1, normalised=1)
    assert land(engine, later, [landed_of(order_of(1))]) == (1, 0, ())


def test_a_batch_remembers_what_it_pulled_and_how_far_it_came(engine: Engine) -> None:
    selection = Selection(WINDOW, Basis.CREATED_OR_UPDATED, ("#1", "#2"), ("paid",))
    with staging.unit_of_work(engine) as connection:
        batch_id = batches.open_batch(
            connection,
            CHANNEL,
            run_id="backfill-1",
            run_type="backfill",
            selection=selection,
            fetched=WINDOW.widened(timedelta(minutes=1)),
        )
        batches.finish_batch(connection, batch_id, store_count=9, owned=8, pulled=8, normalised=7)
        landed = batches.read_batch(connection, batch_id)
        batches.set_state(connection, batch_id, batches.BatchState.PROVEN)
        orders.load_batch(connection, batch_id)
        proven = batches.read_batch(connection, batch_id)
        with pytest.raises(WindowError, match="no batch"):
            batches.read_batch(connection, batch_id + 1)
    assert landed.selection == selection
    assert landed.fetched == WINDOW.widened(timedelta(minutes=1))
    assert (landed.state, landed.store_count, landed.owned) == (batches.BatchState.LANDED, 9, 8)
    assert (landed.pulled, landed.normalised) == (8, 7)
    assert proven.state is batches.BatchState.PROVEN


def test_a_process_that_is_killed_while_landing_leaves_only_whole_chunks(
    engine: Engine, staging_url: str
) -> None:
    batch_id = open_batch(engine)
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.integration.test_staging_orders import *
engine = staging.create({staging_url!r})
land(engine, {batch_id}, [landed_of(order_of(n)) for n in range(50)])
with staging.unit_of_work(engine) as connection:
    landing.land(connection, {batch_id}, [landed_of(order_of(n)) for n in range(50, 100)])
    print("landed, not committed", flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "landed, not committed\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    with staging.unit_of_work(engine) as connection:
        counts = [
            connection.scalar(text(f"SELECT count(*) FROM {table}"))
            for table in ("landing_order", "landing_document")
        ]
    assert counts == [50, 50]
    assert land(engine, batch_id, [landed_of(order_of(n)) for n in range(100)]) == (50, 50, ())
    assert load(engine, batch_id).added == 100
