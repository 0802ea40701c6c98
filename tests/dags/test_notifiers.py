"""Messages go by the notifier that a channel names; a choice that tells nobody is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dags.test_dag_integrity import parse

ROOT = Path(__file__).resolve().parents[2]
SMTP = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
RIGHT = {"html_content": "<pre>{{ message | e }}</pre>", "to": "a@example.com", "subject": "x"}
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "absent": ("nowhere.at.All", RIGHT, "nowhere.at.All cannot be imported (ModuleNotFoundError"),
    "misspelt": (f"{SMTP}s", RIGHT, "cannot be imported (AttributeError"),
    "another": ("json.dumps", RIGHT, "json.dumps is no notifier class of Airflow"),
    "odd_argument": (
        "own_notifiers.Strict",
        {"txt": "{{ message }}"},
        "notify.arguments: own_notifiers.Strict: missing a required argument: 'text'",
    ),
    "not_now": (
        "own_notifiers.Later",
        {"text": "{{ message }}"},
        "own_notifiers.Later notifies asynchronously only",
    ),
    "broken": ("own_notifiers_broken.Any", RIGHT, "(ZeroDivisionError: division by zero)"),
    "mute": (SMTP, {"to": "a@example.com"}, "none of them holds {{ message }}"),
    "odd_word": (
        SMTP,
        RIGHT | {"subject": "{{ sender }}"},
        "there is no {{ sender }}; there are: channel, message, owner, subject",
    ),
    "no_template": (SMTP, RIGHT | {"cc": ["{{ owner"]}, "'{{ owner' is no template"),
    "no_path": ("SmtpNotifier", RIGHT, "notify.notifier"),
    "no_class": ("", RIGHT, "notify"),
}
OWN = """
from airflow.sdk import BaseNotifier

class Strict(BaseNotifier):
    def __init__(self, text):
        super().__init__()

    def notify(self, context): ...

class Later(BaseNotifier):
    def __init__(self, text):
        super().__init__()

    async def async_notify(self, context): ...
"""
TELL = """
import json, logging, sys
from pathlib import Path
from types import SimpleNamespace
from airflow.sdk import DAG, BaseNotifier
logging.basicConfig(level="INFO", force=True)

class Kept(BaseNotifier):
    told = []
    template_fields = ("text",)

    def __init__(self, *, text, more=None):
        super().__init__()
        self.text, self.more = text, more

    def notify(self, context):
        if self.text.startswith("away"):
            raise OSError("no route")
        Kept.told.append([self.text, self.more])

sys.modules["own"] = SimpleNamespace(Kept=Kept)
from include.domain.errors import RemoteUnavailable
from include.orchestration import alerts, digest
from include.settings.channel import NotifySettings, load_channel

notify = NotifySettings(
    notifier="own.Kept",
    arguments={"text": "{{ subject }} / {{ message }}", "more": {"to": ["{{ owner }}"], "n": 3}},
)
settings = load_channel("shopify_gp").model_copy(update={"notify": notify})
digest.send_words(settings, "ada", "No orders", "since {{ 7 * 7 }} <b>")
alert = alerts.OwnerNotifier("shopify_gp", "ada", notify)
with DAG(dag_id="orders__x") as dag:
    pass
alert({"ti": SimpleNamespace(task_id="post"), "dag": dag, "run_id": "r1"})
try:
    digest.send_words(settings, "ada", "away", "x")
except RemoteUnavailable as error:
    Kept.told.append(str(error))
print(json.dumps(Kept.told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Send by a class of our own, in a process of its own, as a worker does."""
    home = tmp_path_factory.mktemp("airflow")
    env = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    env |= {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TELL],
        cwd=home,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_what_a_store_said_is_data_and_no_template(told: list[Any]) -> None:
    assert told[0] == ["No orders / since {{ 7 * 7 }} <b>", {"to": ["ada"], "n": 3}]


def test_a_failed_task_is_told_by_the_same_notifier(told: list[Any]) -> None:
    text, more = told[1]
    assert text.startswith(
        "Counterfoil: shopify_gp: a task failed / Task post of orders__x failed for r1: "
    )
    assert more == {"to": ["ada"], "n": 3}


def test_a_message_that_is_not_taken_says_who_refused_it_and_may_be_sent_again(
    told: list[Any],
) -> None:
    assert told[2] == "own.Kept did not take the message to ada: OSError"


def test_a_choice_that_would_tell_nobody_refuses_its_channel_with_the_reason(
    tmp_path: Path,
) -> None:
    bundle = tmp_path / "bundle"
    for part in ("dags", "include"):
        shutil.copytree(ROOT / part, bundle / part, ignore=shutil.ignore_patterns("__pycache__"))
    (bundle / "own_notifiers.py").write_text(OWN, encoding="utf-8")
    (bundle / "own_notifiers_broken.py").write_text("1 / 0\n", encoding="utf-8")
    right = (ROOT / "include/channels/shopify_gp/channel.yaml").read_text(encoding="utf-8")
    for name, (path, arguments, _) in (REFUSED | {"good": (SMTP, RIGHT, "")}).items():
        folder = bundle / "include" / "channels" / name
        folder.mkdir()
        chosen = {"arguments": arguments} | ({"notifier": path} if path else {})
        text = right.replace("name: shopify_gp", f"name: {name}")
        (folder / "channel.yaml").write_text(f"{text}notify: {json.dumps(chosen)}\n")

    found = parse(bundle, tmp_path)

    assert found["errors"] == {}
    assert "refused" not in found["dags"]["orders__good"]["tags"]
    for name, (_, _, words) in REFUSED.items():
        dag = found["dags"][f"orders__{name}"]
        assert "refused" in dag["tags"], name
        assert words in dag["doc"], name
