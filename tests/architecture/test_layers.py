"""The house rules that import-linter cannot say, and import-linter's own contracts."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN = {"include", "local", "dags", "plugins", "tests", "bench"}
MOST_DAG_LINES = 80


def modules(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if ".venv-dlt" not in path.parts)


def imports(path: Path, *, with_typing: bool = True) -> set[str]:
    tree = ast.parse(path.read_text())
    typing_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in typing_only and not with_typing:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
            found.add(".".join([*package, node.module or ""]).rstrip("."))
    return found


def is_sandbox(path: Path) -> bool:
    return any(part.startswith("sandbox") for part in path.relative_to(ROOT).with_suffix("").parts)


def test_the_import_contracts_are_kept() -> None:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
    ]
    done = subprocess.run(
        [*command, "--config", ".importlinter", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", modules("include/domain"), ids=lambda path: path.stem)
def test_the_domain_needs_the_standard_library_alone(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots - set(sys.stdlib_module_names) <= {"include"}
    assert all(
        name.startswith("include.domain") for name in imports(path) if name.startswith("include.")
    )


def test_production_code_never_imports_a_sandbox() -> None:
    guilty = {
        str(path.relative_to(ROOT)): name
        for path in modules("include", "dags", "plugins")
        if not is_sandbox(path)
        for name in imports(path)
        if name.startswith("include.")
        and any(part.startswith("sandbox") for part in name.split("."))
    }
    assert guilty == {}


def test_nothing_names_a_connector_but_the_connector_itself() -> None:
    shelf = re.compile(r"include\.connectors\.(stores|erps|tax|shipping)\.(\w+)")
    guilty = {
        str(path.relative_to(ROOT)): name
        for path in modules("include", "dags", "plugins")
        if not is_sandbox(path)
        for name in imports(path)
        if (match := shelf.match(name))
        and not path.is_relative_to(ROOT / "include" / "connectors" / match[1] / match[2])
    }
    assert guilty == {}


def test_every_package_that_the_bundle_imports_is_declared() -> None:
    declared = {
        re.split(r"[\[=<>~ ]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    # Airflow's own distributions come with apache-airflow, which pins them to its version.
    declared |= {"apache-airflow-core", "apache-airflow-task-sdk"}
    owners = packages_distributions()
    undeclared: dict[str, set[str]] = {}
    for path in modules("include", "dags", "plugins"):
        for name in imports(path):
            root = name.split(".")[0]
            if root in OWN or root in sys.stdlib_module_names or root in plugin_modules():
                continue
            found = {owner.lower().replace("_", "-") for owner in owners.get(root, [])}
            if not found & declared:
                undeclared.setdefault(root, set()).add(str(path.relative_to(ROOT)))
    assert undeclared == {}


def plugin_modules() -> set[str]:
    """Airflow puts the plugins folder itself on the path."""
    return {path.stem for path in (ROOT / "plugins").iterdir()}


@pytest.mark.parametrize("path", modules("dags"), ids=lambda path: path.stem)
def test_a_dag_file_is_wiring_of_at_most_eighty_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_DAG_LINES


@pytest.mark.parametrize("path", modules("dags"), ids=lambda path: path.stem)
def test_a_dag_file_imports_airflow_and_orchestration_only(path: Path) -> None:
    foreign = {name for name in imports(path) if name.split(".")[0] not in sys.stdlib_module_names}
    assert {
        name for name in foreign if not name.startswith(("airflow.sdk", "include.orchestration"))
    } == set()


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert [path for path in modules(*OWN) if path.stem in drawers] == []
