"""Reads single values out of a Shopify document: money bags, times, rates, text, connections.

Values repeat within a window (prices, times, rates), so parsing is cached and equal amounts share
one object. Whatever is not what the 2026-10 schema promises raises `Drift` with its path.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from include.domain.money import NOTHING, Amount, minor_unit

Node = dict[str, Any]


class Drift(Exception):
    """A place in the document that is not what the schema promises.

    Args:
        path: Field path below the place where it was raised.
        problem: What is wrong with it, to be read after the path.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.path = path
        self.problem = problem

    def under(self, segment: str) -> Drift:
        """Return the same drift seen from one level up."""
        return Drift(f"{segment}.{self.path}" if self.path else segment, self.problem)


# What reading an unexpected document can raise; TypeError covers null and unhashable values.
SURPRISES = (Drift, KeyError, TypeError, AttributeError, ValueError, ArithmeticError)


def drift_of(error: BaseException, segment: str) -> Drift:
    """Turn whatever reading a node raised into a drift below a path segment.

    Args:
        error: One of `SURPRISES`, or a drift from further down.
        segment: Path of the node, such as ``lineItems.nodes[2]``.
    """
    if isinstance(error, Drift):
        return error.under(segment)
    if isinstance(error, KeyError):
        return Drift(f"{segment}.{error.args[0]}", "is missing")
    return Drift(segment, f"cannot be read ({type(error).__name__}: {error})")


@lru_cache(maxsize=1 << 15)
def amount_of(shop: str, buyer: str, shop_code: str, buyer_code: str) -> Amount:
    """Return the amount of two decimal texts, written with the decimals of their currencies.

    Args:
        shop: Amount in shop currency, as the API's unpadded Decimal ("20.0").
        buyer: Amount in presentment currency.
        shop_code: ISO 4217 code of the shop currency.
        buyer_code: ISO 4217 code of the presentment currency.

    Raises:
        ValueError: A text is no finite number, or one currency has two amounts.
        TypeError: An amount is not text; a JSON number has been through a float.
    """
    ours = _decimal(shop, shop_code)
    if shop_code != buyer_code:
        return Amount(ours, _decimal(buyer, buyer_code))
    if shop != buyer and _decimal(buyer, buyer_code) != ours:
        raise ValueError(f"{shop} and {buyer} in one currency, {shop_code}")
    return Amount(ours, ours)


def _decimal(text: str, code: str) -> Decimal:
    if type(text) is not str:
        raise TypeError(f"{text!r} is not a decimal text")
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    padded = value.quantize(minor_unit(code))
    return padded if padded == value else value


@lru_cache(maxsize=1 << 8)
def _is_nothing(text: str) -> bool:
    return _decimal(text, "") == 0


def money(node: Node, key: str, shop_code: str, buyer_code: str) -> Amount:
    """Return the required money bag of a node.

    Args:
        node: The object that has the field.
        key: Name of the MoneyBag field.
        shop_code: ISO 4217 code its shop money must have.
        buyer_code: ISO 4217 code its presentment money must have.

    Raises:
        Drift: The field is missing, in another currency, or no amount.
    """
    try:
        bag = node[key]
        shop = bag["shopMoney"]
        buyer = bag["presentmentMoney"]
        if shop["currencyCode"] != shop_code or buyer["currencyCode"] != buyer_code:
            if _is_nothing(shop["amount"]) and _is_nothing(buyer["amount"]):
                return NOTHING  # nothing is nothing in any currency
            raise Drift(
                "",
                f"is in {shop['currencyCode']} and {buyer['currencyCode']} where the order is in "
                f"{shop_code} and {buyer_code}",
            )
        return amount_of(shop["amount"], buyer["amount"], shop_code, buyer_code)
    except SURPRISES as error:
        if isinstance(error, KeyError) and error.args == (key,):
            raise Drift(key, "is missing") from None
        raise drift_of(error, key) from None


