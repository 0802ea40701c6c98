"""Replays held orders, and puts together what their owners are told.

A replay takes the same way as any other order, narrowed to the orders it is asked for: land,
validate, load, post. What passes closes by itself; what does not is counted up and stays.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text

from include.domain.errors import RemoteUnavailable, WindowError
from include.domain.window import Basis, Selection, Window
from include.pipelines import documents, dry_run, orders
from include.pipelines.chunks import chunks
from include.pipelines.house import House
from include.pipelines.runs import Run, RunType
from include.ports.store import RawOrder
from include.staging import batches, desk, held_orders, landing, privacy, quarantine
from include.staging import orders as staged

log = logging.getLogger(__name__)

CHUNK = 100
MOST_ROWS = 100_000
NAMED = 20
_ONE_TELLER = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


class Source(StrEnum):
    """Where a replay takes the orders from."""

    STORE = "store"
    LANDING = "landing"


@dataclass(frozen=True, slots=True)
class ReplayOf:
    """Which held orders are replayed. Without any of these: all that are held.

    Attributes:
        reason_classes: Orders held for one of these reasons.
        min_days: Orders held for at least so many whole days.
        max_days: Orders held for at most so many whole days.
        order_numbers: Just these numbers.
        marked: Just the orders that people asked to be replayed on the Quarantine page.
        source: The store as it is now, or the raw documents that landing keeps.
    """

    reason_classes: tuple[str, ...] = ()
    min_days: int | None = None
    max_days: int | None = None
    order_numbers: tuple[str, ...] = ()
    marked: bool = False
    source: Source = Source.STORE

    def wanted(self, channel: str) -> held_orders.Wanted:
        """Return the same as a search of quarantine.

        Args:
            channel: Channel id.
        """
        return held_orders.Wanted(
            channels=(channel,),
            reason_classes=self.reason_classes,
            min_days=self.min_days,
            max_days=self.max_days,
            order_numbers=self.order_numbers,
            marked=self.marked,
        )


@dataclass(slots=True)
class Replayed:
    """What a replay did.

    Attributes:
        orders: Orders that were held and asked for.
        missing: Of those, neither in the store nor kept in landing.
        documents: Documents posted.
        closed: Orders that are no longer held.
        held: Orders that still are.
    """

    orders: int = 0
    missing: int = 0
    documents: int = 0
    closed: int = 0
    held: int = 0


def replay(house: House, run_id: str, what: ReplayOf) -> Replayed:
    """Take held orders through validation, loading and posting once more.

    Args:
        house: The channel.
        run_id: The run on whose behalf this happens.
        what: Which orders, and where they are read from.

    Returns:
        What was done; an order that the source cannot give stays held.

    Raises:
        RemoteUnavailable: Store or ERP did not answer; what was posted is recorded.
        WindowError: The store's documents are not complete.
    """
    done = Replayed()
    with house.engine.connect() as connection:
        rows = held_orders.find(
            connection, what.wanted(house.channel), house.clock.now(), limit=MOST_ROWS
        )
    numbers = {row.order_id_store: row.order_number for row in rows}
    done.orders = len(numbers)
    for part in chunks(numbers.items(), CHUNK):
        _replay_some(house, run_id, dict(part), what.source, done)
    with house.engine.connect() as connection:
        left = quarantine.open_rows(connection, house.channel, list(numbers), limit=MOST_ROWS)
    done.held = len({row.finding.order_id_store for row in left})
    done.closed = done.orders - done.held
    return done


def plan_replay(house: House, run_id: str, what: ReplayOf) -> dry_run.Planned:
    """Plan what a replay would post; nothing is written but landing.

    Args:
        house: The channel.
        run_id: The run on whose behalf this happens.
        what: Which orders, and where they are read from.

    Returns:
        What posting would do now; an order that the source cannot give is held on.

    Raises:
        RemoteUnavailable: Store or ERP did not answer.
        WindowError: The store's documents are not complete.
    """
    with house.engine.connect() as connection:
        rows = held_orders.find(
            connection, what.wanted(house.channel), house.clock.now(), limit=MOST_ROWS
        )
    numbers = {row.order_id_store: row.order_number for row in rows}
    raws: list[_Fetched] = []
    for part in chunks(numbers.items(), CHUNK):
        raws += _fetch_some(house, dict(part), what.source).values()
    planned = dry_run.Planned()
    if raws:
        batch_id = _land(house, run_id, raws)
        orders.validate(house, batch_id, dry_run=True)
        planned = dry_run.plan_batch(house, batch_id)
    there = {fetched.raw.order_id_store for fetched in raws}
    for order_id, number in numbers.items():
        if order_id not in there:
            planned.held.append((number, "it is gone from the store and from landing"))
            planned.ids[number] = order_id
    return planned


class _Fetched(NamedTuple):
    """A document, and the units that the store's list gives the same version of its order."""

    raw: RawOrder
    units: int | None = None


