"""A channel: which store feeds which ERP, how and when. Read from ``channels/<name>/channel.yaml``.

The file is data; a mistake in it is refused with the file, the field and what is allowed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from include.domain.errors import ConfigurationError
from include.domain.policy import InvoiceMoment, OnTestOrder, Policy, ShortStock, UnpaidOrders

CHANNELS = Path(__file__).resolve().parents[1] / "channels"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EndpointSettings(_Frozen):
    """One side of a channel: a connector, the Airflow connection it uses and its own settings."""

    connector: str = Field(description="Folder name of the connector.")
    connection: str = Field(description="Airflow connection id.")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="The connector's own settings, see its README."
    )


class PolicySettings(_Frozen):
    """What the channel wants booked and when."""

    invoice: InvoiceMoment = Field(
        default=InvoiceMoment.ON_PAYMENT, description="When an order becomes an invoice."
    )
    short_stock: ShortStock = Field(
        default=ShortStock.BACK_ORDER,
        description="What happens to a line that stock does not cover.",
    )
    unpaid: UnpaidOrders = Field(
        default=UnpaidOrders.POST_ORDER, description="What happens to an order not paid in full."
    )
    test_orders: OnTestOrder = Field(
        default=OnTestOrder.SKIP, description="What happens to the store's test orders."
    )


class ScheduleSettings(_Frozen):
    """When the channel's runs happen and what they hold back."""

    cron: str = Field(
        default="0 0 * * *", description="Cron expression, UTC; each run owns one interval."
    )
    start_on: date = Field(
        default=date(2026, 1, 1), description="First day the live schedule owns."
    )
    hold_back_minutes: int = Field(
        default=5,
        ge=0,
        le=1440,
        description="How far live windows stay behind the store's search index.",
    )
    overlap_minutes: int = Field(
        default=1,
        ge=0,
        le=1440,
        description="How much earlier than its window a run looks, to catch lag.",
    )


class ChannelSettings(_Frozen):
    """Everything a channel's DAGs need to know."""

    name: str = Field(description="Channel id; equals the folder's name.")
    title: str = Field(description="What people call the channel.")
    order_data_owner: str = Field(description="Who owns a held order: an address or a team.")
    currency: str = Field(
        pattern="^[A-Z]{3}$",
        description="ISO 4217 code of the shop currency the books are kept in.",
    )
    time_zone: str = Field(description="IANA zone whose calendar dates the documents.")
    store: EndpointSettings = Field(description="Where orders come from.")
    erp: EndpointSettings = Field(description="Where documents go.")
    schedule: ScheduleSettings = Field(
        default_factory=ScheduleSettings, description="When runs happen."
    )
    policy: PolicySettings = Field(
        default_factory=PolicySettings, description="What is booked and when."
    )
    suite: str = Field(default="orders", description="Expectation suite that orders must pass.")
    posting_threads: int = Field(
        default=8, ge=1, le=16, description="Documents sent to the ERP at the same time."
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no IANA time zone") from error
        return value

    @property
    def domain_policy(self) -> Policy:
        """The policy in the planner's terms."""
        return Policy(time_zone=ZoneInfo(self.time_zone), **self.policy.model_dump())

    @property
    def hold_back(self) -> timedelta:
        """How far live windows stay behind."""
        return timedelta(minutes=self.schedule.hold_back_minutes)

    @property
    def overlap(self) -> timedelta:
        """How much earlier than its window a run looks."""
        return timedelta(minutes=self.schedule.overlap_minutes)


@dataclass(frozen=True, slots=True)
class MapRow:
    """One seed row of a map: store value to ERP value."""

    kind: str
    key: str
    value: str


def channel_names(root: Path = CHANNELS) -> list[str]:
    """Return the names of the channel folders, sorted.

    Args:
        root: Folder that holds one folder a channel.
    """
    return sorted(path.parent.name for path in root.glob("*/channel.yaml"))


def load_channel(name: str, root: Path = CHANNELS) -> ChannelSettings:
    """Read and validate one channel file.

    Args:
        name: Channel id, the folder's name.
        root: Folder that holds one folder a channel.

    Raises:
        ConfigurationError: The file is missing or wrong; names the file, each field and the rule.
    """
    path = root / name / "channel.yaml"
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings = ChannelSettings.model_validate(data)
    except FileNotFoundError as error:
        known = ", ".join(channel_names(root)) or "none"
        raise ConfigurationError(f"there is no channel {name!r}; channels are: {known}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name}/channel.yaml is no valid YAML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ConfigurationError(f"{name}/channel.yaml: {faults}") from error
    if settings.name != name:
        raise ConfigurationError(
            f"{name}/channel.yaml: name: is {settings.name!r} but the folder is {name!r}"
        )
    return settings


def load_seeds(name: str, root: Path = CHANNELS) -> Iterator[MapRow]:
    """Yield the seed rows of a channel's maps: each ``maps/<kind>.csv`` has columns key and value.

    Args:
        name: Channel id.
        root: Folder that holds one folder a channel.

    Raises:
        ConfigurationError: A file lacks a column, or a key stands twice in it.
    """
    for path in sorted((root / name / "maps").glob("*.csv")):
        kind = path.stem
        seen: set[str] = set()
        with path.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            if not {"key", "value"} <= set(reader.fieldnames or ()):
                raise ConfigurationError(
                    f"{name}/maps/{path.name}: needs the columns key and value"
                )
            for row in reader:
                if row["key"] in seen:
                    raise ConfigurationError(
                        f"{name}/maps/{path.name}: line {reader.line_num}: key {row['key']!r} "
                        "stands twice"
                    )
                seen.add(row["key"])
                yield MapRow(kind, row["key"], row["value"])
