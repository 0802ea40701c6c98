"""Shopify's search syntax for orders: terms, comparators, AND, OR, NOT and parentheses.

Follows the published syntax and its recorded habits: an unknown field matches everything and only
leaves a warning, and a timestamp counts to the second only when it is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Predicate = Callable[[dict[str, Any]], bool]

DATES = ("created_at", "updated_at", "processed_at")
_NUMBERS = {"id": "id", "current_total_price": "total", "total_price": "total",
            "customer_id": "customer_id", "order_number": "order_number"}  # fmt: skip
_TEXTS = {"name": "name", "email": "email", "tag": "tag", "gateway": "gateway", "sku": "sku",
          "discount_code": "discount_code", "po_number": "po_number",
          "source_name": "source"}  # fmt: skip
_FULFILLMENT = {
    "unshipped": "unfulfilled",
    "shipped": "fulfilled",
    "partial": "partially_fulfilled",
}
_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<minus>-(?=[\w("']))"""
    r"""|(?P<term>(?:[\w.]+:)?(?:>=|<=|>|<)?(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s()"']+)))"""
)
_TERM = re.compile(r"""^(?:(?P<key>[\w.]+):)?(?P<op>>=|<=|>|<)?(?P<value>.*)$""", re.DOTALL)
_ENDS = (")", "OR")
_NOT = ("NOT", "-")
_RANGES = {">": "range_gt", ">=": "range_gte", "<": "range_lt", "<=": "range_lte"}


