"""The official Admin GraphQL schema with resolvers that serve the shop's records.

Values come from plain records by field name. What a record does not say is null where the schema
allows it and an empty value of the right type where it does not. Scopes and protected customer data
are enforced from what the schema itself says about each type and field.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    build_client_schema,
    get_named_type,
    is_leaf_type,
)

from include.connectors.stores.shopify.sandbox.amounts import MoneyBag, MoneyV2
from include.connectors.stores.shopify.sandbox.paging import page
from include.connectors.stores.shopify.sandbox.render import Ref

SCHEMA_FILE = Path(__file__).parent.parent / "schema" / "admin_2026-10.json.gz"
_SCOPE = re.compile(r"`((?:read|write)_\w+)`")
_SCALARS: dict[str, Any] = {
    "String": "",
    "Int": 0,
    "Float": 0.0,
    "Boolean": False,
    "ID": "gid://shopify/Unknown/0",
    "DateTime": "2021-03-02T15:04:05Z",
    "Date": "2021-03-02",
    "Decimal": "0.0",
    "Money": "0.0",
    "UnsignedInt64": "0",
    "BigInt": "0",
    "URL": "https://pine-and-harbor.myshopify.com/",
}

Resolver = Callable[..., Any]


@lru_cache(maxsize=1)
def introspection() -> dict[str, Any]:
    """Return the schema's introspection result as published."""
    document: dict[str, Any] = json.loads(gzip.decompress(SCHEMA_FILE.read_bytes()))
    found: dict[str, Any] = document["data"]
    return found


@lru_cache(maxsize=1)
def load_schema() -> GraphQLSchema:
    """Build the executable schema, once per process.

    Returns:
        The schema with a resolver on every field of every object type.
    """
    data = introspection()
    # The published schema breaks a rule of graphql-core 3.3's own schema check, so it is trusted.
    schema = build_client_schema(data, assume_valid=True)
    raw = {row["name"]: row for row in data["__schema"]["types"]}
    for name, found in schema.type_map.items():
        if name.startswith("__") or not isinstance(found, GraphQLObjectType):
            continue
        notes = {row["name"]: row for row in raw[name]["fields"]}
        for field_name, field in found.fields.items():
            resolve = _resolver(field_name, field)
            if notes[field_name].get("isProtected"):
                resolve = _protected(field_name, field, resolve)
            required = notes[field_name].get("requiredAccess") or _type_access(field, raw)
            if required and _SCOPE.search(required):
                resolve = _guarded(field_name, required, resolve)
            field.resolve = resolve
    _money(schema)
    return schema


def _type_access(field: GraphQLField, raw: dict[str, Any]) -> str | None:
    name = get_named_type(field.type).name
    if name.endswith("Connection"):
        nodes = next((row for row in raw[name]["fields"] if row["name"] == "nodes"), None)
        found = nodes["type"] if nodes else None
        while found and found["ofType"]:
            found = found["ofType"]
        name = found["name"] if found else name
    access: str | None = raw[name].get("requiredAccess")
    return access


def _resolver(name: str, field: GraphQLField) -> Resolver:
    kind = field.type
    required = isinstance(kind, GraphQLNonNull)
    bare = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if get_named_type(bare).name.endswith("Connection"):
        return _connection(name, required)
    if is_leaf_type(bare) and not required:
        return lambda source, _info, **_: source.get(name)
    if not isinstance(bare, GraphQLList) and is_leaf_type(bare):
        return _leaf(name, bare)
    return _object(name, bare, required)


def _leaf(name: str, kind: Any) -> Resolver:
    def resolve(source: Any, info: GraphQLResolveInfo, **_: Any) -> Any:
        value = source.get(name)
        if value is None and name not in source:
            return blank(kind, info.context.currency)
        return value

    return resolve


