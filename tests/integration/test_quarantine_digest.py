"""Owners of held orders are told once, at once: by a real mail server, or in the log."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Engine

from include.domain.errors import RemoteUnavailable
from include.domain.verdict import Finding, Severity
from include.pipelines.house import House
from include.pipelines.quarantine import Digest, as_text, tell_owners
from include.settings.channel import load_channel
from include.staging import desk, quarantine
from include.staging import engine as staging
from tests.integration.mailbox import Mailbox, open_mailbox, words_of

ROOT = Path(__file__).resolve().parents[2]
CHANNEL = "shopify_gp"
OWNER = "order-desk@example.com"
TELL = (
    "import logging\n"
    "from include.orchestration.quarantine import tell\n"
    "logging.basicConfig(level='INFO', force=True)\n"
    f"print('told', tell('{CHANNEL}'))\n"
)


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    engine = staging.create(staging_url)
    staging.ensure_ready(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def house(engine: Engine) -> House:
    return House(load_channel(CHANNEL), engine, None, None, None)  # type: ignore[arg-type]


def hold(engine: Engine, first: int, last: int, reason: str, owner: str = OWNER) -> None:
    found = [
        Finding(f"order/{n}", f"#{n}", reason, f"rule_{reason}", f"order #{n}: <b>Ada</b>")
        for n in range(first, last)
    ]
    with engine.begin() as connection:
        quarantine.record(connection, CHANNEL, found, owner=owner, batch_id=1)


def tell_by_airflow(
    url: str, home: Path, mailbox: Mailbox | None, *roots: Path
) -> subprocess.CompletedProcess:
    """Run the task's callable as a worker would, connections from the environment."""
    parts = sqlalchemy.make_url(url)
    staging_connection = {
        "conn_type": "postgres",
        "host": parts.query.get("host") or parts.host,
        "login": parts.username,
        "port": parts.port,
        "schema": parts.database,
    }
    env = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    env |= {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(map(str, roots or (ROOT,))),
        "AIRFLOW__API__BASE_URL": "https://airflow.example",
        "AIRFLOW_CONN_COUNTERFOIL_STAGING": json.dumps(staging_connection),
    }
    if mailbox is not None:
        extra = {"disable_tls": True, "disable_ssl": True, "from_email": "airflow@example.com"}
        env["AIRFLOW_CONN_SMTP_DEFAULT"] = json.dumps(
            {"conn_type": "smtp", "host": "127.0.0.1", "port": mailbox.port, "extra": extra}
        )
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TELL],
        env=env,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_each_owner_gets_one_mail_about_all_that_is_new_and_no_second_one(
    engine: Engine, staging_url: str, tmp_path: Path
) -> None:
    hold(engine, 1, 31, "missing_mapping")
    hold(engine, 31, 33, "unbalanced")
    hold(engine, 33, 34, "value", owner="ada@example.com")
    with open_mailbox() as mailbox:
        first = tell_by_airflow(staging_url, tmp_path, mailbox)
        assert "told 2" in first.stdout, first.stderr[-2000:]
        assert "told 0" in tell_by_airflow(staging_url, tmp_path, mailbox).stdout
        hold(engine, 1, 31, "missing_mapping")
        hold(engine, 40, 41, "value")
        assert "told 1" in tell_by_airflow(staging_url, tmp_path, mailbox).stdout
    by_owner = {message["To"]: message for message in mailbox.messages[:2]}
    assert set(by_owner) == {OWNER, "ada@example.com"}
    desk_mail = by_owner[OWNER]
    assert desk_mail["Subject"] == "Counterfoil: shopify_gp: 32 orders are held back"
    words = words_of(desk_mail)
    assert "30 missing mapping: #1, #2," in words
    assert "and 10 more" in words
    assert "2 unbalanced: #31, #32" in words
    assert "https://airflow.example/quarantine/?channel=shopify_gp&amp;owner=order-desk" in words
    assert "Ada" not in words
    assert mailbox.messages[2]["Subject"].endswith("1 order is held back")
    assert len(mailbox.messages) == 3


def test_a_mail_server_that_refuses_leaves_the_owner_untold_and_the_next_try_tells(
    engine: Engine, staging_url: str, tmp_path: Path
) -> None:
    hold(engine, 1, 3, "value")
    with open_mailbox() as mailbox:
        mailbox.refuse = True
        failed = tell_by_airflow(staging_url, tmp_path, mailbox)
        assert failed.returncode != 0
        assert "RemoteUnavailable" in failed.stderr
        mailbox.refuse = False
        assert "told 1" in tell_by_airflow(staging_url, tmp_path, mailbox).stdout
    assert len(mailbox.messages) == 1


