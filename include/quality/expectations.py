"""Great Expectations' own types of expectation, in a form that reads its settings once.

While it is judged an expectation is asked for its configuration some seventy times, and puts it
together anew each time: half of what validating a window would cost. Nothing changes one
meanwhile. Types that have no such form are judged as they are.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from great_expectations import expectations as gxe
from great_expectations.compatibility import pydantic
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration


class _Read(ExpectationConfiguration):  # type: ignore[misc] # the library is not type-checked
    """A configuration that leads back to the expectation it was read from, not to another one."""

    def __init__(self, source: Expectation, read: ExpectationConfiguration) -> None:
        super().__init__(
            read.type, read.kwargs, read.meta, read.notes, read.description, read.severity
        )
        self._source = source

    def to_domain_obj(self) -> Expectation:
        return self._source

    def __deepcopy__(self, memo: dict[int, Any]) -> ExpectationConfiguration:
        # A copy is made to be changed, and what it leads to has to be changed likewise.
        kwargs = deepcopy(self.kwargs, memo)
        return ExpectationConfiguration(
            self.type, kwargs, self.meta, self.notes, self.description, self.severity
        )


class _Settled(Expectation):  # type: ignore[misc] # the library is not type-checked
    _known: ExpectationConfiguration | None = pydantic.PrivateAttr(default=None)

    @property
    def configuration(self) -> ExpectationConfiguration:
        if self._known is None:
            self._known = _Read(self, super().configuration)
        return self._known


def _settled_form(kind: Any) -> str:
    """Make and register the form of a type; return the type that the form goes by."""
    form = type(kind)(f"Settled{kind.__name__}", (kind, _Settled), {"__module__": __name__})
    return str(form.expectation_type)


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
