"""A server of the sandbox ends with whoever started it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from include.connectors.erps.tryton import sandbox
from local.processes import is_alive, wait_for_end

TIED = Path(sandbox.__file__).parent / "tied.py"
SLEEPER = "import os, sys, time; print(os.getpid(), sys.argv[1:], flush=True); time.sleep(600)"
STARTER = f"""
import subprocess, sys, time
command = [sys.executable, {str(TIED)!r}, sys.argv[1], "a", "b"]
child = subprocess.Popen(command, stdin=subprocess.PIPE)
print("started", flush=True)
time.sleep(600)
"""


def test_it_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(script)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    told = [starter.stdout.readline() for _ in range(2)]
    pid, arguments = next(line for line in told if line[0].isdigit()).split(maxsplit=1)
    assert arguments.strip() == "['a', 'b']"
    assert is_alive(int(pid))
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait(30)
    assert wait_for_end(int(pid), 30)
    starter.stdout.close()
