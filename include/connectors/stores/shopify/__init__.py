"""Shopify: orders through the Admin GraphQL API 2026-10. See README.md for settings and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.connectors.stores.shopify.settings import ShopifySettings


def __getattr__(name: str) -> type[ShopifySettings]:
    """Return ``SETTINGS``: what a channel may set about its store, as the README describes it.

    Imported when it is asked for: what reads pages in a process of its own starts without it.

    Args:
        name: Of the attribute.
    """
    if name != "SETTINGS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from include.connectors.stores.shopify.settings import ShopifySettings

    return ShopifySettings
