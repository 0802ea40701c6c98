"""Channel files: a mistake is refused with the file, the field and the rule."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest

from include.domain.errors import ConfigurationError
from include.domain.policy import meaning_of
from include.settings.channel import (
    PolicySettings,
    RoutingSettings,
    channel_names,
    load_channel,
    load_seeds,
)

GOOD = """
name: acme
title: Acme
order_data_owner: desk@example.com
currency: USD
time_zone: America/New_York
store: {connector: shopify, connection: acme_store}
erp: {connector: dynamics_gp, connection: acme_erp}
"""


def write(root: Path, text: str = GOOD, name: str = "acme") -> Path:
    (root / name).mkdir()
    (root / name / "channel.yaml").write_text(text, encoding="utf-8")
    return root


def test_every_channel_of_the_bundle_is_valid():
    assert "shopify_gp" in channel_names()
    for name in channel_names():
        assert load_channel(name).name == name
        assert list(load_seeds(name))


def test_a_small_file_is_enough(tmp_path: Path):
    settings = load_channel("acme", write(tmp_path))
    assert settings.domain_policy.time_zone.key == "America/New_York"
    assert settings.schedule.cron == "0 0 * * *"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("currency: USD", "currency: dollars", "currency"),
        ("time_zone: America/New_York", "time_zone: Mars/Olympus", "is no IANA time zone"),
        ("title: Acme", "titel: Acme", "titel: there is no such setting; there are: name, title"),
        ("connection: acme_erp", "connexion: acme_erp", "erp.connection: Field required"),
        ("name: acme", "name: other", "is 'other' but the folder is 'acme'"),
    ],
)
def test_a_mistake_names_file_field_and_rule(tmp_path: Path, old: str, new: str, words: str):
    write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigurationError) as refused:
        load_channel("acme", tmp_path)
    assert "acme/channel.yaml" in str(refused.value)
    assert words in str(refused.value)


def test_a_wrong_policy_lists_what_is_allowed(tmp_path: Path):
    write(tmp_path, GOOD + "policy: {invoice: sometimes}\n")
    with pytest.raises(ConfigurationError, match="'on_payment', 'on_shipment' or 'never'"):
        load_channel("acme", tmp_path)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("{invoice: on_shipment, short_stock: split}", "each shipment is billed by itself already"),
        ("{invoice: never, short_stock: split}", "nothing is billed that could be split"),
        ("{routing: {by: fixed}}", "fixed takes exactly one location, 0 are given"),
        ("{routing: {by: fixed, locations: [A, B]}}", "exactly one location, 2 are given"),
        ("{routing: {by: first_with_stock, locations: [A]}}", "takes two locations or more, 1 are"),
        ("{routing: {by: first_with_stock, locations: [A, A]}}", "a location stands twice"),
        ("{routing: {locations: [A]}}", "store_location takes no locations"),
        (
            "{short_stock: ignore, routing: {by: first_with_stock, locations: [A, B]}}",
            "short_stock: ignore does not",
        ),
        ("{tolerance: 0.005}", "policy.tolerance: 0.005 is no whole number of 0.01 USD"),
        ("{tolerance: -1}", "policy.tolerance: Input should be greater than or equal to 0"),
        ("{tolerance: a lot}", "policy.tolerance: Input should be a valid decimal"),
        ("{import: maybe}", "policy.import: Input should be 'automatic' or 'by_hand'"),
        ("{approval: sometimes}", "policy.approval: Input should be 'none' or 'required'"),
        ("{closed_period: open}", "policy.closed_period: Input should be 'hold' or 'next_open'"),
        ("{unpaid: wait}", "policy.unpaid: Input should be 'post_order', 'skip' or 'hold'"),
        ("{billing: on_payment}", "policy.billing: there is no such setting; there are: import"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_with_the_reason(
    tmp_path: Path, policy: str, words: str
):
    write(tmp_path, GOOD + f"policy: {policy}\n")
    with pytest.raises(ConfigurationError) as refused:
        load_channel("acme", tmp_path)
    assert words in str(refused.value)


def test_a_policy_is_told_in_words_with_every_setting(tmp_path: Path):
    write(
        tmp_path,
        GOOD
        + "policy: {import: by_hand, tolerance: 0.05, routing: {by: fixed, locations: [L1]}}\n",
    )
    settings = load_channel("acme", tmp_path)
    told = {choice.title: choice for choice in settings.policy.told()}
    assert settings.is_by_hand
    assert told["Import"].value == "by_hand"
    assert told["Tolerance"].value == "0.05"
    assert told["Routing"].value == "fixed (L1)"
    assert len(told) == len(PolicySettings.model_fields)
    assert all(choice.about for choice in told.values())


def test_every_choice_of_every_setting_says_what_it_means():
    choices = [
        value
        for field in (*PolicySettings.model_fields.values(), *RoutingSettings.model_fields.values())
        if isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum)
        for value in field.annotation
    ]
    assert len({meaning_of(choice) for choice in choices}) == len(choices)
    assert all(meaning_of(choice).endswith(".") for choice in choices)


def test_an_unknown_channel_lists_the_known_ones(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="channels are: acme"):
        load_channel("acne", write(tmp_path))


def test_a_key_that_stands_twice_in_a_map_is_refused_with_its_line(tmp_path: Path):
    maps = write(tmp_path) / "acme" / "maps"
    maps.mkdir()
    (maps / "payment.csv").write_text("key,value\npaypal,PP\npaypal,PAY\n", encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"payment\.csv: line 3: key 'paypal' stands twice"
    ):
        list(load_seeds("acme", tmp_path))


def test_a_map_without_its_columns_is_refused(tmp_path: Path):
    maps = write(tmp_path) / "acme" / "maps"
    maps.mkdir()
    (maps / "payment.csv").write_text("from,to\npaypal,PP\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="needs the columns key and value"):
        list(load_seeds("acme", tmp_path))
