"""Posts what the ERP still lacks: plan, write ``sending``, call, write ``posted``; round by round.

A poster holds the channel's posting lock for one chunk of orders. So a ledger entry found
``sending`` is always a dead poster's: it is looked up in the ERP before anything is sent again. One
order that cannot be posted is held with the reason; all others go through in the same run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal

from include.domain.content import Content, content_of
from include.domain.document import (
    Document,
    DocumentKey,
    DocumentKind,
    PreparedDocument,
    RemoteDocument,
)
from include.domain.errors import (
    AmbiguousOutcome,
    OrderError,
    RemoteUnavailable,
)
from include.domain.ledger import EMPTY_LEDGER, DocumentState, OrderLedger
from include.domain.order import Order
from include.domain.sales import facts_digest
from include.domain.verdict import Finding, finding_of
from include.pipelines.chunks import chunks
from include.pipelines.house import House
from include.pipelines.periods import Periods
from include.pipelines.planning import UNFORESEEN, begun_of, plan_orders, prepare, read_staged
from include.pipelines.surprises import SURPRISES, contained
from include.staging import batches, quarantine
from include.staging import ledger as ledger_rows
from include.staging import orders as staged
from include.staging.locks import PostingLock, posting_lock
from include.staging.numbers import posted_numbers

log = logging.getLogger(__name__)

CHUNK = 200
MOST_ROUNDS = 6
A_FEW = 2
BUSY = "erp_available"
POSTING_CLASSES = (
    "missing_mapping",
    "refused_by_erp",
    "erp_busy",
    "changed_after_posting",
    "short_stock",
    "unpaid",
    "on_hold",
    "risk",
    "approval",
    "closed_period",
)
POSTING_RULES = frozenset(
    {
        "cancelled_with_money_kept",
        "document_balances",
        "payments_have_an_invoice",
        "payments_tie",
        "refund_has_a_cause",
        "refunds_within_payments",
        UNFORESEEN,
    }
)
"""Rules of posting in classes that validation uses as well: each closes only what it found."""


@dataclass(slots=True)
class Posted:
    """What one call of ``post`` did.

    Attributes:
        orders: Orders looked at.
        documents: Documents the ERP took, or turned out to hold already.
        held: Orders held with a reason.
        skipped: Orders that policy leaves out.
        recovered: Documents of a dead poster that were found in the ERP.
    """

    orders: int = 0
    documents: int = 0
    held: int = 0
    skipped: int = 0
    recovered: int = 0


@dataclass(slots=True)
class _Chunk:
    orders: dict[str, Order]
    findings: dict[str, Finding] = field(default_factory=dict)
    unavailable: list[RemoteUnavailable] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    versions: dict[DocumentKey, str] = field(default_factory=dict)


def post(house: House, order_ids: Iterable[str], batch_id: int) -> Posted:
    """Bring the ERP in line with the staged orders.

    Args:
        house: The channel.
        order_ids: Store ids of staged orders.
        batch_id: The landing batch on whose behalf this happens.

    Returns:
        What was done.

    Raises:
        RemoteUnavailable: The ERP cannot be reached; what was posted is recorded.
        ConfigurationError: The ERP lacks set-up that the channel names.
    """
    done = Posted()
    house.erp.preflight()
    periods = Periods(house.erp)
    for ids in chunks(order_ids, CHUNK):
        with posting_lock(house.engine, house.channel) as lock:
            _post_chunk(house, ids, batch_id, done, periods, lock=lock)
    with house.engine.begin() as connection:
        batches.set_state(connection, batch_id, batches.BatchState.POSTED)
    return done


def _post_chunk(
    house: House,
    ids: Sequence[str],
    batch_id: int,
    done: Posted,
    periods: Periods,
    *,
    lock: PostingLock,
) -> None:
    with house.engine.connect() as connection:
        rows = staged.read_orders(connection, house.channel, ids)
    orders, unreadable = read_staged(rows)
    chunk = _Chunk(orders, unreadable)
    done.orders += len(rows)
    recovered, lost = _recover(house)
    done.recovered += recovered
    ledgers: dict[str, OrderLedger] = {}
    for _ in range(MOST_ROUNDS):
        with house.engine.connect() as connection:
            ledgers = ledger_rows.ledgers_for(connection, house.channel, list(orders))
        ready = list(_next_documents(house, chunk, ledgers, periods))
        if not ready:
            break
        if _were_finished(house, ready, ledgers):
            continue
        # Whoever lost the lock's connection is not alone any more, and sends nothing.
        lock.require()
        done.documents += _send(house, ready, chunk, batch_id)
        if len(chunk.unavailable) == len(ready):
            break
    _forget_unneeded(house, chunk, ledgers, lost)
    _settle(house, chunk, batch_id, done)


def _recover(house: House) -> tuple[int, frozenset[DocumentKey]]:
    """Look up every document that a dead poster may or may not have sent.

    Returns:
        How many the ERP holds; and those it does not, which stay ``sending`` until they are sent
        again or their order turns out to need them no more.
    """
    with house.engine.connect() as connection:
        unsure = ledger_rows.unfinished(connection, house.channel)
    if not unsure:
        return 0, frozenset()
    found = house.erp.find([(entry.key, number) for entry, number in unsure])
    posted = [matches[0] for matches in found.values()]
    with house.engine.begin() as connection:
        ledger_rows.mark_posted(connection, posted)
    log.info("%d documents of a dead poster: %d are in the ERP", len(unsure), len(posted))
    return len(posted), frozenset(entry.key for entry, _ in unsure) - found.keys()


def _forget_unneeded(
    house: House, chunk: _Chunk, ledgers: dict[str, OrderLedger], lost: frozenset[DocumentKey]
) -> None:
    """Give up documents that never reached the ERP, of orders that have nothing left to post.

    The store may cancel an order between two attempts at a document of it.
    """
    unneeded = {
        entry.key: chunk.orders[order_id]
        for order_id in chunk.done - chunk.findings.keys()
        for entry in ledgers.get(order_id, EMPTY_LEDGER).not_posted()
        if entry.key in lost or entry.state is DocumentState.REFUSED
    }
    if not unneeded:
        return
    with house.engine.connect() as connection:
        ids = [key.order_id_store for key in unneeded]
        numbers = posted_numbers(connection, house.channel, ids)
    begun = begun_of(house, unneeded.values(), ledgers, numbers)
    given_up = [key for key in unneeded if key.order_id_store not in begun]
    with house.engine.begin() as connection:
        ended = ledger_rows.mark_unneeded(connection, given_up)
    log.info("%d documents never reached the ERP and are needed no more", ended)


def _were_finished(
    house: House, ready: Sequence[PreparedDocument], ledgers: dict[str, OrderLedger]
) -> bool:
    """Tell whether people finished what is to be struck out: then it has to be planned anew."""
    voids = [p.document for p in ready if p.document.key.kind is DocumentKind.VOID]
    targets = [(void.based_on, void.order_number) for void in voids if void.based_on is not None]
    if not targets:
        return False
    news = []
    for key, matches in house.erp.find(targets).items():
        known = ledgers[key.order_id_store].entries.get((key.kind, key.sequence))
        if known is not None and known.remote_state is not matches[0].state:
            news.append(matches[0])
    with house.engine.begin() as connection:
        ledger_rows.mark_posted(connection, news)
    return bool(news)


def _next_documents(
    house: House, chunk: _Chunk, ledgers: dict[str, OrderLedger], periods: Periods
) -> Iterator[PreparedDocument]:
    """Yield the next document of each order that still lacks one and is not held."""
    open_orders = [o for o in chunk.orders.values() if o.order_id_store not in chunk.findings]
    for order, ready in plan_orders(house, open_orders, ledgers, periods):
        try:
            if isinstance(ready, OrderError):
                raise ready
            if ready.skipped:
                chunk.skipped.add(order.order_id_store)
            if ready.documents:
                chunk.done.discard(order.order_id_store)
            else:
                chunk.done.add(order.order_id_store)
            if ready.finishes is not None:
                chunk.versions[ready.finishes.key] = ready.finishes.order_version
            prepared = prepare(house, order, ready)
        except OrderError as error:
            chunk.findings[order.order_id_store] = finding_of(
                error, order.order_id_store, order.number
            )
            continue
        yield from prepared[:1]


def _send(house: House, ready: Sequence[PreparedDocument], chunk: _Chunk, batch_id: int) -> int:
    with house.engine.begin() as connection:
        ledger_rows.mark_sending(connection, [_entry(p, chunk) for p in ready], batch_id)
    with ThreadPoolExecutor(house.settings.posting_threads) as threads:
        results = list(threads.map(lambda prepared: _send_one(house, prepared), ready))
    posted, refused, corrected = [], [], []
    for prepared, result in zip(ready, results, strict=True):
        key = prepared.document.key
        if isinstance(result, RemoteDocument):
            posted.append(result)
            if result.short is not None:
                corrected.append((key, _as_taken(prepared.document, dict(result.short))))
            continue
        if isinstance(result, RemoteUnavailable):
            chunk.unavailable.append(result)
        else:
            refused.append((key, str(result)))
        chunk.findings[key.order_id_store] = _finding(result, prepared.document)
    with house.engine.begin() as connection:
        ledger_rows.mark_posted(connection, posted)
        ledger_rows.correct_contents(connection, corrected)
        ledger_rows.mark_refused(connection, refused)
    return len(posted)


def _as_taken(document: Document, short: dict[str, int]) -> Content:
    """Return what an order books with the units that the ERP back-ordered of each line."""
    content = content_of(document)
    lines = (replace(line, back_ordered=short.get(line.line_id, 0)) for line in content.lines)
    return replace(content, lines=tuple(lines))


def _send_one(
    house: House, prepared: PreparedDocument
) -> RemoteDocument | OrderError | RemoteUnavailable:
    try:
        return house.erp.post(prepared)
    except AmbiguousOutcome as broken_off:
        return _look_up(house, prepared, broken_off)
    except (OrderError, RemoteUnavailable) as error:
        return error
    except SURPRISES as error:
        # Sent again later, it is found by its reference before another is made.
        number = prepared.document.order_number
        return contained(error, number, "it could not be posted", rule=UNFORESEEN)


def _look_up(
    house: House, prepared: PreparedDocument, broken_off: AmbiguousOutcome
) -> RemoteDocument | RemoteUnavailable:
    """Ask the ERP whether a call that broke off took effect; unknown stays ``sending``."""
    document = prepared.document
    try:
        found = house.erp.find([(document.key, document.order_number)])
    except RemoteUnavailable:
        return broken_off
    if document.key in found:
        return found[document.key][0]
    return broken_off


def _settle(house: House, chunk: _Chunk, batch_id: int, done: Posted) -> None:
    done.held += len(chunk.findings)
    done.skipped += len(chunk.skipped)
    passed = chunk.orders.keys() - chunk.findings.keys() - chunk.skipped
    busy = {key for key, found in chunk.findings.items() if found.rule == BUSY}
    with house.engine.begin() as connection:
        known = quarantine.open_rows(connection, house.channel, list(busy)) if busy else []
        quarantine.record(
            connection,
            house.channel,
            list(chunk.findings.values()),
            owner=house.settings.order_data_owner,
            batch_id=batch_id,
        )
        quarantine.close_passed(
            connection,
            house.channel,
            list(chunk.orders),
            closed_by=f"batch {batch_id}",
            still={(found.order_id_store, found.rule) for found in chunk.findings.values()},
            reason_classes=POSTING_CLASSES,
            rules=POSTING_RULES,
        )
    # More than went through: the ERP is away. But a document or two that were busy in an earlier
    # run as well are what somebody has open, and no reason to fail a window with little else in it.
    fresh = busy - {row.finding.order_id_store for row in known if row.finding.rule == BUSY}
    if len(busy) > max(len(passed), A_FEW) or len(fresh) > len(passed):
        raise chunk.unavailable[0]


def _entry(prepared: PreparedDocument, chunk: _Chunk) -> ledger_rows.PlannedEntry:
    document = prepared.document
    newest = chunk.orders[document.key.order_id_store].updated_at.isoformat()
    return ledger_rows.PlannedEntry(
        key=document.key,
        order_number=document.order_number,
        total=document.total,
        currency=document.currency,
        digest=facts_digest(document),
        order_version=chunk.versions.get(document.key, newest),
        line_count=prepared.line_count,
        paid=document.paid,
        back_ordered=Decimal(sum(line.back_ordered for line in document.lines)),
        content=content_of(document),
        document_on=document.document_on,
        based_on=document.based_on,
    )


def _finding(error: OrderError | RemoteUnavailable, document: Document) -> Finding:
    order_id, number = document.key.order_id_store, document.order_number
    if isinstance(error, OrderError):
        return finding_of(error, order_id, number)
    return Finding(
        order_id_store=order_id,
        order_number=number,
        reason_class="erp_busy",
        rule=BUSY,
        message=f"order {number}: the ERP could not take its {document.key.kind} just now; the "
        "next run looks it up and tries again",
        remote=str(error),
    )
