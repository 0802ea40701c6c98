"""Fixtures for every kind of test: an embedded PostgreSQL, free ports, the shared material.

Airflow is never imported here: it reads its configuration on import, and that is the business of
the tests that need it.
"""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.EmbeddedPostgres]:
    """One embedded PostgreSQL for the session (one for each worker when tests run in parallel)."""
    with postgres.temporary() as server:
        yield server


@pytest.fixture
def staging_url(postgres_server: postgres.EmbeddedPostgres) -> Iterator[str]:
    """SQLAlchemy URL of an empty database of the test's own, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres_server.create_database(name)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of shared fixtures and schemas beside the repository; skips where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "fixtures").is_dir():
        pytest.skip("the shared fixtures are not beside the repository")
    return folder


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; skips where no browser is installed."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip("no Chromium is installed")
    return found
