"""Every class of reason that can hold an order says what its owner does."""

from __future__ import annotations

import json
from pathlib import Path

import include.domain.balance
import include.domain.gates
import include.domain.plan  # noqa: F401 - defines refusals
from include.domain.errors import OrderError
from include.pipelines.documents import POSTING_CLASSES
from include.pipelines.orders import VALIDATION_CLASSES
from include.pipelines.quarantine import WHAT_TO_DO
from include.quality.suite import SUITES

ROOT = Path(__file__).resolve().parents[2]


def classes() -> set[str]:
    """What refusals, suites and the two steps call their reasons."""
    found, todo = {*POSTING_CLASSES, *VALIDATION_CLASSES}, [OrderError]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind is not OrderError:
            found.add(str(kind.reason_class))
    for suite in SUITES.glob("*.json"):
        expectations = json.loads(suite.read_text(encoding="utf-8"))["expectations"]
        found |= {e["meta"]["reason_class"] for e in expectations if "reason_class" in e["meta"]}
    return found


def test_the_digest_and_the_form_know_every_class() -> None:
    assert classes() <= set(WHAT_TO_DO)


def test_the_runbook_has_a_line_for_every_class() -> None:
    runbook = (ROOT / "docs/runbooks/quarantine.md").read_text(encoding="utf-8").lower()
    for name in classes():
        assert f"| {name.replace('_', ' ')} |" in runbook
