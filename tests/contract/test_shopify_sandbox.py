"""The Shopify sandbox answers as the published contract says, seen over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.contract.sandbox_shop import PAGE, Shop, code, sandbox


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with sandbox() as found:
        yield found


@pytest.fixture
def fresh() -> Iterator[Shop]:
    with sandbox() as found:
        yield found


class TestTokens:
    def test_client_credentials_buy_a_token_for_a_day(self, shop: Shop) -> None:
        answer = requests.post(
            f"{shop.url}/admin/oauth/access_token",
            data={
                "grant_type": "client_credentials",
                "client_id": "counterfoil-app",
                "client_secret": "counterfoil-secret",
            },
            timeout=5,
        )
        assert answer.status_code == 200
        assert answer.json()["expires_in"] == 86399
        assert "read_orders" in answer.json()["scope"].split(",")
        granted = Shop(shop.url, answer.json()["access_token"])
        assert granted.ask("{ shop { name } }")["data"]["shop"]["name"]

    def test_a_wrong_secret_is_refused_with_an_error_page(self, shop: Shop) -> None:
        answer = requests.post(
            f"{shop.url}/admin/oauth/access_token",
            json={
                "grant_type": "client_credentials",
                "client_id": "counterfoil-app",
                "client_secret": "wrong",
            },
            timeout=5,
        )
        assert answer.status_code == 400
        assert "Oauth error" in answer.text

    def test_an_unknown_token_is_refused_in_shopifys_words(self, shop: Shop) -> None:
        answer = Shop(shop.url, "shpat_nobody").post("{ shop { name } }")
        assert answer.status_code == 401
        assert answer.json()["errors"].startswith("[API] Invalid API key or access token")

    def test_expired_tokens_are_refused_and_static_ones_live_on(self, fresh: Shop) -> None:
        bought = requests.post(
            f"{fresh.url}/admin/oauth/access_token",
            data={
                "grant_type": "client_credentials",
                "client_id": "counterfoil-app",
                "client_secret": "counterfoil-secret",
            },
            timeout=5,
        ).json()["access_token"]
        fresh.control("POST", "tokens/expire")
        assert Shop(fresh.url, bought).post("{ shop { name } }").status_code == 401
        assert fresh.post("{ shop { name } }").status_code == 200


class TestVersions:
    def test_the_version_asked_for_is_named_in_the_header(self, shop: Shop) -> None:
        answer = shop.post("{ shop { name } }")
        assert answer.headers["X-Shopify-API-Version"] == "2026-10"
        assert answer.headers["X-Request-Id"]

    def test_a_retired_version_falls_forward_silently(self, shop: Shop) -> None:
        answer = shop.post("{ shop { name } }", version="2024-01")
        assert answer.status_code == 200
        assert answer.headers["X-Shopify-API-Version"] == "2026-01"

    def test_a_version_that_never_was_is_not_found(self, shop: Shop) -> None:
        assert shop.post("{ shop { name } }", version="2031-01").status_code == 404


class TestDocuments:
    @pytest.mark.parametrize(
        ("query", "variables", "expected"),
        [
            ("{ shop { nope } }", {}, "undefinedField"),
            ("{ order { id } }", {}, "missingRequiredArguments"),
            ("{ orders(first: 1, nope: 2) { nodes { id } } }", {}, "argumentNotAccepted"),
            ("{ shop }", {}, "selectionMismatch"),
            ("query Q($id: ID!) { order(id: $id) { id } }", {}, "INVALID_VARIABLE"),
            ("query Q($id: ID!) { order(id: $id) { id } }", {"id": "1001"}, "INVALID_VARIABLE"),
            ("query Q($n: Int) { orders(first: $n) { nodes { id } } }", {"n": "x"},
             "INVALID_VARIABLE"),
        ],
    )  # fmt: skip
    def test_a_document_that_does_not_fit_the_schema_fails_with_200(
        self, shop: Shop, query: str, variables: dict[str, Any], expected: str
    ) -> None:
        answer = shop.post(query, **variables)
        assert answer.status_code == 200
        assert code(answer.json()) == expected
        assert "data" not in answer.json()

    def test_a_text_that_is_no_query_is_a_syntax_error(self, shop: Shop) -> None:
        assert shop.ask("{ shop ")["errors"][0]["message"].startswith("syntax error")

    def test_an_unknown_input_field_is_named_in_the_problems(self, shop: Shop) -> None:
        answer = shop.ask(
            "mutation M($input: RefundInput!) { refundCreate(input: $input) { refund { id } } }",
            input={"orderId": "gid://shopify/Order/1", "nope": 1},
        )
        problem = answer["errors"][0]["extensions"]["problems"][0]
        assert problem == {
            "path": ["nope"],
            "explanation": "Field is not defined on RefundInput",
        }


class TestLimits:
    def test_a_page_of_more_than_250_is_refused(self, shop: Shop) -> None:
        answer = shop.ask(PAGE, first=251)
        assert answer["errors"][0]["message"].startswith("first cannot exceed 250")

    def test_a_connection_needs_a_size(self, shop: Shop) -> None:
        message = shop.ask("{ orders { nodes { id } } }")["errors"][0]["message"]
        assert message == "you must provide one of first or last"

    def test_more_than_250_ids_are_refused(self, shop: Shop) -> None:
        ids = [f"gid://shopify/Order/{number}" for number in range(251)]
        answer = shop.ask("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
        assert code(answer) == "MAX_INPUT_SIZE_EXCEEDED"
        assert answer["errors"][0]["message"] == (
            "The input array size of 251 is greater than the maximum allowed of 250."
        )

    def test_a_query_beyond_a_thousand_points_is_refused_before_it_runs(self, shop: Shop) -> None:
        answer = shop.ask(
            "{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { variant { id } "
            "product { id } taxLines { title } duties { id } discountAllocations { "
            "discountApplication { index } } sellingPlan { name } image { id } } } } } }"
        )
        assert code(answer) == "MAX_COST_EXCEEDED"
        assert answer["errors"][0]["extensions"]["maxCost"] == 1000

    def test_paging_ends_at_the_cap(self) -> None:
        with sandbox(paging_cap=100) as small:
            first = small.ask(PAGE, first=90)["data"]["orders"]["pageInfo"]
            answer = small.ask(PAGE, first=90, after=first["endCursor"])
        assert code(answer) == "BAD_REQUEST"


class TestCosts:
    @pytest.mark.parametrize(
        ("query", "requested"),
        [
            ("{ shop { currencyCode taxesIncluded } }", 1),
            ("{ ordersCount { count precision } }", 10),
            ("{ locations(first: 20) { nodes { id name } } }", 7),
            ("{ orders(first: 1) { nodes { id } pageInfo { endCursor } } }", 3),
            ("{ orders(first: 250) { nodes { id updatedAt } } }", 13),
            ('{ order(id: "gid://shopify/Order/1") { id lineItems(first: 10) { nodes { title } } '
             "shippingLines(first: 10) { nodes { title } } totalPriceSet { shopMoney { amount } } "
             "} }", 13),
            ('{ bulkOperation(id: "gid://shopify/BulkOperation/1") { id } }', 1),
            ("{ shopifyPaymentsAccount { id payouts(first: 1) { nodes { id } } "
             "disputes(first: 1) { edges { node { id } } } "
             "balanceTransactions(first: 1) { nodes { id } } } }", 10),
        ],
    )  # fmt: skip
    def test_the_requested_cost_is_the_recorded_one(
        self, shop: Shop, query: str, requested: int
    ) -> None:
        assert shop.ask(query)["extensions"]["cost"]["requestedQueryCost"] == requested

    @pytest.mark.parametrize(("people", "requested"), [(True, 2 + 7 * 2), (False, 2 + 7)])
    def test_what_is_skipped_costs_nothing(self, shop: Shop, people: bool, requested: int) -> None:
        query = (
            "query Q($people: Boolean!) { orders(first: 50) { nodes { id "
            "... on Order @include(if: $people) { customer { id } } } } }"
        )
        cost = shop.ask(query, people=people)["extensions"]["cost"]
        assert cost["requestedQueryCost"] == requested

    def test_an_empty_bucket_throttles_with_200_and_says_what_it_holds(self) -> None:
        with sandbox(bucket_size=20.0, restore_rate=0.0) as poor:
            poor.ask(PAGE, first=250)
            answer = poor.post(PAGE, first=250)
        assert answer.status_code == 200
        assert code(answer.json()) == "THROTTLED"
        cost = answer.json()["extensions"]["cost"]
        assert cost["requestedQueryCost"] == 13
        assert cost["actualQueryCost"] is None
        assert cost["throttleStatus"]["currentlyAvailable"] < 13

    def test_throttling_may_come_as_429_too(self) -> None:
        with sandbox(bucket_size=5.0, restore_rate=0.0, throttle_status=429) as poor:
            assert poor.post(PAGE, first=250).status_code == 429

    def test_what_was_not_used_is_given_back(self) -> None:
        with sandbox(bucket_size=1000.0, restore_rate=0.0) as idle:
            answer = idle.ask(PAGE, first=250, query="id:1")["extensions"]["cost"]
        assert answer["actualQueryCost"] == 2
        assert answer["throttleStatus"]["currentlyAvailable"] == 998


class TestScopes:
    def test_a_field_without_its_scope_is_denied_in_shopifys_words(self, shop: Shop) -> None:
        answer = shop.ask("{ shopifyPaymentsAccount { id } }")
        assert answer["data"] == {"shopifyPaymentsAccount": None}
        error = answer["errors"][0]
        assert error["message"] == (
            "Access denied for shopifyPaymentsAccount field. Required access: the "
            "`read_shopify_payments` or the `read_shopify_payments_accounts` access scope."
        )
        assert error["extensions"]["code"] == "ACCESS_DENIED"
        assert error["path"] == ["shopifyPaymentsAccount"]

    def test_orders_need_read_orders(self) -> None:
        with sandbox(scopes=("read_products",)) as closed:
            assert code(closed.ask(PAGE, first=1)) == "ACCESS_DENIED"
            assert code(closed.ask("{ ordersCount { count } }")) == "ACCESS_DENIED"

    def test_nodes_need_the_scope_of_what_they_are(self) -> None:
        with sandbox(scopes=("read_products",)) as closed:
            gid = closed.control("GET", "orders")["orders"][0]["id"]
            answer = closed.ask("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[gid])
        assert code(answer) == "ACCESS_DENIED"

    def test_customers_need_read_customers(self) -> None:
        with sandbox(scopes=("read_orders",)) as closed:
            answer = closed.ask("{ orders(first: 1) { nodes { id customer { id } } } }")
        assert answer["data"]["orders"]["nodes"][0]["customer"] is None
        assert code(answer) == "ACCESS_DENIED"

    def test_old_orders_are_left_out_silently_without_read_all_orders(self) -> None:
        scopes = ("read_orders", "read_customers")
        with sandbox(scopes=scopes) as short:
            now = {"now": "2027-01-18T12:00:00Z"}
            short.control("POST", "clock", **now)
            some = short.ask("{ ordersCount { count } }")["data"]["ordersCount"]["count"]
            gid = short.control("GET", "orders")["orders"][0]["id"]
            oldest = short.ask("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[gid])
        assert 0 < some < 180
        assert oldest["data"]["nodes"] == [None]
        assert "errors" not in oldest

    def test_granted_scopes_can_be_read(self, shop: Shop) -> None:
        data = shop.ask("{ currentAppInstallation { accessScopes { handle } } }")["data"]
        handles = [row["handle"] for row in data["currentAppInstallation"]["accessScopes"]]
        assert "read_all_orders" in handles


class TestCustomerData:
    NAMES = "{ orders(first: 5) { nodes { email shippingAddress { name city zip } } } }"

    def test_it_is_null_where_it_is_not_approved(self) -> None:
        with sandbox(pii="null") as redacted:
            answer = redacted.ask(self.NAMES)
        assert "errors" not in answer
        for node in answer["data"]["orders"]["nodes"]:
            assert node["email"] is None
            assert not node["shippingAddress"] or node["shippingAddress"]["name"] is None

    def test_it_may_be_denied_outright(self) -> None:
        with sandbox(pii="denied") as closed:
            assert code(closed.ask(self.NAMES)) == "ACCESS_DENIED"


class TestTransport:
    def test_answers_are_packed_on_request_only(self, shop: Shop) -> None:
        url = f"{shop.url}/admin/api/2026-10/graphql.json"
        headers = {"X-Shopify-Access-Token": "shpat_sandbox"}
        body = {"query": PAGE, "variables": {"first": 50}}
        plain = requests.post(
            url, json=body, headers={**headers, "Accept-Encoding": "identity"}, timeout=5
        )
        assert "Content-Encoding" not in plain.headers
        packed = requests.post(
            url, json=body, headers={**headers, "Accept-Encoding": "gzip"}, timeout=5, stream=True
        )
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.raw.read(decode_content=False))[:8] == b'{"data":'

    def test_a_body_that_is_no_query_is_a_bad_request(self, shop: Shop) -> None:
        url = f"{shop.url}/admin/api/2026-10/graphql.json"
        headers = {"X-Shopify-Access-Token": "shpat_sandbox"}
        assert requests.post(url, data="{", headers=headers, timeout=5).status_code == 400

    def test_a_query_may_be_posted_bare(self, shop: Shop) -> None:
        answer = shop.session.post(
            f"{shop.url}/admin/api/2026-10/graphql.json",
            data="{ shop { name } }",
            headers={"Content-Type": "application/graphql"},
            timeout=5,
        )
        assert answer.json()["data"]["shop"]["name"]

    def test_an_answer_in_another_format_is_not_to_be_had(self, shop: Shop) -> None:
        answer = shop.session.post(
            f"{shop.url}/admin/api/2026-10/graphql.json",
            json={"query": "{ shop { name } }"},
            headers={"Accept": "text/xml"},
            timeout=5,
        )
        assert answer.status_code == 406

    def test_any_other_path_is_not_found(self, shop: Shop) -> None:
        assert shop.session.get(f"{shop.url}/admin/orders.json", timeout=5).status_code == 404


class TestPreflight:
    def test_shop_versions_and_locations(self, shop: Shop) -> None:
        data = shop.ask(
            "{ shop { id name myshopifyDomain currencyCode ianaTimezone plan { publicDisplayName "
            "shopifyPlus } } publicApiVersions { handle supported } "
            "locations(first: 5) { nodes { id name } } }"
        )["data"]
        assert data["shop"]["currencyCode"] == "USD"
        assert data["shop"]["ianaTimezone"] == "America/New_York"
        assert {"handle": "2026-10", "supported": True} in data["publicApiVersions"]
        assert len(data["locations"]["nodes"]) == 2

    def test_what_is_not_served_is_refused_rather_than_empty(self, shop: Shop) -> None:
        answer = shop.ask(
            "{ orders(first: 1) { nodes { agreements(first: 1) { nodes { id } } } } }"
        )
        assert code(answer) == "SANDBOX_NOT_SERVED"
        answer = shop.ask('mutation { orderClose(input: {id: "gid://shopify/Order/1"}) '
                          "{ order { id } } }")  # fmt: skip
        assert code(answer) == "SANDBOX_NOT_SERVED"

    def test_a_field_that_no_record_holds_is_empty_but_of_its_type(self, shop: Shop) -> None:
        answer = shop.ask(
            "{ orders(first: 1) { nodes { risk { recommendation } merchantBusinessEntity { "
            "displayName } paymentCollectionDetails { additionalPaymentCollectionUrl } "
            'metafield(namespace: "a", key: "b") { value } disputes { id } } } }'
        )
        assert "errors" not in answer, answer["errors"]
