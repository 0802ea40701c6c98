"""Write the map files of every channel from its ERP's rig: ``python -m include.sandbox.maps``."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from include.sandbox.databases import new_database
from include.sandbox.rig import Ground, open_rig
from include.sandbox.shop import shop_assortment
from include.settings.channel import CHANNELS, channel_names, load_channel

Maps = Mapping[str, Mapping[str, str]]


def render(rows: Mapping[str, str]) -> str:
    """Return the text of one map file.

    Args:
        rows: Store value to ERP value.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("key", "value"))
    writer.writerows(rows.items())
    return out.getvalue()


def rig_of(channel: str) -> str | None:
    """Return the ERP connector of a channel, if it has a rig.

    Args:
        channel: Channel id.
    """
    erp = load_channel(channel).erp.connector
    try:
        found = find_spec(f"include.connectors.erps.{erp}.sandbox.rig")
    except ModuleNotFoundError:
        return None
    return erp if found else None


def write(channel: str, maps: Maps, root: Path = CHANNELS) -> None:
    """Write the map files of a channel; a file that no map stands for any more is removed.

    Args:
        channel: Channel id.
        maps: Rows by kind.
        root: Folder that holds one folder a channel.
    """
    folder = root / channel / "maps"
    folder.mkdir(exist_ok=True)
    for kind, rows in maps.items():
        (folder / f"{kind}.csv").write_text(render(rows), encoding="utf-8")
    for path in folder.glob("*.csv"):
        if path.stem not in maps:
            path.unlink()


def main() -> int:
    """Bring up each rig for a moment and write what it says."""
    parser = argparse.ArgumentParser(prog="python -m include.sandbox.maps", description=__doc__)
    parser.add_argument("--server-url", required=True, help="SQLAlchemy URL of a PostgreSQL server")
    parser.add_argument("channels", nargs="*", help="channel ids; all of them unless given")
    chosen = parser.parse_args()
    for channel in chosen.channels or channel_names():
        erp = rig_of(channel)
        if erp is None:
            continue
        with TemporaryDirectory() as folder:
            database = partial(new_database, chosen.server_url)
            with open_rig(erp, Ground(Path(folder), database, shop_assortment())) as rig:
                write(channel, rig.maps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
