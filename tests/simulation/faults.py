"""Faults of the simulation, drawn by the seed: where they strike, and what they do to a step.

A kill is an exception that no code catches: whatever the step had open is abandoned, as when its
process dies. (Real SIGKILLs are in ``tests/integration/test_orders_killed.py``.)
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from include.domain.document import DocumentKey, PreparedDocument, RemoteDocument
from include.domain.errors import RemoteUnavailable
from include.ports.erp import Erp
from include.sandbox.rig import ErpRig, RigFault

STORM = "http_429"
STORE_KINDS = (
    "http_503",
    "http_500",
    "http_429",
    "cut_body",
    "invalid_json",
    "throttled",
    "internal_error",
    "partial_data",
    "token_revoked",
)
ERP_KINDS = (
    "lost_call",
    "lost_answer",
    "lost_answer",
    "cut_answer",
    "unavailable",
    "throttled",
    "find_unavailable",
)
OBEYED = ("throttled", "unavailable")
DATABASE_KINDS = ("disk_full", "connection_lost")
KILL = "kill"


class SimulatedKill(BaseException):
    """The process is gone."""


@dataclass(slots=True)
class Trap:
    """Springs at the n-th time its point is passed.

    Attributes:
        kind: What it does.
        after: Passes that go through first.
    """

    kind: str
    after: int


@dataclass
class Faults:
    """The traps that are laid, and those that sprang.

    Attributes:
        chance: Source of all randomness.
        sprung: How often each kind struck.
    """

    chance: random.Random
    sprung: Counter[str] = field(default_factory=Counter)
    _database: list[Trap] = field(default_factory=list)
    _erp: list[Trap] = field(default_factory=list)

    def lay(self, step: str) -> None:
        """Lay a few traps for one step of a run."""
        self.clear()
        draw = self.chance.random
        if draw() < 0.75:
            self._database.append(Trap(KILL, self.chance.randrange(_STATEMENTS[step])))
        if draw() < 0.15:
            kind = self.chance.choice(DATABASE_KINDS)
            self._database.append(Trap(kind, self.chance.randrange(_STATEMENTS[step])))
        if step in ("post", "prove") and draw() < 0.9:
            for _ in range(self.chance.randrange(2, 6)):
                kinds = (*ERP_KINDS, "kill_before", "kill_after")
                self._erp.append(Trap(self.chance.choice(kinds), self.chance.randrange(9)))

    def clear(self) -> None:
        """Take all traps away."""
        self._database.clear()
        self._erp.clear()

    def watch(self, engine: Engine) -> None:
        """Let every statement and commit of a database pass the traps."""
        event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(engine, "commit", lambda _connection: self._pass_database())

    def _statement(self, _conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "ROLLBACK" not in statement.upper():
            self._pass_database()

    def _pass_database(self) -> None:
        for trap in list(self._database):
            if trap.after > 0:
                trap.after -= 1
                continue
            self._database.remove(trap)
            self.sprung[trap.kind] += 1
            if trap.kind == KILL:
                self.clear()
                raise SimulatedKill
            if trap.kind == "disk_full":
                raise OperationalError("", {}, psycopg.errors.DiskFull("no space left"))
            raise OperationalError("", {}, psycopg.errors.ConnectionFailure("server is gone"))

    def erp_kind(self) -> str:
        """Return what strikes this call of the ERP, if anything."""
        for trap in list(self._erp):
            if trap.after > 0:
                trap.after -= 1
                continue
            self._erp.remove(trap)
            return trap.kind
        return ""


class FaultyErp:
    """A connector whose calls break at the wire, or whose process dies around one of them.

    Args:
        erp: The connector.
        faults: What strikes.
        rig: Where it strikes.
        meanwhile: What others do at the ERP between two calls.
    """

    def __init__(
        self, erp: Erp, faults: Faults, rig: ErpRig, meanwhile: Callable[[], None]
    ) -> None:
        self._erp = erp
        self._faults = faults
        self._rig = rig
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._erp, name)

    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> Mapping[DocumentKey, tuple[RemoteDocument, ...]]:
        """Look up, unless the ERP is away."""
        self._meanwhile()
        kind = self._faults.erp_kind()
        if kind == "find_unavailable":
            self._faults.sprung[kind] += 1
            raise RemoteUnavailable("the ERP is away", system="simulated")
        return self._erp.find(documents)

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        """Post, with the wire breaking, or the caller killed, around it."""
        self._meanwhile()
        kind = self._faults.erp_kind()
        if kind.startswith("kill"):
            if kind == "kill_after":
                self._erp.post(prepared)
            self._faults.sprung[KILL] += 1
            self._faults.clear()
            raise SimulatedKill
        if not kind or kind == "find_unavailable":
            return self._erp.post(prepared)
        self._rig.fail(RigFault(kind))
        struck = True
        try:
            remote = self._erp.post(prepared)
            struck = kind in OBEYED
        finally:
            self._rig.mend()
            self._faults.sprung[kind] += struck
        return remote


# Roughly how many statements a step sends, so that a trap can spring anywhere in it.
_STATEMENTS = {"pull": 24, "validate": 16, "load": 14, "post": 60, "prove": 24}
