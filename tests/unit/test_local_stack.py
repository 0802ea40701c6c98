"""The parts of the local stack that need no process: secrets, ports, configuration, the lock."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local import __main__ as cli
from local import channels, credentials, ports
from local.airflow import LocalAirflow
from local.stack import Endpoints, SandboxOptions, Stack


def quiet(_line: str) -> None:
    pass


def airflow(tmp_path: Path) -> LocalAirflow:
    return LocalAirflow(
        root=tmp_path / "project",
        state_dir=tmp_path / "state",
        database_url="postgresql+psycopg2://postgres@/airflow?host=/socket",
        port=8081,
        worker_log_port=8082,
        trigger_log_port=8083,
        credentials=credentials.load(tmp_path / "state"),
    )


def test_credentials_are_made_once_and_are_for_their_owner_only(tmp_path: Path) -> None:
    first = credentials.load(tmp_path)
    assert credentials.load(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600
    assert set(first.passwords) == {"admin", "ops", "finance"}
    assert len(set(first.passwords.values())) == 3
    assert credentials.load(tmp_path / "other") != first


def test_the_jwt_secret_is_long_enough_for_its_algorithm(tmp_path: Path) -> None:
    assert len(credentials.load(tmp_path).jwt_secret) >= 64


def test_ports_are_free_and_different(tmp_path: Path) -> None:
    own = ports.Ports(tmp_path)
    found = [own.take_any() for _ in range(5)]
    assert len(set(found)) == 5
    assert all(ports.is_free(port) for port in found)


def test_two_stacks_that_start_together_share_no_port(tmp_path: Path) -> None:
    first, second = ports.Ports(tmp_path), ports.Ports(tmp_path)
    port = first.take_any()
    assert ports.is_free(port), "nobody listens yet"
    assert not second.take(port)
    assert second.prefer(port) != port
    first.release()
    assert second.take(port)
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_the_ports_of_a_runner_that_was_killed_can_be_taken(tmp_path: Path) -> None:
    hold = (
        "import pathlib, sys, local.ports\n"
        "own = local.ports.Ports(pathlib.Path(sys.argv[1]))\n"
        "print(own.take_any(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    root = Path(__file__).resolve().parents[2]
    runner = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert runner.stdout is not None
    port = int(runner.stdout.readline())
    own = ports.Ports(tmp_path)
    assert not own.take(port)
    runner.kill()
    runner.wait()
    assert own.take(port)


def test_a_lock_file_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    own = ports.Ports(tmp_path)
    port = own.take_any()
    own.release()
    lock = tmp_path / f"counterfoil-port-{port}.lock"
    lock.symlink_to(tmp_path / "elsewhere")
    assert not own.take(port)
    assert not (tmp_path / "elsewhere").exists()


def test_a_taken_port_is_seen_and_avoided(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not ports.is_free(port)
        assert ports.Ports(tmp_path).prefer(port) != port


def test_airflow_is_configured_for_one_machine(tmp_path: Path) -> None:
    env = airflow(tmp_path).environment({"PATH": "/bin"})
    assert env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin,ops:user,finance:viewer"
    assert env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8081/execution/"
    (bundle,) = json.loads(env["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert bundle["kwargs"] == {"path": str(tmp_path / "project")}


def test_connections_of_the_environment_reach_airflow_and_foreign_paths_do_not(
    tmp_path: Path,
) -> None:
    base = {
        "AIRFLOW_CONN_SHOPIFY_GP_STORE": "{}",
        "AIRFLOW_HOME": "/elsewhere",
        "PYTHONPATH": "/elsewhere",
    }
    env = airflow(tmp_path).environment(base)
    assert env["AIRFLOW_CONN_SHOPIFY_GP_STORE"] == "{}"
    assert env["AIRFLOW_HOME"] == str(tmp_path / "state" / "airflow")
    assert "PYTHONPATH" not in env


def test_requests_to_this_machine_pass_by_any_proxy(tmp_path: Path) -> None:
    env = airflow(tmp_path).environment({"NO_PROXY": "intranet,127.0.0.1"})
    assert env["NO_PROXY"] == "intranet,127.0.0.1,localhost"


def test_only_one_runner_holds_a_state_folder(tmp_path: Path) -> None:
    first, second = (Stack(tmp_path, tmp_path / "state", quiet) for _ in range(2))
    with first.lock() as mine:
        assert mine
        with second.lock() as also_mine:
            assert not also_mine
    with second.lock() as mine_now:
        assert mine_now


def test_a_runner_is_known_by_its_id_and_its_start(tmp_path: Path) -> None:
    started_at = psutil.Process().create_time()
    assert Endpoints(os.getpid(), started_at, 1, []).runner_is_alive()
    assert not Endpoints(os.getpid(), started_at - 3600, 1, []).runner_is_alive()


def test_the_sandbox_gets_the_options_that_were_given() -> None:
    assert SandboxOptions().arguments() == []
    assert SandboxOptions(seed=7, per_day=20).arguments() == ["--seed", "7", "--per-day", "20"]


def test_stopping_and_asking_where_nothing_runs_are_no_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state-dir", str(tmp_path / "state")]
    assert cli.main([*state, "stop"]) == 0
    assert "nothing is running" in capsys.readouterr().out
    assert cli.main([*state, "status"]) == 1
    assert "no stack is up" in capsys.readouterr().out


def test_every_channel_whose_erp_comes_up_by_itself_is_brought_up() -> None:
    assert "shopify_gp" in channels.chosen()
    assert channels.chosen(only=["shopify_gp"]) == ["shopify_gp"]


def test_a_channel_or_an_erp_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(channels.NoSuchChannel, match=r"no channel shopify_g; there are: .*shopify"):
        channels.chosen(only=["shopify_g"])
    with pytest.raises(channels.NoSuchChannel, match=r"no ERP .* sap; there are: .*dynamics_gp"):
        channels.chosen(erps=["sap"])


def test_a_stack_without_a_channel_does_not_start_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(channels.NoSuchChannel, match=r"no channel under include/channels comes up"):
        channels.chosen(root=tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "channel.yaml").write_text("name: broken\n", encoding="utf-8")
    with pytest.raises(channels.NoSuchChannel, match="to be asked for: none"):
        channels.chosen(root=tmp_path)
