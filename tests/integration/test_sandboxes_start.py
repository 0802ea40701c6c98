"""The sandboxes of a channel come up with one command, and come up the same again."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from include.sandbox.shops import seed_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
CHANNEL = "shopify_gp"
QUERY = "{ orders(first: 5, sortKey: CREATED_AT) { nodes { id name } } }"


@contextmanager
def sandboxes(server_url: str, state_dir: Path, seed: int) -> Iterator[dict[str, Any]]:
    """Run the sandboxes of one channel; yield the connections that lead to them."""
    command = [sys.executable, "-m", "include.sandbox", CHANNEL, "--server-url", server_url]
    command += ["--seed", str(seed), "--days", "1", "--per-day", "60"]
    command += ["--state-dir", str(state_dir)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"COUNTERFOIL_SHOP_CLIENT_ID": "me", "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"serving {CHANNEL}\n"
        yield json.loads((state_dir / "connections.json").read_text())
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


def orders(base_url: str) -> list[dict[str, str]]:
    answer = requests.post(
        f"{base_url}/admin/api/2026-10/graphql.json",
        json={"query": QUERY},
        headers={"X-Shopify-Access-Token": "shpat_sandbox"},
        timeout=20,
    )
    nodes: list[dict[str, str]] = answer.json()["data"]["orders"]["nodes"]
    return nodes


def test_the_sandboxes_start_seed_and_serve_the_same_shop_after_a_restart(
    postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = postgres_server.url("postgres")
    with sandboxes(url, tmp_path, seed=1) as connections:
        assert connections["shopify_gp_store"]["login"] == "me"
        assert connections["shopify_gp_erp"]["conn_type"] == "postgres"
        first = orders(connections["shopify_gp_store"]["host"])
    assert len(first) == 5
    assert stat.S_IMODE((tmp_path / "connections.json").stat().st_mode) == 0o600
    with sandboxes(url, tmp_path, seed=2) as connections:
        assert orders(connections["shopify_gp_store"]["host"]) == first
    kept = json.loads((tmp_path / CHANNEL / "shop.json").read_text())
    assert kept["seed"] == seed_of(CHANNEL, 1)


def test_each_channel_has_a_shop_of_its_own() -> None:
    assert seed_of("shopify_gp", 1) != seed_of("shopify_heartland", 1)
    assert seed_of("shopify_gp", 1) == seed_of("shopify_gp", 1)
