"""Customer invoices and credit notes: created as drafts with the store's own taxes, then posted.

Taxes are given to Tryton as the store charged them, name by name, so that a document ties to the
cent however Tryton would round. A credit note is an invoice with negative quantities.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from include.connectors.erps.tryton.company import CompanyBook
from include.connectors.erps.tryton.customers import Party
from include.connectors.erps.tryton.documents import TAX_DIFFERENCE, Part, TrytonDocument
from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.sale_records import SaleLine
from include.domain.document import DocumentKind
from include.domain.errors import Refused
from include.domain.money import ZERO

MODEL = "account.invoice"
# Tries to give an invoice a date that is not before the last one that got a number.
_DATINGS = 6


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or a credit note as Tryton holds it.

    Attributes:
        mark: Whose document it is.
        total: With taxes; negative on a credit note.
        line_count: Lines, without the one that only completes a sale.
        party: Who it is booked on.
    """

    id: int
    number: str
    mark: str
    state: str
    total: Decimal
    line_count: int
    party: Party


class Invoices:
    """Invoices of a company.

    Args:
        client: The session.
        book: The company's set-up.
    """

    def __init__(self, client: TrytonClient, book: CompanyBook) -> None:
        self.client = client
        self.book = book
        self._lock = threading.Lock()
        self._latest: dict[tuple[int, str], date] = {}

    def find(self, marks: Sequence[str]) -> list[Invoice]:
        """Return invoices and credit notes by the marks of their documents.

        Args:
            marks: What the invoices' descriptions hold.
        """
        if not marks:
            return []
        rows = self.client.search(
            MODEL,
            [["description", "in", list(marks)], ["company", "=", self.book.company.id]],
            [
                *("number", "description", "state", "total_amount"),
                *("party", "account", "invoice_address", "lines.type", "lines.note"),
            ],
        )
        return [_invoice(row) for row in rows]

    def lines_of(self, mark: str, keys: Iterable[str]) -> dict[tuple[str, int], int]:
        """Return the lines of a document's invoice by the store's line id and the product.

        Args:
            mark: What the invoice's description holds.
            keys: The store's line ids.
        """
        rows = self.client.search(
            "account.invoice.line",
            [["invoice.description", "=", mark], ["note", "in", sorted(keys)]],
            ["note", "product"],
        )
        return {(row["note"], row["product"]): row["id"] for row in rows}

    def draft(
        self,
        document: TrytonDocument,
        party: Party,
        origins: Mapping[str, str],
        extra: SaleLine | None,
    ) -> int:
        """Create a draft.

        Args:
            document: What it bills or credits.
            party: Who it is booked on.
            origins: What each part continues, by its key.
            extra: The line of a sale that holds its tax difference: completed by this invoice.
        """
        company = self.book.company
        sign = -1 if document.key.kind is DocumentKind.CREDIT_NOTE else 1
        invoiced_on, accounted_on = self._dates(document)
        self.book.products({part.product for part in document.parts})
        lines = [self._line(part, sign, origins.get(part.key)) for part in document.parts]
        if extra is not None:
            lines.append(self._completing(extra))
        taxes = []
        for tax in document.taxes:
            known = self.book.tax(tax.tax)
            amount = sign * tax.amount
            taxes.append(
                {
                    "manual": True,
                    "tax": known.id,
                    "account": known.invoice_account if amount >= ZERO else known.credit_account,
                    "description": tax.tax,
                    "base": sign * tax.base,
                    "amount": amount,
                }
            )
        (made,) = self.client.create(
            MODEL,
            [
                {
                    "type": "out",
                    "party": party.id,
                    "invoice_address": party.invoice_address,
                    "company": company.id,
                    "currency": company.currency,
                    "account": party.receivable,
                    "journal": company.journal,
                    "payment_term": company.payment_term,
                    "reference": document.reference,
                    "description": document.mark,
                    "invoice_date": invoiced_on,
                    "accounting_date": accounted_on,
                    "lines": [["create", lines]],
                    "taxes": [["create", taxes]],
                }
            ],
        )
        return made

    def post(self, document: TrytonDocument, invoice: int) -> None:
        """Post a draft, dated after whatever got a number meanwhile.

        Args:
            document: What it is for.
            invoice: Record of the draft.

        Raises:
            Refused: Tryton said no.
        """
        dated: tuple[date, date | None] | None = None
        for attempt in range(1, _DATINGS + 1):
            try:
                self.client.press(MODEL, "post", [invoice])
            except Refused:
                # Others may have got their numbers since the draft was dated.
                latest = self._dates(document, afresh=True)
                if attempt == _DATINGS or latest == dated:
                    raise
                dated = latest
                values = {"invoice_date": latest[0], "accounting_date": latest[1]}
                self.client.write(MODEL, [invoice], values)
            else:
                return

    def owed(self, document: TrytonDocument) -> dict[tuple[int, int], Decimal]:
        """Return what the document sells that is owed, by account it is earned on and due on.

        Args:
            document: An invoice or a credit note.
        """
        sign = -1 if document.key.kind is DocumentKind.CREDIT_NOTE else 1
        found: dict[tuple[int, int], Decimal] = {}
        for part in document.parts:
            code = self.book.settings.owed_accounts.get(part.product)
            if code is None:
                continue
            place = (self.book.product(part.product).account, self.book.company.accounts[code])
            found[place] = found.get(place, ZERO) + sign * part.amount(document.currency)
        return {place: amount for place, amount in found.items() if amount}

    def _dates(self, document: TrytonDocument, *, afresh: bool = False) -> tuple[date, date | None]:
        """Return invoice and accounting date: numbers only go forward in Tryton.

        A document that comes after later ones got their numbers is dated with the last of them and
        keeps its own day as the accounting date.
        """
        year = self.book.fiscal_year(document.accounting_on)
        kind = "credit_note" if document.key.kind is DocumentKind.CREDIT_NOTE else "invoice"
        with self._lock:
            latest = self._latest.get((year, kind))
        if latest is None or afresh:
            rows = self.client.search(
                MODEL,
                [
                    *(["type", "=", "out"], ["sequence_type_cache", "=", kind]),
                    *(["move.period.fiscalyear", "=", year], ["number", "!=", None]),
                ],
                ["invoice_date"],
                limit=1,
                order=[("invoice_date", "DESC")],
            )
            latest = rows[0]["invoice_date"] if rows else date.min
        invoiced_on = max(document.on, latest)
        with self._lock:
            known = self._latest.get((year, kind), date.min)
            self._latest[year, kind] = max(known, invoiced_on)
        accounted_on = document.accounting_on
        return invoiced_on, None if accounted_on == invoiced_on else accounted_on

    def _line(self, part: Part, sign: int, origin: str | None) -> dict[str, Any]:
        product = self.book.product(part.product)
        return {
            "type": "line",
            "product": product.id,
            "quantity": float(sign * part.quantity),
            "unit": product.unit,
            "unit_price": part.unit_price,
            "account": product.account,
            "note": part.key,
            "description": part.title,
            **({"origin": origin} if origin else {}),
        }

    def _completing(self, line: SaleLine) -> dict[str, Any]:
        """Spell the line that bills a sale's tax difference at nothing: the taxes have it."""
        account = self.book.company.revenue
        return {
            "type": "line",
            "quantity": float(line.quantity),
            "unit_price": ZERO,
            "account": account,
            "note": TAX_DIFFERENCE,
            "description": "Tax difference, see the taxes",
            "origin": f"sale.line,{line.id}",
        }


def _invoice(row: Mapping[str, Any]) -> Invoice:
    lines = [
        line for line in row["lines."] if line["type"] == "line" and line["note"] != TAX_DIFFERENCE
    ]
    return Invoice(
        id=row["id"],
        number=row["number"] or "",
        mark=row["description"],
        state=row["state"],
        total=row["total_amount"],
        line_count=len(lines),
        party=Party(row["party"], row["invoice_address"], row["invoice_address"], row["account"]),
    )
