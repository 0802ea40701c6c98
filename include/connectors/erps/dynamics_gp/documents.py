"""Translates a balanced document into eConnect's parameters: mapped, typed, and tied once more.

Nothing is sent here. The number is still blank (as in an XML document that asks for one); the
connector fills it in when it posts. What acts on a document that GP holds is brought in line with
it by ``amend.py``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_DOWN, Decimal
from itertools import count
from typing import Any

from include.connectors.erps.dynamics_gp.econnect.fields import Procedure, Value
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateCustomerAddress,
    TaCreateInternetAddresses,
    TaCreateSopPaymentInsertRecord,
    TaCreateUpdateBatchHeaderRcd,
    TaSopHdrIvcInsert,
    TaSopLineIvcInsert,
    TaSopLineIvcTaxInsert,
    TaSopVoidDocument,
    TaUpdateCreateCustomerRcd,
)
from include.connectors.erps.dynamics_gp.gateway import Call
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentKind,
    DocumentLine,
    DocumentPayment,
    DocumentTax,
    PreparedDocument,
)
from include.domain.errors import Refused, Unbalanced
from include.domain.money import ZERO, allocate, minor_unit, quantise
from include.domain.order import Address, ChargeKind, Customer, LineKind, Restock
from include.ports.erp import Mappings

ORDER, INVOICE, RETURN = 2, 3, 4
SOPTYPES = {
    DocumentKind.SALES_ORDER: ORDER,
    DocumentKind.ORDER_CHANGE: ORDER,
    DocumentKind.INVOICE: INVOICE,
    DocumentKind.CREDIT_NOTE: RETURN,
}
TARGETS = {DocumentKind.SALES_ORDER: ORDER, DocumentKind.INVOICE: INVOICE}
SEQUENCE_STEP = 16384  # GP numbers lines and payments in these steps, so that others fit between
PRICE_STEP = Decimal("0.00001")  # UNITPRCE is numeric(19,5)
PAYMENT_TYPES = {"cash": 1, "check": 2, "card": 3}  # deposit on an order; + 3 on an invoice
PAYMENT_ON_INVOICE = 3
SALES_BATCH = "Sales Entry"
PRIMARY, SHIP_TO = "PRIMARY", "SHIP TO"
DESCRIPTION_LIMIT = 100
NUMBER_BLANK = ""
CHECK_LIMIT, TENDER_LIMIT, LINE_LIMIT = 20, 15, 28
PAYMENT_BAND = 2**24  # payments that came by themselves are numbered from their sequence times this
RESTOCKED = frozenset({Restock.RETURNED, Restock.CANCELLED, Restock.LEGACY})
RESTOCKED_FIELDS = {"returned": "QTYRTRND", "on_hand": "QTYONHND"}
NOBODY = Customer(None)
ADDRESS_FIELDS = ("CNTCPRSN", "ADDRESS1", "ADDRESS2", "ADDRESS3", "CITY", "STATE", "ZIPCODE")


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


@dataclass(frozen=True, slots=True)
class _Priced:
    """A line with a unit price that ties: ``round(unit * ordered) = net``."""

    units: int
    back_ordered: int
    unit: Decimal
    net: Decimal
    share: Decimal
    is_second: bool = False


class Translator:
    """Builds GP documents for one channel.

    Args:
        settings: The company's ids and rules.
        mappings: Store value to ERP value.
    """

    def __init__(self, settings: DynamicsGpSettings, mappings: Mappings) -> None:
        self.settings = settings
        self.mappings = mappings

    def prepare(self, document: Document) -> PreparedDocument:
        """Translate and check one document.

        Args:
            document: Any document but a shipment.

        Raises:
            MappingMissing: A mapping row is missing; the error names it.
            Refused: A value does not fit GP; the error names field and limit.
            Unbalanced: GP's identity of the totals does not hold.
        """
        kind = document.key.kind
        if kind is DocumentKind.VOID:
            return self._prepare_void(document)
        if kind is DocumentKind.PAYMENT:
            return self._prepare_payment(document)
        soptype = SOPTYPES.get(kind)
        if soptype is None:
            raise Refused(
                f"document {document.key}: the Dynamics GP connector posts orders and their "
                f"changes, invoices, returns, payments and voids, not a {kind}",
                rule="document_kind",
                field="SOPTYPE",
            )
        builder = _Builder(self, document, soptype)
        payload = builder.build()
        header = payload.header
        return PreparedDocument(
            document=document,
            digest=digest_of(
                f"{payload.docid}|{payload.reference}|{payload.based_on}|{payload.change}",
                payload.body,
            ),
            line_count=len(builder.lines),
            payload=payload,
            preview=(
                ("document id", payload.docid),
                ("reference", payload.reference),
                ("batch", payload.batch),
                ("customer", payload.customer),
                ("date", str(header.DOCDATE)),
                ("currency", header.CURNCYID or ""),
                ("lines", str(len(builder.lines))),
                ("subtotal", f"{header.SUBTOTAL}"),
                ("trade discount", f"{header.TRDISAMT}"),
                ("freight", f"{header.FREIGHT}"),
                ("tax", f"{header.TAXAMNT}"),
                ("total", f"{header.DOCAMNT}"),
                ("payments", f"{header.PYMTRCVD}"),
            ),
        )

    def docid_of(self, soptype: int) -> str:
        """Return the channel's document id of a SOPTYPE."""
        if soptype == RETURN:
            return self.settings.return_document_id
        if soptype == INVOICE:
            return self.settings.invoice_document_id
        return self.settings.order_document_id

    def _target(self, document: Document) -> tuple[int, str]:
        """Return SOPTYPE and reference of the document that another acts on."""
        based_on = document.based_on
        soptype = TARGETS.get(based_on.kind) if based_on else None
        if based_on is None or soptype is None:
            raise Refused(
                f"document {document.key}: a {document.key.kind} acts on a sales order or an "
                f"invoice, not on {based_on.kind if based_on else 'nothing'}",
                rule="based_on",
                field="SOPNUMBE",
            )
        return soptype, reference_of(based_on, document.order_number)

    def _prepare_void(self, document: Document) -> PreparedDocument:
        soptype, reference = self._target(document)
        shown = target_of(document.key)
        if shown is None or document.based_on != shown[1]:
            raise Refused(
                f"document {document.key}: void 1 is the sales order's and void n + 1 is invoice "
                f"n's, not {document.based_on}",
                rule="void_sequence",
                field="SOPNUMBE",
            )
        call = TaSopVoidDocument(
            SOPTYPE=soptype,
            SOPNUMBE=NUMBER_BLANK,
            RemovePayments=1,
            VOIDDATE=document.document_on,
        )
        payload = GpVoid(soptype, self.docid_of(soptype), reference, call)
        return PreparedDocument(
            document=document,
            digest=digest_of(f"void|{payload.docid}|{reference}", (call,)),
            line_count=0,
            payload=payload,
            preview=(("voids", f"{payload.docid} {reference}"), ("date", str(call.VOIDDATE))),
        )

    def _prepare_payment(self, document: Document) -> PreparedDocument:
        soptype, reference = self._target(document)
        sequence = document.key.sequence
        if document.lines or document.charges or document.concession or not document.payments:
            raise Refused(
                f"document {document.key}: a payment has payments and nothing else",
                rule="payment_only",
                field="DOCAMNT",
            )
        customer = self.settings.guest_customer or NUMBER_BLANK  # the held document's, once posted
        payments = tuple(
            self.payment(document, payment, soptype, customer, PAYMENT_BAND * sequence + step)
            for step, payment in enumerate(document.payments, start=1)
        )
        docid = self.docid_of(soptype)
        header = TaSopHdrIvcInsert(
            SOPTYPE=soptype,
            DOCID=docid,
            SOPNUMBE=NUMBER_BLANK,
            DOCDATE=document.document_on,
            CUSTNMBR=customer,
            BACHNUMB=self.batch_of(document),
            UpdateExisting=1,
        )
        return PreparedDocument(
            document=document,
            digest=digest_of(f"payment|{docid}|{reference}|{sequence}", payments),
            line_count=0,
            payload=GpPayment(
                soptype,
                docid,
                reference,
                sequence,
                payments,
                header,
                receipt_number(document.order_number, sequence),
                document.post_on or document.document_on,
            ),
            preview=(
                ("pays", f"{docid} {reference}"),
                ("payments", str(document.paid)),
                ("currency", self.settings.currencies.get(document.currency, document.currency)),
            ),
        )

    def batch_of(self, document: Document) -> str:
        """Return the batch of the day a document is posted on."""
        return f"{self.settings.batch_prefix}{document.post_on or document.document_on:%Y%m%d}"

    def payment(
        self,
        document: Document,
        payment: DocumentPayment,
        soptype: int,
        customer: str,
        sequence: int,
    ) -> TaCreateSopPaymentInsertRecord:
        """Translate one payment; on an order it is a deposit.

        Raises:
            Refused: It is not positive.
        """
        if payment.amount <= 0:
            raise Refused(
                f"payment {payment.tender_id} is {payment.amount}: GP takes no negative payment; "
                "money goes back with a return",
                rule="payment_positive",
                field="DOCAMNT",
            )
        kind, card, checkbook = self._payment_method(payment.gateway)
        return TaCreateSopPaymentInsertRecord(
            SOPTYPE=soptype,
            SOPNUMBE=NUMBER_BLANK,
            CUSTNMBR=customer,
            DOCDATE=document.document_on,
            DOCAMNT=payment.amount,
            CHEKBKID=checkbook or None,
            CARDNAME=card or None,
            CHEKNMBR=mark_of(payment.tender_id, CHECK_LIMIT) if kind == "check" else None,
            AUTHCODE=mark_of(payment.tender_id, TENDER_LIMIT),
            PYMTTYPE=PAYMENT_TYPES[kind] + (0 if soptype == ORDER else PAYMENT_ON_INVOICE),
            SEQNUMBR=sequence,
        )

    def _payment_method(self, gateway: str) -> tuple[str, str, str]:
        """Read a row of the payment map: ``kind:card name:checkbook``, the last two optional."""
        value = self.mappings.require("payment", gateway)
        kind, _, rest = value.partition(":")
        card, _, checkbook = rest.partition(":")
        kind = kind.strip().lower()
        if kind not in PAYMENT_TYPES:
            raise Refused(
                f"the payment map says {value!r} for {gateway!r}: it has to start with one of "
                f"{', '.join(PAYMENT_TYPES)}",
                rule="map_payment",
                field="PYMTTYPE",
            )
        return kind, card.strip(), checkbook.strip()

    def item_of(self, sku: str | None, title: str = "") -> str:
        """Return the item number of a sku.

        Raises:
            MappingMissing: No row, and the sku cannot be an item number itself.
        """
        key = sku or f"title:{title}"
        mapped = self.mappings.get("sku", key)
        if mapped is not None:
            return mapped
        fits = TaSopLineIvcInsert.RULES["ITEMNMBR"].fault(key) is None
        if sku and self.settings.sku_is_item_number and fits:
            return sku
        return self.mappings.require("sku", key)

    def site_of(self, location_id: str | None) -> str:
        """Return the site of a store location; the default site where the store names none."""
        if location_id is None:
            return self.settings.default_site
        return self.mappings.require("location", location_id)


