"""Reads airflow_settings.yaml (the Astro CLI's format) and loads it into a running Airflow.

No part of Airflow reads that file, so the local stack does what `astro dev start` does: connections
are overwritten, variables and pools too. Loading goes through the REST API in three requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from local.airflow_api import AirflowApi

FIELDS = ("type", "host", "schema", "login", "password")
PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class SettingsFileError(Exception):
    """The settings file cannot be used; the message names every place and reason."""


def _none_to_empty(value: object) -> object:
    return "" if value is None else value


# The CLI's template leaves unused keys without a value, which YAML reads as null.
Text = Annotated[str, BeforeValidator(_none_to_empty)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ConnectionSettings(_Section):
    """One entry of ``airflow.connections``."""

    conn_id: str = Field(pattern=r"^[\w.-]+$", max_length=200)
    conn_type: str = Field(min_length=1)
    conn_host: Text = ""
    conn_schema: Text = ""
    conn_login: Text = ""
    conn_password: Text = ""
    conn_port: int | None = Field(default=None, ge=1, le=65535)
    conn_extra: dict[str, Any] | None = None

    def body(self) -> dict[str, object]:
        """Spell the connection as the REST API's body; empty fields are left out."""
        fields = {
            "connection_id": self.conn_id,
            "conn_type": self.conn_type,
            "host": self.conn_host,
            "schema": self.conn_schema,
            "login": self.conn_login,
            "password": self.conn_password,
            "port": self.conn_port,
            "extra": json.dumps(self.conn_extra) if self.conn_extra else None,
        }
        return {name: value for name, value in fields.items() if value not in ("", None)}


class PoolSettings(_Section):
    """One entry of ``airflow.pools``."""

    pool_name: str = Field(min_length=1, max_length=256)
    pool_slot: int = Field(ge=1)
    pool_description: Text = ""

    def body(self) -> dict[str, object]:
        """Spell the pool as the REST API's body."""
        return {
            "name": self.pool_name,
            "slots": self.pool_slot,
            "description": self.pool_description,
        }


class VariableSettings(_Section):
    """One entry of ``airflow.variables``."""

    variable_name: str = Field(min_length=1, max_length=250)
    variable_value: str

    def body(self) -> dict[str, object]:
        """Spell the variable as the REST API's body."""
        return {"key": self.variable_name, "value": self.variable_value}


def _null_to_list(value: object) -> object:
    return [] if value is None else value


class AirflowSettings(_Section):
    """The ``airflow`` section: everything that is loaded."""

    connections: Annotated[list[ConnectionSettings], BeforeValidator(_null_to_list)] = []
    pools: Annotated[list[PoolSettings], BeforeValidator(_null_to_list)] = []
    variables: Annotated[list[VariableSettings], BeforeValidator(_null_to_list)] = []


class _SettingsFile(_Section):
    airflow: AirflowSettings


def values_of(connections: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Say what the placeholders of some connections stand for.

    Args:
        connections: fields of each connection by its id, as Airflow's connection JSON has them.

    Returns:
        ``COUNTERFOIL_<CONN_ID>_<FIELD>`` to its value, for the fields type, host, schema, login and
        password. A port becomes part of the host, since the format wants it to be a number; that of
        a socket folder is left out.
    """
    values: dict[str, str] = {}
    for conn_id, fields in connections.items():
        own = {name: str(fields.get(name) or "") for name in FIELDS}
        own["type"] = str(fields["conn_type"])
        if fields.get("port") and not own["host"].startswith("/"):
            own["host"] += f":{fields['port']}"
        prefix = f"COUNTERFOIL_{conn_id.removeprefix('counterfoil_').upper()}"
        values |= {f"{prefix}_{name.upper()}": value for name, value in own.items()}
    return values


def read(path: Path, values: Mapping[str, str], *, optional: bool = False) -> AirflowSettings:
    """Read and validate a settings file and fill its ``${NAME}`` placeholders.

    Args:
        path: the YAML file.
        values: what the placeholders stand for.
        optional: leave out the connections none of whose placeholders has a value, instead of
            refusing the file.

    Returns:
        The settings, placeholders filled.

    Raises:
        SettingsFileError: not YAML, a key or a type that the format does not know, a placeholder
            without a value, or a name given twice.
    """
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SettingsFileError(f"{path.name}: {error}") from error
    if optional:
        document = _without_unknown(document, values)
    missing = sorted(placeholders(document) - values.keys())
    if missing:
        raise SettingsFileError(f"{path.name}: no value for {', '.join(missing)}")
    try:
        settings = _SettingsFile.model_validate(_fill(document, values)).airflow
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise SettingsFileError(f"{path.name}: {told}") from None
    _refuse_doubles(path, "conn_id", [row.conn_id for row in settings.connections])
    _refuse_doubles(path, "pool_name", [row.pool_name for row in settings.pools])
    _refuse_doubles(path, "variable_name", [row.variable_name for row in settings.variables])
    return settings


def placeholders(document: object) -> set[str]:
    """Collect the names of all ``${NAME}`` placeholders in a document.

    Args:
        document: parsed YAML.
    """
    if isinstance(document, str):
        return set(PLACEHOLDER.findall(document))
    if isinstance(document, dict):
        return {name for value in document.values() for name in placeholders(value)}
    if isinstance(document, list):
        return {name for value in document for name in placeholders(value)}
    return set()


def load(api: AirflowApi, settings: AirflowSettings) -> None:
    """Put the settings into Airflow, overwriting what has the same name.

    Args:
        api: Airflow, as a user who may change connections.
        settings: what to load.

    Raises:
        SettingsFileError: Airflow refused an entry.
        AirflowApiError: Airflow refused a request.
    """
    for kind, rows in (
        ("connections", [row.body() for row in settings.connections]),
        ("pools", [row.body() for row in settings.pools]),
        ("variables", [row.body() for row in settings.variables]),
    ):
        if not rows:
            continue
        action = {"action": "create", "action_on_existence": "overwrite", "entities": rows}
        answer = api.call("PATCH", f"/{kind}", {"actions": [action]})
        errors = (answer.get("create") or {}).get("errors")
        if errors:
            raise SettingsFileError(f"Airflow refused {kind}: {errors}")


def _without_unknown(document: Any, values: Mapping[str, str]) -> Any:
    try:
        rows = document["airflow"]["connections"] or []
        kept = [row for row in rows if not (names := placeholders(row)) or names & values.keys()]
    except (KeyError, TypeError):
        return document  # the validation that follows says what is wrong
    return {**document, "airflow": {**document["airflow"], "connections": kept}}


def _fill(document: object, values: Mapping[str, str]) -> object:
    if isinstance(document, str):
        return PLACEHOLDER.sub(lambda match: values[match.group(1)], document)
    if isinstance(document, dict):
        return {key: _fill(value, values) for key, value in document.items()}
    if isinstance(document, list):
        return [_fill(value, values) for value in document]
    return document


def _refuse_doubles(path: Path, key: str, names: list[str]) -> None:
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise SettingsFileError(f"{path.name}: {key} given twice: {', '.join(doubles)}")
