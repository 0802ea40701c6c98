"""The bulk roots of the API; what the sandbox does not serve is refused, never answered empty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute_sync,
)

from include.connectors.stores.shopify.sandbox.bulk import Operation
from include.connectors.stores.shopify.sandbox.call import Call
from include.connectors.stores.shopify.sandbox.paging import page

# Parts of an order that exist for every order at Shopify and that this shop does not keep.
NOT_SERVED = ("agreements", "fulfillmentOrders", "suggestedRefund", "customerJourneySummary")


def _record(found: Operation | None) -> Any:
    return None if found is None else found.record()


def _run_query(_source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
    call: Call = info.context
    grouped = bool(args.get("groupObjects"))
    found, wrong = call.bulk_operations.start(args["query"], grouped, call, info.schema)
    return {"bulkOperation": _record(found), "userErrors": wrong}


def _cancel(_source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
    found, wrong = info.context.bulk_operations.cancel(args["id"])
    return {"bulkOperation": _record(found), "userErrors": wrong}


def _runner(info: GraphQLResolveInfo) -> Any:
    def run(document: DocumentNode) -> Any:
        inner = replace(info.context, bulk=True, search=[])
        return execute_sync(info.schema, document, root_value={}, context_value=inner).data

    return run


def _operation(_source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
    call: Call = info.context
    return _record(call.bulk_operations.poll(args["id"], call, _runner(info)))


def _operations(_source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
    call: Call = info.context
    rows = [row.record() for row in call.bulk_operations.every(args.get("query"))]
    return page(rows, args, call)


def _current(_source: Any, info: GraphQLResolveInfo, **_args: Any) -> Any:
    call: Call = info.context
    rows = call.bulk_operations.every(None)
    return _record(call.bulk_operations.poll(rows[0].gid, call, _runner(info)) if rows else None)


def _refused(name: str) -> Any:
    def resolve(_source: Any, _info: GraphQLResolveInfo, **_args: Any) -> Any:
        raise GraphQLError(
            f"The sandbox does not serve {name}.",
            extensions={"code": "SANDBOX_NOT_SERVED"},
        )

    return resolve


def bind(schema: GraphQLSchema) -> None:
    """Bind the bulk roots, and refusals to every other mutation."""
    query, mutation = schema.query_type, schema.mutation_type
    assert query is not None
    assert mutation is not None
    for name, field in mutation.fields.items():
        field.resolve = _refused(name)
    order = schema.type_map["Order"]
    assert isinstance(order, GraphQLObjectType)
    for name in NOT_SERVED:
        order.fields[name].resolve = _refused(name)
    mutation.fields["bulkOperationRunQuery"].resolve = _run_query
    mutation.fields["bulkOperationCancel"].resolve = _cancel
    query.fields["bulkOperation"].resolve = _operation
    query.fields["bulkOperations"].resolve = _operations
    query.fields["currentBulkOperation"].resolve = _current
