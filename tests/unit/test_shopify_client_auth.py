"""Access tokens: which form a connection has, when a token is fetched, and by whom."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from include.connectors.stores.shopify.auth import (
    ClientCredentials,
    StaticToken,
    auth_of,
    credentials_of,
)
from include.connectors.stores.shopify.settings import ShopifySettings
from include.domain.errors import ConfigurationError, RemoteUnavailable
from include.transport.connection import ConnectionFacts
from include.transport.retry import Backoff
from tests.unit.shopify_fakes import BASE, FakeClock, Script, client_of, data, reply, session_of

ANSWER = {"ordersCount": {"count": 3, "precision": "EXACT"}}


def facts(login: str = "", password: str = "", **extra: object) -> ConnectionFacts:
    return ConnectionFacts("shop_conn", BASE, login, SecretStr(password), extra)


def granted(number: int, life: int = 86_399) -> requests.Response:
    return reply({"access_token": f"token-{number}", "scope": "read_orders", "expires_in": life})


def credentials(script: Script, clock: FakeClock) -> ClientCredentials:
    auth = auth_of(
        facts("app-id", "app-secret"),
        session_of(script),
        ShopifySettings(),
        clock=clock,
        sleep=clock.sleep,
        backoff=Backoff(1.0, 30.0, random.Random(7)),
    )
    assert isinstance(auth, ClientCredentials)
    return auth


@pytest.mark.parametrize(
    ("connection", "client_id", "secret"),
    [
        (facts("app-id", "app-secret"), "app-id", "app-secret"),
        (facts("", "whatever"), "", "whatever"),
        (facts("shop", "shpat_1"), "", "shpat_1"),
        (facts("shop", "x", **{"X-Shopify-Access-Token": "tok"}), "", "tok"),
        (facts(**{"x-shopify-access-token": "tok"}), "", "tok"),
    ],
)
def test_a_connection_tells_its_kind_of_token_by_its_form(
    connection: ConnectionFacts, client_id: str, secret: str
) -> None:
    found, value = credentials_of(connection)

    assert (found, value.get_secret_value()) == (client_id, secret)


def test_a_connection_without_credentials_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match="set login to the app's client id"):
        credentials_of(facts("only-a-login"))


def test_secrets_are_in_no_repr() -> None:
    text = repr(facts("app-id", "app-secret", **{"X-Shopify-Access-Token": "tok"}))

    assert "app-secret" not in text
    assert "tok'" not in text


def test_the_grant_is_asked_for_once_and_its_token_kept_until_shortly_before_its_end() -> None:
    clock = FakeClock()
    script = Script(granted(1), granted(2))
    auth = credentials(script, clock)

    assert auth.token() == auth.token() == "token-1"
    asked = script.requests[0]
    assert asked.url == f"{BASE}/admin/oauth/access_token"
    assert "grant_type=client_credentials" in str(asked.body)
    assert "X-Shopify-Access-Token" not in asked.headers
    clock.at += timedelta(hours=23, minutes=54)
    assert auth.token() == "token-1"
    clock.at += timedelta(minutes=2)
    assert auth.token() == "token-2"
    assert len(script.requests) == 2


def test_a_refused_token_is_renewed_once_and_the_call_repeated() -> None:
    clock = FakeClock()
    grants = Script(granted(1), granted(2))
    auth = credentials(grants, clock)
    calls = Script(reply({"errors": "no"}, 401), data(ANSWER))

    assert client_of(calls, clock, auth).execute("orders_count", {"query": ""}) == ANSWER
    tokens = [sent.headers["X-Shopify-Access-Token"] for sent in calls.requests]
    assert tokens == ["token-1", "token-2"]


def test_a_token_that_is_refused_twice_is_a_matter_for_a_person() -> None:
    clock = FakeClock()
    auth = credentials(Script(granted(1), granted(2)), clock)
    calls = Script(reply({"errors": "no"}, 401), reply({"errors": "no"}, 401))

    with pytest.raises(ConfigurationError, match="does not accept the access token"):
        client_of(calls, clock, auth).execute("orders_count", {"query": ""})
    assert len(calls.requests) == 2


def test_many_threads_with_a_refused_token_ask_for_one_new_one() -> None:
    clock = FakeClock()
    script = Script(granted(1), granted(2), granted(3))
    auth = credentials(script, clock)
    refused = auth.token()
    together = threading.Barrier(8)

    def renew(_: int) -> Any:
        together.wait()
        return auth.renew(refused), auth.token()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(renew, range(8)))

    assert results == [(True, "token-2")] * 8
    assert len(script.requests) == 2


def test_refused_credentials_say_what_to_check_and_quote_nothing() -> None:
    clock = FakeClock()
    body = b"Oauth error invalid_client: The client secret app-secret is not valid"
    script = Script(reply(None, 400, raw=body))

    with pytest.raises(ConfigurationError, match="check client id") as caught:
        credentials(script, clock).token()
    assert "app-secret" not in str(caught.value)
    assert len(script.requests) == 1


def test_the_grant_is_tried_again_when_the_store_is_not_well() -> None:
    clock = FakeClock()
    script = Script(reply(None, 503, raw=b""), requests.ConnectionError("x"), granted(1))

    assert credentials(script, clock).token() == "token-1"
    assert len(clock.slept) == 2


def test_an_answer_without_a_token_is_not_taken_for_one() -> None:
    clock = FakeClock()
    script = Script(reply({"scope": "read_orders"}))

    with pytest.raises(RemoteUnavailable, match="no usable access token"):
        credentials(script, clock).token()


def test_a_static_token_has_no_successor() -> None:
    token = StaticToken(SecretStr("shpat_1"))

    assert token.token() == "shpat_1"
    assert not token.renew("shpat_1")
