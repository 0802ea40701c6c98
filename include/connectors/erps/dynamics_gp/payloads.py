"""What is sent to GP for one document, and the names it is found by.

The document number is still blank (as in an XML document that asks for one); the connector fills it
in when it posts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from include.connectors.erps.dynamics_gp.calls import Call
from include.connectors.erps.dynamics_gp.econnect.fields import Procedure, Value
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateSopPaymentInsertRecord,
    TaCreateUpdateBatchHeaderRcd,
    TaSopHdrIvcInsert,
    TaSopLineIvcInsert,
    TaSopVoidDocument,
)
from include.domain.document import (
    DocumentKey,
    DocumentKind,
)
from include.domain.errors import Refused

ORDER, INVOICE, RETURN = 2, 3, 4
SOPTYPES = {
    DocumentKind.SALES_ORDER: ORDER,
    DocumentKind.ORDER_CHANGE: ORDER,
    DocumentKind.INVOICE: INVOICE,
    DocumentKind.CREDIT_NOTE: RETURN,
}
TARGETS = {DocumentKind.SALES_ORDER: ORDER, DocumentKind.INVOICE: INVOICE}
SEQUENCE_STEP = 16384  # GP numbers lines and payments in these steps, so that others fit between
NUMBER_BLANK = ""
PAYMENT_BAND = 2**24  # payments that came by themselves are numbered from their sequence times this


@dataclass(frozen=True, slots=True)
class GpDocument:
    """The calls of one document, in eConnect's order, with the document number still blank.

    Attributes:
        soptype, docid, reference, batch, customer: What the document is found and filed by.
        customer_calls: Customer and addresses; sent when GP does not know the customer.
        batch_call: The batch; sent when it does not exist.
        body: Lines, their taxes, payments and, last, the header.
        based_on: Reference of the order that an invoice bills, or of the invoice a return is for.
        sequence: The document's own sequence among its kind.
        change: Sequence of the order change that this is, 0 for a document of its own.
        store_customer: The store's id of the customer; none for a guest.
        is_own_customer: Whether the customer's number is the channel's own, not one of the map.
        email: The customer's e-mail address, as the store knows it.
        registration: The customer's tax registration, upper case, without blanks and signs.
    """

    soptype: int
    docid: str
    reference: str
    batch: str
    customer: str
    customer_calls: tuple[Procedure, ...] = field(repr=False)
    batch_call: TaCreateUpdateBatchHeaderRcd = field(repr=False)
    body: tuple[Procedure, ...] = field(repr=False)
    based_on: str | None = None
    sequence: int = 1
    change: int = 0
    store_customer: str | None = None
    is_own_customer: bool = False
    email: str | None = field(default=None, repr=False)
    registration: str | None = field(default=None, repr=False)

    @property
    def origin_type(self) -> int:
        """SOPTYPE of the document that this one follows."""
        return INVOICE if self.soptype == RETURN else ORDER

    @property
    def header(self) -> TaSopHdrIvcInsert:
        """The header, the last call."""
        header = self.body[-1]
        assert isinstance(header, TaSopHdrIvcInsert)
        return header

    @property
    def gp_may_change_it(self) -> bool:
        """Whether GP may back-order what stock does not cover, and so change quantities."""
        lines = (part for part in self.body if isinstance(part, TaSopLineIvcInsert))
        return any(line.QtyShrtOpt or line.QTYTBAOR for line in lines)

    def body_calls(
        self, number: str, original: str | None, customer: str | None = None
    ) -> list[Call]:
        """Return the calls of the document itself, numbered.

        Args:
            number: The document number taken for it.
            original: Number of the order that an invoice bills, or of the invoice returned from.
            customer: The customer it is booked on, where that is not the store's own number.
        """
        given: Mapping[str, Value] = {"SOPNUMBE": number, "CUSTNMBR": customer or self.customer}
        calls = [Call(p.PROCEDURE, {**p.values(), **given}) for p in self.body]
        if original is not None:
            link: Mapping[str, Value] = {"ORIGTYPE": self.origin_type, "ORIGNUMB": original}
            calls[-1] = Call(calls[-1].procedure, {**calls[-1].parameters, **link})
        return calls


@dataclass(frozen=True, slots=True)
class GpVoid:
    """The void of a document in work.

    Attributes:
        soptype, docid, reference: What the document is found by.
        call: The procedure, its number still blank.
    """

    soptype: int
    docid: str
    reference: str
    call: TaSopVoidDocument


@dataclass(frozen=True, slots=True)
class GpPayment:
    """Payments that are added to a document in work.

    Attributes:
        soptype, docid, reference: What the document is found by.
        sequence: Sequence of the payment document.
        payments: The payments.
        header: The header's update; batch, date, customer and sum are the held document's.
        receipt: Number of the cash receipt that it becomes once its document is posted.
        post_on: Day that such a receipt is posted on.
    """

    soptype: int
    docid: str
    reference: str
    sequence: int
    payments: tuple[TaCreateSopPaymentInsertRecord, ...]
    header: TaSopHdrIvcInsert
    receipt: str
    post_on: date


def reference_of(key: DocumentKey, order_number: str) -> str:
    """Return what CSTPONBR carries: the order's number, and the sequence from the second on.

    Args:
        key: Natural key of the document.
        order_number: The number people use.

    Raises:
        Refused: It is longer than CSTPONBR's 20 characters.
    """
    reference = order_number if key.sequence == 1 else f"{order_number}/{key.sequence}"
    rule = TaSopHdrIvcInsert.RULES["CSTPONBR"]
    fault = rule.fault(reference)
    if fault is not None:
        raise Refused(
            f"order {order_number}: its number is what GP finds the document by, and CSTPONBR "
            f"{fault}: shorten the number's prefix or suffix in the store",
            rule="reference_fits",
            field="CSTPONBR",
        )
    return reference


def receipt_number(order_number: str, sequence: int) -> str:
    """Return the number of the cash receipt that a payment document becomes.

    Args:
        order_number: The number people use.
        sequence: Sequence of the payment document.
    """
    return f"{order_number}/P{sequence}"


def target_of(key: DocumentKey) -> tuple[int, DocumentKey] | None:
    """Return the SOPTYPE and the key of the document that shows a key in GP.

    An order change shows on its order. Void 1 shows on the sales order, void n + 1 on invoice n. A
    payment may show on any document of its order: it has none of its own.

    Args:
        key: Natural key of any document.
    """
    if key.kind is DocumentKind.ORDER_CHANGE:
        return ORDER, replace(key, kind=DocumentKind.SALES_ORDER, sequence=1)
    if key.kind is DocumentKind.VOID:
        if key.sequence == 1:
            return ORDER, replace(key, kind=DocumentKind.SALES_ORDER)
        return INVOICE, replace(key, kind=DocumentKind.INVOICE, sequence=key.sequence - 1)
    soptype = SOPTYPES.get(key.kind)
    return (soptype, key) if soptype is not None else None


def mark_of(store_id: str, limit: int) -> str:
    """Return what a field of GP carries of a store's id: its last part, or a digest of it.

    Args:
        store_id: The store's id of a line, a charge or a tender.
        limit: Characters the field holds.
    """
    tail = store_id.rsplit("/", 1)[-1]
    if re.fullmatch(r"[\w:.-]+", tail, re.ASCII) and len(tail) <= limit:
        return tail
    return hashlib.sha256(store_id.encode()).hexdigest()[:limit]


def digest_of(head: str, procedures: Iterable[Procedure]) -> str:
    """Return SHA-256 over the calls of a document, in order, names and values.

    Args:
        head: What it is found by.
        procedures: The calls.
    """
    digest = hashlib.sha256(head.encode())
    for procedure in procedures:
        for name, value in procedure.values().items():
            digest.update(f"|{procedure.PROCEDURE}.{name}={_text(value)}".encode())
    return digest.hexdigest()


def _text(value: Value) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else str(value)
