"""Takes in the documents of a window: fetched, translated and landed at the same time.

A large window gets a second process for the translation, which is most of the work; what that
cannot do, and every small window, is done in this process. An order whose units are not those of
the store's list is listed and read once more: it may have moved between the two.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import NamedTuple

from include.domain.balance import UNITS_RULE
from include.domain.errors import WindowError
from include.domain.window import Selection
from include.pipelines.chunks import chunks
from include.pipelines.house import House
from include.pipelines.landings import Landings
from include.pipelines.second_process import SecondProcess, cores, work_of
from include.pipelines.second_process_main import Done, Start, name_of, work_on
from include.pipelines.translation import translated
from include.ports.store import OrderHeader, Page, PagedStore, RawOrder
from include.staging import landing
from include.staging.rows import LandedOrder

APART_FROM = 1_000
"""Orders of a window that are worth the second process: 0.06 s to start."""

log = logging.getLogger(__name__)

_AGAIN_AT_ONCE = 200
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


class _Doubtful(NamedTuple):
    """An order whose document has other units than the list says.

    Attributes:
        header: The order in the list.
        row: The order, held with both figures.
    """

    header: OrderHeader
    row: LandedOrder


def take_in(
    house: House,
    batch_id: int,
    headers: Sequence[OrderHeader],
    selection: Selection,
    *,
    apart_from: int = APART_FROM,
) -> TakenIn:
    """Fetch the documents of the headers, translate them, and land them page by page.

    Args:
        house: The channel.
        batch_id: The open batch.
        headers: What the store listed, each order once.
        selection: What it listed them for.
        apart_from: Orders from which on a second process helps, where there is a core for it.

    Raises:
        WindowError: The store's documents are not complete.
        RemoteUnavailable: The store did not answer.
    """
    if not headers:
        return _NOTHING
    doubtful: list[_Doubtful] = []
    with _quick_turns():
        if isinstance(house.store, PagedStore):
            is_large = len(headers) >= apart_from and cores() > 1
            done = _in_pages(
                house, house.store, batch_id, headers, doubtful=doubtful, is_large=is_large
            )
        else:
            done = _in_batches(house, batch_id, headers, doubtful)
        for part in chunks(doubtful, _AGAIN_AT_ONCE):
            done = done.plus(_once_more(house, batch_id, selection, part))
    return done


def _in_batches(
    house: House, batch_id: int, headers: Sequence[OrderHeader], doubtful: list[_Doubtful]
) -> TakenIn:
    """Land batch by batch; the database writes one while the next is translated."""
    done = _NOTHING
    listed = {header.order_id_store: header for header in headers}
    with ThreadPoolExecutor(1, "land") as writer:
        under_way: Future[TakenIn] | None = None
        for raws in house.store.fetch(headers):
            rows = _sound(house, ((listed.get(raw.order_id_store), raw) for raw in raws), doubtful)
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
    doubtful: list[_Doubtful],
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
        landed.extend(_land_page(house, store, batch_id, page, done, doubtful=doubtful))

    with ExitStack() as stack:
        landings = stack.enter_context(closing(Landings(land)))
        second = stack.enter_context(SecondProcess(start, landings.add)) if is_large else None
        for page in _pages(store, headers, second):
            if second is None or not second.take(page):
                landings.add(page, work_on(start, reader, work_of(page)))
        landings.finish()
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
    house: House,
    store: PagedStore,
    batch_id: int,
    page: Page,
    done: Done,
    *,
    doubtful: list[_Doubtful],
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
        headers = [page.headers[place] for place in places]
        raws = store.read_page(page, places)
        yield _write(house, batch_id, _sound(house, zip(headers, raws, strict=True), doubtful))


def _once_more(
    house: House, batch_id: int, selection: Selection, doubtful: Sequence[_Doubtful]
) -> TakenIn:
    """List and fetch doubtful orders again, and land them; what still does not tie is held.

    The list speaks of one version: a document of another is not held against it any more, the
    proof will be.
    """
    rows = {order.header.order_id_store: order.row for order in doubtful}
    numbers = tuple(order.header.order_number for order in doubtful)
    log.warning("%d orders have other units than the store lists: once more", len(doubtful))
    headers: list[OrderHeader] = []
    named = Selection(selection.window, selection.basis, numbers)
    try:
        headers += (h for h in house.store.list_headers(named) if h.order_id_store in rows)
    except WindowError as error:  # one of them was deleted or renamed: they stay as they were read
        log.warning("%s", error)
    listed = {header.order_id_store: header for header in headers}
    for raws in house.store.fetch(headers):
        for raw in raws:
            header = listed[raw.order_id_store]
            units = header.unit_count if header.updated_at == raw.updated_at else None
            rows[raw.order_id_store] = _translated(house, raw, units)
    return _write(house, batch_id, list(rows.values()))


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


def _sound(
    house: House, raws: Iterable[tuple[OrderHeader | None, RawOrder]], doubtful: list[_Doubtful]
) -> list[LandedOrder]:
    """Translate documents; set those aside whose units are not those of the list."""
    rows = []
    for header, raw in raws:
        row = _translated(house, raw, header.unit_count if header else None)
        if header is not None and row.rule == UNITS_RULE:
            doubtful.append(_Doubtful(header, row))
        else:
            rows.append(row)
    return rows


def _translated(house: House, raw: RawOrder, units: int | None) -> LandedOrder:
    now, tolerance = house.clock.now(), house.settings.policy.tolerance
    return translated(house.channel, house.store.normalise, raw, now, tolerance, listed_units=units)


def _write(house: House, batch_id: int, rows: Sequence[LandedOrder]) -> TakenIn:
    with house.engine.begin() as connection:
        done = landing.land(connection, batch_id, rows)
    return TakenIn(done.orders, done.readable(rows))
