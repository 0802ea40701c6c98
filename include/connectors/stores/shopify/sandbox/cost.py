"""What a query costs, and the leaky bucket it is paid from.

The model was fitted by others on recorded costs of a live shop: an object costs one point, scalars
and plain value types nothing, a connection two plus its nodes times twice the logarithm of its page
size, a list of objects as much as one of them, a count at the root ten and a mutation ten.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

FREE = frozenset({"MoneyV2", "MoneyBag", "Count", "PageInfo", "Weight", "MailingAddress"})
COUNT_COST = 10
MUTATION_COST = 10
_DEAR = frozenset({"refundCreate", "orderCapture", "fileCreate"})
_SAMPLE = 4


def multiplier(size: int) -> int:
    """Return how many times the nodes of a page of `size` are charged."""
    return 0 if size <= 0 else max(1, math.floor(2 * math.log(size)))


# A condition is a constant or the name of a variable, and the value that selects.
Conditions = tuple[tuple[bool | str, bool], ...]


def _selected(conditions: Conditions, variables: dict[str, Any]) -> bool:
    return all(
        bool(variables.get(given) if isinstance(given, str) else given) is wanted
        for given, wanted in conditions
    )


def _conditions(node: Any) -> Conditions:
    found = []
    for directive in node.directives or ():
        if directive.name.value in ("include", "skip"):
            value = directive.arguments[0].value
            given = value.name.value if isinstance(value, VariableNode) else bool(value.value)
            found.append((given, directive.name.value == "include"))
    return tuple(found)


@dataclass(slots=True)
class Charge:
    """One selected object field and what it is charged.

    Attributes:
        key: Its name in the answer.
        name: Its name in the schema.
        own: Points for itself.
        connection: Whether its nodes are charged by page size.
        size: The page size, or the variable that holds it.
        children: The object fields selected below it.
        when: Alternatives of `@include` and `@skip` conditions under which it is selected.
    """

    key: str
    name: str
    own: int
    connection: bool = False
    size: int | str = 1
    children: list[Charge] = field(default_factory=list)
    when: list[Conditions] = field(default_factory=lambda: [()])

    def requested(self, variables: dict[str, Any]) -> int:
        """Return the points reserved before execution."""
        if not any(_selected(conditions, variables) for conditions in self.when):
            return 0
        below = sum(child.requested(variables) for child in self.children)
        if not self.connection:
            return self.own + below
        size = self.size if isinstance(self.size, int) else variables.get(self.size)
        times = multiplier(1 if size is None else int(size))
        return 2 + sum(
            times * rows.requested(variables)
            for child in self.children
            for rows in child.node_charges()
        )

    def node_charges(self) -> Iterator[Charge]:
        """Return what is charged per node: `nodes` itself, or the `node` below `edges`."""
        if self.name == "nodes":
            yield self
        elif self.name == "edges":
            yield from (child for child in self.children if child.name == "node")

    def actual(self, value: Any) -> int:
        """Return the points for what was answered."""
        if value is None:
            return 0
        if isinstance(value, list):
            return self.own * bool(value) + self._mean(value)
        if not self.connection:
            return self.own + self._below(value)
        cost = 2
        for child in self.children:
            rows = value.get(child.key)
            for node in child.node_charges():
                found = rows if child.name == "nodes" else [row[node.key] for row in rows or ()]
                cost += multiplier(len(found or ())) * (node.own + node._mean(found or []))
        return cost

    def _below(self, value: Any) -> int:
        return sum(child.actual(value.get(child.key)) for child in self.children)

    def _mean(self, rows: list[Any]) -> int:
        sample = [row for row in rows if row is not None][:_SAMPLE]
        return round(sum(map(self._below, sample)) / len(sample)) if sample else 0


class CostModel:
    """The cost of one operation.

    Args:
        schema: The schema the document was validated against.
        document: The document.
        operation: Its operation that is run.
    """

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        root = schema.get_root_type(operation.operation)
        mutation = operation.operation is OperationType.MUTATION
        self._charges = [
            self._mutation(charge) if mutation else charge
            for charge in self._charges_of([(operation.selection_set, root)], at_root=True)
        ]

    def requested(self, variables: dict[str, Any]) -> int:
        """Return the cost before execution, for coerced variables."""
        return sum(charge.requested(variables) for charge in self._charges)

    def actual(self, data: dict[str, Any] | None) -> int:
        """Return the cost of what was answered."""
        answered = data or {}
        return sum(
            charge.own if charge.own >= MUTATION_COST and charge.key not in answered
            else max(charge.actual(answered.get(charge.key)), min(charge.own, 1))
            for charge in self._charges
        )  # fmt: skip

    @staticmethod
    def _mutation(charge: Charge) -> Charge:
        """A mutation has its price, and the objects right in its payload are part of it."""
        charge.own = MUTATION_COST * (2 if charge.name in _DEAR else 1)
        for child in charge.children:
            child.own = 0
        return charge

    def _charges_of(
        self, selections: list[tuple[SelectionSetNode, Any]], *, at_root: bool = False
    ) -> list[Charge]:
        groups: dict[str, list[tuple[FieldNode, Any, Conditions]]] = {}
        for selection, parent in selections:
            for member in self._flat(selection, parent, ()):
                node = member[0]
                key = node.alias.value if node.alias else node.name.value
                groups.setdefault(key, []).append(member)
        found = []
        for key, members in groups.items():
            charge = self._charge(key, members, at_root)
            if charge is not None:
                found.append(charge)
        return found

    def _charge(
        self, key: str, members: list[tuple[FieldNode, Any, Conditions]], at_root: bool
    ) -> Charge | None:
        node, owner, _ = members[0]
        name = node.name.value
        if node.selection_set is None or name.startswith("__"):
            return None
        named = get_named_type(owner.fields[name].type)
        if is_leaf_type(named):
            return None
        below = [
            (member.selection_set, get_named_type(parent.fields[name].type))
            for member, parent, _ in members
            if member.selection_set is not None
        ]
        charge = Charge(key, name, 0 if named.name in FREE else 1)
        if at_root and name.endswith("Count"):
            charge.own = COUNT_COST
        elif named.name.endswith("Connection"):
            charge.connection, charge.size = True, _page_size(node)
        charge.children = self._charges_of(below)
        charge.when = [conditions for _, _, conditions in members]
        return charge

    def _flat(
        self, selection: SelectionSetNode, parent: Any, outer: Conditions
    ) -> Iterator[tuple[FieldNode, Any, Conditions]]:
        for node in selection.selections:
            conditions = outer + _conditions(node)
            if isinstance(node, FieldNode):
                yield node, parent, conditions
                continue
            inner: Any = (
                self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            )
            condition = inner.type_condition
            kind = self._schema.type_map[condition.name.value] if condition else parent
            if isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)) or kind is parent:
                yield from self._flat(inner.selection_set, kind, conditions)


def _page_size(node: FieldNode) -> int | str:
    for argument in node.arguments or ():
        if argument.name.value in ("first", "last"):
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                return str(argument.value.name.value)
    return 1


class Bucket:
    """The leaky bucket that query costs are taken from.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used = 0.0
        self._at = clock()

    def available(self, size: float, rate: float) -> float:
        """Return the points in the bucket now.

        Args:
            size: Points the bucket holds.
            rate: Points restored per second.
        """
        now = self._clock()
        self._used = max(0.0, self._used - (now - self._at) * rate)
        self._at = now
        return max(0.0, size - self._used)

    def take(self, points: float) -> None:
        """Take points; negative points are given back."""
        self._used = max(0.0, self._used + points)

    def drain(self, size: float) -> None:
        """Empty the bucket, as another app of the same shop may."""
        self._used = size
