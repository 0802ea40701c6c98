"""Plans staged orders for the ERP: read back, planned against stock and gates, translated.

Posting carries the plans out and a dry run prints them. An order that cannot be planned, or written
for the ERP, comes with the reason, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from include.domain.allocation import stock_needs, stock_taken
from include.domain.begun import as_begun
from include.domain.codec import from_document
from include.domain.document import DocumentKind, PreparedDocument, StockNeed
from include.domain.errors import MappingMissing, OrderError
from include.domain.gates import (
    accepting_rules,
    in_open_periods,
    is_risky,
    require_accepted_risk,
    require_approval,
)
from include.domain.ledger import EMPTY_LEDGER, LedgerEntry, OrderLedger
from include.domain.order import Order, RiskLevel
from include.domain.plan import Plan
from include.domain.policy import Approval
from include.domain.verdict import Finding, finding_of
from include.pipelines.house import House
from include.pipelines.periods import Periods
from include.pipelines.surprises import SURPRISES, contained
from include.staging import quarantine
from include.staging.approvals import approved_totals
from include.staging.numbers import posted_numbers

ALLOCATING = frozenset({DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE})
UNFORESEEN = "unforeseen_at_posting"


def plan_orders(
    house: House,
    orders: Iterable[Order],
    ledgers: dict[str, OrderLedger],
    periods: Periods | None = None,
) -> Iterator[tuple[Order, Plan | OrderError]]:
    """Plan orders against the stock of this moment, each taking its share before the next.

    Args:
        house: The channel.
        orders: Canonical orders, oldest first.
        ledgers: What is posted, by store id.
        periods: What is known of the ERP's open periods; asked afresh without it.

    Yields:
        Each order with its plan, or with the reason why it has to be held.
    """
    todo = list(orders)
    with house.engine.connect() as connection:
        ids = [order.order_id_store for order in todo]
        written_off = quarantine.written_off(connection, house.channel, ids)
        numbers = posted_numbers(connection, house.channel, ids)
        approved = (
            approved_totals(connection, house.channel, ids)
            if house.settings.domain_policy.approval is Approval.REQUIRED
            else {}
        )
        accepted = _accepted_risks(connection, house, todo)
    for order in todo:
        if order.order_id_store in written_off:
            yield order, Plan(skipped="written_off")
    todo = [order for order in todo if order.order_id_store not in written_off]
    policy = house.settings.domain_policy
    periods = periods or Periods(house.erp)
    begun = begun_of(house, todo, ledgers, numbers)
    needs = {need for order in todo for need in stock_needs(order, policy)}
    stock: dict[StockNeed, Decimal] = dict(house.erp.available(needs))
    unknown = house.erp.unknown_skus({need.sku for need in needs})
    for order in todo:
        ledger = ledgers.get(order.order_id_store, EMPTY_LEDGER)
        try:
            unfinished = begun.get(order.order_id_store)
            document = unfinished and as_begun(order, unfinished, policy)
            if document:
                ready = Plan((document,), finishes=unfinished)
            else:
                ready = house.planner(order, ledger, policy, stock)
                total = approved.get(order.order_id_store)
                require_approval(order, ready.documents, ledger, policy, total)
                total = accepted.get(order.order_id_store)
                require_accepted_risk(order, ready.documents, ledger, policy, total)
            _require_items(ready, unknown)
            documents = in_open_periods(ready.documents, policy, periods.first_open_on)
            # A renamed order goes on in the ERP under the number that its documents have there.
            number = numbers.get(order.order_id_store, order.number)
            documents = tuple(replace(each, order_number=number) for each in documents)
            ready = replace(ready, documents=documents)
        except OrderError as error:
            yield order, error
            continue
        except SURPRISES as error:
            yield order, contained(error, order.number, "it could not be planned", rule=UNFORESEEN)
            continue
        for document in ready.documents[:1]:
            if document.key.kind in ALLOCATING:
                for need, units in stock_taken(document, ledger):
                    if need in stock:
                        stock[need] -= units
        yield order, ready


def _accepted_risks(
    connection: Connection, house: House, orders: Iterable[Order]
) -> dict[str, Decimal]:
    """Return the highest total up to which the risk of an order was accepted, by store id."""
    policy = house.settings.domain_policy
    risky: dict[RiskLevel, list[str]] = {}
    for order in orders:
        if order.risk is not None and is_risky(order, policy):
            risky.setdefault(order.risk, []).append(order.order_id_store)
    found: dict[str, Decimal] = {}
    for level, ids in risky.items():
        found |= approved_totals(connection, house.channel, ids, accepting_rules(level))
    return found


def begun_of(
    house: House,
    orders: Iterable[Order],
    ledgers: dict[str, OrderLedger],
    numbers: Mapping[str, str],
) -> dict[str, LedgerEntry]:
    """Return the document of each order that the ERP holds in part, by store id.

    Args:
        house: The channel.
        orders: Canonical orders.
        ledgers: What was sent, by store id.
        numbers: The number that each order was sent under, where it was.
    """
    sent = {
        entry.key: (entry, numbers.get(order.order_id_store, order.number))
        for order in orders
        for entry in ledgers.get(order.order_id_store, EMPTY_LEDGER).not_posted()
    }
    if not sent:
        return {}
    begun = house.erp.begun([(key, number) for key, (_, number) in sent.items()])
    return {key.order_id_store: entry for key, (entry, _) in sent.items() if key in begun}


def _require_items(ready: Plan, unknown: frozenset[str]) -> None:
    for document in ready.documents:
        for need, _ in stock_taken(document):
            if need.sku in unknown:
                raise MappingMissing("sku", need.sku, channel=document.key.channel)


def prepare(house: House, order: Order, ready: Plan) -> list[PreparedDocument]:
    """Translate the documents of a plan for the ERP.

    Args:
        house: The channel.
        order: The order that was planned.
        ready: Its plan.

    Raises:
        OrderError: The order cannot be booked; the message says why.
    """
    try:
        return [house.erp.prepare(document) for document in ready.documents]
    except SURPRISES as error:
        raise contained(
            error, order.number, "it could not be written for the ERP", rule=UNFORESEEN
        ) from error


def read_staged(
    rows: Iterable[tuple[str, dict[str, Any]]],
) -> tuple[dict[str, Order], dict[str, Finding]]:
    """Read staged orders back, and say why for each that cannot be.

    Args:
        rows: Store id and canonical document of each.
    """
    orders: dict[str, Order] = {}
    findings: dict[str, Finding] = {}
    for order_id, document in rows:
        try:
            orders[order_id] = from_document(document)
        except SURPRISES as error:
            number = str(document.get("number", order_id))
            reason = contained(
                error, number, "its staged document could not be read", rule=UNFORESEEN
            )
            findings[order_id] = finding_of(reason, order_id, number)
    return orders, findings
