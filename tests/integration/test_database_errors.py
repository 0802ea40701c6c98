"""What a failed statement tells: its traceback goes to a task log, which holds no personal data."""

from __future__ import annotations

import traceback

import pytest
import sqlalchemy
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DataError

from include.connectors.erps.dynamics_gp import postgres, sqlserver
from include.staging import engine as staging

SECRET = "jonas.barlow@example.com"


def told_by(engine: Engine) -> str:
    """Let a statement that carries a secret fail; return the whole traceback."""
    with engine.connect() as connection, pytest.raises(DataError) as failed:
        connection.execute(text("SELECT 1 / 0, CAST(:secret AS text)"), {"secret": SECRET})
    return "".join(traceback.format_exception(failed.value))


def test_a_failed_statement_on_staging_tells_none_of_its_values(staging_url: str) -> None:
    engine = staging.create(staging_url)
    try:
        told = told_by(engine)
    finally:
        engine.dispose()
    assert "division by zero" in told
    assert SECRET not in told


def test_a_failed_statement_on_the_sandbox_company_tells_none_of_its_values(
    staging_url: str,
) -> None:
    gateway = postgres.open_gateway(make_url(staging_url), 1, 10.0, 10.0)
    try:
        told = told_by(gateway.engine)
    finally:
        gateway.close()
    assert "division by zero" in told
    assert SECRET not in told


def test_a_failed_statement_on_sql_server_tells_none_of_its_values() -> None:
    gateway = sqlserver.open_gateway(make_url("mssql://sa:x@127.0.0.1:9/TWO"), 1, 10.0, 10.0)
    failed = sqlalchemy.exc.DBAPIError.instance(
        "exec taUpdateCreateCustomerRcd",
        {"p0_CUSTNAME": SECRET},
        Exception("refused"),
        Exception,
        hide_parameters=gateway.engine.hide_parameters,
        dialect=gateway.engine.dialect,
    )
    assert "refused" in str(failed)
    assert SECRET not in str(failed)
