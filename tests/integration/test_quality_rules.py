"""Breaks each rule of the orders suite once and sees exactly that order and that rule caught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.domain.errors import WindowError
from include.domain.verdict import Severity
from include.quality.runner import ValidationOutcome, validate
from include.quality.suite import ORDERS_SUITE, read_suite
from include.staging.checks import CHECK_COLUMNS

SUITE = read_suite(ORDERS_SUITE)
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
BROKEN = 4
ORDERS = 9

Row = dict[str, Any]


def clean_row(position: int) -> Row:
    """A check row that breaks no rule; zero where a column counts what is wrong."""
    row: Row = {column.name: 0 for column in CHECK_COLUMNS}
    row |= {
        "channel": "shopify_gp",
        "order_id_store": f"gid://shopify/Order/{9000 + position}",
        "order_number": f"#{1000 + position}",
        "placed_at": NOW - timedelta(hours=20, minutes=position),
        "updated_at": NOW - timedelta(hours=10, minutes=position),
        "cancelled_at": None,
        "currency": "USD",
        "presentment_currency": "JPY" if position % 2 else "USD",
        "financial_status": "paid",
        "fulfillment_status": "unfulfilled",
        "program": "online",
        "line_count": 2,
        "quantity_total": 3,
        "original_total_minor": 10_800,
        "current_total_minor": 10_800,
        "current_tax_minor": 800,
        "lines_total_minor": 9_500,
        "charges_total_minor": 500,
        "taxes_total_minor": 800,
        "presentment_total_minor": 16_200,
        "received_minor": 10_800,
        "first_broken_tie": None,
        "max_sku_length": 12,
        "has_shipping_address": True,
        "requires_shipping": True,
        "shipping_country": "US",
        "shipping_country_valid": True,
        "min_tax_rate": Decimal("0.0625") if position % 3 else None,
        "max_tax_rate": Decimal("0.0825") if position % 3 else None,
    }
    return row


def clean_rows(count: int = ORDERS) -> list[Row]:
    return [clean_row(position) for position in range(count)]


def run(rows: list[Row], store_count: int | None = None) -> ValidationOutcome:
    columns = SUITE.columns
    return validate(
        columns,
        [tuple(row[name] for name in columns) for row in rows],
        store_count=len(rows) if store_count is None else store_count,
        channel="shopify_gp",
        now=NOW,
    )


def sets(**changes: Any) -> Callable[[list[Row]], None]:
    return lambda rows: rows[BROKEN].update(changes)


# One way to break each row-level rule; a rule without an entry here fails the suite's test.
MUTATIONS: dict[str, Callable[[list[Row]], None]] = {
    "order_number_present": sets(order_number=None),
    "order_number_unique": sets(order_number="#1003"),
    "order_id_unique": lambda rows: rows.append(clean_row(BROKEN) | {"order_number": "#2000"}),
    "placed_at_plausible": sets(placed_at=datetime(1970, 1, 1, tzinfo=UTC)),
    "updated_after_placed": sets(updated_at=NOW - timedelta(days=2)),
    "updated_at_not_in_future": sets(updated_at=NOW + timedelta(hours=1)),
    "currency_is_iso": sets(currency="US$"),
    "presentment_currency_is_iso": sets(presentment_currency="eur"),
    "financial_status_known": sets(financial_status="unknown", outstanding_minor=0),
    "at_least_one_line": sets(line_count=0),
    "line_ids_unique": sets(duplicate_line_ids=1),
    "quantities_not_negative": sets(negative_quantities=1),
    "quantities_not_grown": sets(grown_quantities=1),
    "prices_not_negative": sets(negative_prices=1),
    "discounts_within_price": sets(over_discounted_lines=1),
    "original_total_not_negative": sets(original_total_minor=-1),
    "current_total_not_negative": sets(current_total_minor=-1, current_tax_minor=-1),
    "tax_within_total": sets(current_tax_minor=10_801),
    "totals_tie": sets(tie_difference_minor=1, first_broken_tie="taxes against the tax total"),
    "presentment_totals_tie": sets(presentment_tie_difference_minor=1),
    "amounts_are_whole": sets(fractional_amounts=1),
    "taxes_not_negative": sets(negative_taxes=1),
    "tax_rate_not_negative": sets(min_tax_rate=Decimal("-0.01")),
    "tax_rate_below_one": sets(max_tax_rate=Decimal("1.00")),
    "received_not_negative": sets(received_minor=-2, refunded_minor=-2),
    "refunded_not_negative": sets(refunded_minor=-1),
    "refunded_within_received": sets(refunded_minor=10_801),
    "paid_orders_owe_nothing": sets(outstanding_minor=1),
    "payments_name_a_gateway": sets(tenders_without_gateway=1),
    "shipping_address_present": sets(has_shipping_address=False),
    "shipping_country_valid": sets(shipping_country="usa", shipping_country_valid=False),
    "lines_carry_a_sku": sets(lines_without_sku=1),
    "sku_fits_the_erp": sets(max_sku_length=31),
}
# Broken together with another rule by the only values that can break them.
COMPANIONS = {"received_not_negative": {"refunded_not_negative"}}
# Table rules, and the one whose orders cannot be named.
TABLE_RULES = {"columns_present", "row_count_is_the_stores", "order_id_present"}


def test_every_rule_of_the_suite_has_a_mutation_that_breaks_it() -> None:
    assert set(SUITE.rules) == set(MUTATIONS) | TABLE_RULES


def test_the_suite_reads_only_columns_that_the_check_row_has() -> None:
    assert set(SUITE.columns) <= {column.name for column in CHECK_COLUMNS}


def test_clean_orders_pass_every_rule() -> None:
    outcome = run(clean_rows())

    assert (outcome.findings, outcome.table_failures) == ((), ())
    assert outcome.statistics["success"] is True
    assert len(outcome.statistics["results"]) == len(SUITE.rules)


def held(outcome: ValidationOutcome) -> set[str]:
    """The orders with a critical finding."""
    return {f.order_id_store for f in outcome.findings if f.severity is Severity.CRITICAL}


@pytest.mark.parametrize("rule", sorted(MUTATIONS))
def test_an_order_that_breaks_one_rule_is_caught_by_it_alone_and_told_in_words(rule: str) -> None:
    rows = clean_rows()
    MUTATIONS[rule](rows)

    outcome = run(rows)

    expected = {rows[BROKEN]["order_id_store"]}
    if rule == "order_number_unique":
        expected.add(rows[3]["order_id_store"])
    assert {f.order_id_store for f in outcome.findings} == expected
    assert {f.rule for f in outcome.findings} == {rule} | COMPANIONS.get(rule, set())
    assert outcome.table_failures == ()
    severe = SUITE.rules[rule].severity is Severity.CRITICAL
    assert held(outcome) == (expected if severe else set())
    assert outcome.statistics["success"] is not severe
    message = next(f.message for f in outcome.findings if f.rule == rule)
    name = rows[BROKEN]["order_number"] or rows[BROKEN]["order_id_store"]
    known = SUITE.rules[rule]
    for words in (name, f"field {known.field}", f"rule {rule}", known.message, known.action):
        assert words in message


def test_goods_handed_over_the_counter_need_no_shipping_address() -> None:
    rows = clean_rows()
    rows[BROKEN] |= {"has_shipping_address": False, "program": "point_of_sale"}

    assert run(rows).findings == ()


def test_an_unbalanced_order_shows_both_sides_in_its_own_currency() -> None:
    rows = clean_rows()
    rows[BROKEN] |= {
        "currency": "JPY",
        "tie_difference_minor": 5,
        "first_broken_tie": "current taxes against the current tax total",
    }

    finding = run(rows).findings[0]

    assert finding.reason_class == "unbalanced"
    assert "tie_difference 5 JPY" in finding.message
    assert "current_total 10800 JPY" in finding.message
    assert "current taxes against the current tax total" in finding.message


def test_one_bad_order_among_thousands_is_the_only_one_held() -> None:
    rows = clean_rows(3000)
    rows[1234]["tie_difference_minor"] = 1

    assert held(run(rows)) == {rows[1234]["order_id_store"]}


def test_a_whole_frame_of_bad_orders_keeps_a_small_result() -> None:
    rows = clean_rows(500)
    for row in rows:
        row["tie_difference_minor"] = 1

    outcome = run(rows)

    assert len(held(outcome)) == len(rows)
    kept = {r["expectation_config"]["meta"]["rule"]: r for r in outcome.statistics["results"]}
    assert len(kept["totals_tie"]["result"]["order_ids"]) == 100
    assert kept["totals_tie"]["result"]["unexpected_count"] == len(rows)


def test_a_window_with_another_row_count_than_the_store_is_stopped() -> None:
    outcome = run(clean_rows(), store_count=ORDERS + 1)

    assert outcome.findings == ()
    with pytest.raises(WindowError, match="9 staged, 10 in the store"):
        outcome.require_window("window of 19 November")


def test_a_frame_without_a_column_is_stopped_and_the_column_named() -> None:
    columns = [name for name in SUITE.columns if name != "received_minor"]
    rows = [tuple(row[name] for name in columns) for row in clean_rows()]

    outcome = validate(columns, rows, store_count=ORDERS, channel="shopify_gp", now=NOW)

    assert len(outcome.table_failures) == 1
    assert "missing: received_minor" in outcome.table_failures[0]


def test_an_order_without_a_store_id_stops_the_window_because_it_cannot_be_held() -> None:
    rows = clean_rows()
    rows[BROKEN]["order_id_store"] = None

    outcome = run(rows)

    assert outcome.findings == ()
    assert "order_id_present" in outcome.table_failures[0]


def test_a_column_of_another_type_stops_the_window_without_showing_a_value() -> None:
    rows = clean_rows()
    rows[BROKEN]["max_sku_length"] = "Jane Doe"

    outcome = run(rows)

    assert "sku_fits_the_erp" in outcome.table_failures[0]
    assert "Jane Doe" not in f"{outcome.table_failures}{outcome.statistics}"


def test_single_orders_fetched_by_number_are_judged_without_a_store_count() -> None:
    rows = clean_rows(2)
    columns = SUITE.columns

    outcome = validate(
        columns,
        [tuple(row[name] for name in columns) for row in rows],
        store_count=None,
        channel="shopify_gp",
        now=NOW,
    )

    assert outcome.table_failures == ()
    counted = Counter(len(r["result"]["order_ids"]) for r in outcome.statistics["results"])
    assert counted == {0: len(SUITE.rules) - 1}
