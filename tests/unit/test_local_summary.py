"""The summary of `make run`: what a person reads, and when it counts as good."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from include.domain.document import DocumentKind
from include.domain.proof import ProofDocuments, ProofLives, ProofMoney, WindowProof
from include.domain.window import Window
from local import summary
from local.backfill import DayRun

START = datetime(2026, 11, 18, tzinfo=UTC)
RUN = DayRun("r1", START, START + timedelta(days=1), "success", {"pull": "success"})
PROOF = WindowProof(
    channel="shopify_gp",
    window=Window(RUN.start_at, RUN.end_at),
    run_id="r1",
    run_type="backfill",
    batch_id=1,
    proven_at=START + timedelta(days=2),
    in_store=1250,
    staged=1250,
    posted=1240,
    held=4,
    skipped=6,
    unexplained=0,
    held_by_reason={"missing mapping: payment gateway": 3, "unbalanced": 1},
    skipped_by_reason={"test order": 6},
    money=(
        ProofMoney(
            currency="USD",
            in_store=Decimal("10500.25"),
            posted=Decimal("10400.25"),
            held=Decimal("100.00"),
            invoiced=Decimal("9250.50"),
            paid=Decimal("9200.50"),
            credited=Decimal("250.50"),
            paid_back=Decimal("200.50"),
        ),
    ),
    lives=ProofLives(new=900, changed=40, unchanged=300, edited=12, cancelled=5, refunded=23),
    documents=(
        ProofDocuments(DocumentKind.SALES_ORDER, "USD", 1240, Decimal(10651), Decimal(0), 900),
        ProofDocuments(
            DocumentKind.CREDIT_NOTE, "USD", 31, Decimal("250.50"), Decimal("200.50"), 28
        ),
    ),
)


def test_a_window_is_told_with_its_counts_reasons_and_money() -> None:
    told = summary.describe_windows([RUN], {"r1": PROOF})
    row = next(line for line in told.splitlines() if line.startswith("2026-11-18"))
    assert row.split()[-5:] == ["1,250", "1,240", "4", "6", "0"]
    assert "held:     3  missing mapping: payment gateway" in told
    assert "skipped:     6  test order" in told
    assert "USD: in store 10,500.25, posted 10,400.25, held 100.00, unexplained 0" in told
    assert (
        "USD in the ERP: invoiced 9,250.50, credited 250.50, paid in 9,200.50, paid back 200.50"
    ) in told
    assert "All 1 windows are proven complete: unexplained = 0." in told


def test_a_window_tells_what_its_orders_have_been_through_and_its_documents() -> None:
    told = summary.describe_windows([RUN], {"r1": PROOF})
    assert "orders in the ERP: 900 new, 40 changed after posting, 300 as they were" in told
    assert "of these in the store: 12 edited, 23 refunded, 5 cancelled" in told
    rows = [line.split() for line in told.splitlines() if "sent by this run" in line]
    assert rows[0][:3] == ["1,240", "orders", "10,651.00"]
    assert rows[1][:7] == ["31", "credit", "notes", "250.50", "paid", "back", "200.50"]
    assert rows[1][7:9] == ["(28", "of"]


def test_every_run_must_succeed_and_prove_its_window() -> None:
    failed = dataclasses.replace(RUN, state="failed", tasks={"prove": "failed"})
    lost = dataclasses.replace(PROOF, unexplained=1)
    short = dataclasses.replace(PROOF, money=(ProofMoney("USD", unexplained=Decimal("0.01")),))
    assert summary.is_good([RUN], {"r1": PROOF})
    assert not summary.is_good([], {})
    assert not summary.is_good([RUN], {})
    assert not summary.is_good([failed], {"r1": PROOF})
    assert not summary.is_good([RUN], {"r1": lost})
    assert not summary.is_good([RUN], {"r1": short})


def test_a_run_without_a_proof_says_which_task_failed() -> None:
    failed = dataclasses.replace(RUN, state="failed", tasks={"pull": "success", "post": "failed"})
    told = summary.describe_windows([failed], {})
    assert "no proof: the run failed in post" in told
    assert "NOT proven: 2026-11-18" in told


def test_a_doubled_document_is_shouted() -> None:
    doubled = dataclasses.replace(PROOF, doubled=2, unexplained=2)
    assert "DOUBLED in the ERP: 2" in summary.describe_windows([RUN], {"r1": doubled})


def test_a_proof_is_found_by_its_run_and_else_by_its_window() -> None:
    other = dataclasses.replace(PROOF, run_id="manual")
    assert summary.proofs_of([RUN], [PROOF]) == {"r1": PROOF}
    assert summary.proofs_of([RUN], [other]) == {"r1": other}
    later = dataclasses.replace(RUN, run_id="r2", start_at=START + timedelta(days=1))
    assert summary.proofs_of([later], [PROOF]) == {}


def test_access_names_the_users_with_their_roles_and_the_proof_page() -> None:
    told = summary.describe_access(
        "http://127.0.0.1:8080", {"admin": "a", "ops": "b", "finance": "c"}
    )
    assert "http://127.0.0.1:8080/proof/" in told
    assert "ops       user    b" in told
    assert "finance   viewer  c" in told
