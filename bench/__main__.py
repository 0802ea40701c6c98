"""``python -m bench``: measures, prints a table and writes ``bench/latest.json``.

Each figure is the median of several runs with the smallest and the largest beside it. Nothing here
is a test: a missed target is reported, never an error.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from bench import dlt_setup, empty_window, pages, parse, table
from bench.measure import ROOT, Figures, cpu_seconds_of, measure, spread
from bench.subject import PHASES, measure_window
from local import postgres

LATEST = ROOT / "bench" / "latest.json"
PARTS = ("throughput", "posting", "empty", "parse")
DISTINCT = 400
MEASURED = ("orders_per_second", "seconds", "peak_mb", "cpu_ms", "database_cpu_ms")
POSTED_ORDERS = 1_000
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Store:
    """A page server: where it listens and what it holds."""

    url: str
    orders: int
    payload_mb: float
    start_at: datetime

    @property
    def window(self) -> tuple[str, str]:
        """First and last instant of its day, ISO 8601."""
        return self.start_at.isoformat(), (self.start_at + timedelta(days=1)).isoformat()

    @property
    def stamps(self) -> tuple[str, str]:
        """The same as the store's search spells them."""
        end_at = self.start_at + timedelta(days=1)
        return self.start_at.strftime(_STAMP), end_at.strftime(_STAMP)


@dataclass(slots=True)
class Bench:
    """What every measurement needs."""

    server: postgres.EmbeddedPostgres
    repeat: int
    tell: Callable[[str], None]
    databases: int = 0

    @contextlib.contextmanager
    def database(self, *, migrated: bool) -> Iterator[str]:
        """Make a database for one measurement, and drop it."""
        self.databases += 1
        name = f"bench_{self.databases}"
        self.server.create_database(name)
        try:
            if migrated:
                from include.staging.engine import migrate

                migrate(self.server.url(name))
            yield name
        finally:
            self.server.drop_database(name)

    @contextlib.contextmanager
    def _cpu_of_database(self) -> Iterator[Callable[[Figures], Figures]]:
        """Yield what adds the database's share of the processor to figures."""
        before = cpu_seconds_of(self.server.pid)

        def spent(figures: Figures) -> Figures:
            return {**figures, "database_cpu": cpu_seconds_of(self.server.pid) - before}

        yield spent

    def subject(self, store: Store) -> Figures:
        """Measure pull, validate and load."""
        with self.database(migrated=True) as name, self._cpu_of_database() as spent:
            return spent(measure_window(store.url, self.server.url(name), store.window))

    def floor(self, store: Store) -> Figures:
        """Measure the floor."""
        with self.database(migrated=False) as name, self._cpu_of_database() as spent:
            libpq = f"host={self.server.socket_dir} user={postgres.SUPERUSER} dbname={name}"
            arguments = ["--store", store.url, "--database", libpq, "--window", *store.stamps]
            return spent(measure("bench.floor", arguments))

    def dlt(self, store: Store) -> Figures:
        """Measure dlt, in its own environment."""
        with self.database(migrated=False) as name, self._cpu_of_database() as spent:
            host = str(self.server.socket_dir)
            arguments = ["--store", store.url, "--host", host, "--name", name]
            return spent(
                measure(
                    "bench.dlt_peer",
                    [*arguments, "--window", *store.stamps],
                    python=str(dlt_setup.PYTHON),
                    env=dlt_setup.QUIET,
                )
            )

    def posting(self, store: Store) -> Figures:
        """Measure posting."""
        with self.database(migrated=True) as name:
            url = self.server.url(name)
            arguments = ["--store", store.url, "--database", url, "--window", *store.window]
            return measure("bench.posting", arguments)

    def times(self, what: str, runs: dict[str, Callable[[], Figures]]) -> dict[str, list[Figures]]:
        """Run several measurements in turn, so that what disturbs one disturbs all."""
        found: dict[str, list[Figures]] = {name: [] for name in runs}
        for turn in range(self.repeat):
            for name, run in runs.items():
                figures = run()
                found[name].append(figures)
                rate = figures["orders"] / figures["seconds"]
                self.tell(f"{what}: {name}, run {turn + 1}: {rate:,.0f} orders/s")
        return found


