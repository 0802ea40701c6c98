"""Starts the sandboxes: a store server on a port, and a company in a PostgreSQL database.

``python -m include.sandbox --port 0 --gp-url postgresql+psycopg://...`` prints the address it
listens on. What was seeded is kept in the state folder: a restart serves the same shop, grown by
the days that have passed.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from include.connectors.erps.dynamics_gp.sandbox.company import install, seed
from include.connectors.stores.shopify.sandbox.running import run_forever
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.store import StoreState
from include.sandbox.catalog import company_catalog

KEPT = "sandbox.json"


@dataclass(frozen=True, slots=True)
class Filling:
    """What the shop is filled with; the same filling makes the same shop."""

    seed: int
    days: int
    per_day: int
    until: str
    now: str


def filling(chosen: argparse.Namespace, state_dir: Path | None) -> Filling:
    """Return the filling of the state folder, or a new one, which is kept there.

    An ERP that was posted into must never meet another shop with the same order numbers.

    Args:
        chosen: The command line's choices.
        state_dir: Where the filling is kept, if anywhere.
    """
    kept = state_dir / KEPT if state_dir else None
    if kept is not None and kept.exists():
        return Filling(**json.loads(kept.read_text(encoding="utf-8")))
    now = datetime.now(UTC)
    until = chosen.until or now.date()
    new = Filling(chosen.seed, chosen.days, chosen.per_day, until.isoformat(), now.isoformat())
    if kept is not None:
        kept.write_text(json.dumps(asdict(new)), encoding="utf-8")
    return new


def grown_store(filled: Filling, until: date | None, now: datetime) -> StoreState:
    """Return the shop of a filling as it is by now: its earlier days, and those since.

    Args:
        filled: What the shop was first filled with.
        until: First day that is not complete, if the command line says so.
        now: The present.
    """
    first = date.fromisoformat(filled.until)
    last = max(first, until or now.date())
    since = (last - first).days
    return build_store(
        filled.seed, filled.days + since, filled.per_day, last, now, crowd_days=filled.days
    )


def main() -> None:
    """Install, seed, serve."""
    parser = argparse.ArgumentParser(prog="python -m include.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--gp-url", help="SQLAlchemy URL of the database for the company")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=3, help="complete days before --until")
    parser.add_argument("--per-day", type=int, default=300)
    parser.add_argument("--until", type=date.fromisoformat, help="first day that is not complete")
    parser.add_argument("--state-dir", type=Path, help="where the filling is kept")
    chosen = parser.parse_args()
    if chosen.gp_url:
        install(chosen.gp_url)
        seed(chosen.gp_url, company_catalog())
    filled = filling(chosen, chosen.state_dir)
    store = grown_store(filled, chosen.until, datetime.now(UTC))
    settings = SandboxSettings()
    settings.client_id = os.environ.get("COUNTERFOIL_STORE_CLIENT_ID", settings.client_id)
    settings.client_secret = os.environ.get(
        "COUNTERFOIL_STORE_CLIENT_SECRET", settings.client_secret
    )
    run_forever(create_app(store, settings), chosen.port)


if __name__ == "__main__":
    main()
