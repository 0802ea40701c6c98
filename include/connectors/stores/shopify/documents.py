"""GraphQL documents as files: read once, fragments appended, or inlined for a bulk operation.

A document in ``queries/`` names fragments by spreading them; each fragment is a file of its own in
``queries/fragments/``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import orjson

_FOLDER = files(__package__).joinpath("queries")
_SPREAD = re.compile(r"\.\.\.\s*(?!on\b)(\w+)")
_BODY = re.compile(r"^fragment \w+ on \w+ \{\n(.*)\n\}\s*$", re.DOTALL)
_SEARCH_PLACE = '"__QUERY__"'


def names() -> list[str]:
    """Return the name of every document, without its file ending."""
    return sorted(
        entry.name.removesuffix(".graphql")
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(".graphql")
    )


@cache
def fragment(name: str) -> str:
    """Return the text of one fragment.

    Args:
        name: Name of the file, without its ending.
    """
    return _FOLDER.joinpath("fragments", f"{name}.graphql").read_text(encoding="utf-8")


@cache
def document(name: str) -> str:
    """Return a document with every fragment it needs appended, ready to send.

    Args:
        name: File name in ``queries/`` without ``.graphql``.
    """
    text = _FOLDER.joinpath(f"{name}.graphql").read_text(encoding="utf-8")
    parts = [text]
    wanted = _SPREAD.findall(text)
    seen: set[str] = set()
    while wanted:
        needed = wanted.pop()
        if needed not in seen:
            seen.add(needed)
            parts.append(fragment(needed))
            wanted.extend(_SPREAD.findall(parts[-1]))
    return "\n".join(parts)


@cache
def minified(name: str) -> str:
    """Return a document as it goes over the wire: the same tokens, no indentation.

    Args:
        name: Name of the file, without its ending.
    """
    return re.sub(r"\s+", " ", document(name)).strip()


def _body(name: str) -> str:
    match = _BODY.match(fragment(name))
    if match is None:
        raise ValueError(f"fragment {name} is not one plain fragment")
    return match[1]


def bulk_document(name: str, search: str, flags: Mapping[str, bool]) -> str:
    """Return a document for a bulk operation: no fragments, no variables, the search filled in.

    Bulk operations take one bare query string without variables.

    Args:
        name: File name in ``queries/`` without ``.graphql``.
        search: Shopify search text for the root connection.
        flags: Value of each boolean variable that the fragments use.
    """
    text = _FOLDER.joinpath(f"{name}.graphql").read_text(encoding="utf-8")
    while spreads := set(_SPREAD.findall(text)):
        for needed in spreads:
            text = re.sub(rf"\.\.\.\s*{needed}\b", _body(needed), text)
    for flag, value in flags.items():
        text = re.sub(rf"\${flag}\b", "true" if value else "false", text)
    text = re.sub(r"\s+", " ", text).strip()
    # A JSON string is a GraphQL string: same quotes and escapes.
    return text.replace(_SEARCH_PLACE, orjson.dumps(search).decode())
