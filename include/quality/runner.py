"""Judges a window's check rows by an expectation suite, once for all its orders.

Great Expectations runs in an ephemeral context on a pandas frame. Rules about rows hold only the
orders that break them; rules about the table stop the window. Both libraries are imported inside
the functions that need them, and an empty window needs neither.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.columns import Rows
from include.domain.errors import WindowError
from include.domain.verdict import Finding, Severity
from include.quality.findings import Figures, finding_of
from include.quality.frame import frame_of, text_of
from include.quality.gx import load
from include.quality.suite import (
    ID_COLUMN,
    NUMBER_COLUMN,
    ORDERS_SUITE,
    Suite,
    read_suite,
    with_parameters,
)

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult as Result

CLOCK_SKEW = timedelta(minutes=15)
IDS_KEPT = 100


@dataclass(frozen=True, slots=True)
class ValidationOutcome:
    """What the suite says of a window.

    Attributes:
        findings: Rules that single orders break, in the order of the suite.
        table_failures: In words, what is wrong with the window as a whole.
        statistics: JSON-ready result to keep: counts, rules and at most ``IDS_KEPT`` order ids a
            rule; no values.
        seconds: Wall time of the validation, imports included.
    """

    findings: tuple[Finding, ...] = ()
    table_failures: tuple[str, ...] = ()
    statistics: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def require_window(self, window: object = "the window") -> None:
        """Stop the window if the table as a whole failed.

        Args:
            window: How the message names the window.

        Raises:
            WindowError: There is a table failure; the message lists all of them.
        """
        if self.table_failures:
            raise WindowError(
                f"{window} cannot be trusted, nothing of it is posted: "
                + "; ".join(self.table_failures)
            )


def validate(
    frame_columns: Sequence[str],
    frame_rows: Sequence[tuple[object, ...]],
    suite_path: Path = ORDERS_SUITE,
    *,
    store_count: int | None,
    channel: str,
    now: datetime | None = None,
) -> ValidationOutcome:
    """Judge the check rows of one window.

    Args:
        frame_columns: Names of the columns, at least those of ``read_suite(suite_path).columns``.
        frame_rows: One row an order; money in whole minor units, times aware. A large window is
            best given as ``Rows``, which the frame shares its memory with.
        suite_path: The suite's file.
        store_count: Orders that the store itself counts in the window, less those that were
            already held because they could not be read; None where it counts none, as when single
            orders are fetched by number.
        channel: Channel id, for the kept result.
        now: Time of the validation, aware; the clock's when absent.

    Returns:
        Findings by order, failures of the table in words, and the result to keep.

    Raises:
        ConfigurationError: The suite cannot be used.
    """
    started = time.perf_counter()
    suite = read_suite(suite_path)
    at = (now or datetime.now(UTC)).astimezone(UTC)
    header: dict[str, Any] = {
        "suite": suite.name,
        "channel": channel,
        "validated_at": at.isoformat(),
        "row_count": len(frame_rows),
        "store_count": store_count,
    }
    failures: tuple[str, ...] = ()
    if not frame_rows:
        if store_count:
            failures = (
                f"nothing is staged while the store counts {store_count} orders: clear the pull "
                "task, and if it stays so compare the order list of the store's admin",
            )
        header |= {"success": not failures, "table_failures": list(failures), "results": []}
        return ValidationOutcome((), failures, header, time.perf_counter() - started)
    rows = frame_rows if isinstance(frame_rows, Rows) else Rows(len(frame_columns), frame_rows)
    frame = frame_of(suite.columns, frame_columns, rows, bounded=suite.bounded)
    results = _run(suite, frame, store_count, at)
    broken = {order_id for result in results for order_id, _ in _broken_by(result)}
    figures = Figures(frame_columns, rows, broken)
    findings, failures = _judge(suite, results, figures, store_count)
    header |= {
        "success": not failures and not any(f.severity is Severity.CRITICAL for f in findings),
        "table_failures": list(failures),
        "results": [_kept(result, suite) for result in results],
    }
    return ValidationOutcome(findings, failures, header, time.perf_counter() - started)


def _run(
    suite: Suite, frame: pd.DataFrame, store_count: int | None, at: datetime
) -> list[dict[str, Any]]:
    gx = load()
    from great_expectations.validator.v1_validator import Validator

    from include.quality.expectations import settled

    # Its modules stay for good: the collector need not walk them again for every few results.
    gc.freeze()
    parameters: dict[str, Any] = {"latest_at": (at + CLOCK_SKEW).timestamp()}
    if store_count is not None:
        parameters["store_count"] = store_count
    # Great Expectations copies an expectation's configuration many times: only the rule's name
    # goes in, the words come back from the suite.
    asked = {
        expectation["meta"]["rule"]: {
            "type": expectation["type"],
            "kwargs": with_parameters(expectation["kwargs"], parameters),
            "meta": {"rule": expectation["meta"]["rule"]},
        }
        for expectation in suite.document["expectations"]
        if store_count is not None or expectation["type"] != "expect_table_row_count_to_equal"
    }
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    window = (
        context.data_sources.add_pandas("check_rows")
        .add_dataframe_asset(suite.name)
        .add_batch_definition_whole_dataframe("window")
    )
    # Batch.validate makes one of these each time it is called, and each looks through the frame.
    validator = Validator(window, batch_parameters={"dataframe": frame})

    def evaluate(rules: list[str], how: dict[str, Any]) -> list[tuple[str, Result]]:
        validator.result_format = how
        wanted = [{**asked[rule], "type": settled(asked[rule]["type"])} for rule in rules]
        judged = validator.validate_expectation_suite(
            gx.ExpectationSuite(name=suite.name, expectations=wanted)
        )
        return [(result.expectation_config.meta["rule"], result) for result in judged.results]

    # Which rules hold is found out in half the time that it takes to say which orders break them:
    # that is asked of the others alone, and of those that let some orders break them.
    strict = [rule for rule, expectation in asked.items() if "mostly" not in expectation["kwargs"]]
    held = evaluate(strict, {"result_format": "BOOLEAN_ONLY"}) if strict else []
    found: dict[str, dict[str, Any]] = {
        rule: {"success": True, "result": {}} for rule, result in held if result.success
    }
    broken = [rule for rule in asked if rule not in found]
    if broken:
        in_full = {
            "result_format": "COMPLETE",
            "unexpected_index_column_names": [ID_COLUMN, NUMBER_COLUMN],
            "exclude_unexpected_values": True,
        }
        found |= {rule: result.to_json_dict() for rule, result in evaluate(broken, in_full)}
    return [
        {**found[rule], "expectation_config": expectation} for rule, expectation in asked.items()
    ]


def _rule_of(result: dict[str, Any]) -> str:
    return str(result["expectation_config"]["meta"]["rule"])


def _judge(
    suite: Suite,
    results: Sequence[dict[str, Any]],
    figures: Figures,
    store_count: int | None,
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    findings: list[Finding] = []
    failures: list[str] = []
    missing = [name for name in suite.columns if name not in figures.places]
    for result in results:
        rule = suite.rules[_rule_of(result)]
        if not rule.is_row_level:
            if not result["success"]:
                said = _observed(result, missing, figures.row_count, store_count)
                failures.append(f"{rule.message} ({said}): {rule.action}")
            continue
        raised = _raised(result)
        if raised:
            if not missing:
                failures.append(
                    f"the rule {rule.name} on {rule.field} could not be evaluated ({raised}): "
                    "compare the type of the column with the suite"
                )
            continue
        nameless = 0
        for order_id, order_number in _broken_by(result):
            if order_id is None:
                nameless += 1
            else:
                findings.append(finding_of(rule, order_id, order_number or "", figures))
        if nameless:
            failures.append(
                f"{nameless} orders without a store id break the rule {rule.name}, so they cannot "
                f"be held one by one: {rule.action}"
            )
    return tuple(dict.fromkeys(findings)), tuple(failures)


def _observed(
    result: dict[str, Any], missing: Sequence[str], row_count: int, store_count: int | None
) -> str:
    kind = result["expectation_config"]["type"]
    if kind == "expect_table_row_count_to_equal":
        return f"{row_count} staged, {store_count} in the store"
    if missing:
        return f"missing: {', '.join(missing)}"
    return _raised(result) or kind


def _raised(result: dict[str, Any]) -> str:
    """Return the class of the exception that an evaluation ended in; its text may carry values."""
    info = result.get("exception_info") or {}
    for entry in [info, *(part for part in info.values() if isinstance(part, dict))]:
        if entry.get("raised_exception"):
            lines = str(entry.get("exception_traceback") or "").strip().splitlines()
            return lines[-1].split(":")[0] if lines else "unknown error"
    return ""


def _broken_by(result: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    """Return store id and number of each order that breaks the rule, even if ``mostly`` let it."""
    found: list[tuple[str | None, str | None]] = []
    for entry in result["result"].get("unexpected_index_list") or ():
        ids, numbers = entry[ID_COLUMN], entry[NUMBER_COLUMN]
        # Without the unexpected values the list is one entry that holds a list for each column.
        if not isinstance(ids, list):
            ids, numbers = [ids], [numbers]
        found.extend(zip(map(text_of, ids), map(text_of, numbers), strict=True))
    return found


def _kept(result: dict[str, Any], suite: Suite) -> dict[str, Any]:
    """Reduce a result to what is stored: its configuration, its counts, a sample of order ids."""
    config, found = result["expectation_config"], result["result"]
    rule = suite.rules[_rule_of(result)]
    if result["success"] and rule.is_row_level and not found:
        found = {"unexpected_count": 0, "unexpected_percent": 0.0}
    raised = _raised(result)
    counts = {
        key: value
        for key, value in found.items()
        if isinstance(value, int | float) or (key == "observed_value" and isinstance(value, list))
    }
    return {
        "success": result["success"],
        "expectation_config": {
            "type": config["type"],
            "kwargs": config["kwargs"],
            "meta": {"rule": rule.name, "field": rule.field, "message": rule.message},
            "severity": rule.severity.value,
        },
        "result": {
            **counts,
            "order_ids": [order_id for order_id, _ in _broken_by(result)[:IDS_KEPT]],
        },
        "exception_info": {
            "raised_exception": bool(raised),
            "exception_message": raised or None,
            "exception_traceback": None,
        },
    }
