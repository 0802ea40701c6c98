"""Pull, validate and load: from the store's documents to staged orders, one batch a window."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.domain.columns import Rows
from include.domain.errors import ConfigurationError, WindowError
from include.domain.verdict import Finding, Severity
from include.domain.window import Basis, Selection
from include.domain.zones import same_calendar
from include.pipelines import translation
from include.pipelines.chunks import chunks
from include.pipelines.documents import POSTING_RULES
from include.pipelines.house import House
from include.pipelines.intake import APART_FROM, take_in
from include.pipelines.runs import Run
from include.ports.store import RawOrder, StoreFacts
from include.quality import runner
from include.quality.suite import SUITES, read_suite
from include.staging import batches, landing, ledger, privacy, quarantine, validation
from include.staging import orders as staged
from include.staging.rows import LandedOrder

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from include.settings.channel import ChannelSettings

log = logging.getLogger(__name__)

WAITING = 10_000
LOGGED = 50
JUDGED_AT_ONCE = 5_000
VALIDATION_CLASSES = ("value", "contract_drift", "unbalanced", "duplicate")


@dataclass(frozen=True, slots=True)
class Validated:
    """What validation found.

    Attributes:
        orders: Orders looked at.
        held: Orders held back.
        warned: Orders with a warning only.
    """

    orders: int
    held: int
    warned: int


def pull(house: House, run: Run, selection: Selection, *, apart_from: int = APART_FROM) -> int:
    """Fetch the documents of a window, keep them raw, and land them in canonical form.

    Args:
        house: The channel.
        run: The run that owns the window.
        selection: What the run owns in the store.
        apart_from: Orders from which on a second process helps to translate.

    Returns:
        The landing batch.

    Raises:
        ConfigurationError: The store is not set up for this; one message names everything missing.
        WindowError: The store's list or its documents are not complete.
        RemoteUnavailable: The store did not answer.
    """
    settings = house.settings
    facts = house.store.preflight(selection)
    require_books(settings, facts, house.clock.now())
    for warning in facts.warnings:
        log.warning("%s", warning)
    # A backfill owns the days a person chose, and finds what the index showed late by itself.
    is_live = selection.basis is Basis.UPDATED
    wide = Selection(
        selection.window.widened(settings.overlap) if is_live else selection.window,
        selection.basis,
        selection.order_numbers,
        selection.statuses,
    )
    headers = list(house.store.list_headers(wide))
    owned = sum(selection.owns(header.created_at, header.updated_at) for header in headers)
    with house.engine.begin() as connection:
        batch_id = batches.open_batch(
            connection,
            house.channel,
            run_id=run.run_id,
            run_type=run.run_type,
            selection=selection,
            fetched=wide.window,
            store_count=len(headers),
        )
    taken = take_in(house, batch_id, headers, wide, apart_from=apart_from)
    if taken.orders != len(headers):
        raise WindowError(f"the store listed {len(headers)} orders and sent {taken.orders} of them")
    with house.engine.begin() as connection:
        batches.finish_batch(
            connection,
            batch_id,
            store_count=len(headers),
            owned=owned,
            pulled=taken.orders,
            normalised=taken.readable,
        )
        privacy.redact_again(connection, house.channel, batch_id)
    log.info("batch %d: %d orders of %s landed", batch_id, taken.orders, selection.window)
    return batch_id


def require_books(settings: ChannelSettings, facts: StoreFacts, now: datetime) -> None:
    """Refuse a store whose currency or calendar is not the channel's: amounts and dates are its.

    Args:
        settings: The channel's settings.
        facts: What the store says of itself.
        now: The present, aware.

    Raises:
        ConfigurationError: Names what differs, both at once.
    """
    faults = []
    if facts.currency != settings.currency:
        faults.append(
            f"the store keeps its books in {facts.currency}, channel.yaml says "
            f"currency: {settings.currency}"
        )
    if not same_calendar(facts.time_zone, settings.time_zone, now):
        faults.append(
            f"the store keeps the calendar of {facts.time_zone}, channel.yaml dates documents by "
            f"time_zone: {settings.time_zone}"
        )
    if faults:
        raise ConfigurationError(f"{settings.name}: {'; '.join(faults)}")


def validate(house: House, batch_id: int, *, dry_run: bool = False) -> Validated:
    """Judge the orders of a batch; hold back the bad ones, stop a window that cannot be trusted.

    Args:
        house: The channel.
        batch_id: The landing batch.
        dry_run: Leave quarantine as it is.

    Returns:
        How many orders were looked at, held and warned about.

    Raises:
        WindowError: A rule about the window as a whole is broken.
    """
    suite = SUITES / f"{house.settings.suite}.json"
    with house.engine.connect() as connection, ThreadPoolExecutor(1) as aside:
        batch = batches.read_batch(connection, batch_id)
        wanted = read_suite(suite).columns
        columns, rows = landing.read_checks(connection, batch_id, columns=wanted)
        # The database works while the suite is judged; this thread leaves the connection alone.
        known = aside.submit(_known, connection, batch_id)
        listed = batch.store_count or 0
        outcome = runner.validate(
            columns,
            rows,
            suite,
            store_count=listed - (batch.pulled - batch.normalised),
            channel=house.channel,
            now=house.clock.now(),
        )
        broken, doubled, released = known.result()
    # What the ties said at the pull shows both sides; the suite only knows the difference.
    told = {finding.order_id_store for finding in broken}
    findings = [
        *(
            f
            for f in outcome.findings
            if not (f.reason_class == "unbalanced" and f.order_id_store in told)
        ),
        *_duplicates(columns, rows, doubled),
        *broken,
    ]
    findings = [f for f in findings if (f.order_id_store, f.rule) not in released]
    held = {f.order_id_store for f in findings if f.severity is Severity.CRITICAL}
    warned = {f.order_id_store for f in findings} - held
    result = Validated(batch.pulled, len(held), len(warned))
    with house.engine.begin() as connection:
        landing.set_verdicts(connection, batch_id, held=held, warned=warned)
        validation.record(
            connection,
            validation.ValidationLog(
                batch_id,
                house.settings.suite,
                not outcome.table_failures,
                result.orders,
                result.held,
                result.warned,
                outcome.seconds,
                outcome.statistics,
            ),
        )
        batches.set_state(connection, batch_id, batches.BatchState.VALIDATED)
        if not dry_run:
            _quarantine(house, connection, batch_id, findings)
    for finding in findings[:LOGGED]:
        log.info("%s %s: %s", finding.severity, finding.rule, finding.message)
    outcome.require_window(batch.selection.window)
    return result


def load(house: House, batch_id: int) -> int:
    """Stage the orders of a batch that were not held; the newest version of each stays.

    Args:
        house: The channel.
        batch_id: A validated landing batch.

    Returns:
        Orders that changed in staging; 0 for a replay.
    """
    with house.engine.begin() as connection:
        loaded = staged.load_batch(connection, batch_id)
    return loaded.added + loaded.changed


def orders_to_post(house: House, batch_id: int, run: Run) -> list[str]:
    """Return the staged orders that a run's post step looks at.

    These are the orders of its batch, and those of the channel that wait for something that may
    have changed since: a mapping row, stock, the ERP. A run for given numbers looks at just these.

    Args:
        house: The channel.
        batch_id: The run's landing batch.
        run: The run.
    """
    with house.engine.connect() as connection:
        own = [i for ids in staged.order_ids_in_batch(connection, batch_id) for i in ids]
        if run.order_numbers:
            return own
        waiting = ledger.waiting_orders(connection, house.channel, limit=WAITING)
    known = set(own)
    return own + [order_id for order_id in waiting if order_id not in known]


def translate(house: House, raw: RawOrder, listed_units: int | None = None) -> LandedOrder:
    """Return a raw document ready to be landed, in canonical form or held with the reason.

    Args:
        house: The channel.
        raw: The document as the store sent it.
        listed_units: Units the store's list gives this version of the order, if it does.
    """
    return translation.translated(
        house.channel,
        house.store.normalise,
        raw,
        house.clock.now(),
        house.settings.policy.tolerance,
        listed_units=listed_units,
    )


def _known(
    connection: Connection, batch_id: int
) -> tuple[list[Finding], dict[str, tuple[str, ...]], set[tuple[str, str]]]:
    """Return what the database says of a batch: its faults, doubled numbers, what was released."""
    return (
        landing.read_faults(connection, batch_id),
        staged.duplicate_numbers(connection, batch_id),
        quarantine.released(connection, batch_id),
    )


def _duplicates(
    columns: tuple[str, ...],
    rows: Rows,
    doubled: Mapping[str, tuple[str, ...]],
) -> Iterator[Finding]:
    """Name the orders of the batch whose number another order of the channel carries."""
    if not doubled:
        return
    identity, number = columns.index("order_id_store"), columns.index("order_number")
    for row in rows:
        order_id, order_number = str(row[identity]), str(row[number])
        others = [other for other in doubled.get(order_number, ()) if other != order_id]
        if others:
            yield Finding(
                order_id_store=order_id,
                order_number=order_number,
                reason_class="duplicate",
                rule="order_number_unique",
                message=f"order {order_number}: another order of the channel ({others[0]}) carries "
                "the same number; rename one in the store, the ERP looks documents up by it",
                field="order_number",
            )


def _quarantine(
    house: House,
    connection: Connection,
    batch_id: int,
    findings: list[Finding],
) -> None:
    """Record what was found, and close what validation found before and no longer finds."""
    quarantine.record(
        connection,
        house.channel,
        findings,
        owner=house.settings.order_data_owner,
        batch_id=batch_id,
    )
    still = {(finding.order_id_store, finding.rule) for finding in findings}
    # Of thousands of orders a handful has anything to close.
    for ids in chunks(quarantine.open_in_batch(connection, batch_id), JUDGED_AT_ONCE):
        quarantine.close_passed(
            connection,
            house.channel,
            ids,
            closed_by=f"batch {batch_id}",
            still=still,
            reason_classes=VALIDATION_CLASSES,
            spared=POSTING_RULES,
        )
