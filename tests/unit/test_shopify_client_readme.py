"""The connector's README lists each setting with its true default."""

from __future__ import annotations

import re
from pathlib import Path

from include.connectors.stores.shopify.settings import ShopifySettings

README = Path(__file__).resolve().parents[2] / "include/connectors/stores/shopify/README.md"
ROW = re.compile(r"^\| `(\w+)` \| (\S+) \| (.+) \|$", re.MULTILINE)


def test_the_readme_lists_every_setting_with_its_default_and_nothing_else() -> None:
    section = README.read_text(encoding="utf-8").split("## Settings")[1].split("\n## ")[0]
    listed = {name: default for name, default, _ in ROW.findall(section)}

    assert listed == {
        name: "none" if field.default is None else str(field.default)
        for name, field in ShopifySettings.model_fields.items()
    }


def test_every_setting_is_described_in_the_code_too() -> None:
    assert all(field.description for field in ShopifySettings.model_fields.values())