class _Builder:
    """Builds one document; holds what its parts share."""

    def __init__(self, translator: Translator, document: Document, soptype: int) -> None:
        self.translator = translator
        self.settings = translator.settings
        self.mappings = translator.mappings
        self.document = document
        self.soptype = soptype
        self.customer = self._customer_number()
        self.currency = self._currency()
        self.lines: list[TaSopLineIvcInsert] = []
        self.taxes: list[TaSopLineIvcTaxInsert] = []
        self.payments: list[TaCreateSopPaymentInsertRecord] = []
        self.freight = self.freight_tax = ZERO
        self.discount = document.concession if document.concession > 0 else ZERO
        self.misc = -document.concession if document.concession < 0 else ZERO
        self.sequences = count(SEQUENCE_STEP, SEQUENCE_STEP)

    def build(self) -> GpDocument:
        """Translate every part and put the calls in eConnect's order."""
        document = self.document
        for line in document.lines:
            self._add_line(line)
        freight_taxes: list[DocumentTax] = []
        shipping = [c for c in document.charges if c.kind is ChargeKind.SHIPPING]
        for charge in document.charges:
            if charge.kind is not ChargeKind.SHIPPING:
                self._add_charge(charge)
        for charge in shipping:
            if not self.lines and (charge.net or charge.taxes):
                # GP has no document without a line: shipping on its own is a line, too.
                self._add_charge_line(charge)
            else:
                self.freight += charge.net
                freight_taxes.extend(charge.taxes)
        self._add_freight_taxes(freight_taxes)
        if document.total < 0:
            raise Refused(
                f"document {document.key} is worth {document.total}: GP has no negative document",
                rule="document_not_negative",
                field="DOCAMNT",
            )
        self._add_payments()
        # Lines are sent in item order, so that documents meeting at the same stock rows queue up
        # instead of deadlocking; LNITMSEQ keeps the order of the store.
        lines = sorted(self.lines, key=lambda line: (line.ITEMNMBR, line.LNITMSEQ or 0))
        payload = GpDocument(
            soptype=self.soptype,
            docid=self.translator.docid_of(self.soptype),
            reference=self._reference(),
            batch=self.translator.batch_of(document),
            customer=self.customer,
            customer_calls=tuple(self._customer_calls()),
            batch_call=self._batch(),
            body=(*lines, *self.taxes, *self.payments, self._header()),
            based_on=(
                reference_of(document.based_on, document.order_number)
                if document.based_on and not self.is_change
                else None
            ),
            sequence=document.key.sequence,
            change=document.key.sequence if self.is_change else 0,
            store_customer=None if self._is_guest else self._store_customer,
            is_own_customer=not self._is_guest
            and self.mappings.get("customer", self._store_customer or "") is None,
            email=None if self._is_guest else (document.customer or NOBODY).email,
        )
        if self.settings.code_page:
            _check_code_page(payload, self.settings.code_page)
        return payload

    @property
    def is_change(self) -> bool:
        """Whether the document says how an order should stand from now on."""
        return self.document.key.kind is DocumentKind.ORDER_CHANGE

    def _reference(self) -> str:
        shown = target_of(self.document.key)
        assert shown is not None
        return reference_of(shown[1], self.document.order_number)

    # -- who ----------------------------------------------------------------------------------

    @property
    def _store_customer(self) -> str | None:
        return (self.document.customer or NOBODY).customer_id_store

    @property
    def _is_guest(self) -> bool:
        customer = self.document.customer
        return customer is None or not customer.customer_id_store

    def _customer_number(self) -> str:
        customer = self.document.customer
        if customer is None or not customer.customer_id_store:
            if self.settings.guest_customer is None:
                raise Refused(
                    f"order {self.document.order_number} has no customer and the channel names no "
                    "account for guests",
                    rule="guest_customer",
                    field="CUSTNMBR",
                )
            return self.settings.guest_customer
        store_id = customer.customer_id_store
        mapped = self.mappings.get("customer", store_id)
        if mapped is not None:
            return mapped
        digits = re.search(r"\d+$", store_id)
        number = f"{self.settings.customer_prefix}{digits[0]}" if digits else ""
        if not number or TaSopHdrIvcInsert.RULES["CUSTNMBR"].fault(number) is not None:
            return self.mappings.require("customer", store_id)
        return number

    def _customer_calls(self) -> Iterator[Procedure]:
        document, customer = self.document, self.document.customer
        bill = document.billing_address or document.shipping_address or Address()
        name = "Web guests"
        if not self._is_guest and customer is not None:
            name = customer.company or customer.name or bill.company or bill.name or ""
            name = name or f"Web customer {self.customer}"
        place = bill.country_code or ""
        customer_class = (
            self.mappings.get("customer_class", place)
            or self.mappings.get("customer_class", "*")
            or self.settings.customer_class
        )
        update = int(self.settings.update_customers and not self._is_guest)
        blank = dict.fromkeys(ADDRESS_FIELDS, "") if update else {}
        address = {} if self._is_guest else blank | _address(bill)
        yield TaUpdateCreateCustomerRcd(
            CUSTNMBR=self.customer,
            CUSTNAME=name,
            CUSTCLAS=customer_class,
            ADRSCODE=PRIMARY,
            UpdateIfExists=update,
            **{key: value for key, value in address.items() if key != "PHNUMBR1"},
        )
        if not self._is_guest and customer is not None and customer.email:
            yield TaCreateInternetAddresses(
                Master_Type="CUS", Master_ID=self.customer, ADRSCODE=PRIMARY, INET1=customer.email
            )
        ship = document.shipping_address
        if ship is not None and not self._is_guest:
            yield TaCreateCustomerAddress(
                CUSTNMBR=self.customer,
                ADRSCODE=SHIP_TO,
                ShipToName=ship.company or ship.name or name,
                UpdateIfExists=update,
                **blank | _address(ship),
            )

    # -- what ---------------------------------------------------------------------------------

    def _currency(self) -> str:
        currency = self.settings.currencies.get(self.document.currency)
        if currency is None:
            raise Refused(
                f"the channel's settings name no GP currency id for {self.document.currency}",
                rule="currency_known",
                field="CURNCYID",
            )
        return currency

    def _add_line(self, line: DocumentLine) -> None:
        if line.quantity == 0:
            if line.net or any(tax.amount for tax in line.taxes):
                raise Refused(
                    f"line {line.line_id} has an amount and no quantity",
                    rule="line_quantity",
                    field="QUANTITY",
                )
            return
        if line.net < 0:
            raise Refused(
                f"line {line.line_id} is worth {line.net}: GP takes no negative price",
                rule="line_not_negative",
                field="XTNDPRCE",
            )
        priced = list(self._price(line))
        shares = [part.share for part in priced]
        for tax_shares, part in zip(
            zip(*(self._split(tax, shares) for tax in line.taxes), strict=True)
            if line.taxes
            else [()] * len(priced),
            priced,
            strict=True,
        ):
            self._add_priced(line, part, tax_shares)

    def _add_priced(
        self, line: DocumentLine, part: _Priced, taxes: tuple[DocumentTax, ...]
    ) -> None:
        sequence = next(self.sequences)
        mark = mark_of(line.line_id, LINE_LIMIT)
        common: dict[str, Any] = {
            "SOPTYPE": self.soptype,
            "SOPNUMBE": NUMBER_BLANK,
            "CUSTNMBR": self.customer,
            "DOCDATE": self.document.document_on,
            "LNITMSEQ": sequence,
            # eConnect's QUANTITY is what can be invoiced; the ordered total is it and QTYTBAOR.
            "QUANTITY": Decimal(part.units - part.back_ordered),
            "UNITPRCE": part.unit,
            "XTNDPRCE": part.net,
            "LOCNCODE": self.translator.site_of(line.location_id),
            "UOFM": self.settings.unit_of_measure,
            "CURNCYID": self.currency,
            "TAXAMNT": sum((tax.amount for tax in taxes), ZERO),
            "INTEGRATIONID": f"{mark}/2" if part.is_second else mark,
            "UpdateIfExists": 1 if self.is_change else None,
        }
        if line.kind is LineKind.GOODS:
            common["ITEMNMBR"] = self.translator.item_of(line.sku, line.title)
            if self.soptype == RETURN:
                restocked = RESTOCKED_FIELDS[self.settings.restocked_units]
                came_back = restocked if line.restock in RESTOCKED else "QTYDMGED"
                common[came_back] = Decimal(part.units)
            if self.soptype == ORDER:
                common["QTYTBAOR"] = Decimal(part.back_ordered)
                common["QtyShrtOpt"] = self.settings.shortage_option
        else:
            common |= self._non_inventory(line.kind.value, line.title)
        self.lines.append(TaSopLineIvcInsert(**common))
        self._add_taxes(sequence, part.net, taxes)

    def _non_inventory(self, kind: str, title: str) -> dict[str, Any]:
        values: dict[str, Any] = {
            "ITEMNMBR": self.mappings.require("charge", kind),
            "NONINVEN": 1,
            "UNITCOST": ZERO,
            "ITEMDESC": title or kind.replace("_", " "),
        }
        if len(title) > DESCRIPTION_LIMIT:
            values["ITEMDESC"] = f"{kind.replace('_', ' ')}, see the comment"
            values["CMMTTEXT"] = title
        return values

    def _price(self, line: DocumentLine) -> Iterator[_Priced]:
        """Find unit prices that tie to the cent: one line, or two whose units differ by a cent."""
        quantity, currency = line.quantity, self.document.currency
        unit = (line.net / quantity).quantize(PRICE_STEP)
        if quantise(unit * quantity, currency) == line.net:
            yield _Priced(quantity, line.back_ordered, unit, line.net, line.net)
            return
        step = minor_unit(currency)
        low = (line.net / quantity).quantize(step, ROUND_DOWN)
        dearer = int((line.net - low * quantity) / step)
        rest = quantity - dearer
        short_in_rest = min(line.back_ordered, rest)
        yield _Priced(rest, short_in_rest, low, low * rest, low * rest)
        high = low + step
        dear = high * dearer
        short = line.back_ordered - short_in_rest
        yield _Priced(dearer, short, high, dear, dear, is_second=True)

    def _split(self, tax: DocumentTax, shares: list[Decimal]) -> list[DocumentTax]:
        if len(shares) == 1:
            return [tax]
        currency = self.document.currency
        amounts = allocate(tax.amount, shares, currency)
        bases = allocate(quantise(tax.base, currency), shares, currency)
        return [
            DocumentTax(tax.title, tax.rate, base, amount, tax.jurisdiction)
            for base, amount in zip(bases, amounts, strict=True)
        ]

    def _add_charge(self, charge: DocumentCharge) -> None:
        if charge.net < 0 and not charge.taxes:
            # GP takes no negative price: what rounding takes off is a trade discount.
            self.discount -= charge.net
            return
        if not charge.net and not any(tax.amount for tax in charge.taxes):
            return
        if charge.net < 0:
            raise Refused(
                f"charge {charge.charge_id} is worth {charge.net} and taxed: GP takes no negative "
                "price",
                rule="charge_not_negative",
                field="XTNDPRCE",
            )
        self._add_charge_line(charge)

    def _add_charge_line(self, charge: DocumentCharge) -> None:
        sequence = next(self.sequences)
        self.lines.append(
            TaSopLineIvcInsert(
                SOPTYPE=self.soptype,
                SOPNUMBE=NUMBER_BLANK,
                CUSTNMBR=self.customer,
                DOCDATE=self.document.document_on,
                LNITMSEQ=sequence,
                QUANTITY=Decimal(1),
                UNITPRCE=charge.net,
                XTNDPRCE=charge.net,
                LOCNCODE=self.settings.default_site,
                UOFM=self.settings.unit_of_measure,
                CURNCYID=self.currency,
                TAXAMNT=sum((tax.amount for tax in charge.taxes), ZERO),
                INTEGRATIONID=f"c{mark_of(charge.charge_id, LINE_LIMIT - 1)}",
                UpdateIfExists=1 if self.is_change else None,
                **self._non_inventory(charge.kind.value, charge.title),
            )
        )
        self._add_taxes(sequence, charge.net, charge.taxes)

    # -- taxes --------------------------------------------------------------------------------

    def _by_detail(self, taxes: tuple[DocumentTax, ...]) -> dict[str, Decimal]:
        """Sum the taxes by GP tax detail: a detail can stand once on a line."""
        sums: dict[str, Decimal] = {}
        for tax in taxes:
            if tax.amount:
                detail = self.mappings.require("tax", tax.title)
                sums[detail] = sums.get(detail, ZERO) + tax.amount
        return sums

    def _add_taxes(self, sequence: int, base: Decimal, taxes: tuple[DocumentTax, ...]) -> None:
        for detail, amount in self._by_detail(taxes).items():
            self.taxes.append(
                TaSopLineIvcTaxInsert(
                    SOPTYPE=self.soptype,
                    SOPNUMBE=NUMBER_BLANK,
                    CUSTNMBR=self.customer,
                    LNITMSEQ=sequence,
                    TAXDTLID=detail,
                    SALESAMT=base,
                    STAXAMNT=amount,
                    TDTTXSLS=base,
                )
            )

    def _add_freight_taxes(self, taxes: list[DocumentTax]) -> None:
        for detail, amount in self._by_detail(tuple(taxes)).items():
            self.freight_tax += amount
            self.taxes.append(
                TaSopLineIvcTaxInsert(
                    SOPTYPE=self.soptype,
                    SOPNUMBE=NUMBER_BLANK,
                    CUSTNMBR=self.customer,
                    LNITMSEQ=0,
                    TAXDTLID=detail,
                    FREIGHT=self.freight,
                    FRTTXAMT=amount,
                    STAXAMNT=ZERO,
                )
            )

    # -- money and header ---------------------------------------------------------------------

    def _add_payments(self) -> None:
        sequence = count(SEQUENCE_STEP, SEQUENCE_STEP)
        for payment in self.document.payments:
            self.payments.append(
                self.translator.payment(
                    self.document, payment, self.soptype, self.customer, next(sequence)
                )
            )

    def _shipping_method(self) -> str | None:
        if not self.document.shipping_method:
            return self.settings.default_shipping_method
        return self.mappings.require("shipping", self.document.shipping_method)

    def _batch(self) -> TaCreateUpdateBatchHeaderRcd:
        return TaCreateUpdateBatchHeaderRcd(
            BACHNUMB=self.translator.batch_of(self.document),
            GLPOSTDT=self.document.post_on or self.document.document_on,
            SERIES=3,
            BCHSOURC=SALES_BATCH,
            ORIGIN=1,
            DOCAMT=ZERO,
            NUMOFTRX=0,
        )

    def _header(self) -> TaSopHdrIvcInsert:
        document = self.document
        subtotal = sum((line.XTNDPRCE or ZERO for line in self.lines), ZERO)
        tax = sum((line.TAXAMNT or ZERO for line in self.lines), self.freight_tax)
        amount = subtotal - self.discount + self.freight + self.misc + tax
        if amount != document.total:
            raise Unbalanced(
                f"document {document.key}: SUBTOTAL {subtotal} - TRDISAMT {self.discount} + "
                f"FREIGHT {self.freight} + MISCAMNT {self.misc} + TAXAMNT {tax} is {amount}, "
                f"its total is {document.total}",
                rule="gp_totals_tie",
                field="DOCAMNT",
            )
        ship = document.shipping_address
        to_name = (ship.company or ship.name) if ship else None
        address = _address(ship) if ship else {}
        if ship and self.is_change:
            # What is left out of an update stays: an address that has become shorter says so.
            address = dict.fromkeys(ADDRESS_FIELDS, "") | address
        return TaSopHdrIvcInsert(
            SOPTYPE=self.soptype,
            DOCID=self.translator.docid_of(self.soptype),
            SOPNUMBE=NUMBER_BLANK,
            DOCDATE=document.document_on,
            ORDRDATE=(
                document.document_on if self.soptype == ORDER and not self.is_change else None
            ),
            CUSTNMBR=self.customer,
            CUSTNAME=self._name_on_document(),
            CSTPONBR=self._reference(),
            BACHNUMB=self.translator.batch_of(document),
            UpdateExisting=1 if self.is_change else None,
            LOCNCODE=self.settings.default_site,
            SHIPMTHD=self._shipping_method(),
            TAXSCHID=self.settings.tax_schedule,
            SUBTOTAL=subtotal,
            TRDISAMT=self.discount,
            FREIGHT=self.freight,
            MISCAMNT=self.misc,
            TAXAMNT=tax,
            FRTTXAMT=self.freight_tax,
            DOCAMNT=amount,
            PYMTRCVD=document.paid,
            CREATETAXES=0,
            DEFTAXSCHDS=0,
            CURNCYID=self.currency,
            TXRGNNUM=self._tax_id(),
            USRDEFND1=document.key.order_id_store,
            NOTETEXT=(
                f"Buyer's purchase order: {document.purchase_order_number}"
                if document.purchase_order_number
                else None
            ),
            ShipToName=to_name or None,
            **address,
        )

    def _tax_id(self) -> str | None:
        """The buyer's tax registration; of several the first that the store names."""
        tax_ids = (self.document.customer or NOBODY).tax_ids
        return tax_ids[0].number if tax_ids else None

    def _name_on_document(self) -> str | None:
        """A guest's own name goes on the document; a customer's comes from the customer."""
        bill = self.document.billing_address or self.document.shipping_address
        if not self._is_guest:
            return None
        customer = self.document.customer
        return (customer.name if customer else None) or (bill.name if bill else None) or None


