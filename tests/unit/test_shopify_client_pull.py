"""The two-step pull: search texts, complete lists, whole documents in batches that adapt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
import requests

from include.connectors.stores.shopify.access import Access
from include.connectors.stores.shopify.reading import filled
from include.connectors.stores.shopify.search import quoted, search_of
from include.domain.errors import ConfigurationError, RemoteUnavailable, WindowError
from include.domain.window import Basis, Selection, Window
from include.ports.store import OrderHeader
from tests.unit.shopify_fakes import (
    FakeClock,
    Script,
    connection,
    data,
    failure,
    listed,
    order,
    refund,
    reply,
    store_of,
)

DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
UPDATED = Selection(DAY, Basis.UPDATED)
EITHER = Selection(DAY, Basis.CREATED_OR_UPDATED)
SCOPES = ("read_orders", "read_customers", "read_products", "read_locations", "read_payment_terms")
Handler = Callable[[dict[str, Any]], Any]


class Shop:
    """A scripted shop: one function per operation, and the calls it got."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers: dict[str, Handler] = {
            "ShopFacts": lambda _: {
                "shop": {},
                "currentAppInstallation": {"accessScopes": [{"handle": s} for s in SCOPES]},
            },
            "PrivacyProbe": lambda _: {"orders": {"nodes": []}},
            **handlers,
        }
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.script = Script()
        self.script.always = self._answer

    def _answer(self, asked: dict[str, Any]) -> Any:
        operation = asked["query"].split("(")[0].split("{")[0].split()[1]
        self.calls.append((operation, asked["variables"]))
        answer = self.handlers[operation](asked["variables"])
        return data(answer) if isinstance(answer, dict) else answer

    def named(self, operation: str) -> list[dict[str, Any]]:
        return [variables for name, variables in self.calls if name == operation]


def counting(*counts: int) -> Handler:
    left = list(counts)

    def answer(_: dict[str, Any]) -> dict[str, Any]:
        number = left.pop(0) if len(left) > 1 else left[0]
        return {"ordersCount": {"count": number, "precision": "EXACT"}}

    return answer


def paging(*pages: list[dict[str, Any]]) -> Handler:
    """Serve pages in turn by cursor; a second reading starts over."""

    def answer(variables: dict[str, Any]) -> dict[str, Any]:
        at = int(variables["after"] or 0)
        cursor = str(at + 1) if at + 1 < len(pages) else None
        return {"orders": connection(pages[at], cursor)}

    return answer


def header(number: int, day: int = 20) -> OrderHeader:
    at = datetime(2026, 11, day, 10, tzinfo=UTC)
    gid = f"gid://shopify/Order/{number}"
    return OrderHeader(gid, f"#{number}", at, at, Decimal(1), "USD")


def serving(**orders: Any) -> Handler:
    def answer(variables: dict[str, Any]) -> dict[str, Any]:
        numbers = [int(gid.rsplit("/", 1)[1]) for gid in variables["ids"]]
        return {"nodes": [orders.get(f"n{number}", order(number)) for number in numbers]}

    return answer


def fetched(shop: Shop, numbers: Any, clock: FakeClock | None = None, **settings: Any) -> list[Any]:
    store = store_of(shop.script, clock, **settings)
    batches = list(store.fetch([header(number) for number in numbers]))
    return [raw for batch in batches for raw in batch]


# -- searching


def test_a_window_is_searched_with_quoted_times_and_both_ends_closed() -> None:
    assert search_of(UPDATED) == (
        "updated_at:>='2026-11-20T00:00:00Z' AND updated_at:<='2026-11-21T00:00:00Z'"
    )


def test_fractions_of_a_second_widen_the_search_and_never_narrow_it() -> None:
    half = timedelta(microseconds=500_000)
    window = Window(DAY.start_at + half, DAY.end_at + half)

    assert search_of(Selection(window, Basis.UPDATED)) == (
        "updated_at:>='2026-11-20T00:00:00Z' AND updated_at:<='2026-11-21T00:00:01Z'"
    )


def test_a_backfill_searches_what_was_created_or_updated() -> None:
    assert search_of(EITHER) == (
        "(created_at:>='2026-11-20T00:00:00Z' AND created_at:<='2026-11-21T00:00:00Z') OR "
        "(updated_at:>='2026-11-20T00:00:00Z' AND updated_at:<='2026-11-21T00:00:00Z')"
    )


