"""Scenarios: wrong set-up, values that do not fit, orders that are held, closed periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from include.connectors import registry
from include.domain.document import DocumentKind, RemoteState
from include.domain.errors import ConfigurationError
from include.domain.ledger import EMPTY_LEDGER
from include.domain.plan import plan
from tests.conformance.purchase import Purchase
from tests.conformance.scenario import scenario
from tests.conformance.stand import Stand

SETUP = "set-up"


@scenario(SETUP)
def wrong_credentials(stand: Stand) -> None:
    """A wrong password stops the run with one clear message, and nothing is posted."""
    bought = stand.simple()
    stranger = stand.erp(stand.rig.with_wrong_credentials())
    with pytest.raises(ConfigurationError) as refused:
        stand.post(bought, house=stand.house(stranger))
    words = str(refused.value).lower()
    named = [word for word in ("login", "password", "token", "credential") if word in words]
    assert named, f"the message does not name the login: {words}"
    stand.require_nothing(bought)
    stand.post(bought)
    stand.require_all(bought, "sales_order", "invoice")


@scenario(SETUP)
def preflight_passes(stand: Stand) -> None:
    """A company with all its set-up passes the check before posting."""
    stand.usual_erp().preflight()


@scenario(SETUP)
def preflight_names_what_is_missing(stand: Stand) -> None:
    """Set-up that a setting names and the ERP lacks is refused before anything is posted."""
    caught = []
    for name, wrong in _wrong_settings(stand):
        try:
            erp = stand.erp(**{name: wrong})
        except ConfigurationError:
            continue  # refused by the setting's own rule
        try:
            erp.preflight()
        except ConfigurationError as refused:
            if str(wrong) in str(refused):
                caught.append(name)
    assert caught, "no setting with a name that the ERP lacks was refused by preflight"


def _wrong_settings(stand: Stand) -> list[tuple[str, object]]:
    fields: Mapping[str, Any] = registry.erp(stand.connector).SETTINGS.model_fields
    words = [(name, "NOSUCH") for name, f in fields.items() if f.annotation in (str, str | None)]
    numbers = [(name, 987_654) for name, f in fields.items() if f.annotation in (int, int | None)]
    return [*words, *numbers]


REFUSALS = "refusals"


def _held_alone(stand: Stand, bad: Purchase, reason: str) -> None:
    good = stand.simple()
    done = stand.post(bad, good)
    assert done.held == 1, f"{done.held} orders are held, not the one: {stand.held(good, bad)}"
    found = stand.finding(bad)
    assert found.reason_class == reason, f"held as {found.reason_class}: {found.message}"
    stand.require_nothing(bad)
    stand.require_all(good, "sales_order", "invoice")


@scenario(REFUSALS)
def unknown_sku(stand: Stand) -> None:
    """A sku that leads to no item holds its order and names the row; all others go through."""
    bought = stand.simple(paid=False)
    bought.add("NEVER-HEARD-OF", "10.00", 1)
    bought.pay()
    _held_alone(stand, bought, "missing_mapping")
    assert "NEVER-HEARD-OF" in stand.finding(bought).message


@scenario(REFUSALS)
def unknown_gateway(stand: Stand) -> None:
    """A payment method without a map row holds its order and names the row."""
    bought = stand.simple(paid=False)
    bought.pay(gateway="barter_of_seashells")
    _held_alone(stand, bought, "missing_mapping")
    assert "barter_of_seashells" in stand.finding(bought).message


@scenario(REFUSALS)
def unknown_tax(stand: Stand) -> None:
    """A tax without a map row holds its order and names the row."""
    item = stand.goods(0)
    bought = stand.purchase()
    bought.add(item.sku, item.price, 1, [("Tax of Atlantis", Decimal("0.05"))])
    bought.pay()
    _held_alone(stand, bought, "missing_mapping")
    assert "Tax of Atlantis" in stand.finding(bought).message


def _whole_or_refused(stand: Stand, bought: Purchase) -> None:
    """A value is booked whole, or refused with its field and limit; never cut."""
    good = stand.simple()
    stand.post(bought, good)
    stand.require_all(good, "sales_order", "invoice")
    held = [f for f in stand.findings() if f.order_id_store == bought.order_id]
    if not held:
        stand.require_all(bought, "sales_order", "invoice")
        streets = {b.street for b in stand.booked(bought)} - {None}
        assert streets <= {bought.street}, f"the street was cut: {streets}"
        return
    [found] = held
    stand.require_nothing(bought)
    cut = [b for b in stand.rig.booked() if _is_cut(b.order_number, bought.order_number)]
    assert not cut, f"a number was cut: {[b.order_number for b in cut]}"
    assert found.field, f"the refusal names no field: {found.message}"
    assert any(word.isdigit() for word in found.message.replace(",", " ").split()), (
        f"the refusal names no limit: {found.message}"
    )


def _is_cut(booked: str, whole: str) -> bool:
    return bool(booked) and booked != whole and whole.startswith(booked) and len(booked) > 9


@scenario(REFUSALS)
def over_long_number(stand: Stand) -> None:
    """An order number that does not fit is refused with field and limit, never cut."""
    bought = stand.purchase()
    bought.order_number = f"#{bought.number}-" + "X" * 60
    item = stand.goods(0)
    bought.add(item.sku, item.price, 1)
    bought.pay()
    _whole_or_refused(stand, bought)


@scenario(REFUSALS)
def over_long_address(stand: Stand) -> None:
    """A street that does not fit is refused with field and limit, never cut."""
    bought = stand.simple(street="77 Marzipan Crescent, " + "behind the old mill, " * 30)
    _whole_or_refused(stand, bought)


@scenario(REFUSALS)
def unbalanced_payment(stand: Stand) -> None:
    """An order that was paid twice over is held: nobody knows what the money is for."""
    bought = stand.simple()
    bought.pay(bought.amount(Decimal("3.00")))
    _held_alone(stand, bought, "unbalanced")


PERIODS = "closed periods"
CLOSED_AT = datetime(2026, 3, 15, 15, 30, tzinfo=UTC)
CLOSED_ON = date(2026, 3, 15)
OPEN_ON = date(2026, 4, 1)


@scenario(PERIODS)
def first_open_day(stand: Stand) -> None:
    """The connector tells the first day that is open for posting; an open day is its own."""
    erp = stand.usual_erp()
    today = date(2026, 11, 18)
    assert erp.first_open_on(today) == today
    stand.rig.close_period(CLOSED_ON)
    expected = OPEN_ON if stand.rig.closes_periods else CLOSED_ON
    found = erp.first_open_on(CLOSED_ON)
    assert found == expected, f"the first open day from {CLOSED_ON} on is {found}, not {expected}"


def _in_closed_period(stand: Stand) -> Purchase:
    stand.rig.close_period(CLOSED_ON)
    return stand.simple(placed_at=CLOSED_AT)


@scenario(PERIODS)
def closed_period_held(stand: Stand) -> None:
    """Where the channel holds them, a document of a closed period is not booked; it is said why."""
    bought = _in_closed_period(stand)
    stand.post(bought, closed_period="hold")
    if not stand.rig.closes_periods:
        stand.require_all(bought, "sales_order", "invoice", closed_period="hold")
        return
    words = stand.finding(bought).message
    assert str(CLOSED_ON) in words or "period" in words, f"held, and not for the period: {words}"
    billed = [b for b in stand.booked(bought) if b.kind is DocumentKind.INVOICE]
    assert not billed, "an invoice was booked in a closed period"


@scenario(PERIODS)
def closed_period_next_open_day(stand: Stand) -> None:
    """Where the channel moves them on, a document of a closed period is posted on the next day."""
    bought = _in_closed_period(stand)
    stand.post(bought, closed_period="next_open")
    _in_the_books(stand, bought)
    stand.require_settled(bought, closed_period="next_open")


@scenario(PERIODS)
def posting_day(stand: Stand) -> None:
    """The connector posts a document on the day it is told, whatever the document's own."""
    bought = _in_closed_period(stand)
    house = stand.house()
    order = bought.as_order(house.channel)
    planned = plan(order, EMPTY_LEDGER, house.settings.domain_policy, stock={})
    for document in planned.documents:
        day = house.erp.first_open_on(document.document_on)
        told = day if day != document.document_on else None
        house.erp.post(house.erp.prepare(replace(document, post_on=told)))
    _in_the_books(stand, bought)


def _in_the_books(stand: Stand, bought: Purchase) -> None:
    stand.rig.finalise(bought.order_number)
    stand.require_books(bought, "sales_order", "invoice")
    [billed] = [b for b in stand.booked(bought) if b.kind is DocumentKind.INVOICE]
    assert billed.state is RemoteState.POSTED, "it did not get into an open period's books"
