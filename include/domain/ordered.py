"""The sales order as its ERP should hold it once part of it is billed, and part of that credited.

An ERP counts what was billed of an order line and gives nothing back for a credit note. So the
order holds what the store says and, on top, what was billed of it and taken back again.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from include.domain.content import CONCESSION, ON_LINE, Books, Content, PartSum
from include.domain.document import Document, DocumentCharge, DocumentLine, DocumentTax
from include.domain.money import ZERO
from include.domain.order import ChargeKind


def with_taken_back(sale: Document, taken: Books, invoiced: Books) -> Document:
    """Return a sales order with what was billed of it and taken back.

    Args:
        sale: The order as the store says it is now.
        taken: What credit notes take back, the planned one included.
        invoiced: What was billed: lines that are gone from the sale are told by it.
    """
    sums = (*taken.lines.values(), *taken.charges.values())
    if all(part.is_nothing for part in sums):
        return sale
    lines, adjusted = _lines(sale, taken, invoiced)
    charges, concession = _charges(sale, taken, adjusted)
    content = Content(lines, charges, (), concession)
    return replace(sale, lines=lines, charges=charges, concession=concession, total=content.total)


def _lines(
    sale: Document, taken: Books, invoiced: Books
) -> tuple[tuple[DocumentLine, ...], list[DocumentCharge]]:
    left = dict(taken.lines)
    lines: list[DocumentLine] = []
    for line in sale.lines:
        back = left.pop(line.line_id, None)
        if back is not None:
            line = replace(  # noqa: PLW2901
                line,
                quantity=line.quantity + back.quantity,
                net=line.net + back.net,
                taxes=_with_taxes(line.taxes, back),
            )
        lines.append(line)
    adjusted = []
    for line_id in sorted(left):
        back = left[line_id]
        part = (invoiced.lines.get(line_id) or back).part
        if back.quantity and isinstance(part, DocumentLine):
            lines.append(
                replace(
                    part,
                    quantity=back.quantity,
                    net=back.net,
                    taxes=back.tax_lines(),
                    back_ordered=0,
                    restock=None,
                )
            )
        elif not back.is_nothing:
            adjusted.append(_charge(back, f"{ON_LINE}{line_id}"))
    return tuple(lines), adjusted


def _charges(
    sale: Document, taken: Books, adjusted: list[DocumentCharge]
) -> tuple[tuple[DocumentCharge, ...], Decimal]:
    left = dict(taken.charges)
    charges = []
    for charge in sale.charges:
        back = left.pop(charge.charge_id, None)
        if back is not None:
            charge = replace(  # noqa: PLW2901
                charge, net=charge.net + back.net, taxes=_with_taxes(charge.taxes, back)
            )
        charges.append(charge)
    concession = sale.concession
    given = left.pop(CONCESSION, None)
    if given is not None:
        concession -= given.net
    if concession < ZERO:
        charges.append(DocumentCharge(CONCESSION, ChargeKind.ADJUSTMENT, "Concession", -concession))
        concession = ZERO
    charges += [_charge(left[key], key) for key in sorted(left) if not left[key].is_nothing]
    return (*charges, *adjusted), concession


def _with_taxes(taxes: tuple[DocumentTax, ...], back: PartSum) -> tuple[DocumentTax, ...]:
    left = {(tax.title, tax.rate, tax.jurisdiction): tax for tax in back.tax_lines()}
    merged = []
    for tax in taxes:
        own = left.pop((tax.title, tax.rate, tax.jurisdiction), None)
        if own is not None:
            tax = replace(tax, base=tax.base + own.base, amount=tax.amount + own.amount)  # noqa: PLW2901
        merged.append(tax)
    return (*merged, *left.values())


def _charge(back: PartSum, charge_id: str) -> DocumentCharge:
    part = back.part
    kind = part.kind if isinstance(part, DocumentCharge) else ChargeKind.ADJUSTMENT
    return DocumentCharge(charge_id, kind, part.title, back.net, back.tax_lines())
