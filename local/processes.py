"""Starts the processes of the local stack and stops them again, always by process id.

Every child leads a session of its own and is written to the state file the moment it exists, so
that whoever comes later (`make stop`, the next `make run`) can end what an earlier runner left
behind. A process is only touched when its id *and* its start time are the recorded ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

PATIENCE_SECONDS = 20.0
KILL_SECONDS = 5.0
START_TIME_TOLERANCE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class StopPlan:
    """How a process ends in good order.

    Attributes:
        signal: what to send it.
        patience_seconds: how long to wait before it is killed.
        serves_others: whether the other processes need it while they end; it is then stopped last.
    """

    signal: int = signal.SIGTERM
    patience_seconds: float = PATIENCE_SECONDS
    serves_others: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """A process that was started: enough to recognise it later and to stop it properly."""

    name: str
    pid: int
    started_at: float
    command: list[str]
    stop: StopPlan

    def is_running(self) -> bool:
        """Tell whether this very process still runs."""
        return is_alive(self.pid) and not self.is_someone_else()

    def is_someone_else(self) -> bool:
        """Tell whether the id now belongs to another process."""
        started_at = _start_time(self.pid)
        return (
            started_at is not None
            and abs(started_at - self.started_at) > START_TIME_TOLERANCE_SECONDS
        )

    def members(self) -> list[psutil.Process]:
        """List the processes of the session that this one leads or led.

        An id cannot be given out anew while a session carries it, so a dead leader's session is
        still recognised; a living stranger under the id means that the session is gone.
        """
        if self.is_someone_else():
            return []
        return [
            process
            for process in psutil.process_iter()
            # One that is dead and not yet reaped has a session still.
            if _session(process.pid) == self.pid and is_alive(process.pid)
        ]


class ProcessTable:
    """The state file of a stack and the processes named in it."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.path = state_dir / "state.json"
        self.logs_dir = state_dir / "logs"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def recorded(self) -> list[Recorded]:
        """Read the processes of the state file, in the order in which they were started."""
        try:
            rows = json.loads(self.path.read_text())["processes"]
        except FileNotFoundError:
            return []
        return [Recorded(**row | {"stop": StopPlan(**row["stop"])}) for row in rows]

    def start(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        stop: StopPlan,
        cwd: Path | None = None,
    ) -> Recorded:
        """Start a process in its own session, its output going to ``logs/<name>.log``.

        Args:
            name: name of the component, unique in the stack.
            command: program and arguments.
            env: the whole environment of the process.
            stop: how it ends in good order.
            cwd: its working folder.

        Returns:
            The record that was written to the state file.
        """
        self.logs_dir.mkdir(parents=True, exist_ok=True)
        with (self.logs_dir / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                list(command),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = Recorded(
            name=name,
            pid=child.pid,
            started_at=_start_time(child.pid) or time.time(),
            command=list(command),
            stop=stop,
        )
        self._write([*self.recorded(), record])
        self._children[name] = child
        return record

    def exited(self) -> dict[str, int]:
        """Name the processes started here that have ended, with their exit codes."""
        codes = {name: child.poll() for name, child in self._children.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def stop_all(self, at_most_seconds: float = PATIENCE_SECONDS) -> list[str]:
        """Stop every recorded process, the last one started first, and empty the state file.

        Each leader gets its own signal; what is left of its session after its patience is killed.

        Args:
            at_most_seconds: an upper limit on every process's own patience.

        Returns:
            The names of the processes that were still running.
        """
        records = list(reversed(self.recorded()))
        running = [record for record in records if record.is_running() or record.members()]
        for last in (False, True):
            self._stop([row for row in running if row.stop.serves_others is last], at_most_seconds)
        self._children.clear()
        self._write([])
        return [record.name for record in running]

    def last_lines(self, name: str, count: int = 15) -> list[str]:
        """Read the end of a component's log.

        Args:
            name: name of the component.
            count: how many lines.

        Returns:
            The last lines, oldest first; none when there is no log.
        """
        path = self.logs_dir / f"{name}.log"
        if not path.exists():
            return []
        return path.read_text(errors="replace").splitlines()[-count:]

    def _stop(self, records: Sequence[Recorded], at_most_seconds: float) -> None:
        for record in self._alive(records):
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, record.stop.signal)
        signalled_at = time.monotonic()
        while any(
            time.monotonic() - signalled_at < min(record.stop.patience_seconds, at_most_seconds)
            for record in self._alive(records)
        ):
            time.sleep(0.1)
        self._kill(records)

    def _alive(self, records: Sequence[Recorded]) -> list[Recorded]:
        for child in self._children.values():
            child.poll()  # reaps it, so that its id is free again
        return [record for record in records if record.is_running()]

    def _kill(self, records: Sequence[Recorded]) -> None:
        left = [process for record in records for process in record.members()]
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for process in left:
            wait_for_end(process.pid, KILL_SECONDS)
        self._alive(records)

    def _write(self, records: Sequence[Recorded]) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".tmp")
        draft.write_text(json.dumps({"processes": [asdict(record) for record in records]}))
        draft.replace(self.path)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a dead one that nobody has reaped yet does not.

    Args:
        pid: its id.
    """
    return _start_time(pid) is not None


def wait_for_end(pid: int, seconds: float) -> bool:
    """Wait until a process has ended, whoever its parent is and whether or not that reaps it.

    Args:
        pid: its id.
        seconds: how long to wait.

    Returns:
        Whether it has ended.
    """
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _start_time(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.Error:
        return None


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None
