"""From a posted query to an answer: read, check, price, run, in the order the service does it."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    ListValueNode,
    OperationDefinitionNode,
    VariableNode,
    execute_sync,
    parse,
    print_ast,
    validate,
)
from graphql.execution.values import get_variable_values

from include.connectors.stores.shopify.sandbox import errors
from include.connectors.stores.shopify.sandbox.call import Call
from include.connectors.stores.shopify.sandbox.cost import Bucket, CostModel
from include.connectors.stores.shopify.sandbox.roots import executable_schema

_CACHE = 256
_GID = re.compile(r"^gid://[\w-]+/\w+/[^/\s]+$")
_NAMED = re.compile(r"^Variable '\$(\w+)' has invalid value(?: at ([.\[\]\w]+))?: (.*)$", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_ABSENT = re.compile(r"Expected a? ?value of non-null type")
_UNKNOWN = re.compile(r"Expected value of type '(\w+)' not to include unknown field '(\w+)'")
_REQUIRED = re.compile(r"to include required field '(\w+)'")


@dataclass(slots=True)
class Prepared:
    """A document that was read and checked once.

    Attributes:
        document: The parsed document, if it could be read.
        errors: What is wrong with it, in the service's shape.
        models: Cost models of its operations, by operation name.
    """

    document: DocumentNode | None
    errors: list[errors.Envelope]
    models: dict[str, CostModel] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """An answer to send.

    Attributes:
        body: The JSON body.
        throttled: Whether the bucket refused it.
        requested: Points asked for.
        actual: Points charged.
    """

    body: dict[str, Any]
    throttled: bool = False
    requested: int = 0
    actual: int | None = None


class Executor:
    """Runs queries against one shop and charges them to one app's bucket."""

    def __init__(self) -> None:
        self.bucket = Bucket()
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()

    def run(
        self, query: str, variables: dict[str, Any], operation_name: str | None, call: Call
    ) -> Answer:
        """Run one request.

        Args:
            query: The document.
            variables: Its variables.
            operation_name: Which of its operations to run; needed when there are several.
            call: The request's context.

        Returns:
            The answer; refusals are answers too.
        """
        prepared = self.prepare(query)
        if prepared.errors or prepared.document is None:
            return Answer({"errors": prepared.errors})
        operation = _operation(prepared.document, operation_name)
        if operation is None:
            named = f": {operation_name}" if operation_name else ""
            return Answer({"errors": [{"message": f"An operation name is required{named}"}]})
        problems = check_variables(operation, variables, call)
        if problems:
            return Answer({"errors": problems})
        model = self._model(prepared, operation)
        return self._charged(model, prepared.document, operation, variables, call)

    def prepare(self, query: str) -> Prepared:
        """Read and check a document, once per text."""
        found = self._prepared.get(query)
        if found is not None:
            self._prepared.move_to_end(query)
            return found
        try:
            document = parse(query)
        except GraphQLError as error:
            found = Prepared(None, [errors.syntax_error(error)])
        else:
            wrong = validate(executable_schema(), document)
            found = Prepared(document, [errors.validation_error(row, document) for row in wrong])
        self._prepared[query] = found
        if len(self._prepared) > _CACHE:
            self._prepared.popitem(last=False)
        return found

    @staticmethod
    def _model(prepared: Prepared, operation: OperationDefinitionNode) -> CostModel:
        name = operation.name.value if operation.name else ""
        assert prepared.document is not None
        if name not in prepared.models:
            prepared.models[name] = CostModel(executable_schema(), prepared.document, operation)
        return prepared.models[name]

    def _charged(
        self,
        model: CostModel,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: dict[str, Any],
        call: Call,
    ) -> Answer:
        settings = call.settings
        given = _with_defaults(operation, variables)
        requested = model.requested(given)
        if requested > settings.max_query_cost:
            refusal = errors.too_expensive(requested, settings.max_query_cost)
            return Answer({"errors": [refusal]}, requested=requested)
        size, rate = settings.bucket_size, settings.restore_rate
        if requested > self.bucket.available(size, rate) or call.fault("throttled"):
            cost = self._cost(requested, None, call)
            refused = {"errors": [errors.throttled()], "extensions": {"cost": cost}}
            return Answer(refused, throttled=True, requested=requested)
        self.bucket.take(requested)
        data, wrong = execute(document, operation, variables, call)
        actual = min(model.actual(data), requested)
        self.bucket.take(actual - requested)
        body: dict[str, Any] = {"data": data}
        if wrong:
            body["errors"] = wrong
        body["extensions"] = {"cost": self._cost(requested, actual, call)}
        if call.search:
            body["extensions"]["search"] = call.search
        return Answer(body, requested=requested, actual=actual)

    def _cost(self, requested: int, actual: int | None, call: Call) -> dict[str, Any]:
        size, rate = call.settings.bucket_size, call.settings.restore_rate
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": float(size),
                "currentlyAvailable": round(self.bucket.available(size, rate)),
                "restoreRate": float(rate),
            },
        }


