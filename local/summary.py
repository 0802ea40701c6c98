"""Says in plain words what the windows of a backfill came to, and whether that is good enough.

The figures come from the window proofs in staging: the store counted afresh, the ERP's own tables
read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from include.domain.money import quantise
from local.credentials import ROLES

if TYPE_CHECKING:
    from include.domain.proof import ProofDocuments, ProofMoney, WindowProof
    from local.backfill import DayRun

ROLE_WORDS = {
    "admin": "everything",
    "ops": "triggers and backfills",
    "finance": "reads only",
}
DOCUMENT_WORDS = {
    "sales_order": "orders",
    "order_change": "order changes",
    "void": "voids",
    "invoice": "invoices",
    "credit_note": "credit notes",
    "payment": "later payments",
    "shipment": "shipments",
    "adjustment": "adjustments",
}


def proofs_of(runs: Sequence[DayRun], proofs: Iterable[WindowProof]) -> dict[str, WindowProof]:
    """Find the proof of every run's window.

    Args:
        runs: the runs of the backfill.
        proofs: the newest proof of every window of the channel.

    Returns:
        Proof by run id; runs without one are missing.
    """
    known = list(proofs)
    by_run = {proof.run_id: proof for proof in known}
    by_window = {(proof.window.start_at, proof.window.end_at): proof for proof in known}
    found = {
        run.run_id: by_run.get(run.run_id) or by_window.get((run.start_at, run.end_at))
        for run in runs
    }
    return {run_id: proof for run_id, proof in found.items() if proof is not None}


def is_good(runs: Sequence[DayRun], proofs: Mapping[str, WindowProof]) -> bool:
    """Tell whether every run succeeded and proved its window complete.

    Args:
        runs: the runs of the backfill.
        proofs: proof by run id.
    """
    return bool(runs) and all(
        run.state == "success" and run.run_id in proofs and proofs[run.run_id].is_complete
        for run in runs
    )


def describe_windows(runs: Sequence[DayRun], proofs: Mapping[str, WindowProof]) -> str:
    """Write the table of windows with the reasons and the money below each.

    Args:
        runs: the runs of the backfill, in order.
        proofs: proof by run id.

    Returns:
        Several lines of text.
    """
    head = f"{'window (UTC)':<35} {'in store':>8} {'posted':>7} {'held':>6} {'skipped':>8}"
    lines = [f"{head} {'unexplained':>12}", "-" * 81]
    for run in runs:
        window = f"{run.start_at:%Y-%m-%d %H:%M} - {run.end_at:%Y-%m-%d %H:%M}"
        proof = proofs.get(run.run_id)
        if proof is None:
            lines.append(f"{window:<35} no proof: the run {_ended(run)}")
            continue
        lines.append(
            f"{window:<35} {proof.in_store:>8,} {proof.posted:>7,} {proof.held:>6,} "
            f"{proof.skipped:>8,} {proof.unexplained:>12,}"
        )
        lines += _reasons("held", proof.held_by_reason)
        lines += _reasons("skipped", proof.skipped_by_reason)
        lines += _lives(proof)
        lines += [line for money in proof.money for line in _money(money)]
        lines += [_documents(row) for row in proof.documents]
        if proof.back_ordered:
            lines.append(f"    waiting for stock: {proof.back_ordered:,}")
        if proof.doubled:
            lines.append(f"    DOUBLED in the ERP: {proof.doubled:,}")
        lines += [f"    note: {note}" for note in proof.notes]
        if run.state != "success":
            lines.append(f"    the run {_ended(run)}")
    lines.append("-" * 81)
    lines.append(_verdict(runs, proofs))
    return "\n".join(lines)


def describe_access(airflow_url: str, passwords: Mapping[str, str]) -> str:
    """Write where the pages are, who may log in, and how to stop.

    Args:
        airflow_url: base URL of Airflow.
        passwords: password by user.

    Returns:
        Several lines of text.
    """
    lines = [
        f"Airflow   {airflow_url}",
        f"Proof     {airflow_url}/proof/",
        "",
        f"{'user':<9} {'role':<7} {'password':<14} may",
    ]
    lines += [
        f"{user:<9} {role:<7} {passwords[user]:<14} {ROLE_WORDS[user]}"
        for user, role in ROLES.items()
    ]
    return "\n".join(lines)


def _reasons(word: str, counts: Mapping[str, int]) -> list[str]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"    {word}: {count:>5,}  {reason.replace('_', ' ')}" for reason, count in ranked]


def _money(money: ProofMoney) -> list[str]:
    parts = {
        "in store": money.in_store,
        "posted": money.posted,
        "named differences": money.adjusted,
        "held": money.held,
        "skipped": money.skipped,
    }
    code = money.currency
    told = ", ".join(
        f"{word} {_amount(amount, code)}"
        for word, amount in parts.items()
        if amount or word == "in store"
    )
    books = {
        "invoiced": money.invoiced,
        "credited": money.credited,
        "paid in": money.paid,
        "paid back": money.paid_back,
    }
    in_erp = ", ".join(f"{word} {_amount(amount, code)}" for word, amount in books.items())
    return [
        f"    {code}: {told}, unexplained {_exact(money.unexplained)}",
        f"    {code} in the ERP: {in_erp}",
    ]


def _lives(proof: WindowProof) -> list[str]:
    lives = proof.lives
    if not (lives.new or lives.changed or lives.unchanged):
        return []
    told = [
        f"    orders in the ERP: {lives.new:,} new, {lives.changed:,} changed after posting, "
        f"{lives.unchanged:,} as they were"
    ]
    store = {
        "shipped": lives.shipped,
        "edited": lives.edited,
        "refunded": lives.refunded,
        "cancelled": lives.cancelled,
    }
    words = ", ".join(f"{count:,} {word}" for word, count in store.items() if count)
    return told + ([f"    of these in the store: {words}"] if words else [])


def _documents(row: ProofDocuments) -> str:
    name = DOCUMENT_WORDS.get(row.kind.value, row.kind.value.replace("_", " "))
    told = f"    {row.documents:>6,}  {name:<15} {_amount(row.amount, row.currency):>14}"
    paid = "paid back" if row.kind.value == "credit_note" else "paid"
    if row.paid:
        told += f"  {paid} {_amount(row.paid, row.currency)}"
    return f"{told}  ({row.sent:,} of them sent by this run)"


def _amount(amount: Decimal, currency: str) -> str:
    return f"{quantise(amount, currency):,}"


def _exact(amount: Decimal) -> str:
    return f"{amount.normalize():,f}" if amount else "0"


def _ended(run: DayRun) -> str:
    failed = f" in {', '.join(run.failed_tasks)}" if run.failed_tasks else ""
    return f"{'succeeded' if run.state == 'success' else run.state}{failed}"


def _verdict(runs: Sequence[DayRun], proofs: Mapping[str, WindowProof]) -> str:
    if is_good(runs, proofs):
        return f"All {len(runs)} windows are proven complete: unexplained = 0."
    troubled = [
        f"{run.start_at:%Y-%m-%d}"
        for run in runs
        if run.state != "success" or run.run_id not in proofs or not proofs[run.run_id].is_complete
    ]
    return f"NOT proven: {', '.join(troubled) or 'there was no window'}. See the Proof page."
