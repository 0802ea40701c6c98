"""Cuts a stream into pieces that fit one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of at most ``size`` items, in order.

    Args:
        items: Anything iterable.
        size: Largest piece, at least one.
    """
    stream = iter(items)
    while piece := list(islice(stream, size)):
        yield piece
