"""Channel files: a mistake is refused with the file, the field and the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.domain.errors import ConfigurationError
from include.settings.channel import channel_names, load_channel, load_seeds

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
        ("title: Acme", "titel: Acme", "titel: Extra inputs are not permitted"),
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
    with pytest.raises(ConfigurationError, match="'on_payment' or 'never'"):
        load_channel("acme", tmp_path)


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
