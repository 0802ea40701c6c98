"""Canonical orders for the tests of the planner: small, true to the cent, easy to bend."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from include.domain.money import NOTHING, Amount, total_of
from include.domain.order import (
    Charge,
    ChargeKind,
    Customer,
    FinancialStatus,
    LineKind,
    Order,
    OrderLine,
    StatedTotals,
    TaxLine,
    Tender,
    TenderKind,
    TenderStatus,
)

PLACED = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)


def amount(value: str | Decimal) -> Amount:
    exact = Decimal(value)
    return Amount(exact, exact)


def tax(value: str, title: str = "NY State Tax", *, marketplace: bool = False) -> TaxLine:
    return TaxLine(
        title, amount(value), amount(value), Decimal("0.08"), collected_by_marketplace=marketplace
    )


def line(
    line_id: str = "L1",
    *,
    sku: str | None = "TEE-1",
    quantity: int = 2,
    left: int | None = None,
    price: str = "10.00",
    taxes: tuple[TaxLine, ...] = (),
    kind: LineKind = LineKind.GOODS,
    fulfilled: int | None = None,
) -> OrderLine:
    current = quantity if left is None else left
    return OrderLine(
        line_id=line_id,
        kind=kind,
        sku=sku,
        title=f"Thing {line_id}",
        quantity=quantity,
        current_quantity=current,
        unit_price=amount(price),
        current_price=amount(Decimal(price) * current),
        taxes=taxes,
        fulfilled_quantity=fulfilled,
    )


def shipping(price: str = "5.00", taxes: tuple[TaxLine, ...] = ()) -> Charge:
    return Charge("S1", ChargeKind.SHIPPING, "Standard", amount(price), amount(price), taxes=taxes)


def tender(
    value: str,
    tender_id: str = "T1",
    *,
    gateway: str = "shopify_payments",
    kind: TenderKind = TenderKind.SALE,
    status: TenderStatus = TenderStatus.SUCCESS,
    parent: str | None = None,
) -> Tender:
    return Tender(tender_id, gateway, kind, status, amount(value), PLACED, parent_id=parent)


def order(
    *lines: OrderLine,
    charges: tuple[Charge, ...] = (),
    tenders: tuple[Tender, ...] | None = None,
    taxes_included: bool = False,
    **changes: object,
) -> Order:
    lines = lines or (line(),)
    parts = [part.current_price for part in lines]
    parts += [c.current_price for c in charges if c.kind is not ChargeKind.ROUNDING]
    taxes = [t.current_amount for part in (*lines, *charges) for t in part.taxes]
    total = total_of(parts if taxes_included else parts + taxes)
    rounding = total_of(c.current_price for c in charges if c.kind is ChargeKind.ROUNDING)
    if tenders is None:
        paid = total.plus(rounding).shop
        tenders = (tender(str(paid)),) if paid else ()
    good = [t for t in tenders if t.status is TenderStatus.SUCCESS]
    received = total_of(t.amount for t in good if t.kind in (TenderKind.SALE, TenderKind.CAPTURE))
    refunded = total_of(t.amount for t in good if t.kind is TenderKind.REFUND)
    stated = StatedTotals(
        original_total=total,
        current_total=total,
        current_subtotal=total_of(part.current_price for part in lines),
        current_tax=total_of(taxes),
        current_shipping=total_of(
            c.current_price for c in charges if c.kind is ChargeKind.SHIPPING
        ),
        rounding=rounding,
        received=received,
        refunded=refunded,
        net_payment=received.minus(refunded),
        refund_discrepancy=changes.pop("refund_discrepancy", NOTHING),  # type: ignore[arg-type]
    )
    whole = Order(
        channel="shopify_gp",
        order_id_store="gid://shopify/Order/1001",
        number="#1001",
        placed_at=PLACED,
        updated_at=PLACED,
        currency="USD",
        presentment_currency="USD",
        taxes_included=taxes_included,
        stated=stated,
        lines=lines,
        charges=charges,
        tenders=tenders,
        customer=Customer("gid://shopify/Customer/7"),
        financial_status=FinancialStatus.PAID,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]
