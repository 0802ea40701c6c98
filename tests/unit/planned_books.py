"""The books of one order in a test: plans it, posts what is planned one by one, adds it up.

Posts like the pipeline: the first document of a plan only, then it plans again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

from include.domain.allocation import stock_taken
from include.domain.content import Books, content_of
from include.domain.document import Document, DocumentKind, RemoteState, StockNeed
from include.domain.errors import OrderError
from include.domain.ledger import DocumentState, LedgerEntry, OrderLedger
from include.domain.order import Order
from include.domain.plan import Plan, plan
from include.domain.policy import Policy
from include.domain.sales import facts_digest
from include.domain.standing import Standing, standing_of

POLICY = Policy(ZoneInfo("America/New_York"))
MOST_ROUNDS = 6

State = Callable[[Document], RemoteState]


def in_history(_: Document) -> RemoteState:
    """Every document was posted by a person already."""
    return RemoteState.POSTED


def in_work(_: Document) -> RemoteState:
    """No document was posted by a person yet."""
    return RemoteState.OPEN


@dataclass
class PlannedBooks:
    """What was posted of one order.

    Attributes:
        policy: The channel's choices.
        documents: Everything posted, in order, each with the version it was planned from.
    """

    policy: Policy = POLICY
    documents: list[tuple[Document, str]] = field(default_factory=list)

    def ledger(self, state: State = in_history) -> OrderLedger:
        """The ledger as staging would give it."""
        return OrderLedger(
            {
                (document.key.kind, document.key.sequence): LedgerEntry(
                    key=document.key,
                    state=DocumentState.POSTED,
                    total=document.total,
                    currency=document.currency,
                    digest=facts_digest(document),
                    order_version=version,
                    reference=f"GP-{number}",
                    line_count=len(document.lines),
                    paid=document.paid,
                    back_ordered=Decimal(sum(line.back_ordered for line in document.lines)),
                    remote_state=state(document),
                    content=content_of(document),
                )
                for number, (document, version) in enumerate(self.documents)
            }
        )

    def plan(
        self,
        order: Order,
        stock: dict[StockNeed, Decimal] | None = None,
        state: State = in_history,
    ) -> Plan:
        """What is still to be posted."""
        return plan(order, self.ledger(state), self.policy, stock or {})

    def post(
        self,
        order: Order,
        stock: dict[StockNeed, Decimal] | None = None,
        state: State = in_history,
    ) -> list[Document]:
        """Post until nothing is left to post; no key is used twice."""
        posted = []
        free = dict(stock or {})
        for _ in range(MOST_ROUNDS):
            wanted = self.plan(order, free, state).documents
            if not wanted:
                return posted
            if wanted[0].key.kind in (DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE):
                for need, units in stock_taken(wanted[0], self.ledger(state)):
                    if need in free:
                        free[need] -= units
            taken = {document.key for document, _ in self.documents}
            assert wanted[0].key not in taken
            self.documents.append((wanted[0], order.updated_at.isoformat()))
            posted.append(wanted[0])
        raise AssertionError(f"after {MOST_ROUNDS} documents there is still more to post")

    def post_one(self, order: Order) -> None:
        """Post the first document of a plan only, or nothing where the order is held."""
        try:
            wanted = self.plan(order).documents
        except OrderError:
            return
        self.documents += [(document, order.updated_at.isoformat()) for document in wanted[:1]]

    def all(self, *kinds: DocumentKind) -> list[Document]:
        """The posted documents of some kinds that were not voided."""
        voided = {d.based_on for d, _ in self.documents if d.key.kind is DocumentKind.VOID}
        return [d for d, _ in self.documents if d.key.kind in kinds and d.key not in voided]

    def net(self) -> Books:
        """Invoices and payments less credit notes."""
        books = Books()
        for document in self.all(DocumentKind.INVOICE, DocumentKind.PAYMENT):
            books.add(content_of(document))
        for document in self.all(DocumentKind.CREDIT_NOTE):
            books.add(content_of(document), -1)
        return books

    def units(self) -> dict[str, int]:
        """Units billed less units credited, by line; lines without any are left out."""
        return {key: s.quantity for key, s in self.net().lines.items() if s.quantity}

    def standing(self) -> Standing:
        """What the planner makes of it."""
        return standing_of(self.ledger())

    def orders(self) -> list[Document]:
        """The sales order and its changes, unless it is void."""
        if not self.all(DocumentKind.SALES_ORDER):
            return []
        return self.all(DocumentKind.SALES_ORDER, DocumentKind.ORDER_CHANGE)


def kinds(documents: Iterable[Document]) -> list[str]:
    """The kinds of some documents, in order."""
    return [document.key.kind.value for document in documents]


def taxes(document: Document) -> Decimal:
    """All taxes of a document."""
    parts = (*document.lines, *document.charges)
    return sum((tax.amount for part in parts for tax in part.taxes), Decimal(0))
