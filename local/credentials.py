"""The secrets of the local stack: made once, kept in the state folder, for their owner's eyes only.

They must survive a restart: the Fernet key encrypts the connections in Airflow's database, and a
person should not have to look up new passwords after every `make run`.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Airflow's simple auth manager: viewer < user < op < admin. `user` may trigger and backfill.
ROLES = {"admin": "admin", "ops": "user", "finance": "viewer"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of Airflow, passwords of its users, and the client secret of the store sandbox."""

    fernet_key: str
    jwt_secret: str
    api_secret_key: str
    passwords: dict[str, str]
    store_client_id: str
    store_client_secret: str


def load(state_dir: Path) -> Credentials:
    """Read the credentials of a state folder, making them the first time.

    Args:
        state_dir: the stack's state folder.

    Returns:
        The same credentials on every call for the same folder.
    """
    path = state_dir / "credentials.json"
    if path.exists():
        return Credentials(**json.loads(path.read_text()))
    credentials = Credentials(
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        jwt_secret=secrets.token_urlsafe(64),
        api_secret_key=secrets.token_urlsafe(32),
        passwords={user: secrets.token_urlsafe(9) for user in ROLES},
        store_client_id="counterfoil-local",
        store_client_secret=secrets.token_urlsafe(24),
    )
    write_private(path, json.dumps(asdict(credentials)))
    return credentials


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all.

    Args:
        path: the file.
        text: its content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