def _fetch_some(house: House, numbers: dict[str, str], source: Source) -> dict[str, _Fetched]:
    """Return the documents of orders by store id; what the store lacks is read from landing."""
    raws = dict(_from_store(house, numbers)) if source is Source.STORE else {}
    with house.engine.connect() as connection:
        absent = [order_id for order_id in numbers if order_id not in raws]
        for raw in landing.read_documents(connection, house.channel, absent):
            raws[raw.order_id_store] = _Fetched(raw)
    return raws


def _replay_some(
    house: House, run_id: str, numbers: dict[str, str], source: Source, done: Replayed
) -> None:
    raws = _fetch_some(house, numbers, source)
    missing = [number for order_id, number in numbers.items() if order_id not in raws]
    done.missing += len(missing)
    if missing:
        log.warning("%d held orders are gone from the store and from landing", len(missing))
    if raws:
        batch_id = _land(house, run_id, list(raws.values()))
        orders.validate(house, batch_id)
        orders.load(house, batch_id)
        with house.engine.connect() as connection:
            todo = [i for ids in staged.order_ids_in_batch(connection, batch_id) for i in ids]
        done.documents += documents.post(house, todo, batch_id).documents
    with house.engine.begin() as connection:
        desk.replayed(connection, house.channel, list(numbers))


def _from_store(house: House, numbers: dict[str, str]) -> Iterator[tuple[str, _Fetched]]:
    """Yield what the store holds of the orders now; one it no longer has is left out."""
    now = house.clock.now()
    headers = []
    try:
        selection = Selection(Window(now, now), Basis.UPDATED, tuple(numbers.values()))
        house.store.preflight(selection)
        headers = list(house.store.list_headers(selection))
    except WindowError:
        for number in numbers.values():
            selection = Selection(Window(now, now), Basis.UPDATED, (number,))
            try:
                headers += house.store.list_headers(selection)
            except WindowError as error:
                log.info("replay: %s", error)
    listed = {h.order_id_store: h for h in headers if h.order_id_store in numbers}
    for part in house.store.fetch(list(listed.values())):
        for raw in part:
            header = listed[raw.order_id_store]
            units = header.unit_count if header.updated_at == raw.updated_at else None
            yield raw.order_id_store, _Fetched(raw, units)


def _land(house: House, run_id: str, raws: Sequence[_Fetched]) -> int:
    now = house.clock.now()
    window = Window(now, now)
    run = Run(run_id, RunType.MANUAL, window, tuple(f.raw.order_number for f in raws))
    rows = [orders.translate(house, fetched.raw, fetched.units) for fetched in raws]
    with house.engine.begin() as connection:
        batch_id = batches.open_batch(
            connection,
            house.channel,
            run_id=run.run_id,
            run_type=run.run_type,
            selection=Selection(window, Basis.UPDATED, run.order_numbers),
            fetched=window,
            store_count=len(raws),
        )
        landed = landing.land(connection, batch_id, rows)
        batches.finish_batch(
            connection,
            batch_id,
            store_count=len(raws),
            owned=len(raws),
            pulled=landed.orders,
            normalised=landed.readable(rows),
        )
        privacy.redact_again(connection, house.channel, batch_id)
    return batch_id


