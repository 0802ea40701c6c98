"""Plans of dry runs for people and programs: a plain-text table, CSV and JSON. No personal data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from include.domain.money import Money
from include.reporting.proof_export import amount, instant, safe_text
from include.staging.plans import Action, KeptPlan, PlanRow

COLUMNS = (
    "channel",
    "flow",
    "run_id",
    "planned_at",
    "action",
    "order_number",
    "order_id_store",
    "kind",
    "sequence",
    "document_on",
    "lines",
    "currency",
    "total",
    "paid",
    "reason",
)


def as_text(plan: KeptPlan) -> str:
    """Return the plan as a table for a run's log.

    Args:
        plan: The plan with its rows.
    """
    lines = [f"{'order':<12} {'document':<12} {'date':<10} {'lines':>5} {'total':>16} {'paid':>16}"]
    for row in plan.rows:
        if row.action is Action.SEND:
            lines.append(
                f"{row.order_number:<12} {row.kind:<12} {row.document_on} {row.line_count:>5} "
                f"{Money(row.total, row.currency)!s:>16} {Money(row.paid, row.currency)!s:>16}"
            )
        else:
            word = "held" if row.action is Action.HOLD else "skipped"
            lines.append(f"{row.order_number:<12} {word}: {row.reason}")
    counts = {action: sum(row.action is action for row in plan.rows) for action in Action}
    lines.append(
        f"{counts[Action.SEND]} documents to post, {counts[Action.HOLD]} orders to hold, "
        f"{counts[Action.SKIP]} to leave out, {plan.done} complete already"
    )
    return "\n".join(lines)


def as_csv(plan: KeptPlan) -> str:
    """Return the plan as CSV (RFC 4180), one row a document, held or skipped order.

    Args:
        plan: The plan with its rows.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in plan.rows:
        document = _document(row)
        named = (plan.channel, plan.flow, plan.run_id, instant(plan.planned_at))
        told = (document[name] for name in COLUMNS[4:])
        cells = ["" if cell is None else str(cell) for cell in (*named, *told)]
        writer.writerow(
            cell if name in ("total", "paid") else safe_text(cell)
            for name, cell in zip(COLUMNS, cells, strict=True)
        )
    return out.getvalue()


def as_json(plan: KeptPlan) -> str:
    """Return the plan as one JSON document; amounts are strings.

    Args:
        plan: The plan with its rows.
    """
    document = {
        "channel": plan.channel,
        "flow": plan.flow,
        "run_id": plan.run_id,
        "planned_at": instant(plan.planned_at),
        "complete_already": plan.done,
        "plan": list(_documents(plan.rows)),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _documents(rows: Iterable[PlanRow]) -> Iterable[dict[str, object]]:
    for row in rows:
        yield {name: value for name, value in _document(row).items() if value not in ("", None)}


def _document(row: PlanRow) -> dict[str, object]:
    is_sent = row.action is Action.SEND
    return {
        "action": row.action.value,
        "order_number": row.order_number,
        "order_id_store": row.order_id_store,
        "kind": row.kind,
        "sequence": row.sequence if is_sent else None,
        "document_on": row.document_on.isoformat() if row.document_on else None,
        "lines": row.line_count if is_sent else None,
        "currency": row.currency,
        "total": amount(row.total, row.currency) if is_sent else None,
        "paid": amount(row.paid, row.currency) if is_sent else None,
        "reason": row.reason,
    }
