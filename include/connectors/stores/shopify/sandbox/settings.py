"""The switches of the sandbox: what a shop, an app and the service around them may be like.

Every limit has the published or recorded value as its default, so that a sandbox started without
arguments is as strict as the shop it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

API_VERSION = "2026-10"
SUPPORTED_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")

DEFAULT_SCOPES = (
    "read_orders",
    "read_all_orders",
    "read_customers",
    "read_products",
    "read_inventory",
    "read_locations",
    "read_fulfillments",
    "read_merchant_managed_fulfillment_orders",
    "read_returns",
    "read_payment_terms",
)


@dataclass(slots=True)
class SandboxSettings:
    """What can be set before the start or switched while the sandbox runs.

    Attributes:
        client_id: The app's client id for the client-credentials grant.
        client_secret: Its secret.
        static_tokens: Access tokens that are accepted as they are, as of a legacy custom app.
        scopes: Access scopes granted to the app.
        serve_version: The version really served; any other than the one asked for shows up in the
            X-Shopify-API-Version header only, as when a retired version falls forward.
        bucket_size: Points the leaky bucket holds.
        restore_rate: Points restored per second.
        throttle_status: HTTP status of a THROTTLED answer (Shopify: 200; some report 429).
        max_query_cost: Largest requested cost of one query, in points.
        max_page: Largest `first` or `last`.
        max_ids: Largest array in an argument.
        paging_cap: Objects one search can be paged through.
        count_cap: Default upper bound of a count.
        index_lag_seconds: How long the search index trails behind the records.
        inclusive_dates: `>` and `<` on dates behave as `>=` and `<=`.
        pii: "full", "null" (redacted) or "denied" (an error per protected field).
        token_seconds: Life of a token from the client-credentials grant.
        bulk_concurrency: Bulk queries that may run at once.
        bulk_polls: Polls of a bulk operation before it is finished (deterministic progress).
        bulk_drops_when_sorted: A sorted and filtered bulk query silently omits records.
        hang_seconds: How long a request that "never" answers is held open.
    """

    client_id: str = "counterfoil-app"
    client_secret: str = "counterfoil-secret"  # noqa: S105 - a made-up secret of a made-up shop
    static_tokens: tuple[str, ...] = ("shpat_sandbox",)
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    serve_version: str | None = None
    bucket_size: float = 2000.0
    restore_rate: float = 100.0
    throttle_status: int = 200
    max_query_cost: int = 1000
    max_page: int = 250
    max_ids: int = 250
    paging_cap: int = 25_000
    count_cap: int = 10_000
    index_lag_seconds: float = 0.0
    inclusive_dates: bool = True
    pii: str = "full"
    token_seconds: int = 86_399
    bulk_concurrency: int = 5
    bulk_polls: int = 1
    bulk_drops_when_sorted: bool = True
    hang_seconds: float = 120.0