def execute(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: dict[str, Any],
    call: Call,
) -> tuple[dict[str, Any] | None, list[errors.Envelope]]:
    """Run an operation against the shop.

    Returns:
        The data and the errors in the service's shape.
    """
    with call.shop.lock:
        result = execute_sync(
            executable_schema(),
            document,
            root_value={},
            context_value=call,
            variable_values=variables,
            operation_name=operation.name.value if operation.name else None,
        )
    return result.data, [errors.field_error(row) for row in result.errors or ()]


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    found = [row for row in document.definitions if isinstance(row, OperationDefinitionNode)]
    if name is None:
        return found[0] if len(found) == 1 else None
    return next((row for row in found if row.name and row.name.value == name), None)


def _with_defaults(operation: OperationDefinitionNode, variables: dict[str, Any]) -> dict[str, Any]:
    defaults = {
        row.variable.name.value: getattr(row.default_value, "value", None)
        for row in operation.variable_definitions or ()
        if row.default_value is not None
    }
    return {**defaults, **variables}


def check_variables(
    operation: OperationDefinitionNode, variables: dict[str, Any], call: Call
) -> list[errors.Envelope]:
    """Return what is wrong with the variables, in the service's shape.

    Args:
        operation: The operation to run.
        variables: What was sent.
        call: The request, for its limits.
    """
    found: list[errors.Envelope] = []
    wrong = get_variable_values(
        executable_schema(), list(operation.variable_definitions or ()), variables, max_errors=50
    )
    by_name: dict[str, list[tuple[list[Any], str]]] = {}
    if isinstance(wrong, list):
        for error in wrong:
            name, problem = _problem(error.message)
            by_name.setdefault(name, []).append(problem)
    for row in operation.variable_definitions or ():
        name = row.variable.name.value
        if name not in by_name and "ID" in str(print_ast(row.type)).strip("[]!"):
            bad = _bad_ids(variables.get(name))
            if bad:
                by_name[name] = bad
        if name in by_name:
            found.append(errors.variable_error(row, variables.get(name), by_name[name]))
    return found or _too_long(operation, variables, call)


def _problem(message: str) -> tuple[str, tuple[list[Any], str]]:
    named = _NAMED.match(message)
    if named is None:
        return "", ([], message)
    name, place, words = named[1], named[2] or "", named[3]
    path: list[Any] = [int(number) if number else word for word, number in _STEP.findall(place)]
    if _ABSENT.search(words):
        return name, (path, "Expected value to not be null")
    if match := _UNKNOWN.search(words):
        return name, ([*path, match[2]], f"Field is not defined on {match[1]}")
    if match := _REQUIRED.search(words):
        return name, ([*path, match[1]], "Expected value to not be null")
    return name, (path, words.rsplit(": ", 1)[0])


def _bad_ids(value: Any) -> list[tuple[list[Any], str]]:
    rows = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
    return [
        ([] if place is None else [place], f"Invalid global id '{text}'")
        for place, text in rows
        if text is not None and not _GID.match(str(text))
    ]


def _too_long(
    operation: OperationDefinitionNode, variables: dict[str, Any], call: Call
) -> list[errors.Envelope]:
    limit = call.settings.max_ids
    found = []
    for node in operation.selection_set.selections:
        if not isinstance(node, FieldNode):
            continue
        for argument in node.arguments or ():
            size = 0
            if isinstance(argument.value, VariableNode):
                sent = variables.get(argument.value.name.value)
                size = len(sent) if isinstance(sent, list) else 0
            elif isinstance(argument.value, ListValueNode):
                size = len(argument.value.values)
            if size > limit:
                key = node.alias.value if node.alias else node.name.value
                path = [key, argument.name.value]
                found.append(errors.too_many(size, limit, path, node))
    return found
