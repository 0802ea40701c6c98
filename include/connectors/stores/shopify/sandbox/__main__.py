"""Starts the sandbox: `python -m include.connectors.stores.shopify.sandbox --port 0 --seed 1`."""

from __future__ import annotations

import argparse
from datetime import date

from include.connectors.stores.shopify.sandbox.running import run_forever
from include.connectors.stores.shopify.sandbox.seed import build_store
from include.connectors.stores.shopify.sandbox.server import create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings


def main() -> None:
    """Seed a shop and serve it."""
    parser = argparse.ArgumentParser(description="A sandbox of the Shopify Admin API 2026-10.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=3, help="complete days before --until")
    parser.add_argument("--per-day", type=int, default=300)
    parser.add_argument("--until", type=date.fromisoformat, help="first day that is not complete")
    parser.add_argument("--bucket", type=float, default=2000.0, help="points the bucket holds")
    parser.add_argument("--restore", type=float, default=100.0, help="points per second")
    parser.add_argument("--index-lag", type=float, default=0.0, help="seconds")
    chosen = parser.parse_args()
    store = build_store(chosen.seed, chosen.days, chosen.per_day, chosen.until)
    settings = SandboxSettings(
        bucket_size=chosen.bucket,
        restore_rate=chosen.restore,
        index_lag_seconds=chosen.index_lag,
    )
    run_forever(create_app(store, settings), chosen.port)


if __name__ == "__main__":
    main()
