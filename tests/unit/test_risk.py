"""Risk of fraud: read from the store, kept with the order, held or let through by policy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from include.connectors.stores.shopify.normalise import normalise
from include.connectors.stores.shopify.sandbox.maker import Maker
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.domain.codec import decode, encode, from_document, to_document
from include.domain.errors import ContractDrift
from include.domain.gates import RiskNotAccepted, accepting_rules, require_accepted_risk
from include.domain.order import Order, RiskLevel
from include.domain.policy import OnRisk, Policy, RiskFrom
from include.settings.channel import PolicySettings
from tests.unit import orders_factory as canonical
from tests.unit import shopify_orders as raw
from tests.unit.planned_books import PlannedBooks

HOLD = Policy(ZoneInfo("America/New_York"), on_risk=OnRisk.HOLD)


def read(risk: Any) -> RiskLevel | None:
    document = raw.order([raw.line(1, "10.00")], "10.00")
    document["risk"] = risk
    return normalise("shopify_gp", document).risk


def seen(recommendation: str, *levels: str) -> dict[str, Any]:
    return {
        "recommendation": recommendation,
        "assessments": [{"riskLevel": level} for level in levels],
    }


@pytest.mark.parametrize(
    ("risk", "level"),
    [
        (seen("ACCEPT", "LOW"), RiskLevel.LOW),
        (seen("ACCEPT", "HIGH"), RiskLevel.LOW),
        (seen("INVESTIGATE", "MEDIUM"), RiskLevel.MEDIUM),
        (seen("CANCEL", "HIGH"), RiskLevel.HIGH),
        (seen("NONE"), None),
        (seen("NONE", "NONE"), None),
        (seen("NONE", "NONE", "PENDING"), RiskLevel.PENDING),
        (seen("NONE", "LOW", "HIGH", "MEDIUM"), RiskLevel.HIGH),
        (seen("SOMETHING_NEW", "MEDIUM"), RiskLevel.MEDIUM),
        (None, None),
    ],
)
def test_the_risk_is_what_the_store_advises_or_else_the_gravest_assessment(
    risk: Any, level: RiskLevel | None
) -> None:
    assert read(risk) is level


def test_a_document_that_was_landed_before_risk_was_read_has_none() -> None:
    document = raw.order([raw.line(1, "10.00")], "10.00")
    assert "risk" not in document
    assert normalise("shopify_gp", document).risk is None


def test_a_risk_of_another_shape_is_drift_that_names_it() -> None:
    with pytest.raises(ContractDrift, match="risk") as drift:
        read({"assessments": []})
    assert drift.value.field.startswith("risk")


def order(risk: RiskLevel | None = None, quantity: int = 2) -> Order:
    return canonical.order(canonical.line(quantity=quantity), risk=risk)


@pytest.mark.parametrize("risk", [None, *RiskLevel])
def test_the_risk_is_staged_with_the_order_and_read_back(risk: RiskLevel | None) -> None:
    assert decode(encode(order(risk))) == order(risk)
    assert ("risk" in to_document(order(risk))) is (risk is not None)


def test_an_order_that_was_staged_before_risk_was_read_has_none() -> None:
    document = to_document(order(RiskLevel.HIGH))
    del document["risk"]
    assert from_document(document) == order()


def asked(
    bought: Order,
    policy: Policy = HOLD,
    accepted: str | None = None,
    books: PlannedBooks | None = None,
) -> None:
    books = books or PlannedBooks(policy)
    wanted = books.plan(bought).documents
    total = None if accepted is None else Decimal(accepted)
    require_accepted_risk(bought, wanted, books.ledger(), policy, total)


HELD = {
    RiskFrom.PENDING: {RiskLevel.PENDING, RiskLevel.MEDIUM, RiskLevel.HIGH},
    RiskFrom.MEDIUM: {RiskLevel.MEDIUM, RiskLevel.HIGH},
    RiskFrom.HIGH: {RiskLevel.HIGH},
}


@pytest.mark.parametrize("risk", [None, *RiskLevel])
@pytest.mark.parametrize("risk_from", RiskFrom)
@pytest.mark.parametrize("on_risk", OnRisk)
def test_a_risky_order_waits_where_policy_says_so(
    on_risk: OnRisk, risk_from: RiskFrom, risk: RiskLevel | None
) -> None:
    policy = Policy(HOLD.time_zone, on_risk=on_risk, risk_from=risk_from)
    if on_risk is OnRisk.HOLD and risk in HELD[risk_from]:
        with pytest.raises(RiskNotAccepted, match=r"order #1001 over 20\.00 USD") as held:
            asked(order(risk), policy)
        assert (held.value.reason_class, held.value.rule) == ("risk", f"risk_{risk}")
    else:
        asked(order(risk), policy)


def test_an_accepted_risk_covers_the_order_up_to_the_total_it_had() -> None:
    asked(order(RiskLevel.HIGH), accepted="20.00")
    asked(order(RiskLevel.HIGH, quantity=1), accepted="20.00")
    with pytest.raises(RiskNotAccepted):
        asked(order(RiskLevel.HIGH, quantity=3), accepted="20.00")


def test_a_greater_risk_than_the_accepted_one_asks_again() -> None:
    assert accepting_rules(RiskLevel.MEDIUM) == ("risk_medium", "risk_high")
    assert accepting_rules(RiskLevel.HIGH) == ("risk_high",)


def test_a_risk_that_is_seen_after_posting_keeps_nothing_back() -> None:
    books = PlannedBooks(HOLD)
    books.post(order())
    asked(order(RiskLevel.HIGH, quantity=3), books=books)


def test_the_settings_of_risk_are_told_in_words() -> None:
    chosen = PolicySettings(on_risk=OnRisk.HOLD, risk_from=RiskFrom.HIGH)
    told = {choice.title: (choice.value, choice.meaning) for choice in chosen.told()}
    assert told["Risk of fraud"][0] == "hold"
    assert "accepts the risk" in told["Risk of fraud"][1]
    assert told["Risky from"] == ("high", "Risky only where the store advises to cancel the order.")


def test_the_sandbox_shop_has_orders_of_every_advice() -> None:
    store = build_store(seed=1, days=1, per_day=80)
    assert isinstance(store.maker, Maker)
    assert {order.risk for order in store} == {"ACCEPT", "INVESTIGATE", "CANCEL"}
