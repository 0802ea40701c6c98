"""Both sandboxes come up with one command, and come up the same again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from include.sandbox.catalog import company_catalog, maps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
QUERY = "{ orders(first: 5, sortKey: CREATED_AT) { nodes { id name } } }"


@contextmanager
def sandbox(url: str, state_dir: Path, seed: int) -> Iterator[str]:
    command = [sys.executable, "-m", "include.sandbox", "--gp-url", url, "--seed", str(seed)]
    command += ["--days", "1", "--per-day", "60", "--state-dir", str(state_dir)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"COUNTERFOIL_STORE_CLIENT_ID": "me", "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
        assert found, line
        yield found[1]
    finally:
        process.terminate()
        process.communicate(timeout=20)


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
    postgres_server: EmbeddedPostgres, staging_url: str, tmp_path: Path
) -> None:
    with sandbox(staging_url, tmp_path, seed=1) as base_url:
        first = orders(base_url)
    assert len(first) == 5
    with sandbox(staging_url, tmp_path, seed=2) as base_url:
        assert orders(base_url) == first
    assert json.loads((tmp_path / "sandbox.json").read_text())["seed"] == 1
    engine = create_engine(staging_url, poolclass=NullPool)
    with engine.connect() as connection:
        items = connection.execute(text("select count(*) from iv00101")).scalar_one()
        assert items == len(company_catalog().items)


def test_every_value_of_the_maps_is_set_up_in_the_company() -> None:
    company, rows = company_catalog(), maps()
    assert set(rows["shipping"].values()) <= set(company.shipping_methods)
    assert set(rows["tax"].values()) <= set(company.tax_details)
    assert set(rows["location"].values()) <= set(company.sites)
    assert set(rows["customer_class"].values()) <= set(company.customer_classes)
    assert set(rows["sku"].values()) <= {item.number for item in company.items}
    for value in rows["payment"].values():
        kind, card, checkbook = value.split(":")
        assert kind in {"card", "cash", "check"}
        assert checkbook in company.checkbooks
        assert not card or company.cards[card] == checkbook


def test_some_items_are_short_of_stock_and_most_are_not() -> None:
    stock = [item.on_hand["MAIN"] for item in company_catalog().items if not item.service]
    short = [units for units in stock if units < 100]
    assert 0 < len(short) < len(stock) / 10
