"""What Airflow's processes load from the plugins folder, and what they do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plugins.finance.preload import preload_for_tasks

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"


def in_a_process_of_airflow(program: str, home: Path, **more: str) -> Any:
    """Run a program as Airflow runs plugins: the folder on the path, the project root not."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTHONPATH"))}
    env |= {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS), **more}
    done = subprocess.run(
        [sys.executable, "-c", program, "scheduler"],
        env=env,
        cwd=home,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_airflow_finds_one_plugin_without_errors_and_loads_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import json, sys, airflow\n"
        "from airflow import plugins_manager as manager\n"
        "plugins, errors = manager._get_plugins()\n"
        "ours = next(p for p in plugins if p.name == 'counterfoil')\n"
        "heavy = {'pandas', 'great_expectations', 'finance.app', 'finance.access', 'include'}\n"
        "print(json.dumps({'errors': errors, 'heavy': sorted(heavy & set(sys.modules)),\n"
        "  'apps': [a['url_prefix'] for a in ours.fastapi_apps],\n"
        "  'views': [(v['destination'], v['href']) for v in ours.external_views]}))\n"
    )

    found = in_a_process_of_airflow(program, tmp_path)

    assert found == {
        "errors": {},
        "heavy": [],
        "apps": ["/proof", "/quarantine", "/customers"],
        "views": [
            ["nav", "/proof/"],
            ["nav", "/quarantine/"],
            ["nav", "/customers/"],
            ["dag_run", "/proof/run?dag_id={DAG_ID}&run_id={RUN_ID}"],
        ],
    }


def test_a_scheduler_that_was_asked_to_imports_great_expectations_before_it_forks(
    tmp_path: Path,
) -> None:
    program = (
        "import json, sys\n"
        f"sys.path.append({str(PLUGINS)!r})\n"
        "from finance.preload import preload\n"
        "print(json.dumps([preload(), 'great_expectations' in sys.modules]))\n"
    )

    assert in_a_process_of_airflow(program, tmp_path, COUNTERFOIL_PRELOAD="1") == [True, True]
    assert in_a_process_of_airflow(program, tmp_path) == [False, False]


@pytest.mark.parametrize(
    ("command", "setting"),
    [
        (["airflow", "api-server"], "1"),
        (["airflow", "dag-processor"], "1"),
        (["airflow"], "1"),
        (["airflow", "scheduler"], None),
        (["airflow", "scheduler"], "0"),
    ],
)
def test_no_other_process_pays_for_the_preload(command: list[str], setting: str | None) -> None:
    assert preload_for_tasks(command, setting) is False
