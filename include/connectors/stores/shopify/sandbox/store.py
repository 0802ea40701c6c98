"""The shop's records and its search index, which are not the same thing.

Records change at once; the index follows after its lag, so that an order changed a moment ago is
found under its old state, or not at all, as at the real service.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

from include.connectors.stores.shopify.sandbox import catalog
from include.connectors.stores.shopify.sandbox.book import Order
from include.connectors.stores.shopify.sandbox.compose import Ids
from include.connectors.stores.shopify.sandbox.render import Record, instant, render
from include.connectors.stores.shopify.sandbox.timeline import Clock, Timeline


@dataclass(slots=True)
class Entry:
    """One order as the search index knows it at a point in time."""

    at: datetime
    fields: dict[str, Any]


@dataclass(slots=True)
class Kept:
    """One order: the book, its rendered record, and what the index has seen of it."""

    order: Order
    record: Record
    entries: list[Entry] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)


def index_fields(record: Record, number: int) -> dict[str, Any]:
    """Return the searchable fields of a rendered order."""
    customer = record["customer"]
    return {
        "id": number,
        "name": record["name"],
        "created_at": record["createdAt"],
        "updated_at": record["updatedAt"],
        "processed_at": record["processedAt"],
        "status": _status(record),
        "financial_status": (record["displayFinancialStatus"] or "").lower(),
        "fulfillment_status": record["displayFulfillmentStatus"].lower(),
        "test": record["test"],
        "email": record["email"] or "",
        "tag": list(record["tags"]),
        "gateway": list(record["paymentGatewayNames"]),
        "sku": [line["sku"] for line in record["lineItems"] if line["sku"]],
        "discount_code": list(record["discountCodes"]),
        "customer_id": int(customer.rsplit("/", 1)[1]) if customer else None,
        "po_number": record["poNumber"] or "",
        "source": record["sourceName"],
        "total": float(record["currentTotalPriceSet"].shop.amount),
        "order_number": record["number"],
    }


def _status(record: Record) -> str:
    if record["cancelledAt"]:
        return "cancelled"
    return "closed" if record["closed"] else "open"


class StoreState:
    """Everything one shop holds.

    Args:
        lag: Returns the index lag in seconds at the time of asking.
        ids: Where ids of new things come from.

    Attributes:
        clock: The sandbox's time.
        maker: What makes further orders, if the shop was seeded.
        timeline: What is still to happen in a lively shop.
    """

    def __init__(
        self, lag: Callable[[], float] = lambda: 0.0, ids: Ids | None = None
    ) -> None:  # fmt: skip
        self.clock = Clock()
        self.timeline = Timeline()
        self.ids = ids or Ids()
        self.lock = RLock()
        self.lag = lag
        self.version = 0
        self.maker: Any = None
        self._orders: dict[str, Kept] = {}
        self._owner: dict[str, str] = {}
        self.customers: dict[str, Record] = {}
        self.products: dict[str, Record] = {}
        self.variants: dict[str, Record] = {}
        self.locations: dict[str, Record] = {}
        self.shop = shop_record()
        for site in catalog.LOCATIONS:
            self.locations[site.location_id] = location_record(site)
        everything = (*catalog.VARIANTS, catalog.LONG_SKU_VARIANT, catalog.UNKNOWN_SKU_VARIANT)
        for variant in everything:
            self.variants[variant.variant_id] = variant_record(variant)
            self.products.setdefault(variant.product_id, product_record(variant))

    def __len__(self) -> int:
        self._live()
        return len(self._orders)

    def __iter__(self) -> Iterator[Order]:
        self._live()
        return iter([kept.order for kept in self._orders.values()])

    def put(self, order: Order, *, indexed_at: datetime | None = None) -> Record:
        """Add or replace an order's record; the index follows after its lag.

        Args:
            order: The order as it now is.
            indexed_at: When the change happened for the index (default: now).

        Returns:
            The rendered record.
        """
        with self.lock:
            record = render(order)
            kept = self._orders.get(order.gid)
            if kept is None:
                kept = self._orders[order.gid] = Kept(order, record)
            kept.order, kept.record = order, record
            entry = Entry(indexed_at or self.clock.now(), index_fields(record, order.id))
            kept.entries.append(entry)
            del kept.entries[:-8]
            for part in self._parts_of(record):
                self._owner[part] = order.gid
            self.version += 1
            return record

    def load(self, orders: Iterable[Order]) -> None:
        """Add orders that the index has known for long, as a seed does."""
        for order in orders:
            self.put(order, indexed_at=order.updated_at - timedelta(days=1))

    def asked_until(self, at: datetime | None) -> None:
        """Let a shop in slow time live up to what is asked about.

        Args:
            at: The latest time that a search names as an end, if it names one.
        """
        if at is not None and self.clock.asked_until(at):
            with self.lock:
                self.timeline.begin_chapter(self.clock.now())
        self._live()

    def _live(self) -> None:
        """Let everything happen whose time has come."""
        with self.lock:
            for at, order in self.timeline.due(self.clock.now()):
                self.put(order, indexed_at=at)

    def remove(self, gid: str) -> None:
        """Delete an order from the records and the index."""
        with self.lock:
            self._orders.pop(gid)
            self.timeline.forget(gid)
            self.version += 1

    def order(self, gid: str) -> Order:
        """Return an order's book.

        Raises:
            KeyError: There is no such order.
        """
        self._live()
        return self._orders[gid].order

    def by_name(self, name: str) -> Order:
        """Return the order of a human number such as "#1001".

        Raises:
            KeyError: There is no such order.
        """
        found = next((order for order in self if order.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def record(self, gid: str) -> Record | None:
        """Return any record by its global id: an order, a part of one, a customer and so on."""
        self._live()
        kept = self._orders.get(gid)
        if kept is not None:
            return kept.record
        for table in (self.customers, self.variants, self.products, self.locations):
            if gid in table:
                return table[gid]
        owner = self._orders.get(self._owner.get(gid, ""))
        if owner is None:
            return None
        return next((part for part in _walk(owner.record) if part.get("id") == gid), None)

    def indexed(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what the search index knows of every order at this moment."""
        with self.lock:
            self._live()
            horizon = self.clock.now() - timedelta(seconds=self.lag())
            found: list[tuple[str, dict[str, Any]]] = []
            for gid, kept in self._orders.items():
                place = bisect.bisect_right(kept.entries, horizon, key=lambda entry: entry.at)
                if place:
                    found.append((gid, kept.entries[place - 1].fields))
            return found

    def _parts_of(self, record: Record) -> Iterator[str]:
        for part in _walk(record):
            if isinstance(part.get("id"), str) and "__typename" in part:
                yield part["id"]