def optional_money(node: Node, key: str, shop_code: str, buyer_code: str) -> Amount:
    """Return the money bag of a node, or nothing where the store leaves it out.

    Args:
        node: The object.
        key: Its field.
        shop_code: ISO 4217 code of the shop's currency.
        buyer_code: ISO 4217 code of the buyer's.
    """
    if node.get(key) is None:
        return NOTHING
    return money(node, key, shop_code, buyer_code)


@lru_cache(maxsize=1 << 12)
def instant(text: str) -> datetime:
    """Return an ISO 8601 time with an offset as aware UTC.

    Args:
        text: Such as ``2026-11-20T10:00:00Z``.

    Raises:
        ValueError: The text is no time, or has no offset.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return at.astimezone(UTC)


def time(node: Node, key: str) -> datetime:
    """Return the required time of a node, aware UTC.

    Args:
        node: The object.
        key: Its field.

    Raises:
        Drift: It is missing or no time with an offset.
    """
    try:
        return instant(node[key])
    except KeyError:
        raise Drift(key, "is missing") from None
    except SURPRISES as error:
        raise Drift(key, f"is not a time ({error})") from None


def optional_time(node: Node, key: str) -> datetime | None:
    """Return the time of a node, or ``None`` where there is none.

    Args:
        node: The object.
        key: Its field.
    """
    return None if node.get(key) is None else time(node, key)


@lru_cache(maxsize=1 << 10, typed=True)
def rate_of(rate: float | str | None) -> Decimal | None:
    """Return a tax rate as the shortest decimal that reads back as the JSON number.

    Args:
        rate: The store's number, 0.0825 for 8.25 %; ``None`` where it tells none.
    """
    if rate is None:
        return None
    if isinstance(rate, bool):
        raise TypeError(f"{rate} is not a rate")
    value = Decimal(str(rate))
    if not value.is_finite():
        raise ValueError(f"{rate} is not a rate")
    return value


def text(node: Node, key: str) -> str | None:
    """Return the text of a node; empty and missing are both ``None``.

    Args:
        node: The object.
        key: Its field.

    Raises:
        Drift: It is something else than text.
    """
    value = node.get(key)
    if value is None:
        return None
    if type(value) is not str:
        raise Drift(key, f"is {type(value).__name__} where text was promised")
    return value or None


def required_text(node: Node, key: str) -> str:
    """Return the text of a node.

    Args:
        node: The object.
        key: Its field.

    Raises:
        Drift: It is missing, empty or something else than text.
    """
    value = node.get(key)
    if type(value) is not str or not value:
        raise Drift(key, "is missing" if value is None else f"is {value!r} where text was promised")
    return value


def flag(node: Node, key: str) -> bool:
    """Return the required boolean of a node.

    Args:
        node: The object.
        key: Its field.

    Raises:
        Drift: It is missing or something else than true or false.
    """
    value = node.get(key)
    if value is True:
        return True
    if value is False:
        return False
    raise Drift(key, "is missing" if value is None else f"is {value!r} where a flag was promised")


def nodes(node: Node, key: str) -> list[Node]:
    """Return the nodes of a connection or of a plain list, which must be complete.

    Args:
        node: The object.
        key: Its field.

    Raises:
        Drift: It is neither, or pages of it were left at the store.
    """
    value = node.get(key)
    if not value:
        return []
    if type(value) is dict:
        info = value.get("pageInfo")
        if info is not None and info.get("hasNextPage"):
            raise Drift(key, "is not complete: more pages are left at the store")
        value = value.get("nodes")
    if type(value) is not list:
        raise Drift(key, "is no list of nodes")
    return value


def id_of(node: Node, key: str) -> str | None:
    """Return the id of the object a field points at, or ``None``.

    Args:
        node: The object.
        key: Its field.
    """
    target = node.get(key)
    return None if target is None else required_text(target, "id")
