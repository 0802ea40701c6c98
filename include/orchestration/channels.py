"""The channels as the DAG files see them; a wrong channel file refuses its own DAG and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow.sdk import DAG, task

from include.connectors import registry
from include.domain.errors import ConfigurationError
from include.settings.channel import ChannelSettings, channel_names, load_channel


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
    """

    name: str
    title: str
    owner: str
    cron: str | None
    start_at: datetime
    store_pool: str
    erp_pool: str


@dataclass(frozen=True, slots=True)
class RefusedChannel:
    """A channel whose file is wrong.

    Attributes:
        name: Channel id.
        fault: The file, the field and the rule, in words.
    """

    name: str
    fault: str


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
    return settings


def each_channel() -> Iterator[Channel]:
    """Yield every channel whose file is right."""
    for name in channel_names():
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
        )


def refused_channels() -> Iterator[RefusedChannel]:
    """Yield every channel whose file is wrong, with what is wrong."""
    for name in channel_names():
        try:
            checked(name)
        except ConfigurationError as error:
            yield RefusedChannel(name, str(error))


def refusal(flow: str, channel: RefusedChannel) -> DAG:
    """Return a DAG that stands where the channel's DAG should be and says why it is not there.

    Args:
        flow: The flow's name.
        channel: The refused channel.
    """
    with DAG(
        dag_id=f"{flow}__{channel.name}",
        schedule=None,
        tags=[flow, channel.name, "refused"],
        doc_md=f"**The channel file is refused.** {channel.fault}",
    ) as dag:
        task(task_id="refuse", retries=0)(_refuse)(channel.fault)
    return dag


def _refuse(fault: str) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    raise AirflowFailException(fault)
