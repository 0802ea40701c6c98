"""The DAGs as Airflow sees them: they parse alone on sys.path, and are wired as promised."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DESCRIBE = """
import json, pathlib, sys
root = pathlib.Path(sys.argv[1])
sys.path.append(str(root))  # what Airflow does for a bundle, and all it does
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(str(root), bundle_path=root, bundle_name="counterfoil")
def shape(dag):
    callbacks = (dag.default_args or {}).get("on_failure_callback")
    return {
        "tasks": {t.task_id: sorted(t.downstream_task_ids) for t in dag.tasks},
        "pools": {t.task_id: t.pool for t in dag.tasks},
        "outlets": {t.task_id: [o.uri for o in t.outlets] for t in dag.tasks},
        "retries": {t.task_id: t.retries for t in dag.tasks},
        "timetable": type(dag.timetable).__name__,
        "catchup": dag.catchup,
        "doc": dag.doc_md or "",
        "tags": sorted(dag.tags),
        "params": sorted(dag.params),
        "owner": callbacks.owner if callbacks else None,
        "max_active_runs": dag.max_active_runs,
    }
print(json.dumps({
    "errors": {k: v[-1500:] for k, v in bag.import_errors.items()},
    "heavy": sorted({"pandas", "great_expectations", "alembic.config"} & set(sys.modules)),
    "dags": {d: shape(x) for d, x in bag.dags.items()},
}))
"""


def parse(root: Path, home: Path) -> dict[str, Any]:
    """Parse a bundle in a process of its own, as Airflow's DAG processor does."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "none"),
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "60",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DESCRIBE, str(root)],
        cwd=home,
        env=env,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return parse(ROOT, tmp_path_factory.mktemp("airflow"))


def test_every_dag_parses_with_only_the_bundle_root_on_the_path(bag: dict[str, Any]):
    assert bag["errors"] == {}
    assert {"orders__shopify_gp", "orders_dry_run__shopify_gp"} <= set(bag["dags"])


def test_no_heavy_package_is_imported_at_parse(bag: dict[str, Any]):
    assert bag["heavy"] == []


def test_the_orders_dag_runs_its_five_steps_in_order(bag: dict[str, Any]):
    assert bag["dags"]["orders__shopify_gp"]["tasks"] == {
        "pull": ["validate"],
        "validate": ["load"],
        "load": ["post"],
        "post": ["prove"],
        "prove": [],
    }


def test_the_dry_run_has_the_same_wiring_and_never_posts(bag: dict[str, Any]):
    assert bag["dags"]["orders_dry_run__shopify_gp"]["tasks"] == {
        "pull": ["validate"],
        "validate": ["plan"],
        "plan": [],
    }


def test_windows_have_a_length(bag: dict[str, Any]):
    for dag_id, dag in bag["dags"].items():
        if dag_id.startswith("orders"):
            assert dag["timetable"] == "CronDataIntervalTimetable"


def test_people_start_replays_and_posting_starts_the_digest(bag: dict[str, Any]):
    replay = bag["dags"]["quarantine_replay__shopify_gp"]
    assert (replay["timetable"], list(replay["tasks"])) == ("NullTimetable", ["replay"])
    assert replay["pools"]["replay"] == "erp_shopify_gp_erp"
    assert replay["params"] == [
        "marked",
        "max_days",
        "min_days",
        "order_numbers",
        "reason_classes",
        "source",
    ]
    dry = bag["dags"]["quarantine_replay_dry_run__shopify_gp"]
    assert (dry["timetable"], list(dry["tasks"])) == ("NullTimetable", ["plan"])
    assert dry["params"] == replay["params"], "the same fields narrow both"
    assert dry["outlets"] == {"plan": []}
    digest = bag["dags"]["quarantine_digest__shopify_gp"]
    assert digest["timetable"] == "AssetOrTimeSchedule"
    assert digest["max_active_runs"] == 1
    assert bag["dags"]["silence__shopify_gp"]["tasks"] == {"listen": []}


