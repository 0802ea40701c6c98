"""Bulk operations of the Shopify sandbox, beside recorded answers where they are at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sandbox_shop import DAY, Shop, sandbox

RECORDED = Path(__file__).resolve().parents[2].parent / "shared/fixtures/shopify"
PREFIX = "graphql_interactions/2026-04__bulk-operations__bulk-operation-"
RUN = """
mutation Run($query: String!, $group: Boolean! = false) {
  bulkOperationRunQuery(query: $query, groupObjects: $group) {
    bulkOperation { id status url objectCount } userErrors { field message code }
  }
}
"""
POLL = """
query Poll($id: ID!) {
  bulkOperation(id: $id) {
    id status errorCode objectCount rootObjectCount fileSize url partialDataUrl completedAt
  }
}
"""
LINES = """
{ orders(query: "%s") { edges { node {
    id name lineItems { edges { node { id quantity } } }
} } } }
"""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with sandbox() as found:
        yield found


def run(shop: Shop, query: str, group: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = shop.ask(RUN, query=query, group=group)["data"]
    return answer["bulkOperationRunQuery"]  # type: ignore[no-any-return]


def finished(shop: Shop, query: str, group: bool = False) -> dict[str, Any]:
    gid = run(shop, query, group)["bulkOperation"]["id"]
    statuses = []
    while True:
        found: dict[str, Any] = shop.ask(POLL, id=gid)["data"]["bulkOperation"]
        statuses.append(found["status"])
        if found["status"] not in ("CREATED", "RUNNING"):
            assert "RUNNING" in statuses
            return found


def rows_of(shop: Shop, operation: dict[str, Any]) -> list[dict[str, Any]]:
    text = shop.session.get(operation["url"], timeout=5).content.decode()
    return [json.loads(line) for line in text.splitlines()]


def test_children_carry_their_parents_id_and_may_be_far_from_it(shop: Shop) -> None:
    operation = finished(shop, LINES % DAY)
    rows = rows_of(shop, operation)
    orders = [row for row in rows if "__parentId" not in row]
    lines = [row for row in rows if "__parentId" in row]
    assert operation["status"] == "COMPLETED"
    assert operation["objectCount"] == str(len(rows))
    assert operation["rootObjectCount"] == str(len(orders)) == str(shop.count(DAY))
    assert {row["__parentId"] for row in lines} <= {row["id"] for row in orders}
    assert rows[: len(orders)] == orders
    assert all("lineItems" not in row for row in orders)


def test_grouped_children_follow_their_parent(shop: Shop) -> None:
    parent = None
    for row in rows_of(shop, finished(shop, LINES % DAY, group=True)):
        if "__parentId" in row:
            assert row["__parentId"] == parent
        else:
            parent = row["id"]


def test_nothing_found_is_no_file(shop: Shop) -> None:
    operation = finished(shop, LINES % "id:1")
    assert operation["status"] == "COMPLETED"
    assert operation["url"] is None
    assert operation["objectCount"] == "0"


def test_a_sorted_and_filtered_export_silently_drops_records(shop: Shop) -> None:
    query = '{ orders(query: "%s", sortKey: UPDATED_AT) { edges { node { id } } } }' % DAY  # noqa: UP031
    assert int(finished(shop, query)["rootObjectCount"]) < shop.count(DAY)


def test_the_sixth_operation_is_refused(shop: Shop) -> None:
    query = "{ orders { edges { node { id } } } }"
    started = [run(shop, query) for _ in range(5)]
    assert all(row["bulkOperation"]["status"] == "CREATED" for row in started)
    refused = run(shop, query)
    assert refused["bulkOperation"] is None
    assert refused["userErrors"][0]["code"] == "OPERATION_IN_PROGRESS"
    assert started[0]["bulkOperation"]["id"] in refused["userErrors"][0]["message"]


def test_a_running_operation_can_be_cancelled(shop: Shop) -> None:
    gid = run(shop, "{ orders { edges { node { id } } } }")["bulkOperation"]["id"]
    query = (
        "mutation C($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } "
        "userErrors { message } } }"
    )
    found = shop.ask(query, id=gid)["data"]["bulkOperationCancel"]
    assert found["bulkOperation"]["status"] == "CANCELING"
    assert shop.ask(POLL, id=gid)["data"]["bulkOperation"]["status"] == "CANCELED"


def test_a_failed_operation_offers_part_of_its_data(shop: Shop) -> None:
    shop.fault("bulk_fails", match="Run")
    operation = finished(shop, LINES % DAY)
    assert operation["status"] == "FAILED"
    assert operation["errorCode"] == "INTERNAL_SERVER_ERROR"
    assert operation["url"] is None
    assert operation["partialDataUrl"]


def test_refund_lines_cannot_be_exported(shop: Shop) -> None:
    refused = run(
        shop,
        "{ orders { edges { node { id refunds { refundLineItems { edges { node { quantity } } } } "
        "} } } }",
    )
    assert refused["userErrors"][0]["message"] == (
        "Queries that contain a connection field within a list field are not currently supported."
    )


def _recordings() -> list[tuple[str, str, list[dict[str, Any]]]]:
    found = []
    for name in ("run-query-validators", "run-query-user-error-codes"):
        path = (
            RECORDED / f"graphql_interactions/2026-04__bulk-operations__bulk-operation-{name}.json"
        )
        if path.exists():
            cases = json.loads(path.read_text())["validations"]
            found += [
                (
                    key,
                    case["variables"]["query"],
                    case["response"]["data"]["bulkOperationRunQuery"]["userErrors"],
                )
                for key, case in cases.items()
            ]
    return found


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded Shopify answers are not here")
def test_refusals_are_the_recorded_ones(shop: Shop) -> None:
    for name, query, expected in _recordings():
        assert run(shop, query)["userErrors"] == expected, name
