"""What a channel expects of its shop reaches the connector that holds the shop against it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from include.connectors import registry
from include.orchestration.bootstrap import store_settings
from include.settings.channel import (
    ChannelSettings,
    EndpointSettings,
    PolicySettings,
    load_channel,
)


def channel(**own: Any) -> ChannelSettings:
    store = EndpointSettings(connector="shopify", connection="shop", settings=own)
    return load_channel("shopify_gp").model_copy(
        update={"currency": "EUR", "time_zone": "Europe/Paris", "store": store}
    )


@pytest.mark.parametrize(
    ("own", "currency", "zone"),
    [
        ({}, "EUR", "Europe/Paris"),
        ({"expected_currency": "SEK"}, "SEK", "Europe/Paris"),
        ({"expected_time_zone": "Europe/Oslo"}, "EUR", "Europe/Oslo"),
    ],
)
def test_the_shop_is_expected_to_be_as_the_channel_says(
    own: dict[str, str], currency: str, zone: str
) -> None:
    settings: Any = store_settings(registry.store("shopify"), channel(**own))

    assert (settings.expected_currency, settings.expected_time_zone) == (currency, zone)


@pytest.mark.parametrize(("on_risk", "asked"), [("import", False), ("hold", True)])
def test_the_estimate_of_fraud_is_asked_for_where_the_channel_acts_on_it(
    on_risk: str, asked: bool
) -> None:
    policy = PolicySettings.model_validate({"on_risk": on_risk})
    chosen = channel().model_copy(update={"policy": policy})

    settings: Any = store_settings(registry.store("shopify"), chosen)

    assert settings.reads_risk is asked


def test_a_store_that_expects_nothing_is_given_nothing() -> None:
    class Bare(BaseModel):
        model_config = ConfigDict(extra="forbid")

    bare: Any = SimpleNamespace(name="bare", SETTINGS=Bare)

    assert store_settings(bare, channel()) == Bare()
