"""Bulk operations: a query run in the background, its result a file of JSON lines.

An operation is created, runs for a number of polls, and is then finished; the query is executed
when it finishes, against the shop as it then is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, parse, validate

from include.connectors.stores.shopify.sandbox import errors
from include.connectors.stores.shopify.sandbox.bulk_rules import broken_rules
from include.connectors.stores.shopify.sandbox.render import Record, instant

RUNNING = ("CREATED", "RUNNING", "CANCELING")
_FILTER = re.compile(r"(\w+):'?(\w+)'?")
UserError = dict[str, Any]


@dataclass(slots=True)
class Operation:
    """One bulk operation."""

    number: int
    query: str
    document: DocumentNode
    created_at: datetime
    base_url: str
    grouped: bool = False
    fails: bool = False
    status: str = "CREATED"
    polls: int = 0
    completed_at: datetime | None = None
    lines: list[str] = field(default_factory=list)
    roots: int = 0

    @property
    def gid(self) -> str:
        """The operation's global id."""
        return f"gid://shopify/BulkOperation/{self.number}"

    @property
    def file(self) -> str:
        """The result's file name."""
        return f"bulk-{self.number}.jsonl"

    def record(self) -> Record:
        """Return the operation's fields."""
        done = self.status == "COMPLETED"
        link = f"{self.base_url}/bulk-operation-outputs/{self.file}" if self.lines else None
        size = sum(len(line.encode()) + 1 for line in self.lines)
        return {
            "__typename": "BulkOperation",
            "id": self.gid,
            "status": self.status,
            "type": "QUERY",
            "errorCode": "INTERNAL_SERVER_ERROR" if self.status == "FAILED" else None,
            "createdAt": instant(self.created_at),
            "completedAt": instant(self.completed_at),
            "objectCount": str(len(self.lines)),
            "rootObjectCount": str(self.roots),
            "fileSize": str(size) if done else None,
            "url": link if done else None,
            "partialDataUrl": link if self.status in ("FAILED", "CANCELED") else None,
            "query": self.query,
        }


