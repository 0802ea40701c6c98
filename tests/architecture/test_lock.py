"""requirements.lock holds what requirements*.txt ask for, every file of it by hash.

`make check-lock` compiles the lock again and compares; that needs the package index. These tests
find the usual mistake, a pin changed in one place only, without it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==(?P<version>\S+)")


def pins(name: str) -> dict[str, str]:
    found = {}
    for line in (ROOT / name).read_text().splitlines():
        if match := PIN.match(line):
            key = re.sub(r"[-_.]+", "-", match["name"]).lower()
            found[key] = match["version"]
    return found


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_has_every_direct_pin_in_its_version(name: str) -> None:
    locked = pins("requirements.lock")
    direct = pins(name)
    assert direct
    assert {key: locked.get(key) for key in direct} == direct


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_direct_requirement_is_pinned_exactly(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in requirements if not PIN.match(line)] == []


def test_every_locked_package_has_hashes() -> None:
    text = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_names_no_package_index() -> None:
    for name in ("requirements.lock", "requirements.txt", "requirements-dev.txt", "Makefile"):
        text = (ROOT / name).read_text()
        assert "index-url" not in text
        assert "://" not in text
