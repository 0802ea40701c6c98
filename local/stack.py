"""Brings the whole local stack up in order, and down again.

Order: PostgreSQL; then, side by side, the channels' sandboxes and the databases' schemas; then
Airflow's processes, and the settings. One runner at a time holds the state folder's lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from local import credentials, ports, postgres, settings_file
from local.airflow import LocalAirflow
from local.airflow_api import AirflowApi
from local.processes import ProcessTable, StopPlan, is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.credentials import Credentials
    from local.postgres import EmbeddedPostgres

UI_PORT = 8080
DATABASES = ("airflow", "counterfoil")
SANDBOXES = "sandboxes"
START_SECONDS = 240.0
STOP_SECONDS = 45.0


class StackError(Exception):
    """The stack could not be started, or a part of it died; says which and why."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What a person or another process needs to reach a running stack."""

    runner_pid: int
    runner_started_at: float
    airflow_port: int
    channels: list[str]

    @property
    def airflow_url(self) -> str:
        """Base URL of Airflow."""
        return f"http://{ports.HOST}:{self.airflow_port}"

    def runner_is_alive(self) -> bool:
        """Tell whether the runner that wrote this still runs."""
        try:
            started_at = psutil.Process(self.runner_pid).create_time()
        except psutil.Error:
            return False
        return is_alive(self.runner_pid) and bool(abs(started_at - self.runner_started_at) < 1)


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """What the sandbox shops are filled with."""

    seed: int | None = None
    per_day: int | None = None
    days: int | None = None

    def arguments(self) -> list[str]:
        """Spell the options for the sandbox's command line."""
        named = {"--seed": self.seed, "--per-day": self.per_day, "--days": self.days}
        return [
            part
            for name, value in named.items()
            if value is not None
            for part in (name, str(value))
        ]


