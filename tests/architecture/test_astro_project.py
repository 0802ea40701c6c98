"""The repository is an Astro project: the files are there and agree with the requirements."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_the_project_has_the_files_that_the_astro_cli_looks_for() -> None:
    for name in ("Dockerfile", "packages.txt", "requirements.txt", "airflow_settings.yaml"):
        assert (ROOT / name).is_file(), name
    config = yaml.safe_load((ROOT / ".astro" / "config.yaml").read_text())
    assert config["project"]["name"] == "counterfoil"


def test_the_image_carries_the_airflow_series_that_is_pinned() -> None:
    image = re.search(r"^FROM \S+/runtime:(\d+\.\d+)-\d+$", (ROOT / "Dockerfile").read_text(), re.M)
    pinned = re.search(
        r"^apache-airflow==(\d+\.\d+)\.", (ROOT / "requirements.txt").read_text(), re.M
    )
    assert image is not None
    assert pinned is not None
    assert image[1] == pinned[1]


def test_the_image_gets_the_bundle_and_not_the_local_stack() -> None:
    kept_out = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".venv", ".local", ".git", "tests", "local"} <= set(kept_out)
    assert not {"dags", "include", "plugins", "requirements.txt", "packages.txt"} & set(kept_out)
