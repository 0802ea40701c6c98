"""Great Expectations' own types of expectation, in a form that does its paperwork once.

While it is judged an expectation is asked for its configuration some seventy times and twice for
the figures that it needs, and works everything out anew each time: more than half of what
validating a window would cost. Nothing changes one meanwhile. Types that have no such form are
judged as they are.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from great_expectations import expectations as gxe
from great_expectations.compatibility import pydantic
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration


class _Settled(ExpectationConfiguration):  # type: ignore[misc] # the library is not type-checked
    """A configuration that leads to one expectation, not to another one each time."""

    _expectation: Expectation | None = None

    def to_domain_obj(self) -> Expectation:
        if self._expectation is None:
            self._expectation = super().to_domain_obj()
        return self._expectation

    def __deepcopy__(self, memo: dict[int, Any]) -> _Settled:
        # A copy is made to be changed, and leads to an expectation that is changed likewise.
        return _copied(self, deepcopy(self.kwargs, memo))


def _copied(of: ExpectationConfiguration, kwargs: dict[str, Any]) -> _Settled:
    return _Settled(of.type, kwargs, of.meta, of.notes, of.description, of.severity)


class _Once(Expectation):  # type: ignore[misc] # the library is not type-checked
    _configuration: _Settled | None = pydantic.PrivateAttr(default=None)
    _needs: tuple[Any, Any] | None = pydantic.PrivateAttr(default=None)

    @property
    def configuration(self) -> _Settled:
        if self._configuration is None:
            read = super().configuration
            self._configuration = _copied(read, read.kwargs)
            self._configuration._expectation = self
        return self._configuration


def _settled_form(kind: Any) -> str:
    """Make and register the form of a type; return the type that the form goes by."""

    def get_validation_dependencies(
        self: Any, execution_engine: Any = None, runtime_configuration: Any = None
    ) -> Any:
        if self._needs is None or self._needs[0] != runtime_configuration:
            asked = deepcopy(runtime_configuration)
            needs = kind.get_validation_dependencies(self, execution_engine, runtime_configuration)
            self._needs = asked, needs
        return self._needs[1]

    names = {
        "__module__": __name__,
        "get_validation_dependencies": get_validation_dependencies,
    }
    return str(type(kind)(f"Settled{kind.__name__}", (kind, _Once), names).expectation_type)


_FORMS = {
    kind.expectation_type: _settled_form(kind)
    for kind in (
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        gxe.ExpectColumnValuesToBeBetween,
        gxe.ExpectColumnValuesToBeInSet,
        gxe.ExpectColumnValuesToBeUnique,
        gxe.ExpectColumnValuesToNotBeNull,
        gxe.ExpectTableColumnsToMatchSet,
        gxe.ExpectTableRowCountToEqual,
    )
}


def settled(kind: str) -> str:
    """Return the type under which an expectation is judged with the same result for less.

    Args:
        kind: Type of an expectation, as a suite names it.
    """
    return _FORMS.get(kind, kind)
