"""Held orders in a real staging database, and users who may read or act, for the page's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import HTTPException, Request
from sqlalchemy import Engine, text

from include.domain.errors import MappingMissing
from include.domain.verdict import Finding, Severity, finding_of
from include.staging import mapping, quarantine
from tests.plugins.proof_data import FakeUser

NOW = datetime.now(UTC)
OWNER = "order-desk@example.com"
UNTRUSTED = '<script>alert("x")</script>'
CHANNEL = "shopify_gp"

OPS = FakeUser("ops", frozenset({CHANNEL, "amazon_sistema"}))
FINANCE = FakeUser("finance", frozenset({CHANNEL, "amazon_sistema"}))
SHOPIFY_ONLY = FakeUser("shopify", frozenset({CHANNEL}))
NOBODY = FakeUser("nobody", frozenset())
USERS = {user.name: user for user in (OPS, FINANCE, SHOPIFY_ONLY, NOBODY)}


class FakeAccess:
    """Everybody reads the channels they carry; ops acts on them."""

    def login_url(self, next_url: str) -> str:
        return f"/auth/login?next={next_url}"

    def may_read(self, user: FakeUser, channel: str) -> bool:
        return channel in user.channels

    def may_edit(self, user: FakeUser, channel: str) -> bool:
        return user is OPS and channel in user.channels

    def name_of(self, user: FakeUser) -> str:
        return user.name


class FakeReplayer:
    """Remembers what it was asked to start."""

    def __init__(self, *, runs: bool = True) -> None:
        self.started: list[tuple[str, str]] = []
        self.runs = runs

    def start(self, channel: str, user_name: str) -> bool:
        self.started.append((channel, user_name))
        return self.runs


def user_of_request(request: Request) -> FakeUser:
    """Stands for Airflow's own dependency: the cookie names the user, or nobody is there."""
    try:
        return USERS[request.cookies.get("user", "")]
    except KeyError:
        raise HTTPException(401, "Not authenticated") from None


def klarna(number: int) -> Finding:
    return finding_of(
        MappingMissing("payment", "klarna_pay_later", channel=CHANNEL),
        f"gid://shopify/Order/{number}",
        f"#{number}",
    )


def fill(engine: Engine) -> None:
    """Six held orders of two channels, of every age, and one warning."""
    findings = [
        klarna(1001),
        klarna(1002),
        Finding(
            "gid://shopify/Order/1003",
            "#1003",
            "unbalanced",
            "totals_tie",
            "order #1003: lines and taxes against the total: 20.00 USD against 19.00 USD",
        ),
        Finding(
            "gid://shopify/Order/1004",
            "#1004",
            "refused_by_erp",
            "gp_2221",
            f"order #1004: {UNTRUSTED}",
            remote=f"=cmd() {UNTRUSTED}",
        ),
        Finding(
            "gid://shopify/Order/1005",
            "#1005",
            "value",
            "updated_at_not_in_future",
            "order #1005: the order carries a time that has not come yet",
        ),
        Finding(
            "gid://shopify/Order/1006",
            "#1006",
            "value",
            "lines_carry_a_sku",
            "order #1006: a line of goods carries no sku",
            severity=Severity.WARNING,
        ),
    ]
    ages = {"#1001": 0, "#1002": 3, "#1003": 12, "#1004": 40, "#1005": 75, "#1006": 1}
    with engine.begin() as connection:
        quarantine.record(connection, CHANNEL, findings, owner=OWNER, batch_id=1)
        other = Finding("902-1", "902-1", "value", "rule", "order 902-1: something")
        quarantine.record(connection, "amazon_sistema", [other], owner="br@example.com", batch_id=1)
        for number, days in ages.items():
            connection.execute(
                text("UPDATE quarantine SET first_seen_at = :at WHERE order_number = :number"),
                {"at": NOW - timedelta(days=days, hours=1), "number": number},
            )
        mapping.set_value(
            connection, CHANNEL, "payment", "paypal", value="card:PAYPAL:PAYPAL", actor="seed"
        )