@dataclass(frozen=True, slots=True)
class Digest:
    """What one owner is told at once.

    Attributes:
        channel: Channel id.
        owner: Who has to act.
        rows: The rows that are new to the owner, oldest first.
    """

    channel: str
    owner: str
    rows: tuple[quarantine.QuarantineRow, ...]

    @property
    def orders(self) -> int:
        """How many orders are held."""
        return len({row.finding.order_id_store for row in self.rows})

    @property
    def subject(self) -> str:
        """One line that says what it is about."""
        noun = "order is" if self.orders == 1 else "orders are"
        return f"Counterfoil: {self.channel}: {self.orders} {noun} held back"

    def by_reason(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each class of reason with its order numbers, the most frequent first."""
        counted = Counter(row.finding.reason_class for row in self.rows)
        for reason, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
            rows = [row for row in self.rows if row.finding.reason_class == reason]
            numbers = {row.finding.order_number for row in rows}
            yield reason, sorted(numbers, key=lambda number: (len(number), number))


WHAT_TO_DO = {
    "missing_mapping": "Add the mapping row that the Quarantine page names; the orders then go "
    "through in the next run.",
    "value": "Correct the order in the store; its next version is looked at again by itself.",
    "contract_drift": "The store sent something it does not promise: tell the data engineers.",
    "unbalanced": "Compare both sides with the store's admin; nothing is booked until they tie.",
    "duplicate": "Decide in the store which order is the real one; write the other one off.",
    "refused_by_erp": "Read the ERP's own words on the page, mend the cause there, replay.",
    "erp_busy": "Nothing: the next run looks the document up and tries again.",
    "unpaid": "Nothing, or ask the buyer: it goes through once the store shows the payment.",
    "on_hold": "Release the hold in the store: the order goes through once the store shows it.",
    "risk": "Look at the order in the store: cancel it there, or release it on the page, which "
    "accepts the risk; the next run posts it.",
    "closed_period": "Open the period in the ERP, or let the channel post on the next open day.",
    "approval": "Look at the order and release it on the page; the next run posts it.",
    "short_stock": "Receive the goods, or let the channel back-order them.",
    "changed_after_posting": "Compare both totals on the page and correct the documents.",
}


def digests(channel: str, rows: Iterable[quarantine.QuarantineRow]) -> list[Digest]:
    """Group rows that are new to their owners into one message an owner.

    Args:
        channel: Channel id.
        rows: Rows whose owners do not know of them.
    """
    grouped: dict[str, list[quarantine.QuarantineRow]] = {}
    for row in rows:
        grouped.setdefault(row.owner, []).append(row)
    return [Digest(channel, owner, tuple(held)) for owner, held in sorted(grouped.items())]


def tell_owners(house: House, send: Callable[[Digest], None]) -> int:
    """Tell every owner of the held orders that are new to them, each owner once, at once.

    Rows count as told once their message is out. Two callers at once: the second tells nothing.

    Args:
        house: The channel.
        send: Sends one message; raises when it could not.

    Returns:
        Messages sent.

    Raises:
        RemoteUnavailable: A message could not be sent; the others were.
    """
    sent = 0
    failed: list[RemoteUnavailable] = []
    with house.engine.connect() as turn:
        if not turn.scalar(_ONE_TELLER, {"name": f"counterfoil:digest:{house.channel}"}):
            return 0
        for digest in digests(house.channel, quarantine.untold(turn, house.channel)):
            try:
                send(digest)
            except RemoteUnavailable as error:
                failed.append(error)
                continue
            with house.engine.begin() as connection:
                quarantine.mark_told(connection, [row.quarantine_id for row in digest.rows])
            sent += 1
    if failed:
        raise failed[0]
    return sent


def as_text(digest: Digest, link: str) -> str:
    """Spell a digest: counts by reason, order numbers, what to do. Ids and numbers only.

    Args:
        digest: What the owner is told.
        link: Address of the Quarantine page.
    """
    lines = [digest.subject + ".", ""]
    for reason, numbers in digest.by_reason():
        named = ", ".join(numbers[:NAMED])
        more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
        lines += [f"{len(numbers)} {reason.replace('_', ' ')}: {named}{more}"]
        lines += [f"  {WHAT_TO_DO.get(reason, 'The Quarantine page says what is wrong.')}"]
    return "\n".join([*lines, "", f"Open them: {link}", "You are told once of each order."])
