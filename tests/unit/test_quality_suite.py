"""The expectation suites as data, and what the runner can say without Great Expectations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from include.domain.errors import ConfigurationError, WindowError
from include.quality.runner import validate
from include.quality.suite import ORDERS_SUITE, read_suite, with_parameters

ROOT = Path(__file__).resolve().parents[2]
# Read by the runner itself: the currencies that figures are spelled in.
IMPLIED: list[str] = []
REASONS = {"value", "missing_mapping", "contract_drift", "unbalanced", "duplicate"}


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    for rule in read_suite(ORDERS_SUITE).rules.values():
        assert rule.message
        assert rule.action
        assert rule.field
        assert rule.reason_class in REASONS, rule.name


def test_the_suite_demands_every_column_that_its_rules_read() -> None:
    suite = read_suite(ORDERS_SUITE)
    demanded = suite.document["expectations"][0]["kwargs"]["column_set"]

    assert sorted(demanded) == list(suite.columns)
    rest = {**suite.document, "expectations": suite.document["expectations"][1:]}
    named = json.dumps(rest)
    assert [name for name in demanded if f'"{name}"' not in named] == IMPLIED


def test_a_suite_that_names_two_rules_alike_is_refused(tmp_path: Path) -> None:
    document = json.loads(ORDERS_SUITE.read_text(encoding="utf-8"))
    document["expectations"].append(document["expectations"][-1])
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(ConfigurationError, match="one name to several rules"):
        read_suite(path)


@pytest.mark.parametrize("text", ["", "{}", '{"name": "x", "expectations": [{}]}'])
def test_a_suite_that_is_not_one_is_refused_by_its_file_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"broken\.json cannot be used"):
        read_suite(path)


def test_an_absent_suite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.json"):
        read_suite(tmp_path / "absent.json")


def test_a_window_puts_its_values_where_a_rule_asks_for_them() -> None:
    kwargs = {"value": {"$PARAMETER": "store_count"}, "column_set": ["currency"]}

    assert with_parameters(kwargs, {"store_count": 3}) == {"value": 3, "column_set": ["currency"]}


def test_a_rule_that_asks_for_a_value_which_windows_do_not_have_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="parameter 'weather'; there are store_count"):
        with_parameters({"value": {"$PARAMETER": "weather"}}, {"store_count": 3})


def test_nothing_staged_while_the_store_counts_orders_stops_the_window() -> None:
    outcome = validate([], [], store_count=3, channel="shopify_gp")

    assert outcome.statistics["success"] is False
    with pytest.raises(WindowError, match="nothing is staged while the store counts 3 orders"):
        outcome.require_window()


def test_an_empty_window_passes_without_importing_pandas_or_great_expectations() -> None:
    program = (
        "import sys\n"
        "from include.quality.runner import validate\n"
        "outcome = validate([], [], store_count=0, channel='shopify_gp')\n"
        "outcome.require_window()\n"
        "assert outcome.statistics['success'] is True\n"
        "assert not {'pandas', 'great_expectations', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=60)
