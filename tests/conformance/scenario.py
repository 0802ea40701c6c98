"""The list of scenarios: what every ERP connector has to do, each under a name of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.conformance.stand import Stand

Run = Callable[[Stand], None]
SCENARIOS: dict[str, Scenario] = {}


@dataclass(frozen=True)
class Scenario:
    """One thing that a connector has to do.

    Attributes:
        name: Short name.
        group: What it belongs to, a heading of the table.
        sentence: What has to be so.
        run: Tries it; what is wrong is an ``AssertionError`` in words.
    """

    name: str
    group: str
    sentence: str
    run: Run


def scenario(group: str) -> Callable[[Run], Run]:
    """Put a function on the list, by its name; the first line of its docstring is the sentence."""

    def put(run: Run) -> Run:
        sentence = (run.__doc__ or "").strip().splitlines()[0]
        SCENARIOS[run.__name__] = Scenario(run.__name__, group, sentence, run)
        return run

    return put
