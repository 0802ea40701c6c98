"""Lists as the API answers them: ``_filter``, ``sort[]``, ``page`` and ``per_page``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from include.connectors.erps.heartland_retail.sandbox.account import Account, field_of
from include.connectors.erps.heartland_retail.sandbox.schema import Invalid, Row

PER_PAGE = 20
MOST_PER_PAGE = 1000

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda has, asked: has == asked,
    "$neq": lambda has, asked: has != asked,
    "$gt": lambda has, asked: has is not None and has > asked,
    "$gte": lambda has, asked: has is not None and has >= asked,
    "$lt": lambda has, asked: has is not None and has < asked,
    "$lte": lambda has, asked: has is not None and has <= asked,
    "$in": lambda has, asked: has in asked,
    "$nin": lambda has, asked: has not in asked,
    "$like": lambda has, asked: has is not None and _like(str(has), str(asked)),
}


def matching(parameters: list[tuple[str, str]], fields: set[str]) -> Callable[[Row], bool]:
    """Return the test that a list's parameters ask for.

    Args:
        parameters: All parameters of the request.
        fields: Names that may be asked for.

    Raises:
        Invalid: The filter names an unknown field or operator, or is no JSON.
    """
    tests: list[Callable[[Row], bool]] = []
    for name, value in parameters:
        if name == "_filter":
            try:
                asked = json.loads(value, parse_float=Decimal)
            except ValueError:
                raise Invalid({"_filter": "is not JSON"}) from None
            for part in asked if isinstance(asked, list) else [asked]:
                tests.append(_test(part, fields))
        elif found := re.fullmatch(r"_filter\[([\w@.]+)\](?:\[(\$\w+)\])?", name):
            plain: Any = int(value) if value.isdigit() else value
            tests.append(_test({found[1]: {found[2] or "$eq": plain}}, fields))
    return lambda row: all(test(row) for test in tests)


def candidates(account: Account, kind: str, parameters: list[tuple[str, str]]) -> list[Row]:
    """Return the records that a filter may keep, by an index where there is one.

    Args:
        account: The records.
        kind: Resource path without ids.
        parameters: All parameters of the request; their filter is understood.
    """
    for value in (value for name, value in parameters if name == "_filter"):
        asked = json.loads(value)
        for name, condition in asked.items() if isinstance(asked, dict) else ():
            plain = condition if isinstance(condition, dict) else {"$eq": condition}
            values = plain.get("$in") or ([plain["$eq"]] if "$eq" in plain else None)
            found = account.by_value(kind, name, values) if values else None
            if found is not None:
                return found
    return account.all(kind)


def _test(asked: Any, fields: set[str]) -> Callable[[Row], bool]:
    if not isinstance(asked, dict):
        raise Invalid({"_filter": "must be an object or a list of objects"})
    tests: list[Callable[[Row], bool]] = []
    for name, condition in asked.items():
        if name == "$or":
            parts = [_test(part, fields) for part in condition]
            tests.append(lambda row, parts=parts: any(part(row) for part in parts))  # type: ignore[misc]
            continue
        if name not in fields and not name.startswith("custom@"):
            raise Invalid({"_filter": f"does not know the field {name}"})
        operators = condition if isinstance(condition, dict) else {"$eq": condition}
        for operator, value in operators.items():
            if operator not in _OPERATORS:
                raise Invalid({"_filter": f"does not know the operator {operator}"})
            if operator in ("$in", "$nin") and not isinstance(value, list):
                raise Invalid({"_filter": f"{operator} needs a list"})
            tests.append(_compared(name, _OPERATORS[operator], value))
    return lambda row: all(test(row) for test in tests)


def _compared(name: str, holds: Callable[[Any, Any], bool], asked: Any) -> Callable[[Row], bool]:
    def test(row: Row) -> bool:
        try:
            return holds(field_of(row, name), asked)
        except TypeError:
            raise Invalid({"_filter": f"cannot compare {name} with that"}) from None

    return test


def _like(text: str, pattern: str) -> bool:
    wanted = "".join(".*" if part == "%" else re.escape(part) for part in pattern)
    return re.fullmatch(wanted, text, re.IGNORECASE) is not None


def page_of(rows: Iterable[Row], parameters: list[tuple[str, str]], fields: set[str]) -> Row:
    """Return one page of rows that were filtered, in the API's envelope.

    Raises:
        Invalid: A parameter is not understood.
    """
    asked = dict(parameters)
    found = list(rows)
    for value in reversed([value for name, value in parameters if name == "sort[]"]):
        name, _, order = value.partition(",")
        if name not in fields or order not in ("", "asc", "desc"):
            raise Invalid({"sort": f"cannot sort by {value}"})
        found.sort(key=lambda row: (row.get(name) is None, row.get(name)), reverse=order == "desc")
    total = len(found)
    per_page = asked.get("per_page", str(PER_PAGE))
    if per_page == "all":
        size = max(total, 1)
    elif per_page.isdigit() and int(per_page):
        size = min(int(per_page), MOST_PER_PAGE)
    else:
        raise Invalid({"per_page": "must be a number or all"})
    page = asked.get("page", "1")
    if not page.isdigit() or not int(page):
        raise Invalid({"page": "must be a number from 1"})
    start = (int(page) - 1) * size
    return {
        "total": total,
        "pages": max(1, -(-total // size)),
        "per_page": size,
        "results": found[start : start + size],
    }