def test_without_a_mail_connection_the_digest_stands_in_the_log_once(
    engine: Engine, staging_url: str, tmp_path: Path
) -> None:
    hold(engine, 1, 3, "value")
    first = tell_by_airflow(staging_url, tmp_path, None)
    assert "told 1" in first.stdout, first.stderr[-2000:]
    assert "ERROR" in first.stderr
    assert "2 value: #1, #2" in first.stderr
    second = tell_by_airflow(staging_url, tmp_path, None)
    assert "told 0" in second.stdout
    assert "#1, #2" not in second.stderr


NOTIFIER = """
import json, os
from airflow.sdk import BaseNotifier

class ToFile(BaseNotifier):
    def __init__(self, path, words):
        super().__init__()
        self.path, self.words = path, words

    def notify(self, context):
        if os.path.exists(self.path + ".full"):
            raise OSError("no space left for secret words")
        with open(self.path, "a") as file:
            file.write(json.dumps(self.words) + "\\n")
"""
NOTIFY = """
notify:
  notifier: own_notifiers.ToFile
  arguments:
    path: {path}
    words: ["{{{{ channel }}}}", "{{{{ owner }}}}", "{{{{ subject }}}}", "{{{{ message }}}}"]
"""


def test_a_notifier_that_the_channel_names_tells_each_owner_once_and_again_where_it_failed(
    engine: Engine, staging_url: str, tmp_path: Path
) -> None:
    bundle, told = tmp_path / "bundle", tmp_path / "told.jsonl"
    shutil.copytree(
        ROOT / "include", bundle / "include", ignore=shutil.ignore_patterns("__pycache__")
    )
    (bundle / "own_notifiers.py").write_text(NOTIFIER, encoding="utf-8")
    file = bundle / "include/channels" / CHANNEL / "channel.yaml"
    file.write_text(file.read_text(encoding="utf-8") + NOTIFY.format(path=told), encoding="utf-8")
    hold(engine, 1, 3, "value")
    full = tmp_path / "told.jsonl.full"
    full.touch()
    with open_mailbox() as mailbox:
        failed = tell_by_airflow(staging_url, tmp_path, mailbox, bundle)
        assert "RemoteUnavailable: own_notifiers.ToFile did not take the message" in failed.stderr
        full.unlink()
        assert "told 1" in tell_by_airflow(staging_url, tmp_path, mailbox, bundle).stdout
        assert "told 0" in tell_by_airflow(staging_url, tmp_path, mailbox, bundle).stdout
    assert mailbox.messages == []
    ((channel, owner, subject, words),) = map(json.loads, told.read_text().splitlines())
    assert (channel, owner) == (CHANNEL, OWNER)
    assert subject == "Counterfoil: shopify_gp: 2 orders are held back"
    assert "2 value: #1, #2" in words


def test_an_order_given_to_another_owner_is_told_to_that_owner(
    engine: Engine, house: House
) -> None:
    hold(engine, 1, 3, "value")
    told: list[Digest] = []
    assert tell_owners(house, told.append) == 1
    with engine.begin() as connection:
        rows = quarantine.open_rows(connection, CHANNEL)
        ids = [rows[0].quarantine_id]
        assert desk.assign(connection, ids, owner="ada@example.com", actor="ops") == 1
        assert desk.assign(connection, ids, owner="ada@example.com", actor="ops") == 0
    assert tell_owners(house, told.append) == 1
    assert (told[1].owner, told[1].orders) == ("ada@example.com", 1)


def test_warnings_tell_nobody(engine: Engine, house: House) -> None:
    note = Finding("order/1", "#1", "value", "sku", "no sku", Severity.WARNING)
    with engine.begin() as connection:
        quarantine.record(connection, CHANNEL, [note], owner=OWNER, batch_id=1)
    assert tell_owners(house, pytest.fail) == 0


def test_one_owner_who_cannot_be_reached_costs_no_other_theirs(
    engine: Engine, house: House
) -> None:
    hold(engine, 1, 2, "value", owner="a@example.com")
    hold(engine, 2, 3, "value", owner="b@example.com")
    told: list[str] = []

    def send(digest: Digest) -> None:
        if digest.owner == "a@example.com":
            raise RemoteUnavailable("mailbox full")
        told.append(digest.owner)

    with pytest.raises(RemoteUnavailable, match="mailbox full"):
        tell_owners(house, send)
    assert told == ["b@example.com"]
    with engine.connect() as connection:
        assert [r.owner for r in quarantine.untold(connection, CHANNEL)] == ["a@example.com"]


def test_a_second_teller_at_the_same_time_tells_nothing(engine: Engine, house: House) -> None:
    hold(engine, 1, 2, "value")
    inner: list[int] = []

    def send(digest: Digest) -> None:
        inner.append(tell_owners(house, pytest.fail))
        assert "order is held back" in as_text(digest, "link")

    assert tell_owners(house, send) == 1
    assert inner == [0]
