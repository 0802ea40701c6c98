"""Documents a second into an ERP that answers each call in five milliseconds.

Orders are staged first, off the clock. The planner, the ledger and its locks are the product's own.
Run in a process of its own; prints one line of JSON.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import count

from bench.measure import report
from include.domain.document import (
    Document,
    DocumentKey,
    PreparedDocument,
    RemoteDocument,
    RemoteState,
    StockNeed,
)
from include.domain.sales import facts_digest

ANSWER_SECONDS = 0.005


class SlowErp:
    """An ERP with plenty of stock that takes its five milliseconds for each call."""

    def __init__(self) -> None:
        self.calls = 0
        self._held: dict[DocumentKey, RemoteDocument] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()

    def preflight(self) -> None:
        """Find nothing missing."""
        self._answer()

    def available(self, needs: Iterable[StockNeed]) -> Mapping[StockNeed, Decimal]:
        """Have a million of everything."""
        self._answer()
        return dict.fromkeys(needs, Decimal(1_000_000))

    def unknown_skus(self, skus: Iterable[str]) -> frozenset[str]:
        """Know every item."""
        self._answer()
        return frozenset()

    def first_open_on(self, day: date) -> date:
        """Have no closed period."""
        self._answer()
        return day

    def prepare(self, document: Document) -> PreparedDocument:
        """Take the document as it is."""
        return PreparedDocument(document, facts_digest(document), len(document.lines), None)

    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> Mapping[DocumentKey, tuple[RemoteDocument, ...]]:
        """Return what was posted."""
        self._answer()
        return {key: (self._held[key],) for key, _ in documents if key in self._held}

    def begun(self, documents: Sequence[tuple[DocumentKey, str]]) -> frozenset[DocumentKey]:
        """Have begun nothing."""
        return frozenset()

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        """Keep the document."""
        self._answer()
        document = prepared.document
        with self._lock:
            return self._held.setdefault(
                document.key,
                RemoteDocument(
                    key=document.key,
                    reference=f"DOC{next(self._numbers):09}",
                    state=RemoteState.OPEN,
                    total=document.total,
                    currency=document.currency,
                    line_count=len(document.lines),
                    paid=document.paid,
                ),
            )

    def __len__(self) -> int:
        return len(self._held)

    def _answer(self) -> None:
        with self._lock:
            self.calls += 1
        time.sleep(ANSWER_SECONDS)


def main() -> None:
    """Stage the orders of the window, then post their documents."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--store", required=True)
    parser.add_argument("--database", required=True, help="SQLAlchemy URL")
    parser.add_argument("--window", nargs=2, type=datetime.fromisoformat, required=True)
    options = parser.parse_args()
    os.environ["GX_ANALYTICS_ENABLED"] = "false"

    from bench.channel import open_house
    from include.domain.window import Window
    from include.pipelines import documents, orders
    from include.pipelines.runs import Run, RunType

    run = Run("bench", RunType.SCHEDULED, Window(*options.window))
    erp = SlowErp()
    with open_house(options.store, options.database, erp) as house:
        batch_id = orders.pull(house, run, run.selection(house.settings, house.clock.now()))
        orders.validate(house, batch_id)
        orders.load(house, batch_id)
        began = time.perf_counter()
        todo = orders.orders_to_post(house, batch_id, run)
        done = documents.post(house, todo, batch_id)
        seconds = time.perf_counter() - began
        threads = house.settings.posting_threads
    if done.held or len(erp) != done.documents:
        raise SystemExit(f"{done} while the ERP holds {len(erp)}")
    report(
        {
            "orders": done.orders,
            "documents": done.documents,
            "calls": erp.calls,
            "threads": threads,
            "seconds": seconds,
        }
    )


if __name__ == "__main__":
    main()
