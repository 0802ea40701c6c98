"""Chooses the channels that the local stack brings up."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from include.domain.errors import ConfigurationError
from include.settings.channel import CHANNELS, channel_names, load_channel

_SANDBOX = "include.connectors.erps.{}.sandbox"


class NoSuchChannel(Exception):
    """A channel or an ERP was asked for that there is not."""


def chosen(only: Iterable[str] = (), erps: Iterable[str] = (), root: Path = CHANNELS) -> list[str]:
    """Choose channels: those asked for, else every one whose ERP comes up by itself.

    An ERP's ``sandbox`` package says with ``ON_REQUEST = True`` that it takes long to come up: its
    channels have to be asked for. A channel whose file is refused, or whose ERP has no sandbox, is
    left out; Airflow shows the refusal.

    Args:
        only: Channel ids; none means every channel.
        erps: Names of ERP connectors to bring up beside those that come up by themselves.
        root: Folder that holds one folder a channel.

    Returns:
        Channel ids, sorted.

    Raises:
        NoSuchChannel: Nothing fits what was asked for, or nothing is there; names what there is.
    """
    erp_of = {}
    for name in channel_names(root):
        try:
            erp_of[name] = load_channel(name, root).erp.connector
        except ConfigurationError:
            continue
    runnable = {name: erp for name, erp in erp_of.items() if _has_rig(erp)}
    _require("channel", only, runnable)
    _require("ERP with a channel", erps, runnable.values())
    if only:
        return sorted(set(only))
    wanted = set(erps)
    found = sorted(
        name for name, erp in runnable.items() if erp in wanted or not _is_on_request(erp)
    )
    if not found:
        asked = ", ".join(sorted(runnable)) or "none"
        raise NoSuchChannel(
            "no channel under include/channels comes up by itself: its file is refused, its ERP "
            f"has no sandbox, or it has to be asked for by name; to be asked for: {asked}"
        )
    return found


def _require(what: str, asked: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(asked) - set(known))
    if unknown:
        there = ", ".join(sorted(set(known))) or "none"
        raise NoSuchChannel(f"there is no {what} {', '.join(unknown)}; there are: {there}")


def _has_rig(erp: str) -> bool:
    try:
        return find_spec(f"{_SANDBOX.format(erp)}.rig") is not None
    except ModuleNotFoundError:
        return False


def _is_on_request(erp: str) -> bool:
    return bool(getattr(import_module(_SANDBOX.format(erp)), "ON_REQUEST", False))
