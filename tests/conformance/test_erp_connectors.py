"""Every ERP connector that the registry finds goes through every scenario."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import TRIED, Stands
from tests.conformance.rigs import rigged, watched
from tests.conformance.scenario import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("connector", rigged())
def test_connector(
    connector: str, name: str, stands: Stands, record_property: pytest.RecordProperty
) -> None:
    tried = SCENARIOS[name]
    record_property(TRIED, (connector, tried.group, name, tried.sentence))
    watched(tried, stands.of(connector))
