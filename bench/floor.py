"""The floor: the same bytes from the same server into one table, with nothing done to them.

requests, ``orjson.loads``, ``orjson.dumps`` of each order, and one COPY. Run in a process of its
own; prints one line of JSON.
"""

from __future__ import annotations

import argparse
import time

import orjson
import psycopg
import requests

from bench.measure import cpu_seconds, report
from bench.pages import API_VERSION, TOKEN

_PAGE = 250
_BATCH = 100
_LIST = (
    "query OrdersWindow($query: String!, $first: Int!, $after: String) "
    "{ orders(first: $first, after: $after, query: $query) { nodes { id } } }"
)
_HYDRATE = "query OrdersHydrate($ids: [ID!]!) { nodes(ids: $ids) { id } }"


def main() -> None:
    """Fetch every order of the window and copy its document."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--store", required=True)
    parser.add_argument("--database", required=True, help="libpq connection string")
    parser.add_argument("--window", nargs=2, required=True)
    options = parser.parse_args()
    session = requests.Session()
    session.headers["X-Shopify-Access-Token"] = TOKEN
    url = f"{options.store}/admin/api/{API_VERSION}/graphql.json"
    start_at, end_at = options.window
    search = f"updated_at:>='{start_at}' AND updated_at:<='{end_at}'"

    def ask(query: str, variables: dict[str, object]) -> dict[str, object]:
        body = orjson.dumps({"query": query, "variables": variables})
        answer = session.post(url, data=body, timeout=60)
        answer.raise_for_status()
        data: dict[str, object] = orjson.loads(answer.content)["data"]
        return data

    with psycopg.connect(options.database) as connection:
        connection.execute(
            "CREATE TABLE floor (order_id text, updated_at timestamptz, document json)"
        )
        connection.commit()
        cpu, began = cpu_seconds(), time.perf_counter()
        ids: list[str] = []
        after = None
        while True:
            page = ask(_LIST, {"query": search, "first": _PAGE, "after": after})["orders"]
            ids += [node["id"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY floor FROM STDIN") as copy,
        ):
            for begin in range(0, len(ids), _BATCH):
                nodes = ask(_HYDRATE, {"ids": ids[begin : begin + _BATCH]})["nodes"]
                for order in nodes:
                    document = orjson.dumps(order).decode()
                    copy.write_row((order["id"], order["updatedAt"], document))
        connection.commit()
        seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    report({"orders": len(ids), "seconds": seconds, "cpu": cpu})


if __name__ == "__main__":
    main()
