"""The rig of Shopify: an empty shop on a port, orders placed and changed by hand, small pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from include.connectors.stores.shopify.sandbox import amend
from include.connectors.stores.shopify.sandbox.faults import Fault
from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState
from include.connectors.stores.shopify.sandbox.world import Sandbox
from include.sandbox.store_rig import StoreFault
from include.transport.connection import ConnectionFacts

TOKEN = "shpat_rig_of_a_made_up_shop"  # noqa: S105 - opens nothing but the sandbox
PAGE = 5
LINES = 50
PLENTY = 1e9
_FAULTS = {
    StoreFault.UNAVAILABLE: "http_503",
    StoreFault.THROTTLED: "http_429",
    StoreFault.CUT_ANSWER: "cut_body",
    StoreFault.GARBLED: "invalid_json",
}
_PERSONAL = ("name", "address1", "phone")


class ShopifyRig:
    """A sandbox shop.

    Args:
        url: Where it listens.
        store: What it holds.
        sandbox: The running server.
    """

    settings: Mapping[str, Any] = {"page_size": PAGE, "batch_start": 2, "batch_max": 4}
    page = PAGE
    lines = LINES
    secrets = (TOKEN,)

    def __init__(self, url: str, store: StoreState, sandbox: Sandbox) -> None:
        self._url = url
        self._store = store
        self._sandbox = sandbox
        self.facts = self._facts(TOKEN)

    @property
    def private(self) -> tuple[str, ...]:
        """Names, streets, phones and e-mails of the orders."""
        found: set[str] = set()
        for order in self._store:
            address = order.shipping_to or {}
            found |= {str(address[part]) for part in _PERSONAL if address.get(part)}
            found |= {order.email} if order.email else set()
        return tuple(sorted(found))

    def place(self, at: datetime, lines: int = 2) -> str:
        """Have a buyer place a paid order."""
        order, _ = self._store.maker.paid(at, lines)
        order.updated_at = at
        self._store.put(order, indexed_at=at)
        return str(order.gid)

    def change(self, order_id: str, at: datetime) -> None:
        """Change an order's note, tags or the like."""
        order = self._store.order(order_id)
        amend.touch(order, at)
        self._store.put(order, indexed_at=at)

    def fail(self, fault: StoreFault, times: int = 1) -> None:
        """Strike the next requests."""
        self._sandbox.faults.add(Fault(_FAULTS[fault], times=times))

    def mend(self) -> None:
        """Take away what has not struck."""
        self._sandbox.faults.clear()

    def with_wrong_credentials(self) -> ConnectionFacts:
        """Return the connection with a token that opens nothing."""
        return self._facts("shpat_wrong")

    def _facts(self, token: str) -> ConnectionFacts:
        return ConnectionFacts("store", self._url, password=SecretStr(token))


@contextmanager
def open_rig(now: datetime) -> Iterator[ShopifyRig]:
    """Serve an empty shop.

    Args:
        now: The shop's time; it stands still.

    Yields:
        The rig.
    """
    store = build_store(1, 0, 0, now.date() - timedelta(days=1), now)
    store.clock.set(now)
    settings = SandboxSettings(
        static_tokens=(TOKEN,), bucket_size=PLENTY, restore_rate=PLENTY, index_lag_seconds=0
    )
    app = create_app(store, settings)
    with serve_in_thread(app) as url:
        yield ShopifyRig(url, store, app.state.sandbox)
