"""The Quarantine page on a real staging database: who reads, who acts, and what is written."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import Engine, text

from include.domain.verdict import Finding
from include.staging import engine as staging
from include.staging import held_orders, mapping, quarantine
from plugins.finance.mount import QUARANTINE_PREFIX, AddSlash, ProofMount
from plugins.finance.quarantine_app import create_quarantine_app
from plugins.finance.quarantine_source import StagingDesk
from tests.plugins.customer_data import add_order
from tests.plugins.quarantine_data import (
    CHANNEL,
    NOW,
    OWNER,
    UNTRUSTED,
    FakeAccess,
    FakeReplayer,
    fill,
    user_of_request,
)

BROWSER = {"accept": "text/html,application/xhtml+xml"}
OWN = {"origin": "http://testserver"}
Client = Callable[..., TestClient]


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def replayer() -> FakeReplayer:
    return FakeReplayer()


@pytest.fixture
def client_of(engine: Engine, staging_url: str, replayer: FakeReplayer) -> Client:
    """Makes a browser at the page as Airflow mounts it."""

    def make(user: str | None = "ops") -> TestClient:
        page = create_quarantine_app(
            StagingDesk(lambda: staging_url), FakeAccess(), replayer, user_of_request
        )
        airflow = FastAPI()
        airflow.add_middleware(AddSlash)
        airflow.mount(QUARANTINE_PREFIX, ProofMount(lambda: page))
        cookies = {"user": user} if user else None
        return TestClient(airflow, headers=BROWSER, cookies=cookies, follow_redirects=False)

    return make


def read(client: TestClient, path: str = "/") -> str:
    answer = client.get(f"{QUARANTINE_PREFIX}{path}")
    assert answer.status_code == 200, answer.text
    return answer.text


def act(client: TestClient, path: str, **fields: object) -> Response:
    return client.post(f"{QUARANTINE_PREFIX}/{path}", data=fields, headers=OWN)


def row_of(engine: Engine, number: str) -> int:
    with engine.connect() as connection:
        return int(
            str(
                connection.scalar(
                    text("SELECT max(quarantine_id) FROM quarantine WHERE order_number = :n"),
                    {"n": number},
                )
            )
        )


def numbers_on(page: str) -> list[str]:
    return re.findall(r'/held/\d+">([^<]+)</a>', page)


def audit(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT actor, action FROM log_audit WHERE actor <> 'seed' ORDER BY audit_id")
        )
        return [(row.actor, row.action) for row in rows]


def test_the_list_shows_the_longest_held_first_and_warnings_last(client_of: Client) -> None:
    page = read(client_of())
    assert numbers_on(page) == ["#1005", "#1004", "#1003", "#1002", "#1001", "902-1", "#1006"]
    for words in ("klarna_pay_later", "20.00 USD against 19.00 USD", OWNER, "75 days"):
        assert words in page


FILTERS = (
    ("?channel=amazon_sistema", ["902-1"]),
    ("?reason=missing_mapping", ["#1002", "#1001"]),
    ("?owner=br@example.com", ["902-1"]),
    ("?age=8-30", ["#1003"]),
    ("?age=60%2B", ["#1005"]),
    ("?age=2-7", ["#1002"]),
    ("?severity=warning", ["#1006"]),
    ("?words=KLARNA", ["#1002", "#1001"]),
    ("?words=%25", []),
    ("?words=_", ["#1005", "#1004", "#1003", "#1002", "#1001", "#1006"]),
    ("?state=closed", []),
    ("?words=1003&reason=unbalanced", ["#1003"]),
)


def test_the_list_is_filtered(client_of: Client) -> None:
    client = client_of()
    shown = {query: numbers_on(read(client, f"/{query}")) for query, _ in FILTERS}
    assert shown == dict(FILTERS)


def test_an_order_with_two_reasons_counts_once_with_the_age_of_the_older_one(
    engine: Engine,
) -> None:
    order = "gid://shopify/Order/1003"
    second = Finding(order, "#1003", "value", "sku", "order #1003: a line carries no sku")
    with engine.begin() as connection:
        before = held_orders.summary(connection, held_orders.Wanted(), NOW)
        quarantine.record(connection, CHANNEL, [second], owner=OWNER, batch_id=2)
        after = held_orders.summary(connection, held_orders.Wanted(), NOW)
    assert (before.orders, before.by_bucket) == (after.orders, after.by_bucket)
    assert sum(after.by_bucket.values()) == after.orders == 7
    assert after.by_bucket["8-30"] == 1
    assert after.by_reason["value"] == before.by_reason["value"] + 1


def test_a_filter_that_is_none_is_refused_in_words(client_of: Client) -> None:
    client = client_of()
    for query in ("?page=0", "?page=x", "?age=5", "?severity=bad", "?state=x"):
        answer = client.get(f"{QUARANTINE_PREFIX}/{query}")
        assert answer.status_code == 400
        assert "must be" in answer.text


def test_finance_reads_everything_and_has_no_button(client_of: Client, engine: Engine) -> None:
    client = client_of("finance")
    for path in ("/", f"/held/{row_of(engine, '#1001')}"):
        page = read(client, path)
        assert 'method="post"' not in page
        assert "klarna_pay_later" in page


ACTIONS = {
    "replay": {"row": 1},
    "assign": {"row": 1, "owner": "ada"},
    "note": {"row": 1, "words": "seen"},
    "map": {"row": 1, "value": "X"},
    "release": {"row": 1, "words": "why not"},
    "write-off": {"row": 1, "words": "by hand"},
    "reopen": {"row": 1, "words": "by hand"},
    "amend": {"row": 1, "field": "customer.phone", "value": "1", "words": "by hand"},
}


def test_who_may_only_read_changes_nothing(
    client_of: Client, engine: Engine, replayer: FakeReplayer
) -> None:
    for action, fields in ACTIONS.items():
        answer = act(client_of("finance"), action, **fields)
        assert answer.status_code == 403
        assert "read this and not change it" in answer.text
        assert act(client_of("nobody"), action, **fields).status_code == 404
        assert act(client_of(None), action, **fields).status_code == 303
    assert (audit(engine), replayer.started) == ([], [])


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://testserver.evil"])
def test_what_another_site_sends_changes_nothing(
    client_of: Client, engine: Engine, replayer: FakeReplayer, origin: str | None
) -> None:
    for action, fields in ACTIONS.items():
        answer = client_of().post(
            f"{QUARANTINE_PREFIX}/{action}",
            data=fields,
            headers={"origin": origin} if origin else {},
        )
        assert answer.status_code == 403
        assert "did not come from the Quarantine page" in answer.text
    assert (audit(engine), replayer.started) == ([], [])


def test_nothing_is_done_by_a_link(client_of: Client) -> None:
    for action in ACTIONS:
        assert client_of().get(f"{QUARANTINE_PREFIX}/{action}").status_code in (404, 405)


def test_somebody_of_one_channel_sees_and_touches_that_channel_only(
    client_of: Client, engine: Engine
) -> None:
    client = client_of("shopify")
    other = row_of(engine, "902-1")
    assert "902-1" not in read(client)
    assert "902-1" not in read(client, "/held.csv")
    assert "br@example.com" not in read(client)
    assert read(client, "/?channel=amazon_sistema").count("/held/") == 0
    assert client.get(f"{QUARANTINE_PREFIX}/held/{other}").status_code == 404
    assert act(client, "note", row=other, words="hello").status_code == 404


def test_who_may_read_no_channel_is_refused_in_words(client_of: Client) -> None:
    answer = client_of("nobody").get(f"{QUARANTINE_PREFIX}/")
    assert answer.status_code == 403
    assert "Ask for the right" in answer.text


def test_an_anonymous_browser_is_sent_to_the_login_and_a_program_gets_401(
    client_of: Client,
) -> None:
    client = client_of(None)
    assert client.get(f"{QUARANTINE_PREFIX}/").headers["location"].startswith("/auth/login")
    for path in ("/", "/held.csv", "/held/1"):
        answer = client.get(f"{QUARANTINE_PREFIX}{path}", headers={"accept": "application/json"})
        assert answer.status_code == 401


def test_store_and_erp_text_stays_text(client_of: Client, engine: Engine) -> None:
    client = client_of()
    act(client, "note", row=row_of(engine, "#1004"), words=UNTRUSTED)
    act(client, "assign", row=row_of(engine, "#1004"), owner=UNTRUSTED)
    for path in ("/", f"/held/{row_of(engine, '#1004')}", f"/?words={UNTRUSTED}"):
        page = client.get(f"{QUARANTINE_PREFIX}{path}")
        assert UNTRUSTED not in page.text
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_ops_adds_the_missing_mapping_row_right_there(client_of: Client, engine: Engine) -> None:
    client, row = client_of(), row_of(engine, "#1001")
    page = read(client, f"/held/{row}")
    assert "<code>klarna_pay_later</code>" in page
    assert "paypal → card:PAYPAL:PAYPAL" in page
    answer = act(client, "map", row=row, value=" card:KLARNA:KLARNA ")
    assert answer.headers["location"] == f"{QUARANTINE_PREFIX}/held/{row}?done=mapped"
    with engine.connect() as connection:
        maps = mapping.load(connection, CHANNEL)
    assert maps.require("payment", "klarna_pay_later") == "card:KLARNA:KLARNA"
    page = read(client, f"/held/{row}?done=mapped")
    assert "The mapping row was added" in page
    assert "value: card:KLARNA:KLARNA" in page
    assert (
        act(client, "map", row=row_of(engine, "#1003"), value="X")
        .headers["location"]
        .endswith("done=unchanged")
    )
    assert audit(engine) == [("ops", "added")]


def test_ops_assigns_notes_and_releases_and_the_order_shows_who_did_it(
    client_of: Client, engine: Engine
) -> None:
    client, row = client_of(), row_of(engine, "#1005")
    act(client, "assign", row=row, owner="ada@example.com", query="order")
    act(client, "note", row=row, words="asked the shop")
    act(client, "release", row=row, words="our clock was wrong")
    page = read(client, f"/held/{row}")
    for words in ("ada@example.com", "asked the shop", "Released", "reason: our clock was wrong"):
        assert words in page
    assert audit(engine) == [("ops", "assigned"), ("ops", "noted"), ("ops", "released")]
    unbalanced = row_of(engine, "#1003")
    assert "Lets this version" not in read(client, f"/held/{unbalanced}")
    assert (
        act(client, "release", row=unbalanced, words="please")
        .headers["location"]
        .endswith("done=unchanged")
    )


def test_the_raw_document_is_for_those_who_act_and_reading_it_is_noted(
    client_of: Client, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO landing_document (channel, order_id_store, updated_at, digest,"
                " order_number, document, batch_id) VALUES ('shopify_gp',"
                " 'gid://shopify/Order/1001', now(), 'x', '#1001', CAST(:document AS json), 1)"
            ),
            {"document": '{"name": "#1001", "email": "ada@example.com"}'},
        )
    row = row_of(engine, "#1001")
    path = f"{QUARANTINE_PREFIX}/held/{row}/document.json"
    assert client_of("finance").get(path).status_code == 403
    assert client_of(None).get(path).status_code == 303
    assert "Raw document" not in read(client_of("finance"), f"/held/{row}")
    assert audit(engine) == []
    answer = client_of().get(path)
    assert answer.json() == {"name": "#1001", "email": "ada@example.com"}
    assert "no-store" in answer.headers["cache-control"]
    assert "the raw document" in read(client_of(), f"/held/{row}")
    gone = client_of().get(f"{QUARANTINE_PREFIX}/held/{row_of(engine, '#1002')}/document.json")
    assert gone.status_code == 410
    assert "no longer keeps the document" in gone.text


def test_ops_fills_in_what_the_store_left_empty_and_takes_it_back(
    client_of: Client, engine: Engine
) -> None:
    with engine.begin() as connection:
        add_order(connection, 1001, "gid://shopify/Customer/1", "9.00")
    client, row = client_of(), row_of(engine, "#1001")
    page = read(client, f"/held/{row}")
    assert '<option value="customer.phone">' in page
    assert '<option value="customer.email">' not in page, "the store's own word stands there"
    fields = {"row": row, "field": "customer.phone", "words": "he told us on the phone"}
    answer = act(client, "amend", **fields, value=" +1 555 0100 ")
    assert answer.headers["location"].endswith(f"/held/{row}?done=amended")
    page = read(client, f"/held/{row}")
    assert "Filled in by people" in page
    assert "+1 555 0100" in page
    assert "he told us on the phone" in page
    act(client, "amend", **fields, value="")
    assert "Filled in by people" not in read(client, f"/held/{row}")
    with engine.connect() as connection:
        told = connection.execute(
            text(
                "SELECT actor, action, before, after FROM log_audit"
                " WHERE subject = 'order_amendment' ORDER BY audit_id"
            )
        ).all()
    assert [tuple(row) for row in told] == [
        (
            "ops",
            "filled in",
            None,
            {"customer.phone": "+1 555 0100", "reason": "he told us on the phone"},
        ),
        (
            "ops",
            "taken back",
            {"customer.phone": "+1 555 0100"},
            {"reason": "he told us on the phone"},
        ),
    ]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("customer.email", "other@example.com", "own word stands there"),
        ("stated.current_total", "1.00", "own word stands there"),
        ("customer.customer_id_store", "7", "own word stands there"),
        ("shipping_address.country_code", "Germany", "two capital letters"),
    ],
)
def test_what_the_store_says_and_what_moves_money_is_never_filled_in(
    client_of: Client, engine: Engine, field: str, value: str, words: str
) -> None:
    with engine.begin() as connection:
        add_order(connection, 1001, "gid://shopify/Customer/1", "9.00")
    row = row_of(engine, "#1001")
    answer = act(client_of(), "amend", row=row, field=field, value=value, words="because")
    assert answer.status_code == 400
    assert words in answer.text.replace("&#39;", "'")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM order_amendment")) == 0


def test_ops_writes_an_order_off_and_takes_it_back(client_of: Client, engine: Engine) -> None:
    client, row = client_of(), row_of(engine, "#1003")
    act(client, "write-off", row=row, words="booked by hand")
    page = read(client, f"/held/{row}?done=written_off")
    assert "Written off by ops." in page
    assert "booked by hand" in page
    assert "#1003" not in numbers_on(read(client))
    assert "#1003" in numbers_on(read(client, "/?state=closed"))
    act(client, "reopen", row=row, words="it was not")
    with engine.connect() as connection:
        order_id = "gid://shopify/Order/1003"
        assert quarantine.written_off(connection, CHANNEL, [order_id]) == {}
    assert audit(engine) == [("ops", "closed"), ("ops", "reopened")]


def test_the_chosen_orders_are_replayed_by_the_dag_of_their_channel(
    client_of: Client, engine: Engine, replayer: FakeReplayer
) -> None:
    client = client_of()
    rows = [row_of(engine, number) for number in ("#1001", "#1003", "902-1")]
    answer = act(client, "replay", row=rows, query="?reason=value&x=//evil.example")
    assert answer.headers["location"] == f"{QUARANTINE_PREFIX}/?reason=value&done=replaying"
    assert replayer.started == [("amazon_sistema", "ops"), (CHANNEL, "ops")]
    assert read(client).count("replay asked for") == 3
    assert act(client, "replay").status_code == 400


def test_a_replay_dag_that_is_paused_is_said_and_the_orders_stay_marked(
    client_of: Client, engine: Engine, replayer: FakeReplayer
) -> None:
    replayer.runs = False
    client, row = client_of(), row_of(engine, "#1001")
    answer = act(client, "replay", row=row, query="order")
    assert answer.headers["location"].endswith(f"/held/{row}?done=marked")
    assert "replay DAG is paused" in read(client, f"/held/{row}?done=marked")


def test_a_form_that_is_not_filled_in_is_refused_in_words(
    client_of: Client, engine: Engine
) -> None:
    forms: list[tuple[str, dict[str, object]]] = [
        ("note", {"row": "x", "words": "hello"}),
        ("note", {"row": 1, "words": "   "}),
        ("write-off", {"row": 1}),
        ("assign", {"row": 1, "owner": "   "}),
        ("map", {"row": 1, "value": "x" * 201}),
    ]
    for action, fields in forms:
        answer = act(client_of(), action, **fields)
        assert answer.status_code == 400
        assert "These fields" in answer.text
    assert audit(engine) == []


def test_the_csv_follows_the_filter_and_no_cell_is_a_formula(client_of: Client) -> None:
    client = client_of("finance")
    rows = list(csv.DictReader(io.StringIO(read(client, "/held.csv?reason=refused_by_erp"))))
    assert [row["order_number"] for row in rows] == ["#1004"]
    assert rows[0]["remote"].startswith("'=cmd()")
    assert rows[0]["age"] == "31-60"
    assert len(read(client, "/held.csv").splitlines()) == 8


def test_an_empty_quarantine_says_so(staging_url: str) -> None:
    staging.migrate(staging_url)
    page = create_quarantine_app(
        StagingDesk(lambda: staging_url), FakeAccess(), FakeReplayer(), user_of_request
    )
    client = TestClient(page, headers=BROWSER, cookies={"user": "finance"})
    assert "Nothing is held" in client.get("/").text


def test_a_database_that_is_away_is_told_in_words(free_port: int) -> None:
    url = f"postgresql://reader:secret@127.0.0.1:{free_port}/counterfoil"
    page = create_quarantine_app(
        StagingDesk(lambda: url), FakeAccess(), FakeReplayer(), user_of_request
    )
    client = TestClient(page, headers=BROWSER, cookies={"user": "finance"})
    answer = client.get("/")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert "secret" not in answer.text
