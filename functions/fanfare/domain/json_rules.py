"""What any JSON reader can take: the parser in front of us lets through more than FCM, Firestore and our own encoder do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping

from fanfare.domain.errors import FieldError

MAX_DEPTH = 15
"""Firestore takes 20 levels of maps, of which the stored notification uses some; protobuf's JSON readers take 100."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def json_errors(value: object, path: str, depth: int = 0) -> Iterator[FieldError]:
    """Half of a surrogate pair (no UTF-8), a number that no double holds (NaN included), nesting too deep, no JSON at all."""
    if isinstance(value, Mapping | list | tuple):
        yield from _container_errors(value, path, depth)
    elif isinstance(value, str):
        yield from _text_errors(value, path)
    elif isinstance(value, int | float):
        # Written so that NaN, which compares with nothing, is refused too.
        if not abs(value) <= sys.float_info.max:
            yield FieldError(path, "must be a finite number")
    elif value is not None:
        yield FieldError(path, "is no JSON value")


def _container_errors(value: Mapping[str, object] | list[object] | tuple[object, ...], path: str, depth: int) -> Iterator[FieldError]:
    if depth == MAX_DEPTH:
        yield FieldError(path, f"is nested deeper than {MAX_DEPTH} levels")
        return
    members = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, member in members:
        name = str(key)
        bad_name = tuple(_text_errors(name, path))
        yield from bad_name
        yield from json_errors(member, path if bad_name else f"{path}.{name}", depth + 1)


def _text_errors(text: str, path: str) -> Iterator[FieldError]:
    if _LONE_SURROGATE.search(text):
        yield FieldError(path, "holds half of a surrogate pair, which is no Unicode text")
