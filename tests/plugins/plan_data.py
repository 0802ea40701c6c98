"""Plans of dry runs and channels for the tests of their pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from include.reporting.channel_settings import groups_of
from include.settings.channel import load_channel
from include.staging.plans import Action, KeptPlan, PlanRow
from plugins.finance.ports import ShownChannel

PLAN = KeptPlan(
    plan_id=1,
    channel="shopify_gp",
    flow="orders",
    run_id="manual__2026-11-20T09:00:00+00:00",
    planned_at=datetime(2026, 11, 20, 9, 0, 5, tzinfo=UTC),
    done=407,
    sends=2,
    holds=1,
    skips=1,
    rows=(
        PlanRow(
            Action.SEND,
            "gid://shopify/Order/1",
            "#1001",
            kind="sales_order",
            sequence=1,
            document_on=date(2026, 11, 19),
            line_count=3,
            currency="USD",
            total=Decimal("1012.50"),
        ),
        PlanRow(
            Action.SEND,
            "gid://shopify/Order/1",
            "#1001",
            kind="credit_note",
            sequence=2,
            document_on=date(2026, 11, 19),
            line_count=1,
            currency="USD",
            total=Decimal("12.50"),
            paid=Decimal("12.50"),
        ),
        PlanRow(
            Action.HOLD,
            "gid://shopify/Order/2",
            '#1002<script>alert("x")</script>',
            reason="the payment map has no row for 'klarna_pay_later'",
        ),
        PlanRow(Action.SKIP, "gid://shopify/Order/3", "#1003", reason="a test order of the store"),
    ),
)
EMPTY = replace(
    PLAN,
    plan_id=2,
    flow="quarantine_replay",
    run_id="manual__2",
    sends=0,
    holds=0,
    skips=0,
    rows=(),
)


class FakePlans:
    """Plans in memory."""

    def __init__(self, *plans: KeptPlan) -> None:
        self._plans = plans

    def latest(self, limit: int) -> Sequence[KeptPlan]:
        return [replace(plan, rows=()) for plan in self._plans][:limit]

    def one(self, plan_id: int) -> KeptPlan | None:
        return next((plan for plan in self._plans if plan.plan_id == plan_id), None)

    def of_run(self, channel: str, flow: str, run_id: str) -> KeptPlan | None:
        wanted = (channel, flow, run_id)
        return next((p for p in self._plans if (p.channel, p.flow, p.run_id) == wanted), None)


class FakeChannels:
    """The shop's channel as its file has it, and one whose file is refused."""

    def names(self) -> Sequence[str]:
        return ["amazon_sistema", "shopify_gp"]

    def channel(self, name: str) -> ShownChannel:
        if name == "amazon_sistema":
            return ShownChannel(name, name, (), "amazon_sistema/channel.yaml: currency: shells")
        settings = load_channel(name)
        return ShownChannel(name, settings.title, groups_of(settings))