@contextlib.contextmanager
def page_server(material: Path, orders: int) -> Iterator[Store]:
    """Run a page server in a process of its own."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start_at = day - timedelta(days=2)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bench.pages", "--material", str(material)),
            *("--orders", str(orders), "--start-at", start_at.isoformat()),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        url = f"http://127.0.0.1:{said['port']}"
        yield Store(url, orders, round(said["bytes"] / 1e6, 1), start_at)
    finally:
        process.kill()
        process.wait()


def throughput(bench: Bench, material: Path, sizes: list[int]) -> list[Figures]:
    """Measure the subject beside the floor and dlt at each size."""
    rows = []
    for orders in sizes:
        with page_server(material, orders) as store:
            runs: dict[str, Callable[[], Figures]] = {
                "floor": lambda store=store: bench.floor(store),
                "counterfoil": lambda store=store: bench.subject(store),
            }
            if dlt_setup.is_installed():
                runs["dlt"] = lambda store=store: bench.dlt(store)
            found = bench.times(f"{orders:,} orders", runs)
            rows.append(_sized(store, found))
    return rows


def _sized(store: Store, found: dict[str, list[Figures]]) -> Figures:
    row: Figures = {"orders": store.orders, "payload_mb": store.payload_mb}
    for name, runs in found.items():
        for figures in runs:
            figures["orders_per_second"] = figures["orders"] / figures["seconds"]
            figures["cpu_ms"] = 1e3 * figures["cpu"] / figures["orders"]
            figures["database_cpu_ms"] = 1e3 * figures["database_cpu"] / figures["orders"]
        row[name] = {key: spread(runs, key) for key in MEASURED}
    own = found["counterfoil"]
    for figures in own:
        figures["gx_share"] = figures["gx"] / figures["seconds"]
        figures["gx_share_with_import"] = (figures["gx"] + figures["gx_import"]) / (
            figures["seconds"] + figures["gx_import"]
        )
    keys = (
        *PHASES,
        *(f"{phase}_peak_mb" for phase in PHASES),
        *("gx", "gx_import", "gx_share", "gx_share_with_import"),
    )
    row["counterfoil"] |= {key: spread(own, key) for key in keys}
    row["of_the_floor"] = round(
        row["counterfoil"]["orders_per_second"]["median"]
        / row["floor"]["orders_per_second"]["median"],
        3,
    )
    return row


def posting(bench: Bench, material: Path) -> Figures:
    """Measure documents a second into an ERP that answers in five milliseconds."""
    with page_server(material, POSTED_ORDERS) as store:
        runs = bench.times("posting", {"posting": lambda: bench.posting(store)})["posting"]
    for figures in runs:
        figures["documents_per_second"] = figures["documents"] / figures["seconds"]
    return {
        **{key: runs[0][key] for key in ("orders", "documents", "calls", "threads")},
        **{key: spread(runs, key) for key in ("documents_per_second", "seconds", "peak_mb")},
    }


def machine(server: postgres.EmbeddedPostgres) -> Figures:
    """Say what it was measured on, without saying where."""
    with psycopg.connect(server.url("postgres").replace("+psycopg", "")) as connection:
        found = connection.execute("SHOW server_version").fetchone()
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "processor": platform.machine(),
        "system": platform.system(),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "postgresql": str(found[0]).split()[0] if found else "",
        **{name: version(name) for name in ("apache-airflow", "great-expectations", "pandas")},
    }


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeat", type=int, default=3, help="runs of each measurement")
    parser.add_argument("--orders", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--dlt", action="store_true", help="install dlt in its own environment")
    parser.add_argument("--no-write", action="store_true", help="leave bench/latest.json as it is")
    options = parser.parse_args()

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if options.dlt:
        dlt_setup.install(tell)
    kept: Figures = json.loads(LATEST.read_text()) if LATEST.exists() else {}
    results: dict[str, Any] = kept.get("results", {})
    with tempfile.TemporaryDirectory() as folder, postgres.temporary(durable=True) as server:
        bench = Bench(server, options.repeat, tell)
        facts = machine(server)
        material = Path(folder) / "material.json"
        pages.render_material(DISTINCT).save(material)
        tell(f"{DISTINCT} distinct orders rendered")
        if "throughput" in options.only:
            results["throughput"] = throughput(bench, material, options.orders)
        if "posting" in options.only:
            results["posting"] = posting(bench, material)
    if "empty" in options.only:
        results["empty"] = empty_window.run(max(options.repeat, 5), tell)
    if "parse" in options.only:
        results["parse"] = parse.run(options.repeat, tell)
    latest = {
        "measured_on": f"{datetime.now(UTC):%Y-%m-%d}",
        "runs": options.repeat,
        "machine": facts,
        "results": results,
        "targets": table.targets(results),
    }
    print(table.render(latest))
    if not options.no_write:
        LATEST.write_text(json.dumps(latest, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
