"""The values that a template's variables are given: texts, numbers and booleans, bounded in all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from fanfare.domain.errors import FieldError
from fanfare.domain.json_rules import json_errors
from fanfare.domain.template_text import is_variable_name

Value = str | int | float | bool
Variables = Mapping[str, Value]

MOST_BYTES = 4_096
"""Of all names and values of one recipient together, in UTF-8."""
USERNAME = "username"
"""The variable that every text may name: the username by which a recipient is addressed, empty for one that has none."""
_LARGEST_INTEGER = 2**63 - 1


def variable_errors(variables: Mapping[str, object], path: str) -> Iterator[FieldError]:
    """Everything wrong with variables; total, whatever the values are."""
    wrong = tuple(error for name, value in variables.items() for error in _errors(name, value, path))
    yield from wrong
    if not wrong and sum(_bytes(name) + _bytes(value) for name, value in variables.items()) > MOST_BYTES:
        yield FieldError(path, f"has more than {MOST_BYTES} bytes")


def _errors(name: str, value: object, path: str) -> Iterator[FieldError]:
    if not is_variable_name(name):
        yield FieldError(path, "names must be 1 to 64 letters, digits and _, not begin with a digit, and be no word of the language")
    elif not isinstance(value, str | int | float):
        yield FieldError(f"{path}.{name}", "must be a text, a number or a boolean")
    else:
        yield from json_errors(value, f"{path}.{name}")


def plain(value: Value) -> Value:
    """A value that any engine can hold; an integer of more than 64 bits becomes its text."""
    return str(value) if isinstance(value, int) and abs(value) > _LARGEST_INTEGER else value


def _bytes(value: object) -> int:
    return len((value if isinstance(value, str) else json.dumps(value)).encode())
