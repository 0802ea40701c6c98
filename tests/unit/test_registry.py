"""Connectors are found by their folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from include.connectors import registry
from include.connectors.stores.shopify.settings import ShopifySettings
from include.domain.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]


def test_the_folders_are_the_list() -> None:
    assert "shopify" in registry.names("stores")
    assert "dynamics_gp" in registry.names("erps")


def test_a_new_folder_is_a_new_connector(tmp_path: Path) -> None:
    for name in ("beta", "alpha", "no_package"):
        (tmp_path / "stores" / name).mkdir(parents=True)
    for name in ("beta", "alpha"):
        (tmp_path / "stores" / name / "__init__.py").touch()

    assert registry.names("stores", tmp_path) == ["alpha", "beta"]


def test_a_store_connector_offers_its_settings_and_how_to_create_it() -> None:
    connector = registry.store("shopify")

    assert connector.SETTINGS is ShopifySettings
    assert callable(connector.create)


@pytest.mark.parametrize("find", [registry.store, registry.erp])
def test_a_connector_that_does_not_exist_is_refused_with_those_that_do(find: object) -> None:
    with pytest.raises(ConfigurationError, match=r"no connector 'shopfiy'.*there are: "):
        find("shopfiy")  # type: ignore[operator]


def test_wrong_settings_are_named_without_their_values() -> None:
    connector = registry.store("shopify")

    with pytest.raises(ConfigurationError, match="page_size") as caught:
        registry.settings_of(connector, {"page_size": 9999, "tokn": "shh"}, "shopify_gp store")
    assert "tokn" in str(caught.value)
    assert "shh" not in str(caught.value)


def test_the_registry_itself_imports_no_connector() -> None:
    code = (
        "import sys; from include.connectors import registry; registry.names('stores'); "
        "print([m for m in sys.modules if m.startswith('include.connectors.stores.')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
