"""Every ERP connector that the registry finds goes through every scenario."""

from __future__ import annotations

import pytest

from include.connectors import registry
from include.sandbox.maps import render, rig_of
from include.settings.channel import CHANNELS, channel_names
from tests.conformance.conftest import TRIED, Stands
from tests.conformance.rigs import has_rig, rigged, watched
from tests.conformance.scenario import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("connector", rigged())
def test_connector(
    connector: str, name: str, stands: Stands, request: pytest.FixtureRequest
) -> None:
    record_property = request.getfixturevalue("record_property")
    tried = SCENARIOS[name]
    record_property(TRIED, (connector, tried.group, name, tried.sentence))
    watched(tried, stands.of(connector))


@pytest.mark.parametrize("connector", registry.names("erps"))
def test_every_erp_connector_brings_a_rig(connector: str) -> None:
    assert has_rig(connector), f"include/connectors/erps/{connector}/sandbox/rig.py is missing"


@pytest.mark.parametrize("channel", channel_names())
def test_the_map_files_of_a_channel_are_what_its_rig_says(channel: str, stands: Stands) -> None:
    erp = rig_of(channel)
    assert erp is not None, f"the ERP of {channel} has no rig"
    written = {path.stem: path.read_text("utf-8") for path in (CHANNELS / channel).glob("maps/*")}
    assert written == {kind: render(rows) for kind, rows in stands.of(erp).rig.maps.items()}
