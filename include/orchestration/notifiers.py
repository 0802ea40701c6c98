"""Sends a message to the people who have to act: by the notifier that their channel names.

A channel that names none sends mail through the connection ``smtp_default``; without that
connection the message goes to the log at level ERROR, so that nothing is lost.
"""

from __future__ import annotations

import inspect
import logging
import smtplib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from include.domain.errors import ConfigurationError, RemoteUnavailable

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier
    from jinja2.sandbox import SandboxedEnvironment

    from include.settings.channel import NotifySettings

log = logging.getLogger(__name__)

MAIL = "smtp_default"


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told.

    Attributes:
        channel: Channel id.
        owner: Who is told: an address or a team.
        subject: One line.
        message: Plain text.
    """

    channel: str
    owner: str
    subject: str
    message: str


def send(told: Message, chosen: NotifySettings) -> None:
    """Send one message the way the channel wants it.

    Args:
        told: The message.
        chosen: The channel's choice.

    Raises:
        RemoteUnavailable: It was not taken.
        ConfigurationError: A connection is missing or says too little.
    """
    if chosen.notifier is None:
        _by_mail(told)
    else:
        _by_notifier(told, chosen, chosen.notifier)


def faults(chosen: NotifySettings) -> Iterator[str]:
    """Yield why a channel's choice could send nothing: found when its DAGs are parsed.

    Args:
        chosen: The channel's choice.
    """
    if chosen.notifier is None:
        return
    try:
        found = _class_of(chosen.notifier)
        inspect.signature(found).bind(**chosen.arguments)
    except ConfigurationError as error:
        yield f"notify.notifier: {error}"
    except TypeError as error:
        yield f"notify.arguments: {chosen.notifier}: {error}"
    yield from _template_faults(chosen.arguments)


def _template_faults(arguments: dict[str, Any]) -> Iterator[str]:
    from jinja2 import TemplateSyntaxError, meta

    known = set(Message.__dataclass_fields__)
    used: set[str] = set()
    for template in _texts(arguments):
        try:
            used |= meta.find_undeclared_variables(_environment().parse(template))
        except TemplateSyntaxError as error:
            yield f"notify.arguments: {template!r} is no template: {error.message}"
            return
    for name in sorted(used - known):
        yield (
            f"notify.arguments: there is no {{{{ {name} }}}}; there are: {', '.join(sorted(known))}"
        )
    if "message" not in used:
        yield "notify.arguments: none of them holds {{ message }}, so that nobody would be told"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _class_of(path: str) -> type[BaseNotifier]:
    """Return the notifier class of an import path.

    Raises:
        ConfigurationError: Says what is wrong with it.
    """
    from airflow.sdk import BaseNotifier

    module, _, name = path.rpartition(".")
    try:
        found: Any = getattr(import_module(module), name)
    except Exception as error:  # whatever code of others raises is this channel's fault alone
        raise ConfigurationError(
            f"{path} cannot be imported ({type(error).__name__}: {error}); is its provider "
            "installed where DAGs are parsed and tasks run?"
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
        raise ConfigurationError(f"{path} is no notifier class of Airflow")
    named: Any = found
    if named.notify is BaseNotifier.notify:
        raise ConfigurationError(f"{path} notifies asynchronously only, which tasks cannot do")
    return cast("type[BaseNotifier]", named)


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # No escaping: what the text is written for is the notifier's affair, and `| e` is there.
    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def _filled_in(value: object, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        return _environment().from_string(value).render(words)
    if isinstance(value, dict):
        return {key: _filled_in(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled_in(each, words) for each in value]
    return value


def _by_notifier(told: Message, chosen: NotifySettings, path: str) -> None:
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        notifier = _class_of(path)(**_filled_in(chosen.arguments, asdict(told)))
        # Not called as a callback: that would render the message, in which a store has its words.
        notifier.notify({})
    except ConfigurationError:
        raise
    except AirflowNotFoundException as error:
        raise ConfigurationError(f"{path}: {error}") from error
    except Exception as error:
        raise RemoteUnavailable(
            f"{path} did not take the message to {told.owner}: {type(error).__name__}", system=path
        ) from error


def _by_mail(told: Message) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

    try:
        Connection.get(MAIL)
    except AirflowNotFoundException:
        log.error(  # noqa: TRY400 - a missing mail server is no traceback
            "no connection %s, so %s is told here: %s", MAIL, told.owner, told.message
        )
        return
    if "@" not in told.owner:
        log.error("%s is no mail address and is told here: %s", told.owner, told.message)
        return
    content = f"<pre>{escape(told.message)}</pre>"
    try:
        SmtpNotifier(to=told.owner, subject=told.subject, html_content=content).notify({})
    except ValueError as error:
        raise ConfigurationError(f"connection {MAIL}: {error}") from error
    except (smtplib.SMTPException, OSError, AirflowException) as error:
        raise RemoteUnavailable(
            f"the mail server did not take the message to {told.owner}: {error}", system=MAIL
        ) from error
