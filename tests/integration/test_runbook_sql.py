"""The SQL that the runbook and the other pages print runs as it stands, on real tables."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy
from sqlalchemy import Connection

from include.connectors.erps.dynamics_gp.sandbox.company import install
from include.staging import mapping
from include.staging.engine import create, migrate

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs/runbooks/orders.md"
FIRST_WORDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "GRANT", "BEGIN")
COMPANY_TABLES = ("SOP10100", "SOP30200", "SY00500", "SY00800")


def blocks() -> list[str]:
    """The runbook's blocks of SQL, each from its first word to the blank line after it."""
    text = RUNBOOK.read_text(encoding="utf-8")
    found = re.findall(r"(?:^ {4,}\S.*\n)+", text, re.MULTILINE)
    return [block for block in found if block.split()[0].rstrip(";") in FIRST_WORDS]


def is_the_companys(block: str) -> bool:
    return any(table in block for table in COMPANY_TABLES)


def run(connection: Connection, block: str) -> None:
    """Run a block in one transaction and undo it."""
    for line in block.split(";"):
        statement = line.strip()
        if statement and statement not in ("BEGIN", "COMMIT"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    connection.rollback()


def test_the_runbook_holds_sql_for_both_databases() -> None:
    assert sum(is_the_companys(block) for block in blocks()) == 2
    assert sum(not is_the_companys(block) for block in blocks()) >= 12


def test_sql_for_staging_runs(staging_url: str) -> None:
    migrate(staging_url)
    engine = create(staging_url)
    for block in blocks():
        if is_the_companys(block):
            continue
        with engine.connect() as connection:
            if "reader" in block:
                connection.exec_driver_sql("CREATE ROLE reader")
            run(connection, block)
    engine.dispose()


def test_sql_for_the_company_runs(staging_url: str) -> None:
    install(staging_url)
    engine = sqlalchemy.create_engine(staging_url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        for block in filter(is_the_companys, blocks()):
            run(connection, block.replace("DYNAMICS..", "dynamics."))


def test_a_row_added_as_the_runbook_says_wins_over_the_file(staging_url: str) -> None:
    migrate(staging_url)
    engine = create(staging_url)
    (added,) = (block for block in blocks() if "INSERT INTO map_value" in block)
    with engine.begin() as connection:
        for statement in added.split(";"):
            if statement.strip() not in ("", "BEGIN", "COMMIT"):
                connection.exec_driver_sql(statement)
    with engine.begin() as connection:
        mapping.sync_seeds(connection, "shopify_gp", [("payment", "klarna_pay_later", "card:X")])
        maps = mapping.load(connection, "shopify_gp")
    engine.dispose()
    assert maps.require("payment", "klarna_pay_later") == "check::WEB"
