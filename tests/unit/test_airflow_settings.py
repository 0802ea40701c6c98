"""airflow_settings.yaml is valid in the Astro CLI's format and complete for this project."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from local import settings_file
from local.settings_file import SettingsFileError

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "airflow_settings.yaml"
VALUES = {
    name: name.lower() for name in settings_file.placeholders(yaml.safe_load(FILE.read_text()))
}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "airflow_settings.yaml"
    path.write_text(text)
    return path


def test_the_channels_name_connections_and_pools_that_the_file_has() -> None:
    settings = settings_file.read(FILE, VALUES)
    names = {row.conn_id for row in settings.connections}
    pools = {row.pool_name for row in settings.pools}
    channels = sorted((ROOT / "include" / "channels").glob("*/channel.yaml"))
    assert channels
    assert "counterfoil_staging" in names
    for path in channels:
        channel = yaml.safe_load(path.read_text())
        for side in ("store", "erp"):
            conn_id = channel[side]["connection"]
            assert conn_id in names
            assert f"{side}_{conn_id}" in pools


def test_the_file_holds_no_secret() -> None:
    document = yaml.safe_load(FILE.read_text())
    for row in document["airflow"]["connections"]:
        for key in ("conn_login", "conn_password"):
            assert settings_file.PLACEHOLDER.fullmatch(row[key]), f"{row['conn_id']}.{key}"


def test_the_astro_cli_can_decode_the_file() -> None:
    # Its own types: text everywhere, whole numbers for the port and the slots. It fills nothing in,
    # so a placeholder for a number would make it refuse the whole file.
    airflow = yaml.safe_load(FILE.read_text())["airflow"]
    assert set(airflow) == {"connections", "pools", "variables"}
    for row in airflow["connections"]:
        assert set(row) <= {
            f"conn_{key}"
            for key in ("id", "type", "host", "schema", "login", "password", "port", "uri", "extra")
        }
        assert isinstance(row["conn_port"], int | None)
    for row in airflow["pools"]:
        assert set(row) == {"pool_name", "pool_slot", "pool_description"}
        assert isinstance(row["pool_slot"], int)


def test_placeholders_are_filled_and_empty_fields_left_out() -> None:
    own = {
        "COUNTERFOIL_SHOPIFY_GP_STORE_HOST": "http://127.0.0.1:1234",
        "COUNTERFOIL_SHOPIFY_GP_ERP_PASSWORD": "",
    }
    rows = {row.conn_id: row.body() for row in settings_file.read(FILE, VALUES | own).connections}
    assert rows["shopify_gp_store"]["host"] == "http://127.0.0.1:1234"
    assert "password" not in rows["shopify_gp_erp"]
    assert "port" not in rows["shopify_gp_erp"]


def test_a_placeholder_without_a_value_is_named() -> None:
    left_out = "COUNTERFOIL_SHOPIFY_GP_STORE_HOST"
    values = {name: value for name, value in VALUES.items() if name != left_out}
    with pytest.raises(SettingsFileError, match=f"no value for {left_out}"):
        settings_file.read(FILE, values)
    with pytest.raises(SettingsFileError, match=f"no value for {left_out}"):
        settings_file.read(FILE, values, optional=True)


def test_a_connection_without_any_value_is_left_out_where_that_is_allowed() -> None:
    values = {name: value for name, value in VALUES.items() if "SHOPIFY_GP_STORE" not in name}
    rows = settings_file.read(FILE, values, optional=True).connections
    assert {"shopify_gp_erp", "counterfoil_staging"} <= {row.conn_id for row in rows}
    assert "shopify_gp_store" not in {row.conn_id for row in rows}


def test_what_a_connection_is_fills_its_own_placeholders() -> None:
    values = settings_file.values_of(
        {
            "shopify_gp_store": {"conn_type": "http", "host": "http://127.0.0.1", "port": 1234},
            "counterfoil_staging": {"conn_type": "postgres", "schema": "books"},
        }
    )
    assert values["COUNTERFOIL_SHOPIFY_GP_STORE_TYPE"] == "http"
    assert values["COUNTERFOIL_SHOPIFY_GP_STORE_HOST"] == "http://127.0.0.1:1234"
    assert values["COUNTERFOIL_SHOPIFY_GP_STORE_PASSWORD"] == ""
    assert values["COUNTERFOIL_STAGING_SCHEMA"] == "books"


def test_extras_are_sent_as_json(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "airflow: {connections: [{conn_id: a, conn_type: b, conn_port: 9, conn_extra: {k: v}}]}",
    )
    (row,) = settings_file.read(path, {}).connections
    assert row.body() == {
        "connection_id": "a",
        "conn_type": "b",
        "port": 9,
        "extra": '{"k": "v"}',
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("airflow: [", "airflow_settings.yaml"),
        ("connections: []", "airflow: Field required"),
        ("airflow: {connections: [{conn_type: http}]}", "airflow.connections.0.conn_id"),
        ("airflow: {connections: [{conn_id: a, conn_type: http, host: b}]}", "connections.0.host"),
        ("airflow: {connections: [{conn_id: a, conn_type: http, conn_port: x}]}", "conn_port"),
        ("airflow: {pools: [{pool_name: a}]}", "pools.0.pool_slot"),
        ("airflow: {pools: [{pool_name: a, pool_slot: 0}]}", "pools.0.pool_slot"),
        ("airflow: {variables: [{variable_name: a, variable_value: 1}]}", "variable_value"),
        (
            "airflow: {pools: [{pool_name: a, pool_slot: 1}, {pool_name: a, pool_slot: 2}]}",
            "pool_name given twice: a",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsFileError, match=told):
        settings_file.read(write(tmp_path, text), {})


def test_a_message_never_repeats_a_value(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "airflow: {connections: [{conn_id: a, conn_type: http, conn_password: [hush-hush]}]}",
    )
    with pytest.raises(SettingsFileError) as caught:
        settings_file.read(path, {})
    assert "hush-hush" not in str(caught.value)


class RecordingApi:
    def __init__(self, errors: list[object]) -> None:
        self.calls: list[tuple[str, str, object]] = []
        self.errors = errors

    def call(self, method: str, path: str, body: object) -> object:
        self.calls.append((method, path, body))
        return {"create": {"success": [], "errors": self.errors}}


def test_loading_overwrites_in_one_request_a_kind() -> None:
    api = RecordingApi([])
    settings_file.load(api, settings_file.read(FILE, VALUES))  # type: ignore[arg-type]
    assert [(method, path) for method, path, _ in api.calls] == [
        ("PATCH", "/connections"),
        ("PATCH", "/pools"),
    ]
    (action,) = api.calls[0][2]["actions"]  # type: ignore[index]
    assert action["action_on_existence"] == "overwrite"


def test_a_refused_entry_is_an_error() -> None:
    api = RecordingApi([{"error": "no such thing"}])
    with pytest.raises(SettingsFileError, match="Airflow refused connections"):
        settings_file.load(api, settings_file.read(FILE, VALUES))  # type: ignore[arg-type]
