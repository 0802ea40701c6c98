"""Airflow 3.3 on one machine: its configuration as environment variables, and its four processes.

The components run apart, each in its own session, because `airflow standalone` neither notices when
one of them dies nor stops them all on SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.credentials import ROLES, write_private
from local.ports import HOST
from local.processes import StopPlan

if TYPE_CHECKING:
    from local.credentials import Credentials
    from local.processes import ProcessTable

# -P keeps the working folder off sys.path: only the DAG bundle may bring `include` into a task.
COMMAND = (sys.executable, "-P", "-m", "airflow")
# Ending tasks report to the API server, so it goes last, and then waits in vain for open browsers.
# Tasks may be cut short: the next start resumes them. The triggerer waits ten seconds for a child
# that has nothing to do (no task defers).
COMPONENTS = {
    "api-server": StopPlan(signal.SIGINT, patience_seconds=5.0, serves_others=True),
    "scheduler": StopPlan(signal.SIGINT, patience_seconds=8.0),
    "dag-processor": StopPlan(signal.SIGINT),
    "triggerer": StopPlan(signal.SIGTERM, patience_seconds=1.0),
}
MIGRATION_SECONDS = 300
# Another project's Airflow must not leak into this one.
FOREIGN_VARIABLES = ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "PYTHONPATH", "PYTHONHOME")


@dataclass(frozen=True, slots=True)
class LocalAirflow:
    """Where this Airflow lives and what it listens on."""

    root: Path
    state_dir: Path
    database_url: str
    port: int
    worker_log_port: int
    trigger_log_port: int
    credentials: Credentials

    @property
    def home(self) -> Path:
        """Folder of Airflow's own files and task logs."""
        return self.state_dir / "airflow"

    @property
    def url(self) -> str:
        """Base URL of the user interface and of the REST API."""
        return f"http://{HOST}:{self.port}"

    def environment(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Spell the configuration as the environment of every component.

        Args:
            base: the environment to start from. Its ``AIRFLOW_CONN_*`` and ``AIRFLOW_VAR_*`` stay,
                and so does any ``AIRFLOW__*`` option that is not set here.

        Returns:
            The whole environment.
        """
        kept = {key: value for key, value in base.items() if key not in FOREIGN_VARIABLES}
        bundle = {
            "name": "counterfoil",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(self.root)},
        }
        return kept | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.root / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.root / "plugins"),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__CORE__FERNET_KEY": self.credentials.fernet_key,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__AUTH_MANAGER": (
                "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
            ),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
                f"{user}:{role}" for user, role in ROLES.items()
            ),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords_file),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database_url,
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": self.credentials.api_secret_key,
            "AIRFLOW__API_AUTH__JWT_SECRET": self.credentials.jwt_secret,
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.worker_log_port),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.trigger_log_port),
            # A second of idle sleep and a five-second heartbeat per task are most of a small
            # window's wall time at the defaults.
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            # After a kill, tasks of the dead scheduler are taken up again within a minute.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
            # At INFO its import alone writes hundreds of lines into the log of every validation.
            "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING",
            # Tasks are forked from the scheduler: what it has imported costs them nothing.
            "COUNTERFOIL_PRELOAD": "1",
            "GX_ANALYTICS_ENABLED": "false",
            "SCARF_ANALYTICS": "false",
            "DO_NOT_TRACK": "1",
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": _without_proxy(kept.get("NO_PROXY", kept.get("no_proxy", ""))),
        }

    def prepare(self, env: Mapping[str, str]) -> None:
        """Write the passwords and bring the metadata database to this version's schema.

        Args:
            env: the environment from ``environment()``.

        Raises:
            subprocess.CalledProcessError: the migration failed; see ``logs/db-migrate.log``.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        write_private(self._passwords_file, json.dumps(self.credentials.passwords))
        logs = self.state_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / "db-migrate.log").open("ab") as log:
            subprocess.run(
                [*COMMAND, "db", "migrate"],
                env=dict(env),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=MIGRATION_SECONDS,
                check=True,
            )

    def start(self, table: ProcessTable, env: Mapping[str, str]) -> None:
        """Start the four components.

        Args:
            table: where the processes are recorded.
            env: the environment from ``environment()``.
        """
        for component, stop in COMPONENTS.items():
            own = dict(env)
            if component == "api-server":
                # The Proof page is a plugin, and plugins are not loaded from the DAG bundle.
                own["PYTHONPATH"] = str(self.root)
            table.start(component, [*COMMAND, component], own, stop=stop, cwd=self.home)

    @property
    def _passwords_file(self) -> Path:
        return self.home / "passwords.json"


def _without_proxy(listed: str) -> str:
    hosts = [host for host in listed.split(",") if host]
    return ",".join(dict.fromkeys([*hosts, HOST, "localhost"]))
