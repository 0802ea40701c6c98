"""Bulk exports: started once, waited for, joined on disk, and never the judge of what exists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from include.domain.errors import WindowError
from include.ports.store import OrderHeader
from tests.unit.shopify_fakes import (
    FakeClock,
    Script,
    connection,
    data,
    failure,
    order,
    reply,
    store_of,
)

GID = "gid://shopify/BulkOperation/1"
FILE = "https://files.example/result.jsonl?signature=secret"


def exported(number: int, **fields: Any) -> dict[str, Any]:
    """Return an order as it stands in an export: without its connections."""
    whole = order(number, **fields)
    for field in ("lineItems", "shippingLines", "localizedFields"):
        del whole[field]
    return whole


def child(number: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"__typename": kind, **fields, "__parentId": f"gid://shopify/Order/{number}"}


class BulkShop:
    """A scripted shop with bulk operations and a file of lines."""

    def __init__(self, *lines: dict[str, Any]) -> None:
        self.body = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        self.states: list[dict[str, Any]] = [
            {"status": "CREATED"},
            {"status": "RUNNING"},
            {
                "status": "COMPLETED",
                "objectCount": str(len(lines)),
                "rootObjectCount": "0",
                "url": FILE if lines else None,
            },
        ]
        self.starts: list[Any] = [
            data({"bulkOperationRunQuery": {"bulkOperation": {"id": GID}, "userErrors": []}})
        ]
        self.running: list[Any] = []
        self.downloads: list[Any] = []
        self.calls: list[str] = []
        self.hydrated: list[str] = []
        self.queries: list[str] = []
        self.script = Script()
        self.script.always = self._answer

    def _answer(self, asked: dict[str, Any]) -> Any:
        if "query" not in asked:
            assert self.script.requests[-1].url == FILE
            assert "X-Shopify-Access-Token" not in self.script.requests[-1].headers
            self.calls.append("download")
            return self.downloads.pop(0) if self.downloads else reply(None, raw=self.body)
        operation = asked["query"].split("(")[0].split("{")[0].split()[1]
        self.calls.append(operation)
        return getattr(self, f"_{operation}")(asked["variables"])

    def _ShopFacts(self, _: Any) -> Any:
        scopes = (
            "read_orders",
            "read_customers",
            "read_products",
            "read_locations",
            "read_payment_terms",
        )
        return data(
            {
                "shop": {},
                "currentAppInstallation": {"accessScopes": [{"handle": s} for s in scopes]},
            }
        )

    def _PrivacyProbe(self, _: Any) -> Any:
        return data({"orders": {"nodes": []}})

    def _OrdersCount(self, _: Any) -> Any:
        return data({"ordersCount": {"count": 3, "precision": "EXACT"}})

    def _BulkProbe(self, _: Any) -> Any:
        return data({"bulkOperations": {"nodes": self.running.pop(0) if self.running else []}})

    def _BulkRun(self, variables: dict[str, Any]) -> Any:
        self.queries.append(variables["query"])
        return self.starts.pop(0) if len(self.starts) > 1 else self.starts[0]

    def _BulkPoll(self, _: Any) -> Any:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return data({"bulkOperation": {"id": GID, "errorCode": None, **state}})

    def _BulkCancel(self, _: Any) -> Any:
        return data({"bulkOperationCancel": {"bulkOperation": None, "userErrors": []}})

    def _OrdersHydrate(self, variables: dict[str, Any]) -> Any:
        self.hydrated.extend(variables["ids"])
        numbers = [int(gid.rsplit("/", 1)[1]) for gid in variables["ids"]]
        return data({"nodes": [order(number, note="hydrated") for number in numbers]})


def fetched(shop: BulkShop, clock: FakeClock | None = None, **settings: Any) -> dict[str, Any]:
    at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    headers = [
        OrderHeader(f"gid://shopify/Order/{n}", f"#{n}", at, at, Decimal(1), "USD")
        for n in (1, 2, 3)
    ]
    store = store_of(shop.script, clock, bulk_threshold=2, prefetch=0, **settings)
    raws = [raw for batch in store.fetch(headers) for raw in batch]
    assert len(raws) == 3
    return {raw.order_number: raw.document for raw in raws}


def lines() -> Iterator[dict[str, Any]]:
    yield child(2, "LineItem", id="L2", sku="b")
    yield exported(1)
    yield exported(2)
    yield child(1, "LineItem", id="L1", sku="a")
    yield exported(3)
    yield child(2, "ShippingLine", id=None, title="Post")
    yield child(1, "LineItem", id="L3", sku="c")
    yield child(3, "LocalizedField", key="TAX_CREDENTIAL_BR", value="x")
    yield exported(4)
    yield child(4, "LineItem", id="L4")


def test_children_find_their_order_wherever_they_stand_in_the_file() -> None:
    shop = BulkShop(*lines())

    found = fetched(shop)

    assert found["#1"] == order(
        1, lineItems=connection([{"id": "L1", "sku": "a"}, {"id": "L3", "sku": "c"}])
    )
    assert found["#2"]["lineItems"] == connection([{"id": "L2", "sku": "b"}])
    assert found["#2"]["shippingLines"] == connection([{"id": None, "title": "Post"}])
    assert found["#3"]["localizedFields"] == connection(
        [{"key": "TAX_CREDENTIAL_BR", "value": "x"}]
    )
    assert shop.hydrated == []


def test_an_exported_document_has_its_fields_in_the_order_of_a_hydrated_one() -> None:
    assert list(fetched(BulkShop(*lines()))["#1"]) != []
    ends = list(fetched(BulkShop(*lines()))["#1"])[-4:]
    assert ends == ["localizedFields", "lineItems", "shippingLines", "refunds"]


def test_the_export_searches_the_tightest_range_of_the_wanted_orders() -> None:
    shop = BulkShop(*lines())

    fetched(shop)

    assert "created_at:>='2026-11-20T10:00:00Z' AND created_at:<=" in shop.queries[0]
    assert "$" not in shop.queries[0]


def test_orders_on_terms_are_hydrated_because_bulk_leaves_their_due_dates_out() -> None:
    terms = {"id": "gid://shopify/PaymentTerms/1"}
    shop = BulkShop(exported(1, paymentTerms=None), exported(2, paymentTerms=terms), exported(3))

    found = fetched(shop)

    assert shop.hydrated == ["gid://shopify/Order/2"]
    assert found["#2"]["note"] == "hydrated"


def test_orders_with_refunds_are_hydrated_because_bulk_cannot_export_their_lines() -> None:
    shop = BulkShop(exported(1), exported(2, refunds=[{"id": "r"}]), exported(3))

    found = fetched(shop)

    assert shop.hydrated == ["gid://shopify/Order/2"]
    assert found["#2"]["note"] == "hydrated"


def test_an_order_whose_payments_were_cut_is_hydrated() -> None:
    cut = exported(2, transactionsCount={"count": 2, "precision": "EXACT"}, transactions=[{}])
    shop = BulkShop(exported(1), cut, exported(3))

    fetched(shop)

    assert shop.hydrated == ["gid://shopify/Order/2"]


def test_orders_that_left_the_range_meanwhile_are_hydrated() -> None:
    shop = BulkShop(exported(1))

    fetched(shop)

    assert shop.hydrated == ["gid://shopify/Order/2", "gid://shopify/Order/3"]


def test_an_order_that_stands_in_the_file_twice_is_hydrated() -> None:
    shop = BulkShop(exported(1), exported(2), exported(1), exported(3))

    fetched(shop)

    assert shop.hydrated == ["gid://shopify/Order/1"]


def test_an_export_without_rows_has_no_file_and_everything_is_hydrated() -> None:
    shop = BulkShop()

    fetched(shop)

    assert len(shop.hydrated) == 3
    assert "download" not in shop.calls


def test_objects_without_a_file_stop_the_window() -> None:
    shop = BulkShop()
    shop.states[-1]["objectCount"] = "7"

    with pytest.raises(WindowError, match="counts 7 objects but gives no file"):
        fetched(shop)


def test_a_file_with_fewer_lines_than_counted_stops_the_window() -> None:
    shop = BulkShop(*lines())
    shop.body = shop.body[: shop.body.rindex(b"\n", 0, -1) + 1]

    with pytest.raises(WindowError, match="counts 10 objects but its file has 9 lines"):
        fetched(shop)


def test_a_child_without_its_order_stops_the_window() -> None:
    shop = BulkShop(exported(1), child(2, "LineItem", id="L2"))

    with pytest.raises(WindowError, match="whose order is not in the file"):
        fetched(shop)


def test_a_kind_of_line_that_was_not_asked_for_stops_the_window() -> None:
    shop = BulkShop(exported(1), child(1, "Metafield", id="M"))

    with pytest.raises(WindowError, match="kind we did not ask for"):
        fetched(shop)


@pytest.mark.parametrize(
    "broken",
    [
        requests.ConnectionError("reset"),
        reply(None, 503, raw=b""),
        reply(None, raw=b'{"id": "gid://shopify/Order/1"}\n{"id": "gid'),
    ],
    ids=["reset", "unavailable", "cut"],
)
def test_a_download_that_breaks_off_starts_again(broken: Any) -> None:
    shop = BulkShop(*lines())
    shop.downloads = [broken]

    assert len(fetched(shop)["#1"]["lineItems"]["nodes"]) == 2
    assert shop.calls.count("download") == 2


def test_the_signed_address_of_the_file_is_in_no_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = BulkShop(*lines())
    shop.downloads = [reply(None, 403, raw=b"")]

    assert len(fetched(shop)) == 3
    assert "no bulk export" in caplog.text
    assert "signature" not in caplog.text


def test_polling_backs_off_up_to_the_longest_pause() -> None:
    clock = FakeClock()
    shop = BulkShop(*lines())
    shop.states[1:2] = [{"status": "RUNNING"}] * 12

    fetched(shop, clock, bulk_poll_seconds=5)

    assert clock.slept[0] == 1.0
    assert clock.slept == sorted(clock.slept)
    assert max(clock.slept) == 5


@pytest.mark.parametrize("status", ["FAILED", "EXPIRED", "CANCELED"])
def test_what_a_failed_export_owes_is_read_by_id_and_its_partial_file_is_not_used(
    status: str,
) -> None:
    shop = BulkShop(*lines())
    shop.states = [{"status": status, "errorCode": "TIMEOUT", "url": None}]

    fetched(shop)

    assert len(shop.hydrated) == 3
    assert "download" not in shop.calls


def test_an_export_that_lacks_a_scope_is_told_and_done_without(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = BulkShop(*lines())
    shop.states = [{"status": "FAILED", "errorCode": "ACCESS_DENIED", "url": None}]

    fetched(shop)

    assert "lacks a scope" in caplog.text
    assert len(shop.hydrated) == 3


def test_an_export_that_does_not_end_is_cancelled_and_done_without(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = BulkShop(*lines())
    shop.states = [{"status": "RUNNING"}]

    fetched(shop, bulk_patience_seconds=60)

    assert "did not end within 60 s" in caplog.text
    assert "BulkCancel" in shop.calls
    assert len(shop.hydrated) == 3


def test_a_store_that_never_starts_an_export_is_not_asked_for_ever() -> None:
    shop = BulkShop(*lines())
    shop.starts = [requests.ReadTimeout("slow") for _ in range(9)]
    shop.running = [[] for _ in range(9)]

    fetched(shop, attempts=3)

    assert shop.calls.count("BulkRun") == 3
    assert len(shop.hydrated) == 3


def test_taken_slots_are_waited_for() -> None:
    clock = FakeClock()
    shop = BulkShop(*lines())
    busy = {
        "field": None,
        "message": "A bulk query operation is already in progress",
        "code": "OPERATION_IN_PROGRESS",
    }
    taken = data({"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [busy]}})
    shop.starts.insert(0, taken)

    fetched(shop, clock)

    assert shop.calls.count("BulkRun") == 2


def test_the_recorded_answer_to_a_sixth_operation_is_understood(shared_dir: Path) -> None:
    name = "2026-04__bulk-operations__bulk-operation-run-query-concurrency-limit.json"
    recorded = (shared_dir / "fixtures/shopify/graphql_interactions" / name).read_bytes()
    refused = [
        entry["response"]
        for value in orjson.loads(recorded).values()
        for entry in (value if isinstance(value, list) else [value])
        if isinstance(entry, dict)
        and (entry.get("response") or {})
        .get("data", {})
        .get("bulkOperationRunQuery", {})
        .get("userErrors")
    ]
    shop = BulkShop(*lines())
    shop.starts.insert(0, reply(refused[0]))

    fetched(shop)

    assert shop.calls.count("BulkRun") == 2


def test_a_token_that_may_not_run_bulk_operations_still_pulls_everything() -> None:
    shop = BulkShop(*lines())
    shop._BulkProbe = lambda _: failure("ACCESS_DENIED")  # type: ignore[method-assign]

    fetched(shop)

    assert len(shop.hydrated) == 3


def test_a_refused_query_is_told_in_the_words_of_the_store(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = BulkShop(*lines())
    error = {"field": ["query"], "message": "Bulk queries cannot be sorted.", "code": "INVALID"}
    shop.starts = [data({"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [error]}})]

    fetched(shop)

    assert "cannot be sorted" in caplog.text
    assert len(shop.hydrated) == 3


def test_a_start_that_broke_off_after_its_effect_is_found_and_not_started_twice() -> None:
    shop = BulkShop(*lines())
    shop.starts.insert(0, requests.ReadTimeout("slow"))
    shop.running = [[], []]
    original = shop._BulkRun

    def run(variables: dict[str, Any]) -> Any:
        shop.running = [[{"id": GID, "status": "RUNNING", "query": variables["query"]}]]
        return original(variables)

    shop._BulkRun = run  # type: ignore[method-assign]

    fetched(shop)

    assert shop.calls.count("BulkRun") == 1


def test_an_export_left_behind_by_an_earlier_attempt_is_joined() -> None:
    first = BulkShop(*lines())
    fetched(first)
    shop = BulkShop(*lines())
    shop.running = [[{"id": GID, "status": "RUNNING", "query": first.queries[0]}]]

    fetched(shop)

    assert "BulkRun" not in shop.calls


def test_few_orders_are_not_exported() -> None:
    shop = BulkShop(*lines())

    fetched(shop)
    assert "BulkRun" in shop.calls
    shop = BulkShop(*lines())
    at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    header = OrderHeader("gid://shopify/Order/1", "#1", at, at, Decimal(1), "USD")
    list(store_of(shop.script, bulk_threshold=2).fetch([header]))
    assert "BulkRun" not in shop.calls


def test_a_range_that_holds_much_else_is_not_exported() -> None:
    shop = BulkShop(*lines())
    shop._OrdersCount = lambda _: data(  # type: ignore[method-assign]
        {"ordersCount": {"count": 7, "precision": "EXACT"}}
    )

    fetched(shop)

    assert "BulkRun" not in shop.calls
    assert len(shop.hydrated) == 3
