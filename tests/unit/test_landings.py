"""Pages are landed beside what translates them: a few at once, none lost, no error swallowed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from include.pipelines.landings import AT_ONCE, WAITING, Landings
from include.pipelines.second_process_main import Done
from include.ports.store import Page

SECONDS = 10


def page(number: int) -> Page:
    return Page((), str(number).encode(), {})


DONE = Done([], [])


class Disk:
    """Writes pages when it is let, and counts."""

    def __init__(self, fails: Callable[[Page], bool] = lambda page: False) -> None:
        self.free = threading.Event()
        self.begun = threading.Semaphore(0)
        self.landed: list[bytes] = []
        self.fails = fails

    def land(self, page: Page, done: Done) -> None:
        self.begun.release()
        assert self.free.wait(SECONDS)
        if self.fails(page):
            raise OSError(f"page {page.body.decode()}")
        self.landed.append(page.body)


def test_every_page_is_landed_whoever_brings_it() -> None:
    disk = Disk()
    disk.free.set()
    with closing(Landings(disk.land)) as landings:
        with ThreadPoolExecutor(4) as bringers:
            for added in [bringers.submit(landings.add, page(n), DONE) for n in range(100)]:
                added.result(SECONDS)
        landings.finish()
    assert sorted(disk.landed, key=int) == [str(n).encode() for n in range(100)]


def test_who_brings_more_than_can_wait_waits() -> None:
    disk = Disk()
    with closing(Landings(disk.land)) as landings, ThreadPoolExecutor(1) as bringer:
        for number in range(AT_ONCE + WAITING):
            landings.add(page(number), DONE)
        one_more = bringer.submit(landings.add, page(9), DONE)
        for _ in range(AT_ONCE):
            assert disk.begun.acquire(timeout=SECONDS)
        assert not disk.begun.acquire(blocking=False)
        assert not one_more.done()
        disk.free.set()
        one_more.result(SECONDS)
        landings.finish()
    assert len(disk.landed) == AT_ONCE + WAITING + 1


def test_what_a_page_raises_is_raised_once_and_stops_no_other_page() -> None:
    disk = Disk(lambda page: page.body == b"3")
    disk.free.set()
    raised = []
    with closing(Landings(disk.land)) as landings:
        for number in range(50):
            try:
                landings.add(page(number), DONE)
            except OSError as error:
                raised.append(str(error))
        landings.finish()
    assert raised == ["page 3"]


def test_what_the_last_page_raises_is_raised_at_the_end() -> None:
    failing = Disk(lambda page: True)
    with closing(Landings(failing.land)) as landings:
        landings.add(page(1), DONE)
        failing.free.set()
        with pytest.raises(OSError, match="page 1"):
            landings.finish()
