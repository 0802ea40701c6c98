"""Reads an expectation suite: its rules as a person reads them, and the columns that they need.

Needs no Great Expectations: a pull asks for the columns before that library is imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from include.domain.errors import ConfigurationError
from include.domain.verdict import Severity

SUITES = Path(__file__).parent / "suites"
ORDERS_SUITE = SUITES / "orders.json"
ID_COLUMN = "order_id_store"
NUMBER_COLUMN = "order_number"
_PARAMETER = "$PARAMETER"


class Rule(NamedTuple):
    """One expectation of a suite, as a person reads it.

    Attributes:
        name: Short name, unique in its suite.
        field: The field that it judges.
        message: What is wrong with an order that breaks it.
        action: What to do about it.
        reason_class: Class of the quarantine reason.
        severity: ``critical`` holds the order, anything less only notes it.
        show: Columns whose figures belong into the message; none of them is personal data.
        is_row_level: Whether it judges orders one by one; else it judges the table.
    """

    name: str
    field: str
    message: str
    action: str
    reason_class: str
    severity: Severity
    show: tuple[str, ...]
    is_row_level: bool


@dataclass(frozen=True, slots=True)
class Suite:
    """An expectation suite read from its file.

    Attributes:
        name: Name of the suite.
        rules: By name, in the order of the file.
        columns: Every column that a rule reads or shows, sorted.
        document: The file's content, as Great Expectations takes it.
    """

    name: str
    rules: Mapping[str, Rule]
    columns: tuple[str, ...]
    document: Mapping[str, Any]

    @property
    def bounded(self) -> frozenset[str]:
        """The columns whose values a rule keeps within bounds."""
        return frozenset(
            expectation["kwargs"]["column"]
            for expectation in self.document["expectations"]
            if expectation["type"] == "expect_column_values_to_be_between"
        )


def read_suite(suite_path: Path = ORDERS_SUITE) -> Suite:
    """Read a suite file without importing Great Expectations.

    Args:
        suite_path: JSON file with ``name`` and ``expectations``, each with ``type``, ``kwargs``,
            ``severity`` and a ``meta`` of rule, field, message, action and reason_class.

    Returns:
        The suite.

    Raises:
        ConfigurationError: The file is absent, no JSON, or an expectation lacks a part or repeats
            a rule's name.
    """
    try:
        document = json.loads(suite_path.read_text(encoding="utf-8"))
        rules = [_rule(expectation) for expectation in document["expectations"]]
        columns = {ID_COLUMN, NUMBER_COLUMN}
        for expectation, rule in zip(document["expectations"], rules, strict=True):
            kwargs = expectation["kwargs"]
            columns.update(rule.show)
            columns.update(kwargs[k] for k in ("column", "column_A", "column_B") if k in kwargs)
            columns.update(kwargs.get("column_set", ()))
            columns.update(_condition_columns(kwargs.get("row_condition")))
        suite = Suite(
            document["name"], {rule.name: rule for rule in rules}, tuple(sorted(columns)), document
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"the expectation suite {suite_path.name} cannot be used: "
            f"{type(error).__name__}: {error}"
        ) from error
    if len(suite.rules) < len(rules):
        raise ConfigurationError(
            f"the expectation suite {suite_path.name} gives one name to several rules"
        )
    return suite


def with_parameters(kwargs: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an expectation's arguments with the values of this window in their places.

    Great Expectations can do that too, and sets up a grammar of formulas for it.

    Args:
        kwargs: Arguments as the suite has them; ``{"$PARAMETER": name}`` stands for a value.
        values: The values by name.

    Raises:
        ConfigurationError: A value is asked for that windows do not have.
    """
    try:
        return {
            name: values[value[_PARAMETER]]
            if isinstance(value, dict) and _PARAMETER in value
            else value
            for name, value in kwargs.items()
        }
    except KeyError as error:
        raise ConfigurationError(
            f"a rule of the suite asks for the parameter {error}; there are {', '.join(values)}"
        ) from error


def _rule(expectation: Mapping[str, Any]) -> Rule:
    meta = expectation["meta"]
    return Rule(
        name=meta["rule"],
        field=meta["field"],
        message=meta["message"],
        action=meta["action"],
        reason_class=meta["reason_class"],
        severity=Severity(expectation["severity"]),
        show=tuple(meta.get("show", ())),
        is_row_level=not expectation["type"].startswith("expect_table_"),
    )


def _condition_columns(condition: Any) -> set[str]:
    if not isinstance(condition, dict):
        return set()
    found = {condition["column"]["name"]} if "column" in condition else set()
    for part in condition.get("conditions", ()):
        found |= _condition_columns(part)
    return found
