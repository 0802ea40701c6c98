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

from include.domain.balance import require_units
from include.domain.document import DocumentKey, DocumentKind, RemoteDocument, RemoteState
from include.domain.errors import OrderError
from include.domain.ledger import EMPTY_LEDGER, DocumentState, OrderLedger
from include.domain.money import ZERO, Money
from include.domain.order import Order
from include.domain.plan import SKIP_REASONS, Plan, plan
from include.domain.proof import Outcome, ProofMoney, ProofOrder, WindowProof
from include.domain.standing import standing_of
from include.domain.verdict import Severity
from include.domain.window import Selection
from include.pipelines.chunks import chunks
from include.pipelines.house import House
from include.pipelines.planning import read_staged
from include.pipelines.proof_books import (
    alive,
    differs_from_ledger,
    in_doubt,
    is_in_flight,
    order_of,
)
from include.pipelines.proof_lives import Life, life_of, sum_documents, sum_lives
from include.pipelines.runs import Run
from include.pipelines.surprises import SURPRISES, contained
from include.ports.store import OrderHeader
from include.staging import batches, quarantine
from include.staging import ledger as ledger_rows
from include.staging import orders as staged
from include.staging import proof as proof_rows

CHUNK = 500
PROVEN_KINDS = (DocumentKind.SALES_ORDER, DocumentKind.INVOICE)
_NOT_STAGED = ("not_staged", "the store names it and staging does not hold it")
_STALE = ("stale", "the store held a newer version when the window was pulled")
_CHANGED_SINCE = (
    "changed_since_pull",
    "it changed in the store after this run had pulled it: the window of that change owns the new "
    "version",
)


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
    credited: Decimal = ZERO
    paid_back: Decimal = ZERO
    life: Life | None = None


@dataclass(frozen=True, slots=True)
class _Sides:
    """Everything known of a chunk of orders, by store id."""

    staged: Mapping[str, Order]
    ledgers: Mapping[str, OrderLedger]
    held: Mapping[str, quarantine.QuarantineRow]
    remote: Mapping[DocumentKey, tuple[RemoteDocument, ...]]
    sent: Mapping[DocumentKey, proof_rows.SentDocument]
    written_off: Mapping[str, tuple[str, str]]


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
        pulled_at = batches.read_batch(connection, batch_id).created_at
    accounts: list[tuple[OrderHeader, _Account]] = []
    for headers in chunks(house.store.list_headers(selection), CHUNK):
        sides = _read(house, headers)
        for header in headers:
            account = _account(house, header, sides, pulled_at)
            accounts.append((header, _with_life(header, account, sides, batch_id)))
    proof = _sum_up(house, run, selection, batch_id, accounts)
    with house.engine.begin() as connection:
        proof_rows.write(connection, proof)
        batches.set_state(connection, batch_id, batches.BatchState.PROVEN)
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
        written_off = quarantine.written_off(connection, house.channel, ids)
        sent = proof_rows.sent_documents(connection, house.channel, ids)
    keys = [
        (key, _number_of(key, header, sent))
        for header in headers
        for key in _keys_of(
            house.channel, header.order_id_store, ledgers.get(header.order_id_store, EMPTY_LEDGER)
        )
    ]
    remote = house.erp.find(keys)
    # Whether a document is still open or posted is for the ERP to say: note what it says now.
    seen = [
        matches[0]
        for key, matches in remote.items()
        if len(matches) == 1 and _is_posted(ledgers.get(key.order_id_store, EMPTY_LEDGER), key)
    ]
    with house.engine.begin() as connection:
        ledger_rows.mark_posted(connection, seen)
    return _Sides(
        staged=read_staged(rows)[0],
        ledgers=ledgers,
        held={row.finding.order_id_store: row for row in reversed(held)},
        remote=remote,
        sent=sent,
        written_off=written_off,
    )


def _number_of(
    key: DocumentKey, header: OrderHeader, sent: Mapping[DocumentKey, proof_rows.SentDocument]
) -> str:
    """Return the number a document was sent under: an order may be renamed afterwards."""
    first = sent.get(key) or sent.get(order_of(key))
    return first.order_number if first else header.order_number


def _keys_of(channel: str, order_id: str, ledger: OrderLedger) -> list[DocumentKey]:
    """Return every document the ERP may hold of an order: the usual two, and what was sent."""
    usual = [DocumentKey(channel, order_id, kind) for kind in PROVEN_KINDS]
    return list(dict.fromkeys(usual + [entry.key for entry in ledger.entries.values()]))


def _is_posted(ledger: OrderLedger, key: DocumentKey) -> bool:
    entry = ledger.entries.get((key.kind, key.sequence))
    return entry is not None and entry.state is DocumentState.POSTED


