"""Words the messages about held orders and about silence, and sends them as their channel wants."""

from __future__ import annotations

from urllib.parse import urlencode

from airflow.sdk import conf

from include.orchestration.notifiers import Message, send
from include.pipelines import quarantine
from include.settings.channel import ChannelSettings


def send_digest(channel: ChannelSettings, digest: quarantine.Digest) -> None:
    """Tell one owner of the orders that are newly held.

    Args:
        channel: The channel's settings.
        digest: What the owner is told.

    Raises:
        RemoteUnavailable: The message was not taken.
        ConfigurationError: A connection is missing or says too little.
    """
    query = urlencode({"channel": digest.channel, "owner": digest.owner})
    words = quarantine.as_text(digest, f"{base_url()}/quarantine/?{query}")
    send_words(channel, digest.owner, digest.subject, words)


def send_words(channel: ChannelSettings, owner: str, subject: str, words: str) -> None:
    """Send one message.

    Args:
        channel: The channel's settings.
        owner: Who is told.
        subject: One line.
        words: Plain text.

    Raises:
        RemoteUnavailable: The message was not taken.
        ConfigurationError: A connection is missing or says too little.
    """
    send(Message(channel.name, owner, subject, words), channel.notify)


def base_url() -> str:
    """Return the address of Airflow's user interface, without a slash at its end."""
    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
