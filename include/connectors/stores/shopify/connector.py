"""The Shopify store behind the store port: preflight, count, list, fetch, normalise."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module

import orjson
import requests

from include.connectors.stores.shopify import reading
from include.connectors.stores.shopify.access import Access
from include.connectors.stores.shopify.auth import auth_of
from include.connectors.stores.shopify.bulk import BulkExport
from include.connectors.stores.shopify.client import ShopifyClient
from include.connectors.stores.shopify.listing import OrderList
from include.connectors.stores.shopify.preflight import check, learn_access
from include.connectors.stores.shopify.pull import Hydrator
from include.connectors.stores.shopify.search import between
from include.connectors.stores.shopify.settings import ShopifySettings
from include.domain.errors import ConfigurationError, RemoteUnavailable
from include.domain.order import Order
from include.domain.window import Selection
from include.ports.clock import Clock
from include.ports.store import OrderHeader, Page, PageReader, RawOrder, StoreFacts
from include.transport.connection import ConnectionFacts
from include.transport.prefetch import ahead
from include.transport.retry import Backoff

logger = logging.getLogger(__name__)

_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 30.0
_BULK_BATCH = 100


class ShopifyStore:
    """One Shopify store that orders are pulled from; implements ``ports.store.OrderStore``.

    Args:
        client: Talks to the store.
        settings: How orders are pulled.
        clock: The present.
        sleep: Waits the given seconds.
        backoff: How long to wait between attempts.
    """

    def __init__(
        self,
        client: ShopifyClient,
        settings: ShopifySettings,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        backoff: Backoff,
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._backoff = backoff
        self._list = OrderList(client, settings, sleep)
        self._access: Access | None = None
        self._hydrator: Hydrator | None = None

    def preflight(self, selection: Selection) -> StoreFacts:
        """Check scopes, version, currency and access before anything is pulled.

        Args:
            selection: What the run is going to ask for.

        Raises:
            ConfigurationError: One message that names every missing thing.
            RemoteUnavailable: The store did not answer.
        """
        return check(self._client, self._settings, self._clock, selection)

    def count(self, selection: Selection) -> int:
        """Return the store's own count of the selection's fetch range, both ends closed.

        Args:
            selection: Window, basis, numbers and statuses.
        """
        return self._list.count(selection)

    def list_headers(self, selection: Selection) -> Iterator[OrderHeader]:
        """Yield the header of each order that the selection owns, once.

        Args:
            selection: Window, basis, numbers and statuses.

        Raises:
            WindowError: The list is not complete by the store's own count, or lacks a number.
            RemoteUnavailable: The store did not answer.
        """
        return self._list.headers(selection)

    def fetch(self, headers: Sequence[OrderHeader]) -> Iterator[Sequence[RawOrder]]:
        """Yield the complete documents of the headers in batches, fetched ahead of their use.

        Args:
            headers: What to fetch, each order once.

        Raises:
            WindowError: So many orders are at fault that it is the store, not the orders.
            RemoteUnavailable: The store did not answer.
        """
        raws = (self.read_page(page, range(len(page.headers))) for page in self._pages(headers))
        with closing(ahead(raws, self._settings.prefetch)) as batches:
            yield from batches

    def fetch_pages(self, headers: Sequence[OrderHeader]) -> Iterator[Page]:
        """Yield the documents of the headers in pages that are not yet read.

        Args:
            headers: What to fetch, each order once.

        Raises:
            WindowError: The store answered something else than what was asked for.
            RemoteUnavailable: The store did not answer.
        """
        with closing(ahead(self._pages(headers), self._settings.prefetch)) as pages:
            yield from pages

    def read_page(self, page: Page, places: Sequence[int]) -> Sequence[RawOrder]:
        """Read orders of a page, with whatever is left of them at the store.

        Args:
            page: One of ``fetch_pages``.
            places: Which of its orders.

        Raises:
            WindowError: So many orders are at fault that it is the store, not the orders.
            RemoteUnavailable: The store did not answer.
        """
        hydrator = self._hydrator or self._new_hydrator()
        return hydrator.read(page, places)

    @property
    def reader(self) -> PageReader:
        """How a page is read and translated where there is no store."""
        normalising = import_module(f"{__package__}.normalise")
        return PageReader(reading.read, normalising.normalise)

    def normalise(self, channel: str, document: object) -> Order:
        """Translate one document into the canonical order. Pure.

        Args:
            channel: Channel id.
            document: A fetched document.

        Raises:
            ContractDrift: The document is not what the store's contract promises.
        """
        translate = import_module(f"{__package__}.normalise").normalise
        order: Order = translate(channel, document)
        return order

    def _new_hydrator(self) -> Hydrator:
        """Return a hydrator for one fetch: faults are counted, and batches sized, afresh."""
        if self._access is None:
            may = learn_access(self._client)
            self._access = replace(may, risk=self._settings.reads_risk)
        self._hydrator = Hydrator(self._client, self._settings, self._clock, self._access)
        return self._hydrator

    def _pages(self, headers: Sequence[OrderHeader]) -> Iterator[Page]:
        if not headers:
            return
        hydrator = self._new_hydrator()
        left = {header.order_id_store: header for header in headers}
        if len(left) > self._settings.bulk_threshold:
            search = self._export_search(headers)
            if search is not None:
                try:
                    yield from self._exported(search, left, hydrator)
                except (ConfigurationError, RemoteUnavailable) as error:
                    # Slower, but just as complete: everything not struck off is hydrated.
                    logger.warning("%s: no bulk export: %s", self._client.system, error)
        yield from hydrator.pages(list(left.values()))

    def _exported(
        self, search: str, left: dict[str, OrderHeader], hydrator: Hydrator
    ) -> Iterator[Page]:
        """Yield what a bulk export holds of the orders, and strike it off."""
        export = BulkExport(
            self._client,
            self._settings,
            hydrator.access,
            clock=self._clock,
            sleep=self._sleep,
            backoff=self._backoff,
        )
        headers: list[OrderHeader] = []
        bodies: list[bytes] = []
        for document in export.documents(search, frozenset(left)):
            headers.append(left.pop(document["id"]))
            bodies.append(orjson.dumps(document))
            if len(bodies) == _BULK_BATCH:
                yield hydrator.page(headers, bodies)
                headers, bodies = [], []
        if bodies:
            yield hydrator.page(headers, bodies)

    def _export_search(self, headers: Sequence[OrderHeader]) -> str | None:
        """Return the tightest time range that holds the orders, if it holds little else."""
        choices = []
        for field in ("updated_at", "created_at"):
            times: list[datetime] = [getattr(header, field) for header in headers]
            # The store keeps fractions of a second that it does not show.
            search = between(field, min(times), max(times) + timedelta(seconds=1))
            choices.append((self._list.count_search(search), search))
        count, search = min(choices)
        return search if count <= len(headers) * self._settings.bulk_slack else None


def create(
    session: requests.Session,
    facts: ConnectionFacts,
    settings: ShopifySettings,
    *,
    clock: Clock,
    sleep: Callable[[float], None] = time.sleep,
    rng: random.Random | None = None,
) -> ShopifyStore:
    """Build the store for one connection.

    Args:
        session: Carries the calls.
        facts: The store's address and the app's credentials.
        settings: How orders are pulled.
        clock: The present.
        sleep: Waits the given seconds.
        rng: Source of jitter.

    Raises:
        ConfigurationError: The connection names no address or holds no credentials.
    """
    if not facts.base_url.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"connection {facts.conn_id} names no host: set it to the store's address, such as "
            "https://example.myshopify.com"
        )
    backoff = Backoff(_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS, rng or random.Random())  # noqa: S311
    client = ShopifyClient(
        session,
        facts.base_url,
        auth_of(facts, session, settings, clock=clock, sleep=sleep, backoff=backoff),
        settings,
        clock=clock,
        sleep=sleep,
        backoff=backoff,
        system=facts.conn_id,
    )
    return ShopifyStore(client, settings, clock=clock, sleep=sleep, backoff=backoff)
