"""The pages of plans and channels: what they say, who may read them, and what they let download."""

from __future__ import annotations

import csv
import io
import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from include.settings.channel import load_channel
from plugins.finance.app import create_app
from plugins.finance.channel_source import ChannelFiles
from plugins.finance.mount import PREFIX, ProofMount
from tests.plugins.plan_data import EMPTY, PLAN, FakeChannels, FakePlans
from tests.plugins.proof_data import FakeAccess, FakeSource, user_of_request

BROWSER = {"accept": "text/html,application/xhtml+xml"}


def client_of(user: str | None = "finance", *, plans: FakePlans | None = None) -> TestClient:
    """A browser at the page as Airflow mounts it."""
    page = create_app(
        FakeSource([]),
        FakeAccess(),
        user_of_request,
        plans=plans or FakePlans(PLAN, EMPTY),
        channels=FakeChannels(),
    )
    airflow = FastAPI()
    airflow.mount(PREFIX, ProofMount(lambda: page))
    cookies = {"user": user} if user else None
    return TestClient(airflow, headers=BROWSER, cookies=cookies, follow_redirects=False)


ROUTES = ("/plans/", "/plans/1", "/plans/1.csv", "/plans/1.json", "/channels/")


@pytest.mark.parametrize("route", [*ROUTES, "/channels/shopify_gp"])
def test_an_anonymous_browser_is_sent_to_the_login_and_back(route: str) -> None:
    answer = client_of(None).get(f"{PREFIX}{route}")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"{PREFIX}{route}")


@pytest.mark.parametrize("route", ["/plans/1", "/plans/1.csv", "/channels/shopify_gp"])
def test_who_may_not_read_the_channel_does_not_learn_of_it(route: str) -> None:
    client = client_of("nobody")
    assert client.get(f"{PREFIX}{route}").status_code == 404
    assert "shopify_gp" not in client.get(f"{PREFIX}/plans/").text
    assert "shopify_gp" not in client.get(f"{PREFIX}/channels/").text


def test_a_plan_shows_what_would_be_sent_held_and_left_out() -> None:
    page = client_of().get(f"{PREFIX}/plans/1").text
    for words in (
        "credit note 2",
        "1,012.50",
        "no row for &#39;klarna_pay_later&#39;",
        "a test order of the store",
        "1 sales order: 1,012.50 USD",
        "#1002&lt;script&gt;",
    ):
        assert words in page
    assert "Nothing to send" not in page


def test_a_plan_after_a_real_run_says_that_there_is_nothing_to_send() -> None:
    assert "Nothing to send." in client_of().get(f"{PREFIX}/plans/2").text


def test_the_list_leads_to_each_plan_and_tells_the_flows_apart() -> None:
    page = client_of().get(f"{PREFIX}/plans/").text
    assert f'href="{PREFIX}/plans/1"' in page
    assert "Orders of a window" in page
    assert "Replay of held orders" in page
    assert "Nothing has been planned" in client_of(plans=FakePlans()).get(f"{PREFIX}/plans/").text


def test_a_plan_is_downloaded_as_csv_and_json() -> None:
    client = client_of()
    answer = client.get(f"{PREFIX}/plans/1.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows] == ["send", "send", "hold", "skip"]
    assert (
        'filename="plan-shopify_gp-orders-20261120T090005Z.csv"'
        in (answer.headers["content-disposition"])
    )
    document = json.loads(client.get(f"{PREFIX}/plans/1.json").text)
    assert [row["action"] for row in document["plan"]] == ["send", "send", "hold", "skip"]


@pytest.mark.parametrize(
    ("dag_id", "run_id", "words"),
    [
        ("orders_dry_run__shopify_gp", PLAN.run_id, "1,012.50"),
        ("quarantine_replay_dry_run__shopify_gp", "manual__2", "Nothing to send."),
        ("orders_dry_run__shopify_gp", "other", "Not planned yet"),
    ],
)
def test_the_tab_of_a_dry_run_shows_its_plan(dag_id: str, run_id: str, words: str) -> None:
    query = {"dag_id": dag_id, "run_id": run_id}
    assert words in client_of().get(f"{PREFIX}/run", params=query).text
    assert client_of("nobody").get(f"{PREFIX}/run", params=query).status_code == 404


def test_the_policy_is_shown_with_what_each_choice_means() -> None:
    page = " ".join(client_of().get(f"{PREFIX}/channels/").text.split())
    for choice in load_channel("shopify_gp").policy.told():
        assert f'<th scope="row">{choice.title}</th>' in page
        assert f"<code>{choice.value}</code>" in page
        assert choice.meaning.replace("'", "&#39;") in page
        assert choice.about.replace("'", "&#39;") in page


def test_every_setting_of_a_channel_is_shown_whatever_its_models_are() -> None:
    page = client_of().get(f"{PREFIX}/channels/shopify_gp").text
    settings = load_channel("shopify_gp")
    named = [*type(settings.schedule).model_fields, "order_data_owner", "posting_threads"]
    for name in (*named, "order_document_id", "bulk_threshold"):
        assert f'<th scope="row">{name}</th>' in page


def test_a_refused_channel_file_is_shown_with_the_reason() -> None:
    page = client_of().get(f"{PREFIX}/channels/amazon_sistema").text
    assert "The file is refused." in page
    assert "currency: shells" in page


def test_the_files_beside_the_code_are_what_is_shown(tmp_path) -> None:
    files = ChannelFiles()
    assert "shopify_gp" in files.names()
    assert files.channel("shopify_gp").fault == ""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "channel.yaml").write_text("name: broken\ncurrency: shells\n")
    told = ChannelFiles(tmp_path).channel("broken")
    assert "currency" in told.fault
    assert not told.groups
