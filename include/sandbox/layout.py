"""Knows sandboxes' books that another version laid out: its tables are not those of this one.

A sandbox names in ``LAID_OUT_BY`` the files that decide what its books look like. Their digest
stands beside the books; books are never converted, since a sandbox is made anew in seconds.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path

_SANDBOX = "include.connectors.erps.{}.sandbox"


def digest_of(connector: str) -> str:
    """Return the digest of the files that lay out the books of an ERP's sandbox.

    Args:
        connector: Folder name of the connector.
    """
    package = import_module(_SANDBOX.format(connector))
    root = Path(str(package.__file__)).parent
    found = hashlib.sha256()
    for pattern in getattr(package, "LAID_OUT_BY", ()):
        for path in sorted(root.glob(pattern)):
            found.update(path.read_bytes())
    return found.hexdigest()


def books_of(folder: Path, connector: str) -> Path:
    """Return the folder of a sandbox's books, made with the digest beside it unless it is there.

    Args:
        folder: The channel's folder.
        connector: Folder name of the connector.
    """
    books = folder / connector
    if not books.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _beside(books).write_text(digest_of(connector), encoding="utf-8")
        books.mkdir()
    return books


def is_current(folder: Path, connector: str) -> bool:
    """Tell whether a sandbox's books are as this version lays them out, or not there yet.

    Args:
        folder: The channel's folder.
        connector: Folder name of the connector.
    """
    books = folder / connector
    if not books.exists():
        return True
    try:
        return _beside(books).read_text(encoding="utf-8") == digest_of(connector)
    except FileNotFoundError:
        return False


def _beside(books: Path) -> Path:
    return books.with_name(f"{books.name}.layout")
