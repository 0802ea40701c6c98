"""Proofs leave as text, JSON and CSV: exact, readable, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from include.domain.document import DocumentKind
from include.domain.proof import (
    Outcome,
    ProofDocuments,
    ProofLives,
    ProofMoney,
    ProofOrder,
    WindowProof,
)
from include.domain.window import Window
from include.reporting.proof_export import (
    ORDER_COLUMNS,
    WINDOW_COLUMNS,
    amount,
    as_csv,
    as_json,
    as_text,
    documents_as_csv,
    orders_as_csv,
)

PROOF = WindowProof(
    channel="shopify_gp",
    window=Window(datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)),
    run_id="scheduled__2026-11-20T00:00:00+00:00",
    run_type="scheduled",
    batch_id=7,
    proven_at=datetime(2026, 11, 20, 0, 3, 5, tzinfo=UTC),
    in_store=1200,
    staged=1199,
    posted=1197,
    held=1,
    skipped=2,
    unexplained=0,
    held_by_reason={"map_payment": 1},
    skipped_by_reason={"test_order": 1, "cancelled_before_posting": 1},
    money=(
        ProofMoney("USD", Decimal("110800.5"), posted=Decimal("110800.50")),
        ProofMoney("JPY", Decimal(5000), posted=Decimal(5000)),
    ),
    orders=(
        ProofOrder(
            order_id_store="gid://shopify/Order/1",
            order_number="=HYPERLINK(1)",
            outcome=Outcome.HELD,
            reason="map_payment",
            message='the payment map has no row for "bogus", add it',
            currency="USD",
            store_amount=Decimal("12.3"),
            owner="orders@example.com",
            since_at=datetime(2026, 11, 18, 9, 0, tzinfo=UTC),
        ),
    ),
)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_amounts_have_the_decimals_of_their_currency_and_lose_none() -> None:
    assert amount(Decimal("1.5"), "USD") == "1.50"
    assert amount(Decimal(100), "JPY") == "100"
    assert amount(Decimal("1E+3"), "JPY") == "1000"
    assert amount(Decimal("1.2345"), "USD") == "1.2345"
    assert amount(Decimal("0.1"), "KWD") == "0.100"


def test_the_text_shows_both_sides_and_says_that_the_window_is_complete() -> None:
    text = as_text(PROOF)

    assert "1,200" in text
    assert "110,800.50" in text
    assert "held: 1 map_payment" in text
    assert text.endswith("Complete: every order of the window is accounted for.")


def test_the_text_of_an_incomplete_window_names_each_unexplained_order() -> None:
    lost = replace(
        PROOF.orders[0], outcome=Outcome.UNEXPLAINED, order_number="#9", message="not in the ERP"
    )

    text = as_text(replace(PROOF, unexplained=1, orders=(lost,)))

    assert "UNEXPLAINED #9: not in the ERP" in text
    assert "NOT COMPLETE" in text


def test_an_empty_window_still_has_a_text_and_a_row() -> None:
    empty = replace(PROOF, in_store=0, staged=0, posted=0, held=0, skipped=0, money=(), orders=())

    assert "Complete" in as_text(empty)
    assert len(rows_of(as_csv([empty]))) == 1


def test_json_holds_amounts_as_strings_and_times_in_utc() -> None:
    document = json.loads(as_json([PROOF]), parse_float=lambda text: f"float {text}")

    window = document["windows"][0]
    assert window["money"][0]["in_store"] == "110800.50"
    assert window["window"] == {"start": "2026-11-19T00:00:00Z", "end": "2026-11-20T00:00:00Z"}
    assert window["complete"] is True
    assert "float " not in str(document)


def test_csv_counts_a_window_once_however_many_currencies_it_has() -> None:
    rows = rows_of(as_csv([PROOF]))

    assert tuple(rows[0]) == WINDOW_COLUMNS
    assert [row["currency"] for row in rows] == ["USD", "JPY"]
    assert [row["orders_in_store"] for row in rows] == ["1200", ""]
    assert rows[1]["amount_in_store"] == "5000"


def test_lives_and_documents_leave_with_the_proof() -> None:
    sent = ProofDocuments(DocumentKind.VOID, "USD", 2, Decimal("40.5"), Decimal(0), 1, Decimal(9))
    proof = replace(PROOF, lives=ProofLives(new=4, changed=2, refunded=1), documents=(sent,))

    assert "orders with documents: 6 (4 new, 2 changed, 0 unchanged" in as_text(proof)
    assert ["void", "USD", "2", "40.50", "0.00", "1", "9.00"] in [
        line.split() for line in as_text(proof).splitlines()
    ]
    first = rows_of(as_csv([proof]))[0]
    assert (first["lives_new"], first["lives_changed"], first["tolerance"]) == ("4", "2", "0")
    (row,) = rows_of(documents_as_csv([proof]))
    assert (row["kind"], row["amount"], row["amount_sent_by_this_run"]) == ("void", "40.50", "9.00")
    window = json.loads(as_json([proof]))["windows"][0]
    assert window["lives"]["changed"] == 2
    assert window["documents"][0]["amount"] == "40.50"
    assert "Tolerance for one order: 0.05" in as_text(replace(proof, tolerance=Decimal("0.0500")))


def test_an_order_number_cannot_act_as_a_formula() -> None:
    row = rows_of(orders_as_csv([PROOF]))[0]

    assert tuple(row) == ORDER_COLUMNS
    assert row["order_number"] == "'=HYPERLINK(1)"
    assert row["message"] == 'the payment map has no row for "bogus", add it'
    assert row["amount_in_store"] == "12.30"
    assert row["since"] == "2026-11-18T09:00:00Z"
