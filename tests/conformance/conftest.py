"""One stand for each connector and session; at the end, what each connector still gets wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local.postgres import EmbeddedPostgres
from tests.conformance.rigs import open_stand
from tests.conformance.stand import Stand

TRIED = "conformance"


class Stands:
    """Opens the stand of a connector when it is first asked for."""

    def __init__(self, server: EmbeddedPostgres, folder: Path, stack: ExitStack) -> None:
        self._server, self._folder, self._stack = server, folder, stack
        self._open: dict[str, Stand] = {}

    def of(self, connector: str) -> Stand:
        """Return the stand of a connector."""
        if connector not in self._open:
            folder = self._folder / connector
            folder.mkdir()
            made = open_stand(connector, self._server, folder)
            self._open[connector] = self._stack.enter_context(made)
        return self._open[connector]


@pytest.fixture(scope="session")
def stands(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stands]:
    with ExitStack() as stack:
        yield Stands(postgres_server, tmp_path_factory.mktemp("rigs"), stack)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print a table a connector: what passed, and what is still wrong, in words."""
    tried: dict[str, list[tuple[str, str, str, str]]] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, ()):
            named = dict(getattr(report, "user_properties", ()))
            if TRIED not in named or (outcome == "passed" and report.when != "call"):
                continue
            connector, group, scenario, sentence = named[TRIED]
            words = "" if outcome == "passed" else _words(report) or sentence
            tried.setdefault(connector, []).append((group, scenario, sentence, words))
    for connector, found in sorted(tried.items()):
        good = sum(not words for *_, words in found)
        terminalreporter.section(f"{connector}: {good} of {len(found)} scenarios")
        for group in dict.fromkeys(row[0] for row in found):
            mine = [row for row in found if row[0] == group]
            for line in _told(group, mine):
                terminalreporter.write_line(line)


def _told(group: str, rows: list[tuple[str, str, str, str]]) -> Iterator[str]:
    """Tell of one group: how many passed, then what is wrong, the same words once."""
    yield f"  {group}: {sum(not words for *_, words in rows)} of {len(rows)}"
    wrong: dict[str, list[str]] = {}
    for _, name, sentence, words in rows:
        if words:
            wrong.setdefault(words, []).append(f"{name}: {sentence}")
    for words, told in wrong.items():
        for line in told:
            yield f"    WRONG  {line}"
        yield f"           {words}"


def _words(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message).splitlines()[0][:300] if crash else str(report.longrepr)[:300]
