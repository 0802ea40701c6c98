"""Proofs, users and rights for the tests of the Proof page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fastapi import HTTPException, Request

from include.domain.document import DocumentKind
from include.domain.proof import (
    Outcome,
    ProofDocuments,
    ProofLives,
    ProofMoney,
    ProofOrder,
    WindowProof,
)
from include.domain.window import Window
from plugins.finance.ports import NothingYet, Shown, SourceUnavailable

DAY = timedelta(days=1)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
UNTRUSTED = '#1003<script>alert("x")</script>'


def proof_of(day: int, channel: str = "shopify_gp") -> WindowProof:
    """A complete window: 412 orders, three held, two skipped, in two currencies."""
    start = FIRST + (day - 1) * DAY
    held = ProofOrder(
        order_id_store="gid://shopify/Order/5003",
        order_number="#1003",
        outcome=Outcome.HELD,
        reason="map_payment",
        message=(
            "the payment map of channel shopify_gp has no row for 'klarna_pay_later': add it (map "
            "'payment', key 'klarna_pay_later') and the order goes through by itself"
        ),
        currency="USD",
        store_amount=Decimal("118.90"),
        owner="orders@example.com",
        since_at=start + timedelta(hours=26),
    )
    return WindowProof(
        channel=channel,
        window=Window(start, start + DAY),
        run_id=f"scheduled__{start + DAY:%Y-%m-%d}T00:00:00+00:00",
        run_type="scheduled",
        batch_id=100 + day,
        proven_at=start + DAY + timedelta(minutes=6),
        in_store=412,
        staged=412,
        posted=407,
        held=3,
        skipped=2,
        unexplained=0,
        back_ordered=9,
        held_by_reason={"map_payment": 2, "order_totals_tie": 1},
        skipped_by_reason={"test_order": 1, "cancelled_before_posting": 1},
        money=(
            ProofMoney(
                "USD",
                in_store=Decimal("48211.37"),
                staged=Decimal("48211.37"),
                posted=Decimal("47800.12"),
                held=Decimal("356.70"),
                skipped=Decimal("54.55"),
                invoiced=Decimal("46911.20"),
                paid=Decimal("46911.20"),
            ),
            ProofMoney("JPY", in_store=Decimal(18200), posted=Decimal(18200)),
        ),
        orders=(
            held,
            replace(held, order_id_store="gid://shopify/Order/5004", order_number="#1004"),
            replace(
                held,
                order_id_store="gid://shopify/Order/5009",
                order_number="#1009",
                reason="order_totals_tie",
                message="order #1009: payments against the amount received: 20.00 USD against "
                "19.00 USD; compare the order in the store's admin and replay it once the store "
                "shows one truth",
            ),
            replace(
                held,
                order_id_store="gid://shopify/Order/5010",
                order_number="#1010",
                outcome=Outcome.SKIPPED,
                reason="test_order",
                message="it was placed with a test payment",
                owner="",
                since_at=None,
            ),
        ),
        lives=ProofLives(
            new=298, changed=31, unchanged=78, edited=9, cancelled=4, refunded=17, shipped=201
        ),
        documents=(
            ProofDocuments(
                DocumentKind.SALES_ORDER, "USD", 407, Decimal("49811.60"), Decimal(0), 298
            ),
            ProofDocuments(
                DocumentKind.INVOICE,
                "USD",
                401,
                Decimal("48922.68"),
                Decimal("48922.68"),
                296,
                Decimal("36022.10"),
            ),
            ProofDocuments(
                DocumentKind.CREDIT_NOTE,
                "USD",
                21,
                Decimal("2011.48"),
                Decimal("2011.48"),
                19,
                Decimal("1822.00"),
            ),
            ProofDocuments(DocumentKind.VOID, "USD", 4, Decimal("310.20"), Decimal("155.10"), 4),
        ),
        notes=("2 orders changed in the store after they were pulled",),
    )


def unexplained_proof(day: int) -> WindowProof:
    """A window that lost one order."""
    proof = proof_of(day)
    lost = replace(
        proof.orders[0],
        order_number=UNTRUSTED,
        order_id_store="gid://shopify/Order/6001",
        outcome=Outcome.UNEXPLAINED,
        reason="missing_in_erp",
        message="the ledger says posted, and the ERP holds no document for it",
        owner="",
        since_at=None,
    )
    usd = replace(
        proof.money[0],
        posted=proof.money[0].posted - Decimal("118.90"),
        unexplained=Decimal("118.90"),
    )
    return replace(
        proof,
        posted=406,
        unexplained=1,
        money=(usd, *proof.money[1:]),
        orders=(lost, *proof.orders),
    )


class FakeSource:
    """Proofs in memory, numbered from 1 in the order given."""

    def __init__(
        self, proofs: Sequence[WindowProof], *, broken: str = "", empty: bool = False
    ) -> None:
        self._proofs = dict(enumerate(proofs, start=1))
        self._broken = broken
        self._empty = empty

    def latest(self, limit: int) -> list[Shown]:
        self._fail()
        shown = [Shown(n, replace(proof, orders=())) for n, proof in self._proofs.items()]
        return sorted(shown, key=lambda s: s.proof.window.start_at, reverse=True)[:limit]

    def one(self, proof_id: int) -> Shown | None:
        self._fail()
        proof = self._proofs.get(proof_id)
        return Shown(proof_id, proof) if proof else None

    def of_run(self, channel: str, run_id: str) -> Shown | None:
        self._fail()
        for number, proof in self._proofs.items():
            if (proof.channel, proof.run_id) == (channel, run_id):
                return Shown(number, proof)
        return None

    def _fail(self) -> None:
        if self._broken:
            raise (NothingYet if self._empty else SourceUnavailable)(self._broken)


@dataclass(frozen=True)
class FakeUser:
    """A signed-in person and the channels that person may read."""

    name: str
    channels: frozenset[str]


FINANCE = FakeUser("finance", frozenset({"shopify_gp", "amazon_sistema"}))
SHOPIFY_ONLY = FakeUser("shopify", frozenset({"shopify_gp"}))
NOBODY = FakeUser("nobody", frozenset())
USERS = {user.name: user for user in (FINANCE, SHOPIFY_ONLY, NOBODY)}


class FakeAccess:
    """Rights as the user carries them."""

    def login_url(self, next_url: str) -> str:
        return f"/auth/login?next={next_url}"

    def may_read(self, user: FakeUser, channel: str) -> bool:
        return channel in user.channels


def user_of_request(request: Request) -> FakeUser:
    """Stands for Airflow's own dependency: the cookie names the user, or nobody is there."""
    try:
        return USERS[request.cookies.get("user", "")]
    except KeyError:
        raise HTTPException(401, "Not authenticated") from None
