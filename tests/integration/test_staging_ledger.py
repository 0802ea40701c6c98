from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.errors import RemoteUnavailable
from include.staging import engine as staging
from include.staging import ledger
from include.staging.locks import posting_lock

ROOT = Path(__file__).resolve().parents[2]
CHANNEL = "shopify_gp"


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    yield engine
    engine.dispose()


def key_of(n: int, kind: DocumentKind = DocumentKind.SALES_ORDER) -> DocumentKey:
    return DocumentKey(CHANNEL, f"gid://shopify/Order/{n}", kind)


def entry_of(n: int, total: str = "12.50") -> ledger.PlannedEntry:
    return ledger.PlannedEntry(
        key=key_of(n),
        order_number=f"#{n}",
        total=Decimal(total),
        currency="USD",
        digest="abc",
        order_version="2026-11-20T00:00:00+00:00",
        line_count=2,
        paid=Decimal(total),
        back_ordered=Decimal(1),
    )


def remote_of(
    n: int, reference: str = "ORD1", state: RemoteState = RemoteState.OPEN
) -> RemoteDocument:
    return RemoteDocument(
        key_of(n), reference, state, Decimal("12.50"), "USD", 2, back_ordered=Decimal(3)
    )


def test_an_entry_goes_from_sending_to_posted(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        assert ledger.mark_sending(connection, [entry_of(1)], 2) == {key_of(1)}
        assert [pair[1] for pair in ledger.unfinished(connection, CHANNEL)] == ["#1"]
        assert ledger.mark_posted(connection, [remote_of(1)]) == {key_of(1)}
        assert ledger.unfinished(connection, CHANNEL) == []
        found = ledger.ledgers_for(connection, CHANNEL, [key_of(1).order_id_store, "absent"])
        connection.commit()
    assert list(found) == [key_of(1).order_id_store]
    entry = found[key_of(1).order_id_store].posted(DocumentKind.SALES_ORDER)
    assert entry is not None
    assert (entry.reference, entry.total, entry.paid) == ("ORD1", Decimal("12.5"), Decimal("12.5"))
    # What waits for stock is the ERP's to say once it holds the document.
    assert (entry.line_count, entry.back_ordered, entry.digest) == (2, Decimal(3), "abc")
    assert entry.order_version == "2026-11-20T00:00:00+00:00"


def test_a_posted_entry_never_goes_back(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        ledger.mark_sending(connection, [entry_of(1)], 1)
        ledger.mark_posted(connection, [remote_of(1)])
        before = connection.execute(text("SELECT *, xmin::text FROM erp_document")).all()
        assert ledger.mark_sending(connection, [entry_of(1, "99.00")], 2) == set()
        assert ledger.mark_refused(connection, [(key_of(1), "no")]) == set()
        assert connection.execute(text("SELECT *, xmin::text FROM erp_document")).all() == before


def test_a_posted_entry_only_follows_the_very_same_document(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        ledger.mark_sending(connection, [entry_of(1)], 1)
        ledger.mark_posted(connection, [remote_of(1)])
        assert ledger.mark_posted(connection, [remote_of(1, "ORD2")]) == set()
        history = remote_of(1, state=RemoteState.POSTED)
        assert ledger.mark_posted(connection, [history]) == {key_of(1)}
        row = connection.execute(text("SELECT reference, remote_state FROM erp_document")).one()
    assert tuple(row) == ("ORD1", "posted")


def test_a_refused_entry_keeps_its_reason_until_it_is_sent_again(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        ledger.mark_sending(connection, [entry_of(1)], 1)
        ledger.mark_refused(connection, [(key_of(1), "item MUG-1 is unknown")])
        assert connection.scalar(text("SELECT error FROM analyst.documents")) == (
            "item MUG-1 is unknown"
        )
        assert ledger.mark_sending(connection, [entry_of(1)], 2) == {key_of(1)}
        assert connection.scalar(text("SELECT error FROM erp_document")) is None
        assert connection.scalar(text("SELECT tries FROM erp_document")) == 2


def test_what_the_erp_holds_wins_over_a_refusal(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        ledger.mark_sending(connection, [entry_of(1)], 1)
        ledger.mark_refused(connection, [(key_of(1), "it timed out")])
        assert ledger.mark_posted(connection, [remote_of(1)]) == {key_of(1)}


def test_the_database_refuses_a_posted_entry_without_a_reference(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        ledger.mark_sending(connection, [entry_of(1)], 1)
        with pytest.raises(IntegrityError, match="reference"):
            connection.execute(text("UPDATE erp_document SET state = 'posted'"))


def test_two_markers_in_opposite_order_do_not_block_each_other(engine: Engine) -> None:
    entries = [entry_of(n) for n in range(200)]

    def mark(some: list[ledger.PlannedEntry]) -> int:
        with staging.unit_of_work(engine) as connection:
            marked = ledger.mark_sending(connection, some, 1)
            connection.commit()
        return len(marked)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(mark, [entries, entries[::-1]] * 4)) == [200] * 8


def test_nothing_asked_is_nothing_done(engine: Engine) -> None:
    with staging.unit_of_work(engine) as connection:
        assert ledger.mark_sending(connection, [], 1) == set()
        assert ledger.mark_posted(connection, []) == set()
        assert ledger.mark_refused(connection, []) == set()
        assert ledger.ledgers_for(connection, CHANNEL, []) == {}


def test_posters_of_one_channel_take_turns_and_others_go_on(engine: Engine) -> None:
    with posting_lock(engine, CHANNEL) as held:
        held.require()
        with (
            pytest.raises(RemoteUnavailable, match="another run has been posting"),
            posting_lock(engine, CHANNEL, timeout_seconds=0.2),
        ):
            pass
        with posting_lock(engine, "other", timeout_seconds=5) as other:
            other.require()
    with posting_lock(engine, CHANNEL, timeout_seconds=5):
        pass


def test_the_posting_lock_is_free_after_an_error_inside(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), posting_lock(engine, CHANNEL):
        raise ZeroDivisionError
    with posting_lock(engine, CHANNEL, timeout_seconds=5):
        pass


def test_a_poster_that_is_killed_frees_the_lock(engine: Engine, staging_url: str) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from include.staging import engine as staging
from include.staging.locks import posting_lock
with posting_lock(staging.create({staging_url!r}), {CHANNEL!r}):
    print("held", flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with (
        pytest.raises(RemoteUnavailable),
        posting_lock(engine, CHANNEL, timeout_seconds=0.2),
    ):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    with posting_lock(engine, CHANNEL, timeout_seconds=30) as lock:
        lock.require()


def test_a_lock_whose_connection_is_gone_is_noticed(engine: Engine) -> None:
    with posting_lock(engine, CHANNEL) as lock:
        with staging.unit_of_work(engine) as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                    " AND database = (SELECT oid FROM pg_database"
                    "  WHERE datname = current_database())"
                )
            )
        with pytest.raises(RemoteUnavailable):
            lock.require()
