"""Starts the sandboxes of every channel asked for: its shop on a port, and its ERP's rig.

``python -m include.sandbox --state-dir DIR --server-url postgresql+psycopg://... CHANNEL...`` keeps
what was seeded in a folder a channel, writes the connections that lead to all of it into
``connections.json`` once everything listens, and serves until it is told to stop.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from include.connectors.stores.shopify.sandbox.running import serve_in_thread
from include.connectors.stores.shopify.sandbox.server import create_app
from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.sandbox.databases import new_database
from include.sandbox.layout import books_of
from include.sandbox.rig import Ground, open_rig, shop_size
from include.sandbox.shop import shop_assortment
from include.sandbox.shops import filling, grown_store, seed_of
from include.settings.channel import load_channel

CONNECTIONS = "connections.json"
Connections = dict[str, dict[str, Any]]


def open_shop(stack: ExitStack, channel: str, folder: Path, chosen: argparse.Namespace) -> Any:
    """Serve a channel's shop; return the fields of the connection that leads to it.

    Args:
        stack: What ends the shop again.
        channel: Channel id.
        folder: Where the shop's filling is kept.
        chosen: The command line's choices.
    """
    usual = shop_size(load_channel(channel).erp.connector)
    filled = filling(
        folder,
        seed=seed_of(channel, chosen.seed),
        days=chosen.days,
        per_day=chosen.per_day or usual.orders,
        until=chosen.until,
        awkward_per_day=None if chosen.per_day else usual.awkward,
    )
    store = grown_store(filled, chosen.until, datetime.now(UTC), lively=True)
    settings, own = SandboxSettings(), os.environ
    settings.client_id = own.get("COUNTERFOIL_SHOP_CLIENT_ID", settings.client_id)
    settings.client_secret = own.get("COUNTERFOIL_SHOP_CLIENT_SECRET", settings.client_secret)
    url = stack.enter_context(serve_in_thread(create_app(store, settings)))
    return {
        "conn_type": "http",
        "host": url,
        "login": settings.client_id,
        "password": settings.client_secret,
    }


def open_channel(channel: str, chosen: argparse.Namespace) -> tuple[ExitStack, Connections]:
    """Open the sandboxes of one channel.

    Args:
        channel: Channel id.
        chosen: The command line's choices.

    Returns:
        What ends them again, and connections by connection id.
    """
    settings = load_channel(channel)
    folder = chosen.state_dir / channel
    ground = Ground(
        folder=books_of(folder, settings.erp.connector),
        new_database=partial(new_database, chosen.server_url),
        assortment=shop_assortment(),
    )
    with ExitStack() as stack:
        rig = stack.enter_context(open_rig(settings.erp.connector, ground))
        shop = open_shop(stack, channel, folder, chosen)
        return stack.pop_all(), {
            settings.store.connection: shop,
            settings.erp.connection: dict(rig.connection),
        }


def open_sandboxes(stack: ExitStack, chosen: argparse.Namespace) -> Connections:
    """Open the sandboxes of every channel at once: a slow one holds up none of the others.

    Args:
        stack: What ends them again.
        chosen: The command line's choices.

    Returns:
        Connections by connection id.
    """
    found: Connections = {}
    failed: list[BaseException] = []
    with ThreadPoolExecutor(max_workers=len(chosen.channels)) as pool:
        for opening in [pool.submit(open_channel, name, chosen) for name in chosen.channels]:
            if (error := opening.exception()) is not None:
                failed.append(error)
                continue
            opened, connections = opening.result()
            stack.push(opened)
            found |= connections
    if failed:
        raise failed[0]
    return found


def write_connections(folder: Path, connections: Connections) -> None:
    """Write the connections for their owner's eyes only, whole or not at all.

    Args:
        folder: Where the file goes.
        connections: Fields by connection id.
    """
    draft = folder / f"{CONNECTIONS}.tmp"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(connections, file)
    draft.replace(folder / CONNECTIONS)


def main(arguments: list[str] | None = None) -> None:
    """Open, tell where, serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m include.sandbox", description=__doc__)
    parser.add_argument("channels", nargs="+", metavar="CHANNEL")
    parser.add_argument("--state-dir", type=Path, required=True, help="where state is kept")
    parser.add_argument("--server-url", required=True, help="SQLAlchemy URL of a PostgreSQL server")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=3, help="complete days before --until")
    parser.add_argument(
        "--per-day", type=int, help="orders a day; by default as many as suit the channel's ERP"
    )
    parser.add_argument("--until", type=date.fromisoformat, help="first day that is not complete")
    chosen = parser.parse_args(arguments)
    chosen.state_dir.mkdir(parents=True, exist_ok=True)
    (chosen.state_dir / CONNECTIONS).unlink(missing_ok=True)
    told_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: told_to_stop.set())
    with ExitStack() as stack:
        write_connections(chosen.state_dir, open_sandboxes(stack, chosen))
        print(f"serving {', '.join(chosen.channels)}", flush=True)  # noqa: T201
        told_to_stop.wait()


if __name__ == "__main__":
    main()
