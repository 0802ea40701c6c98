"""Money for an invoice that GP has posted: cash receipts in receivables, applied to the invoice.

GP takes no payment on a posted sales document. Each payment becomes a receipt of its own, numbered
from the payment document (``#1001/P1``, ``#1001/P1.2``), which is what it is found by.
"""

from __future__ import annotations

from decimal import Decimal

from include.connectors.erps.dynamics_gp.calls import Call
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateUpdateBatchHeaderRcd,
    TaRMApply,
    TaRMCashReceiptInsert,
)
from include.connectors.erps.dynamics_gp.payloads import GpPayment
from include.connectors.erps.dynamics_gp.records import SopDocument
from include.domain.errors import Refused
from include.domain.money import ZERO

CASH_BATCH = "RM_Cash"
RECEIPT, INVOICE = 9, 1  # RMDTYPAL
RECEIPT_TYPES = {1: 1, 2: 0, 0: 2}  # PYMTTYPE modulo 3 (cash, check, card) to CSHRCTYP


def receipt_calls(
    payload: GpPayment,
    invoice: SopDocument,
    *,
    batch: str,
    has_batch: bool,
    open_amount: Decimal,
) -> list[Call]:
    """Return the calls that book payments for a posted invoice as cash receipts.

    Args:
        payload: The payments.
        invoice: The invoice as GP's history shows it.
        batch: Batch of the receipts.
        has_batch: Whether there is one of that name.
        open_amount: What the invoice is still open for; the rest stays on account.

    Raises:
        Refused: The order's number is too long for a receipt's.
    """
    calls: list[Call] = []
    if not has_batch:
        made = TaCreateUpdateBatchHeaderRcd(
            BACHNUMB=batch,
            GLPOSTDT=payload.post_on,
            SERIES=3,
            BCHSOURC=CASH_BATCH,
            ORIGIN=1,
            DOCAMT=ZERO,
            NUMOFTRX=0,
        )
        calls.append(Call(made.PROCEDURE, made.values()))
    for step, payment in enumerate(payload.payments, start=1):
        number = payload.receipt if step == 1 else f"{payload.receipt}.{step}"
        _require_fit(number)
        amount = payment.DOCAMNT or ZERO
        received = TaRMCashReceiptInsert(
            CUSTNMBR=invoice.customer,
            DOCNUMBR=number,
            DOCDATE=payload.header.DOCDATE,
            ORTRXAMT=amount,
            GLPOSTDT=payload.post_on,
            BACHNUMB=batch,
            CSHRCTYP=RECEIPT_TYPES[(payment.PYMTTYPE or 1) % 3],
            CHEKBKID=payment.CHEKBKID,
            CHEKNMBR=payment.CHEKNMBR,
            CRCARDID=payment.CARDNAME,
            TRXDSCRN=payment.AUTHCODE,
        )
        calls.append(Call(received.PROCEDURE, received.values()))
        applied = min(amount, open_amount)
        open_amount -= applied
        if applied:
            apply = TaRMApply(
                APTODCNM=invoice.sopnumbe,
                APFRDCNM=number,
                APPTOAMT=applied,
                APFRDCTY=RECEIPT,
                APTODCTY=INVOICE,
                APPLYDATE=payload.header.DOCDATE,
                GLPOSTDT=payload.post_on,
            )
            calls.append(Call(apply.PROCEDURE, apply.values()))
    return calls


def _require_fit(number: str) -> None:
    fault = TaRMCashReceiptInsert.RULES["DOCNUMBR"].fault(number)
    if fault is not None:
        raise Refused(
            f"cash receipt {number}: DOCNUMBR {fault}: shorten the prefix or suffix of order "
            "numbers in the store",
            rule="reference_fits",
            field="DOCNUMBR",
        )
