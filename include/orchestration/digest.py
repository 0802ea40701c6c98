"""Sends messages to the people who have to act: by mail, or to the log where there is no mail."""

from __future__ import annotations

import logging
import smtplib
from html import escape
from urllib.parse import urlencode

from airflow.sdk import conf

from include.domain.errors import ConfigurationError, RemoteUnavailable
from include.pipelines import quarantine

log = logging.getLogger(__name__)

MAIL = "smtp_default"


def send_digest(digest: quarantine.Digest) -> None:
    """Tell one owner of the orders that are newly held.

    Args:
        digest: What the owner is told.

    Raises:
        RemoteUnavailable: The mail server did not take it.
        ConfigurationError: The mail connection names no sender.
    """
    query = urlencode({"channel": digest.channel, "owner": digest.owner})
    link = f"{base_url()}/quarantine/?{query}"
    send(digest.owner, digest.subject, quarantine.as_text(digest, link))


def base_url() -> str:
    """Return the address of Airflow's user interface, without a slash at its end."""
    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def send(owner: str, subject: str, words: str) -> None:
    """Send one message through the connection ``smtp_default``, else log it at level ERROR.

    Args:
        owner: Address of the person; a name without ``@`` is told in the log.
        subject: One line.
        words: Plain text.

    Raises:
        RemoteUnavailable: The mail server did not take it.
        ConfigurationError: The mail connection names no sender.
    """
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

    try:
        Connection.get(MAIL)
    except AirflowNotFoundException:
        log.error("no connection %s, so %s is told here: %s", MAIL, owner, words)  # noqa: TRY400
        return
    if "@" not in owner:
        log.error("%s is no mail address and is told here: %s", owner, words)
        return
    try:
        SmtpNotifier(to=owner, subject=subject, html_content=f"<pre>{escape(words)}</pre>").notify(
            {}
        )
    except ValueError as error:
        raise ConfigurationError(f"connection {MAIL}: {error}") from error
    except (smtplib.SMTPException, OSError, AirflowException) as error:
        raise RemoteUnavailable(
            f"the mail server did not take the message to {owner}: {error}", system=MAIL
        ) from error
