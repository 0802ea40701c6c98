"""Every ERP connector that the registry finds goes through every scenario."""

from __future__ import annotations

import logging

import pytest

from tests.conformance import delivery, lives, refusals, sales  # noqa: F401 - they put scenarios on the list
from tests.conformance.conftest import TRIED, Stands
from tests.conformance.purchase import PRIVATE
from tests.conformance.rigs import Overheard, rigged
from tests.conformance.scenario import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("connector", rigged())
def test_connector(
    connector: str, name: str, stands: Stands, record_property: pytest.RecordProperty
) -> None:
    tried = SCENARIOS[name]
    record_property(TRIED, (connector, tried.group, name, tried.sentence))
    stand = stands.of(connector)
    overheard = Overheard()
    root = logging.getLogger()
    root.addHandler(overheard)
    try:
        tried.run(stand)
        words = [f"{finding.message} {finding.remote}" for finding in stand.findings()]
    finally:
        root.removeHandler(overheard)
        stand.tidy()
    slips = overheard.slips(PRIVATE)
    assert not slips, f"personal data in the log: {slips}"
    told = [line for line in words for word in PRIVATE if word in line]
    assert not told, f"personal data in a message: {told}"
