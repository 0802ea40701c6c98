"""Money: exact decimal amounts with their ISO 4217 currency, and splits that lose no cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

# ISO 4217 minor units that differ from two.
_EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
_STEPS = {places: Decimal(1).scaleb(-places) for places in range(6)}
ZERO = Decimal(0)


def exponent(currency: str) -> int:
    """Return the number of decimals of a currency (ISO 4217 minor unit).

    Args:
        currency: Three-letter ISO 4217 code.
    """
    return _EXPONENTS.get(currency, 2)


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency, for example 0.01 for USD and 1 for JPY.

    Args:
        currency: ISO 4217 code.
    """
    return _STEPS[exponent(currency)]


def quantise(amount: Decimal, currency: str) -> Decimal:
    """Round an amount to the minor unit of its currency, half up.

    Args:
        amount: Amount in major units.
        currency: Three-letter ISO 4217 code.
    """
    return amount.quantize(minor_unit(currency), ROUND_HALF_UP)


def allocate(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split an amount by weights with the largest-remainder method; the parts sum to the total.

    Args:
        total: Amount to split, a multiple of the currency's minor unit.
        weights: One weight a part; all zero splits evenly. None may be negative.
        currency: Three-letter ISO 4217 code.

    Returns:
        One amount per weight, in order, each a multiple of the minor unit.

    Raises:
        ValueError: There are no weights, one is negative, or the total is no whole number of units.
    """
    if not weights:
        raise ValueError("cannot allocate over no weights")
    if min(weights) < 0:
        raise ValueError(f"a weight is negative: {min(weights)}")
    unit = minor_unit(currency)
    units = total / unit
    if units != units.to_integral_value():
        raise ValueError(f"{total} {currency} is not a whole number of {unit}")
    sign = -1 if units < 0 else 1
    whole = int(abs(units))
    whole_weights = list(weights) if sum(weights) else [Decimal(1)] * len(weights)
    base = sum(whole_weights)
    exact = [whole * weight / base for weight in whole_weights]
    parts = [int(share) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: whole - sum(parts)]:
        parts[i] += 1
    return [sign * part * unit for part in parts]


class Amount(NamedTuple):
    """One amount in shop money and in presentment money; the order names both currencies."""

    shop: Decimal
    presentment: Decimal

    def plus(self, other: Amount) -> Amount:
        """Return the sum, side by side."""
        return Amount(self.shop + other.shop, self.presentment + other.presentment)

    def minus(self, other: Amount) -> Amount:
        """Return the difference, side by side."""
        return Amount(self.shop - other.shop, self.presentment - other.presentment)

    def times(self, factor: Decimal | int) -> Amount:
        """Return both sides multiplied by a factor, unrounded."""
        return Amount(self.shop * factor, self.presentment * factor)


NOTHING = Amount(ZERO, ZERO)


def total_of(amounts: Iterable[Amount]) -> Amount:
    """Sum amounts side by side; the sum of none is nothing.

    Args:
        amounts: Amounts of one order, in shop and presentment currency.
    """
    shop = presentment = ZERO
    for amount in amounts:
        shop += amount[0]
        presentment += amount[1]
    return Amount(shop, presentment)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency.

    Attributes:
        amount: Exact amount in major units.
        currency: Three-letter ISO 4217 code.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise TypeError(f"money needs a finite Decimal, got {self.amount!r}")
        if len(self.currency) != 3 or not self.currency.isalpha():  # noqa: PLR2004
            raise ValueError(f"{self.currency!r} is not an ISO 4217 code")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} with {other.currency}")

    def __str__(self) -> str:
        return f"{self.amount:.{exponent(self.currency)}f} {self.currency}"
