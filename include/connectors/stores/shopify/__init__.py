"""Shopify: orders through the Admin GraphQL API 2026-10. See README.md for settings and limits."""

from __future__ import annotations

from include.connectors.stores.shopify.settings import ShopifySettings

SETTINGS = ShopifySettings
