"""A dry run: the plan of a landed batch, printed. Reads the ERP, sends nothing, records nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from include.domain.document import PreparedDocument
from include.domain.errors import OrderError
from include.domain.money import Money
from include.domain.plan import SKIP_REASONS
from include.pipelines.documents import plan_orders, prepare, read_staged
from include.pipelines.house import House
from include.staging import landing
from include.staging import ledger as ledger_rows

BY_VALIDATION = "a rule of the suite is broken: the log of validate names it"


@dataclass(slots=True)
class Planned:
    """What posting would do.

    Attributes:
        documents: Documents it would send, in order.
        held: Order number and reason of each order it would hold.
        skipped: Order number and reason of each order it would leave out.
        done: Orders whose documents are all in the ERP.
    """

    documents: list[PreparedDocument] = field(default_factory=list)
    held: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    done: int = 0


def plan_batch(house: House, batch_id: int) -> Planned:
    """Plan every order of a landed batch that validation let through.

    Args:
        house: The channel.
        batch_id: A validated landing batch.

    Returns:
        What posting would do now.
    """
    planned = Planned()
    with house.engine.connect() as connection:
        rows = landing.read_canonical(connection, batch_id)
        orders, unreadable = read_staged((row["order_id_store"], row) for row in rows)
        faults = {f.order_id_store: f.message for f in landing.read_faults(connection, batch_id)}
        planned.held += [
            (row.order_number, faults.get(row.order_id_store, BY_VALIDATION))
            for row in landing.read_batch_orders(connection, batch_id)
            if row.verdict == "hold"
        ]
        ledgers = ledger_rows.ledgers_for(connection, house.channel, list(orders))
    planned.held += [(finding.order_number, finding.message) for finding in unreadable.values()]
    for order, ready in plan_orders(house, orders.values(), ledgers):
        try:
            if isinstance(ready, OrderError):
                raise ready
            prepared = prepare(house, order, ready)
        except OrderError as error:
            planned.held.append((order.number, str(error)))
            continue
        if ready.skipped:
            planned.skipped.append((order.number, SKIP_REASONS[ready.skipped]))
        elif not prepared:
            planned.done += 1
        planned.documents += prepared
    return planned


def as_text(planned: Planned) -> str:
    """Return the plan as a table for the run's log; no personal data in it.

    Args:
        planned: What posting would do.
    """
    lines = [f"{'order':<12} {'document':<12} {'date':<10} {'lines':>5} {'total':>16} {'paid':>16}"]
    for prepared in planned.documents:
        document = prepared.document
        lines.append(
            f"{document.order_number:<12} {document.key.kind:<12} {document.document_on} "
            f"{prepared.line_count:>5} {Money(document.total, document.currency)!s:>16} "
            f"{Money(document.paid, document.currency)!s:>16}"
        )
    lines += [f"{number:<12} held: {reason}" for number, reason in planned.held]
    lines += [f"{number:<12} skipped: {reason}" for number, reason in planned.skipped]
    lines.append(
        f"{len(planned.documents)} documents to post, {len(planned.held)} orders to hold, "
        f"{len(planned.skipped)} to leave out, {planned.done} complete already"
    )
    return "\n".join(lines)
