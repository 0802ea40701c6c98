"""Runs the migrations of the staging database, from the command line or on an open connection."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from include.staging.engine import VERSION_TABLE, create
from include.staging.tables import metadata

# The session that came through include.staging.engine holds it already; then this is a formality.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('counterfoil:migrate', 0))"


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        connection.execute(text(LOCK))
        context.run_migrations()


def main() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        run(connection)
        return
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        raise SystemExit("name the database: alembic -c ... -x url=postgresql://... upgrade head")
    engine = create(url, application_name="counterfoil migrate")
    with engine.connect() as opened:
        run(opened)
        opened.commit()
    engine.dispose()


main()
