"""eConnect XML against the schema that is derived from eConnect's published field tables."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.payloads import GpDocument, GpPayment, GpVoid
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.connectors.erps.dynamics_gp.xml import render
from include.domain.document import Document
from include.domain.errors import Refused
from include.domain.order import Address, ChargeKind, Customer, LineKind, Restock
from tests.integration.gp_company import (
    ANN,
    HOME,
    TAX,
    Maps,
    charge,
    document,
    goods,
    invoice,
    payment,
)
from tests.integration.test_gp_lives import (
    back,
    change,
    credit,
    paying,
    void_invoice,
    void_order,
)

DOCUMENTS = {
    "a plain order": document(),
    "an order with everything": document(
        lines=(
            goods(taxes=(TAX,)),
            goods("TENT", 5, "99.95", back_ordered=2),
            goods("MUG", 3000, "10000.07", line_id="split"),
            goods(None, 1, "5.00", kind=LineKind.CUSTOM, title="Gravur <Ä> & ö"),
        ),
        charges=(charge(ChargeKind.SHIPPING, "5.95", (TAX,)), charge(ChargeKind.TIP, "1.00")),
        payments=(payment("10.00"), payment("2.00", "cash")),
        concession=Decimal("0.50"),
        shipping_method="Standard",
        purchase_order_number="PO 7",
    ),
    "an invoice": invoice(payments=(payment("28.00"),)),
    "a guest without an address": document(customer=None, shipping_address=None),
    "a customer from far away": document(
        customer=Customer("12", name="渋谷 花子"),
        shipping_address=Address(name="渋谷 花子", line_1="1-2-3", city="東京", country_code="JP"),
    ),
}


@pytest.fixture(scope="module")
def schema(shared_dir: Path) -> etree.XMLSchema:
    return etree.XMLSchema(
        etree.parse(str(shared_dir / "schemas" / "dynamics_gp" / "econnect_sop_subset.xsd"))
    )


def payload_of(doc: Document) -> GpDocument | GpPayment | GpVoid:
    payload = Translator(DynamicsGpSettings(), Maps()).prepare(doc).payload
    assert isinstance(payload, GpDocument | GpPayment | GpVoid)
    return payload


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_validate(name: str, schema: etree.XMLSchema) -> None:
    payload = payload_of(DOCUMENTS[name])
    schema.assertValid(etree.fromstring(render(payload)))
    schema.assertValid(etree.fromstring(render(payload, "WEB0001001", "ORDW000001")))


def test_the_vendors_shape_of_a_back_ordered_order_is_ours(
    schema: etree.XMLSchema, shared_dir: Path
) -> None:
    """The published sample: 3 to invoice and 2 back-ordered of 5, extended for all 5."""
    sample = etree.parse(str(shared_dir / "schemas" / "dynamics_gp" / "sample_sop_order.xml"))
    schema.assertValid(sample)
    ours = etree.fromstring(
        render(
            payload_of(document(lines=(goods(quantity=5, net="99.95", back_ordered=2),))),
            "WEB0001001",
        )
    )
    for field in ("QUANTITY", "QTYTBAOR", "UNITPRCE", "XTNDPRCE"):
        line = ours.find(f".//taSopLineIvcInsert/{field}")
        assert Decimal(line.text) == Decimal(sample.find(f".//taSopLineIvcInsert/{field}").text)


def test_nodes_stand_in_the_order_of_sop_transaction_type() -> None:
    root = etree.fromstring(render(payload_of(DOCUMENTS["an order with everything"])))
    names = [node.tag for node in root[0]]
    assert names == [
        "taUpdateCreateCustomerRcd",
        "taSopLineIvcInsert_Items",
        "taSopLineIvcTaxInsert_Items",
        "taCreateSopPaymentInsertRecord_Items",
        "taSopHdrIvcInsert",
    ]
    sequences = [int(node.text) for node in root.findall(".//taSopLineIvcInsert/LNITMSEQ")]
    assert sequences == sorted(sequences)


def test_a_blank_number_asks_for_one_and_an_invoice_names_its_order() -> None:
    root = etree.fromstring(render(payload_of(DOCUMENTS["an invoice"]), original="ORDW000001"))
    assert {node.text for node in root.findall(".//SOPNUMBE")} == {None}
    assert root.findtext(".//ORIGNUMB") == "ORDW000001"
    assert root.findtext(".//ORIGTYPE") == "2"


def test_a_character_that_xml_cannot_carry_is_refused_by_field() -> None:
    doc = document(
        customer=ANN, shipping_address=Address(name="Ann", city=f"New\x0bYork {HOME.city}")
    )
    with pytest.raises(Refused) as refused:
        render(payload_of(doc))
    assert refused.value.field == "CITY"


RETURN = credit(
    lines=(back(restock=Restock.NOT_RESTOCKED), back()),
    charges=(charge(ChargeKind.FX, "0.10"), charge(ChargeKind.SHIPPING, "1.00", (TAX,))),
    payments=(payment("3.00"),),
)
LATER = {
    "an order change": change(lines=(goods("MUG", 3, "42.00"),), payments=(payment("1.00"),)),
    "a return": RETURN,
    "a return of shipping": credit(lines=(), charges=(charge(ChargeKind.SHIPPING, "5.00"),)),
    "a payment": paying(1, payment("5.00"), payment("1.00", "cheque")),
    "a void of an order": void_order(),
    "a void of an invoice": void_invoice(),
}


@pytest.mark.parametrize("name", LATER)
def test_later_documents_validate(name: str, schema: etree.XMLSchema) -> None:
    schema.assertValid(
        etree.fromstring(render(payload_of(LATER[name]), "ORDW000001", "INVW000001"))
    )


def test_what_acts_on_a_document_has_to_name_it() -> None:
    for name in ("an order change", "a payment", "a void of an order"):
        with pytest.raises(Refused, match="which document to act on"):
            render(payload_of(LATER[name]))


def test_a_void_is_a_transaction_type_of_its_own_and_removes_payments() -> None:
    root = etree.fromstring(render(payload_of(void_invoice()), "INVW000001"))
    assert [node.tag for node in root] == ["SOPVoidDocumentType"]
    assert root.findtext(".//SOPTYPE") == "3"
    assert root.findtext(".//SOPNUMBE") == "INVW000001"
    assert root.findtext(".//RemovePayments") == "1"


def test_a_return_says_what_it_is_for_and_what_became_of_the_units() -> None:
    root = etree.fromstring(render(payload_of(RETURN), original="INVW000001"))
    assert root.findtext(".//taSopHdrIvcInsert/ORIGTYPE") == "3"
    lines = root.findall(".//taSopLineIvcInsert")
    assert [line.findtext("QTYDMGED") for line in lines] == ["1", None, None]
    assert [line.findtext("QTYRTRND") for line in lines] == [None, "1", None]


def test_a_change_updates_header_and_lines_and_no_customer() -> None:
    root = etree.fromstring(render(payload_of(LATER["an order change"]), "ORDW000001"))
    assert root.findtext(".//UpdateExisting") == "1"
    assert root.findtext(".//UpdateIfExists") == "1"
    assert root.find(".//taUpdateCreateCustomerRcd") is None
