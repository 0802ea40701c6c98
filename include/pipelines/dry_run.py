"""A dry run: the plan of a landed batch. Reads the ERP, sends nothing; only the plan is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from include.domain.document import PreparedDocument
from include.domain.errors import OrderError
from include.domain.plan import SKIP_REASONS
from include.pipelines.house import House
from include.pipelines.planning import plan_orders, prepare, read_staged
from include.staging import amendments, landing, plans
from include.staging import ledger as ledger_rows
from include.staging.plans import Action, KeptPlan, PlanRow

BY_VALIDATION = "a rule of the suite is broken: the log of validate names it"


@dataclass(slots=True)
class Planned:
    """What posting would do.

    Attributes:
        documents: Documents it would send, in order.
        held: Order number and reason of each order it would hold.
        skipped: Order number and reason of each order it would leave out.
        done: Orders whose documents are all in the ERP.
        ids: Store id by order number, of those held and skipped.
    """

    documents: list[PreparedDocument] = field(default_factory=list)
    held: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    done: int = 0
    ids: dict[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[PlanRow]:
        """Yield the plan line by line: what is sent, what is held, what is left out."""
        for prepared in self.documents:
            document = prepared.document
            yield PlanRow(
                Action.SEND,
                document.key.order_id_store,
                document.order_number,
                kind=document.key.kind.value,
                sequence=document.key.sequence,
                document_on=document.document_on,
                line_count=prepared.line_count,
                currency=document.currency,
                total=document.total,
                paid=document.paid,
            )
        for action, named in ((Action.HOLD, self.held), (Action.SKIP, self.skipped)):
            for number, reason in named:
                yield PlanRow(action, self.ids.get(number, ""), number, reason=reason)


def keep(house: House, flow: str, run_id: str, planned: Planned) -> KeptPlan:
    """Keep a plan beside the batch it was made from, for the page and the files.

    Args:
        house: The channel.
        flow: ``orders`` or ``quarantine_replay``.
        run_id: The run that planned.
        planned: What posting would do.

    Returns:
        The plan as it is kept.
    """
    kept = KeptPlan(
        channel=house.channel,
        flow=flow,
        run_id=run_id,
        planned_at=house.clock.now(),
        done=planned.done,
        rows=tuple(planned.rows()),
    )
    with house.engine.begin() as connection:
        plans.keep(connection, kept)
    return kept


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
        whole = [(row["order_id_store"], row) for row in rows]
        orders, unreadable = read_staged(amendments.filled_in(connection, house.channel, whole))
        faults = {f.order_id_store: f.message for f in landing.read_faults(connection, batch_id)}
        listed = landing.read_batch_orders(connection, batch_id)
        planned.ids = {row.order_number: row.order_id_store for row in listed}
        planned.held += [
            (row.order_number, faults.get(row.order_id_store, BY_VALIDATION))
            for row in listed
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
