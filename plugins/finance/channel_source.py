"""Reads the channels' files as the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from include.domain.errors import ConfigurationError
from include.reporting.channel_settings import groups_of
from include.settings.channel import CHANNELS, channel_names, load_channel

from .ports import ShownChannel


class ChannelFiles:
    """The channel files beside the code that this process runs.

    Args:
        root: Folder that holds one folder a channel.
    """

    def __init__(self, root: Path = CHANNELS) -> None:
        self._root = root

    def names(self) -> Sequence[str]:
        """Return the names of the channels, sorted."""
        return channel_names(self._root)

    def channel(self, name: str) -> ShownChannel:
        """Return one channel's settings, or what is wrong with its file."""
        try:
            settings = load_channel(name, self._root)
            return ShownChannel(name, settings.title, groups_of(settings))
        except ConfigurationError as error:
            return ShownChannel(name, name, (), str(error))
