"""`airflow dags test` on a bare Airflow: three connections in the environment and nothing else.

No pools, no settings file, an empty staging database, SQLite for Airflow's own metadata. So a
window can be tried against any store server and any company by naming them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import sqlalchemy
from sqlalchemy import text

from include.connectors.erps.dynamics_gp.sandbox.company import install, seed
from include.connectors.erps.dynamics_gp.sandbox.shop_company import company_catalog
from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.sandbox.shop import shop_assortment
from local.ports import HOST
from local.postgres import SUPERUSER, EmbeddedPostgres
from tests.e2e.tcp_postgres import reached_by_tcp

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
DAG = "orders__shopify_gp"
DAY = "2026-11-20"
PATIENCE_SECONDS = 300
NAMES = ("SHOPIFY_GP_STORE", "SHOPIFY_GP_ERP", "COUNTERFOIL_STAGING")


@dataclass(frozen=True)
class Town:
    """A store, an empty staging database and a company that has posted nothing yet."""

    store_url: str
    server: EmbeddedPostgres
    staging: str
    company: str

    def rows(self, database: str, statement: str) -> list[tuple[object, ...]]:
        engine = sqlalchemy.create_engine(self.server.url(database), poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]


@pytest.fixture
def town(postgres_server: EmbeddedPostgres, staging_url: str) -> Iterator[Town]:
    staging = str(sqlalchemy.make_url(staging_url).database)
    company = f"{staging}_gp"
    postgres_server.create_database(company)
    install(postgres_server.url(company))
    seed(postgres_server.url(company), company_catalog(shop_assortment()))
    shop = build_store(11, 2, 15, date(2026, 11, 21), datetime.now(UTC))
    with serve_in_thread(create_app(shop, SandboxSettings())) as url:
        yield Town(url, postgres_server, staging, company)
    postgres_server.drop_database(company)


def bare_environment(home: Path) -> dict[str, str]:
    """What a fresh machine has, and an Airflow home that nobody has used."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "NO_PROXY": f"{HOST},localhost",
    }


def as_pythonpath() -> dict[str, str]:
    """The project as an Astro image has it."""
    return {"PYTHONPATH": str(ROOT), "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags")}


def as_bundle() -> dict[str, str]:
    """The project as a DAG bundle, and not on the path."""
    bundle = {
        "name": "counterfoil",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(ROOT)},
    }
    return {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle])}


def as_uris(town: Town) -> dict[str, str]:
    """Connections as URIs, PostgreSQL by its socket, the store by a static token."""
    folder = quote(str(town.server.socket_dir), safe="")
    store = urlsplit(town.store_url)
    return {
        "SHOPIFY_GP_STORE": f"http://:shpat_sandbox@{store.hostname}:{store.port}",
        "SHOPIFY_GP_ERP": f"postgres://{SUPERUSER}@{folder}/{town.company}",
        "COUNTERFOIL_STAGING": f"postgresql://{SUPERUSER}@/{town.staging}?host={folder}",
    }


def as_json(town: Town, port: int) -> dict[str, str]:
    """Connections as JSON, PostgreSQL by TCP, the store by its app's id and secret."""
    database = {"conn_type": "postgres", "host": HOST, "port": port, "login": SUPERUSER}
    settings = SandboxSettings()
    forms = (
        {
            "conn_type": "http",
            "host": town.store_url,
            "login": settings.client_id,
            "password": settings.client_secret,
        },
        database | {"schema": town.company},
        database | {"schema": town.staging, "password": "not asked for"},
    )
    return dict(zip(NAMES, map(json.dumps, forms), strict=True))


def airflow(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    home = Path(env["HOME"])
    return subprocess.run(
        [sys.executable, "-P", "-m", "airflow", *arguments],
        cwd=home,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def run_the_day(env: dict[str, str]) -> str:
    migrated = airflow(env, "db", "migrate")
    assert migrated.returncode == 0, migrated.stderr[-3000:]
    done = airflow(env, "dags", "test", DAG, DAY)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-6000:]
    return told


def assert_posted_and_proven(town: Town) -> None:
    ((ends_at, in_store, posted, unexplained),) = town.rows(
        town.staging, "SELECT window_end, in_store, posted, unexplained FROM proof_window"
    )
    # A run by hand owns the last window that is complete at its logical date.
    assert ends_at == datetime.fromisoformat(f"{DAY}T00:00:00Z")
    assert in_store > 10  # type: ignore[operator]
    assert posted > 5  # type: ignore[operator]
    assert unexplained == 0
    ((orders,),) = town.rows(
        town.company,
        "SELECT count(DISTINCT cstponbr) FROM (SELECT cstponbr FROM sop10100 "
        "UNION ALL SELECT cstponbr FROM sop30200) AS documents",
    )
    assert orders == posted


def test_with_uris_on_the_path_of_an_astro_image(town: Town, tmp_path: Path) -> None:
    connections = {f"AIRFLOW_CONN_{name}": uri for name, uri in as_uris(town).items()}
    told = run_the_day(bare_environment(tmp_path) | as_pythonpath() | connections)
    assert "unexplained" in told
    assert_posted_and_proven(town)


def test_with_json_and_tcp_as_a_bundle(town: Town, tmp_path: Path) -> None:
    with reached_by_tcp(town.server) as port:
        connections = {f"AIRFLOW_CONN_{name}": row for name, row in as_json(town, port).items()}
        run_the_day(bare_environment(tmp_path) | as_bundle() | connections)
    assert_posted_and_proven(town)


def test_the_plugins_load_without_errors(tmp_path: Path) -> None:
    listed = airflow(bare_environment(tmp_path), "plugins", "-o", "json")
    assert listed.returncode == 0, listed.stderr[-3000:]
    assert "Failed to import plugin" not in listed.stdout + listed.stderr
    plugins = json.loads(listed.stdout[listed.stdout.index("[") :])
    assert [row["name"] for row in plugins if row["name"] == "counterfoil"] == ["counterfoil"]