def test_store_and_erp_are_guarded_by_pools(bag: dict[str, Any]):
    pools = bag["dags"]["orders__shopify_gp"]["pools"]
    assert pools["pull"] == pools["prove"] == "store_shopify_gp_store"
    assert pools["post"] == "erp_shopify_gp_erp"


def test_what_is_staged_and_posted_is_an_asset(bag: dict[str, Any]):
    outlets = bag["dags"]["orders__shopify_gp"]["outlets"]
    assert outlets["load"] == ["x-counterfoil://shopify_gp/staged_orders"]
    assert outlets["post"] == ["x-counterfoil://shopify_gp/posted_documents"]


def test_every_dag_has_an_owner_who_hears_of_failures_and_a_text_for_the_night(bag: dict[str, Any]):
    for dag_id, dag in bag["dags"].items():
        assert "@" in dag["owner"], dag_id
        assert len(dag["doc"]) > 200, dag_id
        assert all(retries >= 2 for retries in dag["retries"].values()), dag_id


def test_the_orders_dags_say_what_the_channel_books(bag: dict[str, Any]):
    for flow in ("orders", "orders_dry_run"):
        told = bag["dags"][f"{flow}__shopify_gp"]["doc"]
        assert "| Invoicing | `on_payment` | An order is billed as soon as it is paid" in told
        assert "| Tolerance | `0` |" in told


def test_no_field_of_the_form_decides_whether_anything_is_posted(bag: dict[str, Any]):
    assert bag["dags"]["orders__shopify_gp"]["params"] == ["order_numbers", "statuses"]


@pytest.mark.skipif(shutil.which("git") is None, reason="no git is installed")
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no git checkout")
def test_a_git_bundle_of_two_folders_at_the_project_root_parses(tmp_path: Path):
    bundle = tmp_path / "bundle"
    clone = ["git", "clone", "--quiet", "--no-checkout", ROOT.as_uri(), str(bundle)]
    subprocess.run(clone, check=True, timeout=60)
    for command in (["sparse-checkout", "set", "dags", "include"], ["checkout", "--quiet"]):
        subprocess.run(["git", "-C", str(bundle), *command], check=True, timeout=60)
    assert not (bundle / "plugins").exists()
    found = parse(bundle, tmp_path)
    assert found["errors"] == {}
    assert "orders__shopify_gp" in found["dags"]


def test_every_dag_of_a_wrong_channel_file_says_why_and_no_other_channel_breaks(tmp_path: Path):
    bundle = tmp_path / "bundle"
    for part in ("dags", "include"):
        shutil.copytree(ROOT / part, bundle / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".airflowignore", bundle)
    broken = bundle / "include" / "channels" / "broken"
    broken.mkdir()
    (broken / "channel.yaml").write_text("name: broken\ncurrency: shells\n", encoding="utf-8")
    right = (ROOT / "include/channels/shopify_gp/channel.yaml").read_text(encoding="utf-8")
    for name, old, new in (
        ("no_such_erp", "connector: dynamics_gp", "connector: dynamics_gb"),
        (
            "odd_settings",
            "connector: dynamics_gp",
            "connector: dynamics_gp\n  settings: {sitte: X}",
        ),
    ):
        folder = bundle / "include" / "channels" / name
        folder.mkdir()
        text = right.replace("name: shopify_gp", f"name: {name}").replace(old, new)
        (folder / "channel.yaml").write_text(text, encoding="utf-8")
    found = parse(bundle, tmp_path)
    assert found["errors"] == {}
    assert "orders__shopify_gp" in found["dags"]
    flows = [d.removesuffix("shopify_gp") for d in found["dags"] if d.endswith("__shopify_gp")]
    assert len(flows) == 7
    for name, told in (
        ("broken", "currency"),
        ("no_such_erp", "erp.connector: there is no connector 'dynamics_gb'"),
        ("odd_settings", "erp.settings: dynamics_gp: sitte: there is no such setting; there are: "),
    ):
        for flow in flows:
            refused = found["dags"][f"{flow}{name}"]
            assert "refused" in refused["tags"]
            assert list(refused["tasks"]) == ["refuse"]
            assert f"{name}/channel.yaml" in refused["doc"]
            assert told in refused["doc"]


