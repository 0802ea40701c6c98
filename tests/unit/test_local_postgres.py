"""The embedded PostgreSQL that the local stack and the tests stand on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import create_engine, text

from local import postgres
from local.processes import is_alive

if TYPE_CHECKING:
    from pathlib import Path


def test_a_database_answers_through_sqlalchemy(staging_url: str) -> None:
    engine = create_engine(staging_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 40 + 2")).scalar_one() == 42
    engine.dispose()


def test_each_test_gets_an_empty_database_of_its_own(
    staging_url: str, postgres_server: postgres.EmbeddedPostgres
) -> None:
    assert postgres_server.create_database("another") is True
    assert postgres_server.create_database("another") is False
    with psycopg.connect(host=str(postgres_server.socket_dir), user="postgres", dbname="another"):
        postgres_server.drop_database("another")  # ends the open session rather than waiting for it
    assert "another" not in staging_url


def test_a_copy_of_a_template_has_its_tables(postgres_server: postgres.EmbeddedPostgres) -> None:
    postgres_server.create_database("mould")
    engine = create_engine(postgres_server.url("mould"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE poured (id int)"))
    engine.dispose()
    postgres_server.create_database("cast", template="mould")
    engine = create_engine(postgres_server.url("cast"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM poured")).scalar_one() == 0
    engine.dispose()
    for name in ("cast", "mould"):
        postgres_server.drop_database(name)


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "100 % o'clock + more"
    folder.mkdir()
    server = postgres.start(folder / "data")
    try:
        engine = create_engine(server.url("postgres"))
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 40 + 2")).scalar_one() == 42
        engine.dispose()
    finally:
        assert postgres.stop(folder / "data") is True


def test_a_stopped_server_keeps_its_data_and_starts_again() -> None:
    with postgres.temporary() as server:
        server.create_database("kept")
        assert postgres.start(server.data_dir).pid == server.pid
        assert postgres.stop(server.data_dir) is True
        assert not is_alive(server.pid)
        assert postgres.find(server.data_dir) is None
        assert postgres.stop(server.data_dir) is False
        again = postgres.start(server.data_dir)
        assert again.create_database("kept") is False


def test_a_pid_file_that_names_another_process_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text(
        f"{os.getpid()}\n{tmp_path}\n1700000000\n5432\n{tmp_path}\n\n  1 2\nready   \n"
    )
    assert postgres.find(tmp_path) is None
    assert postgres.stop(tmp_path) is False


def test_the_airflow_connection_names_the_socket_folder(
    postgres_server: postgres.EmbeddedPostgres,
) -> None:
    connection = postgres_server.connection("counterfoil")
    assert connection == {
        "conn_type": "postgres",
        "host": str(postgres_server.socket_dir),
        "login": "postgres",
        "schema": "counterfoil",
    }


def test_leaving_the_context_leaves_no_process_and_no_folder() -> None:
    with pytest.raises(RuntimeError, match="on purpose"), postgres.temporary() as server:
        raise RuntimeError("on purpose")
    assert not is_alive(server.pid)
    assert not server.data_dir.parent.exists()
