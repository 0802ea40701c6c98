"""Every GraphQL document against the official schema, its deprecations and the cost cap."""

from __future__ import annotations

import gzip
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    build_client_schema,
    get_named_type,
    is_composite_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from include.connectors.stores.shopify import documents

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "include/connectors/stores/shopify/schema/admin_2026-10.json.gz"

ORDER = "gid://shopify/Order/1"
FLAGS = dict.fromkeys(
    ("withCustomers", "withPersonal", "withProducts", "withLocations", "withTerms", "withRisk"),
    True,
)
PAGE = {"id": ORDER, "first": 250, "after": "cursor"}
VARIABLES: dict[str, dict[str, Any]] = {
    "orders_window": {
        "query": "updated_at:>='2026-11-18T00:00:00Z'",
        "first": 250,
        "after": None,
    },
    "orders_count": {"query": "updated_at:>='2026-11-18T00:00:00Z'"},
    "orders_hydrate": {"ids": [ORDER], **FLAGS},
    "order_line_items": {**PAGE, "withProducts": True},
    "order_shipping_lines": PAGE,
    "order_localized_fields": PAGE,
    "refund_line_items": {**PAGE, "withLocations": True},
    "refund_shipping_lines": PAGE,
    "refund_adjustments": PAGE,
    "refund_transactions": PAGE,
    "shop_facts": {},
    "shop_basics": {},
    "privacy_probe": {"withCustomers": True},
    "bulk_probe": {},
    "bulk_run": {"query": "{ orders { edges { node { id } } } }"},
    "bulk_poll": {"id": "gid://shopify/BulkOperation/1"},
    "bulk_cancel": {"id": "gid://shopify/BulkOperation/1"},
}
FREE = {"MoneyV2", "MoneyBag", "Count", "PageInfo", "MailingAddress", "Weight"}


@cache
def schema() -> GraphQLSchema:
    with gzip.open(SCHEMA) as file:
        data = json.load(file)
    return build_client_schema(data.get("data", data), assume_valid=True)


def text_of(name: str) -> str:
    if name == "bulk_orders":
        return documents.bulk_document(name, "updated_at:>='2026-11-18T00:00:00Z'", FLAGS)
    return documents.minified(name)


def cost_of(text: str, variables: dict[str, Any]) -> int:
    """Predict the requested cost with the model fitted on recorded calls."""
    parsed = parse(text)
    fragments = {
        node.name.value: node
        for node in parsed.definitions
        if isinstance(node, FragmentDefinitionNode)
    }

    def selected(selections: SelectionSetNode, parent: Any) -> int:
        total = 0
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                total += selected(fragments[node.name.value].selection_set, parent)
            elif isinstance(node, InlineFragmentNode):
                on = schema().get_type(node.type_condition.name.value)
                total += selected(node.selection_set, on)
            else:
                assert isinstance(node, FieldNode)
                total += field(node, parent)
        return total

    def field(node: FieldNode, parent: Any) -> int:
        name = node.name.value
        if name == "__typename":
            return 0
        kind = get_named_type(parent.fields[name].type)
        if not is_composite_type(kind):
            return 10 if name.endswith("Count") else 0
        if kind.name in FREE:
            return 10 if parent.name == "QueryRoot" else 0
        if kind.name.endswith("Connection"):
            first = next(
                (
                    int(a.value.value)
                    if isinstance(a.value, IntValueNode)
                    else int(variables[a.value.name.value])
                    for a in node.arguments
                    if a.name.value == "first" and isinstance(a.value, IntValueNode | VariableNode)
                ),
                1,
            )
            inside = sum(
                1 + selected(child.selection_set, get_named_type(kind.fields["nodes"].type))
                for child in node.selection_set.selections
                if isinstance(child, FieldNode) and child.name.value == "nodes"
            )
            return 2 + max(1, math.floor(2 * math.log(first))) * inside
        return 1 + selected(node.selection_set, kind)

    operation = next(n for n in parsed.definitions if isinstance(n, OperationDefinitionNode))
    if operation.operation.value == "mutation":
        return 10
    return selected(operation.selection_set, schema().query_type)


