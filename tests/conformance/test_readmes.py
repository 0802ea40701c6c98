"""Every connector's README lists its settings, its limits, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.connectors import registry

FOLDER = Path(registry.__file__).parent
CONNECTORS = [(kind, name) for kind in ("stores", "erps") for name in registry.names(kind)]


@pytest.mark.parametrize(("kind", "name"), CONNECTORS)
def test_a_readme_lists_every_setting_with_its_default(kind: str, name: str) -> None:
    page = (FOLDER / kind / name / "README.md").read_text(encoding="utf-8")
    made = registry.erp(name) if kind == "erps" else registry.store(name)
    for field, setting in made.SETTINGS.model_fields.items():
        assert setting.description, f"{field} is not described"
        assert f"| `{field}` |" in page, f"{field} is not listed"


@pytest.mark.parametrize(("kind", "name"), CONNECTORS)
def test_a_readme_says_what_is_not_covered(kind: str, name: str) -> None:
    page = (FOLDER / kind / name / "README.md").read_text(encoding="utf-8").lower()
    assert "not covered" in page
    if kind == "erps":
        for word in ("reference", "limit"):
            assert word in page, f"no word of the {word}"
