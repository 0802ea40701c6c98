"""The second process of a large pull: it changes nothing but the time, and is never missed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from include.domain.errors import RemoteUnavailable
from include.pipelines import orders
from include.pipelines.runs import RunType
from include.pipelines.second_process import SecondProcess
from include.pipelines.second_process_main import Done, Start, name_of
from include.pipelines.translation import translated
from include.ports.store import Page, PagedStore
from include.staging.copying import encode
from local.postgres import EmbeddedPostgres
from tests.integration.world import World, day, open_world

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=120) as opened:
        yield opened


def pages_of(world: World) -> list[Page]:
    store = world.house.store
    run = world.run(day(1))
    selection = run.selection(world.house.settings, world.house.clock.now())
    assert isinstance(store, PagedStore)
    return list(store.fetch_pages(list(store.list_headers(selection))))


def start_for(world: World) -> Start:
    store = world.house.store
    assert isinstance(store, PagedStore)
    read, normalise = map(name_of, store.reader)
    return Start(world.house.channel, 7, read, normalise, world.house.clock.now())


def ids_of(pages: list[Page]) -> list[str]:
    return sorted(header.order_id_store for page in pages for header in page.headers)


class Taken:
    """What came back from the process, by page."""

    def __init__(self) -> None:
        self.pages: list[tuple[Page, Done]] = []

    def __call__(self, page: Page, done: Done) -> None:
        self.pages.append((page, done))


def give(helper: SecondProcess, pages: list[Page]) -> list[Page]:
    """Give the process what it takes, once it is up; return the rest."""
    assert helper.ready.wait(PATIENCE)
    return [page for page in pages if not helper.take(page)]


def test_its_rows_are_those_of_this_process_byte_for_byte(world: World) -> None:
    taken = Taken()
    store = world.house.store
    assert isinstance(store, PagedStore)
    start = start_for(world)
    pages = pages_of(world)
    while pages:
        with SecondProcess(start, taken) as helper:
            pages = give(helper, pages) + helper.finish()
    for page, done in taken.pages:
        places = [n for n in range(len(page.headers)) if n not in done.rest]
        raws = store.read_page(page, places)
        rows = [translated(start.channel, store.normalise, raw, start.now) for raw in raws]
        assert done.orders == [encode(start.channel, start.batch_id, row) for row in rows]
        # What it leaves over are the orders that the store has to be asked for more of.
        assert all('hasNextPage":true' in page.body.decode() for _ in done.rest)
    assert sum(len(done.orders) for _, done in taken.pages) > 100
    assert sum(len(done.rest) for _, done in taken.pages) > 0


def test_a_pull_with_it_lands_what_a_pull_without_it_lands(world: World) -> None:
    def landed(run_id: str, apart_from: int) -> list[tuple[object, ...]]:
        run = world.run(day(1), run_id, RunType.BACKFILL)
        selection = run.selection(world.house.settings, world.house.clock.now())
        batch = orders.pull(world.house, run, selection, apart_from=apart_from)
        return world.ask(
            "SELECT to_jsonb(o) - 'batch_id' FROM landing_order AS o WHERE batch_id = :batch"
            " ORDER BY order_id_store",
            batch=batch,
        ) + world.ask(
            "SELECT pulled, normalised, owned, state FROM landing_batch WHERE batch_id = :batch",
            batch=batch,
        )

    helped = landed("helped", 1)
    documents = world.ask("SELECT count(*) FROM landing_document")
    assert len(helped) > 120
    assert landed("alone", 1_000_000) == helped
    assert landed("helped again", 1) == helped
    assert world.ask("SELECT count(*) FROM landing_document") == documents


def test_nothing_is_lost_when_it_dies_with_pages_in_its_hands(world: World) -> None:
    taken = Taken()
    pages = pages_of(world)
    with SecondProcess(start_for(world), taken) as helper:
        left = give(helper, pages)
        assert helper.pid is not None
        os.kill(helper.pid, signal.SIGKILL)
        lost = helper.finish()
        assert not helper.take(pages[0])
    done = [page for page, _ in taken.pages]
    assert ids_of(left + lost + done) == ids_of(pages)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param((sys.executable, "-c", "pass"), id="that ends at once"),
        pytest.param(("/nowhere/python",), id="that is not there"),
        pytest.param((sys.executable, "-c", "print('welcome')"), id="that talks nonsense"),
    ],
)
def test_a_pull_does_without_one(world: World, command: tuple[str, ...]) -> None:
    taken = Taken()
    pages = pages_of(world)
    with SecondProcess(start_for(world), taken, command) as helper:
        left = [page for page in pages if not helper.take(page)]
        left += helper.finish()
    assert not taken.pages
    assert ids_of(left) == ids_of(pages)


def test_what_goes_wrong_with_its_rows_is_raised_and_ends_it(world: World) -> None:
    def refuse(page: Page, done: Done) -> None:
        raise RemoteUnavailable("the database went away")

    pages = pages_of(world)
    with SecondProcess(start_for(world), refuse) as helper:
        assert helper.pid is not None
        process = psutil.Process(helper.pid)
        give(helper, pages[:2])
        with pytest.raises(RemoteUnavailable):
            helper.finish()
    assert not process.is_running()


PARENT = """
import os, signal, sys
from datetime import UTC, datetime
from include.pipelines.second_process import SecondProcess
from include.pipelines.second_process_main import Start

start = Start("channel", 1, "orjson:loads", "orjson:dumps", datetime.now(UTC))
with SecondProcess(start, lambda page, done: None) as helper:
    assert helper.ready.wait(30)
    print(helper.pid, flush=True)
    sys.stdin.read()
"""


def test_it_runs_the_code_of_its_parent_wherever_that_stands(tmp_path: Path) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "__init__.py").write_text("raise SystemExit('another version')")
    ended = subprocess.run(
        [sys.executable, "-P", "-c", PARENT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.stdout.strip().isdigit(), ended.stderr


def test_it_ends_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    helper = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    helper.wait(PATIENCE)
    assert not helper.is_running()
