"""Window proofs in the database: counts, money by currency and the orders that need words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row, text

from include.domain.document import DocumentKey, DocumentKind
from include.domain.proof import (
    Outcome,
    ProofDocuments,
    ProofLives,
    ProofMoney,
    ProofOrder,
    WindowProof,
)
from include.domain.window import Window

_MONEY = (
    "in_store",
    "staged",
    "posted",
    "adjusted",
    "held",
    "skipped",
    "invoiced",
    "paid",
    "unexplained",
    "credited",
    "paid_back",
)
_DOCUMENTS = ("kind", "currency", "documents", "amount", "paid", "sent", "sent_amount")
_COUNTS = (
    "in_store",
    "staged",
    "posted",
    "held",
    "skipped",
    "unexplained",
    "doubled",
    "back_ordered",
)


_LIVES = tuple(field.name for field in fields(ProofLives))
KINDS = (
    DocumentKind.SALES_ORDER,
    DocumentKind.ORDER_CHANGE,
    DocumentKind.INVOICE,
    DocumentKind.SHIPMENT,
    DocumentKind.CREDIT_NOTE,
    DocumentKind.PAYMENT,
    DocumentKind.ADJUSTMENT,
    DocumentKind.VOID,
)
"""The order in which people read the kinds of document."""


class SentDocument(NamedTuple):
    """What the ledger knows of a document beside its content.

    Attributes:
        order_number: The order's number when the document was sent: what the ERP's reference names.
        batch_id: The landing batch on whose behalf it was sent.
    """

    order_number: str
    batch_id: int


def sent_documents(
    connection: Connection, channel: str, order_ids: Sequence[str]
) -> Mapping[DocumentKey, SentDocument]:
    """Return under which number, and for which batch, each document of orders was sent.

    Args:
        connection: Open connection.
        channel: Channel id.
        order_ids: Store ids.
    """
    rows = connection.execute(
        text(
            "SELECT order_id_store, kind, sequence, order_number, batch_id FROM erp_document"
            " WHERE channel = :channel AND order_id_store = ANY(:order_ids)"
        ),
        {"channel": channel, "order_ids": list(order_ids)},
    )
    return {
        DocumentKey(
            channel, row.order_id_store, DocumentKind(row.kind), row.sequence
        ): SentDocument(row.order_number, row.batch_id)
        for row in rows
    }


class StoredProof(NamedTuple):
    """A proof and its number; ``proof.orders`` is empty until ``orders_of`` is asked."""

    proof_id: int
    proof: WindowProof


def write(connection: Connection, proof: WindowProof) -> int:
    """Keep a proof; a second one of the same run replaces the first.

    Args:
        connection: Open connection; the caller commits.
        proof: The proof.

    Returns:
        Its number.
    """
    connection.execute(
        text("DELETE FROM proof_window WHERE channel = :channel AND run_id = :run_id"),
        {"channel": proof.channel, "run_id": proof.run_id},
    )
    proof_id = _write_window(connection, proof)
    if proof.documents:
        _write_documents(connection, proof_id, proof)
    if proof.money:
        _write_money(connection, proof_id, proof)
    if proof.orders:
        _write_orders(connection, proof_id, proof)
    return proof_id


def _write_window(connection: Connection, proof: WindowProof) -> int:
    proof_id = connection.scalar(
        text(
            "INSERT INTO proof_window (channel, run_id, run_type, batch_id,"  # noqa: S608
            f" window_start, window_end, proven_at, {', '.join(_COUNTS)},"
            " skipped_by_reason, held_by_reason, notes, lives, tolerance)"
            " VALUES (:channel, :run_id, :run_type,"
            " :batch_id, :window_start, :window_end,"
            f" :proven_at, {', '.join(f':{name}' for name in _COUNTS)},"
            " CAST(:skipped_by_reason AS jsonb), CAST(:held_by_reason AS jsonb),"
            " CAST(:notes AS text[]), CAST(:lives AS jsonb), :tolerance) RETURNING proof_id"
        ),
        {
            "channel": proof.channel,
            "run_id": proof.run_id,
            "run_type": proof.run_type,
            "batch_id": proof.batch_id,
            "window_start": proof.window.start_at,
            "window_end": proof.window.end_at,
            "proven_at": proof.proven_at,
            **{name: getattr(proof, name) for name in _COUNTS},
            "skipped_by_reason": orjson.dumps(proof.skipped_by_reason).decode(),
            "held_by_reason": orjson.dumps(proof.held_by_reason).decode(),
            "notes": list(proof.notes),
            "lives": orjson.dumps(asdict(proof.lives)).decode(),
            "tolerance": proof.tolerance,
        },
    )
    return int(proof_id or 0)


def _write_documents(connection: Connection, proof_id: int, proof: WindowProof) -> None:
    connection.execute(
        text(
            f"INSERT INTO proof_document (proof_id, {', '.join(_DOCUMENTS)})"  # noqa: S608
            f" VALUES (:proof_id, {', '.join(f':{name}' for name in _DOCUMENTS)})"
        ),
        [{"proof_id": proof_id, **asdict(row)} for row in proof.documents],
    )


def _write_money(connection: Connection, proof_id: int, proof: WindowProof) -> None:
    connection.execute(
        text(
            f"INSERT INTO proof_money (proof_id, currency, {', '.join(_MONEY)})"  # noqa: S608
            f" VALUES (:proof_id, :currency, {', '.join(f':{name}' for name in _MONEY)})"
        ),
        [
            {
                "proof_id": proof_id,
                "currency": money.currency,
                **{name: getattr(money, name) for name in _MONEY},
            }
            for money in proof.money
        ],
    )


def _write_orders(connection: Connection, proof_id: int, proof: WindowProof) -> None:
    connection.execute(
        text(
            "INSERT INTO proof_order (proof_id, order_id_store, order_number, outcome, reason,"
            " message, owner, currency, store_amount, erp_amount, since_at)"
            " SELECT :proof_id, * FROM unnest(CAST(:order_ids AS text[]),"
            " CAST(:numbers AS text[]), CAST(:outcomes AS text[]), CAST(:reasons AS text[]),"
            " CAST(:messages AS text[]), CAST(:owners AS text[]), CAST(:currencies AS text[]),"
            " CAST(:store_amounts AS numeric[]), CAST(:erp_amounts AS numeric[]),"
            " CAST(:since AS timestamptz[]))"
        ),
        {
            "proof_id": proof_id,
            "order_ids": [order.order_id_store for order in proof.orders],
            "numbers": [order.order_number for order in proof.orders],
            "outcomes": [order.outcome.value for order in proof.orders],
            "reasons": [order.reason for order in proof.orders],
            "messages": [order.message for order in proof.orders],
            "owners": [order.owner for order in proof.orders],
            "currencies": [order.currency for order in proof.orders],
            "store_amounts": [order.store_amount for order in proof.orders],
            "erp_amounts": [order.erp_amount for order in proof.orders],
            "since": [order.since_at for order in proof.orders],
        },
    )


_READ = (
    "SELECT p.proof_id, p.channel, p.run_id, p.run_type, p.batch_id, p.window_start, p.window_end,"
    f" p.proven_at, {', '.join(f'p.{name}' for name in _COUNTS)}, p.skipped_by_reason,"
    " p.held_by_reason, p.notes, p.lives, p.tolerance FROM"
)


def latest_proofs(
    connection: Connection, channel: str | None = None, *, limit: int = 50
) -> list[StoredProof]:
    """Return the newest proof of each window, latest window first.

    Args:
        connection: Open connection.
        channel: Proofs of this channel only.
        limit: Most proofs to return.
    """
    rows = connection.execute(
        text(
            f"{_READ} (SELECT DISTINCT ON (channel, window_start, window_end) *"  # noqa: S608
            "  FROM proof_window"
            "  WHERE CAST(:channel AS text) IS NULL OR channel = :channel"
            "  ORDER BY channel, window_start, window_end, proven_at DESC, proof_id DESC) AS p"
            " ORDER BY p.window_start DESC, p.window_end DESC, p.channel LIMIT :limit"
        ),
        {"channel": channel, "limit": limit},
    ).all()
    return _with_money(connection, rows)


def read_proof(connection: Connection, proof_id: int) -> StoredProof | None:
    """Return one proof, or ``None``.

    Args:
        connection: Open connection.
        proof_id: Its number.
    """
    rows = connection.execute(
        text(f"{_READ} proof_window AS p WHERE p.proof_id = :proof_id"), {"proof_id": proof_id}
    ).all()
    return next(iter(_with_money(connection, rows)), None)


def proof_of_run(connection: Connection, channel: str, run_id: str) -> StoredProof | None:
    """Return the proof of a run, or ``None``.

    Args:
        connection: Open connection.
        channel: Channel id.
        run_id: The run.
    """
    rows = connection.execute(
        text(f"{_READ} proof_window AS p WHERE p.channel = :channel AND p.run_id = :run_id"),
        {"channel": channel, "run_id": run_id},
    ).all()
    return next(iter(_with_money(connection, rows)), None)


def orders_of(connection: Connection, proof_id: int) -> list[ProofOrder]:
    """Return the orders of a proof that were not simply posted: unexplained first, then held.

    Args:
        connection: Open connection.
        proof_id: Its number.
    """
    rows = connection.execute(
        text(
            "SELECT order_id_store, order_number, outcome, reason, message, currency,"
            " store_amount, erp_amount, owner, since_at FROM proof_order"
            " WHERE proof_id = :proof_id"
            " ORDER BY array_position(ARRAY['unexplained', 'held', 'skipped'], outcome),"
            "  reason, order_number, order_id_store"
        ),
        {"proof_id": proof_id},
    )
    return [
        ProofOrder(
            order_id_store=row.order_id_store,
            order_number=row.order_number,
            outcome=Outcome(row.outcome),
            reason=row.reason,
            message=row.message,
            currency=row.currency,
            store_amount=row.store_amount,
            erp_amount=row.erp_amount,
            owner=row.owner,
            since_at=row.since_at,
        )
        for row in rows
    ]


def _with_money(connection: Connection, rows: Sequence[Row[Any]]) -> list[StoredProof]:
    if not rows:
        return []
    money: dict[int, list[ProofMoney]] = {}
    for row in connection.execute(
        text(
            f"SELECT proof_id, currency, {', '.join(_MONEY)} FROM proof_money"  # noqa: S608
            " WHERE proof_id = ANY(:proof_ids) ORDER BY proof_id, currency"
        ),
        {"proof_ids": [row.proof_id for row in rows]},
    ):
        money.setdefault(row.proof_id, []).append(ProofMoney(*row[1:]))
    documents: dict[int, list[ProofDocuments]] = {}
    for row in connection.execute(
        text(
            f"SELECT proof_id, {', '.join(_DOCUMENTS)} FROM proof_document"  # noqa: S608
            " WHERE proof_id = ANY(:proof_ids) ORDER BY proof_id, currency,"
            "  array_position(CAST(:kinds AS text[]), kind)"
        ),
        {"proof_ids": [row.proof_id for row in rows], "kinds": [kind.value for kind in KINDS]},
    ):
        kind, *rest = row[1:]
        documents.setdefault(row.proof_id, []).append(ProofDocuments(DocumentKind(kind), *rest))
    return [
        StoredProof(
            row.proof_id,
            WindowProof(
                channel=row.channel,
                window=Window(row.window_start, row.window_end),
                run_id=row.run_id,
                run_type=row.run_type,
                batch_id=row.batch_id,
                proven_at=row.proven_at,
                **{name: getattr(row, name) for name in _COUNTS},
                skipped_by_reason=row.skipped_by_reason,
                held_by_reason=row.held_by_reason,
                money=tuple(money.get(row.proof_id, ())),
                notes=tuple(row.notes),
                lives=ProofLives(**{name: row.lives.get(name, 0) for name in _LIVES}),
                documents=tuple(documents.get(row.proof_id, ())),
                tolerance=row.tolerance,
            ),
        )
        for row in rows
    ]