class BulkOperations:
    """The bulk operations of one app in one shop."""

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}
        self._next = 7_749_099_028_786

    def start(
        self, query: str, grouped: bool, call: Any, schema: Any
    ) -> tuple[Operation | None, list[UserError]]:
        """Start an operation, unless its query or the number of running ones forbids it.

        Args:
            query: The query to run in bulk.
            grouped: Whether children follow their parent in the result.
            call: The request.
            schema: The executable schema.

        Returns:
            The operation, or the user errors.
        """
        document, wrong = read_query(query, schema)
        if document is None:
            return None, [
                {"field": ["query"], "message": text, "code": "INVALID"} for text in wrong
            ]
        running = [row for row in self._operations.values() if row.status in RUNNING]
        if len(running) >= call.settings.bulk_concurrency:
            names = ", ".join(row.gid for row in running)
            text = f"A bulk query operation for this app and shop is already in progress: {names}."
            return None, [{"field": None, "message": text, "code": "OPERATION_IN_PROGRESS"}]
        self._next += 32_768
        now = call.shop.clock.now()
        found = Operation(self._next, query, document, now, call.base_url, grouped)
        found.fails = call.fault("bulk_fails")
        self._operations[found.gid] = found
        return found, []

    def poll(self, gid: str, call: Any, run: Any) -> Operation | None:
        """Look at an operation, which makes time pass for it.

        Args:
            gid: Its global id.
            call: The request.
            run: Executes a document in bulk and returns its data.
        """
        found = self._operations.get(gid)
        if found is None or found.status not in RUNNING:
            return found
        if found.status == "CANCELING":
            found.status, found.completed_at = "CANCELED", call.shop.clock.now()
            return found
        found.polls += 1
        found.status = "RUNNING"
        if found.polls > call.settings.bulk_polls:
            data = run(found.document)
            found.lines, found.roots = to_lines(data or {}, found.grouped)
            found.completed_at = call.shop.clock.now() + timedelta(seconds=1)
            found.status = "COMPLETED"
            if found.fails:
                found.status, found.lines = "FAILED", found.lines[: len(found.lines) // 2]
        return found

    def cancel(self, gid: str) -> tuple[Operation | None, list[UserError]]:
        """Ask an operation to stop."""
        found = self._operations.get(gid)
        if found is None:
            return None, [{"field": ["id"], "message": "Bulk operation does not exist"}]
        if found.status not in RUNNING:
            text = f"A bulk operation cannot be canceled when it is {found.status.lower()}"
            return found, [{"field": None, "message": text}]
        found.status = "CANCELING"
        return found, []

    def every(self, query: str | None) -> list[Operation]:
        """Return the operations, newest first, filtered by `status` or `operation_type`."""
        rows = list(reversed(self._operations.values()))
        for key, value in _FILTER.findall(query or ""):
            if key == "status":
                rows = [row for row in rows if row.status.lower() == value.lower()]
            elif key in ("operation_type", "type"):
                rows = rows if value.lower() == "query" else []
            elif key == "id":
                rows = [row for row in rows if str(row.number) == value]
        return rows

    def result(self, name: str) -> str | None:
        """Return the result file of an operation."""
        found = next((row for row in self._operations.values() if row.file == name), None)
        if found is None or not found.lines:
            return None
        return "".join(f"{line}\n" for line in found.lines)


def read_query(query: str, schema: Any) -> tuple[DocumentNode | None, list[str]]:
    """Read a bulk query and check it against the schema and the rules of bulk operations."""
    try:
        document = parse(query)
    except GraphQLError as error:
        words = errors.syntax_error(error)["message"].split(" at [")[0]
        return None, [f"Invalid bulk query: {words}"]
    operation = next(
        (row for row in document.definitions if isinstance(row, OperationDefinitionNode)), None
    )
    if operation is None or operation.operation.value != "query":
        return None, ["Invalid operation type. Only `query` operations are supported."]
    if wrong := validate(schema, document):
        texts = [errors.validation_error(row, document)["message"] for row in wrong]
        return None, [f"Invalid bulk query: {text}" for text in texts]
    broken = broken_rules(schema, document, operation)
    return (None, broken) if broken else (document, [])


def to_lines(data: dict[str, Any], grouped: bool) -> tuple[list[str], int]:
    """Flatten an answer into JSON lines.

    Args:
        data: The answer, its connections selected by edges and nodes.
        grouped: Whether children follow right after their parent; else every level comes after
            the one above it, far from its parents.

    Returns:
        The lines, and how many of them are root objects.
    """
    roots = [
        edge["node"] for value in data.values() if _is_connection(value) for edge in value["edges"]
    ]
    lines: list[str] = []
    level: list[tuple[Record, str | None]] = [(node, None) for node in roots]
    while level:
        below: list[tuple[Record, str | None]] = []
        for node, parent in level:
            _write(node, parent, lines, below, grouped)
        level = below
    return lines, len(roots)


def _write(
    node: Record,
    parent: str | None,
    lines: list[str],
    below: list[tuple[Record, str | None]],
    grouped: bool,
) -> None:
    own, children = _without_connections(node)
    if parent is not None:
        own["__parentId"] = parent
    lines.append(json.dumps(own, ensure_ascii=False, separators=(",", ":")))
    for child in children:
        if grouped:
            _write(child, node["id"], lines, below, grouped)
        else:
            below.append((child, node["id"]))


def _is_connection(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("edges"), list)


def _without_connections(node: Record) -> tuple[Record, list[Record]]:
    own: Record = {}
    children: list[Record] = []
    for key, value in node.items():
        if _is_connection(value):
            children.extend(_nodes(value))
        elif isinstance(value, dict):
            own[key], deeper = _without_connections(value)
            children.extend(deeper)
        else:
            own[key] = value
    return own, children


def _nodes(connection: Record) -> Iterator[Record]:
    for edge in connection["edges"]:
        yield edge["node"]