def _object(name: str, kind: Any, required: bool) -> Resolver:
    def resolve(source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
        value = source.get(name)
        if value is None:
            if required and name not in source:
                return blank(kind, info.context.currency)
            return None
        if type(value) is Ref:
            return info.context.store.record(value)
        if type(value) is list:
            size = args.get("first")
            if size is not None:
                info.context.check_page(size, "first")
                return value[:size]
        return value

    return resolve


def _connection(name: str, required: bool) -> Resolver:
    def resolve(source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
        value = source.get(name)
        if value is None and not required:
            return None
        if isinstance(value, dict):
            return value
        nodes = [info.context.store.record(row) if type(row) is Ref else row for row in value or ()]
        return page(nodes, args, info.context)

    return resolve


def _protected(name: str, field: GraphQLField, resolve: Resolver) -> Resolver:
    required = isinstance(field.type, GraphQLNonNull)
    kind = get_named_type(field.type)

    def guarded(source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
        mode = info.context.settings.pii
        if mode == "full":
            return resolve(source, info, **args)
        if mode == "denied":
            raise GraphQLError(
                f"This app is not approved to use the {name} field. See "
                "https://shopify.dev/docs/apps/launch/protected-customer-data for more details.",
                extensions={
                    "code": "ACCESS_DENIED",
                    "documentation": "https://shopify.dev/api/usage/access-scopes",
                },
            )
        if isinstance(field.type, GraphQLNonNull) and isinstance(field.type.of_type, GraphQLList):
            return []
        return _SCALARS.get(kind.name, "") if required else None

    return guarded


@lru_cache(maxsize=512)
def type_scopes(type_name: str) -> tuple[frozenset[str], str]:
    """Return the scopes of which one is needed to read a type, and the schema's words for them.

    Args:
        type_name: A type's name, for example "Order".
    """
    raw = next(row for row in introspection()["__schema"]["types"] if row["name"] == type_name)
    words = _first_sentence(raw.get("requiredAccess") or "")
    return frozenset(_SCOPE.findall(words)), words


def _first_sentence(required: str) -> str:
    return required.split(". Also", maxsplit=1)[0].rstrip(".")


def access_denied(name: str, words: str) -> GraphQLError:
    """Return the error of a field for which the app lacks the scope."""
    return GraphQLError(
        f"Access denied for {name} field. Required access: {words}.",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": f"{words}.",
        },
    )


def _guarded(name: str, required: str, resolve: Resolver) -> Resolver:
    first = _first_sentence(required)
    wanted = frozenset(_SCOPE.findall(first))

    def check(call: Any) -> None:
        if wanted.isdisjoint(call.granted):
            raise access_denied(name, first)

    def guarded(source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
        check(info.context)
        return resolve(source, info, **args)

    guarded.check = check  # type: ignore[attr-defined]
    return guarded


def blank(kind: Any, currency: str) -> Any:
    """Return an empty value of a type, for a required field that a record does not hold."""
    if isinstance(kind, GraphQLNonNull):
        return blank(kind.of_type, currency)
    if isinstance(kind, GraphQLList):
        return []
    if isinstance(kind, GraphQLEnumType):
        return currency if kind.name == "CurrencyCode" else next(iter(kind.values))
    if isinstance(kind, GraphQLObjectType):
        zero = MoneyV2("0.0", currency)
        return {"MoneyV2": zero, "MoneyBag": MoneyBag(zero, zero)}.get(kind.name, {})
    if isinstance(kind, (GraphQLInterfaceType, GraphQLUnionType)):
        possible = load_schema().get_possible_types(kind)
        return {"__typename": possible[0].name}
    return _SCALARS.get(kind.name, "")


def _money(schema: GraphQLSchema) -> None:
    """Read rendered money from its slots; a discount's value is a record and read as one."""

    def amount(source: Any, _info: GraphQLResolveInfo) -> Any:
        return source.amount if type(source) is MoneyV2 else source["amount"]

    def currency(source: Any, _info: GraphQLResolveInfo) -> Any:
        return source.currency if type(source) is MoneyV2 else source["currencyCode"]

    v2, bag = schema.type_map["MoneyV2"], schema.type_map["MoneyBag"]
    if isinstance(v2, GraphQLObjectType) and isinstance(bag, GraphQLObjectType):
        v2.fields["amount"].resolve = amount
        v2.fields["currencyCode"].resolve = currency
        bag.fields["shopMoney"].resolve = lambda source, _info: source.shop
        bag.fields["presentmentMoney"].resolve = lambda source, _info: source.presentment
