"""Money as the Admin API carries it: amounts in two currencies at once, as unpadded strings.

Every amount of an order exists in the shop's currency and in the one shown to the customer, and
each side is rounded and added up by itself, so that both sides tie to their own totals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import lru_cache

_EXPONENTS = {"JPY": 0, "KRW": 0, "CLP": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}
ZERO = Decimal(0)


def exponent(currency: str) -> int:
    """Return the number of decimals of a currency (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Round an amount half up to its currency's decimals."""
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


def decimal_text(amount: Decimal) -> str:
    """Write an amount as the API's Decimal scalar does: no padding, at least one decimal."""
    text = format(amount.normalize(), "f")
    if text in ("-0", "0"):
        return "0.0"
    return text if "." in text else f"{text}.0"


def split(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split an amount by weights with largest remainders, so that the parts sum to it exactly."""
    whole = sum(weights, ZERO)
    if not weights or whole == 0:
        return [ZERO for _ in weights]
    unit = Decimal(1).scaleb(-exponent(currency))
    exact = [amount * weight / whole for weight in weights]
    parts = [(value / unit).to_integral_value(ROUND_FLOOR) * unit for value in exact]
    left = int(((amount - sum(parts, ZERO)) / unit).to_integral_value())
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[:left]:
        parts[i] += unit
    return parts


@dataclass(frozen=True, slots=True)
class Pair:
    """One amount in both currencies.

    Attributes:
        shop: In the shop's currency.
        presentment: In the customer's currency.
    """

    shop: Decimal = ZERO
    presentment: Decimal = ZERO

    def __add__(self, other: Pair) -> Pair:
        return Pair(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: Pair) -> Pair:
        return Pair(self.shop - other.shop, self.presentment - other.presentment)

    def __neg__(self) -> Pair:
        return Pair(-self.shop, -self.presentment)

    def times(self, quantity: int) -> Pair:
        """Return the amount `quantity` times."""
        return Pair(self.shop * quantity, self.presentment * quantity)


NOTHING = Pair()


def total(pairs: Sequence[Pair]) -> Pair:
    """Add up amounts, each side by itself."""
    return Pair(
        sum((pair.shop for pair in pairs), ZERO), sum((pair.presentment for pair in pairs), ZERO)
    )


@dataclass(frozen=True, slots=True)
class MoneyV2:
    """A rendered amount: the scalar text and the currency code."""

    amount: str
    currency: str


@dataclass(frozen=True, slots=True)
class MoneyBag:
    """A rendered amount in both currencies."""

    shop: MoneyV2
    presentment: MoneyV2


@lru_cache(maxsize=1 << 16)
def money(amount: Decimal, currency: str) -> MoneyV2:
    """Render one amount; equal amounts share one object."""
    return MoneyV2(decimal_text(amount), currency)


@dataclass(frozen=True, slots=True)
class Currencies:
    """The two currencies of an order and the rate between them.

    Attributes:
        shop: The shop's currency.
        presentment: The customer's.
        rate: Presentment units for one shop unit.
    """

    shop: str = "USD"
    presentment: str = "USD"
    rate: Decimal = Decimal(1)

    def price(self, amount: Decimal) -> Pair:
        """Return a shop price in both currencies."""
        return Pair(rounded(amount, self.shop), rounded(amount * self.rate, self.presentment))

    def share(self, of: Pair, factor: Decimal) -> Pair:
        """Return a factor of an amount, each side rounded by itself."""
        return Pair(
            rounded(of.shop * factor, self.shop), rounded(of.presentment * factor, self.presentment)
        )

    def split(self, amount: Pair, weights: Sequence[Pair]) -> list[Pair]:
        """Split an amount over weights, each side by largest remainder."""
        shop = split(amount.shop, [weight.shop for weight in weights], self.shop)
        shown = split(
            amount.presentment, [weight.presentment for weight in weights], self.presentment
        )
        return [Pair(*sides) for sides in zip(shop, shown, strict=True)]

    def bag(self, amount: Pair) -> MoneyBag:
        """Render an amount as a MoneyBag."""
        return MoneyBag(money(amount.shop, self.shop), money(amount.presentment, self.presentment))
