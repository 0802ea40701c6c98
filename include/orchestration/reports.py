"""Where reports are written as files: ``COUNTERFOIL_REPORTS``, or a folder in Airflow's home."""

from __future__ import annotations

import os
import re
from pathlib import Path

from include.domain.proof import WindowProof
from include.reporting import plan_export, proof_export
from include.staging.plans import KeptPlan


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
    contents = (
        (".json", proof_export.as_json([proof])),
        (".csv", proof_export.as_csv([proof])),
        (".orders.csv", proof_export.orders_as_csv([proof])),
        (".documents.csv", proof_export.documents_as_csv([proof])),
    )
    return [_write(place, f"{name}{suffix}", content) for suffix, content in contents]


def write_plan(plan: KeptPlan) -> list[Path]:
    """Write a dry run's plan as CSV and JSON; a second plan of the run replaces the first.

    Args:
        plan: The plan with its rows.

    Returns:
        The files.
    """
    place = folder() / "plans" / plan.channel
    name = f"{plan.flow}-{re.sub(r'[^0-9A-Za-z_-]+', '-', plan.run_id)}"
    contents = ((".csv", plan_export.as_csv(plan)), (".json", plan_export.as_json(plan)))
    return [_write(place, f"{name}{suffix}", content) for suffix, content in contents]


def _write(place: Path, name: str, content: str) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    path = place / name
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(content, encoding="utf-8", newline="")
    draft.replace(path)
    return path