def _walk(record: Record) -> Iterator[Record]:
    for name in ("lineItems", "transactions", "refunds", "fulfillments", "additionalFees"):
        for part in record[name]:
            yield part
            for inner in ("refundLineItems", "refundShippingLines", "orderAdjustments", "duties"):
                yield from (row for row in part.get(inner, ()) if "__typename" in row)


def shop_record() -> Record:
    """Return the shop."""
    return {
        "__typename": "Shop",
        "id": "gid://shopify/Shop/68124377",
        "name": catalog.SHOP_NAME,
        "myshopifyDomain": catalog.SHOP_DOMAIN,
        "url": f"https://{catalog.SHOP_DOMAIN}",
        "primaryDomain": {
            "__typename": "Domain",
            "id": "gid://shopify/Domain/1",
            "host": catalog.SHOP_DOMAIN,
            "url": f"https://{catalog.SHOP_DOMAIN}",
            "sslEnabled": True,
        },
        "email": "office@pine-and-harbor.example",
        "contactEmail": "office@pine-and-harbor.example",
        "currencyCode": catalog.SHOP_CURRENCY,
        "enabledPresentmentCurrencies": list(catalog.RATES),
        "ianaTimezone": catalog.SHOP_TIMEZONE,
        "timezoneAbbreviation": "EST",
        "timezoneOffset": "-0500",
        "timezoneOffsetMinutes": -300,
        "taxesIncluded": False,
        "taxShipping": True,
        "setupRequired": False,
        "checkoutApiSupported": True,
        "orderNumberFormatPrefix": "#",
        "orderNumberFormatSuffix": "",
        "weightUnit": "GRAMS",
        "unitSystem": "METRIC_SYSTEM",
        "createdAt": "2021-03-02T15:04:05Z",
        "updatedAt": "2026-10-02T09:00:00Z",
        "plan": {
            "displayName": "Grow",
            "publicDisplayName": "Grow",
            "partnerDevelopment": False,
            "shopifyPlus": False,
        },
    }


