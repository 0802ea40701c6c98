"""The connector's settings: strict, described, and listed in its README."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from include.connectors.erps import dynamics_gp
from include.connectors.erps.dynamics_gp.sandbox.shop_company import maps
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.sandbox.maps import render
from include.sandbox.shop import shop_assortment
from include.settings.channel import CHANNELS, load_channel, load_seeds

README = (Path(dynamics_gp.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_described_and_listed_in_the_readme() -> None:
    for name, field in DynamicsGpSettings.model_fields.items():
        assert field.description, name
        assert f"| `{name}` |" in README, name
        assert field.description in README, name


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="batchprefix"):
        DynamicsGpSettings.model_validate({"batchprefix": "X"})


def test_a_batch_prefix_leaves_room_for_the_date() -> None:
    with pytest.raises(ValidationError):
        DynamicsGpSettings(batch_prefix="TOOLONGX")


def test_the_channels_settings_and_maps_are_the_ones_the_sandbox_is_made_of() -> None:
    DynamicsGpSettings.model_validate(load_channel("shopify_gp").erp.settings)
    written = maps(shop_assortment())
    for kind, rows in written.items():
        assert (CHANNELS / "shopify_gp" / "maps" / f"{kind}.csv").read_text(
            encoding="utf-8"
        ) == render(rows), kind
    seeded = {(row.kind, row.key): row.value for row in load_seeds("shopify_gp")}
    assert seeded == {
        (kind, key): value for kind, rows in written.items() for key, value in rows.items()
    }
