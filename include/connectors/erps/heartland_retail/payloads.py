"""What is sent for one document, in Heartland's terms, and the references it is found by.

References are custom fields: the API has no idempotency key. An order carries the store's number
(`#1001`), invoice n `#1001/1`, a return ticket `#1001/R1`, the ticket of a change `#1001/C2`. A
document that takes several records, one a location, numbers them: `#1001/1 1of2`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from include.domain.document import DocumentKey, DocumentKind
from include.domain.money import ZERO

_PART = re.compile(r"^(?P<own>.*?)(?: (?P<part>\d+)of(?P<of>\d+))?$", re.DOTALL)
_TAIL = re.compile(r"[\w:.-]+", re.ASCII)
TENDER_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Person:
    """The buyer, fit for a customer record; a guest has no ``store_id``."""

    store_id: str | None
    first_name: str
    last_name: str
    email: str | None


Postal = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WantedLine:
    """Units of one item at one price.

    Attributes:
        item: ``public_id`` of the item.
        qty: Units.
        unit: Net price of one, two decimals.
        original: Price of one before discounts.
        tax: Tax on the units, informative.
        location: ``public_id`` of the location that ships them; none while they wait for stock.
        note: Description, where the item alone does not tell.
    """

    item: str
    qty: int
    unit: Decimal
    original: Decimal = ZERO
    tax: Decimal = ZERO
    location: str | None = None
    note: str = ""

    @property
    def net(self) -> Decimal:
        """Extended amount."""
        return self.unit * self.qty


@dataclass(frozen=True, slots=True)
class WantedPayment:
    """One payment; ``mark`` says for which document it was made and by which transaction."""

    mark: str
    type_name: str
    amount: Decimal
    deposit: bool = False
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeartlandOrder:
    """A whole sales order as it should stand.

    Attributes:
        reference: What it is found by.
        change: Sequence of the order change that this is; 0 for a new order.
        person: Who ordered; none books it on the guests' customer.
        billing, shipping: Postal addresses.
        shipping_charge: Net shipping.
        shipping_method: Name of the shipping method.
        lines, taxes, discounts: The parts; taxes and discounts by description.
        deposits: Payments of the order itself.
        total: What all parts add up to.
        custom: Custom fields beside the reference.
        placed_at: When it was placed.
        adjustment_item: ``public_id`` of the item for money that no goods account for.
    """

    reference: str
    change: int
    person: Person | None = field(repr=False)
    billing: Postal | None = field(repr=False)
    shipping: Postal | None = field(repr=False)
    shipping_charge: Decimal
    shipping_method: str | None
    lines: tuple[WantedLine, ...]
    taxes: Mapping[str, Decimal]
    discounts: Mapping[str, Decimal]
    deposits: tuple[WantedPayment, ...]
    total: Decimal
    custom: Mapping[str, str]
    placed_at: datetime | None = None
    adjustment_item: str | None = None


@dataclass(frozen=True, slots=True)
class HeartlandInvoice:
    """What one invoice document bills.

    Attributes:
        order_reference: The order it bills.
        own_order: That order, where the document brings its own.
        reference: What its invoices are found by.
        lines, taxes, shipping, discount: What is billed.
        payments: Payments of the document, put on the order.
        total: What is billed in all.
    """

    order_reference: str
    own_order: HeartlandOrder | None
    reference: str
    lines: tuple[WantedLine, ...]
    taxes: Mapping[str, Decimal]
    shipping: Decimal
    discount: Decimal
    payments: tuple[WantedPayment, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class TicketPart:
    """One return ticket; amounts are positive here and turned when sent.

    Attributes:
        reference: What it is found by.
        location: ``public_id`` of the location the goods come back to.
        lines, taxes: What is taken back.
        payments: Money paid back.
        total: What it is worth.
    """

    reference: str
    location: str
    lines: tuple[WantedLine, ...]
    taxes: Mapping[str, Decimal]
    payments: tuple[WantedPayment, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class HeartlandReturn:
    """A credit note: one ticket for each location that goods come back to.

    Attributes:
        order_reference: The order that was billed.
        invoice_reference: The invoice it is based on.
        parts: The tickets.
    """

    order_reference: str
    invoice_reference: str
    parts: tuple[TicketPart, ...]


@dataclass(frozen=True, slots=True)
class HeartlandPayments:
    """Payments that came later, put on the order of the document they settle."""

    order_references: tuple[str, ...]
    payments: tuple[WantedPayment, ...]


@dataclass(frozen=True, slots=True)
class HeartlandVoid:
    """The void of a sales order; ``adjustment_item`` as on the order."""

    order_reference: str
    reference: str
    adjustment_item: str | None = None


Payload = HeartlandOrder | HeartlandInvoice | HeartlandReturn | HeartlandPayments | HeartlandVoid


def order_reference(base: str, key: DocumentKey) -> str:
    """Return what the order of a document is found by; a second sales order is another one.

    Args:
        base: The order's number.
        key: A document of it.
    """
    is_first = key.kind is not DocumentKind.SALES_ORDER or key.sequence == 1
    return base if is_first else f"{base}/S{key.sequence}"


def invoice_reference(base: str, sequence: int) -> str:
    """Return what invoice n, and an order of its own, is found by.

    Args:
        base: The order's number.
        sequence: The invoice's n.
    """
    return f"{base}/{sequence}"


def ticket_reference(base: str, kind: DocumentKind, sequence: int) -> str:
    """Return what a ticket is found by.

    Args:
        base: Reference of the order.
        kind: Credit note, order change or void.
        sequence: Sequence of that document.
    """
    letter = {DocumentKind.ORDER_CHANGE: "C", DocumentKind.VOID: "V"}.get(kind, "R")
    return f"{base}/{letter}{sequence}"


def part_reference(reference: str, part: int, of: int) -> str:
    """Return the reference of one of several records of a document.

    Args:
        reference: The document's.
        part: Which record, counted from 1.
        of: How many there are.
    """
    return reference if of == 1 else f"{reference} {part}of{of}"


def read_part(reference: str) -> tuple[str, int, int]:
    """Return a document's reference, which of its records this is, and how many there are.

    Args:
        reference: What ``part_reference`` returned.
    """
    found = _PART.match(reference)
    assert found is not None  # every text matches
    return found["own"], int(found["part"] or 1), int(found["of"] or 1)


def payment_mark(key: DocumentKey, tender_id: str, target: DocumentKey | None = None) -> str:
    """Return what a payment carries: its document, and the last part of the store's id.

    Deposits of the sales order and of its changes are ``D:``, of invoice n ``In:``, later payments
    ``Pn.In:``, money paid back ``Rn:``.

    Args:
        key: The document that brings the payment.
        tender_id: The store's transaction.
        target: What a later payment settles.
    """
    tail = tender_id.rsplit("/", 1)[-1]
    if not _TAIL.fullmatch(tail) or len(tail) > TENDER_LIMIT:
        tail = hashlib.sha256(tender_id.encode()).hexdigest()[:TENDER_LIMIT]
    return f"{mark_of(key, target)}:{tail}"


def mark_of(key: DocumentKey, target: DocumentKey | None = None) -> str:
    """Return the part of a payment's mark that names its document.

    Args:
        key: The document that pays.
        target: The document that it settles, if another.
    """
    if key.kind in (DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE, DocumentKind.VOID):
        return "D"
    own = {DocumentKind.INVOICE: "I", DocumentKind.PAYMENT: "P"}.get(key.kind, "R")
    settled = f".{mark_of(target)}" if target is not None else ""
    return f"{own}{key.sequence}{settled}"