def location_record(site: catalog.Site) -> Record:
    """Return a location."""
    return {
        "__typename": "Location",
        "id": site.location_id,
        "legacyResourceId": site.location_id.rsplit("/", 1)[1],
        "name": site.name,
        "isActive": True,
        "fulfillsOnlineOrders": site.code == "MAIN",
        "hasActiveInventory": True,
        "shipsInventory": True,
        "isFulfillmentService": False,
        "createdAt": "2021-03-02T15:04:05Z",
        "updatedAt": "2026-10-02T09:00:00Z",
        "metafields": [],
    }


def product_record(variant: catalog.Variant) -> Record:
    """Return the product that a variant belongs to."""
    return {
        "__typename": "Product",
        "id": variant.product_id,
        "legacyResourceId": variant.product_id.rsplit("/", 1)[1],
        "title": variant.title,
        "handle": variant.title.lower().replace(" ", "-"),
        "vendor": catalog.VENDOR,
        "productType": variant.kind.replace("_", " "),
        "status": "ACTIVE",
        "isGiftCard": variant.kind == "gift_card",
        "tags": [],
        "metafields": [],
        "createdAt": "2022-05-01T12:00:00Z",
        "updatedAt": "2026-10-02T09:00:00Z",
    }


def variant_record(variant: catalog.Variant) -> Record:
    """Return a variant."""
    return {
        "__typename": "ProductVariant",
        "id": variant.variant_id,
        "legacyResourceId": variant.variant_id.rsplit("/", 1)[1],
        "sku": variant.sku,
        "title": variant.option,
        "displayName": f"{variant.title} - {variant.option}",
        "price": str(variant.price),
        "taxable": variant.kind != "gift_card",
        "barcode": None,
        "inventoryQuantity": 100,
        "metafields": [],
        "createdAt": "2022-05-01T12:00:00Z",
        "updatedAt": "2026-10-02T09:00:00Z",
        "inventoryItem": {
            "__typename": "InventoryItem",
            "id": variant.variant_id.replace("ProductVariant", "InventoryItem"),
            "sku": variant.sku,
            "tracked": True,
            "requiresShipping": variant.kind == "goods",
        },
    }


def totals_of(store: Iterable[Order]) -> list[dict[str, Any]]:
    """Return the truth about every order, as the control interface lists it."""
    rows = []
    for order in store:
        total, current = order.grand_total, order.current_total
        rows.append(
            {
                "id": order.gid,
                "name": order.name,
                "case": order.case,
                "created_at": instant(order.created_at),
                "updated_at": instant(order.updated_at),
                "cancelled": order.cancelled_at is not None,
                "test": order.test,
                "currency": order.currencies.shop,
                "presentment_currency": order.currencies.presentment,
                "total": str(total.shop),
                "current_total": str(current.shop),
                "received": str(order.received.shop),
                "refunded": str(order.refunded.shop),
                "lines": len(order.lines),
                "financial_status": order.financial_status,
            }
        )
    return rows
