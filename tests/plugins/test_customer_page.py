"""The Customers page on a real staging database: found by id or number, sums, held, forgotten."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from include.staging import engine as staging
from plugins.finance.customer_app import create_customer_app
from plugins.finance.customer_source import StagingCustomers
from plugins.finance.mount import CUSTOMERS_PREFIX, AddSlash, ProofMount
from tests.plugins.customer_data import ADA, FORGOTTEN, fill
from tests.plugins.proof_data import FakeAccess, user_of_request

BROWSER = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def filled(staging_url: str) -> str:
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    fill(engine)
    engine.dispose()
    return staging_url


def client_of(url: str, user: str | None = "shopify") -> TestClient:
    """A browser at the page as Airflow mounts it."""
    page = create_customer_app(StagingCustomers(lambda: url), FakeAccess(), user_of_request)
    airflow = FastAPI()
    airflow.add_middleware(AddSlash)
    airflow.mount(CUSTOMERS_PREFIX, ProofMount(lambda: page))
    cookies = {"user": user} if user else None
    return TestClient(airflow, headers=BROWSER, cookies=cookies)


def look_for(client: TestClient, words: str, channel: str = "") -> str:
    answer = client.get(f"{CUSTOMERS_PREFIX}/", params={"words": words, "channel": channel})
    assert answer.status_code == 200
    return " ".join(answer.text.split())


@pytest.mark.parametrize("words", ["#1001", "1001", "7200000032768", ADA, " #1002 ", "#1008"])
def test_a_customer_is_found_by_id_or_by_the_number_of_any_order(filled: str, words: str) -> None:
    page = look_for(client_of(filled), words)
    assert f"<code>{ADA}</code>" in page
    assert "#1003" in page


def test_money_is_summed_by_currency_without_test_orders(filled: str) -> None:
    page = look_for(client_of(filled), "#1001")
    assert "<span>Orders in USD</span><strong>2</strong>" in page
    assert "<span>Bought, after returns</span><strong>130.00</strong>" in page
    assert "<span>Open</span><strong>30.00</strong>" in page
    assert "<span>Invoiced in ERP</span><strong>120.00</strong>" in page
    assert "<span>Credited in ERP</span><strong>20.00</strong>" in page
    assert "<span>Orders in JPY</span><strong>1</strong>" in page
    assert "<strong>5,000</strong>" in page
    assert "#1004</th>" not in page
    assert '#1004 <span class="badge">test</span>' in page


def test_documents_stand_beside_their_order_and_held_orders_lead_to_quarantine(
    filled: str,
) -> None:
    page = look_for(client_of(filled), "#1001")
    assert "invoice INVW1: 120.00, paid 120.00" in page
    assert "credit note RTNW1: 20.00, paid 20.00" in page
    assert '<a href="/quarantine/held/1">#1002</a>' in page
    assert "order #1008 does not tie" in page, "held before it was staged"
    assert "#1007" not in page, "another channel's order"


def test_no_name_and_no_mail_is_shown(filled: str) -> None:
    page = look_for(client_of(filled), "#1001")
    assert "Secret" not in page
    assert "secret.test" not in page


def test_a_customer_who_was_forgotten_shows_as_such(filled: str) -> None:
    page = look_for(client_of(filled), FORGOTTEN)
    assert "Forgotten." in page
    assert "Forgotten." not in look_for(client_of(filled), "#1001")


def test_a_guest_order_is_told_and_nobody_is_nobody(filled: str) -> None:
    client = client_of(filled)
    assert "a guest: the order names no customer" in look_for(client, "#1006")
    assert "Nobody was found" in look_for(client, "#9999")


def test_the_same_id_in_two_channels_is_a_choice_for_who_may_read_both(filled: str) -> None:
    page = look_for(client_of(filled, "finance"), ADA)
    assert page.count("of?channel=") == 2
    assert f"<code>{ADA}</code>" in look_for(client_of(filled, "finance"), ADA, "shopify_gp")


def test_the_anonymous_log_in_and_strangers_learn_nothing(filled: str) -> None:
    anonymous = client_of(filled, None).get(f"{CUSTOMERS_PREFIX}/", follow_redirects=False)
    assert (anonymous.status_code, "/auth/login" in anonymous.headers["location"]) == (303, True)
    assert client_of(filled, "nobody").get(f"{CUSTOMERS_PREFIX}/").status_code == 403
    other = {"channel": "amazon_sistema", "customer_id": ADA}
    assert client_of(filled).get(f"{CUSTOMERS_PREFIX}/of", params=other).status_code == 404


def test_words_from_the_address_stay_words(filled: str) -> None:
    page = look_for(client_of(filled), '"><script>alert(1)</script>%')
    assert "<script>" not in page
    assert "Nobody was found" in page


def test_a_database_that_is_away_is_told_in_words() -> None:
    client = client_of("postgresql+psycopg://nobody@127.0.0.1:1/none")
    answer = client.get(f"{CUSTOMERS_PREFIX}/")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
