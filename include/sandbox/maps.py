"""Write the map files of the shopify_gp channel: ``python -m include.sandbox.maps``."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from include.sandbox.catalog import maps

FOLDER = Path(__file__).resolve().parents[1] / "channels" / "shopify_gp" / "maps"


def render(rows: dict[str, str]) -> str:
    """Return the text of one map file.

    Args:
        rows: Store value to ERP value.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("key", "value"))
    writer.writerows(rows.items())
    return out.getvalue()


def main() -> int:
    """Write every file."""
    for kind, rows in maps().items():
        (FOLDER / f"{kind}.csv").write_text(render(rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
