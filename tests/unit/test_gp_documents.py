# ruff: noqa: SIM300 - fields of GP are in upper case and look like constants
"""Translation into eConnect's parameters: tied to the cent, mapped, refused by field and row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateSopPaymentInsertRecord,
    TaSopLineIvcInsert,
    TaSopLineIvcTaxInsert,
    TaUpdateCreateCustomerRcd,
)
from include.connectors.erps.dynamics_gp.payloads import GpDocument
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.domain.document import Document, DocumentKey, DocumentKind, DocumentTax
from include.domain.errors import MappingMissing, Refused, Unbalanced
from include.domain.money import minor_unit, quantise
from include.domain.order import Address, ChargeKind, Customer, LineKind
from tests.integration.gp_company import (
    ROWS,
    TAX,
    Maps,
    charge,
    document,
    goods,
    invoice,
    payment,
)


def translate(
    doc: Document, rows: dict[tuple[str, str], str] | None = None, **settings: Any
) -> GpDocument:
    translator = Translator(DynamicsGpSettings(**settings), Maps(rows))
    payload = translator.prepare(doc).payload
    assert isinstance(payload, GpDocument)
    return payload


def lines_of(payload: GpDocument) -> list[TaSopLineIvcInsert]:
    lines = [part for part in payload.body if isinstance(part, TaSopLineIvcInsert)]
    return sorted(lines, key=lambda line: line.LNITMSEQ or 0)


def taxes_of(payload: GpDocument) -> list[TaSopLineIvcTaxInsert]:
    return [part for part in payload.body if isinstance(part, TaSopLineIvcTaxInsert)]


def payments_of(payload: GpDocument) -> list[TaCreateSopPaymentInsertRecord]:
    return [part for part in payload.body if isinstance(part, TaCreateSopPaymentInsertRecord)]


def test_the_calls_stand_in_econnects_order_with_the_header_last() -> None:
    payload = translate(
        document(
            lines=(goods(taxes=(TAX,)), goods("TENT", 1, "99.00")), payments=(payment("1.00"),)
        )
    )
    names = [part.PROCEDURE for part in payload.body]
    assert names == [
        "taSopLineIvcInsert",
        "taSopLineIvcInsert",
        "taSopLineIvcTaxInsert",
        "taCreateSopPaymentInsertRecord",
        "taSopHdrIvcInsert",
    ]


def test_lines_are_sent_in_item_order_and_numbered_in_the_stores() -> None:
    payload = translate(document(lines=(goods("TENT", 1, "9.00"), goods("MUG", 1, "1.00"))))
    sent = [(p.ITEMNMBR, p.LNITMSEQ) for p in payload.body if isinstance(p, TaSopLineIvcInsert)]
    assert sent == [("MUG", 32768), ("TENT", 16384)]


def test_the_header_ties_subtotal_amount_and_payments() -> None:
    header = translate(
        document(
            lines=(goods(taxes=(TAX,)),),
            charges=(charge(ChargeKind.SHIPPING, "5.95"),),
            concession=Decimal("1.00"),
            payments=(payment("30.00"), payment("4.07", "cash")),
        )
    ).header
    assert (header.SUBTOTAL, header.TRDISAMT, header.FREIGHT, header.TAXAMNT) == tuple(
        map(Decimal, ("28.00", "1.00", "5.95", "1.12"))
    )
    assert header.DOCAMNT == Decimal("34.07")
    assert header.PYMTRCVD == Decimal("34.07")
    assert (header.CSTPONBR, header.BACHNUMB) == ("#1001", "SHOP20261120")
    assert header.USRDEFND1 == "1001"


def test_a_back_order_is_taken_off_the_quantity_to_invoice() -> None:
    (line,) = lines_of(translate(document(lines=(goods(quantity=5, net="99.95", back_ordered=2),))))
    assert (line.QUANTITY, line.QTYTBAOR, line.UNITPRCE) == (3, 2, Decimal("19.99"))
    (billed,) = lines_of(translate(invoice(lines=(goods(quantity=5, net="99.95"),))))
    assert (billed.QUANTITY, billed.QTYTBAOR, billed.QtyShrtOpt) == (5, None, None)


def test_a_price_that_five_decimals_cannot_tie_becomes_two_lines_a_cent_apart() -> None:
    tax = replace(TAX, base=Decimal("10000.07"), amount=Decimal("400.01"))
    payload = translate(
        document(lines=(goods(quantity=3000, net="10000.07", back_ordered=1500, taxes=(tax,)),))
    )
    low, high = lines_of(payload)
    assert (low.UNITPRCE, high.UNITPRCE) == (Decimal("3.33"), Decimal("3.34"))
    assert (low.XTNDPRCE or 0) + (high.XTNDPRCE or 0) == Decimal("10000.07")
    units = [line.QUANTITY + (line.QTYTBAOR or 0) for line in (low, high)]
    assert sum(units) == 3000
    assert sum(line.QTYTBAOR or 0 for line in (low, high)) == 1500
    assert [t.LNITMSEQ for t in taxes_of(payload)] == [16384, 32768]
    assert sum(t.STAXAMNT or 0 for t in taxes_of(payload)) == Decimal("400.01")


@given(
    quantity=st.integers(1, 5000),
    units=st.integers(0, 10**8),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    data=st.data(),
)
def test_every_line_multiplies_out_to_its_extended_price_and_no_cent_is_lost(
    quantity: int, units: int, currency: str, data: st.DataObject
) -> None:
    net = units * minor_unit(currency)
    short = data.draw(st.integers(0, quantity))
    tax_units = data.draw(st.integers(0, units))
    tax = DocumentTax("NY State Tax", None, net, tax_units * minor_unit(currency))
    payload = translate(
        document(
            lines=(goods(quantity=quantity, net=str(net), back_ordered=short, taxes=(tax,)),),
            currency=currency,
        ),
        currencies={currency: f"Z-{currency}"},
    )
    lines = lines_of(payload)
    for line in lines:
        ordered = line.QUANTITY + (line.QTYTBAOR or 0)
        assert quantise((line.UNITPRCE or Decimal(0)) * ordered, currency) == line.XTNDPRCE
    assert sum(line.XTNDPRCE or 0 for line in lines) == net
    assert sum(line.QUANTITY + (line.QTYTBAOR or 0) for line in lines) == quantity
    assert sum(line.QTYTBAOR or 0 for line in lines) == short
    assert sum(t.STAXAMNT or 0 for t in taxes_of(payload)) == tax.amount
    assert payload.header.TAXAMNT == tax.amount


def test_two_taxes_of_one_detail_are_one_row() -> None:
    other = replace(TAX, title="NY Other Tax", amount=Decimal("0.50"))
    city = replace(TAX, title="NY City Tax", amount=Decimal("0.25"))
    payload = translate(document(lines=(goods(taxes=(TAX, other, city)),)))
    assert [(t.TAXDTLID, t.STAXAMNT) for t in taxes_of(payload)] == [
        ("USA-NY", Decimal("1.62")),
        ("USA-NYC", Decimal("0.25")),
    ]


def test_a_tax_of_nothing_needs_no_row() -> None:
    nothing = replace(TAX, title="Unmapped", amount=Decimal(0))
    assert not taxes_of(translate(document(lines=(goods(taxes=(nothing,)),))))


def test_the_tax_on_freight_stands_on_the_document() -> None:
    tax = replace(TAX, amount=Decimal("0.24"))
    payload = translate(document(charges=(charge(ChargeKind.SHIPPING, "5.95", (tax,)),)))
    (row,) = taxes_of(payload)
    assert (row.LNITMSEQ, row.FRTTXAMT, row.STAXAMNT) == (0, Decimal("0.24"), 0)
    assert (payload.header.FRTTXAMT, payload.header.TAXAMNT) == (Decimal("0.24"), Decimal("0.24"))


def test_deposits_go_on_orders_and_payments_on_invoices() -> None:
    paid = (payment("1.00"), payment("2.00", "cash"), payment("3.00", "cheque"))
    assert [p.PYMTTYPE for p in payments_of(translate(document(payments=paid)))] == [3, 1, 2]
    on_invoice = payments_of(translate(invoice(payments=paid)))
    assert [p.PYMTTYPE for p in on_invoice] == [6, 4, 5]
    assert [p.CHEKNMBR for p in on_invoice] == [None, None, "5551234"]
    assert [p.CHEKBKID for p in on_invoice] == [None, "TILL", "TILL"]


@pytest.mark.parametrize(
    ("doc", "kind", "key"),
    [
        (document(payments=(payment("1.00", "klarna"),)), "payment", "klarna"),
        (document(shipping_method="Drone"), "shipping", "Drone"),
        (document(lines=(goods(taxes=(replace(TAX, title="VAT"),)),)), "tax", "VAT"),
        (document(lines=(goods("S" * 31),)), "sku", "S" * 31),
        (document(lines=(goods(None, title="Untitled"),)), "sku", "title:Untitled"),
        (document(lines=(goods(location_id="L9"),)), "location", "L9"),
        (document(charges=(charge(ChargeKind.DUTY, "1.00"),)), "charge", "duty"),
        (document(customer=Customer("C" + "9" * 20)), "customer", "C" + "9" * 20),
        (document(customer=Customer("no-digits")), "customer", "no-digits"),
    ],
)
def test_a_missing_row_is_named(doc: Document, kind: str, key: str) -> None:
    with pytest.raises(MappingMissing) as missing:
        translate(doc)
    assert (missing.value.kind, missing.value.key) == (kind, key)


def test_rows_and_settings_translate_what_they_name() -> None:
    payload = translate(
        document(
            lines=(goods("MUG-OLD", location_id="gid://shopify/Location/2"),),
            shipping_method="Standard",
            customer=Customer("gid://shopify/Customer/77", name="K"),
        ),
        rows=ROWS | {("customer_class", "US"): "RETAIL"},
        tax_schedule="NYALL",
        batch_prefix="WEB",
        order_document_id="ORD",
    )
    (line,) = lines_of(payload)
    assert (line.ITEMNMBR, line.LOCNCODE) == ("MUG", "STORE")
    header = payload.header
    assert (header.SHIPMTHD, header.CUSTNMBR, header.TAXSCHID) == ("GROUND", "KNOWN", "NYALL")
    assert (header.BACHNUMB, header.DOCID) == ("WEB20261120", "ORD")
    customer = payload.customer_calls[0]
    assert isinstance(customer, TaUpdateCreateCustomerRcd)
    assert customer.CUSTCLAS == "RETAIL"


def test_an_identical_sku_needs_no_row_unless_the_channel_wants_one() -> None:
    with pytest.raises(MappingMissing):
        translate(document(), sku_is_item_number=False)
    assert lines_of(translate(document()))[0].ITEMNMBR == "MUG"


@pytest.mark.parametrize(
    ("doc", "field"),
    [
        (document(order_number="#" + "9" * 20), "CSTPONBR"),
        (document(shipping_address=Address(line_1="x" * 61)), "ADDRESS1"),
        (document(shipping_address=Address(postal_code="12345-67890")), "ZIPCODE"),
        (document(shipping_address=Address(name="x" * 65)), "CNTCPRSN"),
        (document(customer=Customer("12", name="x" * 65)), "CUSTNAME"),
        (document(currency="CHF"), "CURNCYID"),
        (document(payments=(payment("-1.00"),)), "DOCAMNT"),
        (document(payments=(payment("1.00", "odd"),)), "PYMTTYPE"),
        (document(lines=(goods(net="-1.00"),)), "XTNDPRCE"),
        (document(lines=(goods(quantity=0, net="1.00"),)), "QUANTITY"),
        (document(kind=DocumentKind.SHIPMENT), "SOPTYPE"),
        (document(kind=DocumentKind.VOID), "SOPNUMBE"),
    ],
)
def test_what_gp_cannot_hold_is_refused_by_field(doc: Document, field: str) -> None:
    with pytest.raises(Refused) as refused:
        translate(doc)
    assert refused.value.field == field


def test_a_guest_needs_an_account_for_guests() -> None:
    with pytest.raises(Refused, match="guests"):
        translate(document(customer=None), guest_customer=None)
    assert translate(document(customer=Customer(None, name="G"))).customer == "WEBGUEST"


def test_a_customer_without_a_name_is_still_a_customer() -> None:
    payload = translate(document(customer=Customer("12"), shipping_address=None))
    assert payload.customer_calls[0].values()["CUSTNAME"] == "Web customer W12"


def test_a_long_title_moves_to_the_comment_whole() -> None:
    title = "Engraving " * 20
    (line,) = lines_of(translate(document(lines=(goods(None, kind=LineKind.CUSTOM, title=title),))))
    assert (line.ITEMDESC, line.CMMTTEXT) == ("custom, see the comment", title)


def test_rounding_goes_up_as_a_line_and_down_as_a_trade_discount() -> None:
    up = translate(document(charges=(charge(ChargeKind.ROUNDING, "0.02"),)))
    down = translate(document(charges=(charge(ChargeKind.ROUNDING, "-0.02"),)))
    assert [line.ITEMNMBR for line in lines_of(up)] == ["MUG", "ROUNDING"]
    assert down.header.TRDISAMT == Decimal("0.02")
    assert len(lines_of(down)) == 1


def test_what_a_concession_adds_is_miscellaneous() -> None:
    header = translate(document(concession=Decimal("-2.00"))).header
    assert (header.MISCAMNT, header.TRDISAMT, header.DOCAMNT) == (2, 0, 30)


def test_a_total_that_gps_identity_does_not_reach_is_unbalanced() -> None:
    doc = document()
    object.__setattr__(doc, "total", Decimal("27.99"))
    with pytest.raises(Unbalanced, match=r"SUBTOTAL 28\.00"):
        translate(doc)


def test_a_second_document_of_an_order_has_a_reference_of_its_own() -> None:
    key = DocumentKey("shopify_gp", "1001", DocumentKind.SALES_ORDER, 2)
    assert translate(document(key=key)).reference == "#1001/2"


def test_a_code_page_that_lacks_a_character_refuses_it_by_field() -> None:
    tokyo = document(shipping_address=Address(city="東京"))
    assert translate(tokyo).header.CITY == "東京"
    with pytest.raises(Refused) as refused:
        translate(tokyo, code_page="cp1252")
    assert refused.value.field == "CITY"
    assert translate(document(), code_page="cp1252").header.CITY == "New York"


def test_the_digest_follows_what_is_sent_and_nothing_else() -> None:
    translator = Translator(DynamicsGpSettings(), Maps())
    same = translator.prepare(document()).digest
    assert translator.prepare(document(lines=(goods(net="28.0"),))).digest == same
    assert translator.prepare(document(lines=(goods(net="28.01"),))).digest != same
    assert translator.prepare(document(document_on=date(2026, 11, 21))).digest != same


def test_the_number_and_the_original_are_filled_in_at_the_end() -> None:
    calls = translate(invoice()).body_calls("INVW000007", "ORDW000003")
    assert {call.parameters["SOPNUMBE"] for call in calls} == {"INVW000007"}
    assert calls[-1].parameters["ORIGNUMB"] == "ORDW000003"
    assert calls[-1].parameters["ORIGTYPE"] == 2