def test_every_document_on_disk_has_variables_to_be_checked_with() -> None:
    assert set(documents.names()) == {*VARIABLES, "bulk_orders"}


@pytest.mark.parametrize("name", documents.names())
def test_a_document_is_valid_against_the_official_schema_and_uses_nothing_deprecated(
    name: str,
) -> None:
    parsed = parse(text_of(name))

    assert validate(schema(), parsed) == []
    assert validate(schema(), parsed, [NoDeprecatedCustomRule]) == []


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_the_variables_we_send_are_what_the_document_declares(name: str) -> None:
    operation = next(
        node
        for node in parse(text_of(name)).definitions
        if isinstance(node, OperationDefinitionNode)
    )

    checked = get_variable_values(schema(), operation.variable_definitions or [], VARIABLES[name])

    assert not isinstance(checked, list), checked
    declared = {node.variable.name.value for node in operation.variable_definitions or []}
    assert declared == set(VARIABLES[name])


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_document_stays_under_the_cost_that_one_query_may_have(name: str) -> None:
    assert cost_of(text_of(name), VARIABLES[name]) < 1000


def test_the_minified_text_has_the_same_tokens_as_the_readable_one() -> None:
    for name in documents.names():
        assert documents.minified(name).split() == documents.document(name).split()


def connections(text: str) -> list[tuple[int, bool, bool]]:
    """Return depth, inside-a-list and selects-id of each connection of a bulk document."""
    found: list[tuple[int, bool, bool]] = []

    def walk(selections: SelectionSetNode, parent: Any, depth: int, in_list: bool) -> None:
        for node in selections.selections:
            if isinstance(node, InlineFragmentNode):
                on = schema().get_type(node.type_condition.name.value)
                walk(node.selection_set, on, depth, in_list)
                continue
            assert isinstance(node, FieldNode), "bulk documents carry no fragment spreads"
            if node.selection_set is None:
                continue
            wrapped = parent.fields[node.name.value].type
            kind = get_named_type(wrapped)
            assert isinstance(kind, GraphQLInterfaceType | GraphQLUnionType) or kind.fields
            if kind.name.endswith("Connection"):
                edges = node.selection_set.selections
                assert [child.name.value for child in edges] == ["edges"]
                inner = edges[0].selection_set.selections[0]
                assert inner.name.value == "node"
                names = {c.name.value for c in inner.selection_set.selections if hasattr(c, "name")}
                found.append((depth + 1, in_list, "id" in names))
                target = get_named_type(
                    get_named_type(kind.fields["edges"].type).fields["node"].type
                )
                walk(inner.selection_set, target, depth + 1, in_list)
            else:
                bare = wrapped.of_type if isinstance(wrapped, GraphQLNonNull) else wrapped
                walk(node.selection_set, kind, depth, in_list or isinstance(bare, GraphQLList))

    operation = next(n for n in parse(text).definitions if isinstance(n, OperationDefinitionNode))
    walk(operation.selection_set, schema().query_type, 0, False)
    return found


def test_the_bulk_document_obeys_the_rules_of_bulk_operations() -> None:
    text = text_of("bulk_orders")
    found = connections(text)

    assert len(found) <= 5
    assert max(depth for depth, _, _ in found) <= 2
    assert not any(in_list for _, in_list, _ in found)
    assert found[0][2], "the parent must select its id"
    assert len(text.encode()) < 65_535
    for word in ("sortKey", "reverse", "$"):
        assert word not in text


def test_a_search_text_reaches_the_bulk_document_escaped() -> None:
    text = documents.bulk_document("bulk_orders", """name:'a"b\\c'""", FLAGS)

    root = parse(text).definitions[0].selection_set.selections[0]
    assert root.arguments[0].value.value == """name:'a"b\\c'"""
