"""Bulk operations: the store exports a large range to one file, joined here on disk.

The file (shopify.dev/docs/api/usage/bulk-operations/queries) has one object a line; children carry
``__parentId`` and may stand far from their parent. What bulk cannot export, lines of refunds above
all, is left for hydration by id: a bulk export never decides what exists.
"""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import requests

from include.connectors.stores.shopify import documents
from include.connectors.stores.shopify.access import Access
from include.connectors.stores.shopify.client import ShopifyClient
from include.connectors.stores.shopify.reading import Document, filled
from include.connectors.stores.shopify.settings import ShopifySettings
from include.domain.errors import (
    ConfigurationError,
    RemoteUnavailable,
    WindowError,
)
from include.ports.clock import Clock
from include.transport.retry import Backoff, call_with_retries
from include.transport.status import as_remote_error

logger = logging.getLogger(__name__)

_CHILDREN = {
    "LineItem": "lineItems",
    "ShippingLine": "shippingLines",
    "LocalizedField": "localizedFields",
}
_RUNNING = {"CREATED", "RUNNING"}
_CHUNK = 1 << 18
_INSERTS = 2_000
_DOWNLOADS = 3


class BulkExport:
    """Runs one bulk operation for a search and yields the complete documents of the wanted ids.

    Args:
        client: Talks to the store.
        settings: Patience and polling.
        clock: Measures the wait.
        sleep: Waits between looks.
        backoff: How long to wait between attempts.
        access: What the app may read.
    """

    def __init__(
        self,
        client: ShopifyClient,
        settings: ShopifySettings,
        access: Access,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        backoff: Backoff,
    ) -> None:
        self._client = client
        self._settings = settings
        self._access = access
        self._clock = clock
        self._sleep = sleep
        self._backoff = backoff

    def documents(self, search: str, wanted: Collection[str]) -> Iterator[Document]:
        """Export a search and yield the documents that are wanted and complete.

        Args:
            search: Shopify search text; never sorted, a sorted export omits records.
            wanted: Store ids; everything else in the file is passed over.

        Yields:
            Documents of the shape that hydration gives. An order that has refunds or payment
            terms, or that left the search's range meanwhile, is not among them: hydrate the rest by
            id.

        Raises:
            WindowError: The file is not what the store says it holds.
            RemoteUnavailable: The operation failed or did not end in time.
            ConfigurationError: The store does not allow the operation.
        """
        query = documents.bulk_document("bulk_orders", search, self._access.flags)
        done = self._run(query)
        url = done["url"]
        lines = int(done["objectCount"] or 0)
        if url is None:
            if lines:
                raise WindowError(
                    f"bulk operation {done['id']} of {self._client.system} counts {lines} objects "
                    "but gives no file"
                )
            return
        with (
            tempfile.TemporaryDirectory(prefix="counterfoil-bulk-") as folder,
            closing(_open(Path(folder) / "export.sqlite")) as database,
        ):
            self._load(database, url, lines, wanted, done["id"])
            for document in _joined(database):
                if _is_complete(document):
                    yield filled(document, self._access)

    # -- running ---------------------------------------------------------------------------------

    def _run(self, query: str) -> dict[str, Any]:
        """Start the operation, or join one that already runs this query, and wait for its end."""
        deadline = self._clock.now().timestamp() + self._settings.bulk_patience_seconds
        operation_id = self._running(query) or self._start(query, deadline)
        pause = min(1.0, self._settings.bulk_poll_seconds)
        while True:
            state = self._client.execute("bulk_poll", {"id": operation_id})["bulkOperation"]
            if state is None:
                raise RemoteUnavailable(
                    f"{self._client.system} forgot bulk operation {operation_id}",
                    system=self._client.system,
                )
            status = state["status"]
            if status == "COMPLETED":
                logger.info(
                    "%s: bulk operation %s holds %s orders in %s objects",
                    self._client.system,
                    operation_id,
                    state["rootObjectCount"],
                    state["objectCount"],
                )
                return dict(state)
            if status not in _RUNNING:
                self._refuse(operation_id, status, state["errorCode"])
            if self._clock.now().timestamp() + pause > deadline:
                self._client.execute("bulk_cancel", {"id": operation_id})
                raise RemoteUnavailable(
                    f"bulk operation {operation_id} of {self._client.system} did not end within "
                    f"{self._settings.bulk_patience_seconds:.0f} s and was cancelled",
                    system=self._client.system,
                    status=status,
                )
            self._sleep(pause)
            pause = min(self._settings.bulk_poll_seconds, pause * 1.5)

    def _running(self, query: str) -> str | None:
        """Return the operation that already runs exactly this query, if there is one.

        An attempt that broke off, or was killed, leaves its operation running; joining it keeps
        the store's few slots free.
        """
        listed = self._client.execute("bulk_probe", {})["bulkOperations"]["nodes"]
        for operation in listed:
            if operation["status"] in _RUNNING and operation["query"] == query:
                return str(operation["id"])
        return None

    def _start(self, query: str, deadline: float) -> str:
        pause = 1.0
        broken_off = 0
        while True:
            try:
                answer = self._client.execute("bulk_run", {"query": query}, attempts=1)
            except RemoteUnavailable as error:
                # The call is no query: look for its effect before it is sent again.
                logger.info("%s: bulk start broke off (%s)", self._client.system, error.status)
                broken_off += 1
                if broken_off >= self._settings.attempts:
                    raise
                self._pause(pause, deadline)
                pause = min(self._settings.bulk_poll_seconds, pause * 2)
                if (started := self._running(query)) is not None:
                    return started
                continue
            run = answer["bulkOperationRunQuery"]
            if run is None:
                raise RemoteUnavailable(
                    f"{self._client.system} did not say whether it started a bulk operation",
                    system=self._client.system,
                )
            errors = run["userErrors"]
            if not errors:
                return str(run["bulkOperation"]["id"])
            if not _is_busy(errors):
                raise ConfigurationError(
                    f"{self._client.system} refused the bulk operation: "
                    + "; ".join(str(error["message"]) for error in errors)
                )
            logger.info("%s: all bulk slots are taken, waiting", self._client.system)
            self._pause(pause, deadline)
            pause = min(self._settings.bulk_poll_seconds, pause * 2)

    def _pause(self, seconds: float, deadline: float) -> None:
        if self._clock.now().timestamp() + seconds > deadline:
            raise RemoteUnavailable(
                f"{self._client.system} did not start a bulk operation within "
                f"{self._settings.bulk_patience_seconds:.0f} s",
                system=self._client.system,
            )
        self._sleep(seconds)

    def _refuse(self, operation_id: str, status: str, code: str | None) -> None:
        """Raise for an operation that ended badly; its partial file is never used."""
        said = f"bulk operation {operation_id} of {self._client.system} ended {status}"
        if code:
            said += f" ({code})"
        if code == "ACCESS_DENIED":
            raise ConfigurationError(f"{said}: the app lacks a scope that the export needs")
        raise RemoteUnavailable(said, system=self._client.system, status=code or status)

    # -- reading ---------------------------------------------------------------------------------

    def _load(
        self,
        database: sqlite3.Connection,
        url: str,
        expected: int,
        wanted: Collection[str],
        operation_id: str,
    ) -> None:
        """Download the file into the database; a download that breaks off starts again."""

        def attempt() -> int:
            with database:
                database.execute("DELETE FROM object")
                return _store(database, self._lines(url), wanted)

        read = call_with_retries(
            attempt, attempts=_DOWNLOADS, backoff=self._backoff, sleep=self._sleep
        )
        if read != expected:
            raise WindowError(
                f"bulk operation {operation_id} of {self._client.system} counts {expected} objects "
                f"but its file has {read} lines: nothing of it is used"
            )
        orphans = database.execute(
            "SELECT count(*) FROM object c WHERE c.field IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 FROM object p WHERE p.parent = c.parent AND p.field IS NULL)"
        ).fetchone()[0]
        if orphans:
            raise WindowError(
                f"bulk operation {operation_id} of {self._client.system} holds {orphans} lines "
                "whose order is not in the file: nothing of it is used"
            )

    def _lines(self, url: str) -> Iterator[bytes]:
        response = self._client.download(url)
        rest = b""
        try:
            for chunk in response.iter_content(_CHUNK):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from whole
        except requests.RequestException as error:
            raise as_remote_error(error, f"the result file of {self._client.system}") from None
        finally:
            response.close()
        yield rest


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False)
    database.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000;"
        "PRAGMA temp_store = FILE;"
        # parent is the order's id, for the order itself too; field is NULL for the order itself.
        "CREATE TABLE object (parent TEXT NOT NULL, field TEXT, at INTEGER NOT NULL, body BLOB,"
        " PRIMARY KEY (parent, at)) WITHOUT ROWID;"
    )
    return database


