"""Databases for the sandboxes that keep their books in PostgreSQL."""

from __future__ import annotations

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool


def new_database(server_url: str, name: str) -> str:
    """Create a database unless it is there.

    Args:
        server_url: SQLAlchemy URL of any database of the server, as a user who may create others.
        name: Name of the database; letters, digits and underscores.

    Returns:
        Its SQLAlchemy URL.

    Raises:
        ValueError: The name has other characters.
    """
    if not name.isidentifier():
        raise ValueError(f"{name!r} is no name for a database")
    engine = create_engine(server_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        there = text("select 1 from pg_database where datname = :name")
        if connection.scalar(there, {"name": name}) is None:
            connection.execute(text(f'create database "{name}"'))
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)
