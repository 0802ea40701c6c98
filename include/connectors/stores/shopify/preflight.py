"""Checks before anything is pulled: everything that is missing, in one message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from include.connectors.stores.shopify.access import Access
from include.connectors.stores.shopify.client import (
    AccessDenied,
    FieldsFailed,
    QueryRefused,
    ShopifyClient,
)
from include.connectors.stores.shopify.settings import ShopifySettings
from include.domain.errors import ConfigurationError, RemoteUnavailable
from include.domain.window import Selection
from include.domain.zones import same_calendar
from include.ports.clock import Clock
from include.ports.store import StoreFacts

_REDACTED_MEANS = (
    "orders come without names, e-mails and addresses where the store redacts them; request "
    "protected customer data access for the app if the ERP needs them"
)


def learn_access(client: ShopifyClient) -> Access:
    """Ask the store what the app may read of an order.

    Args:
        client: Talks to the store.

    Raises:
        ConfigurationError: The store refuses even that.
        RemoteUnavailable: The store did not answer.
    """
    access = _access(_scopes(_facts(client)))
    try:
        client.execute("privacy_probe", {"withCustomers": access.customers}, attempts=1)
    except AccessDenied:
        return replace(access, personal=False)
    except (ConfigurationError, RemoteUnavailable):
        return access  # the probe decides nothing else: the orders themselves will tell
    return access


def _facts(client: ShopifyClient) -> dict[str, Any]:
    """Ask for the shop and the app's scopes; for the shop alone where the scopes are not told."""
    try:
        return client.execute("shop_facts", {})
    except (AccessDenied, QueryRefused, FieldsFailed):
        return client.execute("shop_basics", {})


def _scopes(facts: dict[str, Any]) -> set[str] | None:
    """Return the granted scopes; ``None`` where the store names none: no app has none at all."""
    app = facts.get("currentAppInstallation") or {}
    return {scope["handle"] for scope in app.get("accessScopes") or ()} or None


def _access(scopes: set[str] | None) -> Access:
    return Access() if scopes is None else Access.of(scopes)


def check(
    client: ShopifyClient, settings: ShopifySettings, clock: Clock, selection: Selection
) -> StoreFacts:
    """Check version, scopes, currency, time zone and access to customer data and bulk operations.

    Args:
        client: Talks to the store; refuses another API version by itself.
        settings: What the channel expects of the shop.
        clock: The present, to tell old windows.
        selection: What the run is going to ask for.

    Returns:
        What was learnt about the store, with warnings in words.

    Raises:
        ConfigurationError: One message that names every missing thing.
        RemoteUnavailable: The store did not answer.
    """
    facts = _facts(client)
    shop = facts["shop"]
    scopes = _scopes(facts)
    problems = _problems(shop, scopes, settings, clock, selection)
    if problems:
        raise ConfigurationError(
            f"{client.system} ({shop['name']}) is not ready: "
            + "; ".join(f"({at}) {problem}" for at, problem in enumerate(problems, start=1))
        )
    return StoreFacts(
        name=shop["name"],
        currency=shop["currencyCode"],
        time_zone=shop["ianaTimezone"],
        warnings=tuple(_warnings(client, settings, clock, selection, scopes)),
    )


def _reads(scopes: set[str], name: str) -> bool:
    return f"read_{name}" in scopes or f"write_{name}" in scopes


def _reaches_back(settings: ShopifySettings, clock: Clock, selection: Selection) -> bool:
    oldest = clock.now() - timedelta(days=settings.recent_days)
    return not selection.order_numbers and selection.window.start_at < oldest


def _problems(
    shop: dict[str, Any],
    scopes: set[str] | None,
    settings: ShopifySettings,
    clock: Clock,
    selection: Selection,
) -> list[str]:
    problems = []
    if scopes is not None and not _reads(scopes, "orders"):
        problems.append("the app lacks the scope read_orders: grant it and install the app again")
    if (
        scopes is not None
        and "read_all_orders" not in scopes
        and _reaches_back(settings, clock, selection)
    ):
        problems.append(
            f"the window {selection.window} starts more than {settings.recent_days} days ago and "
            "the app lacks the scope read_all_orders: the store would silently leave older orders "
            "out; request it from Shopify for the app, or choose a later window"
        )
    currency, zone = shop["currencyCode"], shop["ianaTimezone"]
    if settings.expected_currency not in (None, currency):
        problems.append(
            f"the shop's currency is {currency} but the channel books in "
            f"{settings.expected_currency}: set the channel's currency to the shop's"
        )
    expected = settings.expected_time_zone
    if expected is not None and not same_calendar(expected, zone, clock.now()):
        problems.append(
            f"the shop's time zone is {zone} but the channel dates documents by {expected}: set "
            "the channel's time_zone to the shop's"
        )
    return problems


def _warnings(
    client: ShopifyClient,
    settings: ShopifySettings,
    clock: Clock,
    selection: Selection,
    scopes: set[str] | None,
) -> list[str]:
    warnings = []
    access = _access(scopes)
    if scopes is None:
        warnings.append(
            "the store does not tell the app's scopes: what it denies is found out on the way, and "
            "orders that it leaves out for want of read_all_orders cannot be noticed"
        )
    if not access.customers:
        warnings.append(
            "the app lacks read_customers: orders come without their customer and company"
        )
    if not access.products:
        warnings.append("the app lacks read_products: lines come without product and variant ids")
    if not access.locations:
        warnings.append("the app lacks read_locations: lines and refunds come without locations")
    if not access.terms:
        warnings.append(
            "the app lacks read_payment_terms: orders come without their terms of payment"
        )
    if (
        scopes is not None
        and "read_all_orders" not in scopes
        and not _reaches_back(settings, clock, selection)
    ):
        warnings.append(
            f"the app lacks read_all_orders: orders older than {settings.recent_days} days are "
            "invisible to it, even if they are updated now"
        )
    try:
        client.execute("bulk_probe", {}, attempts=1)
    except (ConfigurationError, RemoteUnavailable):
        warnings.append("the token may not run bulk operations: large windows take longer")
    return warnings + _privacy_warnings(client, access)


def _privacy_warnings(client: ShopifyClient, access: Access) -> list[str]:
    """Look at the newest orders: is there anything personal left in them?"""
    try:
        answer = client.execute("privacy_probe", {"withCustomers": access.customers}, attempts=1)
        nodes = answer["orders"]["nodes"]
    except AccessDenied as error:
        return [f"{error}: {_REDACTED_MEANS}"]
    except (ConfigurationError, RemoteUnavailable) as error:
        return [f"whether customer data is given could not be seen: {error}"]
    if nodes and not any(
        node["email"] or (node["billingAddress"] or {}).get("name") for node in nodes
    ):
        return [f"the newest {len(nodes)} order(s) hold no personal data: {_REDACTED_MEANS}"]
    return []
