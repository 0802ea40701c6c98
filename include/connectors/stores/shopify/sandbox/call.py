"""One request as the resolvers see it: the shop, the switches, the app's rights, its warnings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from graphql import GraphQLError

from include.connectors.stores.shopify.sandbox.paging import BULK_HINT
from include.connectors.stores.shopify.sandbox.render import Record, instant
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState

ORDER_DAYS = 60


def _never(_kind: str) -> bool:
    return False


@dataclass(slots=True)
class Call:
    """The context of one execution.

    Attributes:
        store: The shop's records, as the executor sees them.
        shop: The shop's records.
        settings: The switches.
        granted: Scopes the token carries; a write scope carries its read scope.
        bulk: Whether a bulk operation runs the query.
        fault: Takes a fault of a kind if one is switched on for this request.
        bulk_operations: Runs and remembers bulk operations.
        base_url: Where this server answers, for links to results.
        search: Search warnings to report.
    """

    shop: StoreState
    settings: SandboxSettings
    granted: frozenset[str]
    bulk: bool = False
    fault: Callable[[str], bool] = _never
    bulk_operations: Any = None
    base_url: str = ""
    search: list[dict[str, Any]] = field(default_factory=list)

    @property
    def store(self) -> Call:
        """This call, through which records are looked up with the app's rights."""
        return self

    def record(self, gid: str) -> Record | None:
        """Return a record that the app may see."""
        found = self.shop.record(gid)
        if found is not None and found["__typename"] == "Order" and not self.sees(found):
            return None
        return found

    def sees(self, record: Record) -> bool:
        """Tell whether an order is recent enough for the app's scopes."""
        oldest = self.oldest()
        return oldest is None or str(record["createdAt"]) >= oldest

    def oldest(self) -> str | None:
        """Return the creation time before which orders are silently left out, if any."""
        if "read_all_orders" in self.granted:
            return None
        return instant(self.shop.clock.now() - timedelta(days=ORDER_DAYS))

    @property
    def currency(self) -> str:
        """The shop's currency."""
        return str(self.shop.shop["currencyCode"])

    def check_page(self, size: int, name: str) -> None:
        """Refuse a page beyond the limit, or a negative one.

        Raises:
            GraphQLError: The size is out of bounds.
        """
        if size > self.settings.max_page:
            limit = self.settings.max_page
            raise GraphQLError(
                f"{name} cannot exceed {limit}. {BULK_HINT}", extensions={"code": "BAD_REQUEST"}
            )
        if size < 0:
            raise GraphQLError(
                f"{name} must be greater than or equal to 0", extensions={"code": "BAD_REQUEST"}
            )
