"""dlt on the same documents from the same server into PostgreSQL, all nested tables, merged by id.

Runs under its own environment (bench/.venv-dlt), in a process of its own; prints one line of JSON.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator

import dlt
import orjson
import requests

from bench.measure import cpu_seconds, report
from bench.pages import API_VERSION, TOKEN

_PAGE = 250
_BATCH = 100


def main() -> None:
    """Load every order of the window."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--store", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--window", nargs=2, required=True)
    options = parser.parse_args()
    session = requests.Session()
    session.headers["X-Shopify-Access-Token"] = TOKEN
    url = f"{options.store}/admin/api/{API_VERSION}/graphql.json"
    search = f"updated_at:>='{options.window[0]}' AND updated_at:<='{options.window[1]}'"

    def ask(query: str, variables: dict[str, object]) -> dict[str, object]:
        body = orjson.dumps({"query": query, "variables": variables})
        answer = session.post(url, data=body, timeout=60)
        answer.raise_for_status()
        data: dict[str, object] = orjson.loads(answer.content)["data"]
        return data

    def documents() -> Iterator[list[dict[str, object]]]:
        after = None
        while True:
            page = ask(
                "query OrdersWindow { orders { nodes { id } } }",
                {"query": search, "first": _PAGE, "after": after},
            )["orders"]
            ids = [node["id"] for node in page["nodes"]]
            for begin in range(0, len(ids), _BATCH):
                asked = {"ids": ids[begin : begin + _BATCH]}
                yield ask("query OrdersHydrate { nodes { id } }", asked)["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=folder,
            dataset_name="bench",
            destination=dlt.destinations.postgres(
                # dlt insists on a host and a password; libpq lets the socket folder win.
                f"postgresql://postgres:unused@localhost/{options.name}?host={options.host}"
            ),
        )
        resource = dlt.resource(
            documents, name="orders", primary_key="id", write_disposition="merge"
        )
        cpu, began = cpu_seconds(), time.perf_counter()
        pipeline.run(resource())
        seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu
        with pipeline.sql_client() as client:
            rows = client.execute_sql("SELECT count(*) FROM orders")
    report({"orders": rows[0][0], "seconds": seconds, "cpu": cpu})


if __name__ == "__main__":
    main()