class NotSearched(Exception):
    """A field that Shopify documents for this list and this sandbox keeps no index of.

    Args:
        name: The search field.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"The sandbox does not search orders by '{name}'.")


@dataclass(slots=True)
class Search:
    """A compiled search.

    Attributes:
        matches: Tells whether an order's indexed fields match.
        parsed: The search as Shopify reports it back.
        warnings: What it did not understand, in Shopify's shape.
        until: The latest time that it names as an end, if it names one.
    """

    matches: Predicate
    parsed: dict[str, Any]
    warnings: list[dict[str, str]] = field(default_factory=list)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """How the shop reads dates.

    Attributes:
        zone: The shop's time zone, in which days begin.
        now: The current time, for `now`.
        inclusive: Whether > and < on dates include their bound.
    """

    zone: ZoneInfo
    now: datetime
    inclusive: bool


def compile_search(query: str, habits: Habits, known: frozenset[str]) -> Search:
    """Compile a search.

    Args:
        query: The `query` argument.
        habits: How dates are read.
        known: Every field the published documentation names for this list.

    Returns:
        The predicate with its parse and its warnings.

    Raises:
        NotSearched: A published field that this sandbox keeps no index of.
    """
    reader = _Reader(query, habits, known)
    matches, parsed = reader.read()
    return Search(matches, parsed, reader.warnings, max(reader.ends, default=None))


class _Reader:
    def __init__(self, query: str, habits: Habits, known: frozenset[str]) -> None:
        self._tokens = _tokens(query)
        self._at = 0
        self._habits = habits
        self._known = known
        self.warnings: list[dict[str, str]] = []
        self.ends: list[datetime] = []

    def read(self) -> tuple[Predicate, dict[str, Any]]:
        """Read the whole query."""
        if not self._tokens:
            return _all, {}
        found = self._any()
        while self._at < len(self._tokens):  # a stray closing parenthesis is passed over
            self._at += 1
        return found

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _any(self) -> tuple[Predicate, dict[str, Any]]:
        parts = [self._every()]
        while self._peek() == "OR":
            self._at += 1
            parts.append(self._every())
        if len(parts) == 1:
            return parts[0]
        tests = [test for test, _ in parts]
        return (lambda row: any(test(row) for test in tests)), {"or": [p for _, p in parts]}

    def _every(self) -> tuple[Predicate, dict[str, Any]]:
        parts = []
        while (word := self._peek()) is not None and word not in _ENDS:
            if word == "AND":
                self._at += 1
                continue
            parts.append(self._one())
        if not parts:
            return _all, {}
        if len(parts) == 1:
            return parts[0]
        tests = [test for test, _ in parts]
        return (lambda row: all(test(row) for test in tests)), {"and": [p for _, p in parts]}

    def _one(self) -> tuple[Predicate, dict[str, Any]]:
        word = self._tokens[self._at]
        self._at += 1
        if word in _NOT:
            if self._peek() is None:
                return _all, {}
            test, parsed = self._one()
            return (lambda row: not test(row)), {"not": parsed}
        if word == "(":
            found = self._any()
            if self._peek() == ")":
                self._at += 1
            return found
        return self._term(word)

    def _term(self, word: str) -> tuple[Predicate, dict[str, Any]]:
        match = _TERM.match(word)
        assert match is not None
        key, operator, raw = match["key"], match["op"] or "", match["value"]
        quoted = raw[:1] in ("'", '"') and raw[-1:] == raw[:1] and len(raw) > 1
        value = re.sub(r"\\(.)", r"\1", raw[1:-1]) if quoted else raw
        if key is None:
            return _default(value), {"field": "default", "match_all": value}
        parsed = {"field": key, _RANGES.get(operator, "match_all"): value}
        if key not in self._known:
            return self._warn(key, "Invalid search field for this query.", "invalid_field"), parsed
        return self._field(key, operator, value, quoted), parsed

    def _warn(self, key: str, message: str, code: str) -> Predicate:
        self.warnings.append({"field": key, "message": message, "code": code})
        return _all

    def _field(self, key: str, operator: str, value: str, quoted: bool) -> Predicate:
        wrong = f"Input `{value}` is not an accepted value."
        if key in DATES:
            span = date_span(value, quoted, self._habits)
            if span is None:
                return self._warn(key, wrong, "invalid_value")
            if operator in ("<", "<="):
                self.ends.append(span[1])
            return _date_test(key, operator, span, self._habits.inclusive)
        if key in _NUMBERS:
            number = _number(value)
            if number is None:
                return self._warn(key, wrong, "invalid_value")
            return _number_test(_NUMBERS[key], operator, number)
        return _plain_test(key, value)


def _number(value: str) -> float | None:
    try:
        return float(value.rsplit("/", 1)[-1])
    except ValueError:
        return None


def _plain_test(key: str, value: str) -> Predicate:
    if key in ("status", "financial_status", "fulfillment_status"):
        return _status_test(key, value.lower())
    if key == "test":
        wanted = value.lower() == "true"
        return lambda row: row["test"] is wanted
    if key in _TEXTS:
        return _text_test(_TEXTS[key], value)
    raise NotSearched(key)


def _all(_row: dict[str, Any]) -> bool:
    return True


def _tokens(query: str) -> list[str]:
    found, place = [], 0
    while place < len(query):
        match = _TOKEN.match(query, place)
        if match is None or match.end() == place:
            place += 1
            continue
        place = match.end()
        found.append(match["open"] or match["close"] or match["minus"] or match["term"])
    return found


def date_span(value: str, quoted: bool, habits: Habits) -> tuple[datetime, datetime] | None:
    """Return the first and last second that a date value covers, or None if it is none.

    Args:
        value: The text after the comparator.
        quoted: Whether it stood in quotes; without, the time part is dropped.
        habits: The shop's time zone and the current time.
    """
    if value.lower() == "now":
        return habits.now, habits.now
    try:
        if quoted and "T" in value:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=habits.zone)
            moment = moment.astimezone(UTC).replace(microsecond=0)
            return moment, moment
        parts = [int(part) for part in value[:10].split("-")]
        start = datetime(*[*parts, 1, 1][:3], tzinfo=habits.zone)  # type: ignore[arg-type, misc]
    except (ValueError, TypeError):
        return None
    if len(parts) == 1:
        after = start.replace(year=start.year + 1)
    elif len(parts) == 2:  # noqa: PLR2004 - a year and a month
        after = (start + timedelta(days=32)).replace(day=1)
    else:
        after = datetime.combine(start.date() + timedelta(days=1), time(), habits.zone)
    return start.astimezone(UTC), after.astimezone(UTC) - timedelta(seconds=1)


def _date_test(
    key: str, operator: str, span: tuple[datetime, datetime], inclusive: bool
) -> Predicate:
    first, last = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in span)
    exact = first == last
    if operator == ">=" or (operator == ">" and inclusive and exact):
        return lambda row: row[key] >= first
    if operator == "<=" or (operator == "<" and inclusive and exact):
        return lambda row: row[key] <= last
    if operator == ">":
        bound = first if inclusive else last
        return lambda row: row[key] >= bound if inclusive else row[key] > bound
    if operator == "<":
        bound = last if inclusive else first
        return lambda row: row[key] <= bound if inclusive else row[key] < bound
    return lambda row: first <= row[key] <= last


def _number_test(key: str, operator: str, number: float) -> Predicate:
    def test(row: dict[str, Any]) -> bool:
        found = row[key]
        if found is None:
            return False
        results = {
            ">": found > number,
            ">=": found >= number,
            "<": found < number,
            "<=": found <= number,
        }
        return bool(results.get(operator, found == number))

    return test


def _status_test(key: str, value: str) -> Predicate:
    wanted = set(value.split(","))
    if "any" in wanted:
        return _all
    if key == "status" and "not_closed" in wanted:
        return lambda row: row["status"] != "closed"
    if key == "fulfillment_status":
        wanted = {_FULFILLMENT.get(word, word) for word in wanted}
    if key == "financial_status" and "unpaid" in wanted:
        wanted |= {"pending", "authorized", "partially_paid", "expired"}
    return lambda row: row[key] in wanted


def _text_test(key: str, value: str) -> Predicate:
    wanted = value.lower().lstrip("#") if key == "name" else value.lower()
    prefix = wanted.endswith("*")
    wanted = wanted.rstrip("*")

    def one(found: str) -> bool:
        word = found.lower().lstrip("#") if key == "name" else found.lower()
        return word.startswith(wanted) if prefix else word == wanted

    def test(row: dict[str, Any]) -> bool:
        found = row[key]
        return any(map(one, found)) if isinstance(found, list) else one(found)

    return test


def _default(value: str) -> Predicate:
    wanted = value.lower().lstrip("#")
    return lambda row: (
        wanted in row["name"].lower().lstrip("#") or row["email"].lower().startswith(wanted)
    )
