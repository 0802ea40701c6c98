"""A `make run` in a process of its own, as the end-to-end tests use it."""

from __future__ import annotations

import contextlib
import itertools
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import sqlalchemy
from sqlalchemy import text

from local import backfill, postgres
from local.airflow_api import AirflowApi
from local.processes import ProcessTable
from local.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
BACKFILL_SECONDS = 180.0
DAG = "orders__shopify_gp"
PER_DAY = 12
PATIENCE_SECONDS = 600
READY = "Stop with Ctrl-C"


class Runner:
    """One state folder, and the runner that works on it."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.stack = Stack(ROOT, state_dir, lambda _line: None)
        self.process: subprocess.Popen[bytes] | None = None
        self.output = state_dir.parent / "run-0.out"
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Start `make run`; its words go to a file of their own."""
        self.output = self.state_dir.parent / f"run-{next(self._numbers)}.out"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                self.command("run", "--per-day", str(PER_DAY)),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def first_output(self) -> Path:
        """What the first `make run` of the folder said: the shop's earlier days happened then."""
        return self.state_dir.parent / "run-1.out"

    def ensure_up(self) -> None:
        """Start it unless it is up: a test may have killed it."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        self.wait_for(READY)

    def end(self) -> None:
        """Stop everything, however the runner has ended."""
        self.call("stop")
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait(60)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "local", "--state-dir", str(self.state_dir), *arguments]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def wait_for(self, words: str) -> str:
        """Wait until the runner has said something; return all that it said."""
        assert self.process is not None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in (told := self.output.read_text()):
            assert self.process.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        return told

    def today(self) -> datetime:
        """First instant of the day on which the runner began: its main job ends there."""
        windows = re.search(r"windows \S+ to (\S+)", self.output.read_text())
        assert windows is not None
        return datetime.fromisoformat(windows[1]).replace(tzinfo=UTC) + timedelta(days=1)

    def api(self, user: str) -> AirflowApi:
        endpoints = self.stack.endpoints()
        assert endpoints is not None
        api = self.stack.api(endpoints, user)
        api.log_in()
        return api

    def wait_for_backfills(self) -> None:
        """Wait until no backfill is active: Airflow allows one, and notes its end late."""
        api = self.api("ops")
        deadline = time.monotonic() + BACKFILL_SECONDS
        while not backfill.close_finished(api, DAG):
            assert time.monotonic() < deadline, "an earlier test's backfill does not end"
            time.sleep(0.5)

    def rows(self, database: str, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Ask a database of the stack: ``gp`` or ``counterfoil``."""
        server = postgres.find(self.stack.postgres_dir)
        assert server is not None
        engine = sqlalchemy.create_engine(server.url(database), poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def tell(self, database: str, statement: str, **values: object) -> None:
        """Run a statement in a database of the stack and commit it."""
        server = postgres.find(self.stack.postgres_dir)
        assert server is not None
        engine = sqlalchemy.create_engine(server.url(database), poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            connection.execute(text(statement), values)

    def documents(self) -> int:
        """Count the documents in the company's books."""
        ((found,),) = self.rows("gp", "SELECT count(*) FROM sales_documents")
        return int(str(found))

    def pids(self) -> list[int]:
        """Ids of everything that was started, children and the database included."""
        leaders = [record.pid for record in ProcessTable(self.state_dir).recorded()]
        server = postgres.find(self.stack.postgres_dir)
        leaders += [server.pid] if server else []
        children = []
        for pid in leaders:
            with contextlib.suppress(psutil.NoSuchProcess):
                children += [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return [*leaders, *children]
