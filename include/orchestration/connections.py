"""Turns Airflow connections into what the connectors need. What one says is used as is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from include.domain.errors import ConfigurationError
from include.transport.connection import ConnectionFacts

if TYPE_CHECKING:
    import requests
    import sqlalchemy

STAGING = "counterfoil_staging"

_DIALECTS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mssql": "mssql+mssqlpython",
}
_SECRET_EXTRAS = ("client_id", "client_secret", "access_token")


def database_url(conn_id: str) -> sqlalchemy.URL:
    """Return the SQLAlchemy URL of a database connection.

    Args:
        conn_id: Airflow connection of type postgres or mssql.

    Raises:
        ConfigurationError: The connection is missing or of another type.
    """
    from sqlalchemy import URL

    connection = _connection(conn_id)
    kind = (connection.conn_type or "").split("+")[0]
    if kind not in _DIALECTS:
        raise ConfigurationError(
            f"connection {conn_id} has type {connection.conn_type!r}; it needs one of "
            f"{', '.join(sorted(_DIALECTS))}"
        )
    query = {key: str(value) for key, value in _extra(connection).items() if key != "__extra__"}
    host = connection.host or None
    if host and host.startswith("/"):
        query["host"], host = host, None
    return URL.create(
        _DIALECTS[kind],
        username=connection.login or None,
        password=connection.password or None,
        host=host,
        port=connection.port,
        database=connection.schema or None,
        query=query,
    )


def http_session(conn_id: str) -> tuple[requests.Session, ConnectionFacts]:
    """Return a session for an HTTP server and the facts of its connection.

    The http provider's hook resolves the base URL and the extras. Credentials it would send as
    basic auth or as headers are taken off again: the connector's own auth sends them.

    Args:
        conn_id: Airflow connection of type http.

    Raises:
        ConfigurationError: The connection is missing or names no host.
    """
    from airflow.providers.http.hooks.http import HttpHook

    connection = _connection(conn_id)
    if not connection.host:
        raise ConfigurationError(f"connection {conn_id} names no host")
    hook = HttpHook(method="POST", http_conn_id=conn_id)
    session = hook.get_conn()
    session.auth = None
    for name in _SECRET_EXTRAS:
        session.headers.pop(name, None)
    base_url = hook.base_url.rstrip("/")
    if connection.conn_type == "https" and not connection.schema and "://" not in connection.host:
        # https://... as the URI of a connection is its type; the hook only looks at the schema.
        base_url = base_url.replace("http://", "https://", 1)
    facts = ConnectionFacts(
        conn_id=conn_id,
        base_url=base_url,
        login=connection.login or "",
        password=SecretStr(connection.password or ""),
        extra=_extra(connection),
    )
    return session, facts


def _extra(connection: Any) -> dict[str, Any]:
    return json.loads(connection.extra) if connection.extra else {}


def _connection(conn_id: str) -> Any:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get(conn_id)
    except AirflowNotFoundException as error:
        raise ConfigurationError(
            f"there is no connection {conn_id}: add it in the Airflow UI, in a secrets backend or "
            f"as AIRFLOW_CONN_{conn_id.upper()}"
        ) from error
