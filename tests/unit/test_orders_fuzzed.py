"""Whatever the schema allows an order to say, it is translated and planned, or refused by name."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.connectors.stores.shopify import documents
from include.connectors.stores.shopify.normalise import normalise
from include.domain.balance import require_balance
from include.domain.codec import from_document, to_document
from include.domain.document import DocumentKind
from include.domain.errors import ContractDrift, OrderError
from include.domain.ledger import EMPTY_LEDGER
from include.domain.order import Order
from include.domain.plan import SKIP_REASONS, plan
from include.pipelines.surprises import SURPRISES, contained
from include.pipelines.translation import translated
from include.ports.store import RawOrder
from include.settings.channel import load_channel, load_seeds
from include.staging.mapping import ChannelMappings
from tests.contract.foreign_orders import plain_order
from tests.contract.foreign_store import ForeignStore
from tests.contract.fuzzed_orders import fuzzed, rich_order

PULLED_AT = datetime(2026, 11, 21, tzinfo=UTC)
ORDERS = 240
UNLAWFUL = 1_500
UNFORESEEN = "unforeseen"
STEPS = {"translation", "landing", "planning", "preparation", "skipped", "posting", UNFORESEEN}
CHANNEL = "shopify_gp"
JUNK: tuple[Any, ...] = (
    None,
    0,
    -1,
    3.5,
    "",
    "UNKNOWN_NEW",
    [],
    {},
    [None],
    [{}],
    {"nodes": None},
    {"nodes": [None]},
    {"shopMoney": None},
    True,
    2**70,
    float("inf"),
)


def answered(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The orders as a server that executes the schema gives them; what it cannot say is out."""
    allowed = (
        "withCustomers",
        "withPersonal",
        "withProducts",
        "withLocations",
        "withTerms",
        "withRisk",
    )
    asked = {
        "query": documents.minified("orders_hydrate"),
        "variables": {"ids": [o["id"] for o in orders], **dict.fromkeys(allowed, True)},
    }
    nodes = ForeignStore(orders).answer(asked)["data"]["nodes"]
    return [json.loads(json.dumps(node)) for node in nodes if node]


def lawful(chance: random.Random) -> list[dict[str, Any]]:
    kinds = (plain_order, rich_order)
    return answered(
        [
            fuzzed(chance.choice(kinds)(number), chance, chance.choice((1, 1, 2, 4)))
            for number in range(1, ORDERS + 1)
        ]
    )


def unlawful(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The document with one value, anywhere, replaced by what no server should send."""
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        rows = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in rows:
            places.append((node, key))
            if isinstance(value, dict | list):
                walk(value)

    walk(document)
    owner, key = chance.choice(places)
    owner[key] = chance.choice(JUNK)
    return document


def through(document: dict[str, Any]) -> str:
    """Take a document as far as it goes; return the step that refused it, after holding it to it.

    Translation foresees everything and names the contract. What lands is read back as it was. A
    plan books what the store states. Behind translation nothing but an error of one order gets out
    that is not contained, with a rule.
    """
    try:
        order = normalise(CHANNEL, document)
    except ContractDrift:
        order = None
    raw = RawOrder(str(document.get("id")), str(document.get("name")), PULLED_AT, b"{}", document)
    row = translated(CHANNEL, normalise, raw, PULLED_AT)
    if row.verdict == "hold":
        assert row.rule, "a held order names its rule"
        assert row.message
        assert row.message.startswith("order "), row.message
        if order is None:
            assert (row.rule, row.reason_class) == ("shopify_contract", "contract_drift")
            return "translation"
        return UNFORESEEN if row.rule == UNFORESEEN else "landing"
    assert order is not None
    assert row.canonical is not None
    # No database holds a NUL: it is landed as the mark of a character that is none.
    written = orjson.dumps(to_document(order)).replace(b"\\u0000", "\ufffd".encode())
    assert row.canonical == written
    read = from_document(orjson.loads(written))
    require_balance(read)
    return planned_and_prepared(read)


def planned_and_prepared(order: Order) -> str:
    step = "planning"
    try:
        ready = plan(order, EMPTY_LEDGER, load_channel(CHANNEL).domain_policy, {})
        step = "preparation"
        maps = ChannelMappings(CHANNEL, {(r.kind, r.key): r.value for r in load_seeds(CHANNEL)})
        translator = Translator(DynamicsGpSettings(), maps)
        prepared = [translator.prepare(wanted) for wanted in ready.documents]
    except OrderError as error:
        return step if error.rule and str(error) else f"{step} without a rule"
    except SURPRISES as error:
        return contained(error, order.number, f"it failed in {step}").rule
    if not ready.documents:
        assert ready.skipped in SKIP_REASONS, f"nothing is done with {order.number}, and not said"
        return "skipped"
    sale = ready.documents[0]
    assert sale.key.kind is DocumentKind.SALES_ORDER
    assert sale.total + ready.adjusted == order.stated.current_total.shop
    assert all(document.digest for document in prepared)
    return "posting"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_lawful_order_is_refused_by_name_or_goes_through(seed: int) -> None:
    reached = Counter(map(through, lawful(random.Random(seed))))
    assert reached["posting"] > ORDERS // 20, f"seed {seed}: {reached}"
    assert reached["translation"] > ORDERS // 20, f"seed {seed}: {reached}"
    assert set(reached) <= STEPS
    assert reached[UNFORESEEN] <= ORDERS // 100, f"seed {seed}: {reached}"


@pytest.mark.parametrize("seed", [3, 4])
def test_an_unlawful_order_is_refused_by_name_or_goes_through(seed: int) -> None:
    chance = random.Random(seed)
    whole = answered([plain_order(1), rich_order(2)])
    reached: Counter[str] = Counter()
    for _ in range(UNLAWFUL):
        document = json.loads(json.dumps(chance.choice(whole)))
        reached[through(unlawful(document, chance))] += 1
    assert reached["translation"] > UNLAWFUL // 4, f"seed {seed}: {reached}"
    assert reached["landing"] > UNLAWFUL // 20, f"seed {seed}: {reached}"
    assert reached["posting"] > UNLAWFUL // 20, f"seed {seed}: {reached}"
    assert reached["preparation"], f"seed {seed}: {reached}"
    assert set(reached) <= STEPS
    assert reached[UNFORESEEN] <= UNLAWFUL // 100, f"seed {seed}: {reached}"


def test_what_was_not_foreseen_is_named_by_class_and_place_and_never_by_value() -> None:
    secret = "kim@example.com"
    try:
        int(secret)
    except ValueError as error:
        reason = contained(error, "#1", "it could not be planned")
    assert str(reason).startswith(
        "order #1: it could not be planned (ValueError at test_orders_fuzzed.py:"
    )
    assert secret not in str(reason)
