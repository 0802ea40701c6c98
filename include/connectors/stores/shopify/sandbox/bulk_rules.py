"""What a bulk query may look like, with the recorded words of each refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

MAX_DEPTH = 2
MAX_CONNECTIONS = 5


@dataclass(slots=True)
class _Seen:
    connections: int = 0
    depth: int = 0
    inside_list: bool = False
    not_by_edges: list[str] = field(default_factory=list)
    without_id: list[str] = field(default_factory=list)


def broken_rules(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> list[str]:
    """Return the rules that a valid query breaks as a bulk query.

    Args:
        schema: The schema it is valid against.
        document: The query's document.
        operation: The query.
    """
    return _Reader(schema, document).read(operation)


class _Reader:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._seen = _Seen()
        self._fragments = {
            row.name.value: row
            for row in document.definitions
            if isinstance(row, FragmentDefinitionNode)
        }

    def read(self, operation: OperationDefinitionNode) -> list[str]:
        """Walk the query and put its faults in words."""
        found: list[str] = []
        for name in ("node", "nodes"):
            if any(row.name.value == name for row, _ in self._fields(operation.selection_set)):
                found.append(f"Bulk queries cannot contain a top level `{name}` field.")
        self._walk(operation.selection_set, self._schema.query_type, 0, False, None)
        seen = self._seen
        if seen.connections == 0:
            found.append("Bulk queries must contain at least one connection.")
        if seen.not_by_edges:
            names = ", ".join(f"'{name}'" for name in seen.not_by_edges)
            found.append(
                "All connection fields in a bulk query must select their contents using 'edges' > "
                f"'node', e.g: '{seen.not_by_edges[0]} {{ edges {{ node {{'. Selecting via 'nodes' "
                f"is not supported. Invalid connection fields: {names}."
            )
        if seen.depth > MAX_DEPTH:
            found.append(
                f"Bulk queries cannot contain connections with a nesting depth greater than "
                f"{MAX_DEPTH}."
            )
        if seen.connections > MAX_CONNECTIONS and seen.depth <= MAX_DEPTH:
            found.append(f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections.")
        if seen.without_id:
            names = ", ".join(seen.without_id)
            found.append(
                "The parent 'node' field for a nested connection must select the 'id' field "
                "without an alias and must be of 'ID' return type. Connection fields without "
                f"'id': {names}."
            )
        if seen.inside_list:
            found.append(
                "Queries that contain a connection field within a list field are not currently "
                "supported."
            )
        return found

    def _walk(
        self,
        selection: SelectionSetNode,
        kind: Any,
        depth: int,
        in_list: bool,
        parent: tuple[str, bool] | None,
    ) -> None:
        """Visit the fields of a selection; `parent` is the connection above and its id."""
        for node, owner in self._fields(selection, kind):
            name = node.name.value
            if node.selection_set is None or name.startswith("__"):
                continue
            declared = owner.fields[name].type
            named = get_named_type(declared)
            if not named.name.endswith("Connection"):
                bare = declared.of_type if isinstance(declared, GraphQLNonNull) else declared
                listed = in_list or isinstance(bare, GraphQLList)
                self._walk(node.selection_set, named, depth, listed, parent)
                continue
            self._seen.connections += 1
            self._seen.depth = max(self._seen.depth, depth + 1)
            self._seen.inside_list |= in_list
            if parent is not None and not parent[1] and parent[0] not in self._seen.without_id:
                self._seen.without_id.append(parent[0])
            self._connection(node, named, depth, name)

    def _connection(self, node: FieldNode, named: Any, depth: int, name: str) -> None:
        assert node.selection_set is not None
        chosen = {row.name.value: row for row, _ in self._fields(node.selection_set, named)}
        if "nodes" in chosen or "edges" not in chosen:
            self._seen.not_by_edges.append(name)
        edges = chosen.get("edges")
        if edges is None or edges.selection_set is None:
            return
        edge = get_named_type(named.fields["edges"].type)
        for row, _ in self._fields(edges.selection_set, edge):
            if row.name.value != "node" or row.selection_set is None:
                continue
            inner = get_named_type(edge.fields["node"].type)
            has_id = any(
                child.name.value == "id" and child.alias is None
                for child, _ in self._fields(row.selection_set, inner)
            )
            self._walk(row.selection_set, inner, depth + 1, False, (name, has_id))

    def _fields(self, selection: SelectionSetNode, kind: Any = None) -> list[tuple[FieldNode, Any]]:
        found: list[tuple[FieldNode, Any]] = []
        for node in selection.selections:
            if isinstance(node, FieldNode):
                found.append((node, kind))
                continue
            inner: Any = (
                self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            )
            condition = inner.type_condition
            owner = self._schema.type_map[condition.name.value] if condition else kind
            found.extend(self._fields(inner.selection_set, owner))
        return found