def _account(house: House, header: OrderHeader, sides: _Sides, pulled_at: datetime) -> _Account:
    order_id = header.order_id_store
    found = sides.staged.get(order_id)
    ledger = sides.ledgers.get(order_id, EMPTY_LEDGER)
    documents = {
        key: sides.remote[key]
        for key in _keys_of(house.channel, order_id, ledger)
        if key in sides.remote
    }
    in_erp = _erp_figures(documents, found is not None, is_open=standing_of(ledger).is_open)
    doubled = [key for key, matches in documents.items() if len(alive(matches)) > 1]
    if doubled:
        references = ", ".join(
            match.reference for key in doubled for match in alive(documents[key])
        )
        return _unexplained(
            in_erp,
            "doubled",
            f"the ERP holds it more than once: {references}",
            doubled=len(doubled),
        )
    fault = None
    if order_id not in sides.held or not is_in_flight(ledger):
        fault = differs_from_ledger(documents, ledger) or in_doubt(documents, ledger)
    if fault:
        return _unexplained(in_erp, *fault)
    aside = _set_aside(order_id, sides, in_erp)
    if aside is not None:
        return aside
    if found is None or header.updated_at > found.updated_at:
        if header.updated_at >= pulled_at:
            return _skipped(in_erp, *_CHANGED_SINCE)
        return _unexplained(in_erp, *(_STALE if found else _NOT_STAGED))
    return _account_staged(house, header, found, ledger, in_erp)


def _set_aside(order_id: str, sides: _Sides, in_erp: _Account) -> _Account | None:
    """Account for an order that quarantine holds, or that a person wrote off there."""
    if order_id in sides.held:
        row = sides.held[order_id]
        return replace(
            in_erp,
            outcome=Outcome.HELD,
            reason=row.finding.reason_class,
            message=row.finding.message,
            owner=row.owner,
            since_at=row.first_seen_at,
        )
    if order_id in sides.written_off:
        who, why = sides.written_off[order_id]
        return _skipped(in_erp, "written_off", f"written off by {who}: {why}")
    return None


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
        return _skipped(in_erp, left.skipped, SKIP_REASONS[left.skipped])
    if left.documents:
        kinds = ", ".join(document.key.kind for document in left.documents)
        return _unexplained(in_erp, "not_posted", f"the ERP still lacks: {kinds}")
    fault = _differs_from_store(header, order, in_erp.erp_amount, left.adjusted)
    if fault:
        return _unexplained(in_erp, *fault)
    return replace(in_erp, outcome=Outcome.POSTED, adjusted=left.adjusted)


def _differs_from_store(
    header: OrderHeader, order: Order, erp_amount: Decimal, adjusted: Decimal
) -> tuple[str, str] | None:
    """Return what the store says otherwise: money against the ERP, units against staging."""
    if erp_amount + adjusted != header.total:
        return (
            "amount",
            f"the store says {Money(header.total, header.currency)}, the ERP holds "
            f"{Money(erp_amount, header.currency)} and {adjusted} is adjusted by rule",
        )
    if header.updated_at == order.updated_at:
        try:
            require_units(order, header.unit_count)
        except OrderError as error:
            return "units", str(error)
    return None


def _erp_figures(
    found: Mapping[DocumentKey, Sequence[RemoteDocument]], is_staged: bool, *, is_open: bool
) -> _Account:
    """Sum what the ERP itself holds: what is billed less what is credited, else what is ordered.

    An order that is billed in part is open: it holds what was billed of it, and what was not.
    """
    alive: defaultdict[DocumentKind, list[RemoteDocument]] = defaultdict(list)
    for key, matches in found.items():
        alive[key.kind] += [match for match in matches if match.state is not RemoteState.VOID]
    orders = alive[DocumentKind.SALES_ORDER]
    billed = alive[DocumentKind.INVOICE]
    credited = alive[DocumentKind.CREDIT_NOTE]
    taken_back = sum((d.total for d in credited), ZERO)
    invoiced = sum((d.total for d in billed), ZERO)
    ordered = sum((d.total for d in orders), ZERO)
    return _Account(
        outcome=Outcome.UNEXPLAINED,
        erp_amount=(ordered if is_open or not billed else invoiced) - taken_back,
        invoiced=invoiced,
        paid=sum((d.paid for d in (*orders, *billed)), ZERO),
        credited=taken_back,
        paid_back=sum((d.paid for d in credited), ZERO),
        is_staged=is_staged,
        is_back_ordered=any(d.back_ordered for d in orders),
    )


def _with_life(header: OrderHeader, account: _Account, sides: _Sides, batch_id: int) -> _Account:
    """Add what the order has been through; of an unexplained one nothing is certain."""
    if account.outcome is Outcome.UNEXPLAINED:
        return account
    order_id = header.order_id_store
    ledger = sides.ledgers.get(order_id, EMPTY_LEDGER)
    return replace(account, life=life_of(sides.staged.get(order_id), ledger, sides.sent, batch_id))


def _skipped(account: _Account, reason: str, message: str) -> _Account:
    return replace(account, outcome=Outcome.SKIPPED, reason=reason, message=message)


def _unexplained(account: _Account, reason: str, message: str, doubled: int = 0) -> _Account:
    return replace(
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
    lives = [(h.currency, account.life) for h, account in accounts if account.life is not None]
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
        lives=sum_lives(life for _, life in lives),
        documents=sum_documents(lives),
        tolerance=house.settings.policy.tolerance,
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
        credited=sum((a.credited for _, a in good), ZERO),
        paid_back=sum((a.paid_back for _, a in good), ZERO),
        unexplained=in_store - posted - adjusted - held - skipped,
    )
