from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from include.domain.errors import ConfigurationError, RemoteUnavailable
from include.staging import engine as staging
from include.staging.tables import metadata

ROOT = Path(__file__).resolve().parents[2]


def _objects(url: str) -> list[str]:
    engine = staging.create(url)
    with engine.connect() as connection:
        found = connection.scalars(
            text(
                "SELECT n.nspname || '.' || c.relname FROM pg_class AS c"
                " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
                " WHERE n.nspname IN ('public', 'analyst') ORDER BY 1"
            )
        ).all()
    engine.dispose()
    return list(found)


def test_the_migrations_go_up_down_to_nothing_and_up_again(staging_url: str) -> None:
    staging.migrate(staging_url)
    first = _objects(staging_url)
    staging.migrate(staging_url, "base")
    assert [name for name in _objects(staging_url) if "counterfoil_version" not in name] == []
    staging.migrate(staging_url)
    assert _objects(staging_url) == first
    assert "analyst.orders" in first


def test_sums_of_earlier_proofs_come_to_mean_what_the_columns_say(staging_url: str) -> None:
    def figures() -> list[tuple[int, ...]]:
        with engine.connect() as connection:
            found = connection.execute(
                text("SELECT invoiced, paid, credited, paid_back FROM proof_money")
            )
            return [tuple(map(int, row)) for row in found]

    staging.migrate(staging_url, "0006")
    engine = staging.create(staging_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO proof_window (channel, run_id, run_type, batch_id, window_start,"
            " window_end, proven_at, in_store, staged, posted, held, skipped, unexplained,"
            " doubled, back_ordered, skipped_by_reason, held_by_reason, notes)"
            " VALUES ('a', 'r', 'backfill', 1, now(), now(), now(), 1, 1, 1, 0, 0, 0, 0, 0,"
            " '{}', '{}', '{}')"
        )
        connection.exec_driver_sql(
            "INSERT INTO proof_money (proof_id, currency, in_store, staged, posted, adjusted,"
            " held, skipped, invoiced, paid, unexplained, credited, paid_back)"
            " SELECT proof_id, 'USD', 80, 80, 80, 0, 0, 0, 80, 75, 0, 20, 15 FROM proof_window"
        )
    staging.migrate(staging_url)
    assert figures() == [(100, 90, 20, 15)]
    with engine.connect() as connection:
        command.downgrade(staging.alembic_config(connection), "0006")
        connection.commit()
    assert figures() == [(80, 75, 20, 15)]
    engine.dispose()


def test_customers_of_orders_are_known_before_and_after_their_ids_are_landed(
    staging_url: str,
) -> None:
    def known(query: str) -> list[tuple[object, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def stage(number: int, customer: str, columns: str = "", values: str = "") -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO staged_order (channel, order_id_store, order_number, updated_at,"
                " placed_at, currency, presentment_currency, original_total, current_total,"
                " current_tax, received, refunded, outstanding, financial_status,"
                " fulfillment_status, program, is_test, line_count, document, document_digest,"
                f" batch_id_first, batch_id{columns}) VALUES ('a', '{number}', '{number}', now(),"
                " now(), 'USD', 'USD', 1, 1, 0, 1, 0, 0, 'paid', 'fulfilled', 'online', false, 1,"
                f" '{{\"customer\": {customer}}}', 'x', 1, 1{values})"
            )

    orders = "SELECT order_id_store, customer_id_store FROM analyst.customer_orders ORDER BY 1"
    words = (
        "SELECT c.relname, obj_description(c.oid), attname, col_description(c.oid, attnum),"
        " pg_get_viewdef(c.oid) FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid"
        " WHERE c.relname IN ('customer_orders', 'customers') ORDER BY 1, attnum"
    )
    staging.migrate(staging_url, "0009")
    engine = staging.create(staging_url)
    before = known(words)
    stage(1, '{"customer_id_store": "ada"}')
    stage(2, "null")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO landing_order (batch_id, order_id_store, order_number, updated_at,"
            " digest, canonical) VALUES (1, '1', '1', now(), 'x',"
            " '{\"customer\": {\"customer_id_store\": \"ada\"}}'), (1, '2', '2', now(), 'x',"
            " '{\"customer\": null}'), (1, '3', '3', now(), 'x', NULL)"
        )
    staging.migrate(staging_url, "0010")
    assert known(orders) == [("1", "ada"), ("2", None)]
    assert known("SELECT customer_id_store FROM landing_order ORDER BY order_id_store") == [
        ("ada",),
        (None,),
        (None,),
    ]
    stage(3, '{"customer_id_store": "bea"}', ", customer_id_store", ", 'bea'")
    with engine.connect() as connection:
        command.downgrade(staging.alembic_config(connection), "0009")
        connection.commit()
    assert known(words) == before
    stage(4, '{"customer_id_store": "cid"}')
    assert known(orders) == [("1", "ada"), ("2", None), ("3", "bea"), ("4", "cid")]
    engine.dispose()


def test_the_migrated_schema_is_exactly_what_the_tables_say(staging_url: str) -> None:
    staging.migrate(staging_url)
    engine = staging.create(staging_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": staging.VERSION_TABLE,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_there_is_one_head_and_the_release_names_it() -> None:
    script = ScriptDirectory.from_config(staging.alembic_config())
    assert script.get_heads() == [staging.HEAD]


def test_every_table_view_and_column_is_described(staging_url: str) -> None:
    staging.migrate(staging_url)
    engine = staging.create(staging_url)
    with engine.connect() as connection:
        silent = connection.scalars(
            text(
                "SELECT c.relname || coalesce('.' || a.attname, '') FROM pg_class AS c"
                " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
                " LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
                "  AND NOT a.attisdropped"
                " WHERE n.nspname IN ('public', 'analyst') AND c.relkind IN ('r', 'v')"
                "  AND c.relname <> 'counterfoil_version'"
                "  AND (obj_description(c.oid, 'pg_class') IS NULL"
                "   OR (a.attnum IS NOT NULL AND col_description(c.oid, a.attnum) IS NULL))"
            )
        ).all()
    engine.dispose()
    assert silent == []


def test_an_empty_database_is_made_ready_by_whoever_comes_first(staging_url: str) -> None:
    def ready(_: int) -> None:
        engine = staging.create(staging_url)
        staging.ensure_ready(engine)
        engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ready, range(4)))
    engine = staging.create(staging_url)
    with engine.connect() as connection:
        assert staging.current_revision(connection) == staging.HEAD
    staging.ensure_ready(engine)
    engine.dispose()


def test_a_database_of_another_release_is_refused_with_the_command_to_run(
    staging_url: str,
) -> None:
    staging.migrate(staging_url)
    engine = staging.create(staging_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE counterfoil_version SET version_num = '0000'"))
    with pytest.raises(ConfigurationError, match=r"revision 0000.*alembic -c include/staging"):
        staging.ensure_ready(engine)
    engine.dispose()


def test_the_command_line_migrates_a_database(staging_url: str) -> None:
    command = [sys.executable, "-m", "alembic", "-c", "include/staging/alembic.ini"]
    subprocess.run(
        [*command, "-x", f"url={staging_url}", "upgrade", "head"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_any_spelling_of_a_postgresql_url_is_taken(scheme: str) -> None:
    url = staging.url_of(f"{scheme}://u:p%40ss@db.example:6432/books?sslmode=require")
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password, url.host, url.port) == ("u", "p@ss", "db.example", 6432)
    assert url.database == "books"
    assert url.query["sslmode"] == "require"


def test_a_socket_folder_is_found_in_the_query_and_in_the_place_of_the_host() -> None:
    in_query = staging.url_of("postgresql://postgres@/books?host=/run/pg")
    in_place = staging.url_of("postgres://postgres@%2Frun%2Fpg/books")
    assert in_query.query["host"] == in_place.query["host"] == "/run/pg"
    assert not in_place.host


def test_a_url_of_another_database_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="postgresql://"):
        staging.create("mysql://u:p@h/db")


def test_a_database_that_does_not_exist_is_a_configuration_error(staging_url: str) -> None:
    engine = staging.create(staging_url.replace("/test_", "/absent_"))
    with pytest.raises(ConfigurationError, match="does not exist"), staging.unit_of_work(engine):
        pass
    engine.dispose()


def test_a_server_that_does_not_answer_may_be_tried_again(free_port: int) -> None:
    engine = staging.create(f"postgresql://u@127.0.0.1:{free_port}/books")
    with pytest.raises(RemoteUnavailable), staging.unit_of_work(engine):
        pass
    engine.dispose()


def test_work_that_is_not_committed_is_rolled_back(staging_url: str) -> None:
    engine = staging.create(staging_url)
    with staging.unit_of_work(engine) as connection:
        connection.execute(text("CREATE TABLE kept (a int)"))
        connection.commit()
        connection.execute(text("INSERT INTO kept VALUES (1)"))
    with staging.unit_of_work(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept")) == 0
    engine.dispose()


def test_importing_the_staging_modules_loads_nothing_heavy() -> None:
    modules = sorted(path.stem for path in (ROOT / "include/staging").glob("*.py"))
    imports = ", ".join(f"include.staging.{name}" for name in modules if name != "__init__")
    script = (
        f"import sys, {imports}\n"
        "print([m for m in ('pandas', 'alembic', 'great_expectations', 'airflow', 'numpy')"
        " if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    assert output.strip() == "[]"


def test_a_plain_engine_of_another_driver_is_not_needed_to_read_the_views(
    staging_url: str,
) -> None:
    staging.migrate(staging_url)
    engine = create_engine(staging_url)
    with engine.connect() as connection:
        for view in ("orders", "order_lines", "documents", "held_orders", "window_proofs"):
            assert connection.execute(text(f"SELECT * FROM analyst.{view}")).all() == []
    engine.dispose()
