"""``make simulate ERP=… SEED=… N=…``: simulates N shops from a seed on, into each ERP."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from local import postgres
from tests.conformance.rigs import is_on_request, rigged
from tests.simulation.simulate import Broken, quiet, simulate


def main() -> int:
    """Simulate, count, and name the seed of the first failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--n", type=int, default=10, help="simulations, one seed each")
    parser.add_argument("--days", type=int, default=4, help="days each shop lives through")
    parser.add_argument(
        "--erp", choices=rigged(), action="append", help="those that come up by themselves"
    )
    chosen = parser.parse_args()
    quiet()
    with postgres.temporary() as server:
        for connector in chosen.erp or [name for name in rigged() if not is_on_request(name)]:
            if not _simulate_all(server, connector, chosen):
                return 1
    return 0


def _simulate_all(
    server: postgres.EmbeddedPostgres, connector: str, chosen: argparse.Namespace
) -> bool:
    total: Counter[str] = Counter()
    orders = runs = held = 0
    began = time.monotonic()
    for seed in range(chosen.seed, chosen.seed + chosen.n):
        name = f"simulation_{seed}"
        server.create_database(name)
        try:
            report = simulate(server, server.url(name), seed, connector, days=chosen.days)
        except Broken as broken:
            print(broken)
            return False
        finally:
            server.drop_database(name)
        total += report.faults
        orders += report.orders
        runs += report.runs
        held += report.held
    seconds = time.monotonic() - began
    counts = f"{orders} lives, {runs} runs, {sum(total.values())} faults"
    print(f"{connector}: {counts}, {seconds:.0f} s")
    for kind, count in total.most_common():
        print(f"  {kind:<18} {count:>6}")
    print(f"  held at the end: {held}; lost 0, doubled 0, wedged 0")
    return True


if __name__ == "__main__":
    sys.exit(main())
