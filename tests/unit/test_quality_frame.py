"""The frame that a window's rules are judged on."""

from __future__ import annotations

from include.domain.columns import Rows
from include.quality.frame import frame_of


def test_numbers_that_are_held_against_bounds_take_eight_bytes_and_all_others_what_they_need() -> (
    None
):
    rows = Rows(3, [("A1", 1, 2), ("A2", 3, 4)])

    frame = frame_of(("order_number", "lines", "units"), ("order_number", "lines", "units"), rows)
    bounded = frame_of(
        ("lines", "units"), ("order_number", "lines", "units"), rows, bounded=["units"]
    )

    assert [str(kind) for kind in frame[["lines", "units"]].dtypes] == ["int8", "int8"]
    assert [str(kind) for kind in bounded.dtypes] == ["int8", "int64"]
    assert list(bounded["units"]) == list(frame["units"]) == [2, 4]
