"""What acts on a document that GP holds in work: order change, payment, void.

GP keeps no second document of these, so the document itself says what has been done to it:
INTEGRATIONID of its header lists the order change in effect and the payments that were added
(``c2 p1.3``), written in the same transaction as the change. A void shows as the voided document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count

from include.connectors.erps.dynamics_gp.calls import Call
from include.connectors.erps.dynamics_gp.econnect.fields import Procedure, Value
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateSopPaymentInsertRecord,
    TaSopLineIvcInsert,
    TaSopLineIvcTaxInsert,
)
from include.connectors.erps.dynamics_gp.payloads import (
    PAYMENT_BAND,
    SEQUENCE_STEP,
    GpDocument,
    GpPayment,
)
from include.connectors.erps.dynamics_gp.records import HeldDocument, HeldLine
from include.domain.errors import Refused
from include.domain.money import ZERO

MARKS = re.compile(r"(?:c(?P<change>\d+))?\s?(?:p(?P<payments>\d+(?:\.\d+)*))?")
DELETE, MODIFY = 2, 3  # Action of taCreateSopPaymentInsertRecord


@dataclass(frozen=True, slots=True)
class Marks:
    """What has been done to a document, as its header's INTEGRATIONID says.

    Attributes:
        change: Sequence of the order change in effect, 0 for none.
        payments: Sequences of the payments that were added.
    """

    change: int = 0
    payments: frozenset[int] = frozenset()

    @classmethod
    def read(cls, text: str) -> Marks:
        """Read INTEGRATIONID; a text of somebody else's marks nothing.

        Args:
            text: What the field holds.
        """
        found = MARKS.fullmatch(text.strip())
        if not found:
            return cls()
        payments = found["payments"].split(".") if found["payments"] else []
        return cls(int(found["change"] or 0), frozenset(map(int, payments)))

    def __str__(self) -> str:
        parts = [f"c{self.change}"] if self.change else []
        if self.payments:
            parts.append("p" + ".".join(map(str, sorted(self.payments))))
        return " ".join(parts)


def change_calls(payload: GpDocument, held: HeldDocument) -> list[Call]:
    """Return the calls that make an order in work stand as an order change says.

    A line of the store is known by its INTEGRATIONID and keeps its LNITMSEQ. What is no longer
    ordered is cancelled (QTYCANCE), never deleted: GP keeps showing what was ordered once.

    Args:
        payload: The order as it should stand.
        held: The order as GP holds it.

    Raises:
        Refused: A line was added by a person, or is invoiced beyond what is left of it.
    """
    foreign = [line for line in held.lines if not line.mark and line.ordered > line.cancelled]
    if foreign:
        raise Refused(
            f"order {payload.reference}: {len(foreign)} of its lines in GP did not come from the "
            f"store ({foreign[0].item}): change it by hand",
            rule="lines_of_the_store",
            field="INTEGRATIONID",
        )
    sequences: dict[int, int] = {}
    lines = sorted(_lines(payload, held, sequences), key=lambda x: (x.ITEMNMBR, x.LNITMSEQ or 0))
    taxes = list(_taxes(payload, held, sequences))
    payments = list(_deposits(payload, held))
    marks = replace(Marks.read(held.document.mark), change=payload.change)
    header = replace(payload.header, INTEGRATIONID=str(marks))
    return _calls([*lines, *taxes, *payments, header], held)


def payment_calls(payload: GpPayment, held: HeldDocument) -> list[Call]:
    """Return the calls that add payments to a document in work.

    Args:
        payload: The payments.
        held: The document as GP holds it.
    """
    marks = Marks.read(held.document.mark)
    received = sum((payment.amount for payment in held.payments), ZERO)
    received += sum((payment.DOCAMNT or ZERO for payment in payload.payments), ZERO)
    header = replace(
        payload.header,
        PYMTRCVD=received,
        INTEGRATIONID=str(replace(marks, payments=marks.payments | {payload.sequence})),
    )
    return _calls([*payload.payments, header], held)


def added_by(sequence: int, payment_sequence: int) -> bool:
    """Tell whether a payment's SEQNUMBR is one of those that a payment document added.

    Args:
        sequence: Sequence of the payment document.
        payment_sequence: SEQNUMBR of SOP10103.
    """
    return payment_sequence // PAYMENT_BAND == sequence


def follow_lines(payload: GpDocument, held: HeldDocument) -> GpDocument:
    """Give an invoice's lines the LNITMSEQ of the order's lines that they bill.

    After a change, or where an invoice bills part of the order, the order's lines do not stand
    where the invoice lists them, and GP transfers line by line.

    Args:
        payload: The invoice.
        held: Its order in work.

    Raises:
        Refused: A line has fewer units left to bill than the invoice bills.
    """
    known = {(line.mark, line.item): line for line in held.lines}
    free = _free_sequences(held)
    sequences: dict[int, int] = {}
    body: list[Procedure] = []
    for part in payload.body:
        if isinstance(part, TaSopLineIvcInsert):
            line = known.get((part.INTEGRATIONID or "", part.ITEMNMBR))
            if line is not None and line.left < part.QUANTITY:
                raise _more_than_left(payload, line, part.QUANTITY)
            own = line.sequence if line else next(free)
            sequences[part.LNITMSEQ or 0] = own
            body.append(replace(part, LNITMSEQ=own))
        elif isinstance(part, TaSopLineIvcTaxInsert):
            body.append(replace(part, LNITMSEQ=sequences.get(part.LNITMSEQ or 0, 0)))
        else:
            body.append(part)
    return replace(payload, body=tuple(body))


def _lines(
    payload: GpDocument, held: HeldDocument, sequences: dict[int, int]
) -> Iterator[TaSopLineIvcInsert]:
    known = {(line.mark, line.item): line for line in held.lines}
    free = _free_sequences(held)
    for wanted in (part for part in payload.body if isinstance(part, TaSopLineIvcInsert)):
        line = known.pop((wanted.INTEGRATIONID or "", wanted.ITEMNMBR), None)
        own = line.sequence if line else next(free)
        sequences[wanted.LNITMSEQ or 0] = own
        yield _kept(payload, wanted, line) if line else replace(wanted, LNITMSEQ=own)
    for line in known.values():
        if line.ordered > line.cancelled:
            yield _cancelled(payload, line)


def _kept(payload: GpDocument, wanted: TaSopLineIvcInsert, line: HeldLine) -> TaSopLineIvcInsert:
    units = wanted.QUANTITY + (wanted.QTYTBAOR or ZERO)
    if line.transferred > wanted.QUANTITY:
        raise _invoiced(payload, line, units)
    return replace(
        wanted,
        LNITMSEQ=line.sequence,
        QUANTITY=wanted.QUANTITY - line.transferred,
        QTYCANCE=max(line.ordered - units, ZERO),
    )


def _cancelled(payload: GpDocument, line: HeldLine) -> TaSopLineIvcInsert:
    if line.transferred:
        raise _invoiced(payload, line, ZERO)
    header = payload.header
    return TaSopLineIvcInsert(
        SOPTYPE=payload.soptype,
        SOPNUMBE=header.SOPNUMBE,
        CUSTNMBR=header.CUSTNMBR,
        DOCDATE=header.DOCDATE,
        LNITMSEQ=line.sequence,
        ITEMNMBR=line.item,
        NONINVEN=1 if line.non_inventory else None,
        ITEMDESC=line.description if line.non_inventory else None,
        LOCNCODE=line.site,
        UOFM=line.unit_of_measure,
        CURNCYID=line.currency,
        QUANTITY=ZERO,
        QTYTBAOR=ZERO,
        QTYCANCE=line.ordered,
        UNITPRCE=ZERO,
        XTNDPRCE=ZERO,
        TAXAMNT=ZERO,
        UpdateIfExists=1,
    )


def _invoiced(payload: GpDocument, line: HeldLine, units: Decimal) -> Refused:
    return Refused(
        f"order {payload.reference}: {line.transferred:f} of {line.item} are invoiced and "
        f"{units:f} should be left: credit the invoice instead",
        rule="line_invoiced",
        field="QUANTITY",
    )


def _more_than_left(payload: GpDocument, line: HeldLine, units: Decimal) -> Refused:
    wanted, left = units.normalize(), line.left.normalize()
    return Refused(
        f"invoice {payload.reference} bills {wanted:f} of {line.item} and {left:f} are left on "
        "that line of its order: bill it by hand, then credit or bill the difference",
        rule="line_left_to_bill",
        field="QUANTITY",
    )


def _taxes(
    payload: GpDocument, held: HeldDocument, sequences: Mapping[int, int]
) -> Iterator[TaSopLineIvcTaxInsert]:
    """Yield the taxes wanted, and each tax that is held and no longer wanted at nothing."""
    wanted = [
        replace(part, LNITMSEQ=sequences.get(part.LNITMSEQ or 0, 0))
        for part in payload.body
        if isinstance(part, TaSopLineIvcTaxInsert)
    ]
    yield from wanted
    given = {(part.LNITMSEQ, part.TAXDTLID) for part in wanted}
    header = payload.header
    for tax in held.taxes:
        if (tax.sequence, tax.detail) not in given:
            yield TaSopLineIvcTaxInsert(
                SOPTYPE=payload.soptype,
                SOPNUMBE=header.SOPNUMBE,
                CUSTNMBR=header.CUSTNMBR,
                LNITMSEQ=tax.sequence,
                TAXDTLID=tax.detail,
                SALESAMT=ZERO,
                STAXAMNT=ZERO,
                TDTTXSLS=ZERO,
                FREIGHT=None if tax.sequence else ZERO,
                FRTTXAMT=None if tax.sequence else ZERO,
            )


def _deposits(payload: GpDocument, held: HeldDocument) -> Iterator[TaCreateSopPaymentInsertRecord]:
    """Yield what makes the deposits those of the change: new, modified or deleted, by tender."""
    left = list(held.payments)
    free = count(max((p.sequence for p in held.payments), default=0) + SEQUENCE_STEP, SEQUENCE_STEP)
    for wanted in (p for p in payload.body if isinstance(p, TaCreateSopPaymentInsertRecord)):
        same = next((p for p in left if p.mark == wanted.AUTHCODE), None)
        if same is None:
            yield replace(wanted, SEQNUMBR=next(free))
            continue
        left.remove(same)
        if same.amount != wanted.DOCAMNT:
            yield replace(
                wanted,
                Action=MODIFY,
                SEQNUMBR=same.sequence,
                PYMTTYPE=same.kind,
                DOCNUMBR=same.number,
            )
    header = payload.header
    for gone in left:
        yield TaCreateSopPaymentInsertRecord(
            SOPTYPE=payload.soptype,
            SOPNUMBE=header.SOPNUMBE,
            CUSTNMBR=header.CUSTNMBR,
            Action=DELETE,
            SEQNUMBR=gone.sequence,
            PYMTTYPE=gone.kind,
            DOCNUMBR=gone.number,
        )


def _calls(procedures: Sequence[Procedure], held: HeldDocument) -> list[Call]:
    """Fill in what is the held document's own: number, customer, date and batch."""
    document = held.document
    own: dict[str, Value] = {
        "SOPNUMBE": document.sopnumbe,
        "CUSTNMBR": document.customer,
        "DOCDATE": document.document_on,
        "BACHNUMB": document.batch,
    }
    return [
        Call(p.PROCEDURE, {**p.values(), **{k: v for k, v in own.items() if k in p.REQUIRED}})
        for p in procedures
    ]


def _free_sequences(held: HeldDocument) -> Iterator[int]:
    last = max((line.sequence for line in held.lines), default=0)
    return count(last + SEQUENCE_STEP, SEQUENCE_STEP)
