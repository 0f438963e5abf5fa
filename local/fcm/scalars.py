"""Checks of single JSON values by the types and formats of a Google discovery document (proto3's JSON mapping)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from local.fcm.problems import Invalid, Problem, invalid_value

Check = Callable[[object], object]

DURATION = re.compile(r"(-?\d{1,12})(\.\d{1,9})?s", re.ASCII)
DURATION_TYPE = "type.googleapis.com/google.protobuf.Duration"
LONGEST_DURATION_SECONDS = 315_576_000_000
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
TIMESTAMP_TYPE = "type.googleapis.com/google.protobuf.Timestamp"
INT32_LIMIT = 1 << 31


def check_string(value: object) -> object:
    """Accept a string only."""
    if type(value) is not str:
        raise Invalid(invalid_value("TYPE_STRING", value))
    return value


def check_boolean(value: object) -> object:
    """Accept true and false only."""
    if type(value) is not bool:
        raise Invalid(invalid_value("TYPE_BOOL", value))
    return value


def check_int32(value: object) -> object:
    """Accept a whole number of 32 bits, as a number or as decimal text."""
    number = _number(value)
    if number is None or number != int(number) or not -INT32_LIMIT <= number < INT32_LIMIT:
        raise Invalid(invalid_value("TYPE_INT32", value))
    return int(number)


def check_float(value: object) -> object:
    """Accept a finite number, as a number or as decimal text."""
    number = _number(value)
    if number is None:
        raise Invalid(invalid_value("TYPE_FLOAT", value))
    return number


def check_duration(value: object) -> object:
    """Accept text such as "3s" or "3.5s" and return the text."""
    if type(value) is str and (match := DURATION.fullmatch(value)) and abs(int(match[1])) <= LONGEST_DURATION_SECONDS:
        return value
    if type(value) is not str:
        raise Invalid(invalid_value(DURATION_TYPE, value))
    raise Invalid(Problem("Invalid value", f" ({DURATION_TYPE}), Illegal duration format; duration must end with 's'"))


def duration_seconds(text: str) -> float:
    """Return the seconds of an accepted duration."""
    return float(text[:-1])


def check_timestamp(value: object) -> object:
    """Accept an RFC 3339 instant and return its text."""
    if type(value) is str and (match := TIMESTAMP.fullmatch(value)):
        offset = "+00:00" if match[3] in "Zz" else match[3]
        try:
            datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}").astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        else:
            return value
    raise Invalid(invalid_value(TIMESTAMP_TYPE, value))


def enum_check(type_name: str, names: Sequence[str]) -> Check:
    """Build the check of an enum: its name in any case, or its number; the canonical name is returned."""
    known = frozenset(names)

    def check(value: object) -> object:
        if type(value) is str and value.upper() in known:
            return value.upper()
        if type(value) is int and 0 <= value < len(names):
            return names[value]
        raise Invalid(invalid_value(type_name, value))

    return check


def _number(value: object) -> float | None:
    try:
        number = float(value) if type(value) in {int, float, str} else None  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
    return number if number is not None and math.isfinite(number) else None