def _address(address: Address) -> dict[str, Any]:
    """Return an address in the names that eConnect's nodes share; missing parts are left out."""
    street = " ".join(part for part in (address.line_1, address.street_number) if part)
    parts = {
        "CNTCPRSN": address.name,
        "ADDRESS1": street,
        "ADDRESS2": address.line_2,
        "ADDRESS3": address.neighbourhood,
        "CITY": address.city,
        "STATE": address.region_code or address.region,
        "ZIPCODE": address.postal_code,
        "COUNTRY": address.country_code,
        # GP keeps the bare digits and shows them through a mask.
        "PHNUMBR1": re.sub(r"[^\d+]", "", address.phone or ""),
    }
    return {name: value for name, value in parts.items() if value}


def _check_code_page(payload: GpDocument, code_page: str) -> None:
    for procedure in (*payload.customer_calls, *payload.body):
        for name, value in procedure.values().items():
            if isinstance(value, str) and not _encodes(value, code_page):
                raise Refused(
                    f"{procedure.PROCEDURE}: {name} has a character that the company's code page "
                    f"{code_page} does not; GP would store a question mark",
                    rule="code_page",
                    field=name,
                )


def _encodes(value: str, code_page: str) -> bool:
    try:
        value.encode(code_page)
    except UnicodeEncodeError:
        return False
    return True


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
