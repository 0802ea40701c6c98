"""Preflight: what is missing in one message, what only limits the run as a warning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.domain.errors import ConfigurationError
from include.domain.window import Basis, Selection, Window
from include.ports.store import StoreFacts
from tests.unit.shopify_fakes import Script, data, failure, reply, store_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALL = (
    "read_orders",
    "read_all_orders",
    "read_customers",
    "read_products",
    "read_locations",
    "read_payment_terms",
)
PERSON = {"email": "a@b.example", "billingAddress": {"name": "A"}}


def selection(days_ago: int = 1, **fields: Any) -> Selection:
    start = NOW - timedelta(days=days_ago)
    return Selection(Window(start, start + timedelta(days=1)), Basis.UPDATED, **fields)


def facts(
    scopes: tuple[str, ...] = ALL,
    people: tuple[dict[str, Any], ...] = (PERSON,),
    bulk: Any = None,
    privacy: Any = None,
) -> Script:
    shop = {
        "name": "Shop",
        "myshopifyDomain": "shop.example",
        "currencyCode": "USD",
        "ianaTimezone": "America/New_York",
    }
    installed = {"accessScopes": [{"handle": scope} for scope in scopes]}
    return Script(
        data({"shop": shop, "currentAppInstallation": installed}),
        bulk or data({"bulkOperations": {"nodes": []}}),
        privacy or data({"orders": {"nodes": list(people)}}),
    )


def test_a_store_that_is_ready_tells_its_facts() -> None:
    assert store_of(facts()).preflight(selection()) == StoreFacts(
        "Shop", "USD", "America/New_York", ()
    )


def test_everything_missing_is_in_one_message() -> None:
    store = store_of(
        facts(("read_products",)), expected_currency="EUR", expected_time_zone="Europe/Paris"
    )

    with pytest.raises(ConfigurationError) as caught:
        store.preflight(selection(days_ago=90))

    told = str(caught.value)
    for part in (
        "(1) the app lacks the scope read_orders",
        "(2) the window [2026-08-23T12:00:00Z, 2026-08-24T12:00:00Z) starts more than 60 days ago",
        "(3) the shop's currency is USD but the channel books in EUR",
        "(4) the shop's time zone is America/New_York but the channel dates documents by Europe",
    ):
        assert part in told


def test_another_name_of_the_shops_time_zone_is_the_shops_time_zone() -> None:
    store = store_of(facts(), expected_time_zone="US/Eastern")

    assert store.preflight(selection()).time_zone == "America/New_York"


@pytest.mark.parametrize(("days", "needed"), [(59, False), (61, True)])
def test_old_windows_need_read_all_orders(days: int, needed: bool) -> None:
    store = store_of(
        facts(
            (
                "read_orders",
                "read_customers",
                "read_products",
                "read_locations",
                "read_payment_terms",
            )
        )
    )

    if needed:
        with pytest.raises(ConfigurationError, match="read_all_orders"):
            store.preflight(selection(days))
    else:
        (warning,) = store.preflight(selection(days)).warnings
        assert "read_all_orders" in warning


def test_a_scope_to_write_orders_lets_the_app_read_them() -> None:
    store = store_of(facts(("write_orders", "read_all_orders")))

    assert "read_orders" not in " ".join(store.preflight(selection()).warnings)


@pytest.mark.parametrize(
    "scope", ["read_customers", "read_products", "read_locations", "read_payment_terms"]
)
def test_a_scope_that_only_limits_the_documents_is_a_warning(scope: str) -> None:
    store = store_of(facts(tuple(other for other in ALL if other != scope)))

    (warning,) = store.preflight(selection()).warnings
    assert scope in warning


def test_redacted_customer_data_is_a_warning() -> None:
    store = store_of(facts(people=({"email": None, "billingAddress": None},)))

    (warning,) = store.preflight(selection()).warnings
    assert "protected customer data" in warning


def test_denied_customer_data_is_a_warning() -> None:
    denied = failure("ACCESS_DENIED", "This app is not approved to use the email field.")

    (warning,) = store_of(facts(privacy=denied)).preflight(selection()).warnings
    assert "not approved to use the email field" in warning


def test_one_anonymous_order_among_others_is_no_warning() -> None:
    people = ({"email": None, "billingAddress": None}, PERSON)

    assert store_of(facts(people=people)).preflight(selection()).warnings == ()


def test_a_token_that_may_not_run_bulk_operations_is_a_warning() -> None:
    (warning,) = store_of(facts(bulk=failure("ACCESS_DENIED"))).preflight(selection()).warnings
    assert "bulk" in warning


def test_a_version_that_the_store_does_not_serve_is_told_first() -> None:
    script = Script(reply({"data": {}}, headers={"X-Shopify-API-Version": "2027-01"}))

    with pytest.raises(ConfigurationError, match="served API version 2027-01"):
        store_of(script).preflight(selection())