def test_statuses_narrow_the_search() -> None:
    selection = Selection(DAY, Basis.UPDATED, statuses=("paid", "refunded"))

    assert search_of(selection).endswith(
        " AND (financial_status:paid OR financial_status:refunded)"
    )


def test_an_unknown_status_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ConfigurationError, match="status payed"):
        search_of(Selection(DAY, Basis.UPDATED, statuses=("payed",)))


def test_a_quote_in_a_term_cannot_end_it() -> None:
    assert quoted("it's \\") == "'it\\'s \\\\'"


# -- listing


def test_the_list_is_paged_to_its_end_and_filtered_again_at_both_ends() -> None:
    shop = Shop(
        OrdersCount=counting(4),
        OrdersWindow=paging(
            [listed(1, "2026-11-20T00:00:00Z"), listed(2, "2026-11-20T23:59:59Z")],
            [listed(3, "2026-11-21T00:00:00Z"), listed(4, "2026-11-19T23:59:59Z")],
        ),
    )

    headers = list(store_of(shop.script, page_size=2).list_headers(UPDATED))

    assert [h.order_number for h in headers] == ["#1", "#2"]
    assert headers[0].total == Decimal("12.5")
    assert headers[0].currency == "USD"
    assert headers[0].unit_count == 2
    assert headers[0].updated_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert [v["after"] for v in shop.named("OrdersWindow")] == [None, "1"]


def test_a_backfill_owns_orders_created_in_the_window_whenever_they_were_updated() -> None:
    shop = Shop(
        OrdersCount=counting(1),
        OrdersWindow=paging([listed(1, updated="2026-12-24T00:00:00Z")]),
    )

    assert len(list(store_of(shop.script).list_headers(EITHER))) == 1
    assert list(store_of(shop.script).list_headers(UPDATED)) == []


def test_the_same_order_on_two_pages_is_listed_once() -> None:
    shop = Shop(OrdersCount=counting(1), OrdersWindow=paging([listed(1)], [listed(1)]))

    assert len(list(store_of(shop.script).list_headers(UPDATED))) == 1


def test_a_list_short_of_the_count_is_read_once_more_after_a_pause() -> None:
    clock = FakeClock()
    pages = iter([[listed(1)], [listed(1), listed(2)]])
    shop = Shop(OrdersCount=counting(2), OrdersWindow=lambda _: {"orders": connection(next(pages))})

    headers = list(store_of(shop.script, clock).list_headers(UPDATED))

    assert [h.order_number for h in headers] == ["#1", "#2"]
    assert clock.slept == [10.0]


def test_a_list_that_stays_short_of_the_count_stops_the_window() -> None:
    shop = Shop(OrdersCount=counting(3), OrdersWindow=paging([listed(1)]))

    with pytest.raises(WindowError, match=r"counts 3 orders .* lists only 1"):
        list(store_of(shop.script).list_headers(UPDATED))


def test_orders_that_leave_the_range_while_it_is_read_are_no_gap() -> None:
    clock = FakeClock()
    shop = Shop(OrdersCount=counting(2, 1), OrdersWindow=paging([listed(1)]))

    assert len(list(store_of(shop.script, clock).list_headers(UPDATED))) == 1
    assert clock.slept == []


NO_COUNT = [{"count": 1, "precision": "AT_LEAST"}, None]


@pytest.mark.parametrize("counted", NO_COUNT)
def test_without_an_exact_count_the_list_is_read_twice(counted: dict[str, Any] | None) -> None:
    shop = Shop(
        OrdersCount=lambda _: {"ordersCount": counted},
        OrdersWindow=paging([listed(1), listed(2)]),
    )

    assert len(list(store_of(shop.script).list_headers(UPDATED))) == 2
    assert len(shop.named("OrdersWindow")) == 2


@pytest.mark.parametrize("counted", NO_COUNT)
def test_without_an_exact_count_a_list_that_wavers_stops_the_window(
    counted: dict[str, Any] | None,
) -> None:
    pages = iter([[listed(1)], [listed(1), listed(2)], [listed(1)]])
    shop = Shop(
        OrdersCount=lambda _: {"ordersCount": counted},
        OrdersWindow=lambda _: {"orders": connection(next(pages))},
    )

    with pytest.raises(WindowError, match="lists 1 of them at one time and not at another"):
        list(store_of(shop.script).list_headers(UPDATED))


