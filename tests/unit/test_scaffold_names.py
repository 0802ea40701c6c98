"""A new connector's folder is written whole, under a name that works, or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local.scaffold.writing import NotPossible, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for shelf in ("erps", "stores"):
        (tmp_path / "include" / "connectors" / shelf).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("kind", ["erp", "store"])
def test_a_folder_is_written_with_the_name_filled_in(tree: Path, kind: str) -> None:
    folder = write(kind, "acme_books", tree)

    assert folder == tree / "include" / "connectors" / f"{kind}s" / "acme_books"
    text = "".join(p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file())
    assert "class AcmeBooks" in text
    assert not re.search("@[A-Z]+@", text)
    assert (folder / "README.md").is_file()
    assert (folder / "sandbox" / "rig.py").is_file()


@pytest.mark.parametrize(
    "name", ["", "Acme", "acme-books", "1acme", "class", "acme__x", "acme.x", "../acme", "a" * 31]
)
def test_a_name_that_is_no_package_is_refused_and_nothing_written(tree: Path, name: str) -> None:
    with pytest.raises(NotPossible, match="cannot name a connector"):
        write("erp", name, tree)
    assert list((tree / "include" / "connectors" / "erps").iterdir()) == []


def test_a_name_that_is_taken_is_refused_and_the_folder_left_alone(tree: Path) -> None:
    folder = write("erp", "acme", tree)
    (folder / "README.md").write_text("mine", encoding="utf-8")

    with pytest.raises(NotPossible, match=r"include/connectors/erps/acme exists.*acme"):
        write("erp", "acme", tree)
    assert (folder / "README.md").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match="no checkout"):
        write("store", "acme", tmp_path)
