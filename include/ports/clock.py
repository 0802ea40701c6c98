"""The clock port: so that nothing but the composition root knows what time it really is."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present, aware UTC."""
        ...
