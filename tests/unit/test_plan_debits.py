"""Debits = credits: each document of any life under any policy balances, and so do its books."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from include.domain.document import Document, DocumentKind
from include.domain.money import ZERO
from tests.unit.journal import entry, journal, money, sale
from tests.unit.test_plan_parts_lives import life
from tests.unit.test_plan_policies import EVERY, Channel, Step, require_held_by_policy

INVOICE, CREDIT_NOTE, PAYMENT = (
    DocumentKind.INVOICE,
    DocumentKind.CREDIT_NOTE,
    DocumentKind.PAYMENT,
)


def lived(data: st.DataObject) -> list[tuple[Step, Channel]]:
    """A life under a policy, moment by moment, where the order is not held."""
    policy = data.draw(st.sampled_from(EVERY), "policy")
    channel = Channel(policy)
    moments = []
    for step in life(data):
        error = channel.follow(step)
        if error is not None:
            require_held_by_policy(error, policy, step)
            continue
        seen = Channel(policy)
        seen.books.documents = list(channel.books.documents)
        moments.append((step, seen))
    return moments


def posted(channel: Channel) -> list[Document]:
    return [document for document, _ in channel.books.documents]


def summed(channel: Channel, kind: DocumentKind, what: str = "total") -> Decimal:
    return sum((getattr(d, what) for d in channel.books.all(kind)), ZERO)


@given(st.data())
def test_debits_equal_credits_in_every_document_of_any_life_under_any_policy(
    data: st.DataObject,
) -> None:
    for document in [d for _, channel in lived(data)[-1:] for d in posted(channel)]:
        assert sale(document).difference == ZERO or document.key.kind is PAYMENT
        assert money(document).difference == ZERO
        assert entry(document).difference == ZERO
        if document.key.kind is PAYMENT:
            assert not document.lines
            assert not document.charges
        if document.key.kind is DocumentKind.VOID:
            assert sale(document) == money(document) == entry(document)


@given(st.data())
def test_debits_equal_credits_over_any_life_and_the_receivable_is_what_is_owed(
    data: st.DataObject,
) -> None:
    """Billed less credited less paid, by the books; and where all is billed, by the store."""
    for step, channel in lived(data):
        books = journal(posted(channel))
        assert books.difference == ZERO
        billed = summed(channel, INVOICE) - summed(channel, CREDIT_NOTE)
        received = summed(channel, INVOICE, "paid") + summed(channel, PAYMENT, "paid")
        paid = received - summed(channel, CREDIT_NOTE, "paid")
        assert books.receivable == billed - paid
        assert books.clearing == paid
        assert -(books.revenue + books.tax + books.concessions) == billed
        is_open = bool(channel.books.orders()) and channel.books.standing().is_open
        if channel.books.all(INVOICE) and not is_open and not channel.adjustments(step):
            assert books.receivable == step.version.stated.outstanding.shop
