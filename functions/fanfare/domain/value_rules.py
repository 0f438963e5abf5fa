"""Reading a single value that anybody may have written: it has the right type and lies within its bounds, or InvalidRequest names its field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from fanfare.domain.errors import InvalidRequest

_NAME = re.compile(r"[^\x00-\x1f\x7f]+\Z")
_TIME_OF_DAY = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]\Z")


def read_members(value: object, field: str, known: Iterable[str]) -> Mapping[str, Any]:
    """An object that has no other members than the known ones."""
    names = tuple(known)
    if not isinstance(value, Mapping):
        raise InvalidRequest.at(field, "must be an object")
    for name in value:
        if name not in names:
            raise InvalidRequest.at(f"{field}.{name}", f"is unknown; there are {', '.join(names)}")
    return value


def read_list(value: object, field: str, most: int) -> Iterable[object]:
    """A list of at most so many."""
    if not isinstance(value, list | tuple) or len(value) > most:
        raise InvalidRequest.at(field, f"must be a list of at most {most}")
    return value


def read_number(value: object, field: str, least: int, most: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidRequest.at(field, f"must be a whole number from {least} to {most}")
    return value


def read_text(value: object, field: str, longest: int) -> str:
    """A text without control characters."""
    if not isinstance(value, str) or len(value) > longest or not _NAME.match(value):
        raise InvalidRequest.at(field, f"must be a text of 1 to {longest} characters without control characters")
    return value


def read_time_of_day(value: object, field: str) -> str:
    """A time of day as HH:MM."""
    if not isinstance(value, str) or not _TIME_OF_DAY.match(value):
        raise InvalidRequest.at(field, "must be a time of day such as 22:00")
    return value


def read_word(value: object, field: str, words: type[StrEnum]) -> str:
    """One of a closed set of words."""
    if not isinstance(value, str) or value not in set(words):
        raise InvalidRequest.at(field, f"must be one of {', '.join(words)}")
    return value
