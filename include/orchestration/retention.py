"""How long raw store documents are kept: ``COUNTERFOIL_RAW_DAYS``, or 90 days."""

from __future__ import annotations

import os
from collections.abc import Mapping

from include.domain.errors import ConfigurationError

RAW_DAYS = "COUNTERFOIL_RAW_DAYS"
USUAL_DAYS = 90


def raw_days(environment: Mapping[str, str] = os.environ) -> int:
    """Return for how many days raw documents are kept for a replay.

    Args:
        environment: Where the variable is looked up.

    Returns:
        Whole days, at least one.

    Raises:
        ConfigurationError: The variable is no whole number above zero.
    """
    said = environment.get(RAW_DAYS, "").strip()
    if not said:
        return USUAL_DAYS
    if not said.isdecimal() or int(said) == 0:
        raise ConfigurationError(f"{RAW_DAYS} is {said!r}: it has to be whole days, 1 or more")
    return int(said)
