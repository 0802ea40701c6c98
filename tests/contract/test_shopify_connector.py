"""The connector against the sandbox, which runs every query on the official schema."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
import requests
from pydantic import SecretStr

from include.connectors import registry
from include.connectors.stores.shopify.connector import ShopifyStore
from include.connectors.stores.shopify.sandbox.faults import Fault
from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import Sandbox, create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState, totals_of
from include.domain.balance import require_balance
from include.domain.errors import (
    ConfigurationError,
    CounterfoilError,
    OrderError,
    RemoteUnavailable,
    WindowError,
)
from include.domain.window import Basis, Selection, Window
from include.ports.store import RawOrder
from include.transport.connection import ConnectionFacts
from include.transport.session import build_session

TODAY = datetime.now(UTC).date()
START = datetime.combine(TODAY - timedelta(days=2), datetime.min.time(), UTC)
DAYS = Window(START, START + timedelta(days=2))
HOURS = Window(START + timedelta(hours=20), START + timedelta(hours=23))
CREATED = Selection(DAYS, Basis.CREATED_OR_UPDATED)
UPDATED = Selection(DAYS, Basis.UPDATED)


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def shop_of(seed: int = 3, until: date = TODAY) -> StoreState:
    return build_store(seed=seed, days=2, per_day=70, until=until)


@dataclass
class Bench:
    """A sandbox on a port, and how to talk to it."""

    sandbox: Sandbox
    url: str
    slept: list[float] = field(default_factory=list)
    sessions: list[requests.Session] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(min(seconds, 0.02))

    def connect(self, login: str = "", password: str = "", **settings: Any) -> ShopifyStore:
        connector = registry.store("shopify")
        switches = self.sandbox.settings
        secret = password or (switches.client_secret if not login else "")
        session = build_session()
        self.sessions.append(session)
        store = connector.create(
            session,
            ConnectionFacts("shop_conn", self.url, login or switches.client_id, SecretStr(secret)),
            connector.SETTINGS.model_validate(
                {"relist_after_seconds": 0.01, "bulk_poll_seconds": 0.01, **settings}
            ),
            clock=Clock(),
            sleep=self.sleep,
            rng=random.Random(1),
        )
        assert isinstance(store, ShopifyStore)
        return store

    def fault(self, kind: str, times: int = 1, match: str = "", after: int = 0) -> None:
        self.sandbox.faults.add(Fault(kind, times, match, after))

    def expected(self, test: Callable[[dict[str, Any]], bool]) -> set[str]:
        return {row["name"] for row in totals_of(self.sandbox.store) if test(row)}


Open = Callable[..., Any]


@contextmanager
def serve(app: Any) -> Iterator[Bench]:
    with serve_in_thread(app) as url:
        bench = Bench(app.state.sandbox, url)
        yield bench
        for session in bench.sessions:  # an open connection would hold up the server's end
            session.close()


@pytest.fixture(scope="module")
def shop() -> StoreState:
    return shop_of()


@pytest.fixture
def open_bench(shop: StoreState) -> Open:
    @contextmanager
    def opened(**switches: Any) -> Iterator[Bench]:
        settings = SandboxSettings(
            **{"bucket_size": 100_000.0, "restore_rate": 10_000.0, **switches}
        )
        app = create_app(shop, settings)
        with serve(app) as opened_bench:
            yield opened_bench

    return opened


@pytest.fixture
def bench(open_bench: Open) -> Iterator[Bench]:
    with open_bench() as opened:
        yield opened


def pulled(store: ShopifyStore, selection: Selection = CREATED) -> dict[str, RawOrder]:
    headers = list(store.list_headers(selection))
    raws = [raw for batch in store.fetch(headers) for raw in batch]
    assert len(raws) == len(headers)
    return {raw.order_number: raw for raw in raws}


def in_days(text: str) -> bool:
    return datetime.fromisoformat(text) in DAYS


def test_a_backfill_pulls_exactly_what_was_created_or_updated_in_the_window(bench: Bench) -> None:
    expected = bench.expected(lambda r: in_days(r["created_at"]) or in_days(r["updated_at"]))

    assert set(pulled(bench.connect())) == expected
    assert len(expected) >= 140


def test_a_live_window_pulls_exactly_what_was_updated_in_it(bench: Bench) -> None:
    expected = bench.expected(lambda row: in_days(row["updated_at"]))

    assert set(pulled(bench.connect(), UPDATED)) == expected


def test_windows_side_by_side_tile_time_without_gap_or_overlap(bench: Bench) -> None:
    store = bench.connect()
    whole = {header.order_number for header in store.list_headers(UPDATED)}
    parts = []
    at = DAYS.start_at
    for hours in (1, 5, 18, 24):
        window = Window(at, at + timedelta(hours=hours))
        parts.append({h.order_number for h in store.list_headers(Selection(window, Basis.UPDATED))})
        at = window.end_at

    assert at == DAYS.end_at
    assert sum(map(len, parts)) == len(whole)
    assert set().union(*parts) == whole


def test_every_order_translates_and_what_balances_ties_to_the_shops_own_truth(bench: Bench) -> None:
    store = bench.connect()
    truth = {row["id"]: row for row in totals_of(bench.sandbox.store)}
    held = 0

    for raw in pulled(store).values():
        try:
            order = store.normalise("shopify_gp", raw.document)
            require_balance(order)
        except OrderError:
            held += 1
            continue
        stated = truth[raw.order_id_store]
        assert order.stated.original_total.shop == Decimal(stated["total"]), raw.order_number
        assert order.stated.current_total.shop == Decimal(stated["current_total"])
        assert len(order.lines) == stated["lines"]
    assert held <= 4


def test_the_header_carries_the_current_total_of_the_order(bench: Bench) -> None:
    store = bench.connect()
    documents = {raw.order_id_store: raw.document for raw in pulled(store).values()}

    for header in store.list_headers(CREATED):
        stated: Any = documents[header.order_id_store]["currentTotalPriceSet"]
        assert header.total == Decimal(stated["shopMoney"]["amount"])
        assert header.currency == "USD"


def test_preflight_learns_the_shop(bench: Bench) -> None:
    facts = bench.connect().preflight(CREATED)

    assert (facts.currency, facts.time_zone) == ("USD", "America/New_York")
    assert facts.warnings == ()


def test_order_numbers_and_statuses_narrow_the_pull(bench: Bench) -> None:
    store = bench.connect()
    some = sorted(header.order_number for header in store.list_headers(CREATED))[:3]
    numbers = Selection(DAYS, Basis.UPDATED, order_numbers=(some[0], some[1].removeprefix("#")))
    refunded = Selection(DAYS, Basis.CREATED_OR_UPDATED, statuses=("refunded",))

    assert set(pulled(store, numbers)) == set(some[:2])
    assert set(pulled(store, refunded)) == bench.expected(
        lambda row: (
            row["financial_status"] == "REFUNDED"
            and (in_days(row["created_at"]) or in_days(row["updated_at"]))
        )
    )
    with pytest.raises(WindowError, match="no order #999999"):
        pulled(store, Selection(DAYS, Basis.UPDATED, order_numbers=("#999999",)))


def test_small_pages_and_split_windows_find_the_same_orders(bench: Bench) -> None:
    whole = set(pulled(bench.connect()))

    assert set(pulled(bench.connect(page_size=7, split_above=20))) == whole


@pytest.mark.parametrize(
    "kind",
    [
        "http_429",
        "http_500",
        "http_502",
        "http_503",
        "http_504",
        "cut_body",
        "invalid_json",
        "throttled",
        "internal_error",
        "partial_data",
        "token_revoked",
    ],
)
@pytest.mark.parametrize("operation", ["OrdersCount", "OrdersWindow", "OrdersHydrate"])
def test_a_passing_fault_changes_nothing(bench: Bench, kind: str, operation: str) -> None:
    bench.fault(kind, match=operation)

    found = set(pulled(bench.connect(), Selection(HOURS, Basis.UPDATED)))

    assert bench.sandbox.faults.waiting() == []
    assert found == bench.expected(lambda r: datetime.fromisoformat(r["updated_at"]) in HOURS)
    assert found


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_a_call_without_an_answer_is_sent_again(open_bench: Open, kind: str) -> None:
    with open_bench(hang_seconds=2.0) as bench:
        bench.fault(kind, match="OrdersHydrate")

        assert len(pulled(bench.connect(read_seconds=1.0, batch_start=5, batch_max=5))) >= 140


def test_a_store_that_stays_down_is_reported_as_unavailable(bench: Bench) -> None:
    bench.fault("http_503", times=0)

    with pytest.raises(RemoteUnavailable, match="shop_conn answered HTTP 503"):
        bench.connect(attempts=3).count(CREATED)


def test_a_lost_page_is_noticed_and_read_again(bench: Bench) -> None:
    whole = set(pulled(bench.connect()))
    bench.fault("missing_page")

    assert set(pulled(bench.connect(page_size=20))) == whole


def test_a_page_that_stays_lost_stops_the_window(bench: Bench) -> None:
    bench.fault("missing_page", times=0)

    with pytest.raises(WindowError, match="nothing of the window is used"):
        pulled(bench.connect(page_size=20))


def test_an_order_that_moves_while_the_list_is_read_is_not_lost() -> None:
    with serve(create_app(shop_of())) as bench:
        bench.fault("order_moves")

        found = pulled(bench.connect(page_size=20))

        assert set(found) == bench.expected(
            lambda r: in_days(r["created_at"]) or in_days(r["updated_at"])
        )


def test_another_version_is_refused(open_bench: Open) -> None:
    with (
        open_bench(serve_version="2026-07") as bench,
        pytest.raises(ConfigurationError, match="served API version 2026-07"),
    ):
        bench.connect().preflight(CREATED)


def test_a_search_warning_is_refused(bench: Bench) -> None:
    bench.fault("search_warning", match="OrdersWindow")

    with pytest.raises(ConfigurationError, match="did not understand the filter"):
        pulled(bench.connect())


def test_a_small_bucket_slows_the_pull_and_breaks_nothing(open_bench: Open) -> None:
    with open_bench(bucket_size=190.0, restore_rate=400.0) as bench:
        assert len(pulled(bench.connect(batch_start=10, batch_max=10))) >= 140
        assert bench.slept


def test_throttling_by_status_429_is_obeyed_too(open_bench: Open) -> None:
    with open_bench(throttle_status=429) as bench:
        bench.fault("throttled", times=3)

        assert len(pulled(bench.connect())) >= 140


def test_a_token_that_runs_out_within_the_pull_is_replaced(bench: Bench) -> None:
    bench.fault("token_revoked", match="OrdersHydrate", after=2)

    assert len(pulled(bench.connect(batch_start=10, batch_max=10))) >= 140
    assert bench.sandbox.tokens.granted == 2


def test_a_static_token_needs_no_grant(bench: Bench) -> None:
    store = bench.connect("", bench.sandbox.settings.static_tokens[0])

    assert store.count(CREATED) >= 140
    assert bench.sandbox.tokens.granted == 0


def test_wrong_credentials_are_told_without_repeating_them(bench: Bench) -> None:
    store = bench.connect(bench.sandbox.settings.client_id, "wrong-secret")

    with pytest.raises(ConfigurationError, match="grants no access token") as caught:
        store.preflight(CREATED)
    assert "wrong-secret" not in str(caught.value)


def test_an_app_with_the_least_scopes_still_pulls_orders(open_bench: Open) -> None:
    with open_bench(scopes=("read_orders",)) as bench:
        store = bench.connect()

        warnings = " ".join(store.preflight(CREATED).warnings)
        found = pulled(store)

    for scope in (
        "read_all_orders",
        "read_customers",
        "read_products",
        "read_locations",
        "read_payment_terms",
    ):
        assert scope in warnings
    assert len(found) >= 140
    for raw in found.values():
        assert raw.document["customer"] is None
        store.normalise("shopify_gp", raw.document)


def test_missing_scopes_are_told_before_anything_is_pulled(open_bench: Open) -> None:
    with open_bench(scopes=("read_products",)) as bench:
        old = Window(START - timedelta(days=100), START - timedelta(days=99))

        with pytest.raises(ConfigurationError, match=r"read_orders.*read_all_orders"):
            bench.connect().preflight(Selection(old, Basis.UPDATED))


@pytest.mark.parametrize("pii", ["null", "denied"])
def test_protected_customer_data_limits_the_documents_and_stops_nothing(
    open_bench: Open, pii: str
) -> None:
    with open_bench(pii=pii) as bench:
        store = bench.connect()

        (warning,) = store.preflight(CREATED).warnings
        found = pulled(store)

    assert "protected customer data" in warning
    assert len(found) >= 140
    for raw in found.values():
        assert raw.document["email"] is None
        store.normalise("shopify_gp", raw.document)


def test_a_bulk_export_gives_the_documents_that_hydration_gives(bench: Bench) -> None:
    hydrated = pulled(bench.connect())
    before = len(bench.sandbox.log)
    exported = pulled(bench.connect(bulk_threshold=50))

    operations = [entry["operation"] for entry in bench.sandbox.log[before:]]
    assert "BulkRun" in operations
    assert exported.keys() == hydrated.keys()
    for number, raw in hydrated.items():
        assert orjson.loads(exported[number].body) == raw.document, number
        assert list(exported[number].document) == list(raw.document)


def test_after_a_bulk_export_that_fails_every_order_is_read_by_id(bench: Bench) -> None:
    whole = pulled(bench.connect())
    bench.fault("bulk_fails")

    assert pulled(bench.connect(bulk_threshold=50)).keys() == whole.keys()


def test_nothing_is_lost_whatever_goes_wrong_on_the_way(shop: StoreState) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    kinds = ("http_429", "http_500", "http_503", "cut_body", "invalid_json", "throttled")
    app = create_app(shop, SandboxSettings(bucket_size=2000.0, restore_rate=2000.0))
    with serve(app) as bench:
        for _ in range(15):
            bench.fault(chance.choice(kinds), after=chance.randrange(12))
        try:
            found = set(pulled(bench.connect(page_size=25, batch_start=8, batch_max=16)))
        except CounterfoilError as error:
            pytest.fail(f"seed {seed}: {error}")
        assert found == bench.expected(
            lambda r: in_days(r["created_at"]) or in_days(r["updated_at"])
        ), f"seed {seed}"
