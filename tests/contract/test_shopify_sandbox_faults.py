"""Faults and the control interface of the Shopify sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.contract.sandbox_shop import DAY, PAGE, Shop, code, sandbox

NAME = "query Ask { shop { name } }"


@pytest.fixture(scope="module")
def module_shop() -> Iterator[Shop]:
    with sandbox() as found:
        yield found


@pytest.fixture
def shop(module_shop: Shop) -> Shop:
    module_shop.control("DELETE", "faults")
    module_shop.control("DELETE", "log")
    return module_shop


@pytest.mark.parametrize(
    ("kind", "status"),
    [("http_429", 429), ("http_500", 500), ("http_502", 502), ("http_503", 503), ("http_504", 504)],
)
def test_a_status_fault_strikes_as_often_as_asked(shop: Shop, kind: str, status: int) -> None:
    shop.fault(kind, times=2)
    assert [shop.post(NAME).status_code for _ in range(3)] == [status, status, 200]


def test_a_fault_waits_for_its_operation(shop: Shop) -> None:
    shop.fault("http_503", match="^Page$", after=1)
    assert shop.post(NAME).status_code == 200
    assert shop.post(PAGE, first=1).status_code == 200
    assert shop.post(PAGE, first=1).status_code == 503


def test_a_body_that_is_cut_breaks_the_connection(shop: Shop) -> None:
    shop.fault("cut_body")
    with pytest.raises(requests.RequestException):
        shop.post(PAGE, first=100)
    assert shop.post(NAME).status_code == 200


def test_a_body_can_be_no_json(shop: Shop) -> None:
    shop.fault("invalid_json")
    answer = shop.post(NAME)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_time_out_before_the_effect_runs_nothing(shop: Shop) -> None:
    shop.fault("timeout_before")
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{shop.url}/admin/api/2026-10/graphql.json",
            json={"query": NAME},
            headers={"X-Shopify-Access-Token": "shpat_sandbox"},
            timeout=0.2,
        )
    requests_seen = shop.control("GET", "log")["requests"]
    assert not [row for row in requests_seen if "requested" in row]


def test_a_time_out_after_the_effect_has_run_the_query(shop: Shop) -> None:
    shop.fault("timeout_after")
    start = (
        'mutation Start { bulkOperationRunQuery(query: "{ orders { edges { node { id } } } }")'
        " { bulkOperation { id } userErrors { message } } }"
    )
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{shop.url}/admin/api/2026-10/graphql.json",
            json={"query": start},
            headers={"X-Shopify-Access-Token": "shpat_sandbox"},
            timeout=0.3,
        )
    found = shop.ask("{ bulkOperations(first: 5) { nodes { status } } }")["data"]
    assert found["bulkOperations"]["nodes"] == [{"status": "CREATED"}]


def test_throttling_can_be_forced(shop: Shop) -> None:
    shop.fault("throttled")
    assert code(shop.ask(NAME)) == "THROTTLED"
    assert "errors" not in shop.ask(NAME)


def test_a_lost_page_is_missing_from_an_otherwise_good_reading(shop: Shop) -> None:
    whole = shop.every_id(DAY, first=20)
    shop.fault("missing_page", after=1)
    assert len(shop.every_id(DAY, first=20)) == len(whole) - 20


def test_an_answer_can_come_from_another_version(shop: Shop) -> None:
    shop.fault("wrong_version")
    assert shop.post(NAME).headers["X-Shopify-API-Version"] != "2026-10"
    assert shop.post(NAME).headers["X-Shopify-API-Version"] == "2026-10"


def test_a_search_warning_can_be_forced(shop: Shop) -> None:
    shop.fault("search_warning")
    assert shop.ask(PAGE, first=1, query=DAY)["extensions"]["search"]


def test_a_token_can_be_revoked_between_two_requests(shop: Shop) -> None:
    shop.fault("token_revoked")
    assert shop.post(NAME).status_code == 401


def test_data_can_be_partial_with_errors(shop: Shop) -> None:
    shop.fault("partial_data")
    answer = shop.ask(PAGE, first=1)
    assert answer["data"] == {"orders": None}
    assert code(answer) == "INTERNAL_SERVER_ERROR"


def test_an_unknown_fault_is_refused(shop: Shop) -> None:
    answer = requests.post(f"{shop.url}/__sandbox__/faults", json={"kind": "meteor"}, timeout=5)
    assert answer.status_code == 400
    assert "http_503" in answer.json()["error"]


def test_the_log_holds_operations_and_costs_but_no_contents(shop: Shop) -> None:
    shop.ask(PAGE, first=2, query=DAY)
    [row] = shop.control("GET", "log")["requests"]
    assert row["operation"] == "Page"
    assert row["requested"] > 0
    assert set(row) == {"operation", "status", "requested", "actual", "throttled", "errors"}


def test_settings_can_be_switched_and_secrets_are_not_told(shop: Shop) -> None:
    changed = shop.control("POST", "settings", max_page=100)
    assert changed["max_page"] == 100
    assert "client_secret" not in changed
    assert shop.ask(PAGE, first=101)["errors"]
    shop.control("POST", "settings", max_page=250)


def test_orders_can_be_added_cancelled_refunded_edited_and_deleted(shop: Shop) -> None:
    added = shop.control("POST", "orders", case="paid_in_jpy", at="2026-11-20T00:00:00Z")
    assert added["presentment_currency"] == "JPY"
    number = added["id"].rsplit("/", 1)[1]
    edited = shop.control("POST", f"orders/{number}/edit", sku="MUG-ENM", quantity=2)
    assert float(edited["total"]) == pytest.approx(float(added["total"]) + 30.8, abs=2)
    refunded = shop.control("POST", f"orders/{number}/refund", lines={"0": 1})
    assert float(refunded["refunded"]) > 0
    cancelled = shop.control("POST", f"orders/{number}/cancel")
    assert cancelled["cancelled"]
    assert float(cancelled["current_total"]) == 0
    assert float(cancelled["refunded"]) == pytest.approx(float(edited["received"]), abs=0.02)
    shop.control("DELETE", f"orders/{number}")
    assert shop.ask("query O($id: ID!) { order(id: $id) { id } }", id=added["id"])["data"] == {
        "order": None
    }
