"""Asks a company for its sales documents, in work and history, and for cash receipts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping

from include.connectors.erps.dynamics_gp.records import (
    HeldDocument,
    HeldLine,
    HeldPayment,
    HeldReceipt,
    HeldTax,
    SopDocument,
)
from include.connectors.erps.dynamics_gp.tables import CHUNK, Tables, casts, day_of, pattern

_DOCUMENTS = """
select {place} in_history, h.SOPTYPE soptype, h.SOPNUMBE sopnumbe, h.DOCID docid,
    h.CSTPONBR cstponbr, h.DOCAMNT docamnt, h.CURNCYID curncyid, h.VOIDSTTS voidstts,
    h.BACHNUMB batch, h.CUSTNMBR customer, h.DOCDATE docdate, h.INTEGRATIONID mark,
    (select count(*) from {lines} l where l.SOPTYPE = h.SOPTYPE and l.SOPNUMBE = h.SOPNUMBE
        and l.CMPNTSEQ = 0 and l.QUANTITY > l.QTYCANCE) line_count,
    (select coalesce(max(l.QTYPRINV), 0) from {lines} l where l.SOPTYPE = h.SOPTYPE
        and l.SOPNUMBE = h.SOPNUMBE) transferred,
    (select coalesce(sum(p.AMNTPAID), 0) from SOP10103 p where p.SOPTYPE = h.SOPTYPE
        and p.SOPNUMBE = h.SOPNUMBE) paid,
    (select coalesce(sum(l.QTYTBAOR), 0) from {lines} l where l.SOPTYPE = h.SOPTYPE
        and l.SOPNUMBE = h.SOPNUMBE) back_ordered
from {headers} h
where {references} and h.DOCID in ({document_ids})
"""
_LINES = """
select LNITMSEQ lnitmseq, ITEMNMBR itemnmbr, INTEGRATIONID mark, QUANTITY quantity,
    QTYCANCE qtycance, QTYPRINV qtyprinv, LOCNCODE locncode, UOFM uofm, CURNCYID curncyid,
    NONINVEN noninven, ITEMDESC itemdesc
from SOP10200
where SOPTYPE = :soptype and SOPNUMBE = cast(:number as varchar(21)) and CMPNTSEQ = 0
order by LNITMSEQ
"""
_SHORT = """
select INTEGRATIONID mark, sum(QTYTBAOR) units from SOP10200
where SOPTYPE = 2 and SOPNUMBE = cast(:number as varchar(21)) and CMPNTSEQ = 0
group by INTEGRATIONID
"""
_TAXES = """
select LNITMSEQ lnitmseq, TAXDTLID taxdtlid from SOP10105
where SOPTYPE = :soptype and SOPNUMBE = cast(:number as varchar(21))
order by LNITMSEQ, TAXDTLID
"""
_PAYMENTS = """
select SOPTYPE soptype, SOPNUMBE sopnumbe, SEQNUMBR seqnumbr, PYMTTYPE pymttype, DOCNUMBR docnumbr,
    AUTHCODE mark, AMNTPAID amntpaid
from SOP10103 where SOPNUMBE in ({numbers}) order by SOPTYPE, SOPNUMBE, SEQNUMBR
"""
_RECEIPTS = """
select DOCNUMBR docnumbr, ORTRXAMT ortrxamt, 0 posted from RM10201 where {numbers}
union all select DOCNUMBR, ORTRXAMT, 1 from RM20101
    where RMDTYPAL = 9 and VOIDSTTS = 0 and {numbers}
union all select DOCNUMBR, ORTRXAMT, 1 from RM30101
    where RMDTYPAL = 9 and VOIDSTTS = 0 and {numbers}
