"""A template's name and the values of its variables, as the API takes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.variables import MOST_BYTES, Variables, variable_errors

TemplateName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$", max_length=100)]
VariablesIn = Annotated[
    dict[str, str | bool | int | float],
    Field(
        max_length=1_000,
        description=f"Texts, numbers and booleans by the variables' names (letters, digits, _); all together at most {MOST_BYTES} bytes.",
    ),
]


def parse_variables(given: Variables | None, field: str) -> Variables:
    """Check variables; InvalidRequest names each wrong one."""
    errors = tuple(variable_errors(given or {}, field))
    if errors:
        raise InvalidRequest.of(errors)
    return given or {}
