"""A document's content as JSON and back: amounts as strings, empty parts left out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.domain.content import Content
from include.domain.document import DocumentCharge, DocumentLine, DocumentPayment, DocumentTax
from include.domain.money import ZERO
from include.domain.order import ChargeKind, LineKind, Restock


def to_document(content: Content) -> dict[str, Any]:
    """Return a content as JSON values.

    Args:
        content: What a document books.
    """
    document: dict[str, Any] = {
        "lines": [_line(line) for line in content.lines],
        "charges": [_charge(charge) for charge in content.charges],
        "payments": [
            {
                "tender_id": payment.tender_id,
                "gateway": payment.gateway,
                "amount": str(payment.amount),
                "paid_at": payment.paid_at.isoformat(),
                "method": payment.method,
            }
            for payment in content.payments
        ],
        "concession": str(content.concession) if content.concession else None,
    }
    return {name: value for name, value in document.items() if value}


def from_document(document: Mapping[str, Any]) -> Content:
    """Return the content that ``to_document`` wrote.

    Args:
        document: JSON values.
    """
    return Content(
        lines=tuple(
            DocumentLine(
                line_id=line["line_id"],
                kind=LineKind(line["kind"]),
                sku=line.get("sku"),
                title=line["title"],
                quantity=line["quantity"],
                net=Decimal(line["net"]),
                back_ordered=line.get("back_ordered", 0),
                taxes=_taxes(line),
                location_id=line.get("location_id"),
                restock=Restock(line["restock"]) if "restock" in line else None,
            )
            for line in document.get("lines", ())
        ),
        charges=tuple(
            DocumentCharge(
                charge_id=charge["charge_id"],
                kind=ChargeKind(charge["kind"]),
                title=charge["title"],
                net=Decimal(charge["net"]),
                taxes=_taxes(charge),
            )
            for charge in document.get("charges", ())
        ),
        payments=tuple(
            DocumentPayment(
                tender_id=payment["tender_id"],
                gateway=payment["gateway"],
                amount=Decimal(payment["amount"]),
                paid_at=datetime.fromisoformat(payment["paid_at"]),
                method=payment["method"],
            )
            for payment in document.get("payments", ())
        ),
        concession=Decimal(document["concession"]) if "concession" in document else ZERO,
    )


def _line(line: DocumentLine) -> dict[str, Any]:
    values: dict[str, Any] = {
        "line_id": line.line_id,
        "kind": line.kind.value,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "net": str(line.net),
        "back_ordered": line.back_ordered or None,
        "taxes": _tax_values(line.taxes),
        "location_id": line.location_id,
        "restock": line.restock.value if line.restock else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _charge(charge: DocumentCharge) -> dict[str, Any]:
    return {
        "charge_id": charge.charge_id,
        "kind": charge.kind.value,
        "title": charge.title,
        "net": str(charge.net),
        "taxes": _tax_values(charge.taxes),
    }


def _tax_values(taxes: tuple[DocumentTax, ...]) -> list[list[str | None]]:
    return [
        [
            tax.title,
            None if tax.rate is None else str(tax.rate),
            str(tax.base),
            str(tax.amount),
            tax.jurisdiction,
        ]
        for tax in taxes
    ]


def _taxes(part: Mapping[str, Any]) -> tuple[DocumentTax, ...]:
    return tuple(
        DocumentTax(
            title, None if rate is None else Decimal(rate), Decimal(base), Decimal(amount), place
        )
        for title, rate, base, amount, place in part.get("taxes", ())
    )
