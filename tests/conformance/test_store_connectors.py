"""Every store connector that the registry finds goes through every scenario for stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from include.connectors import registry
from include.domain.errors import CounterfoilError
from tests.conformance.conftest import TRIED
from tests.conformance.rigs import overhearing
from tests.conformance.store_defects import STORE_DEFECTS
from tests.conformance.stores import STORE_SCENARIOS, Run, Shop, open_shop, sentence_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


class Shops:
    """Opens the shop of a connector when it is first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._open: dict[str, Shop] = {}

    def of(self, connector: str) -> Shop:
        if connector not in self._open:
            self._open[connector] = self._stack.enter_context(open_shop(connector))
        return self._open[connector]


@pytest.fixture(scope="module")
def shops() -> Iterator[Shops]:
    with ExitStack() as stack:
        yield Shops(stack)


@pytest.mark.parametrize("name", STORE_SCENARIOS)
@pytest.mark.parametrize("connector", registry.names("stores"))
def test_connector(
    connector: str, name: str, shops: Shops, record_property: pytest.RecordProperty
) -> None:
    run = STORE_SCENARIOS[name]
    record_property(TRIED, (connector, "a store", name, sentence_of(run)))
    watched(run, shops.of(connector))


def watched(run: Run, shop: Shop) -> None:
    """Try a scenario; whatever it is about, nothing personal or secret may be logged."""
    with overhearing() as overheard:
        try:
            run(shop)
        finally:
            shop.rig.mend()
    slips = overheard.slips((*shop.rig.secrets, *shop.rig.private))
    assert not slips, f"secrets or personal data in the log: {slips}"


@pytest.mark.parametrize("name", STORE_DEFECTS)
@pytest.mark.parametrize("connector", registry.names("stores"))
def test_a_store_that_is_broken_on_purpose_is_named(
    connector: str, name: str, shops: Shops
) -> None:
    broken, shop = STORE_DEFECTS[name], shops.of(connector)
    shop.defect = broken.build
    try:
        with pytest.raises((AssertionError, CounterfoilError, pytest.fail.Exception)):
            watched(STORE_SCENARIOS[broken.scenario], shop)
    finally:
        shop.defect = None


def test_every_scenario_for_stores_is_listed_in_the_docs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, run in STORE_SCENARIOS.items():
        assert f"| `{name}` | {sentence_of(run)} |" in page, name
    for broken in STORE_DEFECTS.values():
        assert f"| {broken.words} | `{broken.scenario}` |" in page, broken.words
