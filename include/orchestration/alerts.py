"""Tells the owner of a channel's order data that a task failed, once its retries are used up."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class OwnerNotifier(BaseNotifier):  # type: ignore[misc]
    """Sends one mail a failed task, through the connection ``smtp_default``.

    Without that connection the message goes to the log at level ERROR, so that nothing is lost and
    nothing else breaks.

    Args:
        channel: Channel id.
        owner: Address of the order data owner.
    """

    template_fields = ("message",)

    def __init__(self, channel: str, owner: str) -> None:
        super().__init__()
        self.channel = channel
        self.owner = owner
        self.message = (
            "Task {{ ti.task_id }} of {{ dag.dag_id }} failed for {{ run_id }}: the window's "
            "orders stay where they are; running it again doubles nothing. The log and the "
            "DAG's documentation say what to do."
        )

    def notify(self, context: Context) -> None:
        """Send the message.

        Args:
            context: Airflow's context of the failed task.
        """
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier
        from airflow.sdk import Connection
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            Connection.get("smtp_default")
        except AirflowNotFoundException:
            log.error(  # noqa: TRY400 - a missing mail server is no traceback
                "no connection smtp_default, %s is not told: %s", self.owner, self.message
            )
            return
        subject = f"Counterfoil: {self.channel}: a task failed"
        SmtpNotifier(to=self.owner, subject=subject, html_content=self.message).notify(context)


def defaults(channel: str, owner: str) -> dict[str, Any]:
    """Return the task defaults of a channel's DAGs: retries, and who hears of a failure.

    Args:
        channel: Channel id.
        owner: Address of the order data owner.
    """
    return {
        "owner": owner,
        "retries": 3,
        "retry_delay": timedelta(seconds=15),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=3),
        "on_failure_callback": OwnerNotifier(channel, owner),
    }