order by 1
"""
_OPEN_AMOUNT = """
select CURTRXAM curtrxam from RM20101
where RMDTYPAL = 1 and VOIDSTTS = 0 and DOCNUMBR = cast(:number as varchar(21))
"""


class SalesTables(Tables):
    """Sales documents (SOP), their lines, taxes and payments, and cash receipts (RM)."""

    def documents(
        self, references: Sequence[str], docids: Sequence[str], *, with_later: bool = False
    ) -> list[SopDocument]:
        """Look sales documents up in work and history by their customer PO number.

        Args:
            references: What CSTPONBR holds.
            docids: Document ids that are ours.
            with_later: Find the later documents of the same orders, too (``#1001/2``).

        Returns:
            Documents in no order; amounts in functional currency.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        found: list[SopDocument] = []
        for start in range(0, len(references), CHUNK):
            chunk = references[start : start + CHUNK]
            values: dict[str, Any] = {f"r{i}": value for i, value in enumerate(chunk)}
            values |= {f"d{i}": value for i, value in enumerate(docids)}
            wanted = f"h.CSTPONBR in ({casts('r', len(chunk), 'varchar(21)')})"
            if with_later:
                values |= {f"l{i}": pattern(value) for i, value in enumerate(chunk)}
                likes = (
                    f"h.CSTPONBR like cast(:l{i} as varchar(50)) escape '!'"
                    for i in range(len(chunk))
                )
                wanted = f"({wanted} or {' or '.join(likes)})"
            chosen = {
                "references": wanted,
                "document_ids": casts("d", len(docids), "varchar(15)"),
            }
            work = _DOCUMENTS.format(place=0, headers="SOP10100", lines="SOP10200", **chosen)
            past = _DOCUMENTS.format(place=1, headers="SOP30200", lines="SOP30300", **chosen)
            found += [_sop_document(row) for row in self.rows(f"{work} union all {past}", values)]
        return found

    def held(self, document: SopDocument) -> HeldDocument:
        """Read a document in work with its lines, taxes and payments.

        Args:
            document: What ``documents`` found.

        Returns:
            The document with its lines, taxes and payments, in their order.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        values = {"soptype": document.soptype, "number": document.sopnumbe}
        lines = tuple(
            HeldLine(
                sequence=int(row["lnitmseq"]),
                item=row["itemnmbr"].rstrip(),
                mark=row["mark"].rstrip(),
                ordered=row["quantity"],
                cancelled=row["qtycance"],
                transferred=row["qtyprinv"],
                site=row["locncode"].rstrip(),
                unit_of_measure=row["uofm"].rstrip(),
                currency=row["curncyid"].rstrip(),
                non_inventory=bool(row["noninven"]),
                description=row["itemdesc"].rstrip(),
            )
            for row in self.rows(_LINES, values)
        )
        taxes = tuple(
            HeldTax(int(row["lnitmseq"]), row["taxdtlid"].rstrip())
            for row in self.rows(_TAXES, values)
        )
        payments = (p for p in self.payments([document.sopnumbe]) if p.soptype == document.soptype)
        return HeldDocument(document, lines, taxes, tuple(payments))

    def payments(self, numbers: Sequence[str]) -> list[HeldPayment]:
        """Read the payments of documents by their numbers.

        Args:
            numbers: What SOPNUMBE holds.

        Returns:
            Payments of orders, invoices and returns, in the currency of their document.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        found: list[HeldPayment] = []
        for start in range(0, len(numbers), CHUNK):
            chunk = numbers[start : start + CHUNK]
            statement = _PAYMENTS.format(numbers=casts("n", len(chunk), "varchar(21)"))
            found += [
                HeldPayment(
                    soptype=int(row["soptype"]),
                    sopnumbe=row["sopnumbe"].rstrip(),
                    sequence=int(row["seqnumbr"]),
                    kind=int(row["pymttype"]),
                    number=row["docnumbr"].rstrip(),
                    mark=row["mark"].rstrip(),
                    amount=row["amntpaid"],
                )
                for row in self.rows(statement, {f"n{i}": n for i, n in enumerate(chunk)})
            ]
        return found

    def short(self, order: str) -> dict[str, Decimal]:
        """Return what waits for stock on an order in work, by the mark of its lines.

        Args:
            order: Number of a sales order.

        Returns:
            Units back-ordered (QTYTBAOR), by INTEGRATIONID; 0 where a line waits for none.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        return {row["mark"].rstrip(): row["units"] for row in self.rows(_SHORT, {"number": order})}

    def receipts(self, numbers: Sequence[str], rest: str = ".%") -> list[HeldReceipt]:
        """Read cash receipts by their numbers, with those that count on from them (``#1/P1.2``).

        Args:
            numbers: What DOCNUMBR is, or begins with.
            rest: Pattern of what may follow.

        Returns:
            Receipts by number; amounts in functional currency.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        found: list[HeldReceipt] = []
        for start in range(0, len(numbers), CHUNK):
            chunk = numbers[start : start + CHUNK]
            values: dict[str, Any] = {f"n{i}": number for i, number in enumerate(chunk)}
            values |= {f"l{i}": pattern(number, rest) for i, number in enumerate(chunk)}
            likes = (
                f"DOCNUMBR like cast(:l{i} as varchar(50)) escape '!'" for i in range(len(chunk))
            )
            wanted = f"DOCNUMBR in ({casts('n', len(chunk), 'varchar(21)')})"
            statement = _RECEIPTS.format(numbers=f"({wanted} or {' or '.join(likes)})")
            found += [
                HeldReceipt(row["docnumbr"].rstrip(), row["ortrxamt"], bool(row["posted"]))
                for row in self.rows(statement, values)
            ]
        return found

    def open_amount(self, invoice: str) -> Decimal:
        """Return what a posted invoice is still open for in receivables; nothing if it is not.

        Args:
            invoice: Number of an invoice.

        Returns:
            CURTRXAM of RM20101, in functional currency.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        rows = self.rows(_OPEN_AMOUNT, {"number": invoice})
        return rows[0]["curtrxam"] if rows else Decimal(0)


def _sop_document(row: RowMapping) -> SopDocument:
    return SopDocument(
        in_history=bool(row["in_history"]),
        soptype=int(row["soptype"]),
        sopnumbe=row["sopnumbe"].rstrip(),
        docid=row["docid"].rstrip(),
        cstponbr=row["cstponbr"].rstrip(),
        docamnt=row["docamnt"],
        curncyid=row["curncyid"].rstrip(),
        voided=bool(row["voidstts"]),
        lines=int(row["line_count"]),
        paid=row["paid"],
        back_ordered=row["back_ordered"],
        batch=row["batch"].rstrip(),
        customer=row["customer"].rstrip(),
        document_on=day_of(row["docdate"]),
        mark=row["mark"].rstrip(),
        transferred=bool(row["transferred"]),
    )
