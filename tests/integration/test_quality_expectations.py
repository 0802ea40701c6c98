"""The settled forms of expectations judge what the types that they stand for judge."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from include.quality import gx
from include.quality.suite import ORDERS_SUITE, read_suite, with_parameters

SUITE = read_suite(ORDERS_SUITE)
VALUES = {"store_count": 9, "latest_at": 1.8e9}


@pytest.fixture(scope="module")
def great_expectations() -> Any:
    return gx.load()


def configuration(expectation: dict[str, Any], kind: str) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    kwargs = with_parameters(expectation["kwargs"], VALUES)
    return ExpectationConfiguration(kind, kwargs, {"rule": expectation["meta"]["rule"]})


@pytest.mark.usefixtures("great_expectations")
def test_every_rule_of_the_orders_suite_has_a_settled_form_that_asks_the_same() -> None:
    from include.quality.expectations import settled

    for expectation in SUITE.document["expectations"]:
        kind = expectation["type"]
        plain = configuration(expectation, kind).to_domain_obj()
        form = configuration(expectation, settled(kind)).to_domain_obj()

        assert isinstance(form, type(plain))
        assert type(form) is not type(plain)
        assert form.configuration.kwargs == plain.configuration.kwargs
        assert form.configuration.meta == plain.configuration.meta


@pytest.mark.usefixtures("great_expectations")
def test_a_copy_of_a_settled_configuration_can_be_changed_without_the_first_one_changing() -> None:
    from include.quality.expectations import settled

    expectation = SUITE.document["expectations"][-1]
    first = configuration(expectation, settled(expectation["type"])).to_domain_obj().configuration
    copied = deepcopy(first)
    copied.kwargs["batch_id"] = "a window"

    assert copied.to_domain_obj().batch_id == "a window"
    assert first.to_domain_obj().batch_id is None
    assert "batch_id" not in first.kwargs


@pytest.mark.usefixtures("great_expectations")
def test_a_type_without_a_settled_form_is_judged_as_it_is() -> None:
    from include.quality.expectations import settled

    assert settled("expect_column_values_to_match_regex") == "expect_column_values_to_match_regex"
