"""The map files of a channel are written as its rig says, and nothing else stays beside them."""

from __future__ import annotations

from pathlib import Path

from include.sandbox.maps import render, rig_of, write
from include.settings.channel import load_seeds

MAPS = {"payment": {"paypal": "PAYPAL"}, "tax": {'Tax, "old"': "T1", "HST": "T2"}}


def test_what_is_written_is_read_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    write("shop", MAPS, tmp_path)

    rows = {(row.kind, row.key): row.value for row in load_seeds("shop", tmp_path)}
    assert rows == {(kind, key): v for kind, m in MAPS.items() for key, v in m.items()}


def test_a_map_that_is_gone_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    write("shop", {**MAPS, "sku": {"A": "B"}}, tmp_path)
    write("shop", MAPS, tmp_path)

    assert sorted(path.stem for path in (tmp_path / "shop" / "maps").iterdir()) == [
        "payment",
        "tax",
    ]


def test_the_rows_stand_in_the_order_they_are_given() -> None:
    assert render({"b": "1", "a": "2"}) == "key,value\nb,1\na,2\n"


def test_the_rig_of_a_channel_is_its_erps() -> None:
    assert rig_of("shopify_gp") == "dynamics_gp"
