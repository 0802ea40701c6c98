"""``make new-erp name=…`` and ``make new-store name=…``: writes a folder, says what is next."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from local.scaffold.writing import SHELVES, NotPossible, write

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Write a connector's folder."""
    parser = argparse.ArgumentParser(prog="python -m local.scaffold", description=__doc__)
    parser.add_argument("kind", choices=sorted(SHELVES))
    parser.add_argument("name", help="name of the connector's package, such as acme_books")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the project")
    chosen = parser.parse_args()
    try:
        folder = write(chosen.kind, chosen.name, chosen.root.resolve())
    except NotPossible as refused:
        print(refused, file=sys.stderr)
        return 1
    print(f"written: {folder.relative_to(chosen.root.resolve())}")
    print(f"what it still gets wrong: make conformance {chosen.kind.upper()}={chosen.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
