"""Window proofs for people and programs: a plain-text table, JSON and CSV.

Money stays exact: decimals leave as strings with the decimals of their currency, never as floats.
Text that comes from a store is kept from acting as a formula when a CSV is opened in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from include.domain.money import exponent
from include.domain.proof import Outcome, ProofLives, ProofMoney, ProofOrder, WindowProof

MONEY_FIELDS = (
    "in_store",
    "staged",
    "posted",
    "adjusted",
    "held",
    "skipped",
    "unexplained",
    "invoiced",
    "paid",
    "credited",
    "paid_back",
)
LIFE_FIELDS = tuple(field.name for field in fields(ProofLives))
COUNT_FIELDS = (
    "in_store",
    "staged",
    "posted",
    "held",
    "skipped",
    "unexplained",
    "doubled",
    "back_ordered",
)
WINDOW_COLUMNS = (
    "channel",
    "window_start",
    "window_end",
    "run_id",
    "run_type",
    "proven_at",
    "complete",
    *(f"orders_{name}" for name in COUNT_FIELDS),
    *(f"lives_{name}" for name in LIFE_FIELDS),
    "held_by_reason",
    "skipped_by_reason",
    "tolerance",
    "currency",
    *(f"amount_{name}" for name in MONEY_FIELDS),
)
ORDER_COLUMNS = (
    "channel",
    "window_start",
    "window_end",
    "order_number",
    "order_id_store",
    "outcome",
    "reason",
    "message",
    "owner",
    "since",
    "currency",
    "amount_in_store",
    "amount_in_erp",
)
DOCUMENT_COLUMNS = (
    "channel",
    "window_start",
    "window_end",
    "kind",
    "currency",
    "documents",
    "amount",
    "paid",
    "sent_by_this_run",
    "amount_sent_by_this_run",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def instant(at: datetime) -> str:
    """Spell an instant in UTC to the second, ISO 8601.

    Args:
        at: Aware time.
    """
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def amount(value: Decimal, currency: str) -> str:
    """Spell an amount with at least the decimals of its currency and without losing any.

    Args:
        value: Amount in major units.
        currency: ISO 4217 code.
    """
    places = max(exponent(currency), -int(value.normalize().as_tuple().exponent))
    return f"{value:.{places}f}"


def as_text(proof: WindowProof) -> str:
    """Lay a proof out as a table for a run's log: numbers and ids, no personal data.

    Args:
        proof: The proof of one window.

    Returns:
        Lines of at most about 100 characters, except for reasons in words.
    """
    rows = [["", "orders", *(f"{money.currency}" for money in proof.money)]]
    for label, name in (
        ("in store", "in_store"),
        ("staged", "staged"),
        ("posted in ERP", "posted"),
        ("adjusted by rule", "adjusted"),
        ("held", "held"),
        ("skipped", "skipped"),
        ("unexplained", "unexplained"),
    ):
        count = "" if name == "adjusted" else f"{getattr(proof, name):,}"
        rows.append([label, count, *(_grouped(getattr(m, name), m.currency) for m in proof.money)])
    for label, name in (
        ("invoiced", "invoiced"),
        ("credited", "credited"),
        ("paid in", "paid"),
        ("paid back", "paid_back"),
    ):
        if proof.money:
            rows.append([label, "", *(_grouped(getattr(m, name), m.currency) for m in proof.money)])
    lines = [
        f"Proof of {proof.channel} {proof.window}, run {proof.run_id}, {instant(proof.proven_at)}",
        *_aligned(rows),
        *_reasons("held", proof.held_by_reason),
        *_reasons("skipped", proof.skipped_by_reason),
        *_lives(proof),
        *_documents(proof),
    ]
    if proof.doubled:
        lines.append(f"  doubled in the ERP: {proof.doubled:,}")
    if proof.back_ordered:
        lines.append(f"  waiting for stock: {proof.back_ordered:,}")
    lines += [
        f"  UNEXPLAINED {order.order_number}: {order.message}"
        for order in proof.orders
        if order.outcome is Outcome.UNEXPLAINED
    ]
    lines += [f"  note: {note}" for note in proof.notes]
    lines.append(f"Tolerance for one order: {proof.tolerance.normalize():f}")
    lines.append(
        "Complete: every order of the window is accounted for."
        if proof.is_complete
        else "NOT COMPLETE: something is unexplained; do not close this window."
    )
    return "\n".join(lines)


def as_document(proof: WindowProof) -> dict[str, Any]:
    """Return a proof as JSON-ready values; amounts are strings.

    Args:
        proof: The proof of one window.
    """
    return {
        "channel": proof.channel,
        "window": {"start": instant(proof.window.start_at), "end": instant(proof.window.end_at)},
        "run_id": proof.run_id,
        "run_type": proof.run_type,
        "batch_id": proof.batch_id,
        "proven_at": instant(proof.proven_at),
        "complete": proof.is_complete,
        "orders": {name: getattr(proof, name) for name in COUNT_FIELDS},
        "held_by_reason": dict(proof.held_by_reason),
        "skipped_by_reason": dict(proof.skipped_by_reason),
        "money": [
            {"currency": money.currency}
            | {name: amount(getattr(money, name), money.currency) for name in MONEY_FIELDS}
            for money in proof.money
        ],
        "lives": {name: getattr(proof.lives, name) for name in LIFE_FIELDS},
        "documents": [
            {
                "kind": row.kind.value,
                "currency": row.currency,
                "documents": row.documents,
                "amount": amount(row.amount, row.currency),
                "paid": amount(row.paid, row.currency),
                "sent_by_this_run": row.sent,
                "amount_sent_by_this_run": amount(row.sent_amount, row.currency),
            }
            for row in proof.documents
        ],
        "tolerance": f"{proof.tolerance.normalize():f}",
        "not_posted": [_order_document(order) for order in proof.orders],
        "notes": list(proof.notes),
    }


def as_json(proofs: Iterable[WindowProof]) -> str:
    """Return proofs as one JSON document, ``{"windows": [...]}``.

    Args:
        proofs: Proofs in the order they are to appear.
    """
    documents = [as_document(proof) for proof in proofs]
    return json.dumps({"windows": documents}, ensure_ascii=False, indent=2) + "\n"


def as_csv(proofs: Iterable[WindowProof]) -> str:
    """Return one row for each window and currency, with the columns of ``WINDOW_COLUMNS``.

    The counts of a window stand on its first row only, so that a column's sum is right.

    Args:
        proofs: Proofs in the order they are to appear.
    """
    return _csv(WINDOW_COLUMNS, (row for proof in proofs for row in _window_rows(proof)))


def orders_as_csv(proofs: Iterable[WindowProof]) -> str:
    """Return one row for each order that is not simply posted, with ``ORDER_COLUMNS``.

    Args:
        proofs: Proofs in the order they are to appear.
    """
    return _csv(
        ORDER_COLUMNS, (_order_row(proof, order) for proof in proofs for order in proof.orders)
    )


def documents_as_csv(proofs: Iterable[WindowProof]) -> str:
    """Return one row for each kind of document and currency, with ``DOCUMENT_COLUMNS``.

    Args:
        proofs: Proofs in the order they are to appear.
    """
    return _csv(DOCUMENT_COLUMNS, (row for proof in proofs for row in _document_rows(proof)))


def _document_rows(proof: WindowProof) -> Iterable[list[str]]:
    for row in proof.documents:
        yield [
            safe_text(proof.channel),
            instant(proof.window.start_at),
            instant(proof.window.end_at),
            row.kind.value,
            row.currency,
            str(row.documents),
            amount(row.amount, row.currency),
            amount(row.paid, row.currency),
            str(row.sent),
            amount(row.sent_amount, row.currency),
        ]


def _lives(proof: WindowProof) -> list[str]:
    lives = proof.lives
    known = lives.new + lives.changed + lives.unchanged
    if not known:
        return []
    named = ", ".join(f"{getattr(lives, name):,} {name}" for name in LIFE_FIELDS)
    return [f"  orders with documents: {known:,} ({named})"]


def _documents(proof: WindowProof) -> list[str]:
    if not proof.documents:
        return []
    rows = [["documents in the ERP", "number", "amount", "paid", "sent by this run", "amount"]]
    for row in proof.documents:
        rows.append(
            [
                f"{row.kind.value.replace('_', ' ')} {row.currency}",
                f"{row.documents:,}",
                _grouped(row.amount, row.currency),
                _grouped(row.paid, row.currency),
                f"{row.sent:,}",
                _grouped(row.sent_amount, row.currency),
            ]
        )
    return _aligned(rows)


def _grouped(value: Decimal, currency: str) -> str:
    plain = amount(value, currency)
    places = len(plain.partition(".")[2])
    return f"{value:,.{places}f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _reasons(word: str, counts: Mapping[str, int]) -> list[str]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"  {word}: {count:,} {reason}" for reason, count in ranked]


def _order_document(order: ProofOrder) -> dict[str, Any]:
    return {
        "order_number": order.order_number,
        "order_id_store": order.order_id_store,
        "outcome": order.outcome.value,
        "reason": order.reason,
        "message": order.message,
        "owner": order.owner,
        "since": instant(order.since_at) if order.since_at else None,
        "currency": order.currency,
        "amount_in_store": amount(order.store_amount, order.currency),
        "amount_in_erp": amount(order.erp_amount, order.currency),
    }


def _window_rows(proof: WindowProof) -> Iterable[list[str]]:
    named = [
        safe_text(proof.channel),
        instant(proof.window.start_at),
        instant(proof.window.end_at),
        safe_text(proof.run_id),
        safe_text(proof.run_type),
        instant(proof.proven_at),
        "yes" if proof.is_complete else "no",
    ]
    counts = [str(getattr(proof, name)) for name in COUNT_FIELDS]
    counts += [str(getattr(proof.lives, name)) for name in LIFE_FIELDS]
    counts += [_counted(proof.held_by_reason), _counted(proof.skipped_by_reason)]
    counts.append(f"{proof.tolerance.normalize():f}")
    moneys: Sequence[ProofMoney | None] = proof.money or (None,)
    for position, money in enumerate(moneys):
        amounts = [""] * (1 + len(MONEY_FIELDS))
        if money is not None:
            amounts = [
                money.currency,
                *(amount(getattr(money, name), money.currency) for name in MONEY_FIELDS),
            ]
        yield [*named, *(counts if position == 0 else [""] * len(counts)), *amounts]


def _order_row(proof: WindowProof, order: ProofOrder) -> list[str]:
    return [
        safe_text(proof.channel),
        instant(proof.window.start_at),
        instant(proof.window.end_at),
        safe_text(order.order_number),
        safe_text(order.order_id_store),
        order.outcome.value,
        safe_text(order.reason),
        safe_text(order.message),
        safe_text(order.owner),
        instant(order.since_at) if order.since_at else "",
        order.currency,
        amount(order.store_amount, order.currency),
        amount(order.erp_amount, order.currency),
    ]


def _counted(counts: Mapping[str, int]) -> str:
    return safe_text("; ".join(f"{reason}: {count}" for reason, count in sorted(counts.items())))


def safe_text(value: str) -> str:
    """Keep text from being read as a formula by a spreadsheet (OWASP, CSV injection).

    Args:
        value: A cell.
    """
    return f"'{value}" if value.startswith(_FORMULA) else value


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()