@pytest.mark.parametrize("cursor", ["same", ""])
def test_a_page_that_leads_nowhere_new_is_an_error_and_not_a_loop(cursor: str) -> None:
    shop = Shop(
        OrdersCount=counting(9),
        OrdersWindow=lambda _: {"orders": connection([listed(1)], cursor)},
    )

    with pytest.raises(WindowError, match="no new cursor"):
        list(store_of(shop.script).list_headers(UPDATED))


def test_a_large_window_is_halved_until_each_part_can_be_paged() -> None:
    def matching(variables: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = (part.split("'")[1] for part in variables["query"].split(" AND "))
        orders = [listed(n, f"2026-11-20T{n:02d}:00:00Z") for n in range(24)]
        return [node for node in orders if first <= node["updatedAt"] <= last]

    shop = Shop(
        OrdersCount=lambda v: {"ordersCount": {"count": len(matching(v)), "precision": "EXACT"}},
        OrdersWindow=lambda v: {"orders": connection(matching(v))},
    )

    headers = list(store_of(shop.script, split_above=6).list_headers(UPDATED))

    assert sorted(h.order_number for h in headers) == sorted(f"#{n}" for n in range(24))
    assert len(shop.named("OrdersWindow")) > 4


def test_a_second_with_too_many_orders_stops_the_window() -> None:
    shop = Shop(OrdersCount=counting(99))

    with pytest.raises(WindowError, match="cannot be split further"):
        list(store_of(shop.script, split_above=10).list_headers(UPDATED))


def test_order_numbers_are_searched_by_name_with_and_without_the_hash() -> None:
    shop = Shop(OrdersWindow=paging([listed(1001), listed(10011), listed(7)]))
    selection = Selection(DAY, Basis.UPDATED, order_numbers=("1001", "#7", "1001"))

    headers = list(store_of(shop.script).list_headers(selection))

    assert [h.order_number for h in headers] == ["#1001", "#7"]
    assert shop.named("OrdersWindow")[0]["query"] == (
        "(name:'1001' OR name:'#1001' OR name:'#7' OR name:'7')"
    )


def test_an_order_number_that_the_store_does_not_have_is_named() -> None:
    shop = Shop(OrdersWindow=paging([listed(7)]))
    selection = Selection(DAY, Basis.UPDATED, order_numbers=("#7", "#8"))

    with pytest.raises(WindowError, match="no order #8"):
        list(store_of(shop.script).list_headers(selection))


def test_statuses_are_checked_again_on_our_side() -> None:
    shop = Shop(
        OrdersCount=counting(2),
        OrdersWindow=paging([listed(1, status="PAID"), listed(2, status=None)]),
    )
    selection = Selection(DAY, Basis.UPDATED, statuses=("paid",))

    assert [h.order_number for h in store_of(shop.script).list_headers(selection)] == ["#1"]


# -- hydrating


def test_every_header_becomes_one_document_in_order_with_its_own_bytes() -> None:
    shop = Shop(OrdersHydrate=serving())

    raws = fetched(shop, range(1, 120))

    assert [raw.order_number for raw in raws] == [f"#{n}" for n in range(1, 120)]
    assert orjson.loads(raws[0].body) == raws[0].document == order(1)
    assert raws[0].updated_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_no_headers_need_no_call() -> None:
    shop = Shop()

    assert fetched(shop, []) == []
    assert shop.calls == []


@pytest.mark.parametrize("prefetch", [0, 2])
def test_batches_grow_while_the_store_answers_quickly(prefetch: int) -> None:
    shop = Shop(OrdersHydrate=serving())

    fetched(shop, range(400), batch_start=10, batch_max=80, prefetch=prefetch)

    sizes = [len(v["ids"]) for v in shop.named("OrdersHydrate")]
    assert sizes == [10, 20, 40, 80, 80, 80, 80, 10]


def test_a_slow_answer_keeps_batches_from_growing() -> None:
    clock = FakeClock()

    def slow(variables: dict[str, Any]) -> dict[str, Any]:
        clock.at += timedelta(seconds=20)
        return serving()(variables)

    shop = Shop(OrdersHydrate=slow)
    fetched(shop, range(30), clock, batch_start=10)

    assert [len(v["ids"]) for v in shop.named("OrdersHydrate")] == [10, 10, 10]


def test_a_batch_that_costs_too_much_is_halved_for_good() -> None:
    def dear(variables: dict[str, Any]) -> Any:
        if len(variables["ids"]) > 20:
            return failure("MAX_COST_EXCEEDED")
        return serving()(variables)

    shop = Shop(OrdersHydrate=dear)
    raws = fetched(shop, range(100), batch_start=64)

    sizes = [len(v["ids"]) for v in shop.named("OrdersHydrate")]
    assert sizes[:3] == [64, 32, 16]
    assert set(sizes[3:]) <= {16, 4}
    assert len(raws) == 100


@pytest.mark.parametrize("trouble", [requests.ReadTimeout("x"), reply(None, 502, raw=b"")])
def test_a_batch_that_times_out_is_made_smaller(trouble: Any) -> None:
    def heavy(variables: dict[str, Any]) -> Any:
        return trouble if len(variables["ids"]) > 10 else serving()(variables)

    shop = Shop(OrdersHydrate=heavy)

    assert len(fetched(shop, range(50), batch_start=40)) == 50


def test_one_order_that_never_comes_ends_the_fetch_after_all_attempts() -> None:
    shop = Shop(OrdersHydrate=lambda _: reply(None, 502, raw=b""))

    with pytest.raises(RemoteUnavailable):
        fetched(shop, [1], attempts=3)
    assert len(shop.named("OrdersHydrate")) == 3


def test_a_listed_order_without_a_record_is_asked_for_again_and_then_comes_with_its_fault() -> None:
    shop = Shop(OrdersHydrate=serving(n2=None))

    faults = {raw.order_number: raw.fault for raw in fetched(shop, [1, 2, 3])}
    assert faults["#1"] == faults["#3"] == ""
    assert faults["#2"] == "order #2: the store lists it and does not give it; was it deleted?"
    assert [v["ids"] for v in shop.named("OrdersHydrate")][1] == ["gid://shopify/Order/2"]


def test_a_record_that_appears_at_the_second_asking_is_taken() -> None:
    answers = iter([{"nodes": [order(1), None]}, {"nodes": [order(2)]}])
    shop = Shop(OrdersHydrate=lambda _: next(answers))

    assert [raw.order_number for raw in fetched(shop, [1, 2])] == ["#1", "#2"]


def test_another_record_than_the_asked_one_stops_the_window() -> None:
    shop = Shop(OrdersHydrate=serving(n1=order(9)))

    with pytest.raises(WindowError, match="another record"):
        fetched(shop, [1])


def test_lines_are_paged_to_their_end_and_folded_into_the_same_nodes() -> None:
    pages = iter([connection([{"id": "b"}], "c2"), connection([{"id": "c"}])])
    shop = Shop(
        OrdersHydrate=serving(n1=order(1, lineItems=connection([{"id": "a"}], "c1"))),
        OrderLineItems=lambda _: {
            "node": {
                "id": "gid://shopify/Order/1",
                "updatedAt": "2026-11-20T10:00:00Z",
                "lineItems": next(pages),
            }
        },
    )

    (raw,) = fetched(shop, [1])

    assert raw.document["lineItems"] == connection([{"id": "a"}, {"id": "b"}, {"id": "c"}])
    assert [v["after"] for v in shop.named("OrderLineItems")] == ["c1", "c2"]


def test_an_order_that_changes_between_its_pages_is_read_again_from_the_start() -> None:
    fresh = order(1, updatedAt="2026-11-20T11:00:00Z", lineItems=connection([{"id": "new"}]))
    versions = iter([order(1, lineItems=connection([{"id": "a"}], "c1")), fresh])
    shop = Shop(
        OrdersHydrate=lambda _: {"nodes": [next(versions)]},
        OrderLineItems=lambda _: {
            "node": {
                "id": "gid://shopify/Order/1",
                "updatedAt": "2026-11-20T11:00:00Z",
                "lineItems": connection(),
            }
        },
    )

    (raw,) = fetched(shop, [1])

    assert raw.document == fresh


@pytest.mark.parametrize(
    ("field", "operation"),
    [
        ("refundLineItems", "RefundLineItems"),
        ("refundShippingLines", "RefundShippingLines"),
        ("orderAdjustments", "RefundAdjustments"),
        ("transactions", "RefundTransactions"),
    ],
)
def test_everything_in_a_refund_is_paged_to_its_end(field: str, operation: str) -> None:
    cut = refund(5, **{field: connection([{"id": "a"}], "c1")})
    rest = {"id": cut["id"], "updatedAt": "x", field: connection([{"id": "b"}])}
    shop = Shop(
        OrdersHydrate=serving(n1=order(1, refunds=[refund(4), cut])),
        **{operation: lambda _: {"node": rest}},
    )

    (raw,) = fetched(shop, [1])

    assert raw.document["refunds"][1][field] == connection([{"id": "a"}, {"id": "b"}])


def test_a_plain_list_shorter_than_its_count_is_that_orders_fault_and_not_a_truncation() -> None:
    cut = order(1, transactionsCount={"count": 3, "precision": "EXACT"}, transactions=[{}, {}])

    cut_short, whole = fetched(Shop(OrdersHydrate=serving(n1=cut)), [1, 2])
    assert "3 transactions of which only 2" in cut_short.fault
    assert "transactions" not in cut_short.document
    assert whole.fault == ""


def test_an_order_that_the_store_fails_to_read_is_found_among_the_others() -> None:
    def failing(variables: dict[str, Any]) -> Any:
        bad = "gid://shopify/Order/77"
        if bad not in variables["ids"]:
            return serving()(variables)
        path = ["nodes", variables["ids"].index(bad), "lineItems"]
        return reply({"data": {"nodes": []}, "errors": [{"message": "No.", "path": path}]})

    shop = Shop(OrdersHydrate=failing)

    raws = fetched(shop, range(1, 101), batch_start=64)

    assert [raw.order_number for raw in raws if raw.fault] == ["#77"]
    assert len(raws) == 100


def test_a_store_that_fails_at_many_orders_is_itself_at_fault() -> None:
    with pytest.raises(WindowError, match="could not give"):
        fetched(Shop(OrdersHydrate=lambda v: {"nodes": [None] * len(v["ids"])}), range(100))


def test_what_turns_out_to_be_denied_is_left_out_and_the_rest_is_read() -> None:
    def denying(variables: dict[str, Any]) -> Any:
        if not variables["withProducts"]:
            return serving()(variables)
        path = ["nodes", 0, "lineItems", "nodes", 0, "variant"]
        error = {"message": "No.", "path": path, "extensions": {"code": "ACCESS_DENIED"}}
        return reply({"data": {"nodes": []}, "errors": [error]})

    shop = Shop(OrdersHydrate=denying)

    assert len(fetched(shop, [1, 2])) == 2
    last = shop.named("OrdersHydrate")[-1]
    assert (last["withProducts"], last["withCustomers"], last["withPersonal"]) == (
        False,
        True,
        True,
    )


def test_what_the_scopes_do_not_allow_is_not_asked_for_and_comes_as_null() -> None:
    shop = Shop(
        ShopFacts=lambda _: {
            "shop": {},
            "currentAppInstallation": {"accessScopes": [{"handle": "write_orders"}]},
        },
        OrdersHydrate=lambda _: {
            "nodes": [order(1, lineItems=connection([{"id": "a"}]), refunds=[])]
        },
    )

    (raw,) = fetched(shop, [1])

    asked = shop.named("OrdersHydrate")[0]
    assert (asked["withCustomers"], asked["withProducts"], asked["withLocations"]) == (False,) * 3
    assert raw.document["customer"] is None
    assert raw.document["lineItems"]["nodes"] == [{"id": "a", "variant": None, "product": None}]


def test_denied_customer_data_is_left_out_and_the_shape_stays() -> None:
    document = order(
        1, customer={"id": "c"}, billingAddress={"city": "Ghent"}, shippingAddress=None
    )

    whole = filled(document, Access(personal=False))

    assert whole["email"] is None
    assert whole["customer"]["displayName"] is None
    assert whole["billingAddress"] == {
        "city": "Ghent",
        **dict.fromkeys(("name", "address1", "address2", "zip", "phone")),
    }


def test_an_app_without_approval_for_customer_data_still_reads_orders() -> None:
    shop = Shop(
        PrivacyProbe=lambda _: failure("ACCESS_DENIED", "not approved to use the email field"),
        OrdersHydrate=serving(
            n1=order(1, customer=None, billingAddress=None, shippingAddress=None)
        ),
    )

    (raw,) = fetched(shop, [1])

    assert shop.named("OrdersHydrate")[0]["withPersonal"] is False
    assert raw.document["email"] is None


def test_a_caller_that_stops_early_leaves_no_thread_behind() -> None:
    import threading

    shop = Shop(OrdersHydrate=serving())
    stream = store_of(shop.script, batch_start=1, batch_max=1).fetch([header(n) for n in range(50)])
    next(iter(stream))
    stream.close()

    assert not [t for t in threading.enumerate() if t.name == "prefetch"]
    assert len(shop.named("OrdersHydrate")) < 10
