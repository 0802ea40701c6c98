"""One buyer of two channels on one account is one customer, also when both make it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from include.connectors.erps.heartland_retail.client import HeartlandClient
from include.connectors.erps.heartland_retail.payloads import Person
from include.connectors.erps.heartland_retail.people import People
from tests.contract.heartland_account import Account, open_account


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with open_account(tmp_path) as opened:
        yield opened


def customers(account: Account) -> list[dict[str, object]]:
    return [row for row in account.rows("customers") if row["public_id"] != "WEBGUEST"]


class Meanwhile:
    """The account, where another channel makes the same buyer just before this one does."""

    def __init__(self, client: HeartlandClient, other: Callable[[], object]) -> None:
        self._client, self._other = client, other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create(self, path: str, body: dict[str, Any]) -> int:
        self._other()
        return self._client.create(path, body)


@pytest.mark.parametrize(
    "theirs",
    [Person("77", "Ana", "Prado", "ana@example.com"), Person("4711", "A", "P", "ana@example.com")],
    ids=["of the same shop", "of another shop"],
)
def test_a_buyer_whom_two_channels_make_at_once_is_the_older_one_for_both(
    account: Account, theirs: Person
) -> None:
    ours = Person("77", "Ana", "Prado", "ana@example.com")
    other = account.connector().people
    made: list[int] = []
    slow = People(
        Meanwhile(account.erp.client, lambda: made.append(other.customer_id(theirs))),  # type: ignore[arg-type]
        account.erp.settings,
    )
    assert slow.customer_id(ours) == made[0]
    assert account.erp.people.customer_id(ours) == made[0]
    assert other.customer_id(theirs) == made[0]
    kept, spare = sorted(customers(account), key=lambda row: int(str(row["id"])))
    assert kept["custom"] == {"ecommerce_customer_id": theirs.store_id}
    assert (spare["active"], spare["email"]) == (False, None)
    assert spare["custom"] == {"ecommerce_customer_id": "discarded 77"}


def test_channels_that_make_different_buyers_at_once_keep_both(account: Account) -> None:
    other = account.connector().people
    slow = People(
        Meanwhile(  # type: ignore[arg-type]
            account.erp.client,
            lambda: other.customer_id(Person("4711", "Bo", "Li", "bo@example.com")),
        ),
        account.erp.settings,
    )
    mine = slow.customer_id(Person("77", "Ana", "Prado", "ana@example.com"))
    assert all(row["active"] for row in customers(account))
    assert mine == account.erp.people.customer_id(Person("77", "Ana", "Prado", "ana@example.com"))
