"""The channels as the DAG files see them; a wrong channel file refuses its own DAG and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow.sdk import DAG, CronDataIntervalTimetable, get_parsing_context, task
from airflow.sdk.exceptions import AirflowTimetableInvalid

from include.connectors import registry
from include.domain.errors import ConfigurationError
from include.orchestration import notifiers
from include.settings.channel import (
    CHANNELS,
    ChannelSettings,
    NotifySettings,
    channel_names,
    load_channel,
)

SUITES = CHANNELS.parent / "quality" / "suites"
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
"""What Airflow takes in no DAG id."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What wiring needs to know of a channel.

    Attributes:
        name: Channel id.
        title: What people call it.
        owner: Order data owner.
        cron: Cron expression, UTC; ``None`` where people start the runs.
        start_at: First instant the live schedule owns.
        store_pool: Pool that guards the store connection.
        erp_pool: Pool that guards the ERP connection.
        notify: How its messages are sent.
    """

    name: str
    title: str
    owner: str
    cron: str | None
    start_at: datetime
    store_pool: str
    erp_pool: str
    notify: NotifySettings


def checked(name: str) -> ChannelSettings:
    """Read a channel's file and hold what it says to its connectors against their settings.

    Args:
        name: Channel id.

    Raises:
        ConfigurationError: Names the file, the field and what is allowed.
    """
    settings = load_channel(name)
    for side, endpoint, find in (
        ("store", settings.store, registry.store),
        ("erp", settings.erp, registry.erp),
    ):
        try:
            connector = find(endpoint.connector)
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}/channel.yaml: {side}.connector: {error}") from error
        where = f"{name}/channel.yaml: {side}.settings"
        registry.settings_of(connector, endpoint.settings, where)
    for fault in _unusable(settings):
        raise ConfigurationError(f"{name}/channel.yaml: {fault}")
    return settings


def _unusable(settings: ChannelSettings) -> Iterator[str]:
    """Yield what is well formed and of no use: a name, a schedule, a suite, a notifier."""
    if _UNFIT.search(settings.name):
        yield (
            f"name: {settings.name!r} is a part of DAG ids, which take letters, digits, '_', '-' "
            "and '.' only"
        )
    cron = settings.schedule.cron
    try:
        CronDataIntervalTimetable(cron, timezone="UTC").validate()
    except AirflowTimetableInvalid as error:
        yield f"schedule.cron: {cron!r} is no cron expression like '0 0 * * *': {error}"
    suites = sorted(path.stem for path in SUITES.glob("*.json"))
    if settings.suite not in suites:
        yield f"suite: there is no {settings.suite!r}; there are: {', '.join(suites)}"
    yield from notifiers.faults(settings.notify)


def _asked_for() -> list[str]:
    """Return the channels to make DAGs of: a task parses its file for one DAG alone."""
    names, dag_id = channel_names(), get_parsing_context().dag_id
    if dag_id is None:
        return names
    return [name for name in names if dag_id.endswith(f"__{name}")] or names


def each_channel() -> Iterator[Channel]:
    """Yield every channel whose file is right, and that the file is parsed for."""
    for name in _asked_for():
        try:
            settings = checked(name)
        except ConfigurationError:
            continue
        yield Channel(
            name=name,
            title=settings.title,
            owner=settings.order_data_owner,
            cron=None if settings.is_by_hand else settings.schedule.cron,
            start_at=datetime.combine(settings.schedule.start_on, datetime.min.time(), tzinfo=UTC),
            store_pool=f"store_{settings.store.connection}",
            erp_pool=f"erp_{settings.erp.connection}",
            notify=settings.notify,
        )


def refusals(*flows: str) -> Iterator[DAG]:
    """Yield a DAG for each flow of each channel whose file is wrong.

    It stands where the channel's DAG would be, says why that is not there, and fails with the same
    words when it is run.

    Args:
        flows: Names of flows that every channel has.
    """
    for name in _asked_for():
        try:
            checked(name)
        except ConfigurationError as error:
            for flow in flows:
                yield _refusal(flow, name, str(error))


def _refusal(flow: str, channel: str, fault: str) -> DAG:
    # A folder like "shop copy" makes no DAG id, and a DAG that cannot be made stops its whole file.
    fit = _UNFIT.sub("_", channel)
    with DAG(
        dag_id=f"{flow}__{channel}" if fit == channel else f"{flow}__{fit}__refused",
        schedule=None,
        tags=[flow, fit, "refused"],
        doc_md=f"**The channel file is refused.** {fault}",
    ) as dag:
        task(task_id="refuse", retries=0)(_refuse)(fault)
    return dag


def _refuse(fault: str) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    raise AirflowFailException(fault)
