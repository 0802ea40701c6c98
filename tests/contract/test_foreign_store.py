"""The connector against a store server that is not ours: its address, its guests, its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from pydantic import SecretStr

from include.connectors.stores.shopify.auth import root_of
from include.connectors.stores.shopify.connector import ShopifyStore, create
from include.connectors.stores.shopify.settings import ShopifySettings
from include.domain.errors import ConfigurationError, RemoteUnavailable
from include.domain.window import Basis, Selection, Window
from include.transport.connection import ConnectionFacts
from tests.contract.foreign_orders import plain_order
from tests.contract.foreign_store import TOKEN, ForeignStore, Habits, serve

DAY = Window(datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
EITHER = Selection(DAY, Basis.CREATED_OR_UPDATED)


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)


def connected(url: str, **facts: Any) -> ShopifyStore:
    given = {"password": SecretStr(TOKEN), **facts}
    return create(
        requests.Session(),
        ConnectionFacts("shop_conn", url, **given),
        ShopifySettings(),
        clock=Clock(),
        sleep=lambda _: None,
    )


def pulled(store: ShopifyStore, selection: Selection = EITHER) -> list[str]:
    store.preflight(selection)
    headers = list(store.list_headers(selection))
    return [raw.order_number for raws in store.fetch(headers) for raw in raws if not raw.fault]


@pytest.mark.parametrize(
    "form",
    [
        "http://{host}:{port}",
        "http://{host}:{port}/",
        "http://{host}/:{port}",
        "http://{host}:{port}:{port}",
        "http://{host}:{port}/admin",
        "http://{host}:{port}/admin/api/2026-10/graphql.json",
    ],
)
def test_the_store_is_found_however_its_address_is_written(form: str) -> None:
    with serve(ForeignStore([plain_order(1)])) as url:
        at = urlsplit(url)
        assert pulled(connected(form.format(host=at.hostname, port=at.port))) == ["#1"]


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("https://admin.example.com", "https://admin.example.com"),
        ("https://example.com/admin-shop/", "https://example.com/admin-shop"),
        ("https://example.com/shops/7/admin/api", "https://example.com/shops/7"),
    ],
)
def test_only_the_admin_path_itself_is_taken_off_an_address(given: str, root: str) -> None:
    assert root_of(given) == root


@pytest.mark.parametrize(
    "given",
    [
        "https://pine-and-harbor.myshopify.com",
        "https://pine-and-harbor.myshopify.com/",
        " https://Pine-and-Harbor.myshopify.com/admin/settings/domains ",
        "http://pine-and-harbor.myshopify.com",
        "https://pine-and-harbor.myshopify.com/:443",
        "https://admin.shopify.com/store/pine-and-harbor",
        "https://admin.shopify.com/store/pine-and-harbor/orders?query=x",
        "http://admin.shopify.com/store/Pine-and-Harbor/",
        "https://pine-and-harbor",
    ],
)
def test_every_address_of_a_shop_becomes_its_domain_over_https(given: str) -> None:
    assert root_of(given) == "https://pine-and-harbor.myshopify.com"


@pytest.mark.parametrize("given", ["https://admin.shopify.com", "https://admin.shopify.com/store/"])
def test_the_admins_address_without_a_store_is_refused_with_what_to_enter(given: str) -> None:
    with pytest.raises(ConfigurationError, match=r"names no store: set the connection's host"):
        root_of(given)


@pytest.mark.parametrize(
    "facts",
    [
        {"password": SecretStr(TOKEN)},
        {"password": SecretStr(""), "extra": {"x-shopify-access-token": TOKEN}},
        {"login": "app", "password": SecretStr("secret")},
    ],
    ids=["token", "header", "grant"],
)
def test_the_store_lets_in_whoever_has_a_token_or_the_means_to_get_one(
    facts: dict[str, Any],
) -> None:
    store = ForeignStore([plain_order(1)], habits=Habits(client=("app", "secret")))
    with serve(store) as url:
        assert pulled(connected(url, **facts)) == ["#1"]


def test_a_wrong_token_is_told_as_one() -> None:
    with serve(ForeignStore([])) as url, pytest.raises(ConfigurationError, match="access token"):
        pulled(connected(url, password=SecretStr("another")))


def test_more_than_was_asked_for_is_left_out_again() -> None:
    early = plain_order(2, createdAt="2026-11-18T23:59:59Z", updatedAt="2026-11-18T23:59:59Z")
    late = plain_order(3, createdAt="2026-11-20T00:00:00Z", updatedAt="2026-11-20T00:00:00Z")
    store = ForeignStore([early, plain_order(1), late], habits=Habits(search="ignored"))
    with serve(store) as url:
        assert pulled(connected(url)) == ["#1"]


def test_an_order_created_in_the_window_and_updated_since_is_found_by_a_backfill_alone() -> None:
    store = ForeignStore([plain_order(1, updatedAt="2026-11-20T10:00:00Z")])
    with serve(store) as url:
        assert pulled(connected(url)) == ["#1"]
        assert pulled(connected(url), Selection(DAY, Basis.UPDATED)) == []


def test_every_line_of_a_long_order_comes_however_small_the_pages() -> None:
    order = plain_order(1)
    order["lineItems"] = [{**order["lineItems"][0], "id": f"line-{n}"} for n in range(300)]
    with serve(ForeignStore([order], habits=Habits(page_limit=40))) as url:
        store = connected(url)
        (raws,) = store.fetch(list(store.list_headers(EITHER)))
    assert [line["id"] for line in raws[0].document["lineItems"]["nodes"]] == [  # type: ignore[index]
        f"line-{n}" for n in range(300)
    ]


def test_a_store_that_does_not_name_the_apps_scopes_is_read_and_that_is_said() -> None:
    with serve(ForeignStore([plain_order(1)], scopes=())) as url:
        store = connected(url)
        assert "does not tell the app's scopes" in " ".join(store.preflight(EITHER).warnings)
        assert pulled(store) == ["#1"]


def test_a_large_window_goes_without_the_bulk_operations_that_a_store_does_not_have() -> None:
    store = ForeignStore([plain_order(number) for number in range(1, 31)])
    store.habits.broken = frozenset({"Mutation.bulkOperationRunQuery"})
    with serve(store) as url:
        client = create(
            requests.Session(),
            ConnectionFacts("shop_conn", url, password=SecretStr(TOKEN)),
            ShopifySettings(bulk_threshold=10),
            clock=Clock(),
            sleep=lambda _: None,
        )
        assert len(pulled(client)) == 30
    assert "BulkRun" in store.asked


@pytest.mark.parametrize(
    ("refusals", "error"),
    [
        ([(503, {"errors": "Unavailable"})] * 9, RemoteUnavailable),
        ([(200, b"<html>")] * 9, RemoteUnavailable),
        ([(200, {"data": None})] * 9, RemoteUnavailable),
        ([(200, {"errors": "Unavailable Shop"})], ConfigurationError),
        ([(403, {"errors": "Forbidden"})], ConfigurationError),
        ([(404, b"nobody")], ConfigurationError),
    ],
)
def test_an_answer_that_is_no_clean_one_is_an_error_and_never_an_empty_window(
    refusals: list[tuple[int, object]], error: type[Exception]
) -> None:
    store = ForeignStore([plain_order(1)])
    with serve(store) as url:
        connector = connected(url)
        connector.preflight(EITHER)
        store.habits.refuse = refusals
        with pytest.raises(error):
            list(connector.list_headers(EITHER))
