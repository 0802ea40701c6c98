"""Processes of the local stack are started in sessions of their own and stopped by id."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from local.processes import ProcessTable, Recorded, StopPlan, is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "
    "time.sleep(600)",
]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', "
    "'import time; time.sleep(600)']); print('child', child.pid, flush=True); time.sleep(600)",
]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[ProcessTable]:
    table = ProcessTable(tmp_path)
    yield table
    table.stop_all(at_most_seconds=0)


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_a_process_is_recorded_with_its_log_and_stopped_by_its_signal(table: ProcessTable) -> None:
    record = table.start("sleeper", SLEEPER, os.environ, stop=StopPlan())
    wait_for(lambda: table.last_lines("sleeper") == ["up"])
    assert ProcessTable(table.state_dir).recorded() == [record]
    assert os.getsid(record.pid) == record.pid
    assert table.stop_all() == ["sleeper"]
    assert not is_alive(record.pid)
    assert table.recorded() == []


def test_a_process_that_ignores_its_signal_is_killed(table: ProcessTable) -> None:
    record = table.start("stubborn", STUBBORN, os.environ, stop=StopPlan())
    wait_for(lambda: table.last_lines("stubborn") == ["up"])
    table.stop_all(at_most_seconds=0.3)
    assert not is_alive(record.pid)


def test_children_of_a_killed_leader_are_found_by_their_session(table: ProcessTable) -> None:
    record = table.start("parent", PARENT, os.environ, stop=StopPlan())
    wait_for(lambda: table.last_lines("parent"))
    child = int(table.last_lines("parent")[0].split()[1])
    os.kill(record.pid, signal.SIGKILL)
    wait_for(lambda: table.exited() == {"parent": -signal.SIGKILL})
    assert is_alive(child)
    assert ProcessTable(table.state_dir).stop_all() == ["parent"]
    wait_for(lambda: not is_alive(child))


def test_another_table_stops_what_a_dead_runner_left(table: ProcessTable) -> None:
    record = table.start("sleeper", SLEEPER, os.environ, stop=StopPlan())
    assert ProcessTable(table.state_dir).stop_all(at_most_seconds=5) == ["sleeper"]
    wait_for(lambda: table.exited() != {})
    assert not record.is_running()


def test_a_process_that_took_over_the_id_is_left_alone(table: ProcessTable) -> None:
    record = table.start("sleeper", SLEEPER, os.environ, stop=StopPlan())
    impostor = dataclasses.replace(record, started_at=record.started_at - 3600)
    table.path.write_text(json.dumps({"processes": [dataclasses.asdict(impostor)]}))
    assert ProcessTable(table.state_dir).stop_all(at_most_seconds=1) == []
    assert psutil.Process(record.pid).is_running()
    table.path.write_text(json.dumps({"processes": [dataclasses.asdict(record)]}))


def test_an_exit_is_reported_with_its_code(table: ProcessTable) -> None:
    table.start("brief", [sys.executable, "-c", "raise SystemExit(7)"], os.environ, stop=StopPlan())
    wait_for(lambda: table.exited() == {"brief": 7})


def test_a_process_that_serves_others_is_stopped_after_them(
    table: ProcessTable, tmp_path: Path
) -> None:
    program = (
        "import signal, sys, time; from pathlib import Path\n"
        "def end(*_): Path(sys.argv[1]).open('a').write(sys.argv[2] + ' '); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(600)"
    )
    order = tmp_path / "order"
    for name, plan in (("client", StopPlan()), ("server", StopPlan(serves_others=True))):
        table.start(name, [sys.executable, "-c", program, str(order), name], os.environ, stop=plan)
        wait_for(lambda name=name: table.last_lines(name) == ["up"])
    assert table.stop_all() == ["server", "client"]
    assert order.read_text() == "client server "


def test_stopping_nothing_is_no_error(tmp_path: Path) -> None:
    assert ProcessTable(tmp_path / "nowhere").stop_all() == []
    gone = Recorded("gone", 2**22 - 1, 0.0, [], StopPlan())
    assert gone.is_running() is False
