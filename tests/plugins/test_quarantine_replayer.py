"""The Quarantine page starts the replay DAG as Airflow's own trigger button does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, pathlib, sys
root = pathlib.Path(sys.argv[1])
from airflow.utils.db import initdb
from airflow.utils.session import create_session
initdb()
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
DagBundlesManager().sync_bundles_to_db()
bag = DagBag(str(root), bundle_path=root, bundle_name="dags-folder")
sync_bag_to_db(bag, "dags-folder", None)
from airflow.models import DagModel, DagRun
from plugins.finance.access import AirflowReplayer
replayer = AirflowReplayer()
answers = [replayer.start("shopify_gp", "ada")]
with create_session() as session:
    session.get(DagModel, "quarantine_replay__shopify_gp").is_paused = False
answers += [replayer.start("shopify_gp", "ada"), replayer.start("no_channel", "ada")]
with create_session() as session:
    runs = session.query(DagRun).filter_by(dag_id="quarantine_replay__shopify_gp").all()
    print(json.dumps({"answers": answers, "runs": [
        [str(run.state), run.conf, run.triggering_user_name] for run in runs]}))
"""


def test_a_replay_of_what_is_marked_is_queued_in_the_name_of_the_person(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    env |= {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path / "none"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(ROOT)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["answers"] == [False, True, False]
    assert found["runs"] == [["queued", {"marked": True}, "ada"]] * 2