class Stack:
    """The processes of one state folder."""

    def __init__(self, root: Path, state_dir: Path, tell: Callable[[str], None]) -> None:
        self.root = root
        self.state_dir = state_dir
        self.table = ProcessTable(state_dir)
        self.tell = tell
        self.postgres_dir = state_dir / "postgres"
        self._ports = ports.Ports()

    @property
    def credentials(self) -> Credentials:
        """Keys and passwords of this stack."""
        return credentials.load(self.state_dir)

    @contextlib.contextmanager
    def lock(self) -> Iterator[bool]:
        """Try to become the one runner of this state folder.

        Yields:
            Whether that worked. The lock ends with the process, however it ends.
        """
        self.state_dir.mkdir(parents=True, exist_ok=True)
        with (self.state_dir / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def endpoints(self) -> Endpoints | None:
        """Read where the stack of this folder listens; None when none was started."""
        try:
            return Endpoints(**json.loads((self.state_dir / "stack.json").read_text()))
        except FileNotFoundError:
            return None

    def api(self, endpoints: Endpoints, user: str) -> AirflowApi:
        """Open Airflow's API as one of the stack's users, not yet logged in.

        Args:
            endpoints: where it listens.
            user: admin, ops or finance.
        """
        return AirflowApi(endpoints.airflow_url, user, self.credentials.passwords[user])

    def sandbox_connections(self) -> dict[str, dict[str, Any]]:
        """Read the connections that lead to the sandboxes; empty until all of them listen.

        Returns:
            Fields of each connection by its id.
        """
        try:
            found = (self.state_dir / SANDBOXES / "connections.json").read_text()
        except FileNotFoundError:
            return {}
        connections: dict[str, dict[str, Any]] = json.loads(found)
        return connections

    def up(
        self,
        sandbox: SandboxOptions,
        channels: Sequence[str],
        airflow_port: int | None = None,
    ) -> Endpoints:
        """Start everything and wait until it is healthy and its settings are loaded.

        Args:
            sandbox: what the sandbox shops are filled with.
            channels: the channels whose sandboxes are brought up.
            airflow_port: the port of the user interface; by default 8080 or else a free one.

        Returns:
            Where the parts listen.

        Raises:
            StackError: the port is taken, or a part did not come up.
        """
        left = self.down()
        if left:
            self.tell(f"stopped what an earlier run left behind: {', '.join(left)}")
        self._require_current_books(channels)
        if airflow_port is not None and not self._ports.take(airflow_port):
            raise StackError(f"port {airflow_port} is in use; choose another with PORT=")
        server = postgres.start(self.postgres_dir)
        for name in DATABASES:
            server.create_database(name)
        self.tell("PostgreSQL is up")

        me = psutil.Process()
        endpoints = Endpoints(
            runner_pid=me.pid,
            runner_started_at=me.create_time(),
            airflow_port=airflow_port or self._ports.prefer(UI_PORT),
            channels=list(channels),
        )
        (self.state_dir / "stack.json").write_text(json.dumps(asdict(endpoints)))
        airflow = LocalAirflow(
            root=self.root,
            state_dir=self.state_dir,
            database_url=server.url("airflow", driver="psycopg2"),
            port=endpoints.airflow_port,
            worker_log_port=self._ports.take_any(),
            trigger_log_port=self._ports.take_any(),
            credentials=self.credentials,
        )
        env = airflow.environment()

        self._start_sandboxes(server, channels, sandbox)
        with ThreadPoolExecutor(max_workers=2) as pool:
            metadata = pool.submit(airflow.prepare, env)
            staging = pool.submit(_migrate_staging, server.url("counterfoil"))
            staging.result()
            metadata.result()
        self.tell("the databases have their schemas")
        airflow.start(self.table, env)
        self._wait(lambda: bool(self.sandbox_connections()), "the sandboxes")
        self.tell(f"the sandboxes of {', '.join(channels)} are up")
        settings = self._settings(server)
        api = self.api(endpoints, "admin")
        self._wait(lambda: not api.unhealthy(), "Airflow")
        settings_file.load(api, settings)
        self.tell(f"Airflow is up at {endpoints.airflow_url}, its settings are loaded")
        return endpoints

    def _settings(self, server: EmbeddedPostgres) -> settings_file.AirflowSettings:
        """Read airflow_settings.yaml with what this stack started, or the environment names."""
        connections = self.sandbox_connections()
        connections["counterfoil_staging"] = server.connection("counterfoil")
        values = settings_file.values_of(connections) | os.environ
        return settings_file.read(self.root / "airflow_settings.yaml", values, optional=True)

    def check(self) -> None:
        """Make sure that every part still runs.

        Raises:
            StackError: one ended; names it and shows the end of its log.
        """
        for name, code in self.table.exited().items():
            lines = "\n  ".join(self.table.last_lines(name))
            log = self.table.logs_dir / f"{name}.log"
            raise StackError(f"{name} ended with exit code {code}; {log} ends with:\n  {lines}")
        if postgres.find(self.postgres_dir) is None:
            raise StackError(f"PostgreSQL ended; see {self.postgres_dir / 'log'}")

    def down(self) -> list[str]:
        """Stop every process of this state folder, by id.

        Returns:
            The names of what was running.
        """
        stopped = self.table.stop_all()
        if postgres.stop(self.postgres_dir):
            stopped.append("postgres")
        (self.state_dir / "stack.json").unlink(missing_ok=True)
        (self.state_dir / SANDBOXES / "connections.json").unlink(missing_ok=True)
        self._ports.release()
        return stopped

    def _require_current_books(self, channels: Sequence[str]) -> None:
        # Imported here: they bring pydantic, which stopping the stack does not need.
        from include.sandbox.layout import is_current
        from include.settings.channel import load_channel

        other = [
            name
            for name in channels
            if not is_current(self.state_dir / SANDBOXES / name, load_channel(name).erp.connector)
        ]
        if other:
            raise StackError(
                f"the sandbox books of {', '.join(other)} in {self.state_dir.name} are of another "
                "version: run `make clean`, then `make run` again"
            )

    def _start_sandboxes(
        self, server: EmbeddedPostgres, channels: Sequence[str], sandbox: SandboxOptions
    ) -> None:
        own = self.credentials
        folder = self.state_dir / SANDBOXES
        (folder / "connections.json").unlink(missing_ok=True)
        command = [
            *(sys.executable, "-m", "include.sandbox"),
            *("--state-dir", str(folder)),
            *("--server-url", server.url("postgres")),
            *sandbox.arguments(),
            *channels,
        ]
        env = os.environ | {
            "PYTHONPATH": str(self.root),
            "PYTHONUNBUFFERED": "1",
            "COUNTERFOIL_SHOP_CLIENT_ID": own.store_client_id,
            "COUNTERFOIL_SHOP_CLIENT_SECRET": own.store_client_secret,
        }
        stop = StopPlan(serves_others=True)
        self.table.start("sandboxes", command, env, stop=stop, cwd=self.root)

    def _wait(self, ready: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise StackError(
                    f"{what} did not come up in {START_SECONDS:.0f} s; see {self.table.logs_dir}"
                )
            time.sleep(0.25)


def _migrate_staging(url: str) -> None:
    # Imported here: it brings SQLAlchemy and Alembic, which stopping the stack does not need.
    from include.staging.engine import migrate

    migrate(url)
