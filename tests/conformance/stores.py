"""Scenarios for stores: a window is listed whole and once, and its documents come complete."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.connectors import registry
from include.domain.balance import require_balance
from include.domain.errors import ConfigurationError, CounterfoilError
from include.domain.order import Order
from include.domain.window import Basis, Selection, Window
from include.ports.store import OrderHeader, OrderStore, RawOrder
from include.sandbox.store_rig import StoreFault, StoreRig, open_store_rig
from include.transport.connection import ConnectionFacts
from include.transport.session import build_session

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
CHANNEL = "conformance"


@dataclass
class Shop:
    """What a scenario works with: a shop of which each scenario has a day of its own."""

    connector: str
    rig: StoreRig
    days: Iterator[int] = field(default_factory=lambda: itertools.count(2, 3))
    defect: Callable[[OrderStore], Any] | None = None

    def day(self) -> Window:
        """A day that nobody else uses, nor the days beside it; each is before the one before."""
        start = datetime(2026, 11, 20, tzinfo=UTC) - timedelta(days=next(self.days))
        return Window(start, start + timedelta(days=1))

    def store(self, facts: ConnectionFacts | None = None) -> OrderStore:
        """Make the connector, as the composition root does."""
        connector = registry.store(self.connector)
        own = registry.settings_of(connector, self.rig.settings, CHANNEL)
        clock = _Clock()
        made = connector.create(
            build_session(), facts or self.rig.facts, own, clock=clock, sleep=_at_once
        )
        return self.defect(made) if self.defect else made

    def place(self, window: Window, count: int, lines: int = 2) -> list[str]:
        """Place orders all over a window."""
        step = (window.end_at - window.start_at) / (count + 1)
        return [self.rig.place(window.start_at + step * n, lines) for n in range(1, count + 1)]

    def listed(self, window: Window, basis: Basis = Basis.UPDATED) -> list[OrderHeader]:
        """List a window with a store of its own."""
        return list(self.store().list_headers(Selection(window, basis)))

    def fetched(self, window: Window) -> list[tuple[OrderHeader, RawOrder, Order]]:
        """List a window, fetch its documents and translate them."""
        store = self.store()
        headers = list(store.list_headers(Selection(window, Basis.UPDATED)))
        raws = [raw for batch in store.fetch(headers) for raw in batch]
        by_id = {raw.order_id_store: raw for raw in raws}
        assert len(raws) == len(headers), f"{len(raws)} documents for {len(headers)} orders"
        assert by_id.keys() == {header.order_id_store for header in headers}
        found = []
        for header in headers:
            raw = by_id[header.order_id_store]
            assert not raw.fault, raw.fault
            found.append((header, raw, store.normalise(CHANNEL, raw.document)))
        return found


class _Clock:
    def now(self) -> datetime:
        return NOW


def _at_once(_seconds: float) -> None:
    """Wait for nobody."""


@contextmanager
def open_shop(connector: str) -> Iterator[Shop]:
    """Bring up the shop of a store connector."""
    with open_store_rig(connector, NOW) as rig:
        yield Shop(connector, rig)


Run = Callable[[Shop], None]
STORE_SCENARIOS: dict[str, Run] = {}


def sentence_of(run: Run) -> str:
    """Say what has to be so."""
    return (run.__doc__ or "").strip().splitlines()[0]


def store_scenario(run: Run) -> Run:
    """Put a function on the list, by its name."""
    STORE_SCENARIOS[run.__name__] = run
    return run


def _ids(headers: list[OrderHeader]) -> list[str]:
    return sorted(header.order_id_store for header in headers)


@store_scenario
def preflight_knows_the_shop(shop: Shop) -> None:
    """The check before a pull tells the shop's currency and time zone."""
    facts = shop.store().preflight(Selection(shop.day(), Basis.UPDATED))
    assert len(facts.currency) == 3
    assert facts.currency.isupper()
    assert facts.time_zone


@store_scenario
def window_is_listed(shop: Shop) -> None:
    """A window is listed whole, each order once, and nothing of the days beside it."""
    window = shop.day()
    ours = shop.place(window, 4)
    shop.rig.place(window.start_at - HOUR)
    shop.rig.place(window.end_at + HOUR)
    assert _ids(shop.listed(window)) == sorted(ours)


@store_scenario
def both_ends_are_exact(shop: Shop) -> None:
    """An order of the first second is inside, one of the first second after it is not."""
    window = shop.day()
    first = shop.rig.place(window.start_at)
    last = shop.rig.place(window.end_at - SECOND)
    shop.rig.place(window.start_at - SECOND)
    shop.rig.place(window.end_at)
    assert _ids(shop.listed(window)) == sorted([first, last])


@store_scenario
def nothing_happened(shop: Shop) -> None:
    """A window without orders is an empty list, and fetching nothing fetches nothing."""
    window = shop.day()
    assert shop.listed(window) == []
    assert [raw for batch in shop.store().fetch([]) for raw in batch] == []


@store_scenario
def pages_to_the_end(shop: Shop) -> None:
    """A list of several pages is read to its end, also where the last page is full."""
    for count in (shop.rig.page, shop.rig.page * 3, shop.rig.page * 2 + 1):
        window = shop.day()
        ours = shop.place(window, count)
        assert _ids(shop.listed(window)) == sorted(ours), f"{count} orders"


