"""What is left of an amount after refunds and edits, and how its last cent is decided.

The store states whole lines and current totals, never the current price of a line. Refunded parts
are stated exactly; the part of units that an edit removed is a share that has to be rounded, and
the store's own totals decide which way, within that rounding and no further.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from include.domain.money import ZERO, Amount, minor_unit, quantise


class Remainder:
    """An amount of which a share is left.

    Attributes:
        exact: Unrounded, (shop, presentment).
        value: Rounded to the minor units of both currencies; settling may move it by one.
    """

    __slots__ = ("exact", "value")

    def __init__(self, left: Amount, part: int, whole: int, codes: tuple[str, str]) -> None:
        """Take ``part`` of ``whole`` units of what was left.

        Args:
            left: What was left before units were removed.
            part: Units that stayed.
            whole: Units that ``left`` was for.
            codes: Shop and presentment currency.
        """
        if part >= whole:  # no edit removed any; more than there were is for the ties to show
            self.exact = left
            self.value = [left[0], left[1]]
        elif not part:
            self.exact = Amount(ZERO, ZERO)
            self.value = [ZERO, ZERO]
        else:
            self.exact = Amount(left[0] * part / whole, left[1] * part / whole)
            self.value = [quantise(self.exact[side], codes[side]) for side in (0, 1)]

    @property
    def amount(self) -> Amount:
        """The rounded amount; both sides share one object where they are equal."""
        shop, buyer = self.value
        return Amount(shop, shop) if shop == buyer else Amount(shop, buyer)


def settle(remainders: Sequence[Remainder], residue: Amount, codes: tuple[str, str]) -> None:
    """Move rounded remainders by one minor unit so that a residue between sum and total is gone.

    Only an amount that was rounded moves, only back across its exact value, those with the largest
    remainder first. A residue that this cannot explain is a real difference: nothing moves.

    Args:
        remainders: The rounded parts.
        residue: Stated total less the sum of all parts.
        codes: Shop and presentment currency.
    """
    for side in (0, 1):
        gap = residue[side]
        if not gap:
            continue
        unit = minor_unit(codes[side])
        step = unit if gap > 0 else -unit
        count = gap / step
        rest = [
            ((part.exact[side] - part.value[side]) / step, index)
            for index, part in enumerate(remainders)
        ]
        movable = sorted((-size, index) for size, index in rest if size > 0)
        if count > len(movable) or count % 1:
            continue
        for _, index in movable[: int(count)]:
            remainders[index].value[side] += step


def split_refunded(taken: Amount, wholes: Sequence[Amount], codes: tuple[str, str]) -> list[Amount]:
    """Split the refunded tax of a line over its tax lines, by their size, losing nothing.

    Args:
        taken: Refunded tax of the line, all its taxes together.
        wholes: Tax lines of the whole line.
        codes: Shop and presentment currency.
    """
    if len(wholes) == 1:
        return [taken]
    sides = []
    for side in (0, 1):
        rest, base = taken[side], sum((whole[side] for whole in wholes), ZERO)
        parts = []
        for whole in wholes:
            share = ZERO if not base else quantise(rest * whole[side] / base, codes[side])
            parts.append(share)
            rest -= share
            base -= whole[side]
        sides.append(parts)
    return [Amount(shop, buyer) for shop, buyer in zip(*sides, strict=True)]


def less(amount: Amount, taken: Amount) -> Amount:
    """Return what is left, sharing one object where both sides are equal.

    Args:
        amount: In shop and presentment currency.
        taken: What goes off, likewise.
    """
    shop = amount[0] - taken[0]
    if amount[0] is amount[1] and taken[0] is taken[1]:
        return Amount(shop, shop)
    return Amount(shop, amount[1] - taken[1])


def scaled(amount: Amount, part: Decimal, whole: Decimal, codes: tuple[str, str]) -> Amount:
    """Return the share part/whole of an amount, each side rounded to its minor unit.

    Args:
        amount: In shop and presentment currency.
        part: Units, or any other measure.
        whole: All of them, not 0.
        codes: ISO 4217 codes of the two sides.
    """
    return Amount(
        quantise(amount[0] * part / whole, codes[0]), quantise(amount[1] * part / whole, codes[1])
    )
