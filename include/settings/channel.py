"""A channel: which store feeds which ERP, how and when. Read from ``channels/<name>/channel.yaml``.

The file is data; a mistake in it is refused with the file, the field and what is allowed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from include.domain.errors import ConfigurationError
from include.domain.money import ZERO, Money, minor_unit
from include.domain.policy import (
    Approval,
    ClosedPeriod,
    Import,
    InvoiceMoment,
    OnHold,
    OnRisk,
    OnTestOrder,
    Policy,
    RiskFrom,
    RouteBy,
    Routing,
    ShortStock,
    UnpaidOrders,
    contradictions,
    meaning_of,
)
from include.settings.faults import told

CHANNELS = Path(__file__).resolve().parents[1] / "channels"
# The C parser reads a file ten times as fast, and every task reads its channel's.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EndpointSettings(_Frozen):
    """One side of a channel: a connector, the Airflow connection it uses and its own settings."""

    connector: str = Field(description="Folder name of the connector.")
    connection: str = Field(description="Airflow connection id.")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="The connector's own settings, see its README."
    )


class RoutingSettings(_Frozen):
    """Where the goods of an order are taken from."""

    by: RouteBy = Field(
        default=RouteBy.STORE_LOCATION,
        title="Routing",
        description="How an order line gets its location when the sales order is planned; a line "
        "keeps the location it was posted with.",
    )
    locations: tuple[str, ...] = Field(
        default=(),
        title="Locations",
        description="Location ids of the store, each a key of the location map: the one of fixed, "
        "or those of first_with_stock in their order.",
    )


class PolicySettings(_Frozen):
    """What the channel wants booked and when."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    import_: Import = Field(
        default=Import.AUTOMATIC,
        alias="import",
        title="Import",
        description="Who starts the channel's runs.",
    )
    approval: Approval = Field(
        default=Approval.NONE,
        title="Approval",
        description="Whether a person has to approve an order before anything of it is posted. A "
        "release in quarantine approves it, and stands in the audit log.",
    )
    invoice: InvoiceMoment = Field(
        default=InvoiceMoment.ON_PAYMENT,
        title="Invoicing",
        description="When an order is billed.",
    )
    short_stock: ShortStock = Field(
        default=ShortStock.BACK_ORDER,
        title="Short stock",
        description="What happens to an order that stock does not cover.",
    )
    routing: RoutingSettings = Field(
        default_factory=RoutingSettings,
        title="Routing",
        description="Where the goods of an order are taken from.",
    )
    unpaid: UnpaidOrders = Field(
        default=UnpaidOrders.POST_ORDER,
        title="Unpaid orders",
        description="What happens to an order that is not paid in full and not posted yet.",
    )
    on_hold: OnHold = Field(
        default=OnHold.POST_ORDER,
        title="Orders on hold",
        description="What happens to an order whose fulfillment the store has put on hold, and "
        "that is not posted yet.",
    )
    on_risk: OnRisk = Field(
        default=OnRisk.IMPORT,
        title="Risk of fraud",
        description="What happens to an order that the store warns of fraud for, and that is not "
        "posted yet. A release in quarantine accepts the risk, and stands in the audit log.",
    )
    risk_from: RiskFrom = Field(
        default=RiskFrom.MEDIUM,
        title="Risky from",
        description="The store's estimate of fraud from which an order counts as risky.",
    )
    test_orders: OnTestOrder = Field(
        default=OnTestOrder.SKIP,
        title="Test orders",
        description="What happens to the store's test orders.",
    )
    closed_period: ClosedPeriod = Field(
        default=ClosedPeriod.HOLD,
        title="Closed periods",
        description="What happens to a document whose date is in a period the ERP has closed.",
    )
    tolerance: Decimal = Field(
        default=ZERO,
        ge=0,
        le=10_000,
        title="Tolerance",
        description="By how much the parts of an order may miss its stated totals, in shop "
        "currency. A document then carries the difference as a named charge and the proof shows "
        "it; 0 lets nothing pass.",
    )

    def told(self) -> Iterator[Choice]:
        """Yield every setting of the policy with what is chosen, in words, for a page."""
        for name, field in type(self).model_fields.items():
            chosen = getattr(self, name)
            title, about = field.title or name, field.description or ""
            if isinstance(chosen, RoutingSettings):
                named = f" ({', '.join(chosen.locations)})" if chosen.locations else ""
                yield Choice(title, f"{chosen.by}{named}", meaning_of(chosen.by), about)
            elif isinstance(chosen, Decimal):
                meaning = "Parts and totals have to tie to the cent." if not chosen else ""
                yield Choice(title, f"{chosen:f}", meaning, about)
            else:
                yield Choice(title, str(chosen), meaning_of(chosen), about)


class Choice(NamedTuple):
    """One setting of a policy, as people read it.

    Attributes:
        title: What the setting is called.
        value: What is chosen, as the file has it.
        meaning: What that means.
        about: What the setting decides.
    """

    title: str
    value: str
    meaning: str
    about: str


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
        default=60,
        ge=0,
        le=1440,
        description="How much earlier than its window a live run looks, for what the store's "
        "search index showed too late for the run before it.",
    )


class NotifySettings(_Frozen):
    """Through what messages go: failed tasks, newly held orders, silence."""

    notifier: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$",
        description="Import path of an Airflow notifier class; none sends mail through the "
        "connection smtp_default, or writes to the task's log without it.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="Keyword arguments of that class, no secrets; every text in them is a Jinja "
        "template of subject, message, owner and channel.",
    )

    @model_validator(mode="after")
    def _arguments_have_a_class(self) -> Self:
        if self.arguments and self.notifier is None:
            raise ValueError("arguments are given and no notifier is named")
        return self


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
    notify: NotifySettings = Field(
        default_factory=NotifySettings, description="Through what messages go."
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

    @model_validator(mode="after")
    def _policy_makes_sense(self) -> Self:
        """Refuse choices that contradict one another, all of them at once."""
        faults = [f"policy: {fault}" for fault in contradictions(self.domain_policy)]
        step, tolerance = minor_unit(self.currency), self.policy.tolerance
        if tolerance % step:
            faults.append(
                f"policy.tolerance: {tolerance} is no whole number of {Money(step, self.currency)}"
            )
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def domain_policy(self) -> Policy:
        """The policy in the planner's terms."""
        chosen = self.policy
        return Policy(
            time_zone=ZoneInfo(self.time_zone),
            invoice=chosen.invoice,
            short_stock=chosen.short_stock,
            unpaid=chosen.unpaid,
            on_hold=chosen.on_hold,
            on_risk=chosen.on_risk,
            risk_from=chosen.risk_from,
            test_orders=chosen.test_orders,
            closed_period=chosen.closed_period,
            approval=chosen.approval,
            tolerance=chosen.tolerance,
            routing=Routing(chosen.routing.by, chosen.routing.locations),
        )

    @property
    def is_by_hand(self) -> bool:
        """Whether people start the channel's runs: no schedule, no alert on silence."""
        return self.policy.import_ is Import.BY_HAND

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
        data = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - both are safe
        settings = ChannelSettings.model_validate(data)
    except FileNotFoundError as error:
        known = ", ".join(channel_names(root)) or "none"
        raise ConfigurationError(f"there is no channel {name!r}; channels are: {known}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name}/channel.yaml is no valid YAML: {error}") from error
    except ValidationError as error:
        faults = told(error, ChannelSettings, whole="file")
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
