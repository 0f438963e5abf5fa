"""Whether a JSON value has a type of `fcm_fields.FIELDS`, for the types that hold no others."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

_DURATION = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?s")
_DATETIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_integer(value: object) -> bool:
    # All of FCM's integers are protobuf's int32.
    return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_duration(value: object) -> bool:
    return isinstance(value, str) and _DURATION.fullmatch(value) is not None


def _is_datetime(value: object) -> bool:
    match = _DATETIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return False
    try:
        datetime.fromisoformat(match[1])
    except ValueError:
        return False
    return True


_SCALARS: dict[str, tuple[Callable[[object], bool], str]] = {
    "string": (_is_string, "must be a string"),
    "boolean": (_is_boolean, "must be true or false"),
    "integer": (_is_integer, "must be a whole number of 32 bits"),
    "number": (_is_number, "must be a number"),
    "duration": (_is_duration, 'must be seconds as a string that ends in "s", such as "3.5s"'),
    "datetime": (_is_datetime, 'must be an instant as a string, such as "2026-01-02T03:04:05Z"'),
}


def scalar_error(value: object, kind: str) -> str | None:
    """What is wrong with `value` as a `kind` of the table, or None. Enum names are taken in any case, as FCM does."""
    word, _, names = kind.partition(":")
    if word == "enum":
        is_named = isinstance(value, str) and value.upper() in names.split()
        return None if is_named else "must be one of " + ", ".join(names.split())
    is_right, expectation = _SCALARS[word]
    return None if is_right(value) else expectation
