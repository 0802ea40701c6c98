"""Kill -9 at any point, lost answers, faults on both sides: nothing lost, doubled or wedged.

Each test is drawn from one seed, which it prints when it fails.
"""

from __future__ import annotations

import multiprocessing
import random
import time

import pytest
from sqlalchemy import text

from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from local.postgres import EmbeddedPostgres
from tests.integration.killed import STEPS, run_steps
from tests.integration.world import World, day, open_world

WINDOW = day(1)
PATIENCE_SECONDS = 120
STORE_FAULTS = ("http_503", "cut_body", "invalid_json", "throttled", "internal_error", "http_429")
GP_FAULTS = (
    ("taSopHdrIvcInsert", "error", 2079),
    ("taSopLineIvcInsert", "deadlock", 0),
    ("taSopHdrIvcInsert", "disconnect", 0),
    ("taCreateSopPaymentInsertRecord", "disconnect", 0),
    ("taSopHdrIvcInsert", "delay", 0),
)

fresh = multiprocessing.get_context("forkserver")
fresh.set_forkserver_preload(["tests.integration.killed", "great_expectations", "pandas"])


def start(world: World, run_id: str) -> tuple[multiprocessing.Process, object]:
    here, there = fresh.Pipe(duplex=False)
    urls = (world.staging_url, world.gp_url, world.store_url)
    span = (WINDOW.start_at, WINDOW.end_at)
    process = fresh.Process(target=run_steps, args=(urls, span, run_id, there), daemon=True)
    process.start()
    there.close()
    return process, here  # type: ignore[return-value]


def read(told: object, until: str, seconds: float = PATIENCE_SECONDS) -> str:
    """Wait for a word of the child; what it says when it ends counts too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if told.poll(0.5):  # type: ignore[attr-defined]
            try:
                word = told.recv()  # type: ignore[attr-defined]
            except EOFError:
                return "ended"
            if word == until or word.startswith(("failed", "done")):
                return str(word)
    raise AssertionError(f"the run hung while waiting for {until!r}")


def kill_somewhere(world: World, chance: random.Random, run_id: str) -> str:
    """Start a run and kill it at a random moment of a random step; return where."""
    process, told = start(world, run_id)
    step = chance.choice((*STEPS, "post", "post"))
    reached = read(told, step)
    wait = chance.uniform(0, 0.6)
    time.sleep(wait)
    process.kill()
    process.join()
    return f"{reached}+{wait:.2f}s"


def finish(world: World, run_id: str) -> str:
    process, told = start(world, run_id)
    proof, word = "", ""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not word.startswith(("done", "failed")):
        if told.poll(0.5):  # type: ignore[attr-defined]
            word = told.recv()  # type: ignore[attr-defined]
            proof = word if word.startswith("proof") else proof
    process.join(10)
    assert word == "done", word or "the run hung"
    return proof


def check_books(world: World, story: str) -> None:
    """Hold the company's own tables against the store, order by order."""
    doubled = world.books(
        "select soptype, cstponbr, count(*) from sales_documents group by 1, 2 having count(*) > 1"
    )
    assert doubled == [], f"{story}: doubled {doubled}"
    undone = world.ask(
        "select order_number, kind, state from erp_document e where state <> 'posted'"
        " and not (state = 'refused' and exists (select from quarantine q"
        "  where q.order_id_store = e.order_id_store and q.state = 'open'))"
    )
    assert undone == [], f"{story}: left undone {undone}"
    lost = world.ask(
        "select order_number from staged_order s where not s.is_test and s.cancelled_at is null"
        " and s.current_total > 0 and not exists (select from erp_document e"
        "  where e.order_id_store = s.order_id_store and e.kind = 'sales_order')"
        " and not exists (select from quarantine q where q.order_id_store = s.order_id_store"
        "  and q.state = 'open')"
    )
    assert lost == [], f"{story}: lost {lost}"
    ours = world.ask("select order_number, kind, total from erp_document where state = 'posted'")
    kinds = {"sales_order": 2, "invoice": 3}
    theirs = world.books("select cstponbr, soptype, docamnt from sales_documents")
    assert sorted((str(n).strip(), kinds[str(k)], t) for n, k, t in ours) == sorted(
        (str(n).strip(), k, t) for n, k, t in theirs
    ), f"{story}: the books differ from the ledger"
    orphans = world.books(
        "select count(*) from sop10200 l where not exists (select from sop10100 d"
        " where d.soptype = l.soptype and d.sopnumbe = l.sopnumbe)"
    )
    assert orphans == [(0,)], f"{story}: lines without a header"


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_kills_and_faults_at_any_point_lose_double_and_wedge_nothing(
    postgres_server: EmbeddedPostgres, staging_url: str, seed: int
):
    chance = random.Random(seed)
    settings = SandboxSettings(bucket_size=200_000, restore_rate=20_000)
    story = f"seed {seed}"
    with open_world(
        postgres_server, staging_url, seed_number=seed, per_day=50, sandbox=settings
    ) as world:
        for number in range(5):
            for kind in chance.sample(STORE_FAULTS, 2):
                world.fault(kind, times=1, after=chance.randrange(4))
            procedure, kind, code = chance.choice(GP_FAULTS)
            with world.gp.begin() as gp:
                gp.execute(
                    text("select sandbox_fault_add(:p, :k, :c, 300, :skip, 1)"),
                    {"p": procedure, "k": kind, "c": code, "skip": chance.randrange(20)},
                )
            story += f", killed in {kill_somewhere(world, chance, f'r{number}')}"
        world.sandbox.faults.clear()
        with world.gp.begin() as gp:
            gp.execute(text("select sandbox_faults_clear()"))
        proof = finish(world, "last")
        assert proof.startswith("proof 0 "), f"{story}: {proof}"
        check_books(world, story)


@pytest.mark.parametrize("seed", [21])
def test_two_backfills_side_by_side_with_a_kill_in_one_post_each_document_once(
    postgres_server: EmbeddedPostgres, staging_url: str, seed: int
):
    chance = random.Random(seed)
    with open_world(postgres_server, staging_url, seed_number=seed, per_day=50) as world:
        other, other_told = start(world, "other")
        story = f"seed {seed}, killed in {kill_somewhere(world, chance, 'killed')}"
        proof = finish(world, "mine")
        assert read(other_told, "done") == "done", story
        other.join(10)
        assert proof.startswith("proof 0 "), f"{story}: {proof}"
        check_books(world, story)
