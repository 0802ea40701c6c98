"""``make simulate SEED=… N=…``: simulates N shops from a seed on and prints what happened."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from local import postgres
from tests.simulation.simulate import Broken, quiet, simulate


def main() -> int:
    """Simulate, count, and name the seed of the first failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--n", type=int, default=10, help="simulations, one seed each")
    parser.add_argument("--days", type=int, default=4, help="days each shop lives through")
    chosen = parser.parse_args()
    quiet()
    total: Counter[str] = Counter()
    orders = runs = held = 0
    began = time.monotonic()
    with postgres.temporary() as server:
        for seed in range(chosen.seed, chosen.seed + chosen.n):
            name = f"simulation_{seed}"
            server.create_database(name)
            try:
                report = simulate(server, server.url(name), seed, days=chosen.days)
            except Broken as broken:
                print(f"{broken}\nreplay: make simulate SEED={seed} N=1")
                return 1
            finally:
                server.drop_database(name)
            total += report.faults
            orders += report.orders
            runs += report.runs
            held += report.held
    seconds = time.monotonic() - began
    print(f"{orders} lives, {runs} runs, {sum(total.values())} faults, {seconds:.0f} s")
    for kind, count in total.most_common():
        print(f"  {kind:<18} {count:>6}")
    print(f"held at the end: {held}; lost 0, doubled 0, wedged 0")
    return 0


if __name__ == "__main__":
    sys.exit(main())
