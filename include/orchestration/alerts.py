"""Tells the owner of a channel's order data that a task failed, once its retries are used up."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from include.domain.errors import ConfigurationError, RemoteUnavailable
from include.orchestration.notifiers import Message, send

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.orchestration.channels import Channel
    from include.settings.channel import NotifySettings

log = logging.getLogger(__name__)


class OwnerNotifier(BaseNotifier):  # type: ignore[misc]
    """Sends one message a failed task, as the channel wants its messages sent.

    One that cannot be sent stands in the log, with the reason.

    Args:
        channel: Channel id.
        owner: Who is told.
        notify: The channel's choice of a notifier.
    """

    template_fields = ("message",)

    def __init__(self, channel: str, owner: str, notify: NotifySettings) -> None:
        super().__init__()
        self.channel = channel
        self.owner = owner
        self.chosen = notify
        self.message = (
            "Task {{ ti.task_id }} of {{ dag.dag_id }} failed for {{ run_id }}: the window's "
            "orders stay where they are; running it again doubles nothing. The log and the "
            "DAG's documentation say what to do."
        )

    def notify(self, context: Context) -> None:
        """Send the message.

        Args:
            context: Airflow's context of the failed task.

        Raises:
            RemoteUnavailable: The message was not taken.
            ConfigurationError: A connection is missing or says too little.
        """
        subject = f"Counterfoil: {self.channel}: a task failed"
        try:
            send(Message(self.channel, self.owner, subject, self.message), self.chosen)
        except (ConfigurationError, RemoteUnavailable):
            log.error("%s was not told: %s", self.owner, self.message)  # noqa: TRY400 - raised on
            raise


def defaults(channel: Channel | None) -> dict[str, Any]:
    """Return the task defaults of a channel's DAGs: retries, and who hears of a failure.

    Args:
        channel: The channel; without one there is nobody to tell.
    """
    told = (
        {
            "owner": channel.owner,
            "on_failure_callback": OwnerNotifier(channel.name, channel.owner, channel.notify),
        }
        if channel
        else {}
    )
    return told | {
        "retries": 3,
        "retry_delay": timedelta(seconds=15),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=3),
    }
