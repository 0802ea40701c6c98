"""A channel's settings as people read them: what is chosen, what it means, what it decides.

Whatever fields the models have is shown; nothing here names one. Secrets are in connections, never
in a channel file.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from pydantic import BaseModel

from include.connectors import registry
from include.settings.channel import ChannelSettings


class Setting(NamedTuple):
    """One setting.

    Attributes:
        name: What it is called.
        value: What is chosen, as the file would have it.
        meaning: What that means, if there is more to say.
        about: What the setting decides.
    """

    name: str
    value: str
    meaning: str
    about: str


class Group(NamedTuple):
    """Settings that belong together."""

    title: str
    settings: tuple[Setting, ...]


def groups_of(channel: ChannelSettings) -> list[Group]:
    """Return everything that a channel file decides, the policy first.

    Args:
        channel: The channel's settings.

    Raises:
        ConfigurationError: A connector of that name is missing, or refuses its settings.
    """
    store, erp = registry.store(channel.store.connector), registry.erp(channel.erp.connector)
    own = (
        ("Store connector", registry.settings_of(store, channel.store.settings, channel.name)),
        ("ERP connector", registry.settings_of(erp, channel.erp.settings, channel.name)),
    )
    plain = tuple(row for row in _rows(channel) if "." not in row.name)
    return [
        policy_of(channel),
        Group("Schedule", tuple(_rows(channel.schedule))),
        Group("Messages", tuple(_rows(channel.notify))),
        Group("Channel", plain),
        *(Group(title, tuple(_rows(model))) for title, model in own),
    ]


def policy_of(channel: ChannelSettings) -> Group:
    """Return the channel's policy.

    Args:
        channel: The channel's settings.
    """
    return Group("Policy", tuple(Setting(*choice) for choice in channel.policy.told()))


def as_markdown(channel: ChannelSettings) -> str:
    """Return the policy as a Markdown table, for a DAG's documentation.

    Args:
        channel: The channel's settings.
    """
    lines = ["| setting | chosen | which means |", "|---|---|---|"]
    for row in policy_of(channel).settings:
        cells = (row.name, f"`{row.value}`", row.meaning or row.about)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def _rows(model: BaseModel, prefix: str = "") -> Iterator[Setting]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _rows(value, f"{prefix}{field.alias or name}.")
            continue
        if not prefix and isinstance(model, ChannelSettings) and name in ("store", "erp"):
            continue
        about = field.description or ""
        if isinstance(value, Enum):
            about += f" One of: {', '.join(str(choice.value) for choice in type(value))}."
        yield Setting(f"{prefix}{field.alias or name}", _told(value), "", about)


def _told(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_told(chosen)}" for key, chosen in value.items()) or "none"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_told(each) for each in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)
