"""The suite names what is wrong: a connector is broken on purpose, and one scenario says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.domain.errors import CounterfoilError
from tests.conformance.conftest import Stands
from tests.conformance.defects import DEFECTS
from tests.conformance.rigs import is_on_request, rigged, watched
from tests.conformance.scenario import SCENARIOS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


# What an ERP that is slow is tried with: each kind of harm once.
BRIEF = (
    "LosesPayments",
    "IgnoresCreditNotes",
    "ForgetsRestock",
    "NeverLooksUp",
    "TakesBrokenForDone",
    "SwallowsRefusals",
    "EveryDayIsOpen",
)
PAIRS = [
    (connector, name)
    for connector in rigged()
    for name in (BRIEF if is_on_request(connector) else DEFECTS)
]


@pytest.mark.parametrize(("connector", "name"), PAIRS)
def test_a_connector_that_is_broken_on_purpose_is_named(
    connector: str, name: str, stands: Stands
) -> None:
    broken = DEFECTS[name]
    stand = stands.of(connector)
    stand.defect = broken.build
    try:
        if broken.needs_periods and not stand.rig.closes_periods:
            # Where no period is ever closed there is nothing to get wrong.
            watched(SCENARIOS[broken.scenario], stand)
            return
        with pytest.raises((AssertionError, CounterfoilError, pytest.fail.Exception)):
            watched(SCENARIOS[broken.scenario], stand)
    finally:
        stand.defect = None


def test_every_defect_and_every_scenario_is_listed_in_the_docs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, broken in DEFECTS.items():
        assert f"| {broken.words} | `{broken.scenario}` |" in page, name
    for name, tried in SCENARIOS.items():
        assert f"| `{name}` | {tried.sentence} |" in page, name
