"""Proves a window: what the store names now, against what the ERP holds now, order by order.

Neither side is taken from our own memory: the store is listed and counted afresh, and every
document is read back from the ERP. Staging and the ledger only say what was meant; where they and
the ERP differ, the order is unexplained.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.errors import OrderError
from include.domain.ledger import EMPTY_LEDGER, LedgerEntry, OrderLedger
from include.domain.money import ZERO, Money
from include.domain.order import Order
from include.domain.plan import SKIP_REASONS, Plan, plan
from include.domain.proof import Outcome, ProofMoney, ProofOrder, WindowProof
from include.domain.verdict import Severity
from include.domain.window import Selection
from include.pipelines.chunks import chunks
from include.pipelines.documents import read_staged
from include.pipelines.house import House
from include.pipelines.runs import Run
from include.pipelines.surprises import SURPRISES, contained
from include.ports.store import OrderHeader
from include.staging import landing, quarantine
from include.staging import ledger as ledger_rows
from include.staging import orders as staged
from include.staging import proof as proof_rows

CHUNK = 500
PROVEN_KINDS = (DocumentKind.SALES_ORDER, DocumentKind.INVOICE)
_NOT_STAGED = ("not_staged", "the store names it and staging does not hold it")
_STALE = ("stale", "the store held a newer version when the window was pulled")
_CHANGED_SINCE: dict[str, object] = {
    "outcome": Outcome.SKIPPED,
    "reason": "changed_since_pull",
    "message": "it changed in the store after this run had pulled it: the window of that change "
    "owns the new version",
}


@dataclass(frozen=True, slots=True)
class _Account:
    """What one order came to."""

    outcome: Outcome
    reason: str = ""
    message: str = ""
    owner: str = ""
    since_at: datetime | None = None
    erp_amount: Decimal = ZERO
    invoiced: Decimal = ZERO
    paid: Decimal = ZERO
    adjusted: Decimal = ZERO
    is_staged: bool = False
    is_back_ordered: bool = False
    doubled: int = 0


@dataclass(frozen=True, slots=True)
class _Sides:
    """Everything known of a chunk of orders, by store id."""

    staged: Mapping[str, Order]
    ledgers: Mapping[str, OrderLedger]
    held: Mapping[str, quarantine.QuarantineRow]
    remote: Mapping[DocumentKey, tuple[RemoteDocument, ...]]


def prove(house: House, run: Run, selection: Selection, batch_id: int) -> WindowProof:
    """Read both sides afresh, account for every order and write the proof.

    Args:
        house: The channel.
        run: The run that owns the window.
        selection: What the run owns in the store.
        batch_id: The landing batch that the run pulled.

    Returns:
        The proof, already stored. ``is_complete`` tells whether anything is unexplained.

    Raises:
        WindowError: The store's list is not complete by the store's own count.
        RemoteUnavailable: A side could not be read.
    """
    with house.engine.connect() as connection:
        pulled_at = landing.read_batch(connection, batch_id).created_at
    accounts: list[tuple[OrderHeader, _Account]] = []
    for headers in chunks(house.store.list_headers(selection), CHUNK):
        sides = _read(house, headers)
        accounts += [(header, _account(house, header, sides, pulled_at)) for header in headers]
    proof = _sum_up(house, run, selection, batch_id, accounts)
    with house.engine.begin() as connection:
        proof_rows.write(connection, proof)
    return proof


def _read(house: House, headers: Sequence[OrderHeader]) -> _Sides:
    ids = [header.order_id_store for header in headers]
    with house.engine.connect() as connection:
        rows = staged.read_orders(connection, house.channel, ids)
        ledgers = ledger_rows.ledgers_for(connection, house.channel, ids)
        held = quarantine.open_rows(
            connection,
            house.channel,
            order_ids=ids,
            severity=Severity.CRITICAL,
            limit=len(ids) * 10,
        )
    keys = [
        (DocumentKey(house.channel, header.order_id_store, kind), header.order_number)
        for header in headers
        for kind in PROVEN_KINDS
    ]
    remote = house.erp.find(keys)
    # Whether a document is still open or posted is for the ERP to say: note what it says now.
    seen = [
        matches[0]
        for key, matches in remote.items()
        if len(matches) == 1 and ledgers.get(key.order_id_store, EMPTY_LEDGER).posted(key.kind)
    ]
    with house.engine.begin() as connection:
        ledger_rows.mark_posted(connection, seen)
    return _Sides(
        staged=read_staged(rows)[0],
        ledgers=ledgers,
        held={row.finding.order_id_store: row for row in reversed(held)},
        remote=remote,
    )


def _account(house: House, header: OrderHeader, sides: _Sides, pulled_at: datetime) -> _Account:
    order_id = header.order_id_store
    found = sides.staged.get(order_id)
    ledger = sides.ledgers.get(order_id, EMPTY_LEDGER)
    documents = {
        kind: sides.remote.get(DocumentKey(house.channel, order_id, kind), ())
        for kind in PROVEN_KINDS
    }
    in_erp = _erp_figures(documents, found is not None)
    doubled = [kind for kind, matches in documents.items() if len(matches) > 1]
    if doubled:
        references = ", ".join(match.reference for kind in doubled for match in documents[kind])
        return _unexplained(
            in_erp,
            "doubled",
            f"the ERP holds it more than once: {references}",
            doubled=len(doubled),
        )
    fault = _differs_from_ledger(documents, ledger)
    if fault:
        return _unexplained(in_erp, *fault)
    if order_id in sides.held:
        row = sides.held[order_id]
        return _with(
            in_erp,
            outcome=Outcome.HELD,
            reason=row.finding.reason_class,
            message=row.finding.message,
            owner=row.owner,
            since_at=row.first_seen_at,
        )
    if found is None or header.updated_at > found.updated_at:
        if header.updated_at >= pulled_at:
            return _with(in_erp, **_CHANGED_SINCE)
        return _unexplained(in_erp, *(_STALE if found else _NOT_STAGED))
    return _account_staged(house, header, found, ledger, in_erp)


def _account_staged(
    house: House, header: OrderHeader, order: Order, ledger: OrderLedger, in_erp: _Account
) -> _Account:
    try:
        left: Plan = plan(order, ledger, house.settings.domain_policy, {})
    except OrderError as error:
        return _unexplained(in_erp, "not_held", f"it cannot be booked, yet is not held: {error}")
    except SURPRISES as error:
        reason = contained(error, order.number, "it could not be planned")
        return _unexplained(in_erp, "not_held", str(reason))
    if left.skipped:
        return _with(
            in_erp, outcome=Outcome.SKIPPED, reason=left.skipped, message=SKIP_REASONS[left.skipped]
        )
    if left.documents:
        kinds = ", ".join(document.key.kind for document in left.documents)
        return _unexplained(in_erp, "not_posted", f"the ERP still lacks: {kinds}")
    if in_erp.erp_amount + left.adjusted != header.total:
        return _unexplained(
            in_erp,
            "amount",
            f"the store says {Money(header.total, header.currency)}, the ERP holds "
            f"{Money(in_erp.erp_amount, header.currency)} and {left.adjusted} is adjusted by rule",
        )
    return _with(in_erp, outcome=Outcome.POSTED, adjusted=left.adjusted)


def _differs_from_ledger(
    documents: Mapping[DocumentKind, Sequence[RemoteDocument]], ledger: OrderLedger
) -> tuple[str, str] | None:
    for kind, matches in documents.items():
        entry: LedgerEntry | None = ledger.posted(kind)
        if entry is None and matches:
            return "unknown_document", f"the ERP holds {matches[0].reference}, nobody here sent it"
        if entry is None:
            continue
        if not matches:
            return "lost", f"{kind} {entry.reference} was posted and is no longer in the ERP"
        remote = matches[0]
        if remote.state is RemoteState.VOID:
            return "voided", f"{kind} {remote.reference} was voided in the ERP"
        if remote.line_count != entry.line_count:
            return (
                "lines",
                f"{kind} {remote.reference} was sent with {entry.line_count} lines, the ERP holds "
                f"{remote.line_count}",
            )
        if remote.total != entry.total or remote.paid != entry.paid:
            return (
                "amount",
                f"{kind} {remote.reference} was sent with a total of {entry.total} and payments of "
                f"{entry.paid}, the ERP holds {remote.total} and {remote.paid}",
            )
    return None


def _erp_figures(
    documents: Mapping[DocumentKind, Sequence[RemoteDocument]], is_staged: bool
) -> _Account:
    orders, invoices = (documents[kind] for kind in PROVEN_KINDS)
    return _Account(
        outcome=Outcome.UNEXPLAINED,
        erp_amount=sum((d.total for d in orders), ZERO),
        invoiced=sum((d.total for d in invoices), ZERO),
        paid=sum((d.paid for d in (*orders, *invoices)), ZERO),
        is_staged=is_staged,
        is_back_ordered=any(d.back_ordered for d in orders),
    )


def _with(account: _Account, **changes: object) -> _Account:
    return replace(account, **changes)  # type: ignore[arg-type]


def _unexplained(account: _Account, reason: str, message: str, doubled: int = 0) -> _Account:
    return _with(
        account, outcome=Outcome.UNEXPLAINED, reason=reason, message=message, doubled=doubled
    )


def _sum_up(
    house: House,
    run: Run,
    selection: Selection,
    batch_id: int,
    accounts: Sequence[tuple[OrderHeader, _Account]],
) -> WindowProof:
    outcomes = Counter(account.outcome for _, account in accounts)
    money: defaultdict[str, list[tuple[OrderHeader, _Account]]] = defaultdict(list)
    for header, account in accounts:
        money[header.currency].append((header, account))
    return WindowProof(
        channel=house.channel,
        window=selection.window,
        run_id=run.run_id,
        run_type=run.run_type,
        batch_id=batch_id,
        proven_at=house.clock.now(),
        in_store=len(accounts),
        staged=sum(account.is_staged for _, account in accounts),
        posted=outcomes[Outcome.POSTED],
        held=outcomes[Outcome.HELD],
        skipped=outcomes[Outcome.SKIPPED],
        unexplained=outcomes[Outcome.UNEXPLAINED],
        doubled=sum(account.doubled for _, account in accounts),
        back_ordered=sum(
            account.is_back_ordered and account.outcome is Outcome.POSTED for _, account in accounts
        ),
        skipped_by_reason=_reasons(accounts, Outcome.SKIPPED),
        held_by_reason=_reasons(accounts, Outcome.HELD),
        money=tuple(_money(currency, part) for currency, part in sorted(money.items())),
        orders=tuple(
            ProofOrder(
                order_id_store=header.order_id_store,
                order_number=header.order_number,
                outcome=account.outcome,
                reason=account.reason,
                message=account.message,
                currency=header.currency,
                store_amount=header.total,
                erp_amount=account.erp_amount,
                owner=account.owner,
                since_at=account.since_at,
            )
            for header, account in accounts
            if account.outcome is not Outcome.POSTED
        ),
    )


def _reasons(accounts: Sequence[tuple[OrderHeader, _Account]], outcome: Outcome) -> dict[str, int]:
    return dict(sorted(Counter(a.reason for _, a in accounts if a.outcome is outcome).items()))


def _money(currency: str, part: Sequence[tuple[OrderHeader, _Account]]) -> ProofMoney:
    def total(outcome: Outcome) -> Decimal:
        return sum((h.total for h, a in part if a.outcome is outcome), ZERO)

    good = [(h, a) for h, a in part if a.outcome is Outcome.POSTED]
    in_store = sum((h.total for h, _ in part), ZERO)
    posted = sum((a.erp_amount for _, a in good), ZERO)
    adjusted = sum((a.adjusted for _, a in good), ZERO)
    held, skipped = total(Outcome.HELD), total(Outcome.SKIPPED)
    return ProofMoney(
        currency=currency,
        in_store=in_store,
        staged=sum((h.total for h, a in part if a.is_staged), ZERO),
        posted=posted,
        adjusted=adjusted,
        held=held,
        skipped=skipped,
        invoiced=sum((a.invoiced for _, a in good), ZERO),
        paid=sum((a.paid for _, a in good), ZERO),
        unexplained=in_store - posted - adjusted - held - skipped,
    )
