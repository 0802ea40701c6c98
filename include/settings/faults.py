"""Says what is wrong with a settings file: the field, the rule, and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import isclass

from pydantic import BaseModel, ValidationError


def told(error: ValidationError, model: type[BaseModel], *, whole: str) -> str:
    """Tell every fault of some settings in one line, without their values.

    Args:
        error: What the model said.
        model: The model that the settings were held against.
        whole: What to call the settings as a whole.

    Returns:
        Field and fault of each, separated by semicolons. A setting that there is not comes with
        those that there are.
    """
    faults = []
    for fault in error.errors(include_input=False, include_url=False):
        where = ".".join(str(part) for part in fault["loc"]) or whole
        words = fault["msg"]
        if fault["type"] == "extra_forbidden":
            there = _names(model, fault["loc"][:-1])
            words = f"there is no such setting; there are: {', '.join(there)}" if there else words
        faults.append(f"{where}: {words}")
    return "; ".join(faults)


def _names(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the settings that a part of a model has; none where that is no plain model."""
    for part in path:
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        if field is None or not isclass(field.annotation):
            return []
        if not issubclass(field.annotation, BaseModel):
            return []
        model = field.annotation
    return [field.alias or name for name, field in model.model_fields.items()]
