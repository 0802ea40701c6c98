from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.errors import MappingMissing
from include.domain.proof import (
    Outcome,
    ProofDocuments,
    ProofLives,
    ProofMoney,
    ProofOrder,
    WindowProof,
)
from include.domain.verdict import Finding, Severity
from include.domain.window import Basis, Selection, Window
from include.ports.store import RawOrder
from include.staging import (
    batches,
    housekeeping,
    landing,
    ledger,
    mapping,
    quarantine,
    validation,
)
from include.staging import engine as staging
from include.staging import proof as proofs
from include.staging.rows import LandedOrder

CHANNEL = "shopify_gp"
DAY = datetime(2026, 11, 20, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=1))


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    yield engine
    engine.dispose()


def finding_of(n: int, rule: str = "order_totals_tie", **changes: object) -> Finding:
    found = Finding(
        order_id_store=f"order/{n}",
        order_number=f"#{n}",
        reason_class="unbalanced",
        rule=rule,
        message=f"order #{n}: 12.50 USD against 12.51 USD",
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def test_a_finding_opens_one_row_and_is_counted_when_it_is_found_again(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        first = [finding_of(1), finding_of(1), finding_of(2)]
        assert quarantine.record(connection, CHANNEL, first, owner="ops", batch_id=1) == 2
        connection.execute(text("UPDATE quarantine SET owner = 'ada' WHERE order_number = '#1'"))
        again = [finding_of(1, message="still")]
        assert quarantine.record(connection, CHANNEL, again, owner="ops", batch_id=2) == 1
        one, two = quarantine.open_rows(connection, CHANNEL)
    assert (one.finding.message, one.tries, one.owner, one.batch_id) == ("still", 2, "ada", 2)
    assert (two.finding, two.tries, two.owner) == (finding_of(2), 1, "ops")
    assert one.last_seen_at >= one.first_seen_at


def test_a_row_closes_by_itself_when_the_order_passes(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        findings = [finding_of(1), finding_of(2), finding_of(2, "sku"), finding_of(3)]
        quarantine.record(connection, CHANNEL, findings, owner="ops", batch_id=1)
        closed = quarantine.close_passed(
            connection,
            CHANNEL,
            ["order/1", "order/2", "order/9"],
            closed_by="run-2",
            still=[("order/2", "sku")],
        )
        left = quarantine.open_rows(connection, CHANNEL)
        row = connection.execute(
            text("SELECT state, closed_by, closed_at FROM quarantine WHERE order_number = '#1'")
        ).one()
    assert closed == 2
    assert [(r.finding.order_number, r.finding.rule) for r in left] == [
        ("#2", "sku"),
        ("#3", "order_totals_tie"),
    ]
    assert (row.state, row.closed_by) == ("closed", "run-2")
    assert row.closed_at is not None


def test_validation_does_not_close_what_posting_found(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        findings = [finding_of(1), finding_of(1, "map_sku", reason_class="missing_mapping")]
        quarantine.record(connection, CHANNEL, findings, owner="ops", batch_id=1)
        quarantine.close_passed(
            connection, CHANNEL, ["order/1"], closed_by="run-2", reason_classes=["unbalanced"]
        )
        (left,) = quarantine.open_rows(connection, CHANNEL, ["order/1"])
    assert left.finding.rule == "map_sku"


def test_an_order_that_fails_again_after_it_passed_gets_a_new_row(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        for run in ("run-1", "run-2"):
            quarantine.record(connection, CHANNEL, [finding_of(1)], owner="ops", batch_id=1)
            quarantine.close_passed(connection, CHANNEL, ["order/1"], closed_by=run)
        states = connection.execute(text("SELECT state, tries FROM quarantine")).all()
    assert [tuple(row) for row in states] == [("closed", 1), ("closed", 1)]


def test_only_critical_rows_hold_an_order(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        findings = [finding_of(1), finding_of(2, severity=Severity.WARNING)]
        quarantine.record(connection, CHANNEL, findings, owner="ops", batch_id=1)
        held = quarantine.open_rows(connection, CHANNEL, severity=Severity.CRITICAL)
    assert [row.finding.order_number for row in held] == ["#1"]


def test_a_row_that_is_written_off_names_who_and_why(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        quarantine.record(connection, CHANNEL, [finding_of(1)], owner="ops", batch_id=1)
        (row,) = quarantine.open_rows(connection, CHANNEL)
        for expected in (True, False):
            assert expected is quarantine.write_off(
                connection, row.quarantine_id, actor="ada", reason="booked by hand"
            )
        audit = connection.execute(text("SELECT actor, action, after FROM log_audit")).one()
    assert tuple(audit) == ("ada", "closed", {"reason": "booked by hand"})


def test_two_runs_that_find_the_same_at_once_open_one_row(engine: Engine) -> None:
    def find(batch_id: int) -> None:
        findings = [finding_of(n) for n in range(100)][:: 1 if batch_id % 2 else -1]
        with staging.unit_of_work(engine) as connection:
            quarantine.record(connection, CHANNEL, findings, owner="ops", batch_id=batch_id)
            connection.commit()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(find, range(4)))
    with staging.unit_of_work(engine) as connection:
        rows = quarantine.open_rows(connection, CHANNEL)
    assert [row.tries for row in rows] == [4] * 100


def test_seed_rows_follow_the_csv_and_edited_rows_win(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        seeds = [("payment", "shopify_payments", "CARD"), ("payment", "gift_card", "GIFT")]
        assert mapping.sync_seeds(connection, CHANNEL, seeds) == (2, 0, 0)
        assert mapping.sync_seeds(connection, CHANNEL, seeds) == (0, 0, 0)
        mapping.set_value(connection, CHANNEL, "payment", "gift_card", value="GC", actor="ada")
        seeds = [("payment", "gift_card", "OTHER"), ("shipping", "Ground", "UPS")]
        assert mapping.sync_seeds(connection, CHANNEL, seeds) == (1, 0, 1)
        maps = mapping.load(connection, CHANNEL)
        assert mapping.sync_seeds(connection, "other", [("shipping", "Ground", "DHL")]) == (1, 0, 0)
        log = connection.execute(
            text(
                "SELECT actor, action, key->>'key', before->>'value', after->>'value'"
                " FROM log_audit WHERE key->>'channel' = :channel ORDER BY audit_id"
            ),
            {"channel": CHANNEL},
        ).all()
    assert len(maps) == 2
    assert maps.require("payment", "gift_card") == "GC"
    assert maps.require("shipping", "Ground") == "UPS"
    assert maps.get("payment", "shopify_payments") is None
    assert {tuple(row) for row in log} == {
        ("seed", "added", "shopify_payments", None, "CARD"),
        ("seed", "added", "gift_card", None, "GIFT"),
        ("ada", "changed", "gift_card", "GIFT", "GC"),
        ("seed", "removed", "shopify_payments", "CARD", None),
        ("seed", "added", "Ground", None, "UPS"),
    }


def test_a_missing_map_row_is_named_in_the_error(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        maps = mapping.load(connection, CHANNEL)
    with pytest.raises(MappingMissing, match="sku map of channel shopify_gp has no row for 'MUG'"):
        maps.require("sku", "MUG")


def test_two_syncs_at_once_leave_the_same_rows(engine: Engine) -> None:
    seeds = [("sku", f"S{n}", f"I{n}") for n in range(200)]

    def sync(rows: list[tuple[str, str, str]]) -> int:
        with staging.unit_of_work(engine) as connection:
            synced = mapping.sync_seeds(connection, CHANNEL, rows)
            connection.commit()
        return synced.added

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(sync, [seeds, seeds[::-1], seeds])) == 200


def test_validation_results_are_kept_by_batch(engine: Engine) -> None:
    log = validation.ValidationLog(7, "orders", True, 100, 2, 3, 0.25, {"rules": [{"rule": "x"}]})
    with staging.unit_of_work(engine) as connection:
        validation.record(connection, replace(log, success=False))
        validation.record(connection, log)
        latest = validation.latest(connection, 7)
        assert validation.latest(connection, 8) is None
    assert latest is not None
    assert latest.validated_at is not None
    assert replace(latest, validated_at=None) == log


def proof_of(run_id: str = "run-1", **changes: object) -> WindowProof:
    proof = WindowProof(
        channel=CHANNEL,
        window=WINDOW,
        run_id=run_id,
        run_type="scheduled",
        batch_id=1,
        proven_at=DAY + timedelta(days=2),
        in_store=4,
        staged=3,
        posted=1,
        held=1,
        skipped=1,
        unexplained=1,
        doubled=1,
        back_ordered=1,
        skipped_by_reason={"test_order": 1},
        held_by_reason={"unbalanced": 1},
        money=(
            ProofMoney("EUR", in_store=Decimal("0.10")),
            ProofMoney(
                "USD",
                in_store=Decimal("40.00"),
                posted=Decimal("10.00"),
                held=Decimal("10.00"),
                skipped=Decimal("10.00"),
                unexplained=Decimal("10.00"),
            ),
        ),
        orders=(
            ProofOrder(
                "order/4",
                "#4",
                Outcome.UNEXPLAINED,
                "lost",
                "the store names it",
                "USD",
                Decimal(10),
            ),
            ProofOrder(
                "order/1",
                "#1",
                Outcome.HELD,
                "unbalanced",
                "both sides",
                "USD",
                Decimal(10),
                owner="ops",
                since_at=DAY,
            ),
            ProofOrder(
                "order/2", "#2", Outcome.SKIPPED, "test_order", "a test", "USD", Decimal(10)
            ),
        ),
        notes=("the store's index lags",),
        lives=ProofLives(
            new=3, changed=2, unchanged=1, edited=1, cancelled=1, refunded=2, shipped=4
        ),
        documents=(
            ProofDocuments(
                DocumentKind.SALES_ORDER, "USD", 6, Decimal(60), Decimal(0), 3, Decimal(30)
            ),
            ProofDocuments(
                DocumentKind.CREDIT_NOTE, "USD", 2, Decimal(5), Decimal(5), 2, Decimal(5)
            ),
        ),
        tolerance=Decimal("0.05"),
    )
    return replace(proof, **changes)  # type: ignore[arg-type]


def test_a_proof_is_read_back_as_it_was_written(engine: Engine) -> None:
    proof = proof_of()
    with staging.unit_of_work(engine) as connection:
        proof_id = proofs.write(connection, proof)
        read = proofs.read_proof(connection, proof_id)
        orders = proofs.orders_of(connection, proof_id)
        of_run = proofs.proof_of_run(connection, CHANNEL, "run-1")
        rows = connection.execute(
            text("SELECT kind, documents, sent_amount FROM analyst.window_documents ORDER BY 1")
        ).all()
        assert proofs.read_proof(connection, proof_id + 1) is None
        assert proofs.proof_of_run(connection, CHANNEL, "run-2") is None
    assert read == of_run
    assert read is not None
    assert replace(read.proof, orders=tuple(orders)) == proof
    assert not read.proof.is_complete
    assert [tuple(row) for row in rows] == [("credit_note", 2, 5), ("sales_order", 6, 30)]


def test_a_second_proof_of_a_run_replaces_the_first(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        proofs.write(connection, proof_of())
        proof_id = proofs.write(connection, proof_of(posted=2, unexplained=0, orders=(), money=()))
        (stored,) = proofs.latest_proofs(connection)
        assert connection.scalar(text("SELECT count(*) FROM proof_order")) == 0
    assert (stored.proof_id, stored.proof.posted, stored.proof.money) == (proof_id, 2, ())


def test_the_newest_proof_of_each_window_is_shown_latest_window_first(engine: Engine) -> None:
    earlier = Window(DAY - timedelta(days=1), DAY)
    with staging.unit_of_work(engine) as connection:
        proofs.write(connection, proof_of("scheduled"))
        proofs.write(connection, proof_of("backfill", proven_at=DAY + timedelta(days=3)))
        proofs.write(connection, proof_of("before", window=earlier))
        proofs.write(connection, proof_of("other", channel="shopify_flow"))
        shown = proofs.latest_proofs(connection, CHANNEL)
        assert len(proofs.latest_proofs(connection)) == 3
        assert len(proofs.latest_proofs(connection, limit=1)) == 1
        rows = connection.execute(
            text("SELECT currency, unexplained_amount FROM analyst.window_proofs")
        ).all()
    assert [stored.proof.run_id for stored in shown] == ["backfill", "before"]
    assert shown[0].proof.money == proof_of().money
    assert len(rows) == 6


def test_retention_forgets_the_old_and_keeps_what_is_still_needed(engine: Engine) -> None:
    now = DAY + timedelta(days=1000)
    with staging.unit_of_work(engine) as connection:
        numbers = []
        for run_id in ("old", "proven", "new"):
            batch_id = batches.open_batch(
                connection,
                CHANNEL,
                run_id=run_id,
                run_type="scheduled",
                selection=Selection(WINDOW, Basis.UPDATED),
                fetched=WINDOW,
            )
            ids = {"old": range(5), "proven": range(5, 6), "new": range(6, 8)}[run_id]
            rows = [LandedOrder(f"order/{n}", f"#{n}", DAY, bytes([n]), b'{"n": 1}') for n in ids]
            landing.land(connection, batch_id, rows)
            numbers.append(batch_id)
        old, proven, new = numbers
        connection.execute(
            text("UPDATE landing_document SET landed_at = :at WHERE batch_id <> :new"),
            {"at": now - timedelta(days=91), "new": new},
        )
        connection.execute(
            text("UPDATE landing_document SET landed_at = :at WHERE batch_id = :new"),
            {"at": now - timedelta(days=89), "new": new},
        )
        connection.execute(
            text("UPDATE landing_batch SET changed_at = :at WHERE batch_id <> :new"),
            {"at": now - timedelta(days=366), "new": new},
        )
        connection.execute(
            text("UPDATE landing_batch SET changed_at = :at WHERE batch_id = :new"),
            {"at": now, "new": new},
        )
        proofs.write(connection, proof_of(batch_id=proven))
        quarantine.record(
            connection, CHANNEL, [finding_of(1), finding_of(2)], owner="ops", batch_id=old
        )
        quarantine.close_passed(connection, CHANNEL, ["order/2"], closed_by="run-2")
        for n in (3, 4):
            key = DocumentKey(CHANNEL, f"order/{n}", DocumentKind.INVOICE)
            entry = ledger.PlannedEntry(key, f"#{n}", Decimal(1), "USD")
            ledger.mark_sending(connection, [entry], old)
        posted = RemoteDocument(
            DocumentKey(CHANNEL, "order/4", DocumentKind.INVOICE),
            "INV1",
            RemoteState.OPEN,
            Decimal(1),
            "USD",
            1,
        )
        ledger.mark_posted(connection, [posted])
        purged = housekeeping.purge(connection, now, raw_days=90)
        left = connection.scalars(
            text("SELECT order_id_store FROM landing_document ORDER BY 1")
        ).all()
        batches_left = connection.scalars(
            text("SELECT batch_id FROM landing_batch ORDER BY 1")
        ).all()
        again = housekeeping.purge(connection, now, raw_days=90)
    # 1 has an open row, 3 was sent and is not known to be posted, 6 and 7 are young.
    assert left == ["order/1", "order/3", "order/6", "order/7"]
    assert purged == (4, 6, 1, 0)
    assert batches_left == [proven, new]
    assert again == (0, 0, 0, 0)


def test_a_raw_document_is_found_for_a_replay_in_its_newest_version(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        batch_id = batches.open_batch(
            connection,
            CHANNEL,
            run_id="run-1",
            run_type="scheduled",
            selection=Selection(WINDOW, Basis.UPDATED),
            fetched=WINDOW,
        )
        for minute in (5, 1):
            row = LandedOrder(
                "order/1",
                "#1",
                DAY + timedelta(minutes=minute),
                bytes([minute]),
                b'{"minute": %d}' % minute,
            )
            landing.land(connection, batch_id, [row])
        found = list(landing.read_documents(connection, CHANNEL, ["order/1", "order/2"]))
    assert found == [
        RawOrder("order/1", "#1", DAY + timedelta(minutes=5), b'{"minute": 5}', {"minute": 5})
    ]