def test_a_channel_that_could_make_no_dag_stops_none_of_another(tmp_path: Path):
    bundle = tmp_path / "bundle"
    for part in ("dags", "include"):
        shutil.copytree(ROOT / part, bundle / part, ignore=shutil.ignore_patterns("__pycache__"))
    right = (ROOT / "include/channels/shopify_gp/channel.yaml").read_text(encoding="utf-8")
    for folder, name, old, new in (
        ("odd_cron", "odd_cron", 'cron: "0 0 * * *"', "cron: at night"),
        ("odd_suite", "odd_suite", "policy:\n", "suite: ordres\npolicy:\n"),
        ("shopify_gp copy", "shopify_gp", "", ""),
        ("my shop", "my shop", "", ""),
    ):
        path = bundle / "include" / "channels" / folder / "channel.yaml"
        path.parent.mkdir()
        assert old in right
        text = right.replace("name: shopify_gp", f"name: {name}").replace(old, new)
        path.write_text(text, encoding="utf-8")
    found = parse(bundle, tmp_path)
    assert found["errors"] == {}
    assert "refused" not in found["dags"]["orders__shopify_gp"]["tags"]
    for dag, told in (
        ("odd_cron", "odd_cron/channel.yaml: schedule.cron: 'at night' is no cron expression"),
        ("odd_suite", "odd_suite/channel.yaml: suite: there is no 'ordres'; there are: orders"),
        ("shopify_gp_copy__refused", "shopify_gp copy/channel.yaml: name: is 'shopify_gp' but"),
        ("my_shop__refused", "my shop/channel.yaml: name: 'my shop' is a part of DAG ids"),
    ):
        refused = found["dags"][f"orders__{dag}"]
        assert "refused" in refused["tags"]
        assert told in refused["doc"]


@pytest.mark.parametrize("broken", [False, True], ids=["no channel", "a refused one alone"])
def test_what_is_kept_for_a_while_goes_in_time_without_any_channel(tmp_path: Path, broken: bool):
    bundle = tmp_path / "bundle"
    for part in ("dags", "include"):
        shutil.copytree(ROOT / part, bundle / part, ignore=shutil.ignore_patterns("__pycache__"))
    for channel in (bundle / "include/channels").glob("*/channel.yaml"):
        shutil.rmtree(channel.parent)
    if broken:
        folder = bundle / "include/channels/broken"
        folder.mkdir()
        (folder / "channel.yaml").write_text("name: broken\n", encoding="utf-8")
    found = parse(bundle, tmp_path)
    assert found["errors"] == {}
    assert found["dags"]["housekeeping"]["tasks"] == {"tidy": []}
    assert found["dags"]["housekeeping"]["doc"].startswith("### Housekeeping")
    others = {dag_id for dag_id in found["dags"] if dag_id != "housekeeping"}
    assert all(dag_id.endswith("__broken") for dag_id in others)
    assert bool(others) is broken


def test_a_channel_that_imports_by_hand_has_no_schedule_and_asks_for_days(tmp_path: Path):
    bundle = tmp_path / "bundle"
    for part in ("dags", "include"):
        shutil.copytree(ROOT / part, bundle / part, ignore=shutil.ignore_patterns("__pycache__"))
    file = bundle / "include/channels/shopify_gp/channel.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("policy:\n", "policy:\n  import: by_hand\n"), encoding="utf-8")
    found = parse(bundle, tmp_path)
    assert found["errors"] == {}
    for name in ("orders__shopify_gp", "orders_dry_run__shopify_gp"):
        dag = found["dags"][name]
        assert dag["timetable"] == "NullTimetable"
        assert {"first_day", "last_day", "order_numbers"} <= set(dag["params"])
    assert "silence__shopify_gp" not in found["dags"]
    assert "quarantine_digest__shopify_gp" in found["dags"]
