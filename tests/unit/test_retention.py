"""For how long raw documents are kept is the operator's choice, within reason."""

from __future__ import annotations

import pytest

from include.domain.errors import ConfigurationError
from include.orchestration.retention import RAW_DAYS, raw_days


def test_raw_documents_are_kept_for_ninety_days_unless_something_else_is_said() -> None:
    assert raw_days({}) == raw_days({RAW_DAYS: " "}) == 90
    assert raw_days({RAW_DAYS: "30"}) == 30


@pytest.mark.parametrize("said", ["0", "-5", "a month", "1.5"])
def test_a_retention_that_is_no_number_of_days_is_refused_in_words(said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"COUNTERFOIL_RAW_DAYS is '{said}'"):
        raw_days({RAW_DAYS: said})
