"""One awkward order of each kind, by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from include.connectors.stores.shopify.sandbox import cases_life, cases_money, cases_names
from include.connectors.stores.shopify.sandbox.book import Order
from include.connectors.stores.shopify.sandbox.maker import Maker

Case = Callable[[Maker, datetime], Order]

_MODULES = (cases_money, cases_life, cases_names)

CASES: dict[str, Case] = {
    name: made
    for module in _MODULES
    for name, made in vars(module).items()
    if callable(made) and getattr(made, "__module__", "") == module.__name__ and name[0] != "_"
}
