"""The same documents as eConnect XML, for companies that feed SmartConnect or an MSMQ queue.

The nodes stand in the order that eConnect's own reference gives for SOPTransactionType. A blank
SOPNUMBE asks eConnect for the next number; the ERP's answer is then found by CSTPONBR. What acts on
a document that GP holds (change, payment, void) needs that document's number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree as ET

from include.connectors.erps.dynamics_gp.econnect.fields import Procedure, Value
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateSopPaymentInsertRecord,
    TaSopLineIvcInsert,
    TaSopLineIvcTaxInsert,
    TaUpdateCreateCustomerRcd,
)
from include.connectors.erps.dynamics_gp.payloads import GpDocument, GpPayment, GpVoid
from include.domain.errors import Refused

COLLECTIONS = (TaSopLineIvcInsert, TaSopLineIvcTaxInsert, TaCreateSopPaymentInsertRecord)
# XML 1.0 has no way to write these, not even escaped.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def render(
    payload: GpDocument | GpPayment | GpVoid, number: str = "", original: str | None = None
) -> bytes:
    """Return one document as an eConnect message.

    Args:
        payload: A prepared document.
        number: Its SOPNUMBE; blank lets eConnect take the next. For a change, a payment or a void
            the number of the document they act on.
        original: SOPNUMBE of the order that an invoice bills, or of the invoice a return is for.

    Returns:
        UTF-8 XML with its declaration.

    Raises:
        Refused: A text holds a character that XML cannot carry, or the number is missing.
    """
    is_of_another = not isinstance(payload, GpDocument) or payload.change
    if is_of_another and not number:
        raise Refused(
            f"{payload.docid} {payload.reference}: eConnect must be told which document to act on",
            rule="xml_number",
            field="SOPNUMBE",
        )
    root = ET.Element("eConnect")
    numbered: dict[str, Value] = {"SOPNUMBE": number}
    if isinstance(payload, GpVoid):
        _node(ET.SubElement(root, "SOPVoidDocumentType"), payload.call, numbered)
    else:
        _transaction(ET.SubElement(root, "SOPTransactionType"), payload, numbered, original)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _transaction(
    transaction: ET.Element,
    payload: GpDocument | GpPayment,
    numbered: dict[str, Value],
    original: str | None,
) -> None:
    body: Sequence[Procedure]
    linked: dict[str, Value] = {}
    if isinstance(payload, GpPayment):
        body = payload.payments
    else:
        body = payload.body
        # A change leaves the customer alone: the order stays with the one it was taken for.
        for customer in () if payload.change else payload.customer_calls:
            if isinstance(customer, TaUpdateCreateCustomerRcd):
                _node(transaction, customer, {})
        if original:
            linked = {"ORIGTYPE": payload.origin_type, "ORIGNUMB": original}
    for kind in COLLECTIONS:
        nodes = sorted(_of(kind, body), key=_sequence)
        if nodes:
            collection = ET.SubElement(transaction, f"{kind.PROCEDURE}_Items")
            for node in nodes:
                _node(collection, node, numbered)
    _node(transaction, payload.header, {**numbered, **linked})


def _of(kind: type[Procedure], body: Sequence[Procedure]) -> Iterator[Procedure]:
    return (procedure for procedure in body if isinstance(procedure, kind))


def _sequence(node: Procedure) -> int:
    values = node.values()
    return int(str(values.get("LNITMSEQ", values.get("SEQNUMBR", 0))))


def _node(parent: ET.Element, procedure: Procedure, more: dict[str, Value]) -> None:
    node = ET.SubElement(parent, procedure.PROCEDURE)
    for name, value in (procedure.values() | more).items():
        text = _text(value)
        if UNWRITABLE.search(text):
            raise Refused(
                f"{procedure.PROCEDURE}: {name} has a control character that XML cannot carry",
                rule="xml_character",
                field=name,
            )
        ET.SubElement(node, name).text = text


def _text(value: Value) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)
