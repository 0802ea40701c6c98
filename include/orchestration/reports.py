"""Where reports are written as files: ``COUNTERFOIL_REPORTS``, or a folder in Airflow's home."""

from __future__ import annotations

import os
from pathlib import Path

from include.domain.proof import WindowProof
from include.reporting import proof_export


def folder() -> Path:
    """Return the folder of all reports."""
    named = os.environ.get("COUNTERFOIL_REPORTS")
    if named:
        return Path(named)
    return Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "counterfoil"


def write_proof(proof: WindowProof) -> list[Path]:
    """Write a window's proof as JSON and CSV; a second proof of the window replaces the first.

    Args:
        proof: The proof.

    Returns:
        The files: the whole as JSON; as CSV the window's money, its orders and its documents.
    """
    window = proof.window
    name = f"{window.start_at:%Y%m%dT%H%M%SZ}-{window.end_at:%Y%m%dT%H%M%SZ}"
    place = folder() / "proofs" / proof.channel
    place.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, content in (
        (".json", proof_export.as_json([proof])),
        (".csv", proof_export.as_csv([proof])),
        (".orders.csv", proof_export.orders_as_csv([proof])),
        (".documents.csv", proof_export.documents_as_csv([proof])),
    ):
        path = place / f"{name}{suffix}"
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(content, encoding="utf-8", newline="")
        draft.replace(path)
        written.append(path)
    return written
