"""One awkward order of each kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from include.connectors.stores.shopify.sandbox.book import Order
from include.connectors.stores.shopify.sandbox.maker import Maker

CASES: dict[str, Callable[[Maker, datetime], Order]] = {}
