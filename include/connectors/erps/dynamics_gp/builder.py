"""Builds one GP document: lines, taxes, payments and, last, the header, tied once more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from itertools import count
from typing import Any

from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateSopPaymentInsertRecord,
    TaCreateUpdateBatchHeaderRcd,
    TaSopHdrIvcInsert,
    TaSopLineIvcInsert,
    TaSopLineIvcTaxInsert,
)
from include.connectors.erps.dynamics_gp.lookups import LINE_LIMIT, Lookups
from include.connectors.erps.dynamics_gp.payloads import (
    NUMBER_BLANK,
    ORDER,
    RETURN,
    SEQUENCE_STEP,
    GpDocument,
    mark_of,
    reference_of,
    target_of,
)
from include.connectors.erps.dynamics_gp.people import ADDRESS_FIELDS, Buyer, address_of
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKind,
    DocumentLine,
    DocumentTax,
)
from include.domain.errors import Refused, Unbalanced
from include.domain.money import ZERO, allocate, minor_unit, quantise
from include.domain.order import ChargeKind, LineKind, Restock

PRICE_STEP = Decimal("0.00001")  # UNITPRCE is numeric(19,5)
SALES_BATCH = "Sales Entry"
DESCRIPTION_LIMIT = 100
RESTOCKED = frozenset({Restock.RETURNED, Restock.CANCELLED, Restock.LEGACY})
RESTOCKED_FIELDS = {"returned": "QTYRTRND", "on_hand": "QTYONHND"}


@dataclass(frozen=True, slots=True)
class _Priced:
    """A line with a unit price that ties: ``round(unit * ordered) = net``."""

    units: int
    back_ordered: int
    unit: Decimal
    net: Decimal
    share: Decimal
    is_second: bool = False


class Builder:
    """Builds one document; holds what its parts share.

    Args:
        lookups: The channel's settings and maps.
        document: The document.
        soptype: What it is in GP.
    """

    def __init__(self, lookups: Lookups, document: Document, soptype: int) -> None:
        self.lookups = lookups
        self.settings = lookups.settings
        self.mappings = lookups.mappings
        self.document = document
        self.soptype = soptype
        self.buyer = Buyer(lookups, document)
        self.customer = self.buyer.number
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
            docid=self.lookups.docid_of(self.soptype),
            reference=self._reference(),
            batch=self.lookups.batch_of(document),
            customer=self.customer,
            customer_calls=tuple(self.buyer.calls()),
            batch_call=self._batch(),
            body=(*lines, *self.taxes, *self.payments, self._header()),
            based_on=(
                reference_of(document.based_on, document.order_number)
                if document.based_on and not self.is_change
                else None
            ),
            sequence=document.key.sequence,
            change=document.key.sequence if self.is_change else 0,
            store_customer=self.buyer.store_id,
            is_own_customer=self.buyer.is_own,
            email=self.buyer.email,
            registration=self.buyer.registration,
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
            "LOCNCODE": self.lookups.site_of(line.location_id),
            "UOFM": self.settings.unit_of_measure,
            "CURNCYID": self.currency,
            "TAXAMNT": sum((tax.amount for tax in taxes), ZERO),
            "INTEGRATIONID": f"{mark}/2" if part.is_second else mark,
            "UpdateIfExists": 1 if self.is_change else None,
        }
        if line.kind is LineKind.GOODS:
            common["ITEMNMBR"] = self.lookups.item_of(line.sku, line.title)
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
                self.lookups.payment(
                    self.document, payment, self.soptype, self.customer, next(sequence)
                )
            )

    def _shipping_method(self) -> str | None:
        if not self.document.shipping_method:
            return self.settings.default_shipping_method
        return self.mappings.require("shipping", self.document.shipping_method)

    def _batch(self) -> TaCreateUpdateBatchHeaderRcd:
        return TaCreateUpdateBatchHeaderRcd(
            BACHNUMB=self.lookups.batch_of(self.document),
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
        address = address_of(ship) if ship else {}
        if ship and self.is_change:
            # What is left out of an update stays: an address that has become shorter says so.
            address = dict.fromkeys(ADDRESS_FIELDS, "") | address
        is_owed = self.soptype != RETURN
        return TaSopHdrIvcInsert(
            SOPTYPE=self.soptype,
            DOCID=self.lookups.docid_of(self.soptype),
            SOPNUMBE=NUMBER_BLANK,
            DOCDATE=document.document_on,
            ORDRDATE=(
                document.document_on if self.soptype == ORDER and not self.is_change else None
            ),
            CUSTNMBR=self.customer,
            CUSTNAME=self.buyer.name_on_document,
            CSTPONBR=self._reference(),
            BACHNUMB=self.lookups.batch_of(document),
            UpdateExisting=1 if self.is_change else None,
            LOCNCODE=self.settings.default_site,
            SHIPMTHD=self._shipping_method(),
            PYMTRMID=self.lookups.terms_of(document) if is_owed else None,
            DUEDATE=document.due_on if is_owed else None,
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
            TXRGNNUM=self.buyer.tax_id,
            USRDEFND1=document.key.order_id_store,
            NOTETEXT=(
                f"Buyer's purchase order: {document.purchase_order_number}"
                if document.purchase_order_number
                else None
            ),
            ShipToName=to_name or None,
            **address,
        )


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
