"""Lines without a mark of ours: counted, changed in place, taken back where they are invoiced."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from include.connectors.erps.heartland_retail.difference import Edits, Line, gaps, line_edits
from include.connectors.erps.heartland_retail.held import HeldLine

HERE, THERE = 1, 2
lines = st.lists(
    st.tuples(
        st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.sampled_from([HERE, None])
    ),
    max_size=5,
)


def wanted(item: int, qty: int = 1, unit: str = "5", place: int | None = HERE) -> Line:
    price = Decimal(unit)
    return Line(item, qty, price, price, Decimal(0), place)


def held(
    number: int, item: int, qty: int = 1, unit: str = "5", place: int | None = HERE
) -> HeldLine:
    return HeldLine(number, item, qty, Decimal(unit), Decimal(0), place)


def test_lines_that_are_as_they_should_be_are_left_alone() -> None:
    edits = line_edits([wanted(1), wanted(1), wanted(2)], [held(9, 2), held(8, 1), held(7, 1)], {})
    assert edits == Edits()


def test_of_equal_lines_exactly_the_missing_ones_are_added() -> None:
    edits = line_edits([wanted(1)] * 3, [held(9, 1)], {})
    assert len(edits.add) == 2
    assert not edits.change
    assert not edits.remove


def test_quantity_and_price_are_changed_in_place() -> None:
    edits = line_edits([wanted(1, 3), wanted(2, 1, "7")], [held(9, 1), held(8, 2)], {})
    assert dict(edits.change) == {9: {"qty": 3}, 8: {"adjusted_unit_price": Decimal(7)}}


def test_a_line_that_waited_is_given_its_place_and_no_place_is_taken_from_another() -> None:
    edits = line_edits(
        [wanted(1), wanted(2)], [held(9, 1, place=None), held(8, 2, place=THERE)], {}
    )
    assert edits.change == [(9, {"ship_from_location_id": HERE})]


def test_what_is_invoiced_stays_and_what_is_too_much_of_it_comes_back() -> None:
    edits = line_edits([wanted(1, 1)], [held(9, 1, 4), held(8, 2, 2)], {9: 3, 8: 1})
    assert edits.take_back == Counter({(1, Decimal(5)): 2, (2, Decimal(5)): 1})
    assert dict(edits.change) == {9: {"qty": 3}, 8: {"qty": 1}}
    assert not edits.remove


def test_an_invoiced_line_never_changes_its_price() -> None:
    edits = line_edits([wanted(1, 1, "7")], [held(9, 1)], {9: 1})
    assert [line.unit for line in edits.add] == [Decimal(7)]
    assert edits.take_back == Counter({(1, Decimal(5)): 1})
    assert not edits.change


def test_sums_by_description_are_met_by_their_difference() -> None:
    to, has = (
        {"a": Decimal(3), "b": Decimal(1)},
        {"a": Decimal(1), "b": Decimal(1), "c": Decimal(2)},
    )
    assert gaps(to, has) == {"a": Decimal(2), "c": Decimal(-2)}


def applied(before: list[HeldLine], edits: Edits) -> list[HeldLine]:
    rows = {line.id: line for line in before}
    for number, values in edits.change:
        old = rows[number]
        rows[number] = HeldLine(
            number,
            old.item_id,
            values.get("qty", old.qty),
            values.get("adjusted_unit_price", old.unit),
            values.get("total_tax", old.tax),
            values.get("ship_from_location_id", old.location_id),
        )
    for number in edits.remove:
        del rows[number]
    for at, line in enumerate(edits.add, start=max(rows, default=0) + 1000):
        rows[at] = HeldLine(at, line.item_id, line.qty, line.unit, line.tax, line.location_id)
    return list(rows.values())


def worth(found: list[HeldLine]) -> Counter[tuple[object, ...]]:
    units: Counter[tuple[object, ...]] = Counter()
    for line in found:
        units[line.goods] += line.qty
    return units


@given(lines, lines)
def test_whatever_an_order_holds_it_becomes_what_it_should_be(
    target: list[tuple[int, int, int, int | None]], start: list[tuple[int, int, int, int | None]]
) -> None:
    to = [wanted(item, qty, str(unit), place) for item, qty, unit, place in target]
    before = [
        held(number, item, qty, str(unit), place)
        for number, (item, qty, unit, place) in enumerate(start)
    ]
    after = applied(before, line_edits(to, before, {}))
    expected: Counter[tuple[object, ...]] = Counter()
    for line in to:
        expected[line.item_id, line.unit] += line.qty
    assert worth(after) == expected


@given(lines, lines, st.integers(0, 12))
def test_edits_that_broke_off_are_finished_by_working_them_out_again(
    target: list[tuple[int, int, int, int | None]],
    start: list[tuple[int, int, int, int | None]],
    done: int,
) -> None:
    to = [wanted(item, qty, str(unit), place) for item, qty, unit, place in target]
    before = [
        held(number, item, qty, str(unit), place)
        for number, (item, qty, unit, place) in enumerate(start)
    ]
    edits = line_edits(to, before, {})
    # In the order in which they are carried out, as far as the chain came.
    change, left = edits.change[:done], max(done - len(edits.change), 0)
    add, left = edits.add[:left], max(left - len(edits.add), 0)
    part = Edits(add=add, change=change, remove=edits.remove[:left])
    middle = applied(before, part)
    whole = applied(middle, line_edits(to, middle, {}))
    assert worth(whole) == worth(applied(before, edits))
