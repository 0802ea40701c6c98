"""Documents in Tryton's terms: unit prices that tie, taxes by name, whom a buyer is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.connectors.erps.tryton.documents import Translator, TrytonDocument
from include.connectors.erps.tryton.settings import TrytonSettings
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
    DocumentTax,
)
from include.domain.errors import MappingMissing
from include.domain.money import minor_unit
from include.domain.order import ChargeKind, Customer, LineKind
from include.staging.mapping import ChannelMappings

ROWS = {
    ("tax", "State"): "State tax",
    ("tax", "County"): "State tax",
    ("charge", "shipping"): "SHIPPING",
    ("charge", "concession"): "CONCESSION",
    ("customer", "gid://shopify/Customer/9"): "C-9",
}
ORDER = DocumentKey("web", "gid://shopify/Order/1", DocumentKind.SALES_ORDER)


def translated(document: Document, **settings: Any) -> TrytonDocument:
    translator = Translator(TrytonSettings(**settings), ChannelMappings("web", ROWS))
    payload = translator.prepare(document).payload
    assert isinstance(payload, TrytonDocument)
    return payload


def line(net: str, quantity: int = 1, *taxes: DocumentTax, sku: str | None = "MUG") -> DocumentLine:
    return DocumentLine("l1", LineKind.GOODS, sku, "Mug", quantity, Decimal(net), taxes=taxes)


def document(*lines: DocumentLine, currency: str = "USD", **more: Any) -> Document:
    charges = more.get("charges", ())
    total = sum((part.net for part in (*lines, *charges)), Decimal(0))
    total += sum((tax.amount for part in (*lines, *charges) for tax in part.taxes), Decimal(0))
    total -= more.get("concession", Decimal(0))
    return Document(ORDER, "#1", date(2026, 11, 18), currency, total, lines, **more)


@given(
    cents=st.integers(min_value=-10_000_000, max_value=10_000_000),
    quantity=st.integers(min_value=1, max_value=5_000),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_unit_prices_tie_to_the_cent_for_any_amount_and_quantity(
    cents: int, quantity: int, currency: str
) -> None:
    net = cents * minor_unit(currency)
    parts = translated(document(line(str(net), quantity), currency=currency)).parts
    assert sum(part.amount(currency) for part in parts) == net
    assert sum(part.quantity for part in parts) == quantity
    assert len(parts) <= 2
    assert len({part.key for part in parts}) == len(parts)


def test_a_price_with_four_decimals_is_one_line() -> None:
    (part,) = translated(document(line("10.00", 3))).parts
    assert (part.quantity, part.unit_price) == (3, Decimal("3.3333"))


def test_taxes_of_one_name_are_one_tax_with_its_base() -> None:
    state = DocumentTax("State", Decimal("0.04"), Decimal("10.00"), Decimal("0.40"))
    county = replace(state, title="County", amount=Decimal("0.10"))
    charge = DocumentCharge("s", ChargeKind.SHIPPING, "Standard", Decimal("5.00"), (state,))
    payload = translated(document(line("10.00", 1, state, county), charges=(charge,)))
    assert [(t.tax, t.base, t.amount) for t in payload.taxes] == [
        ("State tax", Decimal("30.00"), Decimal("0.90"))
    ]
    assert [part.taxes for part in payload.parts] == [("State tax",), ("State tax",)]


def test_a_concession_is_a_line_that_takes_off() -> None:
    payload = translated(document(line("10.00"), concession=Decimal("2.50")))
    assert [part.unit_price for part in payload.parts] == [Decimal(10), Decimal("-2.5")]
    assert payload.total == Decimal("7.50")


def test_a_missing_row_is_named_by_map_and_key() -> None:
    odd = DocumentTax("Atlantis", None, Decimal(1), Decimal(1))
    with pytest.raises(MappingMissing) as missing:
        translated(document(line("1.00", 1, odd)))
    assert (missing.value.kind, missing.value.key) == ("tax", "Atlantis")


def test_a_line_without_a_sku_needs_a_row_by_its_title() -> None:
    with pytest.raises(MappingMissing) as missing:
        translated(document(line("1.00", sku=None)))
    assert missing.value.key == "title:Mug"


@pytest.mark.parametrize(
    ("store_id", "settings", "code", "is_mapped"),
    [
        ("gid://shopify/Customer/7", {}, "WEB7", False),
        ("gid://shopify/Customer/9", {}, "C-9", True),
        ("gid://shopify/Customer/7", {"unknown_customers": "guest"}, None, False),
        (None, {}, None, False),
    ],
)
def test_whom_a_buyer_is(
    store_id: str | None, settings: dict[str, Any], code: str | None, *, is_mapped: bool
) -> None:
    payload = translated(document(line("1.00"), customer=Customer(store_id, "Ada")), **settings)
    assert (payload.buyer.code, payload.buyer.is_mapped) == (code, is_mapped)


def test_an_unknown_buyer_holds_the_order_where_the_channel_says_so() -> None:
    who = Customer("gid://shopify/Customer/7", "Ada")
    with pytest.raises(MappingMissing) as missing:
        translated(document(line("1.00"), customer=who), unknown_customers="hold")
    assert missing.value.kind == "customer"


def test_the_accounting_day_is_the_first_open_one_where_there_is_one() -> None:
    late = replace(document(line("1.00")), post_on=date(2026, 12, 1))
    assert translated(late).accounting_on == date(2026, 12, 1)
    assert translated(document(line("1.00"))).posted_on is None


def test_the_preview_holds_no_personal_data() -> None:
    translator = Translator(TrytonSettings(), ChannelMappings("web", ROWS))
    who = Customer("gid://shopify/Customer/7", "Zebulon", "z@privacy.example")
    told = str(translator.prepare(document(line("1.00"), customer=who)).preview)
    assert "Zebulon" not in told
    assert "privacy.example" not in told
