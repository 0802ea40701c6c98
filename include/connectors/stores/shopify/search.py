"""Writes what a run asks for in Shopify's search syntax, every value quoted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from include.domain.errors import ConfigurationError
from include.domain.window import Basis, Selection

_NUMBERS_A_QUERY = 50
_STATUSES = {
    "pending",
    "authorized",
    "partially_paid",
    "paid",
    "partially_refunded",
    "refunded",
    "voided",
    "expired",
}


def quoted(value: str) -> str:
    """Return a value as one quoted term of Shopify's search syntax.

    Unquoted, a timestamp loses its time and zone, and a ``#`` or blank ends the term.

    Args:
        value: Any text.
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _stamp(at: datetime) -> str:
    return quoted(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def between(field: str, start_at: datetime, end_at: datetime) -> str:
    """Return the search term for a closed range of one time field.

    Args:
        field: ``created_at`` or ``updated_at``.
        start_at: First instant, aware; rounded down to the second.
        end_at: Last instant, aware; rounded up to the second.
    """
    if end_at.microsecond:
        end_at = end_at.replace(microsecond=0) + timedelta(seconds=1)
    return f"{field}:>={_stamp(start_at)} AND {field}:<={_stamp(end_at)}"


def search_of(selection: Selection) -> str:
    """Return the search text for a selection by time; both ends closed, re-filtered later.

    Args:
        selection: Window, basis and statuses.

    Raises:
        ConfigurationError: A status is none that the store can search by.
    """
    window = selection.window
    text = between("updated_at", window.start_at, window.end_at)
    if selection.basis is Basis.CREATED_OR_UPDATED:
        created = between("created_at", window.start_at, window.end_at)
        text = f"({created}) OR ({text})"
        if selection.statuses:
            text = f"({text})"
    return text + _status_term(selection.statuses)


def _status_term(statuses: Sequence[str]) -> str:
    unknown = sorted(set(statuses) - _STATUSES)
    if unknown:
        raise ConfigurationError(
            f"orders cannot be selected by status {', '.join(unknown)}; "
            f"the statuses are: {', '.join(sorted(_STATUSES))}"
        )
    if not statuses:
        return ""
    terms = " OR ".join(f"financial_status:{status}" for status in statuses)
    return f" AND ({terms})"


def _spellings(number: str) -> tuple[str, ...]:
    """Return how the store may spell an order number: people leave the # out, or put one in."""
    bare = number.removeprefix("#")
    return (number, bare if number.startswith("#") else f"#{number}")


def is_number(asked: str, number: str) -> bool:
    """Tell whether a number that a person typed is an order's; no store tells A-1 from a-1.

    Args:
        asked: What the person typed.
        number: The order's.
    """
    return number.strip().casefold() in map(str.casefold, _spellings(asked))


def numbers_of(selection: Selection) -> list[str]:
    """Return the order numbers that a selection names, each once, blank ones left out.

    Args:
        selection: What the run owns.
    """
    stripped = (number.strip() for number in selection.order_numbers)
    return list(dict.fromkeys(number for number in stripped if number.strip("#")))


def number_searches(selection: Selection) -> Iterator[str]:
    """Yield search texts that find the numbers of a selection, some numbers in each.

    Args:
        selection: What the run owns.
    """
    numbers = numbers_of(selection)
    for at in range(0, len(numbers), _NUMBERS_A_QUERY):
        terms = " OR ".join(
            f"name:{quoted(spelling)}"
            for number in numbers[at : at + _NUMBERS_A_QUERY]
            for spelling in _spellings(number)
        )
        yield f"({terms}){_status_term(selection.statuses)}"
