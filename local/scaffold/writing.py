"""From a name to a folder: the templates beside this file, with the name filled in.

A folder is written whole or not at all, and never over another.
"""

from __future__ import annotations

import keyword
import re
import shutil
from pathlib import Path

TEMPLATES = Path(__file__).parent
SHELVES = {"erp": "erps", "store": "stores"}
SUFFIX = ".txt"
LONGEST = 30
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class NotPossible(Exception):
    """The folder cannot be written; the message says why."""


def folder_of(kind: str, name: str, root: Path) -> Path:
    """Return the folder that a connector of a name gets.

    Args:
        kind: ``erp`` or ``store``.
        name: Name of the connector.
        root: Folder of the project.

    Raises:
        NotPossible: The name is no name for a package, or it is taken.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > LONGEST:
        raise NotPossible(
            f"{name!r} cannot name a connector: a small letter, then small letters, digits and "
            f"single underscores, at most {LONGEST} of them, and no word of Python's own; for "
            "example acme_books"
        )
    shelf = root / "include" / "connectors" / SHELVES[kind]
    if not shelf.is_dir():
        raise NotPossible(f"{root} is no checkout of the project: it has no {shelf.name} folder")
    folder = shelf / name
    if folder.exists():
        taken = ", ".join(sorted(path.parent.name for path in shelf.glob("*/__init__.py")))
        raise NotPossible(f"{folder.relative_to(root)} exists; taken names are {taken}")
    return folder


def write(kind: str, name: str, root: Path) -> Path:
    """Write the folder of a new connector.

    Args:
        kind: ``erp`` or ``store``.
        name: Name of the connector.
        root: Folder of the project.

    Returns:
        The folder.

    Raises:
        NotPossible: The name is no name for a package, or it is taken.
    """
    folder = folder_of(kind, name, root)
    words = {
        "@NAME@": name,
        "@CLASS@": "".join(part.capitalize() for part in name.split("_")),
        "@TITLE@": " ".join(part.capitalize() for part in name.split("_")),
    }
    draft = folder.with_name(f".{name}.draft")
    try:
        for template in sorted((TEMPLATES / kind).rglob(f"*{SUFFIX}")):
            text = template.read_text(encoding="utf-8")
            for mark, word in words.items():
                text = text.replace(mark, word)
            path = draft / template.relative_to(TEMPLATES / kind).with_suffix("")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
