"""The channel's files and the sandbox account tell the same: names, settings, what is sent."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.connectors import registry
from include.connectors.erps.heartland_retail.documents import Translator
from include.connectors.erps.heartland_retail.payloads import (
    HeartlandInvoice,
    HeartlandOrder,
    HeartlandReturn,
    part_reference,
    read_part,
)
from include.connectors.erps.heartland_retail.sandbox.setup import COUNTER, STATION, maps
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.domain.document import DocumentKind
from include.domain.errors import Refused
from include.domain.order import Restock
from include.sandbox.shop import shop_assortment
from include.settings.channel import load_channel, load_seeds
from include.staging.mapping import ChannelMappings
from tests.contract.heartland_account import (
    SECOND,
    SKILLET,
    credit_note,
    document,
    following,
    invoice,
    line,
    order,
    paid,
)

CHANNEL = "shopify_heartland"


def translator() -> Translator:
    rows = {(row.kind, row.key): row.value for row in load_seeds(CHANNEL)}
    own = registry.settings_of(
        registry.erp("heartland_retail"), load_channel(CHANNEL).erp.settings, "test"
    )
    assert isinstance(own, HeartlandRetailSettings)
    return Translator(own, ChannelMappings(CHANNEL, rows))


def test_the_map_files_are_what_the_account_is_set_up_with() -> None:
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in load_seeds(CHANNEL):
        found[row.kind][row.key] = row.value
    assert found == maps(shop_assortment())


def test_the_channel_names_what_the_account_has() -> None:
    settings = translator().settings
    assert settings.station_id == STATION
    assert settings.default_location in maps(shop_assortment())["location"].values()
    assert settings.counter_address is not None
    assert settings.counter_address.model_dump(exclude_none=True) == COUNTER


@given(
    st.integers(1, 40),
    st.integers(0, 100_000),
    st.integers(0, 40),
    st.integers(0, 5_000),
)
def test_whatever_a_line_costs_heartlands_lines_add_up_to_it(
    quantity: int, cents: int, short: int, tax: int
) -> None:
    net, own_tax = Decimal(cents) / 100, Decimal(tax) / 100
    made = order(
        line(
            quantity=quantity,
            net=str(net),
            tax=str(own_tax),
            back_ordered=min(short, quantity),
        )
    )
    payload = translator().prepare(made).payload
    assert isinstance(payload, HeartlandOrder)
    assert sum(part.net for part in payload.lines) == net
    assert sum(part.qty for part in payload.lines) == quantity
    assert sum(part.tax for part in payload.lines) == own_tax
    assert len({part.unit for part in payload.lines}) <= 2
    waiting = sum(part.qty for part in payload.lines if part.location is None)
    assert waiting == min(short, quantity)


def test_the_parts_of_an_invoice_bear_the_order_s_own_prices() -> None:
    """Else a part could not be billed from lines whose prices are a cent apart."""
    whole = translator().prepare(order(line(quantity=7, net="100.00"))).payload
    assert isinstance(whole, HeartlandOrder)
    prices = {part.unit for part in whole.lines}
    base = order(line(quantity=7, net="100.00"))
    for sequence, (units, net) in enumerate(((3, "42.86"), (4, "57.14")), start=1):
        part = invoice(base, line(quantity=units, net=net), sequence=sequence)
        payload = translator().prepare(part).payload
        assert isinstance(payload, HeartlandInvoice)
        assert {own.unit for own in payload.lines} <= prices


def test_a_return_is_split_by_the_place_goods_come_back_to_and_its_money_with_it() -> None:
    back = credit_note(
        order(),
        line(quantity=2, tax="1.48", restock=Restock.RETURNED),
        line(SKILLET, 1, "49.00", line_id="L2", location_id=SECOND, restock=Restock.RETURNED),
        payments=(paid("60.00"),),
    )
    payload = translator().prepare(back).payload
    assert isinstance(payload, HeartlandReturn)
    first, second = payload.parts
    assert (first.location, second.location) == ("LOC1", "LOC2")
    assert (first.total, second.total) == (Decimal("38.48"), Decimal("49.00"))
    assert [p.amount for p in first.payments] == [Decimal("38.48")]
    assert [p.amount for p in second.payments] == [Decimal("21.52")]
    assert [read_part(part.reference)[1:] for part in payload.parts] == [(1, 2), (2, 2)]


def test_a_shipment_is_no_document_of_heartland() -> None:
    with pytest.raises(Refused, match="not a shipment"):
        translator().prepare(document(DocumentKind.SHIPMENT))


def test_a_payment_has_payments_and_nothing_else() -> None:
    with pytest.raises(Refused):
        translator().prepare(following(order(), DocumentKind.PAYMENT, line()))


@pytest.mark.parametrize("reference", ["#1001", "#1001/2", "web 5of9x", "a\nb"])
def test_a_reference_is_read_back_as_it_was_written(reference: str) -> None:
    assert read_part(part_reference(reference, 2, 3)) == (reference, 2, 3)
    assert read_part(part_reference(reference, 1, 1)) == (reference, 1, 1)


def test_a_preview_names_no_person() -> None:
    ready = translator().prepare(order(payments=(paid("43.48"),)))
    told = str(ready.preview)
    assert "#1001" in told
    assert "Prado" not in told
    assert "Elm" not in told
    told = repr(ready.payload)
    assert "ana@example.com" not in told
    assert "Elm" not in told
