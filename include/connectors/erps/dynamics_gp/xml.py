"""The same documents as eConnect XML, for companies that feed SmartConnect or an MSMQ queue.

The nodes stand in the order that eConnect's own reference gives for SOPTransactionType. A blank
SOPNUMBE asks eConnect for the next number; the ERP's answer is then found by CSTPONBR.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree as ET

from include.connectors.erps.dynamics_gp.documents import ORDER, GpDocument
from include.connectors.erps.dynamics_gp.econnect.fields import Procedure, Value
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateSopPaymentInsertRecord,
    TaSopLineIvcInsert,
    TaSopLineIvcTaxInsert,
    TaUpdateCreateCustomerRcd,
)
from include.domain.errors import Refused

COLLECTIONS = (TaSopLineIvcInsert, TaSopLineIvcTaxInsert, TaCreateSopPaymentInsertRecord)
# XML 1.0 has no way to write these, not even escaped.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def render(payload: GpDocument, number: str = "", original: str | None = None) -> bytes:
    """Return one document as an eConnect message.

    Args:
        payload: A prepared document.
        number: Its SOPNUMBE; blank lets eConnect take the next.
        original: SOPNUMBE of the order that an invoice bills.

    Returns:
        UTF-8 XML with its declaration.

    Raises:
        Refused: A text holds a character that XML cannot carry.
    """
    root = ET.Element("eConnect")
    transaction = ET.SubElement(root, "SOPTransactionType")
    for customer in payload.customer_calls:
        if isinstance(customer, TaUpdateCreateCustomerRcd):
            _node(transaction, customer, {})
    numbered: dict[str, Value] = {"SOPNUMBE": number}
    for kind in COLLECTIONS:
        nodes = sorted(_of(kind, payload.body), key=_sequence)
        if nodes:
            collection = ET.SubElement(transaction, f"{kind.PROCEDURE}_Items")
            for node in nodes:
                _node(collection, node, numbered)
    linked: dict[str, Value] = {"ORIGTYPE": ORDER, "ORIGNUMB": original} if original else {}
    _node(transaction, payload.header, {**numbered, **linked})
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


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