@store_scenario
def store_counts_the_same(shop: Shop) -> None:
    """What the store itself counts is what is listed."""
    window = shop.day()
    ours = shop.place(window, shop.rig.page + 2)
    assert shop.store().count(Selection(window, Basis.UPDATED)) == len(ours)


@store_scenario
def documents_are_whole(shop: Shop) -> None:
    """Each order listed comes with one document, whose parts tie to the store's totals."""
    window = shop.day()
    shop.place(window, shop.rig.page + 2)
    for header, raw, order in shop.fetched(window):
        assert (order.order_id_store, order.number) == (header.order_id_store, header.order_number)
        assert order.updated_at == header.updated_at == raw.updated_at
        assert order.currency == header.currency
        assert order.stated.current_total.shop == header.total
        assert json.loads(raw.body) == raw.document, "the bytes kept are another document"
        require_balance(order)


@store_scenario
def every_line_comes(shop: Shop) -> None:
    """An order with more lines than a page holds has them all."""
    window = shop.day()
    lines = shop.rig.lines + 7
    shop.rig.place(window.start_at + HOUR, lines)
    [(_, _, order)] = shop.fetched(window)
    assert len(order.lines) == lines, f"{len(order.lines)} of {lines} lines came"
    require_balance(order)


@store_scenario
def change_moves_an_order(shop: Shop) -> None:
    """A change gives an order a new version, and moves it to the window of the change."""
    old, new = shop.day(), shop.day()
    [order_id] = shop.place(new, 1)  # days run backwards
    [(before, _, _)] = shop.fetched(new)
    shop.rig.change(order_id, old.start_at + HOUR)
    assert shop.listed(new) == [], "it is still listed where it was updated before"
    [(after, _, order)] = shop.fetched(old)
    assert after.order_id_store == order_id
    assert after.updated_at > before.updated_at
    assert order.placed_at == before.created_at or order.placed_at in new


@store_scenario
def backfill_finds_what_was_changed_since(shop: Shop) -> None:
    """A backfill lists what was created in its window although it was changed since."""
    later, window = shop.day(), shop.day()
    moved, stays = shop.place(window, 2)
    shop.rig.change(moved, later.start_at + HOUR)
    assert _ids(shop.listed(window)) == [stays]
    assert _ids(shop.listed(window, Basis.CREATED_OR_UPDATED)) == sorted([moved, stays])


@store_scenario
def numbers_are_enough(shop: Shop) -> None:
    """Asked for order numbers, a store lists just these, whatever the window."""
    window = shop.day()
    shop.place(window, 3)
    wanted = shop.listed(window)[1]
    asked = Selection(shop.day(), Basis.UPDATED, order_numbers=(wanted.order_number,))
    assert _ids(list(shop.store().list_headers(asked))) == [wanted.order_id_store]


@store_scenario
def translation_is_pure(shop: Shop) -> None:
    """The same document is translated to the same order, with no call, and is left as it is."""
    window = shop.day()
    shop.place(window, 1)
    [(_, raw, order)] = shop.fetched(window)
    nowhere = replace(shop.rig.facts, base_url="http://127.0.0.1:9")
    before = json.dumps(raw.document, sort_keys=True)
    again = shop.store(nowhere).normalise(CHANNEL, raw.document)
    assert again == order
    assert json.dumps(raw.document, sort_keys=True) == before, "the document was changed"


@store_scenario
def drift_is_told(shop: Shop) -> None:
    """A document that lacks what the contract promises is refused in words, not half read."""
    window = shop.day()
    shop.place(window, 1)
    [(_, raw, _)] = shop.fetched(window)
    store = shop.store()
    refused = 0
    for name in raw.document:
        less: dict[str, Any] = {k: v for k, v in raw.document.items() if k != name}
        try:
            store.normalise(CHANNEL, less)
        except CounterfoilError as told:
            refused += bool(str(told))
    assert refused, "no missing field was noticed"


def _all_the_same(shop: Shop, fault: StoreFault) -> None:
    window = shop.day()
    ours = shop.place(window, shop.rig.page + 1)
    shop.rig.fail(fault, times=2)
    found = shop.fetched(window)
    assert sorted(header.order_id_store for header, _, _ in found) == sorted(ours)


@store_scenario
def throttled(shop: Shop) -> None:
    """A store that asks to slow down is obeyed, and nothing is missing."""
    _all_the_same(shop, StoreFault.THROTTLED)


@store_scenario
def away(shop: Shop) -> None:
    """A store that is away for a moment is asked again, and nothing is missing."""
    _all_the_same(shop, StoreFault.UNAVAILABLE)


@store_scenario
def cut_answer(shop: Shop) -> None:
    """An answer that breaks off is asked for again, and nothing is missing."""
    _all_the_same(shop, StoreFault.CUT_ANSWER)


@store_scenario
def garbled_answer(shop: Shop) -> None:
    """An answer that is no answer is asked for again, and nothing is missing."""
    _all_the_same(shop, StoreFault.GARBLED)


@store_scenario
def wrong_token(shop: Shop) -> None:
    """A wrong token stops the pull with one clear message that does not show it."""
    store = shop.store(shop.rig.with_wrong_credentials())
    with pytest.raises(ConfigurationError) as refused:
        store.preflight(Selection(shop.day(), Basis.UPDATED))
    words = str(refused.value).lower()
    assert any(word in words for word in ("token", "credential", "password", "login")), words
    wrong = shop.rig.with_wrong_credentials().password.get_secret_value()
    assert wrong.lower() not in words
