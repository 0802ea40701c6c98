"""Takes in the documents of a window: fetched, translated and landed at the same time.

A large window gets a second process for the translation, which is most of the work; what that
cannot do, and every small window, is done in this process.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from include.pipelines import helper
from include.pipelines.helper_main import Done, Start, name_of
from include.pipelines.house import House
from include.pipelines.translation import translate
from include.ports.store import OrderHeader, Page, PagedStore, RawOrder
from include.staging import landing
from include.staging.rows import LandedOrder

APART_FROM = 1_000
"""Orders of a window that are worth the second process: a tenth of a second to start."""

_COLLECT_EVERY = 100_000


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
    with _rare_collections():
        if (
            len(headers) >= apart_from
            and isinstance(house.store, PagedStore)
            and helper.cores() > 1
        ):
            return _helped(house, house.store, batch_id, headers)
        return _alone(house, batch_id, headers)


def _alone(house: House, batch_id: int, headers: Sequence[OrderHeader]) -> TakenIn:
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


def _helped(
    house: House, store: PagedStore, batch_id: int, headers: Sequence[OrderHeader]
) -> TakenIn:
    """Give pages to a second process, and do here what it has no hand free for."""
    here: list[TakenIn] = []
    there: list[TakenIn] = []

    def take(page: Page, places: Sequence[int]) -> TakenIn:
        return _write(house, batch_id, _translated(house, store.read_page(page, places)))

    def take_back(page: Page, done: Done) -> None:
        with house.engine.begin() as connection:
            landed = landing.land_encoded(connection, batch_id, done.orders)
        if landed is None:
            there.append(take(page, range(len(page.headers))))
            return
        there.append(TakenIn(landed.orders, landed.readable(done.orders)))
        if done.rest:
            there.append(take(page, done.rest))

    reader = store.reader
    start = Start(
        house.channel,
        batch_id,
        name_of(reader.read),
        name_of(reader.normalise),
        house.clock.now(),
        house.settings.policy.tolerance,
    )
    with helper.Helper(start, take_back) as process:
        for page in store.fetch_pages(headers):
            if not process.take(page):
                here.append(take(page, range(len(page.headers))))
        here.extend(take(page, range(len(page.headers))) for page in process.finish())
    total = _NOTHING
    for part in (*here, *there):
        total = total.plus(part)
    return total


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the collector of cycles run rarely: documents are millions of containers without one."""
    usual = gc.get_threshold()
    gc.set_threshold(_COLLECT_EVERY, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _translated(house: House, raws: Sequence[RawOrder]) -> list[LandedOrder]:
    now, tolerance = house.clock.now(), house.settings.policy.tolerance
    return list(translate(house.channel, house.store.normalise, raws, now, tolerance))


def _write(house: House, batch_id: int, rows: Sequence[LandedOrder]) -> TakenIn:
    with house.engine.begin() as connection:
        done = landing.land(connection, batch_id, rows)
    return TakenIn(done.orders, done.readable(rows))
