"""Reads single values out of a Shopify document: money bags, times, rates, connections.

Values repeat within a window (prices, times, rates), so parsing is cached and equal amounts share
one object. Whatever is not what the 2026-10 schema promises raises `Drift` with its path.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from include.connectors.stores.shopify.nodes import Connection, Member, Reference
from include.domain.money import NOTHING, Amount, minor_unit

Codes = tuple[str, str]
_MOST_BAGS = 1 << 14
_NULL = b"null"


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


# What reading an unexpected document can raise; msgspec's own errors are ValueErrors.
SURPRISES = (Drift, KeyError, TypeError, AttributeError, ValueError, ArithmeticError)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


def drift_of(error: BaseException, segment: str) -> Drift:
    """Turn whatever reading a node raised into a drift below a path segment.

    Args:
        error: One of `SURPRISES`, or a drift from further down.
        segment: Path of the node, such as ``lineItems.nodes[2]``.
    """
    if isinstance(error, Drift):
        return error.under(segment)
    if isinstance(error, msgspec.ValidationError):
        return misshapen(error).under(segment)
    return Drift(segment, f"cannot be read ({type(error).__name__}: {error})")


def misshapen(error: msgspec.ValidationError) -> Drift:
    """Turn what msgspec says of a document into a drift.

    Args:
        error: Its message ends with the place, where it is not the whole document.
    """
    said = str(error)
    place = _PLACE.search(said)
    path = place[1] if place else ""
    said = said[: place.start()] if place else said
    missing = _MISSING.match(said)
    if missing is None:
        return Drift(path, f"is not what was promised: {said}")
    return Drift(f"{path}.{missing[1]}" if path else missing[1], "is missing")


@lru_cache(maxsize=1 << 14)
def amount_of(shop: Any, buyer: Any, shop_code: str, buyer_code: str) -> Amount:
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


def _decimal(text: Any, code: str) -> Decimal:
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
def _is_nothing(text: Any) -> bool:
    return _decimal(text, "") == 0


class _Money(msgspec.Struct):
    amount: Any
    currencyCode: str


class _Bag(msgspec.Struct):
    shopMoney: _Money
    presentmentMoney: _Money


_bag = msgspec.json.Decoder(_Bag).decode


class Bags:
    """Reads the money bags of orders in one pair of currencies.

    A bag is a hundred bytes and an order has dozens, most of them equal to one that was read
    before: equal bytes are one look-up, nothing of them is parsed again.

    Args:
        codes: ISO 4217 codes of shop and presentment money.
    """

    __slots__ = ("_known", "codes")

    def __init__(self, codes: Codes) -> None:
        self.codes = codes
        self._known: dict[bytes, Amount] = {}

    def required(self, bag: msgspec.Raw, field: str) -> Amount:
        """Return the amount of a bag.

        Args:
            bag: A MoneyBag as JSON.
            field: Its name.

        Raises:
            Drift: It is missing, in another currency, or no amount.
        """
        written = bytes(bag)
        known = self._known.get(written)
        return self._read(written, field) if known is None else known

    def optional(self, bag: msgspec.Raw, field: str) -> Amount:
        """Return the amount of a bag, or nothing where the store leaves it out.

        Args:
            bag: A MoneyBag as JSON, or null.
            field: Its name.
        """
        written = bytes(bag)
        known = self._known.get(written)
        if known is not None:
            return known
        return NOTHING if written == _NULL else self._read(written, field)

    def _read(self, written: bytes, field: str) -> Amount:
        if written == _NULL:
            raise Drift(field, "is missing")
        try:
            amount = self._amount(_bag(written))
        except SURPRISES as error:
            raise drift_of(error, field) from None
        if len(self._known) >= _MOST_BAGS:
            self._known.clear()
        self._known[written] = amount
        return amount

    def _amount(self, bag: _Bag) -> Amount:
        shop, buyer = bag.shopMoney, bag.presentmentMoney
        if (shop.currencyCode, buyer.currencyCode) != self.codes:
            if _is_nothing(shop.amount) and _is_nothing(buyer.amount):
                return NOTHING  # nothing is nothing in any currency
            raise Drift(
                "",
                f"is in {shop.currencyCode} and {buyer.currencyCode} where the order is in "
                f"{self.codes[0]} and {self.codes[1]}",
            )
        return amount_of(shop.amount, buyer.amount, *self.codes)


@lru_cache(maxsize=1 << 6)
def bags_in(shop_code: str, buyer_code: str) -> Bags:
    """Return the reader of money bags for a pair of currencies.

    Args:
        shop_code: ISO 4217 code that shop money must have.
        buyer_code: ISO 4217 code that presentment money must have.
    """
    return Bags((shop_code, buyer_code))


def is_stated(bag: msgspec.Raw) -> bool:
    """Tell whether the store states a money bag at all.

    Args:
        bag: As JSON, or null.
    """
    return bytes(bag) != _NULL


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


def time(text: str, field: str) -> datetime:
    """Return a time, aware UTC.

    Args:
        text: ISO 8601.
        field: Its name.

    Raises:
        Drift: It is no time with an offset.
    """
    try:
        return instant(text)
    except SURPRISES as error:
        raise Drift(field, f"is not a time ({error})") from None


def optional_time(text: str | None, field: str) -> datetime | None:
    """Return a time, aware UTC, or ``None`` where there is none.

    Args:
        text: ISO 8601, if there is one.
        field: Its name.

    Raises:
        Drift: It is no time with an offset.
    """
    return None if text is None else time(text, field)


@lru_cache(maxsize=1 << 10, typed=True)
def rate_of(rate: float | str | None) -> Decimal | None:
    """Return a tax rate as the shortest decimal that reads back as the JSON number.

    Args:
        rate: The store's number, 0.0825 for 8.25 %; ``None`` where it tells none.
    """
    if rate is None:
        return None
    value = Decimal(str(rate))
    if not value.is_finite():
        raise ValueError(f"{rate} is not a rate")
    return value


def complete(connection: Connection[Member] | None, field: str) -> list[Member]:
    """Return the members of a connection, which must be complete.

    Args:
        connection: A page of it; ``None`` has no members.
        field: Its name.

    Raises:
        Drift: Pages of it were left at the store.
    """
    if connection is None:
        return []
    info = connection.page_info
    if info is not None and info.has_next_page:
        raise Drift(field, "is not complete: more pages are left at the store")
    return connection.nodes


def id_of(reference: Reference | None) -> str | None:
    """Return the id of what a field points at, or ``None``.

    Args:
        reference: What the field holds.
    """
    return None if reference is None else reference.id
