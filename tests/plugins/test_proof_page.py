"""The Proof page: who may read it, what it says, and that store text stays text."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from include.domain.proof import WindowProof
from plugins.finance.app import create_app
from plugins.finance.mount import CUSTOMERS_PREFIX, PREFIX, AddSlash, ProofMount
from tests.plugins.plan_data import EMPTY, PLAN, FakeChannels, FakePlans
from tests.plugins.proof_data import (
    UNTRUSTED,
    FakeAccess,
    FakeSource,
    proof_of,
    unexplained_proof,
    user_of_request,
)

BROWSER = {"accept": "text/html,application/xhtml+xml"}


def client_of(
    proofs: list[WindowProof],
    user: str | None = "finance",
    broken: str = "",
    *,
    empty: bool = False,
) -> TestClient:
    """A browser at the page as Airflow mounts it."""
    page = create_app(
        FakeSource(proofs, broken=broken, empty=empty),
        FakeAccess(),
        user_of_request,
        plans=FakePlans(PLAN, EMPTY),
        channels=FakeChannels(),
    )
    airflow = FastAPI()
    airflow.add_middleware(AddSlash)
    airflow.mount(PREFIX, ProofMount(lambda: page))

    @airflow.get("/{path:path}")
    def catch_all(path: str) -> str:
        return "airflow's own page"

    cookies = {"user": user} if user else None
    return TestClient(airflow, headers=BROWSER, cookies=cookies, follow_redirects=False)


ROUTES = ("/", "/windows.csv", "/windows.json", "/windows/1", "/windows/1.csv", "/windows/1.json")
ROUTES += ("/windows/1.documents.csv",)


@pytest.mark.parametrize("route", [*ROUTES, "/run?dag_id=orders__shopify_gp&run_id=x"])
def test_an_anonymous_browser_is_sent_to_the_login_and_back(route: str) -> None:
    answer = client_of([proof_of(1)], user=None).get(f"{PREFIX}{route}")

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/auth/login?next=http://testserver{PREFIX}{route}"


@pytest.mark.parametrize("route", ROUTES)
def test_an_anonymous_program_gets_401_and_no_page(route: str) -> None:
    client = client_of([proof_of(1)], user=None)

    answer = client.get(f"{PREFIX}{route}", headers={"accept": "application/json"})

    assert answer.status_code == 401
    assert set(answer.json()) == {"detail"}


@pytest.mark.parametrize("route", ["/docs", "/redoc", "/openapi.json"])
def test_no_route_describes_the_interface_to_the_anonymous(route: str) -> None:
    assert client_of([], user=None).get(f"{PREFIX}{route}").status_code == 404


def test_the_prefix_without_its_slash_leads_to_the_page() -> None:
    answer = client_of([]).get(f"{PREFIX}?channel=shopify_gp")

    assert answer.headers["location"] == f"{PREFIX}/?channel=shopify_gp"
    assert client_of([]).get("/provers").json() == "airflow's own page"


def test_finance_reads_counts_money_and_reasons_newest_window_first() -> None:
    page = client_of([proof_of(1), proof_of(2)]).get(f"{PREFIX}/").text

    assert page.index("Mon 2 Nov 2026") < page.index("Sun 1 Nov 2026")
    for words in (
        "412",
        "407",
        "2 map payment",
        "1 test order",
        "48,211.37",
        "18,200",
        "47,800.12",
    ):
        assert words in page
    assert 'class="bad"' not in page


def test_an_unexplained_window_stands_out() -> None:
    page = client_of([unexplained_proof(1)]).get(f"{PREFIX}/").text

    assert '<tr class="bad">' in page
    assert '<span class="badge alarm">1</span>' in page
    assert "118.90" in page


def test_a_window_names_each_order_that_is_held_the_reason_the_owner_and_since_when() -> None:
    page = client_of([proof_of(1)]).get(f"{PREFIX}/windows/1").text

    for words in (
        "#1003",
        "has no row for &#39;klarna_pay_later&#39;: add it",
        "orders@example.com",
        "2026-11-02 02:00 UTC",
        "it was placed with a test payment",
        "2 orders changed in the store",
    ):
        assert words in page
    assert "Complete." in page
    assert "Not complete" not in page


def test_a_window_shows_what_its_orders_have_been_through_and_its_documents_by_kind() -> None:
    client = client_of([proof_of(1)])
    page = " ".join(client.get(f"{PREFIX}/windows/1").text.split())

    assert "<span>Changed after posting</span><strong>31</strong>" in page
    assert "<span>Refunded</span><strong>17</strong>" in page
    assert '<th scope="row">Credit note <abbr>USD</abbr></th> <td class="n">21</td>' in page
    assert '<strong id="tolerance">0</strong>' in page
    rows = list(csv.DictReader(io.StringIO(client.get(f"{PREFIX}/windows/1.documents.csv").text)))
    assert [row["kind"] for row in rows] == ["sales_order", "invoice", "credit_note", "void"]
    assert (rows[2]["paid"], rows[2]["sent_by_this_run"]) == ("2011.48", "19")


def test_an_incomplete_window_says_so_before_anything_else() -> None:
    page = client_of([unexplained_proof(1)]).get(f"{PREFIX}/windows/1").text

    assert page.index("Not complete.") < page.index("Money")
    assert page.index('id="unexplained"') < page.index('id="held"') < page.index('id="skipped"')


def test_store_text_is_shown_as_text_and_never_runs() -> None:
    client = client_of([unexplained_proof(1)])

    page = client.get(f"{PREFIX}/windows/1")

    assert UNTRUSTED not in page.text
    assert "<script" not in page.text
    assert "#1003&lt;script&gt;" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_pages_ask_for_nothing_from_elsewhere_and_run_nothing_inline() -> None:
    class Assets(HTMLParser):
        found: list[str]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in {"script", "style", "iframe", "img"}
            for name, value in attrs:
                assert name != "style"
                assert not name.startswith("on")
                if name in {"href", "src", "action"}:
                    self.found.append(value or "")

    client = client_of([unexplained_proof(1)])
    for route in ("/", "/windows/1"):
        parser = Assets()
        parser.found = []
        parser.feed(client.get(f"{PREFIX}{route}").text)
        ours = (f"{PREFIX}/", f"{CUSTOMERS_PREFIX}/", "#")
        assert all(target.startswith(ours) for target in parser.found)
    assert client.get(f"{PREFIX}/static/proof.css").headers["content-type"].startswith("text/css")


def test_the_list_is_filtered_by_channel_and_by_day() -> None:
    proofs = [proof_of(day) for day in (1, 2, 3)] + [proof_of(2, "amazon_sistema")]
    client = client_of(proofs)

    def shown(query: str) -> int:
        return client.get(f"{PREFIX}/{query}").text.count("/windows/")

    assert shown("") == 4
    assert shown("?channel=amazon_sistema&first=&last=") == 1
    assert shown("?first=2026-11-02&last=2026-11-02") == 2
    assert shown("?first=2026-11-03") == 1
    assert "No window matches" in client.get(f"{PREFIX}/?first=2026-12-01").text


@pytest.mark.parametrize("query", ["?first=yesterday", "?last=2026-13-01", "?page=0", "?page=x"])
def test_a_filter_that_is_none_is_refused_in_words(query: str) -> None:
    answer = client_of([proof_of(1)]).get(f"{PREFIX}/{query}")

    assert answer.status_code == 400
    assert "must be" in answer.text


def test_a_long_list_is_paged_and_every_window_is_on_some_page() -> None:
    client = client_of([proof_of(day) for day in range(1, 251)])

    first = client.get(f"{PREFIX}/?channel=shopify_gp")
    last = client.get(f"{PREFIX}/?channel=shopify_gp&page=3")

    assert f'href="{PREFIX}/?channel=shopify_gp&amp;page=2"' in first.text
    assert first.text.count("/windows/") == 100
    assert last.text.count("/windows/") == 50
    assert "Older windows" not in last.text


def test_the_csv_of_the_list_follows_the_filter_and_keeps_money_exact() -> None:
    client = client_of([proof_of(1), proof_of(2)])

    answer = client.get(f"{PREFIX}/windows.csv?last=2026-11-01")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["window_start"] for row in rows} == {"2026-11-01T00:00:00Z"}
    assert [row["currency"] for row in rows] == ["USD", "JPY"]
    assert rows[0]["amount_in_store"] == "48211.37"
    assert answer.headers["content-disposition"] == 'attachment; filename="proof.csv"'
    assert answer.headers["cache-control"] == "no-store"


def test_a_window_is_downloaded_as_csv_and_as_json() -> None:
    client = client_of([proof_of(1)])

    rows = list(csv.DictReader(io.StringIO(client.get(f"{PREFIX}/windows/1.csv").text)))
    document = client.get(f"{PREFIX}/windows/1.json").json()["windows"][0]

    assert [row["order_number"] for row in rows] == ["#1003", "#1004", "#1009", "#1010"]
    assert document["not_posted"][0]["owner"] == "orders@example.com"
    assert document["money"][0]["posted"] == "47800.12"


def test_a_reader_sees_the_channels_of_the_dags_that_person_may_read() -> None:
    client = client_of([proof_of(1), proof_of(1, "amazon_sistema")], user="shopify")

    assert "amazon_sistema" not in client.get(f"{PREFIX}/").text
    assert "amazon_sistema" not in client.get(f"{PREFIX}/windows.csv").text
    for route in ("/windows/2", "/windows/2.csv", "/windows/2.json"):
        assert client.get(f"{PREFIX}{route}").status_code == 404
    run = f"/run?dag_id=orders__amazon_sistema&run_id={proof_of(1).run_id}"
    assert client.get(f"{PREFIX}{run}").status_code == 404


def test_a_reader_of_no_channel_is_refused_in_words() -> None:
    answer = client_of([proof_of(1)], user="nobody").get(f"{PREFIX}/")

    assert answer.status_code == 403
    assert "Ask for the right" in answer.text


def test_the_page_before_the_first_run_says_what_to_do() -> None:
    answer = client_of([]).get(f"{PREFIX}/")

    assert answer.status_code == 200
    assert "No window has been proven yet" in answer.text


def test_a_database_that_is_away_is_told_in_words_to_people_and_programs() -> None:
    client = client_of([], broken="The staging database does not answer.")

    page = client.get(f"{PREFIX}/")
    program = client.get(f"{PREFIX}/windows.json", headers={"accept": "application/json"})

    assert (page.status_code, program.status_code) == (503, 503)
    assert "The staging database does not answer." in page.text
    assert program.json() == {"detail": "The staging database does not answer."}


def test_a_database_that_is_still_empty_is_an_empty_page_and_nothing_to_load() -> None:
    client = client_of([], broken="No DAG has run yet.", empty=True)

    page = client.get(f"{PREFIX}/")
    program = client.get(f"{PREFIX}/windows.json", headers={"accept": "application/json"})

    assert (page.status_code, program.status_code) == (200, 404)
    assert "Nothing here yet" in page.text
    assert "No DAG has run yet." in page.text


def test_an_empty_window_is_complete_and_says_that_it_is_empty() -> None:
    empty = replace(
        proof_of(1), in_store=0, staged=0, posted=0, held=0, skipped=0, money=(), orders=()
    )

    page = client_of([empty]).get(f"{PREFIX}/windows/1").text

    assert "The store counts no order in it." in page
    assert "Complete." in page


def test_the_tab_of_a_run_shows_its_window_or_says_that_there_is_none_yet() -> None:
    client = client_of([proof_of(1)])
    run_id = proof_of(1).run_id

    def tab(dag_id: str, run: str) -> str:
        return client.get(f"{PREFIX}/run", params={"dag_id": dag_id, "run_id": run}).text

    assert "Sun 1 Nov 2026" in tab("orders__shopify_gp", run_id)
    assert "has not proven its window" in tab("orders__shopify_gp", "manual__1")
    assert "has no proof" not in tab("orders__shopify_gp", run_id)
    assert "does not post orders" in tab("housekeeping", run_id)


def test_the_page_is_built_once_and_only_when_it_is_asked_for() -> None:
    built = []

    def build() -> FastAPI:
        built.append(1)
        return create_app(
            FakeSource([]),
            FakeAccess(),
            user_of_request,
            plans=FakePlans(),
            channels=FakeChannels(),
        )

    airflow = FastAPI()
    airflow.mount(PREFIX, ProofMount(build))
    client = TestClient(airflow, cookies={"user": "finance"})
    assert built == []

    client.get(f"{PREFIX}/")
    client.get(f"{PREFIX}/")

    assert built == [1]
