"""The order's JSON: how a canonical order is staged, and read back as exactly the same order.

Decimals are strings, times ISO 8601 in UTC, an amount is one string where both currencies are one
and a pair [shop, presentment] otherwise. None, empty tuples and zero totals are left out. Only
dicts, lists, strings, whole numbers and flags are used, so any JSON library may write it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from include.domain.money import NOTHING, Amount
from include.domain.order import (
    Address,
    Charge,
    ChargeKind,
    Customer,
    Discount,
    FinancialStatus,
    LineKind,
    Order,
    OrderLine,
    OrderLink,
    PaymentTerms,
    PiiState,
    Refund,
    RefundAdjustment,
    RefundCharge,
    RefundLine,
    Restock,
    RiskLevel,
    SalesProgram,
    StatedTotals,
    TaxId,
    TaxLine,
    Tender,
    TenderKind,
    TenderStatus,
)

Document = dict[str, Any]
Thing = TypeVar("Thing")

_ADDRESS_FIELDS = (
    "name",
    "company",
    "line_1",
    "line_2",
    "street_number",
    "neighbourhood",
    "city",
    "region",
    "region_code",
    "postal_code",
    "country_code",
    "phone",
)
_STATED_FIELDS = (
    "original_total",
    "current_total",
    "current_subtotal",
    "current_tax",
    "current_shipping",
    "current_discounts",
    "tip",
    "current_duties",
    "current_fees",
    "rounding",
    "received",
    "refunded",
    "net_payment",
    "outstanding",
    "refund_discrepancy",
)
_LATER_STATED = _STATED_FIELDS[5:]
_later_stated = attrgetter(*_LATER_STATED)
_address_values = attrgetter(*_ADDRESS_FIELDS)
_CUSTOMER_FIELDS = (
    "customer_id_store",
    "name",
    "email",
    "phone",
    "company",
    "accepts_marketing",
)
_customer_values = attrgetter(*_CUSTOMER_FIELDS)


def encode(order: Order) -> bytes:
    """Return an order as canonical JSON: keys sorted, no white space, UTF-8.

    Args:
        order: The canonical order.
    """
    text = json.dumps(to_document(order), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def decode(body: bytes | str) -> Order:
    """Read an order back from its JSON.

    Args:
        body: What `encode`, or any JSON library given `to_document`, wrote.

    Raises:
        ValueError: The text is no JSON, or a value is none of its kind.
        KeyError: A required field is missing.
    """
    return from_document(json.loads(body))


@lru_cache(maxsize=1 << 12)
def _iso(at: datetime) -> str:
    utc = at.astimezone(UTC)
    # Day and time are written apart: it is the offset that takes isoformat half of its time.
    return f"{utc.date().isoformat()}T{utc.time().isoformat()}Z"


@lru_cache(maxsize=1 << 12)
def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def to_document(order: Order) -> Document:
    """Return an order as a document of plain JSON values.

    Args:
        order: The canonical order.

    Returns:
        A new dict that shares nothing with the order.
    """
    money = _one_text if order.currency == order.presentment_currency else _two_texts
    document: Document = {
        "channel": order.channel,
        "order_id_store": order.order_id_store,
        "number": order.number,
        "placed_at": _iso(order.placed_at),
        "updated_at": _iso(order.updated_at),
        "currency": order.currency,
        "presentment_currency": order.presentment_currency,
        "taxes_included": order.taxes_included,
        "is_test": order.is_test,
        "is_edited": order.is_edited,
        "program": str(order.program),
        "financial_status": str(order.financial_status),
        "fulfillment_status": order.fulfillment_status,
        "pii_state": str(order.pii_state),
        "stated": _stated(order.stated, money),
        "lines": [_line(line, money) for line in order.lines],
    }
    if order.charges:
        document["charges"] = [_charge(charge, money) for charge in order.charges]
    if order.tenders:
        document["tenders"] = [_tender(tender, money) for tender in order.tenders]
    if order.refunds:
        document["refunds"] = [_refund(refund, money) for refund in order.refunds]
    _add_people(document, order)
    _add_rest(document, order)
    return document


def _add_people(document: Document, order: Order) -> None:
    if order.customer is not None:
        document["customer"] = _customer(order.customer)
    if order.billing_address is not None:
        document["billing_address"] = _address(order.billing_address)
    if order.shipping_address is not None:
        document["shipping_address"] = _address(order.shipping_address)


def _add_rest(document: Document, order: Order) -> None:
    if order.cancelled_at is not None:
        document["cancelled_at"] = _iso(order.cancelled_at)
    if order.cancel_reason is not None:
        document["cancel_reason"] = order.cancel_reason
    if order.closed_at is not None:
        document["closed_at"] = _iso(order.closed_at)
    if order.links:
        document["links"] = [
            {"kind": link.kind, "order_id_store": link.order_id_store} for link in order.links
        ]
    if order.purchase_order_number is not None:
        document["purchase_order_number"] = order.purchase_order_number
    if order.seller_order_id is not None:
        document["seller_order_id"] = order.seller_order_id
    if order.marketplace_id is not None:
        document["marketplace_id"] = order.marketplace_id
    if order.risk is not None:
        document["risk"] = str(order.risk)
    if order.payment_terms is not None:
        document["payment_terms"] = _terms(order.payment_terms)


def _terms(terms: PaymentTerms) -> Document:
    return _without_none(
        name=terms.name,
        due_at=None if terms.due_at is None else _iso(terms.due_at),
        due_in_days=terms.due_in_days,
    )


Written = str | list[str]
Money = Callable[[Amount], Written]


def _one_text(amount: Amount) -> Written:
    shop, buyer = amount.shop, amount.presentment
    if shop is buyer or shop == buyer:
        return str(shop)
    return [str(shop), str(buyer)]


def _two_texts(amount: Amount) -> Written:
    return [str(amount.shop), str(amount.presentment)]


def _stated(stated: StatedTotals, money: Money) -> Document:
    document: Document = {
        "original_total": money(stated.original_total),
        "current_total": money(stated.current_total),
        "current_subtotal": money(stated.current_subtotal),
        "current_tax": money(stated.current_tax),
        "current_shipping": money(stated.current_shipping),
    }
    for name, amount in zip(_LATER_STATED, _later_stated(stated), strict=True):
        if amount.shop or amount.presentment:
            document[name] = money(amount)
    return document


def _line(line: OrderLine, money: Money) -> Document:
    document: Document = {
        "line_id": line.line_id,
        "kind": str(line.kind),
        "title": line.title,
        "quantity": line.quantity,
        "current_quantity": line.current_quantity,
        "unit_price": money(line.unit_price),
        "current_price": money(line.current_price),
        "requires_shipping": line.requires_shipping,
        "taxable": line.taxable,
    }
    if line.sku is not None:
        document["sku"] = line.sku
    if line.discounts:
        document["discounts"] = [_discount(discount, money) for discount in line.discounts]
    if line.taxes:
        document["taxes"] = [_tax(tax, money) for tax in line.taxes]
    if line.variant_id_store is not None:
        document["variant_id_store"] = line.variant_id_store
    if line.product_id_store is not None:
        document["product_id_store"] = line.product_id_store
    if line.variant_title is not None:
        document["variant_title"] = line.variant_title
    if line.location_id is not None:
        document["location_id"] = line.location_id
    if line.marketplace_item_id is not None:
        document["marketplace_item_id"] = line.marketplace_item_id
    if line.fulfilled_quantity is not None:
        document["fulfilled_quantity"] = line.fulfilled_quantity
    return document


def _discount(discount: Discount, money: Money) -> Document:
    if discount.code is None:
        return {"amount": money(discount.amount)}
    return {"amount": money(discount.amount), "code": discount.code}


def _tax(tax: TaxLine, money: Money) -> Document:
    amount = tax.amount
    document: Document = {"title": tax.title, "amount": money(amount)}
    if tax.current_amount is not amount and tax.current_amount != amount:
        document["current_amount"] = money(tax.current_amount)
    if tax.rate is not None:
        document["rate"] = str(tax.rate)
    if tax.jurisdiction is not None:
        document["jurisdiction"] = tax.jurisdiction
    if tax.collected_by_marketplace:
        document["collected_by_marketplace"] = True
    return document


def _charge(charge: Charge, money: Money) -> Document:
    document: Document = {
        "charge_id": charge.charge_id,
        "kind": str(charge.kind),
        "title": charge.title,
        "price": money(charge.price),
        "current_price": money(charge.current_price),
    }
    if charge.code is not None:
        document["code"] = charge.code
    if charge.discounts:
        document["discounts"] = [_discount(discount, money) for discount in charge.discounts]
    if charge.taxes:
        document["taxes"] = [_tax(tax, money) for tax in charge.taxes]
    if charge.line_id is not None:
        document["line_id"] = charge.line_id
    if charge.removed:
        document["removed"] = True
    return document


def _tender(tender: Tender, money: Money) -> Document:
    document: Document = {
        "tender_id": tender.tender_id,
        "gateway": tender.gateway,
        "kind": str(tender.kind),
        "status": str(tender.status),
        "amount": money(tender.amount),
        "processed_at": _iso(tender.processed_at),
    }
    if tender.parent_id is not None:
        document["parent_id"] = tender.parent_id
    if tender.is_test:
        document["is_test"] = True
    if tender.method is not None:
        document["method"] = tender.method
    if tender.authorization_code is not None:
        document["authorization_code"] = tender.authorization_code
    if tender.rounding is not NOTHING:
        document["rounding"] = money(tender.rounding)
    return document


def _refund(refund: Refund, money: Money) -> Document:
    document: Document = {
        "refund_id": refund.refund_id,
        "created_at": _iso(refund.created_at),
        "total": money(refund.total),
    }
    if refund.lines:
        document["lines"] = [_refund_line(line, money) for line in refund.lines]
    if refund.charges:
        document["charges"] = [
            _without_none(
                kind=str(charge.kind),
                amount=money(charge.amount),
                tax=money(charge.tax),
                charge_id=charge.charge_id,
            )
            for charge in refund.charges
        ]
    if refund.adjustments:
        document["adjustments"] = [
            {
                "reason": adjustment.reason,
                "amount": money(adjustment.amount),
                "tax": money(adjustment.tax),
            }
            for adjustment in refund.adjustments
        ]
    if refund.tender_ids:
        document["tender_ids"] = list(refund.tender_ids)
    return document


def _refund_line(line: RefundLine, money: Money) -> Document:
    return _without_none(
        line_id=line.line_id,
        quantity=line.quantity,
        restock=str(line.restock),
        subtotal=money(line.subtotal),
        tax=money(line.tax),
        location_id=line.location_id,
    )


def _customer(customer: Customer) -> Document:
    document = _named(_CUSTOMER_FIELDS, _customer_values(customer))
    if customer.tax_ids:
        document["tax_ids"] = [
            {"kind": tax_id.kind, "number": tax_id.number} for tax_id in customer.tax_ids
        ]
    return document


def _address(address: Address) -> Document:
    return _named(_ADDRESS_FIELDS, _address_values(address))


def _named(names: tuple[str, ...], values: tuple[Any, ...]) -> Document:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _without_none(**values: object) -> Document:
    return {name: value for name, value in values.items() if value is not None}


def from_document(document: Document) -> Order:
    """Read an order back from its document.

    Args:
        document: What `to_document` returned, or the same read from JSON.

    Returns:
        An order equal to the one that was written.

    Raises:
        ValueError: A value is none of its kind.
        KeyError: A required field is missing.
    """
    return Order(
        channel=document["channel"],
        order_id_store=document["order_id_store"],
        number=document["number"],
        placed_at=_at(document["placed_at"]),
        updated_at=_at(document["updated_at"]),
        currency=document["currency"],
        presentment_currency=document["presentment_currency"],
        taxes_included=document["taxes_included"],
        stated=StatedTotals(
            **{
                name: _amount(document["stated"][name])
                for name in _STATED_FIELDS
                if name in document["stated"]
            }
        ),
        lines=tuple(_read_line(line) for line in document["lines"]),
        charges=_each(document, "charges", _read_charge),
        tenders=_each(document, "tenders", _read_tender),
        refunds=_each(document, "refunds", _read_refund),
        customer=_maybe(document, "customer", _read_customer),
        billing_address=_maybe(document, "billing_address", _read_address),
        shipping_address=_maybe(document, "shipping_address", _read_address),
        cancelled_at=_maybe(document, "cancelled_at", _at),
        cancel_reason=document.get("cancel_reason"),
        closed_at=_maybe(document, "closed_at", _at),
        is_test=document["is_test"],
        is_edited=document["is_edited"],
        program=SalesProgram(document["program"]),
        financial_status=FinancialStatus(document["financial_status"]),
        fulfillment_status=document["fulfillment_status"],
        links=_each(document, "links", lambda link: OrderLink(**link)),
        purchase_order_number=document.get("purchase_order_number"),
        seller_order_id=document.get("seller_order_id"),
        marketplace_id=document.get("marketplace_id"),
        pii_state=PiiState(document["pii_state"]),
        risk=_maybe(document, "risk", RiskLevel),
        payment_terms=_maybe(document, "payment_terms", _read_terms),
    )


def _read_terms(document: Document) -> PaymentTerms:
    return PaymentTerms(
        document["name"], _maybe(document, "due_at", _at), document.get("due_in_days")
    )


def _each(document: Document, key: str, read: Callable[[Document], Thing]) -> tuple[Thing, ...]:
    return tuple(read(item) for item in document.get(key, ()))


def _maybe(document: Document, key: str, read: Callable[[Any], Thing]) -> Thing | None:
    return read(document[key]) if key in document else None


def _amount(written: Written) -> Amount:
    if isinstance(written, str):
        return _same_in_both(written)
    return Amount(Decimal(written[0]), Decimal(written[1]))


@lru_cache(maxsize=1 << 14)
def _same_in_both(written: str) -> Amount:
    amount = Decimal(written)
    return Amount(amount, amount)


def _read_line(document: Document) -> OrderLine:
    return OrderLine(
        line_id=document["line_id"],
        kind=LineKind(document["kind"]),
        sku=document.get("sku"),
        title=document["title"],
        quantity=document["quantity"],
        current_quantity=document["current_quantity"],
        unit_price=_amount(document["unit_price"]),
        current_price=_amount(document["current_price"]),
        discounts=_each(document, "discounts", _read_discount),
        taxes=_each(document, "taxes", _read_tax),
        variant_id_store=document.get("variant_id_store"),
        product_id_store=document.get("product_id_store"),
        variant_title=document.get("variant_title"),
        location_id=document.get("location_id"),
        requires_shipping=document["requires_shipping"],
        taxable=document["taxable"],
        marketplace_item_id=document.get("marketplace_item_id"),
        fulfilled_quantity=document.get("fulfilled_quantity"),
    )


def _read_discount(document: Document) -> Discount:
    return Discount(_amount(document["amount"]), document.get("code"))


def _read_tax(document: Document) -> TaxLine:
    amount = _amount(document["amount"])
    rate = document.get("rate")
    return TaxLine(
        title=document["title"],
        amount=amount,
        current_amount=_amount(document["current_amount"])
        if "current_amount" in document
        else amount,
        rate=None if rate is None else Decimal(rate),
        jurisdiction=document.get("jurisdiction"),
        collected_by_marketplace=document.get("collected_by_marketplace", False),
    )


def _read_charge(document: Document) -> Charge:
    return Charge(
        charge_id=document["charge_id"],
        kind=ChargeKind(document["kind"]),
        title=document["title"],
        price=_amount(document["price"]),
        current_price=_amount(document["current_price"]),
        code=document.get("code"),
        discounts=_each(document, "discounts", _read_discount),
        taxes=_each(document, "taxes", _read_tax),
        line_id=document.get("line_id"),
        removed=document.get("removed", False),
    )


def _read_tender(document: Document) -> Tender:
    return Tender(
        tender_id=document["tender_id"],
        gateway=document["gateway"],
        kind=TenderKind(document["kind"]),
        status=TenderStatus(document["status"]),
        amount=_amount(document["amount"]),
        processed_at=_at(document["processed_at"]),
        parent_id=document.get("parent_id"),
        is_test=document.get("is_test", False),
        method=document.get("method"),
        authorization_code=document.get("authorization_code"),
        rounding=_amount(document["rounding"]) if "rounding" in document else NOTHING,
    )


def _read_refund(document: Document) -> Refund:
    return Refund(
        refund_id=document["refund_id"],
        created_at=_at(document["created_at"]),
        total=_amount(document["total"]),
        lines=_each(document, "lines", _read_refund_line),
        charges=_each(document, "charges", _read_refund_charge),
        adjustments=_each(document, "adjustments", _read_adjustment),
        tender_ids=tuple(document.get("tender_ids", ())),
    )


def _read_refund_line(document: Document) -> RefundLine:
    return RefundLine(
        line_id=document["line_id"],
        quantity=document["quantity"],
        restock=Restock(document["restock"]),
        subtotal=_amount(document["subtotal"]),
        tax=_amount(document["tax"]),
        location_id=document.get("location_id"),
    )


def _read_refund_charge(document: Document) -> RefundCharge:
    return RefundCharge(
        kind=ChargeKind(document["kind"]),
        amount=_amount(document["amount"]),
        tax=_amount(document["tax"]),
        charge_id=document.get("charge_id"),
    )


def _read_adjustment(document: Document) -> RefundAdjustment:
    return RefundAdjustment(
        document["reason"], _amount(document["amount"]), _amount(document["tax"])
    )


def _read_customer(document: Document) -> Customer:
    return Customer(
        customer_id_store=document.get("customer_id_store"),
        name=document.get("name"),
        email=document.get("email"),
        phone=document.get("phone"),
        company=document.get("company"),
        tax_ids=_each(document, "tax_ids", lambda tax_id: TaxId(**tax_id)),
        accepts_marketing=document.get("accepts_marketing"),
    )


def _read_address(document: Document) -> Address:
    return Address(**{name: document[name] for name in _ADDRESS_FIELDS if name in document})