def _store(database: sqlite3.Connection, lines: Iterator[bytes], wanted: Collection[str]) -> int:
    """Store the wanted lines and return the number of all lines."""
    read = 0
    rows: list[tuple[str, str | None, int, bytes]] = []
    for line in lines:
        if not line:
            continue
        read += 1
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise RemoteUnavailable(f"line {read} of a bulk file is no JSON") from None
        parent = value.get("__parentId")
        owner = value.get("id") if parent is None else parent
        if owner is None:
            raise WindowError(f"line {read} of a bulk file has neither an id nor a parent")
        if owner not in wanted:
            continue
        field = None
        if parent is not None:
            field = _CHILDREN.get(value.get("__typename", ""))
            if field is None:
                raise WindowError(f"line {read} of a bulk file is of a kind we did not ask for")
        rows.append((owner, field, read, line))
        if len(rows) >= _INSERTS:
            database.executemany("INSERT INTO object VALUES (?, ?, ?, ?)", rows)
            rows.clear()
    database.executemany("INSERT INTO object VALUES (?, ?, ?, ?)", rows)
    return read


def _joined(database: sqlite3.Connection) -> Iterator[Document]:
    """Yield each order with its children folded in, in file order within each connection.

    An order that stands in the file twice changed during the export and is left out.
    """
    order: Document | None = None
    children: dict[str, list[Document]] = {}
    current = None
    doubled = False
    for parent, field, body in database.execute(
        "SELECT parent, field, body FROM object ORDER BY parent, at"
    ):
        if parent != current:
            if order is not None and not doubled:
                yield _folded(order, children)
            current, order, children, doubled = parent, None, {}, False
        value = orjson.loads(body)
        if field is None:
            doubled = order is not None
            order = value
        else:
            del value["__parentId"], value["__typename"]
            children.setdefault(field, []).append(value)
    if order is not None and not doubled:
        yield _folded(order, children)


def _folded(order: Document, children: dict[str, list[Document]]) -> Document:
    for field in ("localizedFields", "lineItems", "shippingLines"):
        order.pop(field, None)
        order[field] = {
            "nodes": children.get(field, []),
            "pageInfo": {"hasNextPage": False, "endCursor": None},
        }
    order["refunds"] = order.pop("refunds")
    return order


def _is_complete(document: Document) -> bool:
    """Tell whether the export holds all of an order.

    Refunds, payment terms and long plain lists it cannot hold.
    """
    if document["refunds"] or document.get("paymentTerms"):
        return False
    return all(
        document[counter] is None or len(document[field]) >= document[counter]["count"]
        for field, counter in (
            ("transactions", "transactionsCount"),
            ("fulfillments", "fulfillmentsCount"),
        )
    )


def _is_busy(errors: list[dict[str, Any]]) -> bool:
    return any(error["code"] in ("OPERATION_IN_PROGRESS", "LIMIT_REACHED") for error in errors)
