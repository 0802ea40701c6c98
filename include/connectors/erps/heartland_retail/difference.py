"""How to get from the lines an order has to those it should have: pure, and the same when resumed.

Lines carry no mark of ours. Equal lines are counted, so that after a crash exactly the missing ones
are added; the rest are changed in place where only quantity, price or location differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from include.connectors.erps.heartland_retail.client import Row
from include.connectors.erps.heartland_retail.held import Goods, HeldLine
from include.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class Line:
    """A line that should be, in the account's ids."""

    item_id: int
    qty: int
    unit: Decimal
    original: Decimal
    tax: Decimal
    location_id: int | None

    def values(self) -> Row:
        """Return the line as it is sent."""
        return {
            "item_id": self.item_id,
            "qty": self.qty,
            "original_unit_price": self.original,
            "adjusted_unit_price": self.unit,
            "ship_from_location_id": self.location_id,
            "total_tax": self.tax,
        }


@dataclass(slots=True)
class Edits:
    """What is to be done to an order's lines.

    Attributes:
        add: Lines to add.
        change: Line ids and the values that differ.
        remove: Ids of lines to remove.
        take_back: Units that are invoiced and no longer wanted, by item and price.
    """

    add: list[Line] = field(default_factory=list)
    change: list[tuple[int, Row]] = field(default_factory=list)
    remove: list[int] = field(default_factory=list)
    take_back: Counter[Goods] = field(default_factory=Counter)


_CLOSENESS: tuple[Callable[[Line, HeldLine], bool], ...] = (
    lambda w, h: _same(w, h) and w.location_id == h.location_id and w.qty == h.qty,
    lambda w, h: _same(w, h) and w.location_id == h.location_id,
    lambda w, h: _same(w, h),  # noqa: PLW0108  defined below
    lambda w, h: w.item_id == h.item_id,
)


def _same(wanted: Line, held: HeldLine) -> bool:
    return (wanted.item_id, wanted.unit) == held.goods


def line_edits(
    wanted: Iterable[Line], held: Iterable[HeldLine], invoiced: Mapping[int, int]
) -> Edits:
    """Work out how the lines become what they should be.

    What is invoiced of a line stays on it; if fewer units are wanted, the rest is to be taken back.

    Args:
        wanted: Lines that should be.
        held: Lines that are.
        invoiced: Units by line id that stand on invoices.
    """
    open_wanted, open_held = list(wanted), list(held)
    edits = Edits()
    for fits in _CLOSENESS:
        for line in list(open_wanted):
            match = next((h for h in open_held if fits(line, h)), None)
            if match is None:
                continue
            done = invoiced.get(match.id, 0)
            if done and line.unit != match.unit:
                continue
            open_wanted.remove(line)
            open_held.remove(match)
            if line.qty < done:
                edits.take_back[match.goods] += done - line.qty
            _compare(line, match, max(line.qty, done), edits, is_free=not done)
    edits.add = open_wanted
    for held_line in open_held:
        done = invoiced.get(held_line.id, 0)
        if not done:
            edits.remove.append(held_line.id)
            continue
        edits.take_back[held_line.goods] += done
        if held_line.qty != done:
            edits.change.append((held_line.id, {"qty": done}))
    return edits


def _compare(line: Line, held: HeldLine, qty: int, edits: Edits, *, is_free: bool) -> None:
    changed: Row = {}
    if qty != held.qty:
        changed["qty"] = qty
    if is_free:
        for name, new, old in (
            ("adjusted_unit_price", line.unit, held.unit),
            ("total_tax", line.tax, held.tax),
        ):
            if new != old:
                changed[name] = new
    # Where people distributed a line to, it stays: only lines that waited are given a location.
    if held.location_id is None and line.location_id is not None:
        changed["ship_from_location_id"] = line.location_id
    if changed:
        edits.change.append((held.id, changed))


def gaps(wanted: Mapping[str, Decimal], held: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return what is missing (or too much, negative) by description.

    Args:
        wanted: Amounts that ought to be there, by description.
        held: Amounts that are.
    """
    return {
        name: wanted.get(name, ZERO) - held.get(name, ZERO)
        for name in dict.fromkeys((*wanted, *held))
        if wanted.get(name, ZERO) != held.get(name, ZERO)
    }
