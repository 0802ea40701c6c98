"""What `make new-erp` and `make new-store` write runs against the suite at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from include.settings.channel import channel_names, load_channel

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("include", "local", "plugins", "tests", "docs", "pyproject.toml", ".importlinter")
SKIPPED = shutil.ignore_patterns("__pycache__", ".mypy_cache", "images")
NAME = "acme_books"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a new ERP and a new store in it."""
    copy = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=SKIPPED)
        else:
            shutil.copy(ROOT / name, copy / name)
    for kind in ("erp", "store"):
        done = run(copy, "-m", "local.scaffold", kind, NAME)
        assert done.returncode == 0, done.stderr
        assert f"make conformance {kind.upper()}={NAME}" in done.stdout
    return copy


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def folders(tree: Path) -> list[str]:
    return [str(tree / "include" / "connectors" / shelf / NAME) for shelf in ("erps", "stores")]


def test_the_code_that_is_written_passes_ruff(tree: Path) -> None:
    for command in (("check",), ("format", "--check")):
        done = run(tree, "-m", "ruff", *command, "--no-cache", *folders(tree))
        assert done.returncode == 0, done.stdout


def test_the_code_that_is_written_passes_mypy_strict(tree: Path) -> None:
    done = run(tree, "-m", "mypy", "--no-incremental", *folders(tree))
    assert done.returncode == 0, done.stdout


def suite(tree: Path, file: str) -> str:
    done = run(
        tree, "-m", "pytest", "-n0", "-q", "--tb=no", "-p", "no:cacheprovider",
        f"tests/conformance/{file}", "-k", NAME,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_the_suite_says_of_a_new_erp_what_is_still_wrong(tree: Path) -> None:
    told = suite(tree, "test_erp_connectors.py")
    assert f"{NAME}: 3 of " in told
    assert "WRONG  new_order" in told
    assert f"{NAME} cannot do this yet: write `first_open_on` in its connector.py" in told
    assert "set-up: 2 of 3" in told


def test_the_suite_says_of_a_new_store_what_is_still_wrong(tree: Path) -> None:
    told = suite(tree, "test_store_connectors.py")
    assert f"{NAME}: 2 of " in told
    assert "WRONG  pages_to_the_end" in told
    assert f"{NAME} cannot do this yet: write `list_headers` in its connector.py" in told


def test_the_readmes_that_are_written_list_every_setting(tree: Path) -> None:
    done = run(tree, "-m", "pytest", "-n0", "-q", "tests/conformance/test_readmes.py", "-k", NAME)
    assert done.returncode == 0, done.stdout


def test_the_channel_that_is_written_is_valid_and_nobody_runs_it(tree: Path) -> None:
    live = channel_names(tree / "include" / "channels")
    for shelf, name in (("erps", f"shopify_{NAME}"), ("stores", f"{NAME}_gp")):
        assert name not in live
        draft = tree / "include" / "connectors" / shelf / NAME / "channel"
        (tree / "drafts").mkdir(exist_ok=True)
        shutil.copytree(draft, tree / "drafts" / name)
        assert load_channel(name, tree / "drafts").name == name


def test_a_name_that_is_taken_is_refused_in_words(tree: Path) -> None:
    done = run(tree, "-m", "local.scaffold", "erp", NAME)
    assert done.returncode == 1
    assert f"include/connectors/erps/{NAME} exists" in done.stderr
    assert "Traceback" not in done.stderr
