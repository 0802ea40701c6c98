"""Finds connectors by folder: a package under ``stores/`` or ``erps/`` is a connector of its name.

Nothing is imported before a channel names it. A package exposes ``SETTINGS``, the model of its own
settings; an ERP also says in ``REMOTE`` what its connection leads to. Its module ``connector`` has
``create``; it may import heavy things and is loaded when a connector is created.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from include.domain.errors import ConfigurationError
from include.settings.faults import told

if TYPE_CHECKING:
    from include.ports.erp import Erp
    from include.ports.store import OrderStore

_HERE = Path(__file__).resolve().parent
_EXPOSED = {"stores": ("SETTINGS",), "erps": ("SETTINGS", "REMOTE")}
_PACKAGE = __name__.rpartition(".")[0]


class RemoteKind(StrEnum):
    """What the connection of an ERP leads to."""

    DATABASE = "database"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class StoreConnector:
    """What a store package offers.

    Attributes:
        name: Folder name.
        SETTINGS: Model of the connector's own settings.
        create: ``(session, facts, settings, *, clock, sleep)`` to the store.
    """

    name: str
    SETTINGS: type[BaseModel]
    create: Callable[..., OrderStore]


@dataclass(frozen=True, slots=True)
class ErpConnector:
    """What an ERP package offers.

    Attributes:
        name: Folder name.
        SETTINGS: Model of the connector's own settings.
        REMOTE: What its connection leads to: a database or an HTTP server.
        create: ``(remote, settings, mappings)`` to the ERP. The remote of a database is its
            SQLAlchemy URL, that of a server an ``HttpRemote``.
    """

    name: str
    SETTINGS: type[BaseModel]
    REMOTE: RemoteKind
    create: Callable[..., Erp]


def names(kind: str, root: Path = _HERE) -> list[str]:
    """Return the connectors there are of a kind.

    Args:
        kind: ``stores`` or ``erps``.
        root: Folder that holds the two.
    """
    return sorted(path.parent.name for path in (root / kind).glob("*/__init__.py"))


def store(name: str) -> StoreConnector:
    """Return the store connector of a name.

    Args:
        name: Folder name, as a channel file gives it.

    Raises:
        ConfigurationError: There is none of that name, or it is no complete connector.
    """
    module = _module("stores", name)
    return StoreConnector(name, module.SETTINGS, partial(_create, "stores", name))


def erp(name: str) -> ErpConnector:
    """Return the ERP connector of a name.

    Args:
        name: Folder name, as a channel file gives it.

    Raises:
        ConfigurationError: There is none of that name, or it is no complete connector.
    """
    module = _module("erps", name)
    remote = RemoteKind(module.REMOTE)
    return ErpConnector(name, module.SETTINGS, remote, partial(_create, "erps", name))


def settings_of(
    connector: StoreConnector | ErpConnector, values: Mapping[str, object], where: str
) -> BaseModel:
    """Validate a channel's settings for a connector.

    Args:
        connector: Whose settings they are.
        values: What the channel file says.
        where: Channel and side, for the message.

    Raises:
        ConfigurationError: Names each wrong field and the rule.
    """
    try:
        return connector.SETTINGS.model_validate(dict(values))
    except ValidationError as error:
        faults = told(error, connector.SETTINGS, whole="settings")
        raise ConfigurationError(f"{where}: {connector.name}: {faults}") from error


def _create(kind: str, name: str, *args: object, **named: object) -> Any:
    module = import_module(f"{_PACKAGE}.{kind}.{name}.connector")
    return module.create(*args, **named)


def _module(kind: str, name: str) -> Any:
    known = names(kind)
    if name not in known:
        raise ConfigurationError(
            f"there is no connector {name!r} under {kind}; there are: {', '.join(known) or 'none'}"
        )
    module = import_module(f"{_PACKAGE}.{kind}.{name}")
    missing = [part for part in _EXPOSED[kind] if not hasattr(module, part)]
    if missing:
        raise ConfigurationError(
            f"connector {kind}/{name} is not complete: it exposes no {', '.join(missing)}"
        )
    return module
