"""Takes in the documents of a window: fetched, translated and landed at the same time.

A large window gets a second process for the translation, which is most of the work; what that
cannot do, and every small window, is done in this process.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from include.pipelines.house import House
from include.pipelines.second_process import SecondProcess, cores, work_of
from include.pipelines.second_process_main import Done, Start, name_of, work_on
from include.pipelines.translation import translate
from include.ports.store import OrderHeader, Page, PagedStore, RawOrder
from include.staging import landing
from include.staging.rows import LandedOrder

APART_FROM = 1_000
"""Orders of a window that are worth the second process: a tenth of a second to start."""

_COLLECT_EVERY = 100_000
_TURN_SECONDS = 0.0005


class TakenIn(NamedTuple):
    """What was landed.

    Attributes:
        orders: Orders.
        readable: Of those, the ones in canonical form.
    """

    orders: int
    readable: int

    def plus(self, more: TakenIn) -> TakenIn:
        """Return the sum."""
        return TakenIn(self.orders + more.orders, self.readable + more.readable)


_NOTHING = TakenIn(0, 0)


def take_in(
    house: House, batch_id: int, headers: Sequence[OrderHeader], *, apart_from: int = APART_FROM
) -> TakenIn:
    """Fetch the documents of the headers, translate them, and land them page by page.

    Args:
        house: The channel.
        batch_id: The open batch.
        headers: What the store listed, each order once.
        apart_from: Orders from which on a second process helps, where there is a core for it.

    Raises:
        WindowError: The store's documents are not complete.
        RemoteUnavailable: The store did not answer.
    """
    if not headers:
        return _NOTHING
    with _quick_turns():
        if not isinstance(house.store, PagedStore):
            return _in_batches(house, batch_id, headers)
        is_large = len(headers) >= apart_from and cores() > 1
        return _in_pages(house, house.store, batch_id, headers, is_large=is_large)


def _in_batches(house: House, batch_id: int, headers: Sequence[OrderHeader]) -> TakenIn:
    """Land batch by batch; the database writes one while the next is translated."""
    done = _NOTHING
    with ThreadPoolExecutor(1, "land") as writer:
        under_way: Future[TakenIn] | None = None
        for raws in house.store.fetch(headers):
            rows = _translated(house, raws)
            if under_way is not None:
                done = done.plus(under_way.result())
            under_way = writer.submit(_write, house, batch_id, rows)
        if under_way is not None:
            done = done.plus(under_way.result())
    return done


def _in_pages(
    house: House,
    store: PagedStore,
    batch_id: int,
    headers: Sequence[OrderHeader],
    *,
    is_large: bool,
) -> TakenIn:
    """Land page by page; a large window gives a second process what it has a hand free for."""
    reader = store.reader
    start = Start(
        house.channel,
        batch_id,
        name_of(reader.read),
        name_of(reader.normalise),
        house.clock.now(),
        house.settings.policy.tolerance,
    )
    landed: list[TakenIn] = []

    def land(page: Page, done: Done) -> None:
        landed.extend(_land_page(house, store, batch_id, page, done))

    with ExitStack() as stack:
        writer = stack.enter_context(ThreadPoolExecutor(1, "land"))
        second = stack.enter_context(SecondProcess(start, land)) if is_large else None
        under_way: Future[None] | None = None
        for page in _pages(store, headers, second):
            if second is not None and second.take(page):
                continue
            done = work_on(start, reader, work_of(page))
            if under_way is not None:
                under_way.result()
            under_way = writer.submit(land, page, done)
        if under_way is not None:
            under_way.result()
    total = _NOTHING
    for part in landed:
        total = total.plus(part)
    return total


def _pages(
    store: PagedStore, headers: Sequence[OrderHeader], second: SecondProcess | None
) -> Iterator[Page]:
    """Yield the pages of the store, then those that a second process took with it."""
    yield from store.fetch_pages(headers)
    if second is not None:
        yield from second.finish()


def _land_page(
    house: House, store: PagedStore, batch_id: int, page: Page, done: Done
) -> Iterator[TakenIn]:
    """Land what was made of a page; complete and translate here what that left over."""
    places: Sequence[int] = done.rest
    with house.engine.begin() as connection:
        landed = landing.land_encoded(connection, batch_id, done.orders)
    if landed is None:
        places = range(len(page.headers))
    else:
        yield TakenIn(landed.orders, landed.readable(done.orders))
    if places:
        yield _write(house, batch_id, _translated(house, store.read_page(page, places)))


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Set the interpreter up for one thread that computes beside several that wait.

    The collector of cycles runs rarely: documents are millions of containers without one. A thread
    whose bytes have come gets the interpreter soon: it asks for it a dozen times a page, and would
    wait for five milliseconds each time, half as long as a page is worked on.
    """
    usual, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(_COLLECT_EVERY, *usual[1:])
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*usual)


def _translated(house: House, raws: Sequence[RawOrder]) -> list[LandedOrder]:
    now, tolerance = house.clock.now(), house.settings.policy.tolerance
    return list(translate(house.channel, house.store.normalise, raws, now, tolerance))


def _write(house: House, batch_id: int, rows: Sequence[LandedOrder]) -> TakenIn:
    with house.engine.begin() as connection:
        done = landing.land(connection, batch_id, rows)
    return TakenIn(done.orders, done.readable(rows))
