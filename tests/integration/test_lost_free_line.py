"""A line that is worth nothing is missed by no sum of money: units tell that it is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from include.connectors.stores.shopify.sandbox import amend
from include.connectors.stores.shopify.sandbox.book import Order as ShopOrder
from include.domain.order import Order
from include.domain.window import Selection
from include.pipelines import documents, orders, proof
from include.pipelines.house import House
from include.pipelines.quarantine import ReplayOf, Source, replay
from include.ports.store import (
    OrderHeader,
    OrderStore,
    Page,
    PagedStore,
    PageReader,
    RawOrder,
    StoreFacts,
)
from local.postgres import EmbeddedPostgres
from tests.integration.world import NOW, World, day, open_world

YESTERDAY = day(1)


@pytest.fixture
def world(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[World]:
    with open_world(postgres_server, staging_url, per_day=60) as opened:
        yield opened


class Lossy:
    """The store, whose documents lack the free line of one order for a number of fetches."""

    def __init__(self, store: PagedStore, order_id: str, times: int = 99) -> None:
        self._store = store
        self._order_id = order_id
        self._times = times

    def preflight(self, selection: Selection) -> StoreFacts:
        return self._store.preflight(selection)

    def count(self, selection: Selection) -> int:
        return self._store.count(selection)

    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        return self._store.list_headers(selection)

    def normalise(self, channel: str, document: dict[str, object]) -> Order:
        return self._store.normalise(channel, document)

    def fetch(self, headers: Sequence[OrderHeader]) -> Iterator[Sequence[RawOrder]]:
        for raws in self._store.fetch(headers):
            yield [self._short_of_a_line(raw) for raw in raws]

    def _short_of_a_line(self, raw: RawOrder) -> RawOrder:
        if raw.order_id_store != self._order_id or not self._strikes():
            return raw
        document: Any = orjson.loads(raw.body)
        without_free_line(document)
        return replace(raw, document=document, body=orjson.dumps(document))

    def _strikes(self) -> bool:
        self._times -= 1
        return self._times >= 0


class LossyInPages(Lossy):
    """The same of a store whose pages are read apart."""

    @property
    def reader(self) -> PageReader:
        return self._store.reader

    def fetch_pages(self, headers: Sequence[OrderHeader]) -> Iterator[Page]:
        for page in self._store.fetch_pages(headers):
            here = self._order_id in [header.order_id_store for header in page.headers]
            if not here or not self._strikes():
                yield page
                continue
            body = orjson.loads(page.body)
            for node in body["nodes"]:
                if node["id"] == self._order_id:
                    without_free_line(node)
            yield replace(page, body=orjson.dumps(body))

    def read_page(self, page: Page, places: Sequence[int]) -> Sequence[RawOrder]:
        return self._store.read_page(page, places)


class SaysNoUnits(Lossy):
    """A store whose list tells no units: nothing can be missed before the proof."""

    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        return (replace(header, unit_count=None) for header in super().list_headers(selection))


class MovesOn(Lossy):
    """A store in which something happens between list and fetch."""

    def __init__(self, store: PagedStore, happens: Callable[[], None]) -> None:
        super().__init__(store, "", 0)
        self._happens: Callable[[], None] | None = happens

    def fetch(self, headers: Sequence[OrderHeader]) -> Iterator[Sequence[RawOrder]]:
        if self._happens is not None:
            self._happens()
            self._happens = None
        return self._store.fetch(headers)


def without_free_line(document: Any) -> None:
    lines = document["lineItems"]["nodes"]
    (free,) = [n for n in lines if float(n["originalUnitPriceSet"]["shopMoney"]["amount"]) == 0]
    lines.remove(free)


def with_sample(world: World) -> ShopOrder:
    """The seeded order with a free sample."""
    return next(order for order in world.store if order.case == "zero_price_line")


def the_store(world: World) -> PagedStore:
    store = world.house.store
    assert isinstance(store, PagedStore)
    return store


def served_by(world: World, store: OrderStore) -> World:
    """The same channel with another store in front."""
    house = world.house
    return replace(
        world,
        house=House(
            house.settings,
            house.engine,
            house.clock,
            open_store=lambda: store,
            open_erp=house.open_erp,
        ),
    )


def held(world: World) -> list[tuple[object, ...]]:
    return world.ask(
        "select order_number, reason_class, message from quarantine"
        " where state = 'open' and rule = 'units_listed'"
    )


@pytest.mark.parametrize("lossy", [Lossy, LossyInPages])
def test_an_order_short_of_a_free_line_is_held_alone_with_both_figures(
    world: World, lossy: type[Lossy]
):
    order = with_sample(world)
    found = served_by(world, lossy(the_store(world), order.gid)).whole(YESTERDAY)
    ((number, reason, message),) = held(world)
    assert (number, reason) == (order.name, "contract_drift")
    units = sum(line.current for line in order.lines)
    assert f"lists {units} units" in str(message)
    assert f"add up to {units - 1};" in str(message)
    assert found.is_complete
    assert found.posted > 40
    assert world.books(f"select 1 from sales_documents where cstponbr = '{order.name}'") == []
    # Once the store gives the whole order, it goes through by itself.
    assert world.whole(YESTERDAY, "r2").posted == found.posted + 1
    assert held(world) == []


@pytest.mark.parametrize("lossy", [Lossy, LossyInPages])
def test_a_line_that_was_missing_for_a_moment_is_read_again(world: World, lossy: type[Lossy]):
    order = with_sample(world)
    found = served_by(world, lossy(the_store(world), order.gid, times=1)).whole(YESTERDAY)
    assert found.is_complete
    assert held(world) == []
    assert world.ask(
        "select json_array_length(document->'lines') from staged_order"
        " where order_number = :number",
        number=order.name,
    ) == [(len(order.lines),)]
    assert world.ask("select pulled, normalised from landing_batch") == [(60, 60)]


def test_an_order_that_moved_between_list_and_fetch_is_listed_again_and_posted(world: World):
    order = with_sample(world)

    def one_unit_goes_back() -> None:
        paid = next(line for line in order.lines if line.unit.shop)
        amend.refund(order, world.store.ids, NOW - timedelta(hours=1), [(paid, 1)])
        world.store.put(order)

    found = served_by(world, MovesOn(the_store(world), one_unit_goes_back)).whole(YESTERDAY)
    assert found.is_complete
    assert held(world) == []
    assert world.ask(
        "select updated_at from staged_order where order_number = :number", number=order.name
    ) == [(order.updated_at,)]


def test_the_proof_names_an_order_whose_free_line_never_reached_staging(world: World):
    order = with_sample(world)
    blind = served_by(world, SaysNoUnits(the_store(world), order.gid))
    run = world.run(YESTERDAY)
    batch, selection = blind.pull(run)
    orders.validate(world.house, batch)
    orders.load(world.house, batch)
    documents.post(world.house, orders.orders_to_post(world.house, batch, run), batch)
    assert proof.prove(blind.house, run, selection, batch).is_complete
    found = proof.prove(world.house, run, selection, batch)
    (named,) = [row for row in found.orders if row.outcome == "unexplained"]
    assert (named.order_number, named.reason) == (order.name, "units")
    assert not found.is_complete
    assert "units" in named.message


def test_a_replay_from_the_store_does_not_let_a_short_order_pass(world: World):
    order = with_sample(world)
    short = served_by(world, Lossy(the_store(world), order.gid))
    short.whole(YESTERDAY)
    again = ReplayOf(order_numbers=(order.name,), source=Source.STORE)
    assert replay(short.house, "replay 1", again).held == 1
    assert replay(world.house, "replay 2", again).closed == 1
    assert held(world) == []
