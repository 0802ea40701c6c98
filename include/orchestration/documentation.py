"""The DAGs' own documentation: what the person on call reads at three in the morning."""

from __future__ import annotations

from pathlib import Path

from include.orchestration.channels import Channel

_FOLDER = Path(__file__).parent / "docs"


def of(flow: str, channel: Channel) -> str:
    """Return the documentation of one flow for one channel.

    Args:
        flow: ``orders`` or ``orders_dry_run``.
        channel: The channel.
    """
    text = (_FOLDER / f"{flow}.md").read_text(encoding="utf-8")
    return text.format(title=channel.title, name=channel.name, owner=channel.owner)
