"""What is read of an order, held against the official schema and against what is asked for."""

from __future__ import annotations

import gzip
import json
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_client_schema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
    parse,
)

from include.connectors.stores.shopify import documents, nodes
from tests.unit.test_shopify_queries import SCHEMA

Asked = dict[str, "Asked"]
# What stands in for an order that could not be given is our own.
OURS = {("Order", "fault")}
# A list that is never paged is asked whether there is more, not where.
NOT_ASKED = {("PageInfo", "endCursor")}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    data = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    return build_client_schema(data.get("data", data), assume_valid=True)


@pytest.fixture(scope="module")
def asked() -> Asked:
    """The fields of an order that the hydration selects, as a tree."""
    document = parse(documents.minified("orders_hydrate"))
    fragments = {
        d.name.value: d.selection_set
        for d in document.definitions
        if isinstance(d, FragmentDefinitionNode)
    }

    def tree(chosen: SelectionSetNode | None) -> Asked:
        found: Asked = {}
        for selection in chosen.selections if chosen else ():
            if isinstance(selection, FieldNode):
                found.setdefault(selection.name.value, {}).update(tree(selection.selection_set))
                continue
            inner = (
                fragments[selection.name.value]
                if isinstance(selection, FragmentSpreadNode)
                else selection.selection_set
            )
            assert isinstance(selection, FragmentSpreadNode | InlineFragmentNode)
            for name, below in tree(inner).items():
                found.setdefault(name, {}).update(below)
        return found

    (operation,) = (d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    return tree(operation.selection_set)["nodes"]


def parts_of(hint: Any) -> Iterator[Any]:
    """The types that a field may hold, without null."""
    if isinstance(hint, msgspec.UnsetType) or hint in (type(None), msgspec.UnsetType):
        return
    if typing.get_origin(hint) in (typing.Union, type(int | str)):
        for part in typing.get_args(hint):
            yield from parts_of(part)
    else:
        yield hint


def fields_of(kind: GraphQLNamedType, schema: GraphQLSchema) -> dict[str, Any]:
    """The fields of a type; of one that stands for several, those of any of them."""
    kinds = schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
    return {name: field for one in kinds for name, field in one.fields.items()}  # type: ignore[attr-defined]


def compared(
    struct: Any, kind: GraphQLNamedType, schema: GraphQLSchema, asked: Asked
) -> Iterator[str]:
    """Name what the struct has otherwise than the schema, or reads and nobody asks for."""
    origin = typing.get_origin(struct) or struct
    members = dict(zip(getattr(origin, "__parameters__", ()), typing.get_args(struct), strict=True))
    hints = typing.get_type_hints(origin)
    known = fields_of(kind, schema)
    for field in msgspec.structs.fields(origin):
        name, place = field.encode_name, (kind.name, field.encode_name)
        if place in OURS:
            continue
        if name not in known:
            yield f"{place}: not in the schema"
            continue
        if name not in asked and place not in NOT_ASKED:
            yield f"{place}: read and never asked for"
        if field.required and not is_non_null_type(known[name].type):
            yield f"{place}: required, and null in the schema"
        below = get_named_type(known[name].type)
        for part in parts_of(hints[field.name]):
            if part is msgspec.Raw:
                if below.name != "MoneyBag":
                    yield f"{place}: {below.name}, not a money bag"
                continue
            is_list = typing.get_origin(part) is list
            if is_list is not is_list_type(get_nullable_type(known[name].type)):
                yield f"{place}: a list in one of the two only"
            inner = typing.get_args(part)[0] if is_list else part
            inner = members.get(inner, inner)
            if isinstance(typing.get_origin(inner) or inner, type(msgspec.Struct)):
                yield from compared(inner, below, schema, asked.get(name, {}))


def test_what_is_read_is_in_the_schema_and_is_asked_for(
    schema: GraphQLSchema, asked: Asked
) -> None:
    assert list(compared(nodes.Order, schema.type_map["Order"], schema, asked)) == []


def test_the_comparison_sees_what_differs(schema: GraphQLSchema, asked: Asked) -> None:
    class Odd(msgspec.Struct, rename="camel"):
        """Not what the schema says."""

        po_number: str
        test: list[bool]
        total_price: str | None = None
        order_total: str | None = None
        email: msgspec.Raw = msgspec.Raw(b"null")
        note: str | None = None

    found = "; ".join(compared(Odd, schema.type_map["Order"], schema, asked))
    for words in (
        "poNumber'): required, and null",
        "test'): a list in one",
        "orderTotal'): not in the schema",
        "email'): String, not a money bag",
        "note'): read and never asked for",
    ):
        assert words in found
