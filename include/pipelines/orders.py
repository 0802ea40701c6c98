"""Pull, validate and load: from the store's documents to staged orders, one batch a window."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from include.domain.balance import require_balance
from include.domain.codec import to_document
from include.domain.errors import ConfigurationError, OrderError, WindowError
from include.domain.order import Order
from include.domain.verdict import Finding, Severity
from include.domain.window import Selection
from include.pipelines.checks import check_row
from include.pipelines.house import House
from include.pipelines.runs import Run
from include.ports.store import OrderHeader, RawOrder
from include.quality import runner
from include.settings.channel import load_seeds
from include.staging import landing, mapping, quarantine
from include.staging import orders as staged

log = logging.getLogger(__name__)

SUITES = Path(runner.__file__).parent / "suites"


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


def pull(house: House, run: Run, selection: Selection) -> int:
    """Fetch the documents of a window, keep them raw, and land them in canonical form.

    Args:
        house: The channel.
        run: The run that owns the window.
        selection: What the run owns in the store.

    Returns:
        The landing batch.

    Raises:
        ConfigurationError: The store is not set up for this; one message names everything missing.
        WindowError: The store's list or its documents are not complete.
        RemoteUnavailable: The store did not answer.
    """
    settings = house.settings
    facts = house.store.preflight(selection)
    if facts.currency != settings.currency:
        raise ConfigurationError(
            f"{settings.name}: the store keeps its books in {facts.currency}, channel.yaml says "
            f"currency: {settings.currency}"
        )
    for warning in facts.warnings:
        log.warning("%s", warning)
    wide = Selection(
        selection.window.widened(settings.overlap),
        selection.basis,
        selection.order_numbers,
        selection.statuses,
    )
    headers = list(house.store.list_headers(wide))
    owned = sum(selection.owns(header.created_at, header.updated_at) for header in headers)
    with house.engine.begin() as connection:
        mapping.sync_seeds(connection, house.channel, load_seeds(house.channel))
        batch_id = landing.open_batch(
            connection,
            channel=house.channel,
            run_id=run.run_id,
            run_type=run.run_type,
            selection=selection,
            fetch_start=wide.window.start_at,
            store_count=len(headers),
            owned=owned,
        )
    landed = _land(house, batch_id, headers)
    if landed != len(headers):
        raise WindowError(f"the store listed {len(headers)} orders and sent {landed} of them")
    with house.engine.begin() as connection:
        landing.close_batch(connection, batch_id)
    log.info("batch %d: %d orders of %s landed", batch_id, landed, selection.window)
    return batch_id


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
    with house.engine.connect() as connection:
        batch = landing.read_batch(connection, batch_id)
        broken = landing.read_failures(connection, batch_id)
        columns, rows = landing.read_checks(connection, batch_id)
        doubled = landing.duplicate_numbers(connection, batch_id)
    outcome = runner.validate(
        columns,
        rows,
        SUITES / f"{house.settings.suite}.json",
        store_count=(batch.store_count or 0) - len(broken),
        channel=house.channel,
    )
    findings = [*broken, *_duplicates(doubled), *outcome.findings]
    with house.engine.begin() as connection:
        landing.set_verdicts(connection, batch_id, findings)
        landing.log_validation(connection, batch_id, house.settings.suite, outcome)
        if not dry_run:
            quarantine.record(
                connection,
                house.channel,
                findings,
                owner=house.settings.order_data_owner,
                batch_id=batch_id,
            )
    if outcome.table_failures:
        raise WindowError("; ".join(outcome.table_failures))
    held = {f.order_id_store for f in findings if f.severity is Severity.CRITICAL}
    warned = {f.order_id_store for f in findings} - held
    return Validated(len(rows) + len(broken), len(held), len(warned))


def load(house: House, batch_id: int) -> int:
    """Stage the orders of a batch that were not held; the newest version of each stays.

    Args:
        house: The channel.
        batch_id: A validated landing batch.

    Returns:
        Orders that changed in staging; 0 for a replay.
    """
    with house.engine.begin() as connection:
        return staged.load_batch(connection, batch_id)


def orders_to_post(house: House, batch_id: int, run: Run) -> list[str]:
    """Return the staged orders that a run's post step looks at.

    These are the orders of its batch, and those of the channel that wait for something that may
    have changed since: a mapping row, stock, the ERP. A run for given order numbers looks at just these.

    Args:
        house: The channel.
        batch_id: The run's landing batch.
        run: The run.
    """
    with house.engine.connect() as connection:
        own = staged.batch_orders(connection, batch_id)
        if run.order_numbers:
            return own
        waiting = staged.waiting_orders(connection, house.channel, limit=500)
    known = set(own)
    return own + [order_id for order_id in waiting if order_id not in known]


def _land(house: House, batch_id: int, headers: list[OrderHeader]) -> int:
    landed = 0
    for raws in house.store.fetch(headers):
        rows = list(_landed(house, raws))
        with house.engine.begin() as connection:
            landed += landing.land(connection, house.channel, batch_id, rows)
    return landed


def _landed(house: House, raws: Iterable[RawOrder]) -> Iterator[landing.LandedOrder]:
    now = house.clock.now()
    for raw in raws:
        order: Order | None = None
        fault: OrderError | None = None
        try:
            order = house.store.normalise(house.channel, raw.document)
            require_balance(order)
        except OrderError as error:
            fault = error
        yield landing.landed_order(
            raw,
            digest=sha256(raw.body).digest()[:16],
            canonical=orjson.dumps(to_document(order)) if order else None,
            checks=check_row(order, now) if order else None,
            fault=fault,
        )


def _duplicates(doubled: Iterable[tuple[str, str, str]]) -> Iterator[Finding]:
    for order_id, number, other in doubled:
        yield Finding(
            order_id_store=order_id,
            order_number=number,
            reason_class="duplicate",
            rule="order_number_unique",
            message=f"order {number}: another order of the channel ({other}) carries the same "
            "number; rename one in the store, the ERP looks documents up by it",
            field="order_number",
        )
