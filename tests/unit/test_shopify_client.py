"""One call to the Admin API: what is retried, what is refused, and how it is paced."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from include.connectors.stores.shopify.client import AccessDenied, QueryTooCostly
from include.domain.errors import ConfigurationError, RateLimited, RemoteUnavailable
from tests.unit.shopify_fakes import (
    BASE,
    TOKEN,
    FakeClock,
    Script,
    client_of,
    cost,
    data,
    failure,
    reply,
    throttled,
)

COUNT = {"query": "updated_at:>='2026-11-18T00:00:00Z'"}
ANSWER = {"ordersCount": {"count": 3, "precision": "EXACT"}}


def count(client: Any, **options: Any) -> Any:
    return client.execute("orders_count", COUNT, **options)


def test_a_call_goes_to_the_asked_version_with_the_token_and_a_time_out() -> None:
    script = Script(data(ANSWER))

    assert count(client_of(script)) == ANSWER

    sent = script.requests[0]
    assert sent.url == f"{BASE}/admin/api/2026-10/graphql.json"
    assert sent.headers["X-Shopify-Access-Token"] == TOKEN
    assert script.timeouts == [(5.0, 60.0)]
    assert script.posted()["variables"] == COUNT
    assert script.posted()["query"].startswith("query OrdersCount(")


@pytest.mark.parametrize(
    "passing",
    [
        reply(None, 500, raw=b"<h1>oops</h1>"),
        reply({"errors": "Internal Server Error"}, 500),
        reply(None, 502, raw=b""),
        reply(None, 503, raw=b""),
        reply(None, 504, raw=b""),
        reply(None, 200, raw=b'{"data": {'),
        reply([1]),
        reply({"data": None}),
        requests.ReadTimeout("slow"),
        requests.ConnectTimeout("slow"),
        requests.ConnectionError("reset"),
        requests.exceptions.ChunkedEncodingError("cut"),
        failure("INTERNAL_SERVER_ERROR"),
        failure("TIMEOUT"),
        reply(
            {
                "data": {"ordersCount": None},
                "errors": [{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}],
            }
        ),
    ],
    ids=repr,
)
def test_a_passing_failure_is_tried_again_after_a_pause(passing: Any) -> None:
    clock = FakeClock()
    script = Script(passing, data(ANSWER))

    assert count(client_of(script, clock)) == ANSWER
    assert len(clock.slept) == 1
    assert 0.5 <= clock.slept[0] <= 1.0


def test_attempts_are_bounded_and_pauses_grow_with_jitter() -> None:
    clock = FakeClock()
    script = Script(*(reply(None, 503, raw=b"") for _ in range(9)))

    with pytest.raises(RemoteUnavailable) as caught:
        count(client_of(script, clock, attempts=4))

    assert len(script.requests) == 4
    assert caught.value.status == 503
    assert caught.value.request_id == "req-1"
    for pause, limit in zip(clock.slept, (1, 2, 4), strict=True):
        assert limit / 2 <= pause <= limit
    assert len(set(clock.slept)) == 3


@pytest.mark.parametrize("status", [200, 429])
def test_a_throttled_call_waits_until_the_bucket_can_pay_for_it(status: int) -> None:
    clock = FakeClock()
    script = Script(throttled(500, 100, 50, status), data(ANSWER))

    assert count(client_of(script, clock)) == ANSWER
    assert 8.0 <= sum(clock.slept) <= 10.0


def test_retry_after_is_obeyed() -> None:
    clock = FakeClock()
    script = Script(reply({"errors": "slow"}, 429, {"Retry-After": "12.5"}), data(ANSWER))

    assert count(client_of(script, clock)) == ANSWER
    assert 12.5 <= clock.slept[0] <= 13.5


def test_throttling_is_given_up_after_the_patience_and_not_after_a_number_of_attempts() -> None:
    clock = FakeClock()
    script = Script(*(throttled(100, 0, 10) for _ in range(100)))

    with pytest.raises(RateLimited):
        count(client_of(script, clock, attempts=2, throttle_patience_seconds=100))

    assert 80 <= sum(clock.slept) <= 100
    assert len(script.requests) > 2


def test_calls_are_paced_by_what_the_store_reports_and_by_nothing_else() -> None:
    clock = FakeClock()
    script = Script(
        data(ANSWER, requested=40, available=10, rate=5, maximum=40),
        data(ANSWER, requested=40, available=0, rate=5, maximum=40),
    )
    client = client_of(script, clock)

    count(client)
    assert clock.slept == []
    count(client)
    assert clock.slept == [pytest.approx(6.0)]


def test_a_call_dearer_than_the_bucket_waits_for_a_full_one_only() -> None:
    clock = FakeClock()
    script = Script(data(ANSWER, requested=900, available=100, rate=10, maximum=400), data(ANSWER))
    client = client_of(script, clock)

    count(client)
    count(client)

    assert clock.slept == [pytest.approx(30.0)]


def test_errors_in_an_answer_are_a_failure_even_with_data_beside_them() -> None:
    body = {"data": ANSWER, "errors": [{"message": "Field is gone"}]}

    with pytest.raises(ConfigurationError, match="refused orders_count: Field is gone"):
        count(client_of(Script(reply(body))))


def test_a_denied_scope_is_named_in_the_words_of_the_store() -> None:
    words = "Access denied for customer field. Required access: `read_customers` access scope."

    with pytest.raises(AccessDenied, match="`read_customers` access scope"):
        count(client_of(Script(failure("ACCESS_DENIED", words))))


def test_a_recorded_denial_is_understood(shared_dir: Path) -> None:
    name = "2025-01__payments__shopify-payments-account-access-denied.json"
    recorded = orjson.loads(
        (shared_dir / "fixtures/shopify/graphql_interactions" / name).read_bytes()
    )["upstreamCalls"][0]["response"]["body"]

    with pytest.raises(AccessDenied, match="read_shopify_payments"):
        count(client_of(Script(reply(recorded))))


def test_a_call_that_costs_too_much_is_not_repeated_as_it_is() -> None:
    script = Script(failure("MAX_COST_EXCEEDED", "Query cost is 1268"))

    with pytest.raises(QueryTooCostly):
        count(client_of(script))
    assert len(script.requests) == 1


@pytest.mark.parametrize("code", ["SHOP_INACTIVE", "BAD_REQUEST", "INVALID_VARIABLE"])
def test_what_no_retry_mends_stops_at_once(code: str) -> None:
    script = Script(failure(code))

    with pytest.raises(ConfigurationError):
        count(client_of(script))
    assert len(script.requests) == 1


@pytest.mark.parametrize("status", [400, 402, 403, 404, 423])
def test_a_status_that_a_person_has_to_see_to_is_a_configuration_error(status: int) -> None:
    script = Script(reply({"errors": "Not Found"}, status))

    with pytest.raises(ConfigurationError):
        count(client_of(script))
    assert len(script.requests) == 1


def test_another_api_version_than_asked_for_is_refused() -> None:
    script = Script(reply({"data": ANSWER}, headers={"X-Shopify-API-Version": "2026-07"}))

    with pytest.raises(ConfigurationError, match="served API version 2026-07"):
        count(client_of(script))


def test_a_filter_that_was_not_understood_is_refused_for_it_matches_everything() -> None:
    warning = {"field": "updatd_at", "message": "Invalid search field for this query."}
    body = {"data": ANSWER, "extensions": {"search": [{"warnings": [warning]}], **cost()}}

    with pytest.raises(ConfigurationError, match="updatd_at"):
        count(client_of(Script(reply(body))))


def test_a_parsed_search_without_warnings_is_fine() -> None:
    body = {"data": ANSWER, "extensions": {"search": [{"path": ["orders"], "warnings": []}]}}

    assert count(client_of(Script(reply(body)))) == ANSWER


def test_a_redirect_is_not_followed() -> None:
    moved = reply(None, 301, {"Location": "https://evil.example/x?sig=1"}, raw=b"")
    script = Script(moved)

    with pytest.raises(
        ConfigurationError, match=r"redirects to https://evil\.example/x,"
    ) as caught:
        count(client_of(script))
    assert len(script.requests) == 1
    assert "sig=1" not in str(caught.value)


def test_neither_payloads_nor_tokens_are_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    words = f"Variable $query of type String! was provided {TOKEN}"
    script = Script(throttled(100, 0, 100), failure("INTERNAL_SERVER_ERROR", words), data(ANSWER))
    client = client_of(script)

    count(client)
    client = client_of(Script(failure("BAD_REQUEST", words)))
    with pytest.raises(ConfigurationError) as caught:
        count(client)

    told = caplog.text + str(caught.value)
    assert TOKEN not in told
    assert COUNT["query"] not in told
    assert "ordersCount" not in told


def test_a_static_token_that_is_refused_is_a_matter_for_a_person() -> None:
    script = Script(reply({"errors": "[API] Invalid API key or access token"}, 401))

    with pytest.raises(ConfigurationError, match="does not accept the access token"):
        count(client_of(script))
    assert len(script.requests) == 1
