"""Command line of the local stack: `python -m local run|stop|status`."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import requests

from local import backfill, channels, job, summary
from local.airflow_api import AirflowApiError
from local.processes import wait_for_end
from local.settings_file import SettingsFileError
from local.stack import STOP_SECONDS, Endpoints, SandboxOptions, Stack, StackError

if TYPE_CHECKING:
    from types import FrameType


ROOT = Path(__file__).resolve().parents[1]
SETTLE_SECONDS = 1.5
# The store has orders before those of the main job: something to backfill from the UI.
EARLIER_DAYS = 7


class StopRequested(BaseException):
    """A person or `make stop` asked the runner to end."""


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; the process's own by default.

    Returns:
        The exit code: 0 when all is well, 1 when the job or the stack failed.
    """
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument(
        "--state-dir", type=Path, default=ROOT / ".local", help="folder of all state"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run", help="bring everything up and do the main job")
    runner.add_argument("--once", action="store_true", help="stop everything after the summary")
    runner.add_argument("--days", type=int, default=3, help="complete UTC days to backfill")
    runner.add_argument("--port", type=int, help="port of the user interface")
    runner.add_argument("--seed", type=int, help="seed of the sandbox shops' orders")
    runner.add_argument("--per-day", type=int, help="orders a day in each sandbox shop")
    runner.add_argument(
        "--channel", action="append", default=[], help="only this channel (may be repeated)"
    )
    runner.add_argument(
        "--erp", action="append", default=[], help="an ERP that comes up on request only"
    )
    commands.add_parser("stop", help="stop every process of the stack")
    commands.add_parser("status", help="say what runs")
    options = parser.parse_args(argv)
    stack = Stack(ROOT, options.state_dir.resolve(), _Teller().tell)
    if options.command == "stop":
        return stop(stack)
    if options.command == "status":
        return status(stack)
    sandbox = SandboxOptions(
        seed=options.seed, per_day=options.per_day, days=options.days + EARLIER_DAYS
    )
    try:
        names = channels.chosen(options.channel, options.erp)
    except channels.NoSuchChannel as error:
        parser.error(str(error))
    return run(stack, sandbox, names, days=options.days, port=options.port, once=options.once)


def run(
    stack: Stack,
    sandbox: SandboxOptions,
    names: Sequence[str],
    *,
    days: int,
    port: int | None,
    once: bool,
) -> int:
    """Bring the stack up, do the main job, and stay until told to stop.

    Where a stack is up already, do the main job on that one and leave it as it is.

    Args:
        stack: the stack of a state folder.
        sandbox: what the sandbox shops are filled with.
        names: the channels.
        days: complete UTC days to backfill.
        port: port of the user interface, if it matters.
        once: stop after the summary.

    Returns:
        0 when every window was proven complete, else 1.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _request_stop)
    with stack.lock() as mine:
        try:
            if not mine:
                return _attach(stack, days)
            endpoints = stack.up(sandbox, names, port)
            code = job.do(stack, endpoints, days)
            if once:
                # The executor's workers let go of a task about a second after it has ended; until
                # then a stop makes the scheduler wait for them in vain.
                time.sleep(SETTLE_SECONDS)
                return code
            backfill.unpause_all(stack.api(endpoints, "admin"), endpoints.channels)
            print(
                f"\nStop with Ctrl-C here, or `make stop` elsewhere. Logs: {stack.table.logs_dir}"
            )
            _watch(stack)
        except StopRequested:
            print("\nstopping", flush=True)
            return 0
        except (
            StackError,
            SettingsFileError,
            AirflowApiError,
            backfill.BackfillFailed,
            TimeoutError,
            requests.RequestException,
            subprocess.SubprocessError,
        ) as error:
            print(f"\n{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            return 1
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            if mine:
                stopped = stack.down()
                stack.tell(f"stopped: {', '.join(stopped) or 'nothing was running'}")


def stop(stack: Stack) -> int:
    """Stop the stack of a state folder, whoever started it and however its runner ended.

    Args:
        stack: the stack of a state folder.

    Returns:
        Always 0: a stack that is not up is stopped.
    """
    endpoints = stack.endpoints()
    if endpoints is not None and endpoints.runner_is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(endpoints.runner_pid, signal.SIGTERM)
        if wait_for_end(endpoints.runner_pid, STOP_SECONDS):
            print("stopped")
        else:
            print(f"the runner did not stop in {STOP_SECONDS:.0f} s; killing it", file=sys.stderr)
            with contextlib.suppress(ProcessLookupError):
                os.kill(endpoints.runner_pid, signal.SIGKILL)
    left = stack.down()
    if left:
        print(f"stopped: {', '.join(left)}")
    elif endpoints is None:
        print("nothing is running")
    return 0


def status(stack: Stack) -> int:
    """Print what runs.

    Args:
        stack: the stack of a state folder.

    Returns:
        0 when a stack is up and healthy, else 1.
    """
    endpoints = stack.endpoints()
    for record in stack.table.recorded():
        print(f"{record.name:<14} {record.pid:>8}  {'up' if record.is_running() else 'ENDED'}")
    if endpoints is None or not endpoints.runner_is_alive():
        print("no stack is up")
        return 1
    unhealthy = stack.api(endpoints, "finance").unhealthy()
    print(summary.describe_access(endpoints.airflow_url, stack.credentials.passwords))
    if unhealthy:
        print(f"not healthy: {', '.join(unhealthy)}")
        return 1
    return 0


def _attach(stack: Stack, days: int) -> int:
    endpoints = stack.endpoints()
    if endpoints is None:
        raise StackError("another `make run` is just starting or stopping; try again in a moment")
    stack.tell(f"a stack is already up at {endpoints.airflow_url}: doing the job on that one")
    code = job.do(stack, endpoints, days, check=lambda: _check_runner(endpoints))
    print("\nThat stack stays up. `make stop` stops it.")
    return code


def _check_runner(endpoints: Endpoints) -> None:
    if not endpoints.runner_is_alive():
        raise StackError("the stack was stopped")


def _watch(stack: Stack) -> NoReturn:
    while True:
        stack.check()
        time.sleep(1)


def _request_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise StopRequested


class _Teller:
    """Prints progress with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def tell(self, line: str) -> None:
        print(f"[{time.monotonic() - self._started:6.1f} s] {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
