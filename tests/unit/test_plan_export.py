"""Plans of dry runs leave as text, CSV and JSON: exact, readable, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

from include.reporting.plan_export import COLUMNS, as_csv, as_json, as_text
from include.staging.plans import Action, KeptPlan, PlanRow

PLAN = KeptPlan(
    channel="shopify_gp",
    flow="quarantine_replay",
    run_id="manual__2026-11-20T09:00:00+00:00",
    planned_at=datetime(2026, 11, 20, 9, 0, 5, tzinfo=UTC),
    done=7,
    rows=(
        PlanRow(
            Action.SEND,
            "gid://shopify/Order/1",
            "#1001",
            kind="credit_note",
            sequence=2,
            document_on=date(2026, 11, 19),
            line_count=3,
            currency="USD",
            total=Decimal("12.5"),
            paid=Decimal("12.50"),
        ),
        PlanRow(Action.HOLD, "gid://shopify/Order/2", "=1+1", reason="no row for 'klarna'"),
        PlanRow(Action.SKIP, "gid://shopify/Order/3", "#1003", reason="a test order"),
    ),
)


def test_the_text_names_documents_held_and_skipped_orders_and_counts_them() -> None:
    lines = as_text(PLAN).splitlines()
    assert lines[1].split() == [
        *("#1001", "credit_note", "2026-11-19", "3", "12.50", "USD", "12.50", "USD")
    ]
    assert lines[2] == "=1+1         held: no row for 'klarna'"
    assert lines[-1] == (
        "1 documents to post, 1 orders to hold, 1 to leave out, 7 complete already"
    )


def test_csv_has_a_row_each_with_exact_amounts_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(PLAN))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["action"] for row in rows] == ["send", "hold", "skip"]
    assert (rows[0]["total"], rows[0]["sequence"]) == ("12.50", "2")
    assert (rows[1]["order_number"], rows[1]["total"]) == ("'=1+1", "")
    assert rows[2]["reason"] == "a test order"


def test_json_holds_the_same_and_amounts_as_strings() -> None:
    document = json.loads(as_json(PLAN))
    assert document["complete_already"] == 7
    assert document["plan"][0]["total"] == "12.50"
    assert document["plan"][1] == {
        "action": "hold",
        "order_number": "=1+1",
        "order_id_store": "gid://shopify/Order/2",
        "reason": "no row for 'klarna'",
    }
