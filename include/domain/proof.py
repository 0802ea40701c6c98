"""The window proof: every order the store names is posted, held or skipped, in number and money."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from include.domain.document import DocumentKind
from include.domain.money import ZERO
from include.domain.window import Window


class Outcome(StrEnum):
    """What became of one order of the window.

    ``unexplained`` is the alarm: the store names the order and nothing accounts for it, or the ERP
    holds it otherwise than it was sent (lost, short of a line, doubled, another amount).
    """

    POSTED = "posted"
    HELD = "held"
    SKIPPED = "skipped"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class ProofOrder:
    """One order that was not simply posted.

    Attributes:
        order_id_store: The store's id.
        order_number: The number people use.
        outcome: Held, skipped or unexplained.
        reason: Short name of the reason.
        message: The reason in words and what to do.
        owner: Who has to act, if anybody.
        currency: ISO 4217 code of both amounts.
        store_amount: Current total in the store.
        erp_amount: What the ERP holds for it.
        since_at: When it was first held, if it is.
    """

    order_id_store: str
    order_number: str
    outcome: Outcome
    reason: str
    message: str
    currency: str
    store_amount: Decimal
    erp_amount: Decimal = ZERO
    owner: str = ""
    since_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProofMoney:
    """The window in one currency.

    ``unexplained = in_store - posted - adjusted - held - skipped``; it must be zero, as must
    every unexplained order. ``posted`` is read back from the ERP's own tables.

    Attributes:
        currency: ISO 4217 code.
        in_store: Σ current totals of the orders the store names.
        staged: Σ totals of those that are staged.
        posted: Σ totals of the sales orders the ERP holds for them.
        adjusted: Named differences by rule (marketplace tax, cash rounding, concessions).
        held: Σ totals of held orders.
        skipped: Σ totals of skipped orders.
        invoiced: Σ totals of the invoices the ERP holds; credit notes are not taken off.
        paid: Σ payments the ERP holds; what was paid back is not taken off.
        unexplained: What is left.
        credited: Σ totals of the credit notes the ERP holds.
        paid_back: Σ payments of the credit notes.
    """

    currency: str
    in_store: Decimal = ZERO
    staged: Decimal = ZERO
    posted: Decimal = ZERO
    adjusted: Decimal = ZERO
    held: Decimal = ZERO
    skipped: Decimal = ZERO
    invoiced: Decimal = ZERO
    paid: Decimal = ZERO
    unexplained: Decimal = ZERO
    credited: Decimal = ZERO
    paid_back: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ProofDocuments:
    """The documents of one kind that the ERP was found to hold for the window's orders.

    Attributes:
        kind: What the documents are.
        currency: ISO 4217 code of every amount.
        documents: How many; void ones are counted under their own kind and once more as voids.
        amount: Σ of what they book; of voids, what they strike out.
        paid: Σ payments with them: received, or paid back by credit notes.
        sent: How many of them this run sent.
        sent_amount: Σ of what those book.
    """

    kind: DocumentKind
    currency: str
    documents: int
    amount: Decimal
    paid: Decimal
    sent: int = 0
    sent_amount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ProofLives:
    """What the orders of the window have been through.

    The first three add up to the orders that have documents; the others are what the store says of
    these, and overlap.

    Attributes:
        new: Orders whose first document this run sent.
        changed: Orders that had documents, and got further ones in this run.
        unchanged: Orders whose documents were all there before.
        edited: Of the three, edited in the store.
        cancelled: Of the three, cancelled there.
        refunded: Of the three, refunded there in part or whole.
        shipped: Of the three, fulfilled there in part or whole.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    edited: int = 0
    cancelled: int = 0
    refunded: int = 0
    shipped: int = 0


@dataclass(frozen=True, slots=True)
class WindowProof:
    """The proof of one window.

    Attributes:
        channel: Channel id.
        window: The window that the run owned.
        run_id: The run that proved it.
        run_type: scheduled, backfill or manual.
        batch_id: The landing batch.
        proven_at: When both sides were read.
        in_store: Orders the store itself counts.
        staged: Of those, staged in their newest version.
        posted: Of those, found in the ERP exactly once and as sent.
        held: Of those, in quarantine.
        skipped: Of those, left out by policy.
        unexplained: Of those, none of the three. Must be 0.
        doubled: Documents the ERP holds more than once (each order is also unexplained). Must be 0.
        back_ordered: Posted orders that wait for stock.
        skipped_by_reason: Count by reason.
        held_by_reason: Count by reason.
        money: One entry a currency.
        orders: The orders that are held, skipped or unexplained.
        notes: Warnings in words.
        lives: What the orders have been through.
        documents: Documents by kind and currency.
        tolerance: Largest difference between the store's parts and totals that the channel lets
            pass for one order, in shop currency.
    """

    channel: str
    window: Window
    run_id: str
    run_type: str
    batch_id: int
    proven_at: datetime
    in_store: int
    staged: int
    posted: int
    held: int
    skipped: int
    unexplained: int
    doubled: int = 0
    back_ordered: int = 0
    skipped_by_reason: dict[str, int] = field(default_factory=dict)
    held_by_reason: dict[str, int] = field(default_factory=dict)
    money: tuple[ProofMoney, ...] = ()
    orders: tuple[ProofOrder, ...] = ()
    notes: tuple[str, ...] = ()
    lives: ProofLives = ProofLives()
    documents: tuple[ProofDocuments, ...] = ()
    tolerance: Decimal = ZERO

    @property
    def is_complete(self) -> bool:
        """Whether nothing is unexplained, in number and in money."""
        return not self.unexplained and not any(money.unexplained for money in self.money)
