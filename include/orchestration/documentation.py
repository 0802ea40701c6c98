"""The DAGs' own documentation: what the person on call reads at three in the morning."""

from __future__ import annotations

from pathlib import Path

from include.orchestration.channels import Channel
from include.reporting.channel_settings import as_markdown
from include.settings.channel import load_channel

_FOLDER = Path(__file__).parent / "docs"
_WITH_POLICY = ("orders", "orders_dry_run")


def plain(flow: str) -> str:
    """Return the documentation of a flow that is no channel's.

    Args:
        flow: Name of a file in ``docs`` beside this one.
    """
    return (_FOLDER / f"{flow}.md").read_text(encoding="utf-8")


def of(flow: str, channel: Channel) -> str:
    """Return the documentation of one flow for one channel; with the policy where it decides.

    Args:
        flow: Name of a file in ``docs`` beside this one.
        channel: The channel.
    """
    text = plain(flow)
    told = text.format(title=channel.title, name=channel.name, owner=channel.owner)
    if flow not in _WITH_POLICY:
        return told
    policy = as_markdown(load_channel(channel.name))
    return (
        f"{told}\n**What this channel books** (*Proof → Channels* has every setting)\n\n{policy}\n"
    )
