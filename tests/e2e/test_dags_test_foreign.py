"""`airflow dags test` against a store server that is not ours, by changing one connection alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.contract.foreign_orders import plain_order
from tests.contract.foreign_store import ForeignStore, Habits, serve
from tests.e2e.test_dags_test import (
    Town,
    as_pythonpath,
    as_uris,
    bare_environment,
    run_the_day,
    town,
)

pytestmark = pytest.mark.e2e

__all__ = ["town"]


def test_another_store_is_posted_and_its_poison_held(town: Town, tmp_path: Path) -> None:
    orders = [plain_order(number) for number in range(1, 8)]
    orders.append(plain_order(8, lineItems=[]))
    orders.append(plain_order(9, currentTotalPriceSet={"shopMoney": {}, "presentmentMoney": {}}))
    habits = Habits(
        encoding="gzip",
        page_limit=3,
        count=lambda number: {"count": number, "precision": "AT_LEAST"},
        denied=frozenset({"QueryRoot.currentAppInstallation", "MailingAddress.name"}),
        broken=frozenset({"QueryRoot.bulkOperations"}),
        unserved=frozenset({"gid://shopify/Order/7"}),
    )
    with serve(ForeignStore(orders, habits=habits)) as url:
        at = urlsplit(url)
        store = {
            "conn_type": "http",
            "host": f"http://{at.hostname}/",
            "port": at.port,
            "extra": {"X-Shopify-Access-Token": "any-token-at-all"},
        }
        connections = as_uris(replace(town, store_url=url)) | {
            "SHOPIFY_GP_STORE": json.dumps(store)
        }
        env = {f"AIRFLOW_CONN_{name}": form for name, form in connections.items()}
        told = run_the_day(bare_environment(tmp_path) | as_pythonpath() | env)
    assert "does not tell the app's scopes" in told
    counts = "SELECT in_store, posted, held, unexplained FROM proof_window"
    assert town.rows(town.staging, counts) == [(9, 6, 3, 0)]
