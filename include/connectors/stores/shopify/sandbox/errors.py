"""The service's own error shapes, made from those of the GraphQL library.

The texts and codes are the recorded ones of live answers; what was never recorded keeps the
library's words, in the service's envelope.
"""

from __future__ import annotations

import re
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    VariableDefinitionNode,
    print_ast,
)

_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")
_ARGUMENT = re.compile(r"Unknown argument '(\w+)' on field '(\w+)\.(\w+)'")
_MISSING = re.compile(r"Argument '[\w.]+\((\w+):\)' of type '[^']+' is required")
_SELECTIONS = re.compile(r"Field '(\w+)' of type '([^']+)' must have a selection of subfields")
_UNEXPECTED = re.compile(r"^Syntax Error: (.*)$", re.DOTALL)

Envelope = dict[str, Any]


def syntax_error(error: GraphQLError) -> Envelope:
    """Return the error of a document that cannot be read."""
    match = _UNEXPECTED.match(error.message)
    words = match[1] if match else error.message
    place = error.locations[0] if error.locations else None
    if "<EOF>" in words:
        text = "syntax error, unexpected end of file"
    else:
        text = f"syntax error, {words[:1].lower()}{words[1:].rstrip('.')}"
    if place is None:
        return {"message": text}
    return {
        "message": f"{text} at [{place.line}, {place.column}]",
        "locations": [{"line": place.line, "column": place.column}],
    }


def validation_error(error: GraphQLError, document: DocumentNode) -> Envelope:
    """Return the error of a document that does not fit the schema."""
    text, extensions = _words(error)
    found: Envelope = {"message": text, "locations": _locations(error)}
    node = error.nodes[0] if error.nodes else None
    path = _path(document, node) if node is not None else None
    if path:
        found["path"] = path
    found["extensions"] = extensions
    return found


def _words(error: GraphQLError) -> tuple[str, Envelope]:
    message = error.message
    if match := _FIELD.search(message):
        name, owner = match[1], match[2]
        return f"Field '{name}' doesn't exist on type '{owner}'", {
            "code": "undefinedField",
            "typeName": owner,
            "fieldName": name,
        }
    if match := _ARGUMENT.search(message):
        argument, _owner, name = match[1], match[2], match[3]
        return f"Field '{name}' doesn't accept argument '{argument}'", {
            "code": "argumentNotAccepted",
            "name": name,
            "typeName": "Field",
            "argumentName": argument,
        }
    node = error.nodes[0] if error.nodes else None
    if isinstance(node, FieldNode) and (missing := _MISSING.search(message)):
        name, argument = node.name.value, missing[1]
        return f"Field '{name}' is missing required arguments: {argument}", {
            "code": "missingRequiredArguments",
            "className": "Field",
            "name": name,
            "arguments": argument,
        }
    if match := _SELECTIONS.search(message):
        name, kind = match[1], match[2].strip("!")
        return (
            f"Field must have selections (field '{name}' returns {kind} but has no selections. "
            f"Did you mean '{name} {{ ... }}'?)"
        ), {"code": "selectionMismatch", "nodeName": f"field '{name}'", "typeName": kind}
    return message, {"code": "invalidDocument"}


def _locations(error: GraphQLError) -> list[dict[str, int]]:
    return [{"line": row.line, "column": row.column} for row in error.locations or ()]


def _path(document: DocumentNode, wanted: Node) -> list[str] | None:
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            name = f" {definition.name.value}" if definition.name else ""
            head = f"{definition.operation.value}{name}"
        else:
            head = f"fragment {definition.name.value}"
        tail = _below(definition, wanted)
        if tail is not None:
            return [head, *tail]
    return None


def _below(node: Any, wanted: Node) -> list[str] | None:
    if node is wanted:
        return []
    selection = getattr(node, "selection_set", None)
    for child in selection.selections if selection else ():
        tail = _below(child, wanted)
        if tail is not None:
            key = getattr(child, "alias", None) or getattr(child, "name", None)
            return [key.value, *tail] if key else tail
    return None


def variable_error(
    definition: VariableDefinitionNode, value: Any, problems: list[tuple[list[Any], str]]
) -> Envelope:
    """Return the error of a variable that does not fit its type.

    Args:
        definition: The variable's definition.
        value: What was sent.
        problems: Path below the variable and explanation, per problem.
    """
    name, kind = definition.variable.name.value, print_ast(definition.type)
    where = ", ".join(
        f"for {'.'.join(map(str, path))} ({why})" if path else f"({why})" for path, why in problems
    )
    where = where.replace(", for ", ", ")
    text = f"Variable ${name} of type {kind} was provided invalid value"
    if any(path for path, _ in problems):
        text = f"{text} {where}"
    place = definition.loc
    line, column = 1, 1
    if place is not None:
        line = place.start_token.line
        column = place.start_token.column
    return {
        "message": text,
        "locations": [{"line": line, "column": column}],
        "extensions": {
            "code": "INVALID_VARIABLE",
            "value": value,
            "problems": [{"path": path, "explanation": why} for path, why in problems],
        },
    }


def field_error(error: GraphQLError) -> Envelope:
    """Return the error of a field that failed while the query ran."""
    found: Envelope = {"message": error.message}
    if error.locations:
        found["locations"] = _locations(error)
    if error.extensions:
        found["extensions"] = dict(error.extensions)
    if error.path:
        found["path"] = list(error.path)
    return found


def too_expensive(cost: int, limit: int) -> Envelope:
    """Return the error of a query beyond the cost of a single query."""
    return {
        "message": (
            f"Query cost is {cost}, which exceeds the single query max cost limit ({limit}).\n\n"
            "See https://shopify.dev/concepts/about-apis/rate-limits for more information on how "
            "the\ncost of a query is calculated.\n\nTo query larger amounts of data with fewer "
            "limits, bulk operations should be used instead.\nSee "
            "https://shopify.dev/api/usage/bulk-operations/queries for usage details.\n"
        ),
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": cost,
            "maxCost": limit,
            "documentation": "https://shopify.dev/api/usage/rate-limits",
        },
    }


def throttled() -> Envelope:
    """Return the error of a query that the bucket cannot pay for now."""
    return {
        "message": "Throttled",
        "extensions": {
            "code": "THROTTLED",
            "documentation": "https://shopify.dev/api/usage/rate-limits",
        },
    }


def too_many(size: int, limit: int, path: list[Any], node: Node) -> Envelope:
    """Return the error of an array argument that is too long."""
    place = node.loc.start_token if node.loc else None
    found: Envelope = {
        "message": f"The input array size of {size} is greater than the maximum allowed of {limit}."
    }
    if place is not None:
        found["locations"] = [{"line": place.line, "column": place.column}]
    return {**found, "path": path, "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}}
