"""Translates a balanced document into what Heartland takes: mapped, checked, tied once more.

Nothing is read or sent here. Names (items, locations, payment types) become ids when it is posted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

from include.connectors.erps.heartland_retail.payloads import (
    HeartlandInvoice,
    HeartlandOrder,
    HeartlandPayments,
    HeartlandReturn,
    HeartlandVoid,
    Payload,
    TicketPart,
    WantedLine,
    WantedPayment,
    invoice_reference,
    order_reference,
    part_reference,
    payment_mark,
    ticket_reference,
)
from include.connectors.erps.heartland_retail.people import person_of, postal_of
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
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
from include.domain.money import ZERO, allocate, minor_unit
from include.domain.order import ChargeKind, LineKind, Restock
from include.ports.erp import Mappings

RESTOCKED = frozenset({Restock.RETURNED, Restock.CANCELLED, Restock.LEGACY})
NOT_RESTOCKED = "not_restocked"


class Translator:
    """Builds what is sent for one channel.

    Args:
        settings: The account's names and rules.
        mappings: Store value to Heartland value.
    """

    def __init__(self, settings: HeartlandRetailSettings, mappings: Mappings) -> None:
        self.settings = settings
        self.mappings = mappings

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
        self.fits(self.settings.reference_field, reference, spare=20)
        return reference

    def fits(self, name: str, value: str | None, spare: int = 0) -> str | None:
        """Return a text that fits its field.

        Args:
            name: The field.
            value: The text.
            spare: Characters that come on top of it.

        Raises:
            Refused: It is too long. Nothing is ever cut.
        """
        limit = self.settings.text_limit - spare
        if value is not None and len(value) > limit:
            raise Refused(
                f"{name} has {len(value)} characters and Heartland takes {limit}: shorten it in "
                "the store",
                rule="value_fits",
                field=name,
            )
        return value

    # -- kinds --------------------------------------------------------------------------------

    def order(self, document: Document, reference: str, change: int) -> HeartlandOrder:
        """Translate a whole order.

        Args:
            document: Sales order, order change, or an invoice that brings its own order.
            reference: What the order is found by.
            change: Sequence of the order change, else 0.
        """
        self._check_currency(document)
        is_order = document.key.kind is not DocumentKind.INVOICE
        lines = [
            *(part for line in document.lines for part in self._lines(line, distribute=is_order)),
            *self._charge_lines(document.charges, shipping_apart=_has_goods(document)),
        ]
        shipping = _shipping(document)
        taxes = self._taxes(document)
        discounts = self._discounts(document)
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
            person=person_of(document, self.fits, guests=self.settings.guest_customer),
            billing=postal_of(document.billing_address or shipping_to, document, self.fits)
            or counter,
            shipping=postal_of(shipping_to, document, self.fits) or counter,
            shipping_charge=shipping,
            shipping_method=self._shipping_method(document),
            lines=tuple(lines),
            taxes=taxes,
            discounts=discounts,
            deposits=tuple(
                self._paid(document, payment, deposit=True)
                for payment in (document.payments if is_order else ())
            ),
            total=document.total,
            custom=custom,
            placed_at=document.placed_at,
            adjustment_item=self.mappings.get("charge", ChargeKind.ADJUSTMENT.value),
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
            *(part for line in document.lines for part in self._lines(line, distribute=False)),
            *self._charge_lines(document.charges, shipping_apart=_has_goods(document)),
        )
        shipping, taxes = _shipping(document), self._taxes(document)
        discount = sum(self._discounts(document).values(), ZERO)
        self._tie(document, lines, taxes, shipping - discount)
        return HeartlandInvoice(
            order_reference=reference if own_order else base,
            own_order=own_order,
            reference=reference,
            lines=lines,
            taxes=taxes,
            shipping=shipping,
            discount=discount,
            payments=tuple(self._paid(document, payment) for payment in document.payments),
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
            *(part for line in document.lines for part in self._returned(line)),
            *self._charge_lines(document.charges, shipping_apart=False),
        ]
        taxes = self._taxes(document)
        self._tie(document, lines, taxes, ZERO)
        payments = tuple(self._paid(document, payment) for payment in document.payments)
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
                self._paid(document, payment, target=based_on) for payment in document.payments
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
        adjustment = self.mappings.get("charge", ChargeKind.ADJUSTMENT.value)
        return HeartlandVoid(base, reference, adjustment)

    def _wrong_base(self, document: Document, wanted: str) -> Refused:
        return Refused(
            f"document {document.key}: a {document.key.kind} acts on {wanted}, not on "
            f"{document.based_on or 'nothing'}",
            rule="based_on",
            field="order_id",
        )

    # -- parts --------------------------------------------------------------------------------

    def item_of(self, sku: str | None, title: str) -> str:
        """Return the item's ``public_id``: the map's, else the sku itself.

        Raises:
            MappingMissing: There is no row, and the sku may not stand for itself.
        """
        if sku is None:
            return self.mappings.require("sku", f"title:{title}")
        mapped = self.mappings.get("sku", sku)
        if mapped is None and not self.settings.sku_is_public_id:
            return self.mappings.require("sku", sku)
        return self.fits("public_id", mapped or sku) or ""

    def location_of(self, location_id: str | None) -> str:
        """Return the ``public_id`` of the location that ships a line.

        Raises:
            MappingMissing: The location map has no row.
        """
        if location_id is None:
            return self.settings.default_location
        return self.mappings.require("location", location_id)

    def _item(self, line: DocumentLine) -> str:
        if line.kind is LineKind.GOODS:
            return self.item_of(line.sku, line.title)
        return self.mappings.require("charge", line.kind.value)

    def _lines(self, line: DocumentLine, *, distribute: bool) -> Iterator[WantedLine]:
        """Yield lines whose prices tie; units that wait for stock have no location."""
        item, location = self._item(line), self.location_of(line.location_id)
        short = line.back_ordered if distribute else 0
        for part in self._priced(line, item):
            waiting = min(short, part.qty)
            short -= waiting
            shares = allocate(
                part.tax, [Decimal(part.qty - waiting), Decimal(waiting)], self.settings.currency
            )
            if part.qty > waiting:
                yield replace(part, qty=part.qty - waiting, tax=shares[0], location=location)
            if waiting:
                yield replace(part, qty=waiting, tax=shares[1], location=None)

    def _returned(self, line: DocumentLine) -> Iterator[WantedLine]:
        item, location = self._item(line), self.location_of(line.location_id)
        if line.kind is LineKind.GOODS and line.restock not in RESTOCKED:
            # Sold goods that never come back to the shelf: the money moves, the stock does not.
            own = self.mappings.require("charge", NOT_RESTOCKED)
            for part in self._priced(line, own):
                yield replace(part, location=location, note=item)
            return
        for part in self._priced(line, item):
            yield replace(part, location=location)

    def _priced(self, line: DocumentLine, item: str) -> Iterator[WantedLine]:
        """Find unit prices that tie to the cent: one line, or two whose prices differ by one."""
        if line.quantity == 0 or line.net < 0:
            if line.quantity == 0 and not line.net and not any(t.amount for t in line.taxes):
                return
            raise Refused(
                f"line {line.line_id} has {line.quantity} units worth {line.net}: Heartland takes "
                "no negative price and no amount without units",
                rule="line_has_units",
                field="qty",
            )
        step = minor_unit(self.settings.currency)
        low = (line.net / line.quantity).quantize(step, ROUND_DOWN)
        dearer = int((line.net - low * line.quantity) / step)
        original = ((line.net + line.discount) / line.quantity).quantize(step, ROUND_DOWN)
        parts = [(line.quantity - dearer, low), (dearer, low + step)]
        tax = sum((t.amount for t in line.taxes), ZERO)
        shares = allocate(tax, [Decimal(units) for units, _ in parts], self.settings.currency)
        for (units, unit), share in zip(parts, shares, strict=True):
            if units:
                yield WantedLine(item, units, unit, max(original, unit), share)

    def _charge_lines(
        self, charges: Iterable[DocumentCharge], *, shipping_apart: bool
    ) -> Iterator[WantedLine]:
        for charge in charges:
            if charge.net < 0 and any(tax.amount for tax in charge.taxes):
                raise Refused(
                    f"charge {charge.charge_id} is worth {charge.net} and taxed: Heartland takes "
                    "no negative price",
                    rule="charge_not_negative",
                    field="adjusted_unit_price",
                )
            if charge.net <= 0 or (shipping_apart and charge.kind is ChargeKind.SHIPPING):
                continue
            item = self.mappings.require("charge", charge.kind.value)
            tax = sum((t.amount for t in charge.taxes), ZERO)
            location = self.settings.default_location
            yield WantedLine(item, 1, charge.net, charge.net, tax, location)

    def _taxes(self, document: Document) -> dict[str, Decimal]:
        parts: tuple[DocumentLine | DocumentCharge, ...] = (*document.lines, *document.charges)
        sums: dict[str, Decimal] = {}
        for tax in (tax for part in parts for tax in part.taxes):
            if tax.amount:
                name = self._tax_name(tax)
                sums[name] = sums.get(name, ZERO) + tax.amount
        return sums

    def _tax_name(self, tax: DocumentTax) -> str:
        if self.settings.tax_map_required:
            return self.mappings.require("tax", tax.title)
        return (
            self.fits("taxes.description", self.mappings.get("tax", tax.title) or tax.title) or ""
        )

    def _discounts(self, document: Document) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for charge in document.charges:
            if charge.net < 0:
                name = self.fits("discounts.description", charge.title or charge.kind.value) or ""
                sums[name] = sums.get(name, ZERO) - charge.net
        if document.concession:
            sums["Concession"] = sums.get("Concession", ZERO) + document.concession
        return sums

    def _shipping_method(self, document: Document) -> str | None:
        if not document.shipping_method:
            return None
        if self.settings.shipping_map_required:
            return self.mappings.require("shipping", document.shipping_method)
        return self.mappings.get("shipping", document.shipping_method)

    def _paid(
        self,
        document: Document,
        payment: DocumentPayment,
        *,
        deposit: bool = False,
        target: DocumentKey | None = None,
    ) -> WantedPayment:
        if payment.amount <= 0:
            raise Refused(
                f"payment {payment.tender_id} is {payment.amount}: a payment is positive; money "
                "goes back with a return",
                rule="payment_positive",
                field="amount",
            )
        return WantedPayment(
            mark=payment_mark(document.key, payment.tender_id, target),
            type_name=self.mappings.require("payment", payment.gateway),
            amount=payment.amount,
            deposit=deposit,
            paid_at=payment.paid_at,
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


def split_ticket(
    reference: str,
    lines: Iterable[WantedLine],
    taxes: dict[str, Decimal],
    payments: tuple[WantedPayment, ...],
    default_location: str,
) -> tuple[TicketPart, ...]:
    """Split what comes back by the location it comes back to: a ticket has one.

    Taxes are on the first ticket; the money paid back settles one ticket after the other.

    Args:
        reference: What the tickets are found by.
        lines: What comes back.
        taxes: Taxes given back, by description.
        payments: Money paid back.
        default_location: Where lines without a location come back to.
    """
    by_location: dict[str, list[WantedLine]] = {}
    for line in lines:
        by_location.setdefault(line.location or default_location, []).append(line)
    # What is worth nothing but stock moves with the first ticket's money all the same.
    places = list(by_location.items()) or [(default_location, [])]
    left = list(payments)
    parts = []
    for number, (location, own) in enumerate(places, start=1):
        tax = taxes if number == 1 else {}
        total = sum((line.net for line in own), ZERO) + sum(tax.values(), ZERO)
        paid, left = _up_to(total, left)
        parts.append(
            TicketPart(
                part_reference(reference, number, len(places)),
                location,
                tuple(own),
                tax,
                paid,
                total,
            )
        )
    return tuple(parts)


def _up_to(
    limit: Decimal, payments: list[WantedPayment]
) -> tuple[tuple[WantedPayment, ...], list[WantedPayment]]:
    within, rest = [], []
    for payment in payments:
        taken = min(payment.amount, max(limit, ZERO))
        limit -= taken
        if taken:
            within.append(replace(payment, amount=taken))
        if taken < payment.amount:
            rest.append(replace(payment, amount=payment.amount - taken))
    return tuple(within), rest


def _has_goods(document: Document) -> bool:
    """Whether there is a line beside shipping: Heartland knows no order without one."""
    beside = (c for c in document.charges if c.kind is not ChargeKind.SHIPPING and c.net > 0)
    return any(line.quantity for line in document.lines) or any(beside)


def _shipping(document: Document) -> Decimal:
    """Return what is charged for shipping beside the lines."""
    if not _has_goods(document):
        return ZERO
    own = (c.net for c in document.charges if c.kind is ChargeKind.SHIPPING and c.net > 0)
    return sum(own, ZERO)


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
