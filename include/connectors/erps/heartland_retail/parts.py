"""Translates the parts of a document: lines whose prices tie, charges, taxes, discounts, payments.

Values are looked up in the channel's maps and checked for their length. Nothing is ever cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

from include.connectors.erps.heartland_retail.payloads import (
    TicketPart,
    WantedLine,
    WantedPayment,
    part_reference,
    payment_mark,
)
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.domain.document import (
    Document,
    DocumentCharge,
    DocumentKey,
    DocumentLine,
    DocumentPayment,
    DocumentTax,
)
from include.domain.errors import Refused
from include.domain.money import ZERO, allocate, minor_unit
from include.domain.order import ChargeKind, LineKind, Restock
from include.ports.erp import Mappings

RESTOCKED = frozenset({Restock.RETURNED, Restock.CANCELLED, Restock.LEGACY})
NOT_RESTOCKED = "not_restocked"


class Parts:
    """Translates parts of documents for one channel.

    Args:
        settings: The account's names and rules.
        mappings: Store value to Heartland value.
    """

    def __init__(self, settings: HeartlandRetailSettings, mappings: Mappings) -> None:
        self.settings = settings
        self.mappings = mappings

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

    def lines(self, line: DocumentLine, *, distribute: bool) -> Iterator[WantedLine]:
        """Yield lines whose prices tie; units that wait for stock have no location.

        Args:
            line: The line.
            distribute: Whether it stands on an order, where units may wait.

        Raises:
            MappingMissing: Item or location has no row.
            Refused: It has an amount and no units, or a negative one.
        """
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

    def returned(self, line: DocumentLine) -> Iterator[WantedLine]:
        """Yield what comes back of a line, and where to.

        Raises:
            MappingMissing: The item, or the charge for goods that stay away, has no row.
        """
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

    def charge_lines(
        self, charges: Iterable[DocumentCharge], *, shipping_apart: bool
    ) -> Iterator[WantedLine]:
        """Yield the lines of what is charged beside the goods.

        Args:
            charges: The document's charges; what lowers the total is left out.
            shipping_apart: Shipping is no line.

        Raises:
            MappingMissing: The charge map has no row.
            Refused: A negative charge is taxed.
        """
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

    def taxes(self, document: Document) -> dict[str, Decimal]:
        """Return the document's taxes by Heartland's description.

        Raises:
            MappingMissing: The tax map has no row, and one is required.
        """
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

    def discounts(self, document: Document) -> dict[str, Decimal]:
        """Return what lowers the total beside the lines, by description, positive."""
        sums: dict[str, Decimal] = {}
        for charge in document.charges:
            if charge.net < 0:
                name = self.fits("discounts.description", charge.title or charge.kind.value) or ""
                sums[name] = sums.get(name, ZERO) - charge.net
        if document.concession:
            sums["Concession"] = sums.get("Concession", ZERO) + document.concession
        return sums

    def shipping_method(self, document: Document) -> str | None:
        """Return the name of the shipping method.

        Raises:
            MappingMissing: The shipping map has no row, and one is required.
        """
        if not document.shipping_method:
            return None
        if self.settings.shipping_map_required:
            return self.mappings.require("shipping", document.shipping_method)
        return self.mappings.get("shipping", document.shipping_method)

    def payment(
        self,
        document: Document,
        payment: DocumentPayment,
        *,
        deposit: bool = False,
        target: DocumentKey | None = None,
    ) -> WantedPayment:
        """Translate one payment.

        Args:
            document: The document that brings it.
            payment: The payment.
            deposit: Whether it is a deposit on the order.
            target: What a later payment settles.

        Raises:
            MappingMissing: The payment map has no row.
            Refused: It is not positive.
        """
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


def has_goods(document: Document) -> bool:
    """Whether there is a line beside shipping: Heartland knows no order without one.

    Args:
        document: Any document.
    """
    beside = (c for c in document.charges if c.kind is not ChargeKind.SHIPPING and c.net > 0)
    return any(line.quantity for line in document.lines) or any(beside)


def shipping_of(document: Document) -> Decimal:
    """Return what is charged for shipping beside the lines.

    Args:
        document: Any document; the amount is in its currency.
    """
    if not has_goods(document):
        return ZERO
    own = (c.net for c in document.charges if c.kind is ChargeKind.SHIPPING and c.net > 0)
    return sum(own, ZERO)
