"""The documents say what is so: links lead somewhere, names exist, every setting is listed."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from include.connectors import registry
from include.settings.channel import ChannelSettings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "include/**/*.md", "bench/**/*.md", "local/**/*.md")
    for page in ROOT.glob(pattern)
)
FOLDERS = ("bench", "dags", "docs", "include", "local", "plugins", "tests", ".ci", ".astro")
MADE_BY_A_RUN = {"bench/latest.json"}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code_of(page: Path) -> list[str]:
    """What a page shows as code: spans, and lines that are set in."""
    text = page.read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    return CODE.findall(text) + lines


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, spelt as GitHub does."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return frozenset(heading.strip().replace(" ", "-") for heading in plain)


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_every_decision_has_a_number_of_its_own_and_its_heading_says_so() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [page.name.split("-")[0] for page in pages]
    assert len(set(numbers)) == len(numbers), numbers
    for page, number in zip(pages, numbers, strict=True):
        assert page.read_text(encoding="utf-8").startswith(f"# {int(number)}. "), page.name


@every_page
def test_every_path_that_is_named_exists(page: Path) -> None:
    for code in code_of(page):
        for word in re.findall(r"[\w./-]+(?![\w<*…{$])", code):
            named = word.rstrip("./")
            if named.split("/")[0] not in FOLDERS or "/" not in named or named in MADE_BY_A_RUN:
                continue
            if f"{named}/<" in code or f"{named}<" in code or f"{named}*" in code:
                continue
            assert (ROOT / named).exists() or (page.parent / named).exists(), word


@every_page
def test_no_page_names_a_machines_own_folders(page: Path) -> None:
    assert not re.search(r"/(root|tmp|home|work)/", page.read_text(encoding="utf-8"))


def make_calls(page: Path) -> list[str]:
    return [call for code in code_of(page) for call in re.findall(r"\bmake ([a-z][\w =-]*)", code)]


@every_page
def test_every_make_target_exists(page: Path) -> None:
    known = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for call in make_calls(page):
        assert call.split()[0] in known, f"make {call}"


@every_page
def test_every_variable_that_is_given_to_make_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for code in code_of(page):
        if code.startswith("make "):
            for name in re.findall(r"\b([A-Z_]+)=", code):
                assert f"$({name})" in makefile, name


@every_page
def test_every_variable_of_ours_is_read_somewhere(page: Path) -> None:
    sources = "".join(
        path.read_text(encoding="utf-8")
        for pattern in ("include/**/*.py", "plugins/**/*.py", "local/**/*.py", "*.yaml")
        for path in ROOT.glob(pattern)
    )
    for name in re.findall(r"\bCOUNTERFOIL_[A-Z_]+", page.read_text(encoding="utf-8")):
        assert name in sources, name


def test_every_option_of_our_commands_exists() -> None:
    for page in PAGES:
        for code in code_of(page):
            found = re.search(r"python -m ((?:local|include|bench)[\w.]*)(.*)", code)
            for option in re.findall(r"--[a-z-]+", found[2]) if found else ():
                assert option in help_of(found[1]), f"{page.name}: {found[1]} {option}"  # type: ignore[index]


@cache
def help_of(module: str) -> str:
    commands = [[]] if module != "local" else [[], ["run"]]
    return "".join(
        subprocess.run(
            [sys.executable, "-m", module, *command, "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for command in commands
    )


def test_every_page_of_the_docs_is_linked_from_another() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not target.startswith("http")
    }
    for page in (*ROOT.glob("docs/*.md"), *ROOT.glob("docs/runbooks/*.md")):
        assert page in linked, page.name


def test_the_channels_page_lists_every_setting_with_its_default_and_nothing_else() -> None:
    page = (ROOT / "include/channels/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \|([^|]*)\| (.+) \|$", page, re.MULTILINE)
    listed = {name: default.strip().strip("`") for name, default, _ in rows}
    assert listed == dict(settings_of(ChannelSettings))


@pytest.mark.parametrize(
    ("package", "told"),
    [
        ("astronomer-runtime", "the Astro image"),
        ("apache-airflow-providers-fab", "The FAB auth manager"),
        ("apache-airflow-providers-git", "`GitDagBundle` itself"),
        ("apache-airflow-providers-slack", "Slack"),
        ("apache-airflow-providers-apprise", "Apprise"),
        ("apache-airflow-providers-celery", "executors other than LocalExecutor"),
        ("a server of Microsoft's", "**SQL Server has never run here.**"),
        ("an account of the vendor's", "**No real Heartland account was at hand.**"),
    ],
)
def test_what_never_ran_here_is_said(package: str, told: str) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    said = (ROOT / "README.md").read_text(encoding="utf-8").split("## What is not covered")[1]
    assert f"\n{package}==" not in lock, "it is installed: does it run in the tests now?"
    assert told in said


def settings_of(model: type[BaseModel], before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, field in model.model_fields.items():
        inner: Any = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += settings_of(inner, f"{before}{name}.")
        elif field.default_factory is dict:
            found.append((before + name, "none"))
        else:
            default = "none" if field.default in ((), None) else str(field.default)
            found.append((before + (field.alias or name), "" if field.is_required() else default))
    return found


@pytest.mark.parametrize(
    ("kind", "name"), [(k, n) for k in ("stores", "erps") for n in registry.names(k)]
)
def test_a_connectors_page_lists_every_setting(kind: str, name: str) -> None:
    connector = registry.store(name) if kind == "stores" else registry.erp(name)
    page = (ROOT / "include/connectors" / kind / name / "README.md").read_text(encoding="utf-8")
    for setting in connector.SETTINGS.model_fields:
        assert f"| `{setting}` |" in page, setting


def test_the_runbook_knows_every_reason() -> None:
    runbook = (ROOT / "docs/runbooks/orders.md").read_text(encoding="utf-8")
    for reason in (*reasons_of_holding(), *reasons_of_the_proof()):
        assert f"`{reason}`" in runbook, reason


def reasons_of_holding() -> set[str]:
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (*ROOT.glob("include/domain/*.py"), *ROOT.glob("include/pipelines/*.py"))
    )
    return set(re.findall(r'reason_class ?= ?"(\w+)"', source))


def reasons_of_the_proof() -> set[str]:
    pages = sorted((ROOT / "include/pipelines").glob("proof*.py"))
    source = "".join(page.read_text(encoding="utf-8") for page in pages)
    told = set(re.findall(r'_unexplained\(\s*in_erp,\s+"(\w+)"', source))
    told |= set(re.findall(r'return "(\w+)", f"', source))
    told |= set(re.findall(r'return \(\s+"(\w+)",', source))
    told |= set(re.findall(r'^_[A-Z_]+ = \("(\w+)",', source, re.MULTILINE))
    assert {"doubled", "lost", "lines", "amount", "not_staged", "voided", "payments"} <= told
    return told
