"""Search, paging and index lag of the Shopify sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.sandbox_shop import DAY, PAGE, Shop, code, sandbox


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with sandbox() as found:
        yield found


@pytest.fixture
def fresh() -> Iterator[Shop]:
    with sandbox() as found:
        yield found


@pytest.fixture(scope="module")
def truth(shop: Shop) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = shop.control("GET", "orders")["orders"]
    return rows


def test_a_quoted_window_counts_to_the_second(shop: Shop, truth: list[dict[str, Any]]) -> None:
    moment = truth[40]["created_at"]
    search = f"created_at:>='2026-11-18T00:00:00Z' AND created_at:<='{moment}'"
    assert shop.count(search) == sum(row["created_at"] <= moment for row in truth)


def test_an_unquoted_timestamp_loses_its_time_and_uses_the_shops_zone(
    shop: Shop, truth: list[dict[str, Any]]
) -> None:
    # Midnight of 19 November in New York is five o'clock UTC.
    expected = sum(row["created_at"] >= "2026-11-19T05:00:00Z" for row in truth)
    assert shop.count("created_at:>=2026-11-19T23:30:00Z") == expected


def test_strict_bounds_on_dates_behave_as_inclusive(
    shop: Shop, truth: list[dict[str, Any]]
) -> None:
    moment = truth[10]["created_at"]
    assert shop.count(f"created_at:>'{moment}' created_at:<'{moment}'") == sum(
        row["created_at"] == moment for row in truth
    )


def test_strict_bounds_can_be_made_strict() -> None:
    with sandbox(inclusive_dates=False) as strict:
        moment = strict.control("GET", "orders")["orders"][10]["created_at"]
        assert strict.count(f"created_at:>'{moment}' created_at:<'{moment}'") == 0


@pytest.mark.parametrize(
    ("search", "keep"),
    [
        ("name:1005", lambda row: row["name"] == "#1005"),
        ("name:#1005 OR name:#1006", lambda row: row["name"] in ("#1005", "#1006")),
        ("test:true", lambda row: row["test"]),
        ("-test:true", lambda row: not row["test"]),
        ("NOT status:cancelled", lambda row: not row["cancelled"]),
        ("status:any", lambda _row: True),
        ("financial_status:pending,authorized",
         lambda row: row["financial_status"] in ("PENDING", "AUTHORIZED")),
        ("(test:true OR status:cancelled) AND created_at:>='2026-11-19T00:00:00Z'",
         lambda row: (row["test"] or row["cancelled"]) and row["created_at"] >= "2026-11-19"),
        ("", lambda _row: True),
    ],
)  # fmt: skip
def test_a_search_finds_what_it_says(
    shop: Shop, truth: list[dict[str, Any]], search: str, keep: Any
) -> None:
    assert shop.count(search) == len([row for row in truth if keep(row)])


def test_an_id_range_is_a_search(shop: Shop, truth: list[dict[str, Any]]) -> None:
    number = truth[3]["id"].rsplit("/", 1)[1]
    assert shop.every_id(f"id:{number}") == [truth[3]["id"]]
    assert shop.count(f"id:>{number}") == len(truth) - 4


def test_an_unknown_field_matches_everything_and_leaves_a_warning(
    shop: Shop, truth: list[dict[str, Any]]
) -> None:
    answer = shop.ask(PAGE, first=1, query="updatedat:>='2026-11-19T00:00:00Z'")
    assert "errors" not in answer
    [found] = answer["extensions"]["search"]
    assert found["path"] == ["orders"]
    assert found["parsed"] == {"field": "updatedat", "range_gte": "2026-11-19T00:00:00Z"}
    assert found["warnings"] == [
        {
            "field": "updatedat",
            "message": "Invalid search field for this query.",
            "code": "invalid_field",
        }
    ]
    assert answer["data"]["orders"]["pageInfo"]["hasNextPage"]


def test_a_value_that_is_no_date_leaves_a_warning(shop: Shop) -> None:
    answer = shop.ask(PAGE, first=1, query="updated_at:>='yesterday evening'")
    assert answer["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_value"


def test_pages_follow_one_another_without_loss(
    shop: Shop, truth: list[dict[str, Any]]
) -> None:  # fmt: skip
    ids = shop.every_id(DAY, first=7)
    expected = [row["id"] for row in truth if row["created_at"] >= "2026-11-19"]
    assert len(ids) == len(set(ids))
    assert set(ids) == set(expected)


def test_pages_can_be_read_backwards(shop: Shop) -> None:
    forward = shop.every_id(DAY)
    found: list[str] = []
    after = None
    while True:
        page = shop.ask(PAGE, first=9, after=after, query=DAY, reverse=True)["data"]["orders"]
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == forward[::-1]


def test_a_cursor_of_somebody_else_is_refused(shop: Shop) -> None:
    assert code(shop.ask(PAGE, first=1, after="nonsense")) == "BAD_REQUEST"


def test_counts_stop_at_their_limit_and_say_so(shop: Shop) -> None:
    query = "query C($limit: Int) { ordersCount(limit: $limit) { count precision } }"
    assert shop.ask(query, limit=5)["data"]["ordersCount"] == {"count": 5, "precision": "AT_LEAST"}
    assert shop.ask(query, limit=None)["data"]["ordersCount"]["precision"] == "EXACT"


def test_the_default_count_is_capped() -> None:
    with sandbox(count_cap=20) as shop:
        exact = shop.ask("{ ordersCount(limit: null) { count } }")["data"]["ordersCount"]["count"]
        assert exact == 180


def test_nested_lists_are_paged_to_their_end(shop: Shop, truth: list[dict[str, Any]]) -> None:
    gid = next(row["id"] for row in truth if row["case"] == "very_many_lines")
    query = """
      query Lines($id: ID!, $after: String) {
        node(id: $id) { ... on Order {
          lineItems(first: 100, after: $after) {
            nodes { id } pageInfo { hasNextPage endCursor }
          }
        } }
      }
    """
    ids: list[str] = []
    after = None
    for _ in range(5):
        lines = shop.ask(query, id=gid, after=after)["data"]["node"]["lineItems"]
        ids += [node["id"] for node in lines["nodes"]]
        after = lines["pageInfo"]["endCursor"]
        if not lines["pageInfo"]["hasNextPage"]:
            break
    assert len(ids) == len(set(ids)) == 256


def test_parts_of_orders_are_nodes_too(shop: Shop, truth: list[dict[str, Any]]) -> None:
    gid = next(row["id"] for row in truth if row["case"] == "fully_refunded")
    refund = shop.ask("query O($id: ID!) { order(id: $id) { refunds { id } } }", id=gid)
    number = refund["data"]["order"]["refunds"][0]["id"]
    answer = shop.ask(
        "query R($id: ID!) { node(id: $id) { ... on Refund { order { id } "
        "refundLineItems(first: 1) { nodes { quantity } pageInfo { hasNextPage } } } } }",
        id=number,
    )
    assert answer["data"]["node"]["order"]["id"] == gid


def test_the_index_trails_behind_the_records() -> None:
    with sandbox(index_lag_seconds=60.0) as slow:
        row = slow.control("GET", "orders")["orders"][5]
        number = row["id"].rsplit("/", 1)[1]
        slow.control("POST", f"orders/{number}/touch", at="2026-11-20T00:00:00Z")
        added = slow.control("POST", "orders", at="2026-11-20T00:00:00Z")
        search = "updated_at:>='2026-11-20T00:00:00Z'"
        assert slow.count(search) == 0
        read = slow.ask("query O($id: ID!) { order(id: $id) { updatedAt } }", id=row["id"])
        assert read["data"]["order"]["updatedAt"] == "2026-11-20T00:00:00Z"
        slow.control("POST", "clock", now="2026-11-20T00:02:00Z")
        assert set(slow.every_id(search)) == {row["id"], added["id"]}


def test_an_order_that_is_updated_between_pages_moves_to_the_end(fresh: Shop) -> None:
    search = "updated_at:>='2026-11-18T00:00:00Z'"
    first = fresh.ask(PAGE, first=20, query=search)["data"]["orders"]
    moved = fresh.ask(
        PAGE, first=1, after=first["pageInfo"]["endCursor"], query=search
    )["data"]["orders"]["nodes"][0]["id"]  # fmt: skip
    fresh.control("POST", f"orders/{moved.rsplit('/', 1)[1]}/touch", at="2026-11-20T00:00:00Z")
    rest = fresh.ask(
        PAGE, first=250, after=first["pageInfo"]["endCursor"], query=search
    )["data"]["orders"]["nodes"]  # fmt: skip
    assert rest[0]["id"] != moved
    assert rest[-1]["id"] == moved


def test_the_moving_order_fault_moves_one_by_itself(fresh: Shop) -> None:
    fresh.fault("order_moves")
    search = "updated_at:<='2026-11-19T12:00:00Z'"
    before = fresh.count(search)
    assert len(fresh.every_id(search, first=30)) == before - 1
