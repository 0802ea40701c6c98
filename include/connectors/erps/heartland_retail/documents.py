"""Translates a balanced document into what Heartland takes: mapped, checked, tied once more.

Nothing is read or sent here. Names (items, locations, payment types) become ids when it is posted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from decimal import Decimal

from include.connectors.erps.heartland_retail.parts import (
    Parts,
    has_goods,
    shipping_of,
    split_ticket,
)
from include.connectors.erps.heartland_retail.payloads import (
    HeartlandInvoice,
    HeartlandOrder,
    HeartlandPayments,
    HeartlandReturn,
    HeartlandVoid,
    Payload,
    WantedLine,
    invoice_reference,
    order_reference,
    ticket_reference,
)
from include.connectors.erps.heartland_retail.people import person_of, postal_of
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.domain.document import (
    Document,
    DocumentKind,
    PreparedDocument,
)
from include.domain.errors import Refused, Unbalanced
from include.domain.money import ZERO
from include.domain.order import ChargeKind
from include.ports.erp import Mappings


class Translator:
    """Builds what is sent for one channel.

    Args:
        settings: The account's names and rules.
        mappings: Store value to Heartland value.
    """

    def __init__(self, settings: HeartlandRetailSettings, mappings: Mappings) -> None:
        self.settings = settings
        self.parts = Parts(settings, mappings)

    def prepare(self, document: Document) -> PreparedDocument:
        """Translate and check one document.

        Args:
            document: Any document but a shipment.

        Raises:
            MappingMissing: A mapping row is missing; the error names it.
            Refused: A value does not fit; the error names field and limit.
            Unbalanced: Heartland's total would not be the document's.
        """
        kind = document.key.kind
        payload: Payload
        if kind in (DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE):
            change = document.key.sequence if kind is DocumentKind.ORDER_CHANGE else 0
            base = self.reference(document.order_number)
            payload = self.order(document, order_reference(base, document.key), change)
        elif kind is DocumentKind.INVOICE:
            payload = self._invoice(document)
        elif kind is DocumentKind.CREDIT_NOTE:
            payload = self._credit_note(document)
        elif kind is DocumentKind.PAYMENT:
            payload = self._payment(document)
        elif kind is DocumentKind.VOID:
            payload = self._void(document)
        else:
            raise Refused(
                f"document {document.key}: the Heartland Retail connector posts orders and their "
                f"changes, invoices, returns, payments and voids, not a {kind}",
                rule="document_kind",
                field="type",
            )
        return PreparedDocument(
            document=document,
            digest=hashlib.sha256(f"{document.key.kind}|{payload!r}".encode()).hexdigest(),
            line_count=_line_count(payload),
            payload=payload,
            preview=tuple(_preview(document, payload)),
        )

    def reference(self, order_number: str) -> str:
        """Return what an order is found by.

        Raises:
            Refused: It is longer than the custom field holds.
        """
        reference = f"{self.settings.reference_prefix}{order_number}"
        self.parts.fits(self.settings.reference_field, reference, spare=20)
        return reference

    # -- kinds --------------------------------------------------------------------------------

    def order(self, document: Document, reference: str, change: int) -> HeartlandOrder:
        """Translate a whole order.

        Args:
            document: Sales order, order change, or an invoice that brings its own order.
            reference: What the order is found by.
            change: Sequence of the order change, else 0.

        Raises:
            Refused: A value does not fit Heartland; names field and limit.
            MappingMissing: A map row is missing.
        """
        self._check_currency(document)
        is_order = document.key.kind is not DocumentKind.INVOICE
        lines = [
            *(
                part
                for line in document.lines
                for part in self.parts.lines(line, distribute=is_order)
            ),
            *self.parts.charge_lines(document.charges, shipping_apart=has_goods(document)),
        ]
        shipping = shipping_of(document)
        taxes = self.parts.taxes(document)
        discounts = self.parts.discounts(document)
        self._tie(document, lines, taxes, shipping - sum(discounts.values(), ZERO))
        custom = dict(self.settings.custom_fields)
        for name in self.settings.required_custom_fields:
            if not custom.get(name) and name != self.settings.reference_field:
                raise Refused(
                    f"order {document.order_number}: Heartland requires the custom field {name}, "
                    "and the channel's custom_fields give it no value: set one",
                    rule="custom_field_required",
                    field=name,
                )
        shipping_to = document.shipping_address or document.billing_address
        own = self.settings.counter_address
        counter = own.model_dump(exclude_none=True) if own else None
        return HeartlandOrder(
            reference=reference,
            change=change,
            person=person_of(document, self.parts.fits, guests=self.settings.guest_customer),
            billing=postal_of(document.billing_address or shipping_to, document, self.parts.fits)
            or counter,
            shipping=postal_of(shipping_to, document, self.parts.fits) or counter,
            shipping_charge=shipping,
            shipping_method=self.parts.shipping_method(document),
            lines=tuple(lines),
            taxes=taxes,
            discounts=discounts,
            deposits=tuple(
                self.parts.payment(document, payment, deposit=True)
                for payment in (document.payments if is_order else ())
            ),
            total=document.total,
            custom=custom,
            placed_at=document.placed_at,
            adjustment_item=self.parts.mappings.get("charge", ChargeKind.ADJUSTMENT.value),
        )

    def _invoice(self, document: Document) -> HeartlandInvoice:
        self._check_currency(document)
        base = self.reference(document.order_number)
        reference = invoice_reference(base, document.key.sequence)
        based_on = document.based_on
        own_order = None
        if based_on is None:
            own_order = self.order(document, reference, 0)
        elif based_on.kind is not DocumentKind.SALES_ORDER:
            raise self._wrong_base(document, "a sales order")
        lines = (
            *(p for line in document.lines for p in self.parts.lines(line, distribute=False)),
            *self.parts.charge_lines(document.charges, shipping_apart=has_goods(document)),
        )
        shipping, taxes = shipping_of(document), self.parts.taxes(document)
        discount = sum(self.parts.discounts(document).values(), ZERO)
        self._tie(document, lines, taxes, shipping - discount)
        return HeartlandInvoice(
            order_reference=reference if own_order else base,
            own_order=own_order,
            reference=reference,
            lines=lines,
            taxes=taxes,
            shipping=shipping,
            discount=discount,
            payments=tuple(self.parts.payment(document, payment) for payment in document.payments),
            total=document.total,
        )

    def _credit_note(self, document: Document) -> HeartlandReturn:
        self._check_currency(document)
        base = self.reference(document.order_number)
        based_on = document.based_on
        if based_on is None or based_on.kind is not DocumentKind.INVOICE:
            raise self._wrong_base(document, "an invoice")
        if document.concession:
            raise Refused(
                f"document {document.key}: a return ticket takes no concession beside its lines",
                rule="return_without_concession",
                field="total",
            )
        lines = [
            *(part for line in document.lines for part in self.parts.returned(line)),
            *self.parts.charge_lines(document.charges, shipping_apart=False),
        ]
        taxes = self.parts.taxes(document)
        self._tie(document, lines, taxes, ZERO)
        payments = tuple(self.parts.payment(document, payment) for payment in document.payments)
        reference = ticket_reference(base, DocumentKind.CREDIT_NOTE, document.key.sequence)
        parts = split_ticket(reference, lines, taxes, payments, self.settings.default_location)
        return HeartlandReturn(
            order_reference=base,
            invoice_reference=invoice_reference(base, based_on.sequence),
            parts=parts,
        )

    def _payment(self, document: Document) -> HeartlandPayments:
        self._check_currency(document)
        based_on = document.based_on
        if document.lines or document.charges or document.concession or not document.payments:
            raise Refused(
                f"document {document.key}: a payment has payments and nothing else",
                rule="payment_only",
                field="amount",
            )
        base = self.reference(document.order_number)
        if based_on is None or based_on.kind not in (
            DocumentKind.SALES_ORDER,
            DocumentKind.INVOICE,
        ):
            raise self._wrong_base(document, "a sales order or an invoice")
        # An invoice may have brought an order of its own, which carries the invoice's reference.
        own = (
            (invoice_reference(base, based_on.sequence),)
            if based_on.kind is DocumentKind.INVOICE
            else ()
        )
        return HeartlandPayments(
            order_references=(*own, base),
            payments=tuple(
                self.parts.payment(document, payment, target=based_on)
                for payment in document.payments
            ),
        )

    def _void(self, document: Document) -> HeartlandVoid:
        based_on = document.based_on
        if based_on is None or based_on.kind is not DocumentKind.SALES_ORDER:
            raise Refused(
                f"document {document.key}: an invoice is complete in Heartland and cannot be "
                "voided: a return ticket takes it back",
                rule="void_of_order_only",
                field="status",
            )
        base = self.reference(document.order_number)
        reference = ticket_reference(base, DocumentKind.VOID, document.key.sequence)
        adjustment = self.parts.mappings.get("charge", ChargeKind.ADJUSTMENT.value)
        return HeartlandVoid(base, reference, adjustment)

    def _wrong_base(self, document: Document, wanted: str) -> Refused:
        return Refused(
            f"document {document.key}: a {document.key.kind} acts on {wanted}, not on "
            f"{document.based_on or 'nothing'}",
            rule="based_on",
            field="order_id",
        )

    def _check_currency(self, document: Document) -> None:
        if document.currency != self.settings.currency:
            raise Refused(
                f"document {document.key} is in {document.currency} and the Heartland account "
                f"keeps its books in {self.settings.currency}",
                rule="currency_known",
                field="currency",
            )

    def _tie(
        self,
        document: Document,
        lines: Iterable[WantedLine],
        taxes: dict[str, Decimal],
        beside: Decimal,
    ) -> None:
        worth = sum((line.net for line in lines), ZERO) + sum(taxes.values(), ZERO) + beside
        if worth != document.total:
            raise Unbalanced(
                f"document {document.key}: its Heartland lines, taxes and charges are {worth}, its "
                f"total is {document.total}",
                rule="heartland_totals_tie",
                field="total",
            )


def _line_count(payload: Payload) -> int:
    """Count lines by item and price: people may split one to ship it from two places."""
    lines: Iterable[WantedLine] = ()
    if isinstance(payload, HeartlandOrder | HeartlandInvoice):
        lines = payload.lines
    elif isinstance(payload, HeartlandReturn):
        lines = (line for part in payload.parts for line in part.lines)
    return len({(line.item, line.unit) for line in lines})


def _preview(document: Document, payload: Payload) -> Iterator[tuple[str, str]]:
    if isinstance(payload, HeartlandOrder | HeartlandInvoice):
        shipping = (
            payload.shipping_charge if isinstance(payload, HeartlandOrder) else payload.shipping
        )
        yield "reference", payload.reference
        yield "lines", str(len(payload.lines))
        yield "net", str(sum((line.net for line in payload.lines), ZERO))
        yield "shipping", str(shipping)
        yield "tax", str(sum(payload.taxes.values(), ZERO))
        waiting = sum(line.qty for line in payload.lines if line.location is None)
        yield "not distributed", str(waiting)
    elif isinstance(payload, HeartlandReturn):
        yield "reference", ", ".join(part.reference for part in payload.parts)
        yield "returns to", ", ".join(part.location for part in payload.parts)
        yield "taken back from", payload.invoice_reference
    elif isinstance(payload, HeartlandPayments):
        yield "pays", payload.order_references[0]
    else:
        yield "strikes out", payload.order_reference
    yield "total", str(document.total)
    yield "payments", str(document.paid)
    yield "currency", document.currency
